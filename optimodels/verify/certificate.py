"""The search for multipliers that prove a value optimal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

import numpy as np

from optimodels.arrays import Floats
from optimodels.result import Claim
from optimodels.verify.bound import Bound, evaluate, raised, settled, usable, with_signs
from optimodels.verify.problem import Problem
from optimodels.verify.proposals import bounds_of_step, linear_step
from optimodels.verify.rational import common_step, exact_low, rational, rounded_up
from optimodels.verify.testimony import Testimony
from optimodels.verify.tolerances import SNAP

#: Rounds of tangents beside a point at the apex of a cone.
_ROUNDS = 12
Multipliers = tuple[Floats, Floats]


def multipliers_of(
    problem: Problem, claim: Claim, testimonies: Sequence[Testimony]
) -> Iterator[Multipliers]:
    """Yield what is said about multipliers, as (m,) and (k,), with either sign."""
    yield from with_signs(*usable(problem, claim.row_multipliers, claim.cone_multipliers))
    for said in testimonies:
        if said.row_multipliers is not None:
            yield from with_signs(*usable(problem, said.row_multipliers, None))


def best_bound(
    problem: Problem,
    x: Floats,
    value: float,
    said: Iterator[Multipliers],
    testimonies: Sequence[Testimony] = (),
) -> Bound | None:
    """Return the first bound that proves the value optimal, or else the one that comes nearest.

    ``value`` is in the model's own sense, x (n,) the point that has it. Tried are the multipliers
    that were said, then our own from the tangents at x and at the points of testimonies. Of
    integer problems it is a bound of the relaxation, lifted to the next value that the objective
    can take; None where the relaxation is not convex.
    """
    relaxed = problem.relaxed()
    integer = relaxed is not problem
    if integer and not problem.convex:
        return None
    best: Bound | None = None
    for bound in _bounds(relaxed, x, said, testimonies, box=np.inf if integer else 1.0):
        if bound.proves(value):
            return bound
        if best is None or _distance(bound, value) < _distance(best, value):
            best = bound
    return _lifted(problem, best) if integer and best is not None else best


def _bounds(
    problem: Problem,
    x: Floats,
    said: Iterator[Multipliers],
    testimonies: Sequence[Testimony],
    box: float,
) -> Iterator[Bound]:
    for y, z in said:
        first = evaluate(problem, x, y, z)
        yield first
        better = settled(problem, x, first)
        if better is not first:
            yield better
    if not problem.proposable:
        return
    anchors = [x]
    if problem.convex and not problem.flat:
        points = (t.x for t in testimonies if t.x is not None and t.x.shape == x.shape)
        anchors += [point for point in points if np.isfinite(point).all()]
    for anchor in anchors:
        others: list[Floats] = []
        for _ in range(_ROUNDS):
            step = linear_step(problem, anchor, box, others)
            if step is None:
                break
            yield from bounds_of_step(problem, x, step)
            if not problem.cones.count or problem.cones.smooth(problem.cones.values(anchor)).all():
                break
            others.append(anchor + step.move)


def _distance(bound: Bound, value: float) -> float:
    away = abs(value - bound.value) + bound.residual
    return away if np.isfinite(away) else np.inf


def _lifted(problem: Problem, bound: Bound) -> Bound:
    """Raise the bound of a relaxation to the next value that the objective can take.

    Where every cost is a whole multiple of one step and no continuous column has a cost, so is
    the objective. The bound is summed in rational numbers where its size allows.
    """
    form = problem.form
    costly = form.linear != 0
    if problem.quadratic is not None or (costly & ~form.integer).any():
        return bound
    step = common_step(form.linear[costly])
    if step is None:
        return bound
    low = exact_low(form, bound.rows) if problem.flat else None
    if low is not None:
        return raised(bound, float(rounded_up(low, step) + rational(problem.constant)))
    if bound.residual + 1e-9 * bound.terms > 0.1 * SNAP * float(step):
        return bound
    steps = (bound.safe_low - problem.constant) / float(step)
    return raised(bound, ceil(steps - SNAP) * float(step) + problem.constant)
