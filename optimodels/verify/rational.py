"""Proofs in rational numbers: bounds, infeasibility and rays without rounding.

Data are read as the decimals that were written: 0.1 is one tenth.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, gcd, lcm

import numpy as np
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.form import Form
from optimodels.verify.tolerances import DENOMINATOR, EXACT_NONZEROS, LARGEST_MULTIPLE, SNAP, STRICT

Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]
_MULTIPLIER_DENOMINATORS = (1, 1000, 10**6, 10**9)


def rational(value: float) -> Fraction:
    """Return the shortest decimal that reads as this double."""
    whole = int(value)
    return Fraction(whole) if whole == value else Fraction(repr(float(value)))


def common_step(values: Floats) -> Fraction | None:
    """Return the largest step that all values (k,) are whole multiples of, or None."""
    used = np.unique(np.abs(values[values != 0]))
    if not len(used) or len(used) > EXACT_NONZEROS:
        return None
    whole = in_whole_numbers(used)
    if whole is None:
        return None
    factor, numbers = whole
    divisor = gcd(*(int(k) for k in numbers))
    exact = factor == int(factor)
    return Fraction(divisor, int(factor)) if exact else Fraction(divisor / factor)


def in_whole_numbers(values: Floats) -> tuple[float, Floats] | None:
    """Return (D, D * values) with D * values whole: decimals, and multiples of any one number.

    The second kind are shares like k / 3715, all of whose ratios are simple fractions.
    """
    for power in range(10):
        scaled = values * 10.0**power
        whole = np.rint(scaled)
        if np.abs(whole).max() >= 2.0**53:
            break
        if np.all(np.abs(scaled - whole) <= 1e-15 * np.abs(scaled)) and np.all(whole != 0):
            return 10.0**power, whole
    least = float(np.abs(values).min())
    ratios = values / least
    multiple = 1
    for ratio in np.unique(np.abs(ratios)):
        near = Fraction(float(ratio)).limit_denominator(DENOMINATOR)
        if abs(float(near) - ratio) > 2.0**-51 * ratio:
            return None
        multiple = lcm(multiple, near.denominator)
        if multiple * float(ratio) > LARGEST_MULTIPLE:
            return None
    return multiple / least, np.rint(ratios * multiple)


def exact_low(form: Form, multipliers: Floats) -> Fraction | None:
    """Return the best exact bound of the minimisation, its constant left out, or None.

    ``multipliers`` (m,) are made rational; columns without a bound need a reduced cost of
    exactly zero. None where the sums are too large or nothing is proven.
    """
    if form.quadratic is not None and form.quadratic.nnz:
        return None
    held = np.flatnonzero(multipliers)
    rows = sparse.csr_array(form.rows[held])
    if rows.nnz + len(form.linear) > EXACT_NONZEROS:
        return None
    best: Fraction | None = None
    for weights in _rational_weights(multipliers[held], scaled=False):
        low = _exact_low(form, held, rows, weights)
        if low is not None and (best is None or low > best):
            best = low
    return best


def _exact_low(
    form: Form, held: Numbers, rows: sparse.csr_array, weights: list[Fraction]
) -> Fraction | None:
    sign = int(form.sign)
    reduced = {int(j): sign * rational(form.linear[j]) for j in np.flatnonzero(form.linear)}
    total = _combine(form, held, rows, weights, -1, reduced)
    if total is None:
        return None
    for j, cost in reduced.items():
        if cost == 0:
            continue
        side = _column_side(form, j, cost < 0)
        if side is None:
            return None
        total += cost * side
    return total


def rounded_up(low: Fraction, step: Fraction) -> Fraction:
    """Return the least multiple of step that is not below low, a step's rounding left out."""
    return ceil(low / step - Fraction(SNAP)) * step


def proves_infeasible(form: Form, multipliers: Floats) -> bool:
    """Say whether row multipliers (m,), made rational, prove exactly that no point exists.

    Farkas: the combined row has a least value from the rows' sides above its greatest value
    over the columns' bounds. Both signs of the multipliers are tried.
    """
    largest = float(np.abs(multipliers).max(initial=0.0))
    held = np.flatnonzero(np.abs(multipliers) > 1e-9 * largest)
    rows = sparse.csr_array(form.rows[held])
    if not len(held) or rows.nnz > EXACT_NONZEROS:
        return False
    for weights in _rational_weights(multipliers[held], scaled=True):
        for signed in (weights, [-w for w in weights]):
            if _farkas(form, held, rows, signed):
                return True
    return False


