"""Multipliers, points and rays proposed by linear programs; nothing in them is trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.form import Form, QuadraticRow
from optimodels.verify.bound import Bound, evaluate, settled, solve_sparse
from optimodels.verify.cones import by_cone
from optimodels.verify.problem import Problem, quadratic_terms
from optimodels.verify.scale import largest_terms
from optimodels.verify.tolerances import PRIMAL, PROPOSAL_NODES

_POLISH_STEPS = 4
#: Weight of a tangent, against the largest one, below which it is taken as inactive.
_INACTIVE = 1e-9


@dataclass(frozen=True)
class LinearAnswer:
    """Solution of an LP: x (n,), row multipliers (m,) positive at lower sides, optimum."""

    x: Floats
    rows: Floats
    value: float


def solve_lp(
    cost: Floats, rows: sparse.csr_array, low: Floats, high: Floats, lower: Floats, upper: Floats
) -> LinearAnswer | None:
    """Minimise ``cost @ x`` over ``low <= rows @ x <= high`` and bounds; None without optimum."""
    from scipy.optimize import linprog

    equal = low == high
    below, above = np.isfinite(low) & ~equal, np.isfinite(high) & ~equal
    body = sparse.csr_array(rows)
    inequalities = sparse.vstack([-body[below], body[above]], format="csr")
    right = np.concatenate([-low[below], high[above]])
    try:
        # Untyped: the stubs know no sparse matrices and no array of bounds.
        found = _untyped(linprog)(
            cost,
            A_ub=inequalities if len(right) else None,
            b_ub=right if len(right) else None,
            A_eq=body[equal] if equal.any() else None,
            b_eq=low[equal] if equal.any() else None,
            bounds=np.stack([lower, upper], axis=1),
            method="highs",
        )
    except ValueError:
        return None
    if found.status != 0 or found.x is None:
        return None
    y = np.zeros(len(low))
    if equal.any():
        y[equal] = found.eqlin.marginals
    if len(right):
        split = int(below.sum())
        marginals = -np.asarray(found.ineqlin.marginals)
        y[below] += marginals[:split]
        y[above] -= marginals[split:]
    return LinearAnswer(np.asarray(found.x, dtype=float), y, float(found.fun))


def _untyped(function: Any) -> Any:
    return function


def integer_point(form: Form) -> Floats | None:
    """Propose a point (n,) of the rows, bounds and integrality by a small branch and bound."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    rows = LinearConstraint(form.rows, form.row_lower, form.row_upper)
    try:
        found = milp(
            np.zeros(len(form.linear)),
            integrality=form.integer.astype(int),
            bounds=Bounds(form.lower, form.upper),
            constraints=rows if len(form.row_lower) else None,
            options={"node_limit": PROPOSAL_NODES},
        )
    except ValueError:
        return None
    if found.x is None:
        return None
    x = np.asarray(found.x, dtype=float)
    return np.where(form.integer, np.rint(x), x)


@dataclass(frozen=True)
class Step:
    """The linear program of a problem's tangents at a point, solved.

    ``move`` (n,) improves the tangents most within the box; multipliers are those of the rows
    (m,), the tangents of quadratic rows (q,), the cones (k,); ``smooth`` (c,) holds the weights of
    the cones' own tangents within them.
    """

    at: Floats
    move: Floats
    gain: float
    rows: Floats
    tangents: Floats
    cones: Floats
    smooth: Floats


