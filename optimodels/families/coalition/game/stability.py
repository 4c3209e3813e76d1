"""Which partitions last: rules of leaving and joining groups, and how groups merge and split.

Agents look at their own payments in the equilibrium of the partition that a move would bring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.coalition.game.microgrid import Partition, everyone_alone, partition_of
from optimodels.families.coalition.game.partitions import subsets, without
from optimodels.families.coalition.game.solution_concepts import members

Rule = Literal["nash", "individual", "core"]
#: What each agent gets in a partition (n,).
Payments = Callable[[Partition], Floats]

#: Members up to which every way of splitting a group in two is looked at.
MOST_SPLIT = 10


def deviation(
    partition: Partition, payments: Payments, rule: Rule, slack: float
) -> Partition | None:
    """Return where a move leads that a rule allows and that gains each mover more than ``slack``;
    None where there is none.

    nash: one agent goes to another group or stays alone. individual: the same, and nobody in the
    group that takes it in loses. core: any agents form a group of their own, all of whom gain;
    the groups that they leave go on without them.
    """
    now = payments(partition)
    if rule == "core":
        everyone = sum(partition)
        for forming in subsets(everyone):
            if forming and forming not in partition:
                to = partition_of([forming, *without(partition, forming)])
                gain = payments(to) - now
                if all(gain[i] > slack for i in members(forming)):
                    return to
        return None
    for group in partition:
        for i in members(group):
            one = 1 << i
            for joined in (0, *partition):
                if joined == group or (not joined and group == one):
                    continue
                stay = [g for g in without(partition, one) if g != joined]
                to = partition_of([joined | one, *stay])
                gain = payments(to) - now
                agreed = rule == "nash" or all(gain[j] >= -slack for j in members(joined))
                if gain[i] > slack and agreed:
                    return to
    return None


@dataclass(frozen=True)
class Path:
    """Partitions from all alone to where nothing merges or splits; ``cycle``: it came back."""

    steps: tuple[Partition, ...]
    cycle: bool

    @property
    def end(self) -> Partition:
        return self.steps[-1]


def merge_and_split(agents: int, payments: Payments, slack: float) -> Path:
    """Let groups merge and split where no mover loses and one gains (Apt and Witzel 2009).

    Of the moves open, the one with the greatest gain of its movers together is made. As others'
    groups matter, payments may go round in a circle; it then ends where it was before.
    """
    steps = [everyone_alone(agents)]
    while True:
        here = steps[-1]
        now = payments(here)
        best: tuple[float, Partition] | None = None
        for to, movers in moves(here):
            gain = (payments(to) - now)[list(members(movers))]
            if gain.min() < -slack or gain.max() <= slack:
                continue
            if best is None or float(gain.sum()) > best[0]:
                best = (float(gain.sum()), to)
        if best is None:
            return Path(tuple(steps), cycle=False)
        steps.append(best[1])
        if best[1] in steps[:-1]:
            return Path(tuple(steps), cycle=True)


def moves(partition: Partition) -> Iterator[tuple[Partition, int]]:
    """Yield where two groups merge or one splits in two, and who moves.

    Of a group of more than ``MOST_SPLIT`` only single members split off.
    """
    for k, one in enumerate(partition):
        for other in partition[k + 1 :]:
            rest = [g for g in partition if g not in (one, other)]
            yield partition_of([one | other, *rest]), one | other
    for group in partition:
        rest = [g for g in partition if g != group]
        first = group & -group
        parts = subsets(group ^ first)
        if group.bit_count() > MOST_SPLIT:
            parts = iter([*((group ^ first ^ 1 << i) for i in members(group ^ first)), 0])
        for part in parts:
            if part != group ^ first:
                yield partition_of([first | part, group ^ first ^ part, *rest]), group


def equal_shares(group_payoff: Floats, group: Ints, alone: Floats) -> Floats:
    """Return what each agent got alone and an equal part of what its group gets beyond (n,)."""
    count = np.bincount(group, minlength=len(group_payoff))
    gain = group_payoff - np.bincount(group, alone, minlength=len(group_payoff))
    found: Floats = alone + (gain / count)[group]
    return found
