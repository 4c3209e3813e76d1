"""Who supplies whom, by proportional sharing (Bialek 1996): what comes to a bus is mixed there."""

from __future__ import annotations

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.coalition.data import Instance
from optimodels.model import Outcome
from optimodels.result import Check, Row

EQUATIONS = (
    "What comes to a bus is mixed there, and leaves it in these parts (Bialek",
    "1996, ours; up to 40 buses).",
    "",
    "T_i s_ij = g_i [i = j] + sum_e (|f_e| - r_e f_e^2 / 2) s_kj",
    "    over branches e that bring power from k to i; T_i: all that comes to i;",
    "    one with r_e |f_e| > 2 brings none, and takes from both of its ends",
    "s_ij   share of j in what is used at bus i; power = s_ij d_i, d: demand",
    "g_j    generation and import at bus j",
    "f, r   flow in the middle of a branch, public or private, and resistance",
    "",
    "sum_i s_ij (d_i + export_i + sum_e r_e f_e^2) = g_j over branches e that",
    "    leave i is how it is checked: what is used of a source is what it gave",
)

#: Larger networks have tables that nobody reads.
MOST_BUSES = 40
#: Less than this part of a bus's supply is not listed.
_SHOWN = 1e-6
#: What a dispatch's own balances may leave, over all that is generated and imported.
_HOLDS = 1e-6


def trace(instance: Instance, flow: Floats, private_flow: Floats, net: Floats) -> Outcome:
    """Return the rows of ``supplied``, checked by what becomes of every source's power."""
    part = shares(instance, flow, private_flow, net)
    use = instance.demand.copy()
    source = instance.generation.copy()
    for bus, imported in zip(instance.grid.tolist(), net.tolist(), strict=True):
        source[bus] += max(imported, 0.0)
        use[bus] += max(-imported, 0.0)
    for branches, through in ((instance.public, flow), (instance.private, private_flow)):
        for i, k, r, f in zip(
            branches.start.tolist(),
            branches.end.tolist(),
            branches.resistance.tolist(),
            through.tolist(),
            strict=True,
        ):
            sends, takes = (i, k) if f > 0 else (k, i)
            lost, arrives = r * f * f, abs(f) - r * f * f / 2
            # One that loses more than it carries takes power from both of its ends.
            use[sends] += lost + min(arrives, 0.0)
            use[takes] -= min(arrives, 0.0)
    off = np.abs(use @ part - source).max() / max(1.0, float(source.sum()))
    checks = (
        Check.of("shares below zero", max(0.0, -float(part.min())), _HOLDS),
        Check.of("what is used of a source against what it gives", float(off), _HOLDS),
    )
    return Outcome("balance", checks, {"supplied": supplied(instance, part)})


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
        # What arrives has lost the branch's second half, if that leaves anything.
        arrives = np.abs(through) - branches.resistance * through**2 / 2
        np.add.at(inflow, (end, start), np.maximum(arrives, 0.0))
    total = source + inflow.sum(axis=1)
    total = np.where(total > 0, total, 1.0)
    mixed = np.eye(n) - inflow / total[:, None]
    return np.asarray(np.linalg.solve(mixed, np.diag(source / total)))


def supplied(instance: Instance, part: Floats) -> list[Row]:
    """Return who meets whose demand by shares (n, n), largest parts first."""
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
