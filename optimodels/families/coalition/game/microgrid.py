"""The game among agents behind one public network: who pays what for which exchange.

Every agent i has an endowment e_i (generation less demand), sends h over private branches inside
its group, and exchanges x = e - B h with the public network, metered at its bus: a pu costs
``buy`` and brings ``sell``. Losses are bought at ``buy``. Public flows add up, y = y_0 + sum_S y_S,
so the loss of a branch, r y^2, is nobody's own: group S pays r y_S y, half of what it and others
cause together. The shares of all add up to the loss: the game is one of divided costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from optimodels.arrays import Floats, Ints

#: Groups as coalitions (bit i: agent i), disjoint and of all agents, by their first member.
Partition = tuple[int, ...]


@dataclass(frozen=True)
class Microgrid:
    """n agents, m private and b public branches, everything in multiples of ``unit`` pu.

    ``endowment`` (n,); private branches from agent ``start`` to agent ``end`` (m,) with
    ``resistance`` (m,); ``flow`` (b, n) over the public branches of a unit that each agent
    injects, ``base_flow`` (b,) of what others than agents do, ``public_resistance`` (b,);
    ``buy`` and ``sell`` price of a unit; ``number`` (n,) of the agents' buses.
    """

    endowment: Floats
    start: Ints
    end: Ints
    resistance: Floats
    flow: Floats
    base_flow: Floats
    public_resistance: Floats
    buy: float
    sell: float
    unit: float
    number: Ints

    @property
    def agents(self) -> int:
        return len(self.endowment)

    @property
    def everyone(self) -> int:
        """The group of all agents."""
        return (1 << self.agents) - 1

    @cached_property
    def loss_matrix(self) -> Floats:
        """Q (n, n): public losses are x'Q x where only agents exchange."""
        found: Floats = self.flow.T @ (self.public_resistance[:, None] * self.flow)
        return found

    @cached_property
    def base_losses(self) -> Floats:
        """q (n,): agents' exchange and that of others share the losses 2 q'x."""
        found: Floats = self.flow.T @ (self.public_resistance * self.base_flow)
        return found

    def inside(self, partition: Partition) -> Ints:
        """Return the private branches (k,) with both ends in one group."""
        group = self.group_of(partition)
        return np.flatnonzero(group[self.start] == group[self.end])

    def group_of(self, partition: Partition) -> Ints:
        """Return the place of every agent's group in the partition (n,)."""
        found = np.full(self.agents, -1)
        for place, group in enumerate(partition):
            found[[i for i in range(self.agents) if group >> i & 1]] = place
        return found

    def incidence(self, branches: Ints) -> Floats:
        """B (n, k): 1 at the agent where a branch starts, -1 where it ends."""
        found = np.zeros((self.agents, len(branches)))
        places = np.arange(len(branches))
        found[self.start[branches], places] += 1.0
        found[self.end[branches], places] -= 1.0
        return found

    def tariff(self, exchange: Floats) -> Floats:
        """Return what the meters charge (n,): buy for what is drawn, less sell for what is fed."""
        found: Floats = np.where(exchange < 0, -self.buy, -self.sell) * exchange
        return found


def partition_of(groups: list[int]) -> Partition:
    """Return groups in the order of their first members."""
    return tuple(sorted((g for g in groups if g), key=lambda g: g & -g))


def everyone_alone(agents: int) -> Partition:
    """Return the partition into single agents."""
    return tuple(1 << i for i in range(agents))
