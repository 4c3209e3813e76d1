"""The transfer matrix of a rectangle with a free boundary, site by site.

The vector of 2^width numbers is multiplied by one column's 2 x 2 matrix at a time, so that a row
costs width 2^width operations. The rectangle is symmetric, so that only half of the rows are
walked: Z = sum over the middle row's states of the two halves' product. Derivatives are taken by
a complex step (exact to rounding), the distribution of M by a Fourier transform over imaginary
fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from optimodels.arrays import Complexes, Floats
from optimodels.errors import DataError

WIDEST = 17
_STEP = 1e-30


@dataclass(frozen=True)
class Strip:
    """A rectangle of ``rows`` x ``columns`` sites with a free boundary, columns <= WIDEST."""

    rows: int
    columns: int

    def __post_init__(self) -> None:
        if self.rows < 1 or not 1 <= self.columns <= WIDEST:
            raise DataError(
                "strip", f"takes at least one row and 1 to {WIDEST} columns, "
                f"not {self.rows} x {self.columns}",
            )  # fmt: skip

    @property
    def sites(self) -> int:
        """The number of sites."""
        return self.rows * self.columns

    def energy(self, temperature: float, field: float = 0.0) -> float:
        """Return <E> of the whole rectangle, -d ln Z / d(1 / T)."""
        inverse = 1 / temperature + 1j * _STEP
        return -self._log_partition(inverse, inverse * field).imag / _STEP

    def magnetisation(self, temperature: float, field: float) -> float:
        """Return <M> of the whole rectangle, d ln Z / d(h / T)."""
        return (
            self._log_partition(1 / temperature + 0j, field / temperature + 1j * _STEP).imag / _STEP
        )

    def log_partition(self, temperature: float, field: float = 0.0) -> float:
        """Return ln Z."""
        return self._log_partition(1 / temperature + 0j, field / temperature + 0j).real

    def distribution(self, temperature: float, field: float = 0.0) -> Floats:
        """Return the probability of every number of up spins (sites + 1,), to about 1e-13.

        Costs (sites + 1) / 2 partition functions: 17 x 17 takes a quarter of a minute and more.
        """
        count = self.sites + 1
        base = self._log_partition(1 / temperature + 0j, field / temperature + 0j)
        values = np.empty(count, dtype=np.complex128)
        for wave in range(count // 2 + 1):
            angle = 2 * np.pi * wave / count
            # exp(i angle U), U the number of up spins: exp(i angle (M + sites) / 2).
            log = self._log_partition(1 / temperature + 0j, field / temperature + 0.5j * angle)
            values[wave] = np.exp(log - base + 0.5j * angle * self.sites)
            values[-wave] = values[wave].conjugate()
        return np.asarray(np.fft.fft(values).real / count)

    def absolute(self, temperature: float, field: float = 0.0) -> float:
        """Return <|M|> of the whole rectangle."""
        ups = np.arange(self.sites + 1)
        return float(np.abs(2 * ups - self.sites) @ self.distribution(temperature, field))

    def _log_partition(self, inverse: complex, field: complex) -> complex:
        """Return ln Z for complex 1 / T and h / T (its imaginary part up to multiples of 2 pi)."""
        states = np.arange(2**self.columns)
        spins = [(states >> column & 1) * 2 - 1 for column in range(self.columns)]
        along = sum((a * b for a, b in pairwise(spins)), 0 * states)
        row = np.exp(inverse * along + field * sum(spins))
        above, log_above = self._half((self.rows - 1) // 2, row, inverse)
        below, log_below = above, log_above
        if self.rows % 2 == 0:
            below, log_below = self._half(self.rows // 2, row, inverse)
        total = np.sum(above * row * below)
        return complex(np.log(total) + log_above + log_below)

    def _half(self, rows: int, row: Complexes, inverse: complex) -> tuple[Complexes, complex]:
        """Return the sum over ``rows`` rows beside a row, by its state, and the log of a factor."""
        vector, log = np.ones(len(row), dtype=np.complex128), 0j
        unlike = np.exp(-2 * inverse)
        for _ in range(rows):
            vector = vector * row
            for column in range(self.columns):
                down, up = np.moveaxis(vector.reshape(-1, 2, 2**column), 1, 0)
                vector = np.stack([down + unlike * up, up + unlike * down], axis=1).reshape(-1)
            size = np.abs(vector).max()
            vector /= size
            log += np.log(size) + self.columns * inverse
        return vector, log
