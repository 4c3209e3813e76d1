"""Magnetisation, energy and constraint of states, counted from the spins alone.

The engine keeps them up to date change by change; here they are counted anew, by other code: what
results report of end states, and what their verdicts rest on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimodels.arrays import Floats, Ints
from optimodels.families.ising.data import Society

Spins = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Count:
    """Of R replicas: ``magnetisation`` M (R,), ``agreement`` sum of s_i s_j over bonds (R,) and
    ``constraint`` scale C (R,) in Python's integers, None without buses."""

    magnetisation: Ints
    agreement: Ints
    constraint: list[int] | None

    def energy(self, field: float) -> Floats:
        """E = -J sum_<ij> s_i s_j - h sum_i s_i, J = 1 (R,)."""
        found: Floats = -self.agreement - field * self.magnetisation
        return found


def count(society: Society, spins: Spins) -> Count:
    """Count states (R, N)."""
    magnetisation = spins.sum(axis=1, dtype=np.int64)
    return Count(magnetisation, _agreement(society, spins), constraint(society, spins))


def constraint(society: Society, spins: Spins) -> list[int] | None:
    """scale C = scale sum_b p_b M_b / N_b of (22) (R,), in unbounded integers."""
    if not society.on_buses:
        return None
    weights = society.whole_weights
    return [
        sum(w * m for w, m in zip(weights, row, strict=True))
        for row in by_bus(society, spins).tolist()
    ]


def by_bus(society: Society, spins: Spins) -> Ints:
    """M_b (R, B), the sum of the states of each bus's customers."""
    buses = len(society.customers.buses)
    up = np.stack([np.bincount(society.bus[row > 0], minlength=buses) for row in spins])
    found: Ints = 2 * up - society.members
    return found


def pairs(society: Society) -> Ints:
    """The sites (E, 2) that listen to each other: from the places of the lattice, or as read."""
    if society.edges is not None:
        both = society.edges
    else:
        square = society.square
        assert square is not None
        across = np.stack([square[:, :-1].ravel(), square[:, 1:].ravel()], axis=1)
        down = np.stack([square[:-1].ravel(), square[1:].ravel()], axis=1)
        both = np.concatenate([across, down])
        both = both[(both >= 0).all(axis=1)]
    within = society.within
    return both if within is None else both[within[both[:, 0]] == within[both[:, 1]]]


def _agreement(society: Society, spins: Spins) -> Ints:
    """The sum of s_i s_j over the pairs that listen to each other (R,)."""
    first, second = pairs(society).T
    return np.array(
        [np.dot(row[first].astype(np.int64), row[second].astype(np.int64)) for row in spins]
    )
