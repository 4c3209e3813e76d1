"""Is a point what it claims to be: feasible, whole where it must be, of the claimed value?"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from optimodels.form import Cone, Form, Vector
from optimodels.result import Check

#: Per row, relative to its largest term: what double precision and solvers' tolerances leave.
ROWS = 1e-6
BOUNDS = 1e-6
INTEGRALITY = 1e-5
CONES = 1e-6
#: The claimed objective against the one recomputed, relative.
OBJECTIVE = 1e-6
#: Rows of whole numbers are checked in exact integers up to this magnitude of their data.
_EXACT = 2.0**53


def polished(form: Form, x: Vector) -> Vector:
    """Return x (n,) with integer columns rounded where they are whole within tolerance."""
    near = np.rint(x)
    whole = form.integer & (np.abs(x - near) <= INTEGRALITY * np.maximum(1.0, np.abs(x)))
    return np.where(whole, near, x)


def point_checks(form: Form, x: Vector, claimed: float | None) -> list[Check]:
    """Check a point (n,) against the original rows, bounds, integrality and cones.

    Residuals are relative to the largest term of their row. Rows of whole numbers over integer
    columns are checked exactly: a residual of one in a million is no balance there.
    """
    if x.shape != form.linear.shape or not np.all(np.isfinite(x)):
        return [Check("numbers", 1.0, 0.0, False)]
    checks = [Check.of("rows", _row_residual(form, x), ROWS)]
    if form.integer.any():
        off = np.abs(x - np.rint(x))[form.integer] / np.maximum(1.0, np.abs(x[form.integer]))
        checks.append(Check.of("integrality", float(off.max()), INTEGRALITY))
        wrong = exact_violation(form, x)
        if wrong is not None:
            checks.append(Check.of("whole rows, exact", wrong, 0.0))
    scale = np.maximum(1.0, np.abs(x))
    outside = np.maximum(form.lower - x, x - form.upper) / scale
    checks.append(Check.of("bounds", float(np.max(outside, initial=0.0)), BOUNDS))
    if form.cones:
        checks.append(Check.of("cones", max(cone_violation(c, x) for c in form.cones), CONES))
    if form.quadratic_rows:
        checks.append(Check.of("quadratic rows", _quadratic_residual(form, x), ROWS))
    if claimed is not None:
        value = form.objective(x)
        off_by = abs(value - claimed) / max(1.0, abs(value))
        checks.append(Check.of("objective", off_by, OBJECTIVE))
    return checks


def _row_residual(form: Form, x: Vector) -> float:
    if not len(form.row_lower):
        return 0.0
    value = form.rows @ x
    terms = abs(form.rows).multiply(np.abs(x)[None, :]).tocsr()
    largest = np.zeros(len(value)) if not terms.nnz else np.asarray(
        terms.max(axis=1).todense()
    ).ravel()  # fmt: skip
    sides = [np.where(np.isfinite(s), np.abs(s), 0.0) for s in (form.row_lower, form.row_upper)]
    scale = np.maximum.reduce([np.ones(len(value)), largest, *sides])
    outside = np.maximum(form.row_lower - value, value - form.row_upper) / scale
    return float(np.max(outside, initial=0.0))


def exact_violation(form: Form, x: Vector) -> float | None:
    """Return the largest violation of rows of whole numbers, exact; None where there is none
    such row. Columns outside those rows do not matter."""
    rows = form.rows.tocsr()
    counts = np.diff(rows.indptr)
    fractional = (rows.data != np.rint(rows.data)) | ~form.integer[rows.indices]
    owner = np.repeat(np.arange(len(counts)), counts)
    whole = np.bincount(owner, weights=fractional, minlength=len(counts)) == 0
    for side in (form.row_lower, form.row_upper):
        whole &= ~np.isfinite(side) | (side == np.rint(side))
    pick = np.flatnonzero(whole)
    if not len(pick):
        return None
    near = np.rint(x[form.integer])
    if np.abs(near).max(initial=0.0) >= _EXACT or np.abs(rows.data).max(initial=0.0) >= _EXACT:
        return _big_violation(form, rows, x, pick)
    entries = rows[pick]
    whole_x = np.where(form.integer, np.rint(x), 0.0).astype(np.int64)
    reach = float((abs(entries) @ np.abs(whole_x)).max(initial=0.0))
    if reach >= 2.0**62:
        return _big_violation(form, rows, x, pick)
    data = entries.astype(np.int64)
    value = data @ whole_x
    worst = 0
    for side, sign in ((form.row_lower, 1), (form.row_upper, -1)):
        known = np.isfinite(side[pick])
        if known.any():
            edge = side[pick][known].astype(np.int64)
            worst = max(worst, int((sign * (edge - value[known])).max()))
    return float(worst)


def _big_violation(form: Form, rows: Any, x: Vector, pick: Any) -> float:
    worst = Fraction(0)
    for i in pick:
        span = slice(rows.indptr[i], rows.indptr[i + 1])
        value = sum(
            int(a) * round(x[j]) for a, j in zip(rows.data[span], rows.indices[span], strict=True)
        )
        for side, sign in ((form.row_lower[i], 1), (form.row_upper[i], -1)):
            if np.isfinite(side):
                worst = max(worst, Fraction(sign * (int(side) - value)))
    return float(worst)


def cone_violation(cone: Cone, x: Vector) -> float:
    """Return how far ``matrix @ x + offset`` lies outside its cone, relative to its size."""
    v = cone.matrix @ x + cone.offset
    if cone.kind == "second-order":
        return float(max(0.0, np.linalg.norm(v[1:]) - v[0]) / max(1.0, np.abs(v).max()))
    first, second, third = v
    scale = max(1.0, float(np.abs(v).max()))
    if second <= 0:
        # The closure: y = 0 with x <= 0 and z >= 0.
        return float(max(-second, first if second == 0 else 0.0, -third, 0.0)) / scale
    with np.errstate(over="ignore"):
        return float(max(0.0, second * np.exp(first / second) - third)) / scale


def _quadratic_residual(form: Form, x: Vector) -> float:
    worst = 0.0
    for row in form.quadratic_rows:
        bend, slope = 0.5 * float(x @ (row.matrix @ x)), float(row.linear @ x)
        scale = max(1.0, abs(bend), abs(slope))
        value = bend + slope
        worst = max(worst, (row.lower - value) / scale, (value - row.upper) / scale)
    return worst
