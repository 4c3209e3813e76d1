"""How sharp the most probable split is, and how often two systems leave it (000, 2.3 and 3.1).

Everything is a logarithm: the quantities range over hundreds of orders of magnitude.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr, logsumexp

from optimodels.arrays import Floats
from optimodels.families.thermodynamics.counting import log_central, log_ratio

#: Terms up to which the exact tail is summed.
_MOST_TERMS = 4_000_000
#: A tail is followed until its terms are exp(-this) of the first: below a double's last digit.
_NEGLIGIBLE = 45.0


@dataclass(frozen=True)
class Pair:
    """Two systems of N_1 and N_2 machines, both even, without an excess product in all."""

    first: int
    second: int

    @property
    def width(self) -> float:
        """Standard deviation of m_1: sqrt(N_1 N_2 / N) / 2.

        That is sqrt(N_1) / 2 beside a reservoir, sqrt(N_1 / 8) for equal systems; the paper's
        "approximately sqrt(N_1)" below (8) is twice the former.
        """
        return 0.5 / math.sqrt(1 / self.first + 1 / self.second)

    @property
    def most(self) -> int:
        """The largest deviation that both systems can take."""
        return min(self.first, self.second) // 2

    def log_reduction(self, deviation: npt.ArrayLike) -> Floats:
        """Return -2 delta^2 (1/N_1 + 1/N_2), the logarithm of (7)."""
        delta = np.asarray(deviation, dtype=float)
        found: Floats = -2 * delta**2 * (1 / self.first + 1 / self.second)
        return found

    def log_exact_reduction(self, deviation: npt.ArrayLike) -> Floats:
        """Return log of g_1(delta) g_2(-delta) / (g_1(0) g_2(0)), the degeneracies exact."""
        found: Floats = log_ratio(self.first, deviation) + log_ratio(self.second, deviation)
        return found

    def log_tail(self, deviation: npt.ArrayLike) -> Floats:
        """Return log erfc(delta sqrt(2 (1/N_1 + 1/N_2))): a normal m_1 at least delta away."""
        found: Floats = math.log(2) + log_ndtr(-np.asarray(deviation, dtype=float) / self.width)
        return found

    def log_exact_tail(self, deviation: int) -> float | None:
        """Return log P(|m_1| >= delta), the sum over all such configurations.

        The configurations of (2) are 2 sum_{k >= delta} g_1(k) g_2(-k) of g(N, 0), by
        Vandermonde. None where there are more than ``_MOST_TERMS`` terms that count.
        """
        last = self._last(deviation)
        if last - deviation > _MOST_TERMS:
            return None
        return self._log_sum(deviation, last) + math.log(2) - self._log_all()

    def normalisation_error(self) -> float | None:
        """Return sum_k g_1(k) g_2(-k) / g(N, 0) - 1, summed term by term; None if too many."""
        last = self._last(0)
        if last > _MOST_TERMS:
            return None
        tails = 2 * math.exp(self._log_sum(1, last) - self._log_all()) if self.most else 0.0
        return tails + math.exp(-self._log_all()) - 1

    def _log_sum(self, first: int, last: int) -> float:
        terms = self.log_exact_reduction(np.arange(first, last + 1, dtype=float))
        return float(logsumexp(terms))

    def _log_all(self) -> float:
        """log of g(N, 0) / (g_1(0) g_2(0))."""
        n = self.first + self.second
        return float(log_central(n) - log_central(self.first) - log_central(self.second))

    def _last(self, first: int) -> int:
        """Where the terms have become negligible: as of the Gaussian (7)."""
        reach = math.hypot(first, self.width * math.sqrt(2 * _NEGLIGIBLE))
        return min(self.most, math.ceil(reach) + 1)
