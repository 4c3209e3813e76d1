"""Which groups form: payoffs in every partition, those that last, and what they lose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.coalition.game.data import MOST_PARTITIONED, Play
from optimodels.families.coalition.game.deviations import (
    Labels,
    all_labels,
    merged_or_split,
    stable,
    tidy,
)
from optimodels.families.coalition.game.equilibrium import equilibrium
from optimodels.families.coalition.game.microgrid import Partition, everyone_alone, partition_of
from optimodels.families.coalition.game.partitions import partitions
from optimodels.families.coalition.game.stability import (
    Path,
    Payments,
    Rule,
    deviation,
    equal_shares,
    merge_and_split,
)
from optimodels.model import Done
from optimodels.result import Check

#: A gain is one above this part of what the endowments of all cost.
_GAIN = 1e-9
#: Relative gap within which verification calls the solver's least losses least, twice.
_STATED = 2e-6


@dataclass(frozen=True)
class Formed:
    """What was found: ``lasting`` partitions by rule (few agents only), the ``path`` of merging
    and splitting, and the ``least`` losses that cooperation could reach."""

    payments: Payments
    listed: tuple[Partition, ...]
    lasting: dict[Rule, tuple[Partition, ...]]
    path: Path
    least: float


def payments(play: Play) -> Payments:
    """Return what each agent gets in a partition, by the case's division."""
    if play.given.division == "prices":
        return lambda partition: play.equilibria(partition).agent_payoff
    alone = play.equilibria(everyone_alone(play.grid.agents)).agent_payoff

    def equally(partition: Partition) -> Floats:
        group = play.grid.group_of(partition)
        return equal_shares(play.equilibria(partition).payoff, group, alone)

    return equally


def formation(play: Play, done: Done) -> tuple[Formed, list[Check]]:
    """Look at every partition of few agents, and at what merging and splitting leads to."""
    grid, paid = play.grid, payments(play)
    slack = _GAIN * grid.buy * float(np.abs(grid.endowment).sum())
    listed: tuple[Partition, ...] = ()
    lasting: dict[Rule, tuple[Partition, ...]] = {}
    if grid.agents <= MOST_PARTITIONED:
        listed = tuple(partitions(grid.everyone))
        lasting = {
            rule: tuple(p for p in listed if deviation(p, paid, rule, slack) is None)
            for rule in get_args(Rule)
        }
    path = merge_and_split(grid.agents, paid, slack)
    best = equilibrium(play.cooperative, play.together)
    flow = grid.base_flow + grid.flow @ best.exchange
    least = float(grid.resistance[best.branches] @ best.flow**2 + grid.public_resistance @ flow**2)
    formed = Formed(paid, listed, lasting, path, least)
    checks = _checks(play, formed, slack)
    solution = done.solution("cooperative")
    if solution.objective is not None and solution.verdict.status == "verified":
        # The meters charge what is drawn less what is fed, whatever the flows: all else is losses.
        lost = solution.objective / grid.buy + float(grid.endowment.sum())
        own = least - float(grid.public_resistance @ grid.base_flow**2)
        size = max(1.0, abs(solution.objective / grid.buy))
        checks.append(Check.of("least losses against the solver", abs(lost - own) / size, _STATED))
    return formed, checks


def _checks(play: Play, formed: Formed, slack: float) -> list[Check]:
    """Enumerate every deviation anew; of merging and splitting, every move from its end."""
    group_of, end = play.grid.group_of, formed.path.end
    now, open_ = formed.payments(end), 0
    for moved, movers in merged_or_split(tidy(tuple(group_of(end).tolist()))):
        groups = [sum(1 << i for i, g in enumerate(moved) if g == k) for k in set(moved)]
        gain = (formed.payments(partition_of(groups)) - now)[list(movers)]
        open_ += bool(gain.min() >= -slack and gain.max() > slack)
    checks = [] if formed.path.cycle else [
        Check.of("merges and splits that the end still allows", open_, 0)
    ]  # fmt: skip
    if formed.listed:
        labels = {tidy(tuple(group_of(one).tolist())): one for one in formed.listed}
        paid: dict[Labels, Floats] = {by: formed.payments(one) for by, one in labels.items()}
        missed = len(set(all_labels(play.grid.agents)) ^ set(labels))
        checks.append(Check.of("partitions missed", missed, 0))
        for rule, lasting in formed.lasting.items():
            again = {labels[by] for by in labels if stable(by, paid, rule, slack)}
            wrong = len(again ^ set(lasting))
            checks.append(Check.of(f"stable ({rule}) or not, enumerated anew", wrong, 0))
    return checks
