"""The curves that can be fitted; a new one is an entry of ``FORMS``.

A form of one's own is its formula twice, for the fit and for what examines it, and where to look:

    FORMS["logarithmic"] = lambda setting: CurveForm(
        name="logarithmic",
        formula="c0 + c1 log(1 + c2 x)",
        linear=("c0", "c1"),
        nonlinear=("c2",),
        bounds={"c1": (0.0, np.inf), "c2": (0.0, np.inf)},
        basis=lambda x, theta: stacked(1.0, np.log1p(theta[..., :1] * x)),
        curve=lambda x, p: p[0] + p[1] * np.log(1 + p[2] * x),
        grid=lambda x, y: (np.geomspace(1e-3, 1e3, 40) / x[-1],),
    )

``setting`` is what a case says of the market: see ``Setting``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.supply.fitting import q_exponential_raw
from optimodels.families.supply.fitting.anchored import asymptotic, exponential, power
from optimodels.families.supply.fitting.forms import CurveForm, Form, RisingForm, Setting, Special
from optimodels.families.supply.fitting.stationarity import Written


def stacked(*columns: Any) -> Floats:
    """Return functions (..., m), or numbers, as a basis (..., m, L)."""
    return np.stack(np.broadcast_arrays(*columns), axis=-1)


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
    gap = q_exponential_raw.mean_gap(x)
    # As many points of this distance would go down to 0: all of them where x_k = k - 1/2.
    room = np.linspace(np.log(1e-4), np.log(10.0 * (x[-1] / gap + 0.5)), 24)
    return room, np.linspace(np.log(1e-3), np.log(50.0 * x[-1] / gap), 48)


def _q_told(x: Floats, theta: Floats, c: Floats) -> dict[str, Any]:
    """q, the anchored Y and beta, and the raw a and b where they give the curve again."""
    s, rate, price = float(-np.expm1(theta[0])), float(np.exp(theta[1])), float(c[0])
    if rate == 0:
        # A constant has every q.
        log_a = float(np.log(price)) if price > 0 else None
        return {"q": None, "anchor_price": price, "anchor_rate": 0.0, "a": price, "b": 0.0,
                "log_a": log_a, "power_law": False}  # fmt: skip
    found: dict[str, Any] = {
        "q": 1.0 - s / rate,
        "anchor_price": price,
        "anchor_rate": rate / float(x[-1]),
        "a": None,
        "b": None,
        "log_a": None,
        "power_law": bool(np.isneginf(theta[0])),
    }
    if s < 1.0 and price > 0:
        log_a = np.log(price) + rate * float(log_curvature(np.asarray(-1.0), np.asarray(s)))
        found["log_a"] = float(log_a)
        b = rate / float(x[-1]) / float(np.exp(theta[0]))
        curve = price * _q_basis(x, theta)[:, 0]
        if q_exponential_raw.lost(x, float(log_a), found["q"], b, curve) is not None:
            found["a"], found["b"] = float(np.exp(log_a)), b
    return found


def _q_written(x: Floats, theta: Floats, c: Floats) -> Written:
    v = _q_told(x, theta, c)
    if v["q"] is None:
        return q_exponential_raw.constant(x, v["anchor_price"])
    if v["power_law"]:
        return q_exponential_raw.power_law(x, float(np.exp(theta[1])), v["anchor_price"])
    return q_exponential_raw.written(
        x, v["log_a"], v["q"], v["b"], v["anchor_price"], v["anchor_rate"]
    )


def _q_reported(x: Floats, theta: Floats, c: Floats) -> Written:
    v = _q_told(x, theta, c)
    if v["q"] is None:
        return q_exponential_raw.constant(x, v["anchor_price"])
    return q_exponential_raw.reported(
        x, v["q"], v["anchor_price"], v["anchor_rate"], v["power_law"]
    )


def _q_unfit(x: Floats, y: Floats) -> str:
    return f"needs quantities above 0; there is {x[0]:g}" if x[0] <= 0 else ""


#: f(x) = a exp_q(b x), exp_q(x) = [1 + (1-q) x]^(1/(1-q)), stated at its last point x_m, where it
#: is well conditioned: Y exp_q(beta (x - x_m)). theta: log(1 - s) with s = (1-q) beta x_m <= 1,
#: and log(beta x_m); at s = 1, b is infinite and the curve a power of x;
#: at beta = 0 it is a constant, the nearest one to prices that fall.
Q_EXPONENTIAL = CurveForm(
    name="q-exponential",
    formula="a [1 + (1-q) b x]^(1/(1-q))",
    linear=("anchor_price",),
    nonlinear=("log_room", "log_rate"),
    bounds={"anchor_price": (0.0, np.inf)},
    limits=(-np.inf, -np.inf),
    basis=_q_basis,
    slopes=_q_slopes,
    grid=_q_grid,
    unfit=_q_unfit,
    positive=True,
    special=Special(_q_told, _q_written, _q_reported, q_exponential_raw.others),
)


def piecewise_linear(setting: Setting) -> RisingForm:
    """Straight between knots: those given with both ends of the points, or as many points in each
    piece."""

    def knots(x: Floats) -> Floats:
        if setting.knots is None:
            places = np.linspace(0.0, len(x) - 1.0, setting.pieces + 1)
            # Points of one quantity may fill a piece: it has no width.
            return np.unique(np.interp(places, np.arange(len(x)), x))
        return np.unique([x[0], *setting.knots, x[-1]])

    return RisingForm("piecewise-linear", "straight between knots, never falling", knots)


ISOTONIC = RisingForm("isotonic", "any curve that never falls", np.unique, steps=True)

FORMS: dict[str, Callable[[Setting], Form]] = {
    "q-exponential": lambda setting: Q_EXPONENTIAL,
    "asymptotic": asymptotic,
    "exponential": exponential,
    "power": power,
    "piecewise-linear": piecewise_linear,
    "isotonic": lambda setting: ISOTONIC,
}


def curve_at(x: Floats, q: float, price: float, rate: float) -> Floats:
    """Return Y exp_q(beta (x - x_m)) at x (m,)."""
    k, u = 1.0 - q, rate * (x - x[-1])
    exponent = u if abs(k) < 1e-12 else np.log1p(k * u) / k
    return np.asarray(price * np.exp(exponent))
