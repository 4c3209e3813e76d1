"""Proposals: multipliers, feasible points and rays from a linear programme.

SciPy's solver only proposes here; what it proposes is evaluated elsewhere by arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from optimodels.form import Cone, Form, Vector
from optimodels.verify.bound import Multipliers, linearise

#: Rounds of tangents, and the relative gap at which they are enough.
_ROUNDS = 40
_CLOSE = 1e-8


@dataclass(frozen=True)
class _Rows:
    matrix: Any
    lower: Vector
    upper: Vector


def multipliers_at(form: Form, x: Vector) -> Multipliers | None:
    """Return multipliers of the linearisation at x within a box around it, or None."""
    flat = linearise(form, x)
    rows, normals = _all_rows(form, x, flat)
    reach = np.maximum(1.0, np.abs(x))
    low = np.maximum(form.lower, x - reach) - x
    high = np.minimum(form.upper, x + reach) - x
    moved = rows.matrix @ x
    # Sides that the point violates by rounding would make the proposal infeasible.
    lower = np.minimum(rows.lower - moved, 0.0)
    upper = np.maximum(rows.upper - moved, 0.0)
    solved = _linprog(flat.slope, _Rows(rows.matrix, lower, upper), np.minimum(low, 0.0),
                      np.maximum(high, 0.0))  # fmt: skip
    return None if solved is None else _split(form, solved[1], normals)


def outer_form(form: Form, x: Vector, objective: float) -> tuple[Form, Multipliers] | None:
    """Replace curves and cones by tangents at x and at the optima of what they leave.

    At a nearly optimal point the tangents there give a bound that is off by the square root of
    the point's error; a few more close it. Every tangent of a convex set is a relaxation of it,
    so that the bound of the form returned is one of the form given. Returns it with multipliers.
    """
    from scipy import sparse

    flat = linearise(form, x)
    reach = np.maximum(1.0, np.abs(x))
    low, high = np.maximum(form.lower, x - reach), np.minimum(form.upper, x + reach)
    matrix, lower, upper = form.rows, form.row_lower, form.row_upper
    goal = form.sign * objective - _CLOSE * max(1.0, abs(objective))
    at, found = x, None
    for _ in range(_ROUNDS):
        rows, _normals = _all_rows(form, at, linearise(form, at))
        own = form.rows.shape[0]
        matrix = sparse.csr_array(sparse.vstack([matrix, rows.matrix[own:]], format="csr"))
        lower = np.concatenate([lower, rows.lower[own:]])
        upper = np.concatenate([upper, rows.upper[own:]])
        solved = _linprog(flat.slope, _Rows(matrix, lower, upper), low, high)
        if solved is None:
            break
        at, found = solved[0], (matrix, lower, upper, solved[1])
        if float(flat.slope @ at) + flat.constant >= goal:
            break
    if found is None:
        return None
    outer = replace(
        form,
        rows=found[0],
        row_lower=found[1],
        row_upper=found[2],
        cones=(),
        quadratic_rows=(),
    )
    return outer, Multipliers(found[3], np.zeros(0), ())


def relaxation(form: Form) -> tuple[Vector, Multipliers] | None:
    """Return point and multipliers of the linear relaxation of a form without curves, or None."""
    if form.cones or form.quadratic_rows or form.quadratic is not None:
        return None
    rows = _Rows(form.rows, form.row_lower, form.row_upper)
    solved = _linprog(form.sign * form.linear, rows, form.lower, form.upper)
    return None if solved is None else (solved[0], _split(form, solved[1], []))


def least_violation(form: Form) -> tuple[Vector, float, Multipliers] | None:
    """Minimise the sum of violations of the linear rows within the bounds.

    Returns the point, the sum and the multipliers, which prove infeasibility where it is not 0.
    """
    from scipy import sparse

    if np.any(form.lower > form.upper):
        return None
    m, n = form.rows.shape
    wide = sparse.hstack([form.rows, sparse.eye_array(m), -sparse.eye_array(m)], format="csr")
    cost = np.concatenate([np.zeros(n), np.ones(2 * m)])
    low = np.concatenate([form.lower, np.zeros(2 * m)])
    high = np.concatenate([form.upper, np.full(2 * m, np.inf)])
    solved = _linprog(cost, _Rows(wide, form.row_lower, form.row_upper), low, high)
    if solved is None:
        return None
    return solved[0][:n], float(solved[0][n:].sum()), _split(form, solved[1], [])


def ray(form: Form) -> Vector | None:
    """Return the direction of steepest descent in the recession cone of the linear parts."""
    from scipy import sparse

    low = np.where(np.isfinite(form.lower), 0.0, -1.0)
    high = np.where(np.isfinite(form.upper), 0.0, 1.0)
    lower = np.where(np.isfinite(form.row_lower), 0.0, -np.inf)
    upper = np.where(np.isfinite(form.row_upper), 0.0, np.inf)
    matrix = form.rows
    if form.quadratic is not None:
        n = len(form.linear)
        matrix = sparse.vstack([matrix, form.quadratic], format="csr")
        lower, upper = (np.concatenate([side, np.zeros(n)]) for side in (lower, upper))
    solved = _linprog(form.sign * form.linear, _Rows(matrix, lower, upper), low, high)
    return None if solved is None else solved[0]


def _all_rows(form: Form, x: Vector, flat: Any) -> tuple[_Rows, list[Vector | None]]:
    """Rows, tangents of quadratic rows and supporting half-spaces of cones, in this order."""
    from scipy import sparse

    blocks, lower, upper = [form.rows], [form.row_lower], [form.row_upper]
    if flat.tangents is not None:
        blocks.append(flat.tangents)
        lower.append(flat.lower)
        upper.append(flat.upper)
    normals = [supporting(cone, x) for cone in form.cones]
    for cone, normal in zip(form.cones, normals, strict=True):
        if normal is not None:
            blocks.append(sparse.csr_array((cone.matrix.T @ normal)[None, :]))
            lower.append(np.array([-float(normal @ cone.offset)]))
            upper.append(np.array([np.inf]))
    stacked = sparse.csr_array(sparse.vstack(blocks, format="csr"))
    return _Rows(stacked, np.concatenate(lower), np.concatenate(upper)), normals


def supporting(cone: Cone, x: Vector) -> Vector | None:
    """Return the normal of the cone's supporting half-space nearest to a point, if it has one."""
    v = cone.matrix @ x + cone.offset
    if cone.kind == "second-order":
        length = float(np.linalg.norm(v[1:]))
        return None if length == 0 else np.concatenate([[1.0], -v[1:] / length])
    if v[1] <= 0:
        return None
    ratio = v[0] / v[1]
    with np.errstate(over="ignore"):
        growth = float(np.exp(ratio))
    if not np.isfinite(growth):
        return None
    return np.array([-growth, -growth * (1.0 - ratio), 1.0])


