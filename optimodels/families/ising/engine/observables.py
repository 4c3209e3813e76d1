"""What is recorded of a state: magnetisation, energy and constraint."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.ising.engine.graph import Graph
from optimodels.families.ising.engine.job import Spins

#: Bonds times replicas that are looked at in one piece.
_PIECE = 4_000_000


def observed(graph: Graph, field: float, weights: Ints | Floats, spins: Spins) -> dict[str, Any]:
    """Return magnetisation, energy and, with weights, constraint of each state (R,).

    magnetisation = sum_i s_i (integer), energy = -sum_<ij> s_i s_j - h sum_i s_i, constraint =
    sum_i w_i s_i, an exact integer for integer weights.
    """
    total = spins.sum(axis=1, dtype=np.int64)
    aligned = np.empty(len(spins), dtype=np.int64)
    one, other = np.ascontiguousarray(graph.bonds.T)
    piece = max(1, _PIECE // max(1, len(one)))
    for at in range(0, len(spins), piece):
        some = spins[at : at + piece]
        aligned[at : at + piece] = (some[:, one] * some[:, other]).sum(axis=1, dtype=np.int64)
    found = {"magnetisation": total, "energy": -(aligned + field * total)}
    if len(weights):
        found["constraint"] = np.array([np.dot(state.astype(weights.dtype), weights)
                                        for state in spins])  # fmt: skip
    return found
