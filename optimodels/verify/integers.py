"""Integer columns: rows in whole numbers, the objective's step, enumeration, propagation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.form import Form
from optimodels.result import Check
from optimodels.verify.rational import in_whole_numbers
from optimodels.verify.tolerances import ENUMERATION_POINTS, ENUMERATION_WORK, EXACT_NONZEROS, SNAP

Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]
_CHUNK = 2**14
_EPS = float(np.finfo(float).eps)
_ROUNDS = 20


@dataclass(frozen=True)
class IntegerRows:
    """Rows of integer columns alone, multiplied to whole numbers: low <= matrix @ x <= high.

    ``index`` (r,) names the rows of the form, ``factor`` (r,) what they were multiplied by;
    sides may be infinite.
    """

    index: Numbers
    factor: Floats
    matrix: sparse.csr_array
    low: Floats
    high: Floats

    def check(self, form: Form, x: Floats) -> tuple[Check, str]:
        """Test whole numbers x (n,) exactly; the check's value is in the row's own units."""
        text = ""
        worst = 0.0
        if len(self.index):
            safe = abs(self.matrix) @ np.abs(x) < 2.0**53
            # Sums of whole numbers below 2^53 are exact in doubles.
            activity = self.matrix @ x
            for row in np.flatnonzero(~safe):
                activity[row] = self._python_sum(int(row), x)
            off = np.maximum(np.maximum(self.low - activity, activity - self.high), 0.0)
            off = off / self.factor
            place = int(np.argmax(off))
            worst = float(off[place])
            name = form.row_name(int(self.index[place]))
            text = f"row {name} is violated by exactly {worst:.6g}"
        return Check.of("integer rows", worst, 0.0), text

    def within(self, reach: Floats) -> IntegerRows:
        """Return the rows whose sums are exact in doubles for all |x_j| up to reach (n,)."""
        kept = abs(self.matrix) @ reach < 2.0**53
        return IntegerRows(
            self.index[kept],
            self.factor[kept],
            sparse.csr_array(self.matrix[kept]),
            self.low[kept],
            self.high[kept],
        )

    def _python_sum(self, row: int, x: Floats) -> float:
        places = range(self.matrix.indptr[row], self.matrix.indptr[row + 1])
        return float(sum(int(self.matrix.data[k]) * int(x[self.matrix.indices[k]]) for k in places))

    def indivisible(self, form: Form) -> str:
        """Name a row in which no multiple of the coefficients' common divisor fits, or ""."""
        if not len(self.index):
            return ""
        divisors = np.gcd.reduceat(self.matrix.data.astype(np.int64), self.matrix.indptr[:-1])
        with np.errstate(invalid="ignore"):
            least = np.ceil(self.low / divisors) * divisors
        found = np.flatnonzero(np.isfinite(self.low) & (least > self.high))
        return form.row_name(int(self.index[found[0]])) if len(found) else ""


def integer_rows(form: Form) -> IntegerRows:
    """Find the rows of integer columns whose coefficients are whole multiples of one step.

    Decimals are recognised, and shares like 100/3715 that all have one denominator.
    """
    rows = sparse.csr_array(form.rows)
    if rows.nnz and not rows.data.all():
        rows = rows.copy()
        rows.eliminate_zeros()
    counts = np.diff(rows.indptr)
    filled = np.flatnonzero(counts)
    starts = rows.indptr[filled]
    if not len(filled):
        return IntegerRows(filled, np.zeros(0), rows[:0], np.zeros(0), np.zeros(0))
    own = np.logical_and.reduceat(form.integer[rows.indices], starts)
    entries = (rows.data == np.rint(rows.data)) & (np.abs(rows.data) < 2.0**53)
    whole = np.logical_and.reduceat(entries, starts)
    factor = np.zeros(len(counts))
    factor[filled[own & whole]] = 1.0
    data = rows.data.astype(float)
    budget = EXACT_NONZEROS
    for row in filled[own & ~whole]:
        budget -= int(counts[row])
        if budget < 0:
            break
        place = slice(rows.indptr[row], rows.indptr[row + 1])
        found = in_whole_numbers(data[place])
        if found is not None:
            factor[row], data[place] = found
    kept = np.flatnonzero(factor)
    matrix = sparse.csr_array((data, rows.indices, rows.indptr), shape=rows.shape)[kept]
    factor = factor[kept]
    low = _rounded_in(form.row_lower[kept] * factor, np.ceil, -1.0)
    high = _rounded_in(form.row_upper[kept] * factor, np.floor, 1.0)
    # A right side that no whole number meets, in a row of recognised shares, is their rounding.
    fits = np.isin(factor, 10.0 ** np.arange(10)) | (low <= high)
    return IntegerRows(
        kept[fits], factor[fits], sparse.csr_array(matrix[fits]), low[fits], high[fits]
    )


