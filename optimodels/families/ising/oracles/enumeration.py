"""All states of a small graph: exact means and distributions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from optimodels.arrays import Floats, Ints
from optimodels.errors import DataError

LARGEST = 20


@dataclass(frozen=True, eq=False)
class States:
    """The 2^N states of a graph: bit i of a state's number is 1 where spin i is up.

    ``bonds`` (E, 2). At most LARGEST sites; the memory is N 2^N bytes.
    """

    sites: int
    bonds: Ints

    def __post_init__(self) -> None:
        if not 1 <= self.sites <= LARGEST:
            raise DataError("sites", f"enumeration takes 1 to {LARGEST} sites, not {self.sites}")

    @cached_property
    def spins(self) -> npt.NDArray[np.int8]:
        """All states (2^N, N) as +1 and -1."""
        numbers = np.arange(2**self.sites, dtype=np.int64)
        bits = [(numbers >> site & 1) * 2 - 1 for site in range(self.sites)]
        return np.stack(bits, axis=1).astype(np.int8)

    @cached_property
    def magnetisation(self) -> Ints:
        """The sum of the spins of every state (2^N,)."""
        return np.asarray(self.spins.sum(axis=1, dtype=np.int64))

    @cached_property
    def aligned(self) -> Ints:
        """The sum of s_i s_j over the bonds of every state (2^N,)."""
        total = np.zeros(len(self.spins), dtype=np.int64)
        for one, other in self.bonds:
            total += self.spins[:, one] * self.spins[:, other]
        return total

    def energies(self, field: float) -> Floats:
        """Return the energy of every state (2^N,)."""
        return -(self.aligned + field * self.magnetisation)

    def probabilities(self, temperature: float, field: float = 0.0) -> Floats:
        """Return Boltzmann's probability of every state (2^N,), temperature > 0."""
        energies = self.energies(field)
        weights = np.exp(-(energies - energies.min()) / temperature)
        return np.asarray(weights / weights.sum())

    def means(self, temperature: float, field: float = 0.0) -> dict[str, float]:
        """Return <E>, <M> and <|M|> of the whole graph."""
        chances = self.probabilities(temperature, field)
        return {
            "energy": float(chances @ self.energies(field)),
            "magnetisation": float(chances @ self.magnetisation),
            "absolute": float(chances @ np.abs(self.magnetisation)),
        }

    def distribution(self, temperature: float, field: float = 0.0) -> Floats:
        """Return the probability of every number of up spins (N + 1,)."""
        ups = (self.magnetisation + self.sites) // 2
        chances = self.probabilities(temperature, field)
        return np.bincount(ups, chances, self.sites + 1).astype(np.float64)
