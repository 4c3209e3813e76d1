"""Index lists of the sites of equal weight, up spins before down spins, for every replica."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from optimodels.arrays import Floats, Ints, Mask
from optimodels.families.ising.engine.job import Spins

Indices = npt.NDArray[np.uint32]


class Classes:
    """Where the up and the down spins of each class are.

    ``members`` (R, N): the sites, class after class, in each class the up spins first; ``places``
    (R, N): where each site stands in it. ``label`` (N,): the class of a site; ``begins`` (K + 1,):
    where a class starts; ``turns`` (R, K): where its down spins start. A swap keeps the numbers
    of up and of down spins of a class, so that ``turns`` never changes.
    """

    def __init__(self, weights: Ints | Floats, spins: Spins) -> None:
        _, label = np.unique(weights, return_inverse=True)
        self.label: Ints = label.astype(np.int64)
        count = int(self.label.max()) + 1
        self.begins: Ints = np.concatenate([[0], np.cumsum(np.bincount(self.label))])
        self.members: Indices = np.empty(spins.shape, dtype=np.uint32)
        self.places: Indices = np.empty(spins.shape, dtype=np.uint32)
        self.turns: Ints = np.empty((len(spins), count), dtype=np.int64)
        for row, state in enumerate(spins):
            self.members[row] = np.lexsort((-state, self.label))
            self.places[row, self.members[row]] = np.arange(spins.shape[1])
            ups = np.bincount(self.label[state > 0], minlength=count)
            self.turns[row] = self.begins[:-1] + ups

    def opposite(self, rows: Ints, sites: Ints, up: Mask) -> tuple[Ints, Ints]:
        """Return where the opposite spins of the sites' classes begin, and how many they are."""
        label = self.label[sites]
        turn = self.turns[rows, label]
        begin, end = self.begins[label], self.begins[label + 1]
        return np.where(up, turn, begin), np.where(up, end - turn, turn - begin)

    def swap(self, rows: Ints, sites: Ints, partners: Ints) -> None:
        """Let each site and its partner change places, one pair for each row."""
        one, other = self.places[rows, sites], self.places[rows, partners]
        self.members[rows, one], self.members[rows, other] = partners, sites
        self.places[rows, sites], self.places[rows, partners] = other, one