def _rounded_in(side: Floats, rounded: Callable[[Floats], Floats], outward: float) -> Floats:
    """Round sides to whole numbers; large ones carry the rounding of the doubles they came from."""
    return rounded(side + outward * (SNAP + 2 * _EPS * np.abs(side)))


@dataclass(frozen=True)
class Enumerated:
    """The best of all integer points: its x (n,) and value, or None where no point is feasible."""

    x: Floats | None
    value: float


def enumerate_box(form: Form) -> Enumerated | None:
    """Try all points of a pure integer problem; None where it is not one, or has too many.

    Rows of whole numbers are tested exactly; others may be missed by 1e-9 of their terms.
    ``value`` is that of the minimisation of sign * objective.
    """
    n = len(form.linear)
    if n == 0 or not form.integer.all() or form.cones:
        return None
    if not (np.isfinite(form.lower).all() and np.isfinite(form.upper).all()):
        return None
    low, high = np.ceil(form.lower - SNAP), np.floor(form.upper + SNAP)
    widths = high - low + 1
    if (widths <= 0).any():
        return Enumerated(None, np.inf)
    points = 1
    for width in widths:
        points *= int(width)
        if points > ENUMERATION_POINTS:
            return None
    quadratics = sum(row.matrix.nnz for row in form.quadratic_rows)
    if points * (form.rows.nnz + n + quadratics) > ENUMERATION_WORK:
        return None
    strides = np.concatenate([np.cumprod(widths[::-1])[::-1][1:], [1.0]]).astype(np.int64)
    best = Enumerated(None, np.inf)
    whole = integer_rows(form).within(np.maximum(np.abs(low), np.abs(high)))
    for start in range(0, points, _CHUNK):
        number = np.arange(start, min(points, start + _CHUNK))
        x = low[:, None] + (number[None, :] // strides[:, None]) % widths[:, None]
        x = x[:, _feasible(form, whole, x)]
        if not x.shape[1]:
            continue
        value = form.linear @ x
        if form.quadratic is not None:
            value = value + 0.5 * np.einsum("jp,jp->p", x, form.quadratic @ x)
        value = form.sign * (value + form.constant)
        place = int(np.argmin(value))
        if value[place] < best.value:
            best = Enumerated(x[:, place].copy(), float(value[place]))
    return best


def _feasible(
    form: Form, whole: IntegerRows, x: Floats
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Say which columns of x (n, p) satisfy rows and quadratic rows."""
    ok = np.ones(x.shape[1], dtype=bool)
    if form.rows.shape[0]:
        activity = form.rows @ x
        slack = 1e-9 * np.maximum(1.0, abs(form.rows) @ np.abs(x))
        slack[whole.index] = np.inf
        ok &= np.all(activity >= form.row_lower[:, None] - slack, axis=0)
        ok &= np.all(activity <= form.row_upper[:, None] + slack, axis=0)
        activity = whole.matrix @ x
        ok &= np.all((activity >= whole.low[:, None]) & (activity <= whole.high[:, None]), axis=0)
    for row in form.quadratic_rows:
        value = 0.5 * np.einsum("jp,jp->p", x, row.matrix @ x) + row.linear @ x
        slack = 1e-9 * np.maximum(1.0, np.abs(value))
        ok &= (value >= row.lower - slack) & (value <= row.upper + slack)
    return ok


def propagate(form: Form) -> str:
    """Tighten bounds through the rows; return why no point exists, or "".

    Only linear rows are used. Every tightened bound is loosened by its rounding before it is
    used again, and integer bounds are rounded inward.
    """
    crossed = np.flatnonzero(form.row_lower > form.row_upper)
    if len(crossed):
        return f"the sides of row {form.row_name(int(crossed[0]))} leave nothing between them"
    crossed = np.flatnonzero(form.lower > form.upper)
    if len(crossed):
        return f"the bounds of {form.column_name(int(crossed[0]))} leave nothing between them"
    lower, upper = form.lower.copy(), form.upper.copy()
    whole = form.integer
    coo = form.rows.tocoo()
    row, column, a = coo.row, coo.col, coo.data
    keep = a != 0
    row, column, a = row[keep], column[keep], a[keep]
    for _ in range(_ROUNDS):
        lower[whole] = np.ceil(lower[whole] - SNAP)
        upper[whole] = np.floor(upper[whole] + SNAP)
        crossed = np.flatnonzero(lower > upper + SNAP * np.maximum(1.0, np.abs(upper)))
        if len(crossed):
            return f"the rows leave no value for {form.column_name(int(crossed[0]))}"
        ends = np.where(a > 0, lower[column], upper[column])
        least = _Activity(a, row, ends, len(form.row_lower), -np.inf)
        ends = np.where(a > 0, upper[column], lower[column])
        most = _Activity(a, row, ends, len(form.row_lower), np.inf)
        margin = SNAP * np.maximum(1.0, least.size)
        over = np.flatnonzero(least.total > form.row_upper + margin)
        margin = SNAP * np.maximum(1.0, most.size)
        under = np.flatnonzero(most.total < form.row_lower - margin)
        for found, text in ((over, "at least"), (under, "at most")):
            if len(found):
                i = int(found[0])
                total = (least if text == "at least" else most).total[i]
                return f"row {form.row_name(i)} comes to {text} {total:.9g}"
        new_lower, new_upper = lower.copy(), upper.copy()
        sides = ((form.row_upper, least, True), (form.row_lower, most, False))
        for side, activity, above in sides:
            with np.errstate(invalid="ignore", over="ignore"):
                value = (side[row] - activity.without) / a
            slack = 1e-9 * np.maximum(1.0, activity.size[row] / np.abs(a))
            valid = np.isfinite(value)
            # The row's upper side bounds a column from above where its coefficient is positive.
            up = valid & ((a > 0) == above)
            down = valid & ~up
            np.minimum.at(new_upper, column[up], (value + slack)[up])
            np.maximum.at(new_lower, column[down], (value - slack)[down])
        gained = (new_lower > lower + 1e-6) | (new_upper < upper - 1e-6)
        if not gained.any():
            return ""
        lower, upper = new_lower, new_upper
    return ""


class _Activity:
    """Sums of rows with every column at one end, in total and without each entry.

    ``infinite`` is what an entry without an end adds: -inf for the least, inf for the most.
    """

    def __init__(self, a: Floats, row: Numbers, end: Floats, count: int, infinite: float) -> None:
        finite = np.isfinite(end)
        term = a * np.where(finite, end, 0.0)
        endless = np.bincount(row[~finite], minlength=count)
        total = np.bincount(row, weights=term, minlength=count)
        self.size = np.bincount(row, weights=np.abs(term), minlength=count)
        self.total = np.where(endless > 0, infinite, total)
        self.without = np.where(endless[row] > ~finite, np.nan, total[row] - term)
