"""Partitions of agents into groups, and how groups merge and split."""

from __future__ import annotations

from collections.abc import Iterator

from optimodels.families.coalition.game.microgrid import Partition, partition_of


def partitions(coalition: int) -> Iterator[Partition]:
    """Yield every partition of a coalition's members: Bell's number of them.

    1, 2, 5, 15, 52, 203, 877, 4140 for 1 to 8 members.
    """
    if not coalition:
        yield ()
        return
    first = coalition & -coalition
    for rest in subsets(coalition ^ first):
        for others in partitions(coalition ^ first ^ rest):
            yield (first | rest, *others)


def subsets(coalition: int) -> Iterator[int]:
    """Yield every subset of a coalition, the empty one first."""
    chosen = 0
    while True:
        yield chosen
        if chosen == coalition:
            return
        chosen = (chosen - coalition) & coalition


def without(partition: Partition, leaving: int) -> Partition:
    """Return what is left of the groups where some agents leave them."""
    return partition_of([group & ~leaving for group in partition])
