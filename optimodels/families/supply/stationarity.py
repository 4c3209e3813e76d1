"""Whether a q-exponential is a least-squares optimum, in the raw q, a and b.

A second transcription: the curve is written as published, derivatives are complex steps, and
further starts are followed without any. Nothing is shared with the fit but the points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimodels.families.supply.data import Floats

Complexes = npt.NDArray[np.complex128]

#: Directions in which a curve moves by less than this part of the most are rounding errors.
_RANK = 1e-11
_STEP = 1e-30
#: Of the smallest number that a double holds to full precision.
_LEAST_LOG = -708.0
#: Size of the exponents, from the last point, at which prices still count.
_ANCHORED = 30.0
_TERMS = 25
#: Size of the scan: values of q by values of the curve's steepness.
_GRID = (33, 33)
_FOLLOWED = 4


@dataclass(frozen=True)
class Evidence:
    """``offset``: the part of the residuals that lies in the curve's tangent space (Bates and
    Watts 1981), 0 at a stationary point. ``curvature``: the least second derivative over the
    tangent's own, 1 for a linear curve, positive at a minimum. ``scanned``: the least sum of
    squares that the scan and its followed starts found. ``inward``: by which part the sum of
    squares falls per unit of curve moved inwards from a power law, 0 or less at an optimum.
    ``rounding``: rounding errors of the raw curve as a part of the residuals.
    """

    offset: float
    curvature: float
    scanned: float
    inward: float | None
    rounding: float


def evidence(
    x: Floats,
    y: Floats,
    log_a: float | None,
    q: float,
    b: float | None,
    price: float,
    rate: float,
) -> Evidence:
    """Examine a fit a exp_q(b x) = price exp_q(rate (x - x_m)) of points x, y (m,).

    ``b`` None: price (x / x_m)^(1 / (1-q)). Where no double holds ``a``, its logarithm would
    swamp the residuals: the second form is taken there.
    """
    exponent = 1.0
    if b is None or log_a is None:
        power = 1.0 / (1.0 - q)
        point = np.array([np.log(price), power])

        def curve(theta: Complexes) -> Complexes:
            return np.asarray(np.exp(theta[0] + theta[1] * np.log(x / x[-1])))
    else:
        held = log_a > _LEAST_LOG
        exponent = max(1.0, abs(log_a)) if held else _ANCHORED
        point = np.array([log_a, q, np.log(b)] if held else [np.log(price), q, np.log(rate)])
        start = 0.0 if held else float(x[-1])

        def curve(theta: Complexes) -> Complexes:
            return _raw(x - start, theta)

    def tangent(theta: Floats) -> Floats:
        steps = np.eye(len(theta)) * 1j * _STEP
        return np.stack([curve(theta + step).imag / _STEP for step in steps], axis=1)

    value = curve(point.astype(complex)).real
    left = value - y
    # Residuals that are rounding errors have no direction.
    size = max(float(np.linalg.norm(left)), 1e-11 * float(np.linalg.norm(y)))
    u, s, vt = np.linalg.svd(tangent(point), full_matrices=False)
    kept = s > _RANK * s[0]
    basis, moves = u[:, kept], (vt[kept] / s[kept, None]).T
    offset = float(np.linalg.norm(basis.T @ left)) / size
    # The exponential's error is that of its exponent's terms.
    rounding = float(np.finfo(float).eps) * exponent * float(np.linalg.norm(y)) / size
    # Second derivatives of half the sum of squares, in moves that shift the curve by one: short
    # ones, as q and log a bend along them, but longer than rounding errors.
    far = max(1e-4, 30.0 * rounding) * size
    second = np.empty((moves.shape[1],) * 2)
    for k, move in enumerate(moves.T):
        sides = [
            tangent(at).T @ (curve(at.astype(complex)).real - y)
            for at in (point + far * move, point - far * move)
        ]
        second[:, k] = moves.T @ (sides[0] - sides[1]) / (2 * far)
    curvature = float(np.linalg.eigvalsh((second + second.T) / 2)[0])
    inward = None
    if b is None:
        # With w = 1 / b the curve is a multiple of (w + (1-q) x)^(1/(1-q)); w >= 0.
        slope = value / x
        slope -= basis @ (basis.T @ slope)
        inward = -float(slope @ left) / (float(np.linalg.norm(slope)) * size)
    return Evidence(offset, curvature, scan(x, y), inward, rounding)


def scan(x: Floats, y: Floats) -> float:
    """Return the least sum of squares over a grid of q and b, its best points followed."""
    from scipy.optimize import minimize

    q = np.linspace(-0.5, 2.5, _GRID[0])
    # From a curve of one percent to one of e^30 a step, by its steepness at the last point.
    steep = np.linspace(np.log(0.01 / x[-1]), np.log(30.0), _GRID[1])

    def left(place: Floats) -> float:
        shape = _anchored(x, float(place[0]), float(np.exp(place[1])))
        seen = float(shape @ y) / float(shape @ shape)
        return float(np.sum((seen * shape - y) ** 2))

    values = np.array([[left(np.array([i, j])) for j in steep] for i in q])
    padded = np.pad(values, 1, constant_values=np.inf)
    around = [
        padded[1 + i : 1 + i + len(q), 1 + j : 1 + j + len(steep)]
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
    ]
    minima = np.argwhere(values <= np.min(around, axis=0))
    best = sorted(minima.tolist(), key=lambda at: values[at[0], at[1]])[:_FOLLOWED]
    found = [float(values.min())]
    for i, j in best:
        options = {"xatol": 1e-9, "fatol": 0.0, "maxiter": 500}
        start = np.array([q[i], steep[j]])
        ended = minimize(left, start, method="Nelder-Mead", options=options)  # type: ignore[call-overload]
        found.append(float(ended.fun))
    return min(found)


def _anchored(x: Floats, q: float, steep: float) -> Floats:
    """The curve through 1 at the last point, of logarithmic slope ``steep`` there, b > 0."""
    k = 1.0 - q
    steep = min(steep, 1.0 / (k * x[-1])) if k > 0 else steep
    if abs(k) < 1e-8:
        return np.asarray(np.exp(steep * (x - x[-1])))
    with np.errstate(all="ignore"):
        base = np.maximum(0.0, 1.0 + k * steep * (x - x[-1]))
        return np.asarray(base ** (1.0 / k))


def _raw(x: Floats, theta: Complexes) -> Complexes:
    """exp(log a + log(1 + (1-q) b x) / (1-q)), by its series where the quotient loses digits."""
    log_a, q, log_b = theta
    grown = np.exp(log_b) * x
    w = (1.0 - q) * grown
    near = np.abs(w) < 0.1
    series = np.polynomial.polynomial.polyval(-w * near, 1.0 / np.arange(1.0, _TERMS + 1))
    away = np.where(near, 1.0, w)
    return np.asarray(np.exp(log_a + grown * np.where(near, series, np.log(1.0 + away) / away)))