def linear_step(
    problem: Problem, x: Floats, box: float = 1.0, others: Sequence[Floats] = ()
) -> Step | None:
    """Solve the linearisation at x (n,): of a convex problem its multipliers give a bound.

    The step stays within ``box`` times max(1, |x_j|); ``box`` may be infinite.
    Cones also get the tangents of ``others``, which matter where x is at an apex. Sides that x
    touches or oversteps within the tolerance count as met exactly: standing still is feasible.
    """
    form, cones = problem.form, problem.cones
    gradient = problem.gradient(x)
    rows, low, high = (
        [form.rows],
        [form.row_lower - form.rows @ x],
        [form.row_upper - form.rows @ x],
    )
    quads = problem.quadratic_rows
    if quads:
        values, gradients = quadratic_terms(quads, x)
        rows.append(sparse.csr_array(gradients))
        low.append(np.array([row.lower for row in quads]) - values)
        high.append(np.array([row.upper for row in quads]) - values)
    normals: list[Floats] = []
    if cones.count:
        v = cones.values(x)
        normals = [cones.normals(v), *cones.corner_normals(v)]
        normals += [cones.normals(cones.values(other)) for other in others]
        for normal in normals:
            spread = by_cone(cones, normal)
            rows.append(sparse.csr_array(spread @ cones.matrix))
            low.append(-(spread @ v))
            high.append(np.full(cones.count, np.inf))
    body = sparse.csr_array(sparse.vstack(rows, format="csr")) if len(rows) > 1 else form.rows
    scale = np.maximum(
        1.0, np.concatenate([largest_terms(sparse.csr_array(part), x) for part in rows])
    )
    lows = _touching(np.concatenate(low), scale, -1.0)
    highs = _touching(np.concatenate(high), scale, 1.0)
    reach = np.maximum(1.0, np.abs(x))
    lower = _touching(form.lower - x, reach, -1.0)
    upper = _touching(form.upper - x, reach, 1.0)
    lower, upper = np.maximum(lower, -box * reach), np.minimum(upper, box * reach)
    answer = solve_lp(gradient, body, lows, highs, lower, upper)
    if answer is None:
        return None
    parts = np.split(answer.rows, np.cumsum([part.shape[0] for part in rows])[:-1])
    place = 1 + bool(quads)
    z = np.zeros(len(cones.offset))
    for normal, weights in zip(normals, parts[place:], strict=True):
        z += normal * weights[cones.owner]
    return Step(
        at=x,
        move=answer.x,
        gain=-answer.value,
        rows=parts[0],
        tangents=parts[1] if quads else np.zeros(0),
        cones=z,
        smooth=parts[place] if normals else np.zeros(cones.count),
    )


def bounds_of_step(problem: Problem, x: Floats, step: Step) -> Iterator[Bound]:
    """Yield bounds of a step's multipliers, each better than the last as a rule."""
    first = evaluate(problem, x, step.rows, step.cones, step.tangents, step.at)
    yield first
    if not problem.convex or problem.flat:
        return
    step = _trimmed(problem, step)
    first = evaluate(problem, x, step.rows, step.cones, step.tangents, step.at)
    yield first
    better = settled(problem, x, first)
    if better is not first:
        yield better
    yield from _polished(problem, x, step, first)


def _trimmed(problem: Problem, step: Step) -> Step:
    """Drop multipliers of rows and tangents that only the end of the step met."""
    form, quads, at = problem.form, problem.quadratic_rows, step.at
    side = np.where(step.rows > 0, form.row_lower, form.row_upper)
    met = np.abs(side - form.rows @ at) <= PRIMAL * np.maximum(1.0, largest_terms(form.rows, at))
    values, gradients = quadratic_terms(quads, at)
    level = np.array(
        [q.lower if w > 0 else q.upper for w, q in zip(step.tangents, quads, strict=True)]
    )
    size = np.maximum(1.0, np.abs(gradients * at).max(axis=1, initial=0.0))
    touched = np.abs(level - values) <= PRIMAL * size
    v = problem.cones.values(at)
    room = problem.cones.tangents(v) @ v
    on_edge = room <= PRIMAL * np.maximum(1.0, abs(problem.cones.tangents(v)) @ np.abs(v))
    return replace(
        step,
        rows=np.where(met, step.rows, 0.0),
        tangents=np.where(touched, step.tangents, 0.0),
        cones=np.where(on_edge[problem.cones.owner], step.cones, 0.0),
        smooth=np.where(on_edge, step.smooth, 0.0),
    )


