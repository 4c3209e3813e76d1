"""A case of a game as the microgrid that its agents play on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from optimodels.errors import DataError
from optimodels.families.coalition.data import Instance, read
from optimodels.families.coalition.game.microgrid import Microgrid, Partition, partition_of
from optimodels.families.coalition.game.outsiders import Equilibria
from optimodels.families.coalition.groups import public_flows
from optimodels.grid import Network
from optimodels.model import Inputs

#: Agents up to which coalitions are asked one by one, or partitions all looked at.
MOST_PLAYING, MOST_PARTITIONED = 30, 8


@dataclass(frozen=True)
class Play:
    """The case as read, its microgrid, and the equilibria found so far."""

    instance: Instance
    equilibria: Equilibria

    @property
    def grid(self) -> Microgrid:
        return self.equilibria.grid

    @property
    def given(self) -> Any:
        return self.instance.parameters

    @property
    def network(self) -> Network:
        return self.instance.network

    @property
    def together(self) -> Partition:
        """The partition into one group of all."""
        return (self.grid.everyone,)

    @property
    def cooperative(self) -> Microgrid:
        """The same agents where all of them as one group lose least.

        No margin between the tariffs is worth a flow then, and they pay for all that they and
        others lose together, not for half: others' flow counts twice.
        """
        return replace(self.grid, sell=self.grid.buy, base_flow=2 * self.grid.base_flow)


def read_payments(inputs: Inputs) -> Play:
    """Read a case of payments; raises DataError where the game is too large for its definition."""
    play = _read(inputs)
    if play.given.outsiders == "cautious" and play.grid.agents > MOST_PARTITIONED:
        raise DataError(
            "parameters.outsiders",
            f"cautious looks at all partitions of the outsiders: at most {MOST_PARTITIONED} "
            f"agents, not {play.grid.agents}",
        )
    return play


def read_formation(inputs: Inputs) -> Play:
    """Read a case of formation."""
    return _read(inputs)


def _read(inputs: Inputs) -> Play:
    if inputs.parameters.buy_tariff == 0:
        raise DataError("parameters.buy_tariff", "must be above 0: losses are bought at it")
    instance = read(inputs)
    count = len(instance.agents)
    if not 2 <= count <= MOST_PLAYING:
        raise DataError(
            "parameters.agents",
            f"a game has 2 to {MOST_PLAYING} agents, not {count}: name their buses",
        )
    return Play(instance, Equilibria(microgrid(instance)))


def microgrid(instance: Instance) -> Microgrid:
    """Return the microgrid of a case's agents; all others only load the public branches."""
    given, unit, agents = instance.parameters, instance.unit, instance.agents
    place = np.full(instance.buses, -1, dtype=np.int64)
    place[agents] = np.arange(len(agents))
    fed = np.zeros((instance.buses, len(agents) + 1))
    fed[agents, np.arange(len(agents))] = 1.0
    fed[:, -1] = np.where(place < 0, instance.endowment / unit, 0.0)
    flows = public_flows(instance, fed)
    lossy = instance.public.resistance > 0
    return Microgrid(
        endowment=instance.endowment[agents] / unit,
        start=place[instance.private.start],
        end=place[instance.private.end],
        resistance=instance.private.resistance * unit,
        flow=flows[lossy, :-1],
        base_flow=flows[lossy, -1],
        public_resistance=instance.public.resistance[lossy] * unit,
        buy=float(given.buy_tariff),
        sell=float(given.sell_tariff),
        unit=unit,
        number=instance.number[agents],
    )


def drawn_partitions(play: Play) -> list[Partition]:
    """Return partitions drawn by the case's seed: labels at random, one of each."""
    rng = np.random.default_rng(play.given.seed)
    n = play.grid.agents
    found: dict[Partition, None] = {}
    for _ in range(play.given.sample):
        label = rng.integers(0, rng.integers(2, n + 1), size=n)
        groups = [sum(1 << int(i) for i in np.flatnonzero(label == k)) for k in range(n)]
        found[partition_of(groups)] = None
    return list(found)


def named(play: Play, group: int) -> str:
    """Return a group by the numbers of its agents' buses, as in "6 12"."""
    return " ".join(str(b) for i, b in enumerate(play.grid.number.tolist()) if group >> i & 1)


def spelled(play: Play, partition: Partition) -> str:
    """Return a partition by its groups, as in "6 12 | 18"."""
    return " | ".join(named(play, group) for group in partition)
