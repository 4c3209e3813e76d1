"""The curves that can be fitted; a new one is an entry of ``FORMS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optimodels.families.supply.data import Floats


@dataclass(frozen=True)
class CurveForm:
    """y = sum_l c_l phi_l(x; theta), with c_l >= 0 where ``positive`` is set.

    ``basis`` returns phi (..., m, L) at x (m,) and theta (..., K); ``slopes`` its derivatives
    (m, L, K) at one theta. ``grid`` returns values of each theta that cover where an optimum can
    lie for these points; any real theta is allowed, and ``limits`` (K,) are infinite values that
    are so too, where the form has a curve there, or None. ``parameters`` turns theta and c into
    the numbers that a reader knows.
    """

    name: str
    formula: str
    linear: tuple[str, ...]
    nonlinear: tuple[str, ...]
    positive: bool
    limits: tuple[float | None, ...]
    basis: Callable[[Floats, Floats], Floats]
    slopes: Callable[[Floats, Floats], Floats]
    grid: Callable[[Floats, Floats], tuple[Floats, ...]]
    parameters: Callable[[Floats, Floats, Floats], Mapping[str, Any]]


def log_curvature(v: Floats, s: Floats) -> Floats:
    """Return z = log(1 + s v) / s, v at s = 0, for s v > -1; broadcasts."""
    near = np.abs(s) < _SERIES
    direct = np.log1p(np.where(near, 0.5, s) * v) / np.where(near, 0.5, s)
    if not near.any():
        return np.asarray(direct)
    small = np.where(near, s, 0.0) * v
    series = v * np.polynomial.polynomial.polyval(-small, 1.0 / np.arange(1.0, _TERMS + 1))
    return np.asarray(np.where(near, series, direct))


def log_curvature_slope(v: Floats, s: float) -> Floats:
    """Return dz/ds of ``log_curvature``."""
    if abs(s) < _SERIES:
        k = np.arange(1.0, _TERMS)
        return np.asarray(-(v**2) * np.polynomial.polynomial.polyval(-s * v, k / (k + 1.0)))
    return np.asarray((v / (1.0 + s * v) - np.log1p(s * v) / s) / s)


#: Below this the quotients lose digits, and their series needs so many terms.
_SERIES, _TERMS = 0.02, 11


def _anchored(x: Floats) -> Floats:
    """v = x / x_m - 1: 0 at the last point, the anchor."""
    return np.asarray(x / x[-1] - 1.0)


def _q_basis(x: Floats, theta: Floats) -> Floats:
    s, log_rate = -np.expm1(theta[..., :1]), theta[..., 1:]
    return np.asarray(np.exp(np.exp(log_rate) * log_curvature(_anchored(x), s)))[..., None]


def _q_slopes(x: Floats, theta: Floats) -> Floats:
    v, room, rate = _anchored(x), float(np.exp(theta[0])), float(np.exp(theta[1]))
    s = float(-np.expm1(theta[0]))
    z = log_curvature(v, np.asarray(s))
    phi = np.exp(rate * z)
    by_room = -room * rate * log_curvature_slope(v, s)
    return np.stack([phi * by_room, phi * rate * z], axis=1)[:, None, :]


def _q_grid(x: Floats, y: Floats) -> tuple[Floats, ...]:
    # From a curve that starts at zero (s = 1) to one that rises only at its end; from a tenth of a
    # percent over the whole curve to e^50 from one point to the next.
    room = np.linspace(np.log(1e-4), np.log(10.0 * len(x)), 24)
    return room, np.linspace(np.log(1e-3), np.log(50.0 * x[-1]), 48)


def _q_parameters(x: Floats, theta: Floats, c: Floats) -> dict[str, Any]:
    """q, the anchored A and beta, and the raw a and b where a double can hold them."""
    s, rate, price = float(-np.expm1(theta[0])), float(np.exp(theta[1])), float(c[0])
    found: dict[str, Any] = {
        "q": 1.0 - s / rate,
        "anchor_price": price,
        "anchor_rate": rate / float(x[-1]),
        "a": None,
        "b": None,
        "log_a": None,
    }
    if s < 1.0 and price > 0:
        log_a = np.log(price) + rate * float(log_curvature(np.asarray(-1.0), np.asarray(s)))
        found["log_a"] = float(log_a)
        found["b"] = rate / float(x[-1]) / float(np.exp(theta[0]))
        found["a"] = float(np.exp(log_a)) if log_a > _LOG_LEAST else None
    return found


#: The logarithm of the smallest number that a double holds to full precision.
_LOG_LEAST = float(np.log(np.finfo(float).tiny))

#: f(x) = a exp_q(b x), exp_q(x) = [1 + (1-q) x]^(1/(1-q)), stated at its last point x_m, where it
#: is well conditioned: A exp_q(beta (x - x_m)). theta: log(1 - s) with s = (1-q) beta x_m <= 1,
#: and log(beta x_m); at s = 1, b is infinite and the curve a power of x.
Q_EXPONENTIAL = CurveForm(
    name="q-exponential",
    formula="a [1 + (1-q) b x]^(1/(1-q))",
    linear=("anchor_price",),
    nonlinear=("log_room", "log_rate"),
    positive=True,
    limits=(-np.inf, None),
    basis=_q_basis,
    slopes=_q_slopes,
    grid=_q_grid,
    parameters=_q_parameters,
)

FORMS = {form.name: form for form in (Q_EXPONENTIAL,)}


def curve_at(x: Floats, q: float, price: float, rate: float) -> Floats:
    """Return A exp_q(beta (x - x_m)) at x (m,)."""
    k, u = 1.0 - q, rate * (x - x[-1])
    exponent = u if abs(k) < 1e-12 else np.log1p(k * u) / k
    return np.asarray(price * np.exp(exponent))