def _farkas(form: Form, held: Numbers, rows: sparse.csr_array, weights: list[Fraction]) -> bool:
    combined: dict[int, Fraction] = {}
    least = _combine(form, held, rows, weights, 1, combined)
    if least is None:
        return False
    greatest = terms = Fraction(0)
    for j, slope in combined.items():
        if slope == 0:
            continue
        side = _column_side(form, j, slope > 0)
        if side is None:
            return False
        greatest += slope * side
        terms += abs(slope * side)
    terms += sum(
        abs(weight * rational(form.row_lower[i] if weight > 0 else form.row_upper[i]))
        for i, weight in zip(held, weights, strict=True)
        if weight
    )
    # Sides that were computed in doubles may cross by their rounding: that proves nothing.
    return least - greatest > Fraction(STRICT) * terms


def _combine(
    form: Form,
    held: Numbers,
    rows: sparse.csr_array,
    weights: list[Fraction],
    factor: int,
    into: dict[int, Fraction],
) -> Fraction | None:
    """Add ``factor`` times the weighted rows to ``into``; return the weighted sum of their sides.

    A weight above zero takes the lower side, one below zero the upper side; None if it lacks.
    """
    total = Fraction(0)
    for place, weight in enumerate(weights):
        if weight == 0:
            continue
        row = int(held[place])
        side = float(form.row_lower[row] if weight > 0 else form.row_upper[row])
        if not np.isfinite(side):
            return None
        total += weight * rational(side)
        for k in range(rows.indptr[place], rows.indptr[place + 1]):
            j = int(rows.indices[k])
            into[j] = into.get(j, Fraction(0)) + factor * weight * rational(rows.data[k])
    return total


def _column_side(form: Form, j: int, upper: bool) -> Fraction | None:
    side = float(form.upper[j] if upper else form.lower[j])
    if not np.isfinite(side):
        return None
    if form.integer[j]:
        return Fraction(int(np.floor(side + SNAP) if upper else np.ceil(side - SNAP)))
    return rational(side)


def proves_unbounded(form: Form, ray: Floats) -> bool:
    """Say whether a ray (n,), made rational, exactly keeps all rows and bounds and improves.

    For linear rows and a linear objective only.
    """
    largest = float(np.abs(ray).max(initial=0.0))
    used = np.flatnonzero(np.abs(ray) > 1e-9 * largest)
    columns = sparse.csc_array(form.rows)[:, used]
    if not len(used) or columns.nnz > EXACT_NONZEROS:
        return False
    return any(
        _ray(form, used, columns, step) for step in _rational_weights(ray[used], scaled=True)
    )


def _ray(form: Form, used: Numbers, columns: sparse.csc_array, step: list[Fraction]) -> bool:
    sign = int(form.sign)
    gain = sum((rational(form.linear[j]) * d for j, d in zip(used, step, strict=True)), Fraction(0))
    if sign * gain >= 0:
        return False
    moved: dict[int, Fraction] = {}
    for place, d in enumerate(step):
        j = int(used[place])
        if (d < 0 and np.isfinite(form.lower[j])) or (d > 0 and np.isfinite(form.upper[j])):
            return False
        for k in range(columns.indptr[place], columns.indptr[place + 1]):
            i = int(columns.indices[k])
            moved[i] = moved.get(i, Fraction(0)) + d * rational(columns.data[k])
    return all(
        (change >= 0 or not np.isfinite(form.row_lower[i]))
        and (change <= 0 or not np.isfinite(form.row_upper[i]))
        for i, change in moved.items()
    )


def _rational_weights(weights: Floats, scaled: bool) -> Iterator[list[Fraction]]:
    """Yield the weights in ever finer fractions; scaled ones in multiples of the smallest first."""
    sizes = np.abs(weights[weights != 0])
    units = (float(sizes.min()), float(sizes.max())) if scaled and len(sizes) else (1.0,)
    for denominator in _MULTIPLIER_DENOMINATORS:
        for unit in units:
            yield [Fraction(float(w / unit)).limit_denominator(denominator) for w in weights]
