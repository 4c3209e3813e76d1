"""Who listens to whom: graphs of sites with bonds of equal strength."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from optimodels.arrays import Ints, Mask
from optimodels.errors import DataError
from optimodels.families.ising.engine.layout import Blocks, Rows, blocks, rows


@dataclass(frozen=True, eq=False)
class Graph:
    """Who listens to whom: sites 0..N-1, undirected bonds of strength J = 1.

    ``starts`` (N + 1,) and ``neighbours`` (2 E,): compressed rows, every bond in both of its
    rows. ``checkerboard`` (N,) is a colouring that is known from the way the graph was made.
    """

    starts: Ints
    neighbours: Ints
    checkerboard: Ints | None = None

    @property
    def sites(self) -> int:
        """The number N of sites."""
        return len(self.starts) - 1

    @cached_property
    def degrees(self) -> Ints:
        """The number of neighbours of every site (N,)."""
        return np.diff(self.starts)

    @cached_property
    def bonds(self) -> Ints:
        """Every bond once, the smaller site first (E, 2), in order of that site."""
        first = np.repeat(np.arange(self.sites), self.degrees)
        once = first < self.neighbours
        return np.column_stack([first[once], self.neighbours[once]])

    @cached_property
    def colours(self) -> Ints:
        """A colour for every site (N,), 0.., no two neighbours of one colour.

        The checkerboard of a lattice, else greedy in order of the sites.
        """
        if self.checkerboard is not None:
            return self.checkerboard
        starts, neighbours = self.starts.tolist(), self.neighbours.tolist()
        colours = [-1] * self.sites
        for site in range(self.sites):
            taken = {colours[other] for other in neighbours[starts[site] : starts[site + 1]]}
            colours[site] = next(c for c in range(len(taken) + 1) if c not in taken)
        return np.array(colours, dtype=np.int64)

    @cached_property
    def order(self) -> Ints:
        """The order in which a sweep visits the sites (N,): colour after colour."""
        return np.argsort(self.colours, kind="stable")

    @cached_property
    def blocks(self) -> Blocks:
        """The layout of the multi-spin kernel; no site may have more than four neighbours."""
        return blocks(self.starts, self.neighbours, self.colours)

    @cached_property
    def rows(self) -> Rows:
        """The layout of the kernels of single moves."""
        return rows(self.starts, self.neighbours)

    @cached_property
    def padded(self) -> Ints:
        """The neighbours of every site (N, largest degree), filled up with N, which is no site."""
        width = int(self.degrees.max(initial=0))
        found = np.full((self.sites, width), self.sites, dtype=np.int64)
        row = np.repeat(np.arange(self.sites), self.degrees)
        found[row, np.arange(len(row)) - self.starts[row]] = self.neighbours
        return found

    def without(self, kept: Mask) -> Graph:
        """Return the graph that has only the bonds with ``kept`` (E,), in the order of ``bonds``.

        Raises DataError where the mask has another length.
        """
        if kept.shape != (len(self.bonds),):
            raise DataError("bonds", f"{len(self.bonds)} bonds, but a mask of shape {kept.shape}")
        return _graph(self.sites, self.bonds[kept], self.checkerboard)


def lattice(occupied: Mask) -> Graph:
    """Return the square lattice of the occupied places (rows, columns), with a free boundary.

    Sites are numbered row by row over the occupied places. Raises DataError where none is.
    """
    if occupied.ndim != 2 or not occupied.any():
        raise DataError("lattice", "a lattice has two dimensions and at least one occupied place")
    number = np.cumsum(occupied.ravel()).reshape(occupied.shape) - 1
    pairs = []
    for first, second in (((slice(None), slice(-1)), (slice(None), slice(1, None))),
                          ((slice(-1), slice(None)), (slice(1, None), slice(None)))):  # fmt: skip
        both = occupied[first] & occupied[second]
        pairs.append(np.column_stack([number[first][both], number[second][both]]))
    row, column = np.nonzero(occupied)
    return _graph(len(row), np.concatenate(pairs), (row + column) % 2)


def from_bonds(sites: int, bonds: Ints) -> Graph:
    """Return the graph of ``sites`` sites with the undirected ``bonds`` (E, 2).

    Raises DataError for a bond from a site to itself, twice the same bond, or no such site.
    """
    bonds = np.asarray(bonds, dtype=np.int64).reshape(-1, 2)
    if sites < 1:
        raise DataError("sites", f"a graph has at least one site, not {sites}")
    if bonds.size and not (bonds.min() >= 0 and bonds.max() < sites):
        raise DataError("bonds", f"a bond names a site outside of 0..{sites - 1}")
    loops = bonds[bonds[:, 0] == bonds[:, 1]]
    if len(loops):
        raise DataError("bonds", f"site {loops[0, 0]} has a bond with itself")
    keys = np.sort(bonds.min(axis=1) * sites + bonds.max(axis=1))
    double = keys[1:][keys[1:] == keys[:-1]]
    if len(double):
        first, second = divmod(int(double[0]), sites)
        raise DataError("bonds", f"the bond {first}-{second} is given twice")
    return _graph(sites, bonds, None)


def _graph(sites: int, bonds: Ints, checkerboard: Ints | None) -> Graph:
    ends = np.concatenate([bonds[:, 0], bonds[:, 1]])
    others = np.concatenate([bonds[:, 1], bonds[:, 0]])
    starts = np.zeros(sites + 1, dtype=np.int64)
    np.cumsum(np.bincount(ends, minlength=sites), out=starts[1:])
    return Graph(starts, others[np.lexsort((others, ends))], checkerboard)
