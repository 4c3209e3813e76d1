"""Certificates that there is no optimum: infeasibility by Farkas, unboundedness by a ray."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from optimodels.form import Form, Vector
from optimodels.result import Check
from optimodels.verify import propose
from optimodels.verify.bound import Multipliers, in_dual_cone
from optimodels.verify.point import point_checks

#: Multipliers are made rational with denominators up to this before the exact test.
_DENOMINATOR = 10**6
#: The exact test is made up to this many nonzeros; above it, in doubles with a margin.
_MOST_EXACT = 20_000
_MARGIN = 1e-7


@dataclass(frozen=True)
class Proof:
    """Whether something is proven, and the checks that say so."""

    proven: bool
    checks: tuple[Check, ...]


def farkas(form: Form, given: Multipliers) -> Proof:
    """Do these multipliers prove that no point satisfies rows, cones and bounds?

    They do where ``sum of priced sides > greatest value of the multiplied rows within the
    bounds``; for linear rows in exact fractions, so that no tolerance is left.
    """
    if not np.all(np.isfinite(given.rows)):
        return Proof(False, ())
    if not form.cones and not form.quadratic_rows and form.rows.nnz <= _MOST_EXACT:
        margin = _exact_margin(form, given.rows)
        if margin is not None:
            return Proof(margin > 0, (Check("Farkas, exact", -float(margin), 0.0, margin > 0),))
    return _farkas_in_doubles(form, given)


def _exact_margin(form: Form, y: Vector) -> Fraction | None:
    """Return the margin of the proof in fractions; None where a column has no bound to lean on."""
    size = float(np.abs(y).max(initial=0.0))
    if size == 0:
        return None
    rational = [Fraction(float(v / size)).limit_denominator(_DENOMINATOR) for v in y]
    # Multipliers at a side that a row does not have prove nothing.
    for i, v in enumerate(rational):
        if (v > 0 and not np.isfinite(form.row_lower[i])) or (
            v < 0 and not np.isfinite(form.row_upper[i])
        ):
            rational[i] = Fraction(0)
    total = sum(
        (
            v * Fraction(float(form.row_lower[i] if v > 0 else form.row_upper[i]))
            for i, v in enumerate(rational)
            if v
        ),
        Fraction(0),
    )
    columns = form.rows.tocsc()
    for j in range(columns.shape[1]):
        span = slice(columns.indptr[j], columns.indptr[j + 1])
        reduced = sum(
            (
                rational[i] * Fraction(float(a))
                for i, a in zip(columns.indices[span], columns.data[span], strict=True)
                if rational[i]
            ),
            Fraction(0),
        )
        if reduced:
            edge = float(form.upper[j] if reduced > 0 else form.lower[j])
            if not np.isfinite(edge):
                return None
            total -= reduced * Fraction(edge)
    return total


def _farkas_in_doubles(form: Form, given: Multipliers) -> Proof:
    y = given.rows
    y = np.where(((y > 0) & ~np.isfinite(form.row_lower)) |
                 ((y < 0) & ~np.isfinite(form.row_upper)), 0.0, y)  # fmt: skip
    pieces = [y * np.where(y > 0, form.row_lower, np.where(y < 0, form.row_upper, 0.0))
              ] if len(y) else []  # fmt: skip
    pieces = [np.where(y == 0, 0.0, p) for p in pieces]
    reduced = form.rows.T @ y
    terms = abs(form.rows.T) @ np.abs(y)
    for cone, raw in zip(form.cones, given.cones, strict=True):
        z, _ = in_dual_cone(cone, raw)
        reduced = reduced + cone.matrix.T @ z
        terms = terms + abs(cone.matrix.T) @ np.abs(z)
        pieces.append(-z * cone.offset)
    size = max(1e-300, float(terms.max(initial=0.0)))
    edge = np.where(reduced > 0, form.upper, np.where(reduced < 0, form.lower, 0.0))
    free = ~np.isfinite(edge)
    residual = float(np.abs(reduced[free]).max(initial=0.0)) / size
    pieces.append(-np.where(free, 0.0, reduced * np.where(free, 0.0, edge)))
    everything = np.concatenate(pieces) if pieces else np.zeros(1)
    scale = max(size, float(np.abs(everything).max(initial=0.0)), 1e-300)
    margin = float(everything.sum()) / scale
    checks = (
        Check.of("Farkas residual", residual, _MARGIN),
        Check("Farkas margin", -margin, -_MARGIN, margin > _MARGIN),
    )
    return Proof(all(c.passed for c in checks), checks)


def unbounded(form: Form, given: Vector | None) -> Proof:
    """Prove unboundedness by a feasible point and a ray, both checked; linear parts only."""
    if form.cones or form.quadratic_rows:
        return Proof(False, ())
    start = propose.least_violation(form)
    if start is None or any(not c.passed for c in point_checks(form, start[0], None) if
                            c.name in ("rows", "bounds", "numbers")):  # fmt: skip
        return Proof(False, ())
    for candidate in (given, propose.ray(form)):
        if candidate is None or not np.any(candidate):
            continue
        d = candidate / np.abs(candidate).max()
        checks = _ray_checks(form, d)
        if all(c.passed for c in checks):
            return Proof(True, checks)
    return Proof(False, ())


def _ray_checks(form: Form, d: Vector) -> tuple[Check, ...]:
    moved = form.rows @ d
    scale = np.maximum(1.0, np.asarray(abs(form.rows).sum(axis=1)).ravel())
    down = np.where(np.isfinite(form.row_lower), -moved, 0.0) / scale
    up = np.where(np.isfinite(form.row_upper), moved, 0.0) / scale
    box = np.maximum(np.where(np.isfinite(form.lower), -d, 0.0),
                     np.where(np.isfinite(form.upper), d, 0.0))  # fmt: skip
    bend = 0.0
    if form.quadratic is not None:
        bend = float(np.abs(form.quadratic @ d).max(initial=0.0))
    gain = -form.sign * float(form.linear @ d) / max(1.0, float(np.abs(form.linear).max()))
    leaves = max(np.max(down, initial=0.0), np.max(up, initial=0.0), np.max(box, initial=0.0))
    return (
        Check.of("ray stays feasible", float(leaves), 1e-9),
        Check.of("ray is not bent", bend, 1e-9),
        Check("ray improves", -gain, -1e-6, gain > 1e-6),
    )
