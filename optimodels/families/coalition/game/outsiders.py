"""What a coalition is worth, by what those outside of it are taken to do.

The worth of S is its payoff in the equilibrium of a partition that holds S; which partition the
others form is nobody's knowledge, so the game has as many cores as there are answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from optimodels.families.coalition.game.equilibrium import Equilibrium, equilibrium
from optimodels.families.coalition.game.microgrid import Microgrid, Partition, partition_of
from optimodels.families.coalition.game.partitions import partitions
from optimodels.families.coalition.game.solution_concepts import Game, members

Outsiders = Literal["idle", "groups", "united", "cautious"]


@dataclass(frozen=True)
class Equilibria:
    """The equilibria of a microgrid's partitions, each found once."""

    grid: Microgrid

    @cached_property
    def found(self) -> dict[Partition, Equilibrium]:
        return {}

    def __call__(self, partition: Partition) -> Equilibrium:
        if partition not in self.found:
            self.found[partition] = equilibrium(self.grid, partition)
        return self.found[partition]

    def payoff(self, group: int, partition: Partition) -> float:
        """Return what a group of a partition gets."""
        return float(self(partition).payoff[partition.index(group)])


def idle(grid: Microgrid, coalition: int) -> Partition:
    """Outsiders trade nothing privately: each exchanges its endowment with the grid."""
    outside = grid.everyone & ~coalition
    return partition_of([coalition, *(1 << i for i in members(outside))])


def groups(grid: Microgrid, coalition: int) -> Partition:
    """Outsiders that private branches connect are a group, the poster's self-interested ones."""
    left = grid.everyone & ~coalition
    found = [coalition]
    branches = [(1 << int(i), 1 << int(j)) for i, j in zip(grid.start, grid.end, strict=True)]
    while left:
        group, grown = 0, left & -left
        while group != grown:
            group = grown
            for i, j in branches:
                if group & (i | j) and not coalition & (i | j):
                    grown |= i | j
        found.append(group)
        left &= ~group
    return partition_of(found)


def united(grid: Microgrid, coalition: int) -> Partition:
    """Outsiders are one group that replies as is best for it."""
    return partition_of([coalition, grid.everyone & ~coalition])


def game(equilibria: Equilibria, outsiders: Outsiders) -> Game:
    """Return the game of payoffs under a definition.

    ``cautious`` takes the worst for the coalition over all partitions of the outsiders: where
    even that game has no core, no belief about outsiders that coalitions hold alike gives one.
    """
    grid = equilibria.grid
    if outsiders == "cautious":
        return Game(grid.agents, lambda s: min(
            equilibria.payoff(s, partition_of([s, *others]))
            for others in partitions(grid.everyone & ~s)
        ))  # fmt: skip
    forms: dict[str, Callable[[Microgrid, int], Partition]] = {
        "idle": idle, "groups": groups, "united": united,
    }  # fmt: skip
    form = forms[outsiders]
    return Game(grid.agents, lambda s: equilibria.payoff(s, form(grid, s)))
