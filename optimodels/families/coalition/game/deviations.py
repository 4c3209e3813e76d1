"""Stability once more, from labels instead of groups: every move of every rule, enumerated.

Shares nothing with ``stability`` but the payments; holds it to account in a case's verdict.
"""

from __future__ import annotations

from itertools import chain, combinations, product

import numpy as np

from optimodels.arrays import Floats

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