def _split(form: Form, y: Vector, normals: list[Vector | None]) -> Multipliers:
    m, q = len(form.row_lower), len(form.quadratic_rows)
    place = m + q
    cones = []
    for cone, normal in zip(form.cones, normals, strict=False):
        if normal is None:
            cones.append(np.zeros(len(cone.offset)))
        else:
            cones.append(max(0.0, float(y[place])) * normal)
            place += 1
    return Multipliers(y[:m], y[m : m + q], tuple(cones))


def _linprog(cost: Vector, rows: _Rows, low: Vector, high: Vector) -> tuple[Vector, Vector] | None:
    """Return point and row multipliers of a linear programme, None where it has no optimum."""
    from scipy.optimize import linprog

    sparse_linprog: Any = linprog  # its type hints know no sparse matrices

    equal = rows.lower == rows.upper
    up = np.flatnonzero(np.isfinite(rows.upper) & ~equal)
    down = np.flatnonzero(np.isfinite(rows.lower) & ~equal)
    same = np.flatnonzero(equal)
    matrix = rows.matrix.tocsr()
    from scipy import sparse

    inequalities = sparse.vstack([matrix[up], -matrix[down]]) if len(up) + len(down) else None
    sides = np.concatenate([rows.upper[up], -rows.lower[down]])
    solved = sparse_linprog(
        cost,
        A_ub=inequalities,
        b_ub=sides if inequalities is not None else None,
        A_eq=matrix[same] if len(same) else None,
        b_eq=rows.lower[same] if len(same) else None,
        bounds=np.stack([low, high], axis=1),
        method="highs",
    )
    if solved.status != 0 or solved.x is None:
        return None
    y = np.zeros(len(rows.lower))
    if inequalities is not None:
        y[up] += solved.ineqlin.marginals[: len(up)]
        y[down] -= solved.ineqlin.marginals[len(up) :]
    if len(same):
        y[same] = solved.eqlin.marginals
    return np.asarray(solved.x), y
