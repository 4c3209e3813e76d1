"""Integer problems: bounds strengthened by rounding, divisibility, enumeration."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd

import numpy as np

from optimodels.form import Form, Vector
from optimodels.verify.point import ROWS

#: Boxes of whole points up to this many are searched whole.
MOST_POINTS = 2**20
#: Bounds are rounded to the objective's step only this far (in steps) from one: evaluated in
#: double precision, they carry this much rounding at the most.
_STEP_MARGIN = 1e-6


@dataclass(frozen=True)
class Enumeration:
    """The best whole point of a box, None where none is feasible."""

    x: Vector | None
    objective: float | None


def objective_step(form: Form) -> float | None:
    """Return the step of which every attainable objective is a multiple, None where there is none.

    Every column with a cost must be an integer one, and the costs multiples of a common step.
    """
    used = form.linear != 0
    if form.quadratic is not None or not used.any() or not np.all(form.integer[used]):
        return None
    costs = [Fraction(float(c)).limit_denominator(10**6) for c in form.linear[used]]
    if any(abs(float(f) - c) > 1e-12 * max(1.0, abs(c))
           for f, c in zip(costs, form.linear[used], strict=True)):  # fmt: skip
        return None
    bottom = 1
    for f in costs:
        bottom = bottom * f.denominator // gcd(bottom, f.denominator)
        if bottom > 10**9:
            return None
    top = gcd(*(int(f * bottom) for f in costs))
    return top / bottom


def rounded_bound(form: Form, value: float) -> float:
    """Strengthen a proven bound to the next objective that whole points can have."""
    step = objective_step(form)
    if step is None:
        return value
    steps = form.sign * (value - form.constant) / step
    if abs(steps) > 1e9:
        return value
    return float(form.constant + form.sign * np.ceil(steps - _STEP_MARGIN) * step)


def divisible(form: Form) -> bool:
    """False where a row of whole numbers over integer columns cannot equal its right side."""
    rows = form.rows.tocsr()
    for i in np.flatnonzero(form.row_lower == form.row_upper):
        span = slice(rows.indptr[i], rows.indptr[i + 1])
        data, side = rows.data[span], form.row_lower[i]
        whole = np.all(data == np.rint(data)) and np.all(form.integer[rows.indices[span]])
        if whole and side == np.rint(side) and len(data):
            common = gcd(*(int(v) for v in data))
            if common and int(side) % common:
                return False
    return True


def enumerate_box(form: Form) -> Enumeration | None:
    """Search every whole point of a purely integer box; None where that is too many points.

    Shapes are walked in blocks, so that memory stays small.
    """
    plain = not (form.cones or form.quadratic_rows or form.quadratic is not None)
    if not plain or not form.integer.all() or not len(form.linear):
        return None
    if not np.all(np.isfinite(form.lower) & np.isfinite(form.upper)):
        return None
    low = np.ceil(form.lower - 1e-9).astype(np.int64)
    width = np.floor(form.upper + 1e-9).astype(np.int64) - low + 1
    if np.any(width <= 0):
        return Enumeration(None, None)
    if float(np.prod(width.astype(float))) > MOST_POINTS:
        return None
    total = int(np.prod(width))
    rows = form.rows.tocsr()
    reach = abs(rows).sum(axis=1) if rows.shape[0] else np.zeros(0)
    slack = ROWS * np.maximum(1.0, np.asarray(reach).ravel())
    best, best_x = np.inf, None
    for start in range(0, total, 1 << 15):
        index = np.arange(start, min(total, start + (1 << 15)))
        points = np.stack(np.unravel_index(index, tuple(width)), axis=1) + low
        value = points @ rows.T if rows.shape[0] else np.zeros((len(points), 0))
        inside = np.all(
            (value >= form.row_lower - slack) & (value <= form.row_upper + slack), axis=1
        )
        if inside.any():
            costs = form.sign * (points[inside] @ form.linear)
            k = int(np.argmin(costs))
            if costs[k] < best:
                best, best_x = float(costs[k]), points[inside][k].astype(float)
    if best_x is None:
        return Enumeration(None, None)
    return Enumeration(best_x, form.objective(best_x))
