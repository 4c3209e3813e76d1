"""Weak duality: any multipliers give a bound, so that no solver's dual has to be trusted.

Everything convex and smooth is linearised at the claimed point, which relaxes it; cones count
through multipliers put into their dual cones. What is left is the dual bound of a linear
programme, evaluated by arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from optimodels.form import Cone, Form, Vector
from optimodels.result import Check

DUAL_CONE = 1e-6
STATIONARITY = 1e-6
GAP = 1e-6
GAP_WITH_RESIDUALS = 1e-5
CANCELLATION = 1e6
#: Bounds of this size say "none" in many a tool, and give no usable dual bound.
_NO_BOUND = 1e19


@dataclass(frozen=True)
class Multipliers:
    """Of rows (m,), of quadratic rows (q,) and of cones, for ``sign * objective`` minimised."""

    rows: Vector
    quadratic: Vector
    cones: tuple[Vector, ...]


@dataclass(frozen=True)
class Bound:
    """A dual bound, ``value`` in the model's own sense, with what it rests on.

    ``residual`` is the largest reduced cost on a column without the bound that would price it,
    ``weighted`` the sum of those times max(1, |x_j|): what the bound could be off by near x.
    """

    value: float
    residual: float
    weighted: float
    dual_cone: float
    largest_sum: float
    scale: float
    multipliers: Multipliers

    @property
    def proven(self) -> bool:
        """No column leans on a bound that is not there."""
        return self.residual == 0.0


@dataclass(frozen=True)
class _Linearised:
    """``sign * objective`` as slope @ x + constant, tangents of quadratic rows with their sides."""

    slope: Vector
    constant: float
    scale: float
    tangents: Any
    lower: Vector
    upper: Vector


def best_bound(
    form: Form,
    x: Vector,
    candidates: Iterable[Multipliers],
    objective: float,
    *,
    strict: bool = False,
) -> Bound | None:
    """Return the best of the bounds that candidates prove for a convex form at x (n,).

    ``objective`` is that of x: the best bound is the one whose gap to it, with its residuals, is
    least. ``strict`` prices every reduced cost at its column's bound, so that the value holds
    to rounding; otherwise one within the tolerance of stationarity counts as a residual, as a
    solver of finite accuracy leaves it on a column inside a wide box.
    """
    flat = linearise(form, x)
    found = [_evaluate(form, x, flat, m, strict) for m in candidates]
    return min(found, key=lambda b: _error(b, objective), default=None)


def _error(bound: Bound, objective: float) -> float:
    size = max(1.0, abs(objective), abs(bound.value))
    error = (abs(objective - bound.value) + bound.weighted) / size
    return error + bound.residual / bound.scale + bound.dual_cone


def linearise(form: Form, x: Vector, *, objective: bool = True) -> _Linearised:
    """Linearise objective and quadratic rows at x; without objective it is zero."""
    from scipy import sparse

    slope, bend = form.sign * form.linear, np.zeros(len(x))
    if form.quadratic is not None:
        bend = form.sign * (form.quadratic @ x)
    scale = max(1.0, np.abs(slope).max(initial=0.0), np.abs(bend).max(initial=0.0))
    # 1/2 x'Qx + c'x touches (c + Qx0)'x - 1/2 x0'Qx0 from above at x0.
    constant = form.sign * form.constant - 0.5 * float(bend @ x)
    slope = slope + bend
    if not objective:
        slope, constant, scale = np.zeros(len(x)), 0.0, 1.0
    tangents, lower, upper = [], [], []
    for row in form.quadratic_rows:
        curve = row.matrix @ x
        tangents.append(row.linear + curve)
        rest = 0.5 * float(curve @ x)
        lower.append(row.lower + rest)
        upper.append(row.upper + rest)
    stacked = sparse.csr_array(np.array(tangents)) if tangents else None
    return _Linearised(slope, constant, scale, stacked, np.array(lower), np.array(upper))


def _evaluate(form: Form, x: Vector, flat: _Linearised, given: Multipliers, strict: bool) -> Bound:
    """Evaluate the bound of multipliers; those of the wrong sign at a missing side are dropped."""
    y = _with_sides(given.rows, form.row_lower, form.row_upper)
    reduced = flat.slope - form.rows.T @ y
    parts = [_priced(y, form.row_lower, form.row_upper)]
    w = given.quadratic
    if flat.tangents is not None:
        w = _with_sides(w, flat.lower, flat.upper)
        reduced = reduced - flat.tangents.T @ w
        parts.append(_priced(w, flat.lower, flat.upper))
    outside = 0.0
    cones = []
    for cone, raw in zip(form.cones, given.cones, strict=True):
        z, away = in_dual_cone(cone, raw)
        cones.append(z)
        outside = max(outside, away / max(1.0, float(np.abs(z).max(initial=0.0))))
        reduced = reduced - cone.matrix.T @ z
        parts.append(-z * cone.offset)
    # Reduced costs of rounding's size carry no sign.
    terms = abs(form.rows.T) @ np.abs(y) + np.abs(flat.slope)
    reduced = np.where(np.abs(reduced) <= 1e-15 * terms, 0.0, reduced)
    low = np.where(np.abs(form.lower) < _NO_BOUND, form.lower, -np.inf)
    high = np.where(np.abs(form.upper) < _NO_BOUND, form.upper, np.inf)
    side = np.where(reduced > 0, low, np.where(reduced < 0, high, 0.0))
    missing = ~np.isfinite(side)
    if not strict:
        small = np.abs(reduced) <= STATIONARITY * flat.scale
        missing |= small & (np.abs(np.where(missing, 0.0, side) - x) > np.maximum(1.0, np.abs(x)))
    parts.append(np.where(missing, reduced * x, reduced * np.where(missing, 0.0, side)))
    everything = np.concatenate(parts)
    value = flat.constant + float(everything.sum())
    residual = np.abs(reduced[missing])
    return Bound(
        value=form.sign * value,
        residual=float(residual.max(initial=0.0)),
        weighted=float((residual * np.maximum(1.0, np.abs(x[missing]))).sum()),
        dual_cone=outside,
        largest_sum=max(float(np.abs(everything).sum()), float(np.abs(flat.slope * x).sum())),
        scale=flat.scale,
        multipliers=Multipliers(y, w, tuple(cones)),
    )


def _with_sides(y: Vector, lower: Vector, upper: Vector) -> Vector:
    return np.where(((y > 0) & ~np.isfinite(lower)) | ((y < 0) & ~np.isfinite(upper)), 0.0, y)


def _priced(y: Vector, lower: Vector, upper: Vector) -> Vector:
    side = np.where(y > 0, lower, np.where(y < 0, upper, 0.0))
    return y * np.where(y == 0, 0.0, side)


def in_dual_cone(cone: Cone, z: Vector) -> tuple[Vector, float]:
    """Return the multiplier moved into the dual cone along its last resort, and by how much."""
    z = np.array(z, dtype=float)
    if cone.kind == "second-order":
        need = float(np.linalg.norm(z[1:]))
        away = max(0.0, need - z[0])
        z[0] = max(z[0], need)
        return z, away
    # Exponential: (a, b, c) with a < 0 and c >= -a exp(b/a - 1), or a = 0 and b, c >= 0.
    a, b, c = z
    if a < 0:
        with np.errstate(over="ignore"):
            need = float(-a * np.exp(b / a - 1.0))
        if np.isfinite(need):
            z[2] = max(c, need)
            return z, max(0.0, need - c)
    fixed = np.array([0.0, max(b, 0.0), max(c, 0.0)])
    return fixed, float(np.abs(fixed - z).max())


def bound_checks(bound: Bound, objective: float) -> list[Check]:
    """Judge a bound against the objective of the point; the norms are of whole vectors.

    Stationarity is not scaled term by term: with that scaling an unbounded programme passes
    whose multipliers are of the order of 1e10.
    """
    size = max(1.0, abs(objective), abs(bound.value))
    gap = abs(objective - bound.value) / size
    return [
        Check.of("dual cone", bound.dual_cone, DUAL_CONE),
        Check.of("stationarity", bound.residual / bound.scale, STATIONARITY),
        Check.of("gap", gap, GAP),
        Check.of("gap with residuals", gap + bound.weighted / size, GAP_WITH_RESIDUALS),
        Check.of("cancellation", bound.largest_sum / max(1.0, abs(objective)), CANCELLATION),
    ]
