"""Ad hoc trades: two agents at a time, nearest first, each as large as both want."""

from __future__ import annotations

import math

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.coalition.data import Instance
from optimodels.families.coalition.path_trades import traded_along_paths
from optimodels.model import Outcome
from optimodels.result import Check

#: Part of what comes to a bus and leaves it that a sum of these may miss by rounding.
_ROUNDED = 16 * float(np.finfo(float).eps)

EQUATIONS = (
    "Private branches in order of length (up to reach_km), each once; the seller",
    "has g - d > 0 left, the buyer < 0 (pu). Reconstructed: 004, ad hoc.",
    "",
    "A trade of a over the resistance r costs the seller a + r a^2 / 2, brings",
    "the buyer a - r a^2 / 2, and pays up to a = (b - s) / (r (b + s)) at the",
    "tariff b (buy_tariff), s (sell_tariff): each is as large as both want and",
    "as pays.",
)


def traded(instance: Instance) -> Floats:
    """Return the flow (f,) of each private branch from its start to its end, pu."""
    given = instance.parameters
    if given.partners == "paths":
        return traded_along_paths(instance)
    buy, sell = float(given.buy_tariff), float(given.sell_tariff)
    rest = instance.endowment.copy()
    flow = np.zeros(len(instance.private))
    wires = instance.private
    for f in np.argsort(instance.private_km, kind="stable").tolist():
        if given.reach_km is not None and instance.private_km[f] > given.reach_km:
            break
        i, j, r = int(wires.start[f]), int(wires.end[f]), float(wires.resistance[f])
        if rest[i] * rest[j] >= 0 or buy <= sell:
            continue
        seller, buyer = (i, j) if rest[i] > 0 else (j, i)
        amount = min(
            _gives(rest[seller], r), _takes(-rest[buyer], r), (buy - sell) / (r * (buy + sell))
        )
        rest[seller] -= amount + r * amount**2 / 2
        rest[buyer] += amount - r * amount**2 / 2
        # What meets a want exactly leaves nothing, not a rounding error to be traded on.
        for bus in (seller, buyer):
            if abs(rest[bus]) <= 1e-14 * abs(instance.endowment[bus]):
                rest[bus] = 0.0
        flow[f] = amount if seller == i else -amount
    return flow


def _gives(surplus: float, r: float) -> float:
    """a with a + r a^2 / 2 = surplus."""
    return 2 * surplus / (1 + math.sqrt(1 + 2 * r * surplus))


def _takes(want: float, r: float) -> float:
    """The smaller a with a - r a^2 / 2 = want; without end where the branch cannot bring it."""
    room = 1 - 2 * r * want
    return 2 * want / (1 + math.sqrt(room)) if room >= 0 else math.inf


def trades(instance: Instance) -> Outcome:
    """Trade, and check what every trade must keep: nobody sells what he has not, or buys more
    than he wants."""
    flow = traded(instance)
    left = injections(instance, flow)
    own = instance.endowment
    beyond = np.maximum(-left * np.sign(own), 0.0)
    more = np.maximum(np.abs(left) - np.abs(own), 0.0)
    size = max(1e-300, float(np.abs(own).max(initial=0.0)))
    checks = (
        Check.of("sold or bought beyond the want", float(beyond.max(initial=0.0)) / size, 1e-12),
        Check.of("traded away from the want", float(more.max(initial=0.0)) / size, 1e-12),
        _worth(instance, flow, left - own),
    )
    return Outcome("end state", checks, {"private_flow": flow})


def _worth(instance: Instance, flow: Floats, change: Floats) -> Check:
    """Direct trades: the last unit on every branch pays. Along paths, where trades share
    branches: all of them together do."""
    given = instance.parameters
    buy, sell = float(given.buy_tariff), float(given.sell_tariff)
    if given.partners == "paths":
        gain = float(buy * np.maximum(change, 0.0).sum() - sell * np.maximum(-change, 0.0).sum())
        size = max(1e-300, buy * float(np.abs(change).sum()))
        return Check.of("trades that do not pay", max(0.0, -gain) / size, 1e-12)
    margin = (buy - sell) - instance.private.resistance * np.abs(flow) * (buy + sell)
    worst = float(np.max(-margin, initial=0.0, where=flow != 0))
    return Check.of("last unit that does not pay", worst / max(1e-300, buy), 1e-12)


def injections(instance: Instance, flow: Floats) -> Floats:
    """Return what private flows (f,) leave to be exchanged with the public network (n,), pu;
    losses r h^2 are split half to each end."""
    wires, n = instance.private, instance.buses
    touching, lost = wires.touching(n), wires.resistance * flow**2
    left = instance.endowment - wires.incidence(n) @ flow - touching @ lost / 2
    # What cancels but for rounding is nothing: an agent whose want is met buys no 1e-17 pu.
    terms = np.abs(instance.endowment) + touching @ (np.abs(flow) + lost / 2)
    return np.where(np.abs(left) <= _ROUNDED * terms, 0.0, left)
