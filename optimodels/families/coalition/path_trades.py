"""Ad hoc trades along private paths: with partners that other agents stand between."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.coalition.data import Instance

EQUATIONS = (
    "Pairs of a seller, g - d > 0 (pu), and a buyer, < 0, in order of the length",
    "of the shortest private path between them (up to reach_km), each once.",
    "Reconstructed: 004, ad hoc; paths: ours.",
    "",
    "A trade adds a to the flow h on each branch of the path, of resistance r:",
    "  in   a + r ((h + a)^2 - h^2) / 2,",
    "  out  a - r ((h + a)^2 - h^2) / 2, all of which goes into the next.",
    "So it pays the losses that it adds, and nobody between gains or loses. It is",
    "as large as both want and as b d(bought) >= s d(sold) at the tariff",
    "b (buy_tariff), s (sell_tariff).",
)
#: Less than this part of an endowment is left by rounding, and not traded on.
_NOTHING = 1e-13


@dataclass(frozen=True)
class _Path:
    """Branches in turn from seller to buyer: ``resistance``, the ``flow`` that is there already
    in the direction of the trade (e,)."""

    resistance: list[float]
    flow: list[float]

    def added(self, sold: float) -> tuple[list[float], float, float]:
        """Return what a sale adds to each branch, what comes out, and how much of one unit more
        would."""
        adds: list[float] = []
        through, more = sold, 1.0
        for r, h in zip(self.resistance, self.flow, strict=True):
            room = 1 + r * h
            add = 2 * through / (room + math.sqrt(room**2 + 2 * r * through))
            if r * (h + add) >= 1:
                # More than the branch can bring: what comes out falls.
                return adds, 0.0, -1.0
            through -= r * add * (2 * h + add)
            more *= (1 - r * (h + add)) / (1 + r * (h + add))
            adds.append(add)
        return adds, through, more


def traded_along_paths(instance: Instance) -> Floats:
    """Return the flow (f,) of each private branch from its start to its end, pu.

    Of equally long paths the one that SciPy's Dijkstra finds, of equally distant pairs the seller
    and then the buyer that the network lists first.
    """
    given, wires = instance.parameters, instance.private
    buy, sell = float(given.buy_tariff), float(given.sell_tariff)
    rest, flow = instance.endowment.copy(), np.zeros(len(wires))
    if buy <= sell or not len(wires):
        return flow
    sellers, buyers = np.flatnonzero(rest > 0), np.flatnonzero(rest < 0)
    length, before, branch = _shortest(instance, sellers)
    near = length[:, buyers]
    for pair in np.argsort(near, axis=None, kind="stable").tolist():
        k, other = divmod(pair, len(buyers))
        if not np.isfinite(near[k, other]):
            break
        seller, buyer = int(sellers[k]), int(buyers[other])
        if rest[seller] == 0 or rest[buyer] == 0:
            continue
        way: list[tuple[int, int]] = []
        bus = buyer
        while bus != seller:
            last = int(before[k, bus])
            e = branch[last, bus]
            way.append((e, 1 if wires.start[e] == last else -1))
            bus = last
        way.reverse()
        path = _Path(
            [float(wires.resistance[e]) for e, _ in way], [sign * float(flow[e]) for e, sign in way]
        )
        sold = _largest(path, float(rest[seller]), -float(rest[buyer]), sell / buy)
        adds, bought, _ = path.added(sold)
        rest[seller] -= sold
        rest[buyer] += bought
        for bus in (seller, buyer):
            if abs(rest[bus]) <= _NOTHING * abs(instance.endowment[bus]):
                rest[bus] = 0.0
        for (e, sign), add in zip(way, adds, strict=True):
            flow[e] += sign * add
    return flow


def _largest(path: _Path, surplus: float, want: float, worth: float) -> float:
    """Return the sale that either ends, or of which the last unit just pays."""
    from scipy.optimize import brentq

    def pays(sold: float) -> float:
        return path.added(sold)[2] - worth

    def wanted(sold: float) -> float:
        return path.added(sold)[1] - want

    if pays(0.0) <= 0:
        return 0.0
    most = surplus
    if pays(most) < 0:
        most = float(brentq(pays, 0.0, most, xtol=1e-16, rtol=1e-15))
    if wanted(most) > 0:
        most = float(brentq(wanted, 0.0, most, xtol=1e-16, rtol=1e-15))
    return most


def _shortest(instance: Instance, sellers: Ints) -> tuple[Floats, Ints, dict[tuple[int, int], int]]:
    """Return lengths and predecessors (sellers, n) of shortest paths, infinite beyond the reach,
    and the branch between two neighbours: the shortest, of equals the first."""
    from scipy import sparse
    from scipy.sparse.csgraph import dijkstra

    wires, km = instance.private, instance.private_km
    branch: dict[tuple[int, int], int] = {}
    for e in np.argsort(km, kind="stable").tolist():
        i, j = int(wires.start[e]), int(wires.end[e])
        branch.setdefault((i, j), branch.get((j, i), e))
        branch.setdefault((j, i), branch[i, j])
    start, end = np.array(list(branch), dtype=np.int64).T
    own = km[list(branch.values())]
    graph = sparse.csr_array(
        sparse.coo_array((own, (start, end)), shape=(instance.buses, instance.buses))
    )
    reach = instance.parameters.reach_km
    length, before = dijkstra(
        graph,
        indices=sellers,
        return_predecessors=True,
        limit=np.inf if reach is None else float(reach),
    )
    return np.asarray(length), before.astype(np.int64), branch
