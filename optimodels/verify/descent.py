"""Feasible points better than a claimed one, and the curvature that hides them."""

from __future__ import annotations

import numpy as np

from optimodels.arrays import Floats
from optimodels.result import Check
from optimodels.verify.bound import Bound
from optimodels.verify.point import check_point
from optimodels.verify.problem import Problem, quadratic_terms
from optimodels.verify.proposals import lagrangian, linear_step, with_tangents
from optimodels.verify.tolerances import CURVATURE_COLUMNS, MATERIAL, PRIMAL, STRICT

_HALVINGS = 12
_ROUNDS = 12
#: Negative curvature of the Lagrangian, relative to its largest entry, that rounding explains.
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
    all constraints with a multiplier, and a better point along its eigenvector if there is one;
    None where the problem is too large.
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
    block = hessian[free][:, free].toarray()
    null = _null_space(active, len(free))
    if not null.shape[1]:
        return Check.of("curvature", 0.0, _CURVATURE), None
    values, vectors = np.linalg.eigh(null.T @ block @ null)
    check = Check.of("curvature", -values[0] / max(1.0, np.abs(block).max()), _CURVATURE)
    if check.passed:
        return check, None
    direction = np.zeros(len(x))
    direction[free] = null @ vectors[:, 0]
    for way in (direction, -direction):
        better = along(problem, x, to_edge(problem, x, way))
        if better is not None:
            return check, better
    return check, None


def to_edge(problem: Problem, x: Floats, way: Floats) -> Floats:
    """Stretch a direction to the first bound or row that it meets, at most to max(1, |x|)."""
    form = problem.form
    reach = float(np.max(np.maximum(1.0, np.abs(x)))) / float(np.abs(way).max())
    changes = np.concatenate([way, form.rows @ way])
    at = np.concatenate([x, form.rows @ x])
    low = np.concatenate([form.lower, form.row_lower])
    high = np.concatenate([form.upper, form.row_upper])
    moving = np.abs(changes) > 1e-9
    room = np.where(changes > 0, high - at, low - at)[moving] / changes[moving]
    return way * min(reach, float(np.maximum(room, 0.0).min(initial=np.inf)))


def _null_space(active: Floats, columns: int) -> Floats:
    if not active.shape[0]:
        return np.eye(columns)
    _, singular, right = np.linalg.svd(active, full_matrices=True)
    rank = int((singular > 1e-10 * max(1.0, singular.max(initial=0.0))).sum())
    basis: Floats = right[rank:].T
    return basis
