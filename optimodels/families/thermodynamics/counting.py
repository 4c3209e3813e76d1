"""How many states of N machines have one excess product: exact, and without cancellation.

000, section 2.1. ``log C(N, N/2 + m)`` as a difference of log-gammas loses as many digits as it
has before the point (eight at N = 1e8). Here every term is as small as the result: Stirling's
formula with its leading parts taken together by hand, the rest as the series that it is.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from optimodels.arrays import Floats

#: Where the series of ``binary_deficit`` is used; its first neglected term is below 1e-17 of it.
_SMALL = 0.1
#: From here on Stirling's series has all digits of a double: its next term is 6e-16.
_LARGE = 10.0


def degeneracy(machines: int, excess: int) -> int:
    """Return g(N, m) = C(N, N/2 + m) for 2m = ``excess``, in whole numbers."""
    if abs(excess) > machines or (machines + excess) % 2:
        return 0
    return math.comb(machines, (machines + excess) // 2)


def quadratic_deficit(x: npt.ArrayLike) -> Floats:
    """Return x^2 / 2, the entropy per machine that the paper's Gaussian loses at 2m/N = x."""
    return np.asarray(x, dtype=float) ** 2 / 2


def binary_deficit(x: npt.ArrayLike) -> Floats:
    """Return log 2 - h((1 + x) / 2), h the binary entropy: what a machine loses at 2m/N = x.

    ((1 + x) log(1 + x) + (1 - x) log(1 - x)) / 2, by its series sum x^2k / (2k (2k - 1)) where x
    is small and the two parts would cancel.
    """
    x = np.asarray(x, dtype=float)
    square = x * x
    series = sum(square**k / (2 * k * (2 * k - 1)) for k in range(1, 9))
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(s > 0, s * np.log(s), 0.0) for s in (1.0 + x, 1.0 - x)]
    direct = (parts[0] + parts[1]) / 2
    return np.where(np.abs(x) < _SMALL, series, direct)


def log_central(machines: npt.ArrayLike) -> Floats:
    """Return log(g(N, 0) / 2^N); N odd by the gamma function."""
    n = np.asarray(machines, dtype=float)
    central: Floats = np.log(2 / (np.pi * n)) / 2 + _rest(n) - 2 * _rest(n / 2)
    return central


def log_ratio(machines: npt.ArrayLike, m: npt.ArrayLike) -> Floats:
    """Return log(g(N, m) / g(N, 0)) for real |m| <= N/2."""
    n, m = np.broadcast_arrays(np.asarray(machines, dtype=float), np.asarray(m, dtype=float))
    x = 2 * m / n
    edge = np.abs(x) >= 1
    inner = np.where(edge, 0.0, x)
    rests = 2 * _rest(n / 2) - _rest((n - n * inner) / 2) - _rest((n + n * inner) / 2)
    ratio = -n * binary_deficit(inner) - np.log1p(-inner * inner) / 2 + rests
    # At the edge there is one state.
    found: Floats = np.where(edge, -n * math.log(2) - log_central(n), ratio)
    return found


def log_degeneracy(machines: npt.ArrayLike, m: npt.ArrayLike) -> Floats:
    """Return log g(N, m), the entropy in nats."""
    n, m = np.asarray(machines, dtype=float), np.asarray(m, dtype=float)
    entropy = n * math.log(2) + (log_central(n) + log_ratio(n, m))
    found: Floats = np.where(2 * np.abs(m) >= n, 0.0, entropy)
    return found


def log_gaussian(machines: npt.ArrayLike, m: npt.ArrayLike) -> Floats:
    """Return the logarithm of 2^N sqrt(2 / (pi N)) exp(-2 m^2 / N) (000, section 2.1)."""
    n, m = np.asarray(machines, dtype=float), np.asarray(m, dtype=float)
    entropy: Floats = n * math.log(2) + (np.log(2 / (np.pi * n)) / 2 - 2 * m * m / n)
    return entropy


def _rest(n: Any) -> Floats:
    """What Stirling's formula n log n - n + log(2 pi n) / 2 leaves of log n!, for real n > 0."""
    n = np.asarray(n, dtype=float)
    t = 1.0 / np.maximum(n, _LARGE)
    t2 = t * t
    series = t * (1 / 12 - t2 * (1 / 360 - t2 * (1 / 1260 - t2 * (1 / 1680 - t2 * (
        1 / 1188 - t2 * 691 / 360360)))))  # fmt: skip
    small = np.minimum(n, _LARGE)
    direct = gammaln(small + 1) - (small * np.log(small) - small + np.log(2 * np.pi * small) / 2)
    found: Floats = np.where(n >= _LARGE, series, direct)
    return found


def log_degeneracy_by_gamma(machines: int, m: float) -> Any:
    """Return log g(N, m) as a plain difference of log-gammas, in fifty digits (mpmath).

    A second formula, for checks: what cancels there is lost in none of the first thirty digits.
    """
    import mpmath

    with mpmath.workdps(50):
        half = mpmath.mpf(machines) / 2
        whole = mpmath.loggamma(mpmath.mpf(machines) + 1)
        return whole - mpmath.loggamma(half - m + 1) - mpmath.loggamma(half + m + 1)
