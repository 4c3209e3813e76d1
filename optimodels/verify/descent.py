"""Feasible points better than a claimed one, and the curvature that hides them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.result import Check
from optimodels.verify.bound import Bound
from optimodels.verify.point import check_point
from optimodels.verify.problem import Problem, quadratic_terms
from optimodels.verify.proposals import lagrangian, linear_step, with_tangents
from optimodels.verify.scale import largest_terms
from optimodels.verify.tolerances import (
    CURVATURE_COLUMNS,
    FARKAS_REACH,
    MATERIAL,
    PRIMAL,
    ROUNDING,
    STATIONARITY,
    STRICT,
)

_HALVINGS = 12
_ROUNDS = 12
#: Negative curvature of the Lagrangian, where its largest entries are one, that rounding explains.
_CURVATURE = 1e-6


def better_point(problem: Problem, x: Floats) -> Floats | None:
    """Look along the best step of the linearisation for a feasible point materially better.

    It may be outside rows and bounds no further than x (n,) itself, or 1e-9. Where the step leaves
    a cone or a quadratic row, tangents at its end cut it off, and the next step is tried: the way
    from a boundary point to one barely outside passes through the inside. For problems without
    integer columns; None where nothing was found.
    """
    if not problem.proposable:
        return None
    step = linear_step(problem, x)
    anchors = [x]
    for _ in range(_ROUNDS):
        if step is None or step.gain <= MATERIAL * max(1.0, abs(problem.value(x))):
            return None
        bend = 0.0
        if problem.quadratic is not None:
            bend = float(step.move @ (problem.quadratic @ step.move))
        length = min(1.0, step.gain / bend) if bend > 0 else 1.0
        found = along(problem, x, step.move * length)
        if found is not None or not problem.rounded or not problem.convex:
            return found
        anchors.append(x + step.move)
        step = linear_step(Problem(with_tangents(problem, anchors)), x)
    return None


def beyond_reach(problem: Problem, x: Floats, bound: Bound) -> Floats | None:
    """Look for a materially better point where a bound that proves x (n,) optimal does not reach.

    A reduced cost small beside all costs counts as a residual near x alone. Where it is not small
    beside its own terms, its column has no curvature and its side is far, the linear program is
    solved in the unit of those costs, up to ``FARKAS_REACH``. A point so far away passes beside
    terms of its own size: it must be better by more than that is worth. For problems without
    integer columns.
    """
    form, cones = problem.form, problem.cones
    left = np.where(np.isnan(bound.reference), np.abs(bound.reduced), 0.0)
    if not left.any() or not problem.proposable:
        return None
    parts = np.abs(problem.gradient(bound.at)) + abs(form.rows).T @ np.abs(bound.rows)
    parts += abs(cones.matrix).T @ np.abs(bound.cones)
    none = np.zeros(cones.count)
    hessian = lagrangian(problem, x, problem.quadratic_rows, bound.tangents, none)
    left = np.where((left > STATIONARITY * parts) & (hessian.diagonal() == 0), left, 0.0)
    used = left > 0
    side = np.where(bound.reduced > 0, form.lower, form.upper)
    hidden = float((left[used] * np.abs(side - x)[used]).sum())
    if hidden <= MATERIAL * max(1.0, abs(problem.value(x))):
        return None
    unit = float(left.max())
    scaled = replace(form, linear=form.linear / unit)
    if form.quadratic is not None:
        scaled = replace(scaled, quadratic=sparse.csr_array(form.quadratic / unit))
    step = linear_step(Problem(scaled), x, FARKAS_REACH)
    found = None if step is None else along(problem, x, step.move)
    if found is None:
        return None
    gained = problem.value(x) - problem.value(found) - _worth_outside(problem, found, bound)
    return found if gained > MATERIAL * max(1.0, abs(problem.value(x))) else None


def _worth_outside(problem: Problem, x: Floats, bound: Bound) -> float:
    """Return what being outside rows and cones is worth at x (n,), at the prices of a bound, with
    what sums of doubles may be off by."""
    form, cones = problem.form, problem.cones
    values, prices = form.rows @ x, bound.rows
    sides = np.where(prices > 0, form.row_lower - values, values - form.row_upper)
    worth = float(np.abs(prices)[prices != 0] @ np.maximum(sides[prices != 0], 0.0))
    if cones.count:
        each = np.bincount(cones.owner, bound.cones * cones.values(x), cones.count)
        worth += float(np.maximum(-each, 0.0).sum())
    if problem.quadratic_rows:
        level = quadratic_terms(problem.quadratic_rows, x)[0]
        over = [
            max(row.lower - value, value - row.upper, 0.0)
            for row, value in zip(problem.quadratic_rows, level, strict=True)
        ]
        worth += float(np.abs(bound.tangents) @ np.array(over))
    terms = float(np.abs(problem.gradient(x) * x).sum())
    terms += float((abs(form.rows).T @ np.abs(prices)) @ np.abs(x))
    return worth + ROUNDING * terms


def along(problem: Problem, x: Floats, move: Floats) -> Floats | None:
    """Return a feasible point materially better than x (n,) on the way of a move, or None."""
    form, value = problem.form, problem.value(x)
    allowed = max(STRICT, check_point(form, problem.own_cones, x).excess)
    for _ in range(_HALVINGS):
        other = np.clip(x + move, np.minimum(form.lower, x), np.maximum(form.upper, x))
        gained = value - problem.value(other)
        better = gained > MATERIAL * max(1.0, abs(value))
        if better and check_point(form, problem.own_cones, other).excess <= allowed:
            return other
        move = move / 2
    return None


def curvature(problem: Problem, x: Floats, bound: Bound) -> tuple[Check, Floats | None] | None:
    """Test the second-order condition at a stationary point x (n,) of a nonconvex problem.

    Returns the check of the least eigenvalue of the Lagrangian's Hessian on the tangent space of
    all constraints with a multiplier, in units of the columns in which that Hessian's largest
    entries are one, and a better point along its eigenvector if there is one; None where the
    problem is too large.
    """
    form, cones = problem.form, problem.cones
    if len(x) > CURVATURE_COLUMNS:
        return None
    small = PRIMAL * max(1.0, float(np.abs(problem.gradient(x)).max(initial=0.0)))
    near = np.abs(bound.reference - x) <= PRIMAL * np.maximum(1.0, np.abs(x))
    held = (near & (np.abs(bound.reduced) > small)) | (form.lower == form.upper)
    free = np.flatnonzero(~held)
    rows = form.rows[(np.abs(bound.rows) > small) | (form.row_lower == form.row_upper)].toarray()
    curved = np.flatnonzero(bound.tangents)
    chosen = tuple(problem.quadratic_rows[i] for i in curved)
    weights = cones.weights(bound.cones)
    v = cones.values(x)
    weights = np.where(cones.smooth(v), weights, 0.0)
    tangents = (cones.tangents(v) @ cones.matrix)[weights > small].toarray()
    active = np.vstack([rows, quadratic_terms(chosen, x)[1], tangents])[:, free]
    hessian = lagrangian(problem, x, chosen, bound.tangents[curved], weights)
    block = hessian[free][:, free]
    largest = largest_terms(sparse.csr_array(block), np.ones(len(free)))
    bent = largest > ROUNDING * max(1.0, float(largest.max(initial=0.0)))
    unit = 1.0 / np.sqrt(np.where(bent, largest, 1.0))
    null = unit[:, None] * null_space(active * unit, len(free))
    if not null.shape[1]:
        return Check.of("curvature", 0.0, _CURVATURE), None
    values, vectors = np.linalg.eigh(null.T @ block @ null)
    check = Check.of("curvature", -values[0], _CURVATURE)
    if values[0] >= 0:
        return check, None
    direction = np.zeros(len(x))
    direction[free] = null @ vectors[:, 0]
    return check, better_along(problem, x, direction)


def better_along(problem: Problem, x: Floats, direction: Floats) -> Floats | None:
    """Look both ways of a direction (n,), near x (n,) and as far as bounds and rows let it."""
    near = float(np.max(np.maximum(1.0, np.abs(x)))) / float(np.abs(direction).max())
    for way in (direction, -direction):
        room = _room(problem, x, way)
        for length in (min(near, room), room):
            if np.isfinite(length):
                better = along(problem, x, way * length)
                if better is not None:
                    return better
    return None


def _room(problem: Problem, x: Floats, way: Floats) -> float:
    """How many times a direction goes from x (n,) into the first bound or row that it meets."""
    form = problem.form
    changes = np.concatenate([way, form.rows @ way])
    at = np.concatenate([x, form.rows @ x])
    low = np.concatenate([form.lower, form.row_lower])
    high = np.concatenate([form.upper, form.row_upper])
    moving = np.abs(changes) > 1e-9 * np.abs(way).max()
    room = np.where(changes > 0, high - at, low - at)[moving] / changes[moving]
    return float(np.maximum(room, 0.0).min(initial=np.inf))


def null_space(active: Floats, columns: int) -> Floats:
    """Return a basis (columns, k) of what the rows of ``active`` (r, columns) let pass."""
    if not active.shape[0]:
        return np.eye(columns)
    size = np.linalg.norm(active, axis=1, keepdims=True)
    _, singular, right = np.linalg.svd(active / np.where(size > 0, size, 1.0), full_matrices=True)
    rank = int((singular > 1e-10 * max(1.0, singular.max(initial=0.0))).sum())
    basis: Floats = right[rank:].T
    return basis