def _polished(problem: Problem, x: Floats, step: Step, bound: Bound) -> Iterator[Bound]:
    """Newton's method on the optimality conditions of what the step found active.

    Rows, quadratic rows and smooth cones with a weight are held as equalities, columns at a bound
    stay there; the tangent point and all weights move together, and converge quadratically.
    """
    form, cones = problem.form, problem.cones
    at, y, w, smooth = step.at.copy(), step.rows.copy(), step.tangents.copy(), step.smooth.copy()
    near = np.abs(bound.reference - x) <= PRIMAL * np.maximum(1.0, np.abs(x))
    free = np.flatnonzero(~(near & (bound.reduced != 0)))
    held, curved = _active(y), _active(w)
    rounded = _active(smooth)
    rounded = rounded[cones.smooth(cones.values(at))[rounded]]
    smooth[np.setdiff1d(np.arange(cones.count), rounded)] = 0.0
    moving = np.isin(cones.owner, rounded)
    # What the corners of cones carry stays as it is.
    fixed = np.where(moving, 0.0, step.cones)
    rows = sparse.csr_array(form.rows[held])
    chosen = tuple(problem.quadratic_rows[i] for i in curved)
    pairs = zip(w[curved], chosen, strict=True)
    levels = np.array([row.lower if weight > 0 else row.upper for weight, row in pairs])
    sides = np.where(y[held] > 0, form.row_lower[held], form.row_upper[held])
    if not len(free):
        return
    for _ in range(_POLISH_STEPS):
        v = cones.values(at)
        spread = sparse.csr_array(cones.tangents(v)[rounded])
        values, gradients = quadratic_terms(chosen, at)
        parts = [rows, sparse.csr_array(gradients), sparse.csr_array(spread @ cones.matrix)]
        active = sparse.csr_array(sparse.vstack(parts, format="csr"))
        weights = np.concatenate([y[held], w[curved], smooth[rounded]])
        missed = np.concatenate([sides - rows @ at, levels - values, -(spread @ v)])
        slope = problem.gradient(at) - active.T @ weights - cones.matrix.T @ fixed
        hessian = lagrangian(problem, at, chosen, w[curved], smooth)
        change = _kkt(hessian, active, slope, missed, free)
        if change is None:
            return
        moved, *dual = np.split(change, np.cumsum([len(free), len(held), len(curved)]))
        at[free] += moved
        y[held] += dual[0]
        w[curved] += dual[1]
        smooth[rounded] += dual[2]
        if not np.isfinite(at).all():
            return
        z = fixed + cones.normals(cones.values(at)) * smooth[cones.owner]
        yield evaluate(problem, x, y, z, w, at.copy())


def with_tangents(problem: Problem, anchors: Sequence[Floats]) -> Form:
    """Replace cones and convex quadratic rows by their tangents at some points: outer rows."""
    form, cones, quads = problem.form, problem.cones, problem.quadratic_rows
    rows, low, high = [form.rows], [form.row_lower], [form.row_upper]
    for x in anchors:
        if quads:
            values, gradients = quadratic_terms(quads, x)
            level = values - gradients @ x
            rows.append(sparse.csr_array(gradients))
            low.append(np.array([row.lower for row in quads]) - level)
            high.append(np.array([row.upper for row in quads]) - level)
        if cones.count:
            v = cones.values(x)
            rows.append(sparse.csr_array(cones.tangents(v) @ cones.matrix))
            low.append(-(cones.tangents(v) @ cones.offset))
            high.append(np.full(cones.count, np.inf))
    return replace(
        form,
        rows=sparse.csr_array(sparse.vstack(rows, format="csr")),
        row_lower=np.concatenate(low),
        row_upper=np.concatenate(high),
        row_blocks=(),
        cones=(),
        quadratic_rows=(),
    )


def lagrangian(
    problem: Problem,
    at: Floats,
    rows: tuple[QuadraticRow, ...],
    weights: Floats,
    smooth: Floats,
) -> sparse.csr_array:
    """Hessian (n, n) at a point (n,): the objective, less weighted quadratic rows, and cones.

    ``weights`` belong to ``rows``, ``smooth`` (count,) to the cones, zero where they are rough.
    """
    n = len(at)
    hessian = sparse.csr_array((n, n)) if problem.quadratic is None else problem.quadratic
    for weight, row in zip(weights, rows, strict=True):
        hessian = hessian - weight * row.matrix
    cones = problem.cones
    if smooth.any():
        bend = cones.curvature(cones.values(at), smooth)
        hessian = hessian + cones.matrix.T @ bend @ cones.matrix
    return sparse.csr_array(hessian)


def _kkt(
    hessian: sparse.csr_array,
    active: sparse.csr_array,
    slope: Floats,
    missed: Floats,
    free: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> Floats | None:
    """Solve [H -B'; B 0] (dx, dw) = (-slope, missed); a small ridge keeps it regular."""
    block = hessian[free][:, free]
    border = active[:, free]
    size = max(1.0, float(np.abs(block.data).max(initial=0.0)))
    ridge = 1e-10 * size
    upper = sparse.hstack([block + ridge * sparse.eye_array(len(free)), -border.T])
    lower = sparse.hstack([border, 1e-12 * sparse.eye_array(border.shape[0])])
    whole = sparse.csc_array(sparse.vstack([upper, lower], format="csc"))
    return solve_sparse(whole, np.concatenate([-slope[free], missed]))


def _active(weights: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    largest = float(np.abs(weights).max(initial=0.0))
    return np.flatnonzero(np.abs(weights) > _INACTIVE * max(1.0, largest))


def _touching(side: Floats, scale: Floats, direction: float) -> Floats:
    """Distances to sides, zero where the point touches or oversteps them."""
    return np.where(direction * side <= PRIMAL * scale, 0.0, side)
