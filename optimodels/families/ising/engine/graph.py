"""Who listens to whom, as flat arrays (placeholder of the engine)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from optimodels.arrays import Ints, Mask


@dataclass(frozen=True)
class Graph:
    """Sites 0..N-1 and undirected bonds: ``starts`` (N + 1,), ``neighbours`` (2 E,)."""

    starts: Ints
    neighbours: Ints

    @property
    def sites(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def bonds(self) -> Ints:
        first = np.repeat(np.arange(self.sites), np.diff(self.starts))
        keep = first < self.neighbours
        return np.stack([first[keep], self.neighbours[keep]], axis=1)

    @cached_property
    def colours(self) -> Ints:
        found = np.full(self.sites, -1, dtype=np.int64)
        for i in range(self.sites):
            near = set(found[self.neighbours[self.starts[i] : self.starts[i + 1]]].tolist())
            found[i] = next(c for c in range(self.sites) if c not in near)
        return found

    def without(self, kept: Mask) -> Graph:
        return from_bonds(self.sites, self.bonds[kept])


def from_bonds(sites: int, bonds: Ints) -> Graph:
    both = np.concatenate([bonds, bonds[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    starts = np.concatenate([[0], np.cumsum(np.bincount(both[:, 0], minlength=sites))])
    return Graph(starts.astype(np.int64), both[:, 1].astype(np.int64))


def lattice(occupied: Mask) -> Graph:
    number = np.full(occupied.shape, -1, dtype=np.int64)
    number[occupied] = np.arange(int(occupied.sum()))
    across = np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], axis=1)
    down = np.stack([number[:-1].ravel(), number[1:].ravel()], axis=1)
    bonds = np.concatenate([across, down])
    return from_bonds(int(occupied.sum()), bonds[(bonds >= 0).all(axis=1)])
