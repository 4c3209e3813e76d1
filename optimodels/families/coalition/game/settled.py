"""Whether what was found for partitions are equilibria: by duality, by regret, by the solver."""

from __future__ import annotations

import numpy as np

from optimodels.families.coalition.game.data import Play, drawn_partitions, spelled
from optimodels.families.coalition.game.group_equilibrium import Groups
from optimodels.families.coalition.game.microgrid import Partition
from optimodels.model import Done, Outcome
from optimodels.result import Check

#: Parts of the tariff and of what all endowments cost at it, to which equilibria hold.
_SETTLED = 1e-9
#: Relative gap within which verification calls the stated program's answer optimal, twice.
_STATED = 2e-6

EQUATIONS = (
    "Of every equilibrium that was used: t(n_i) is what the meter charges for",
    "the exchange n_i = fed_i - drawn_i, p_i in [sell, buy] its price, l_i the",
    "worth of a unit more at agent i. All ours.",
    "",
    "gap = sum_i (t(n_i) + p_i n_i), of potential and dual                     0",
    "regret = max_f |l_j - l_i - 2 buy r_f h_f|, f from i to j in a group S    0",
    "         l_i = p_i - buy sum_e F_ei r_e (y_e + y_S,e)",
    "The solver's potential of the partitions in sample, beside ours.",
)


def sample(play: Play, done: Done) -> dict[str, Groups]:
    """Return some partitions, drawn by the case's seed, for the solver."""
    return {spelled(play, one): Groups(play.grid, one) for one in drawn_partitions(play)}


def settled(play: Play, done: Done) -> Outcome:
    """Check every equilibrium that was used, and some of them against the stated program.

    Where one fails, figures of the game are of no equilibrium: the result stays unverified.
    """
    stated = {spelled(play, one): one for one in (*drawn_partitions(play), play.together)}
    solutions = {**done.solutions.get("sample", {})}
    if "together" in done.solutions:
        solutions[spelled(play, play.together)] = done.solution("together")
    away = [
        abs(solution.objective - potential(play, stated[name])) / max(1.0, abs(solution.objective))
        for name, solution in solutions.items()
        if solution.objective is not None and solution.verdict.status == "verified"
    ]
    grid, every = play.grid, play.equilibria.found
    size = grid.buy * float(np.abs(grid.endowment).sum()) or 1.0
    gap = max(abs(one.gap) for one in every.values())
    regret = max(one.regret for one in every.values())
    checks = [
        Check.of(f"gap of potential and dual, {len(every)} equilibria", gap / size, _SETTLED),
        Check.of("what a group could gain per unit of flow", regret / grid.buy, _SETTLED),
    ]
    if away:
        name = f"potential against the solver's, {len(away)} equilibria"
        checks.append(Check.of(name, max(away), _STATED))
    return Outcome("equilibrium", tuple(checks), {}, by="certificate", failed="unverified")


def potential(play: Play, partition: Partition) -> float:
    """Return the potential at a partition's equilibrium: the bills of all, less half of what
    groups pay for each other's flows."""
    grid, found = play.grid, play.equilibria(partition)
    x, group = found.exchange, grid.group_of(partition)
    across = grid.loss_matrix * (group[:, None] != group[None, :])
    return -float(found.payoff.sum()) - grid.buy * float(x @ across @ x) / 2
