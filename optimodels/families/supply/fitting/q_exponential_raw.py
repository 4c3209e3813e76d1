"""The q-exponential as published, in q, a and b: what its fits are examined by."""

from __future__ import annotations

import numpy as np

from optimodels.arrays import Complexes, Floats
from optimodels.families.supply.fitting.stationarity import Scan, Written

#: Logarithms of numbers that a double holds to full precision.
_HELD = 708.0
#: What 1 + (1-q) b x_m may cancel down to, and the part of the last price by which the raw
#: parameters may miss the curve.
_ROOM, _AGAIN = 1e-6, 1e-9
#: Size of the exponents, from the last point, at which prices still count.
_ANCHORED = 30.0
_TERMS = 25
#: Size of the scan: values of q by values of the curve's steepness.
_GRID = (33, 33)


def lost(x: Floats, log_a: float, q: float, b: float, curve: Floats) -> float | None:
    """By which part of its last price the raw a, q and b miss a curve (m,), in rounding errors;
    None where they do not give it again: 1 + (1-q) b x cancels, or no double holds a."""
    if not (abs(log_a) < _HELD and 0 < b < np.inf) or not 1 + (1 - q) * b * x[-1] > _ROOM:
        return None
    with np.errstate(all="ignore"):
        missed = float(np.abs(raw(x, log_a, q, np.log(b)) - curve).max()) / float(curve[-1])
    return missed / float(np.finfo(float).eps) if missed <= _AGAIN else None


def power_law(x: Floats, exponent: float, price: float) -> Written:
    """Write the limit of b without end: with w = 1 / b >= 0, on its bound there, the curve is
    price ((w + x) / (w + x_m))^(1 / (1-q)), whose ``exponent`` is also the rate times x_m: that
    of a steep one cannot be had from q."""
    last = float(x[-1])

    def curve(x: Floats, p: Complexes) -> Complexes:
        return np.asarray(np.exp(p[0] + p[1] * (np.log(p[2] + x) - np.log(p[2] + last))))

    at = np.array([_log(price), exponent, 0.0])
    return Written(("log a", "1 / (1-q)", "1 / b"), at, curve, {"1 / b": (0.0, np.inf)})


def written(
    x: Floats, log_a: float | None, q: float, b: float | None, price: float, rate: float
) -> Written:
    """Write a fit as published, or, where a and b do not give the curve again (``b`` None), by
    the same formula from the last point on, a and b those there."""
    last = float(x[-1])
    start, at, exponent = last, np.array([_log(price), q, np.log(rate)]), _ANCHORED
    if b is not None and log_a is not None:
        start, at = 0.0, np.array([log_a, q, np.log(b)])
        at_last = price * raw(x - last, 0.0, q, np.log(rate)).real
        exponent = max(1.0, abs(log_a), lost(x, log_a, q, b, at_last) or 0.0)
    return Written(
        ("log a", "q", "log b"), at, lambda x, p: raw(x - start, p[0], p[1], p[2]), {}, exponent
    )


def constant(x: Floats, price: float) -> Written:
    """Write the constant, beta = 0: whatever q, beta moves it by x - x_m there."""
    last = float(x[-1])
    return Written(
        ("anchor_price", "anchor_rate"),
        np.array([price, 0.0]),
        lambda x, p: np.asarray(p[0] * np.exp(p[1] * (x - last))),
        {"anchor_rate": (0.0, np.inf)},
    )


def reported(x: Floats, q: float, price: float, rate: float, power_law: bool) -> Written:
    """Write a fit by what is told of it: the price and the rate at the last point, and q.

    A power law has two parameters, q = 1 - 1 / (rate x_m) follows.
    """
    last = float(x[-1])
    if power_law:
        return Written(
            ("anchor_price", "anchor_rate"),
            np.array([price, rate]),
            lambda x, p: np.asarray(p[0] * np.exp(p[1] * last * np.log(x / last))),
        )
    return Written(
        ("anchor_price", "anchor_rate", "q"),
        np.array([price, rate, q]),
        lambda x, p: np.asarray(p[0] * raw(x - last, 0.0, p[2], np.log(p[1]))),
    )


def others(x: Floats) -> Scan:
    """Return a grid of q and steepness, b > 0: from a curve of one percent to one of e^30 from
    one point to the next."""
    gap = mean_gap(x)
    q = np.linspace(-0.5, 2.5, _GRID[0])
    steep = np.linspace(np.log(0.01 / x[-1]), np.log(30.0 / gap), _GRID[1])

    def shapes(x: Floats, place: Floats) -> Floats:
        return _anchored(x, float(place[0]), float(np.exp(place[1])))[:, None]

    return Scan(shapes, (q, steep), np.zeros(1), np.full(1, np.inf))


def mean_gap(x: Floats) -> float:
    """The mean distance of neighbouring quantities; some may stand several times."""
    return float(x[-1] - x[0]) / (len(np.unique(x)) - 1)


def _anchored(x: Floats, q: float, steep: float) -> Floats:
    """The curve through 1 at the last point, of logarithmic slope ``steep`` there, b > 0."""
    k = 1.0 - q
    steep = min(steep, 1.0 / (k * x[-1])) if k > 0 else steep
    if abs(k) < 1e-8:
        return np.asarray(np.exp(steep * (x - x[-1])))
    with np.errstate(all="ignore"):
        base = np.maximum(0.0, 1.0 + k * steep * (x - x[-1]))
        return np.asarray(base ** (1.0 / k))


def raw(x: Floats, log_a: complex, q: complex, log_b: complex) -> Complexes:
    """exp(log a + log(1 + (1-q) b x) / (1-q)), by its series where the quotient loses digits."""
    grown = np.exp(log_b) * x
    w = (1.0 - q) * grown
    near = np.abs(w) < 0.1
    series = np.polynomial.polynomial.polyval(-w * near, 1.0 / np.arange(1.0, _TERMS + 1))
    away = np.where(near, 1.0, w)
    return np.asarray(np.exp(log_a + grown * np.where(near, series, np.log(1.0 + away) / away)))


def _log(price: float) -> float:
    return float(np.log(price)) if price > 0 else -np.inf
