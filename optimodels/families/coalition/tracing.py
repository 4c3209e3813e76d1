"""Who supplies whom, by proportional sharing (Bialek 1996): what comes to a bus is mixed there."""

from __future__ import annotations

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.coalition.data import Instance
from optimodels.result import Row

#: Larger networks have tables that nobody reads.
MOST_BUSES = 40
#: Less than this part of a bus's supply is not listed.
_SHOWN = 1e-6


def shares(instance: Instance, flow: Floats, private_flow: Floats, net: Floats) -> Floats:
    """Return the part (n, n) of the power through each bus that comes from each source.

    ``flow`` (m,) and ``private_flow`` (f,) are those in the middle of the branches, ``net`` (k,)
    the grid's imports; rows are buses, columns sources.
    """
    n = instance.buses
    source = instance.generation.copy()
    np.add.at(source, instance.grid, np.maximum(net, 0.0))
    inflow = np.zeros((n, n))
    for branches, through in ((instance.public, flow), (instance.private, private_flow)):
        forward = through > 0
        start = np.where(forward, branches.start, branches.end)
        end = np.where(forward, branches.end, branches.start)
        # What arrives has lost the branch's second half.
        np.add.at(inflow, (end, start), np.abs(through) - branches.resistance * through**2 / 2)
    total = source + inflow.sum(axis=1)
    total = np.where(total > 0, total, 1.0)
    mixed = np.eye(n) - inflow / total[:, None]
    return np.asarray(np.linalg.solve(mixed, np.diag(source / total)))


def supplied(instance: Instance, flow: Floats, private_flow: Floats, net: Floats) -> list[Row]:
    """Return who meets whose demand, largest parts first; empty for large networks."""
    if instance.buses > MOST_BUSES:
        return []
    part = shares(instance, flow, private_flow, net)
    rows: list[Row] = []
    for i in np.flatnonzero(instance.demand > 0).tolist():
        for j in np.argsort(-part[i], kind="stable").tolist():
            if part[i, j] > _SHOWN:
                rows.append(
                    {
                        "bus": int(instance.number[i]),
                        "from": int(instance.number[j]),
                        "share": float(part[i, j]),
                        "power": float(part[i, j] * instance.demand[i]),
                    }
                )
    return rows
