"""How a graph lies in memory for the compiled kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from optimodels.arrays import Ints

#: Words that are updated together: two registers of AVX2, one of AVX-512, four of NEON.
LANES = 8
#: The largest degree that the multi-spin kernel takes.
LARGEST_DEGREE = 4


@dataclass(frozen=True, eq=False)
class Blocks:
    """The sites of one colour and one degree side by side, filled up to whole blocks of LANES.

    ``places`` (N,): where a site stands; ``groups`` (G, 4): first place, last place + 1, degree
    and the last site's place + 1 of each group; ``around`` (4, P): the places of the neighbours of
    a place, P where there is none.
    """

    places: Ints
    groups: Ints
    around: Any


@dataclass(frozen=True, eq=False)
class Rows:
    """The neighbours of every site in rows of four (K, 4), unsigned, from ``starts`` (N + 1,).

    A row is filled up with N, which is no site: the lattice has one row for every site, so that
    the processor never guesses the number of neighbours wrong; a hub has as many as it needs.
    """

    starts: Any
    neighbours: Any


def blocks(starts: Ints, neighbours: Ints, colours: Ints) -> Blocks:
    """Return the blocks of a graph whose degrees are at most LARGEST_DEGREE."""
    degrees = np.diff(starts)
    places = np.empty(len(degrees), dtype=np.int64)
    groups, at = [], 0
    kinds = colours * (LARGEST_DEGREE + 1) + LARGEST_DEGREE - degrees
    for kind in np.unique(kinds):
        sites = np.flatnonzero(kinds == kind)
        places[sites] = at + np.arange(len(sites))
        end = at + -(-len(sites) // LANES) * LANES
        degree = LARGEST_DEGREE - kind % (LARGEST_DEGREE + 1)
        groups.append([at, end, degree, at + len(sites)])
        at = end
    around = np.full((LARGEST_DEGREE, at), at, dtype=np.int32)
    row = np.repeat(np.arange(len(degrees)), degrees)
    around[np.arange(len(row)) - starts[row], places[row]] = places[neighbours]
    return Blocks(places, np.array(groups, dtype=np.int64), around)


def rows(starts: Ints, neighbours: Ints) -> Rows:
    """Return the rows of four of a graph."""
    sites, degrees = len(starts) - 1, np.diff(starts)
    first = np.zeros(sites + 1, dtype=np.int64)
    np.cumsum(-(-degrees // 4), out=first[1:])
    four = np.full((first[-1], 4), sites, dtype=np.uint32)
    site = np.repeat(np.arange(sites), degrees)
    four.ravel()[4 * first[site] + np.arange(len(site)) - starts[site]] = neighbours
    return Rows(first.astype(np.uint32), four)
