"""Stability once more, from labels instead of groups: every move of every rule, enumerated.

Shares nothing with ``stability`` but the payments and ``MOST_SPLIT``; holds it to account in a
case's verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations, product

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.coalition.game.stability import MOST_SPLIT

#: The group of each agent, numbered in the order in which they appear.
Labels = tuple[int, ...]


def all_labels(agents: int) -> list[Labels]:
    """Return every partition as labels: restricted growth strings, by brute force."""
    return [
        labels
        for labels in product(*(range(i + 1) for i in range(agents)))
        if all(labels[i] <= 1 + max(labels[:i], default=-1) for i in range(agents))
    ]


def tidy(labels: Labels) -> Labels:
    """Number the groups in the order in which they appear."""
    seen = list(dict.fromkeys(labels))
    return tuple(seen.index(label) for label in labels)


def stable(labels: Labels, paid: dict[Labels, Floats], rule: str, slack: float) -> bool:
    """Return whether no move of a rule gains its movers more than ``slack``."""
    n = len(labels)
    now = paid[labels]
    if rule == "core":
        for leaving in chain.from_iterable(combinations(range(n), k) for k in range(1, n + 1)):
            after = paid[tidy(tuple(n if i in leaving else labels[i] for i in range(n)))]
            if np.all(after[list(leaving)] > now[list(leaving)] + slack):
                return False
        return True
    for i, to in product(range(n), range(n + 1)):
        changed = (*labels[:i], to, *labels[i + 1 :])
        after = paid[tidy(changed)]
        hosts = [j for j in range(n) if j != i and labels[j] == to]
        harmed = rule == "individual" and bool(np.any(after[hosts] < now[hosts] - slack))
        if after[i] > now[i] + slack and not harmed:
            return False
    return True


def merged_or_split(labels: Labels) -> Iterator[tuple[Labels, tuple[int, ...]]]:
    """Yield where two groups have one label, or some of a group a new one, and who moves: all of
    the groups. Of a group of more than ``MOST_SPLIT`` only single members get a new label."""
    n = len(labels)
    for one, other in combinations(sorted(set(labels)), 2):
        merged = tuple(one if label == other else label for label in labels)
        yield merged, tuple(i for i in range(n) if merged[i] == one)
    for one in set(labels):
        group = tuple(i for i in range(n) if labels[i] == one)
        most = len(group) - 1 if len(group) <= MOST_SPLIT else min(1, len(group) - 1)
        for size in range(1, most + 1):
            for leaving in combinations(group, size):
                yield tuple(n if i in leaving else labels[i] for i in range(n)), group
