"""What the games report: payments agent by agent, partitions, and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from optimodels.families.coalition.game import formation as forming
from optimodels.families.coalition.game import payments as paying
from optimodels.families.coalition.game.data import Play, named, spelled
from optimodels.families.coalition.game.formation import Formed
from optimodels.families.coalition.game.microgrid import Partition, everyone_alone
from optimodels.families.coalition.game.payments import Found
from optimodels.families.coalition.game.solution_concepts import members
from optimodels.families.coalition.results import ARRANGED
from optimodels.model import Answer, Done, Outcome
from optimodels.result import Row

#: Agents up to which the table of partitions is whole; above, it has those that last.
_MOST_ROWS = 5
_TABLES = ("agents", "balanced", "partitions", "merging")


def report(main: str, stage: str) -> Callable[[Play, Done], Answer]:
    """Return the report of a game: what its stage says, and the objective of the main one."""

    def answer(play: Play, done: Done) -> Answer:
        told, solution, unit = done.outcomes[stage], done.solution(main), play.grid.unit
        tables = {name: told.arrays[name] for name in _TABLES if name in told.arrays}
        return Answer(
            told.values,
            tables,
            (ARRANGED, *play.instance.notes, *told.arrays["notes"]),
            objective=None if solution.objective is None else solution.objective * unit,
            bound=None if solution.bound is None else solution.bound * unit,
        )

    return answer


def payments(play: Play, done: Done) -> Outcome:
    """Payments in pu at the tariff: what agents get; negative is what they pay."""
    found, checks = paying.payments(play)
    grid, unit, played = play.grid, play.grid.unit, found.game
    outsiders = play.given.outsiders
    alone = [played(1 << i) for i in range(grid.agents)]
    values: dict[str, Any] = {
        "outsiders": outsiders,
        "agents": grid.agents,
        "private_edges": len(grid.resistance),
        "grand_coalition_value": unit * played(played.everyone),
        "gain_of_cooperation": unit * (played(played.everyone) - sum(alone)),
        "core_empty": found.empty,
        "least_core_epsilon": unit * found.least.epsilon if found.least.complete else None,
        "least_core_epsilon_bound": unit * found.least.bound,
        "prices_in_core": found.prices_in_core,
        "largest_objection_to_prices": unit * found.objection,
        "coalitions_asked": sum(1 for s in played.known if s),
        "equilibria": len(play.equilibria.found),
    }
    rows: list[Row] = []
    for i, bus in enumerate(grid.number.tolist()):
        row: Row = {
            "bus": bus,
            "outsiders": outsiders,
            "endowment": unit * float(grid.endowment[i]),
            "alone": unit * alone[i],
            "payment": unit * float(found.by_prices[i]),
            "shapley": unit * float(found.shapley[i]),
        }
        if found.half_width is not None:
            row["shapley_95"] = unit * float(found.half_width[i])
        if found.nucleolus is not None:
            row["nucleolus"] = unit * float(found.nucleolus[i])
        rows.append({**row, "least_core": unit * float(found.least.payments[i])})
    weights: list[Row] = [
        {
            "coalition": named(play, s),
            "outsiders": outsiders,
            "weight": float(weight),
            "worth": unit * played(s),
            "paid_by_prices": unit * float(found.by_prices[list(members(s))].sum()),
        }
        for s, weight in sorted(found.least.weights.items())
    ]
    arrays = {"agents": rows, "balanced": weights, "notes": _payment_notes(play, found)}
    return Outcome("equilibrium", tuple(checks), arrays, values, by="certificate")


def _payment_notes(play: Play, found: Found) -> list[str]:
    notes = []
    if found.empty:
        notes.append(
            f"no core (outsiders {play.given.outsiders}): by the weights of the table balanced, "
            "its coalitions have more alone than all together can give them"
        )
    if found.prices_in_core is False:
        notes.append(f"agents {named(play, found.objecting)} would leave the payments by prices")
    if found.nucleolus is not None and any(
        found.nucleolus[i] < found.game(1 << i) - found.undecided for i in range(play.grid.agents)
    ):
        notes.append("the nucleolus is the pre-nucleolus here: it gives some less than alone")
    if not found.least.complete:
        notes.append(
            f"{play.grid.agents} agents: objections were looked for, not listed; only the bound "
            "of epsilon is proved"
        )
    return notes


def formation(play: Play, done: Done) -> Outcome:
    """Counts of partitions that last by each rule, losses, and the way of merging."""
    formed, checks = forming.formation(play, done)
    unit, rule = play.grid.unit, play.given.rule
    stable = formed.lasting.get(rule, (formed.path.end,) if not formed.path.cycle else ())

    def losses(partition: Partition) -> float:
        return play.equilibria(partition).losses

    lost = [losses(one) for one in stable]
    values: dict[str, Any] = {
        "agents": play.grid.agents,
        "private_edges": len(play.grid.resistance),
        "rule": rule if formed.listed else "merge and split",
        "partitions": len(formed.listed) or None,
        **{f"stable_{name}": len(found) for name, found in formed.lasting.items()},
        "losses_cooperative": unit * formed.least,
        "losses_alone": unit * losses(everyone_alone(play.grid.agents)),
        "losses_one_group": unit * losses(play.together),
        "losses_stable_least": unit * min(lost) if lost else None,
        "losses_stable_most": unit * max(lost) if lost else None,
        "price_of_selfishness": _over(max(lost), formed.least) if lost else None,
        "price_of_selfishness_at_best": _over(min(lost), formed.least) if lost else None,
        "merged_to": spelled(play, formed.path.end),
        "merge_steps": len(formed.path.steps) - 1,
        "merging_circles": formed.path.cycle,
        "price_of_merging": _over(losses(formed.path.end), formed.least),
        "equilibria": len(play.equilibria.found),
    }
    shown = formed.listed
    if play.grid.agents > _MOST_ROWS:
        kept = {one for found in formed.lasting.values() for one in found}
        kept |= {everyone_alone(play.grid.agents), play.together, formed.path.end}
        shown = tuple(sorted(kept, key=lambda one: (losses(one), one)))
    rows = [_partition_row(play, formed, one) for one in shown]
    steps: list[Row] = [
        {"step": k, "partition": spelled(play, one), "losses": unit * losses(one)}
        for k, one in enumerate(formed.path.steps)
    ]
    notes = []
    if formed.listed and not stable:
        notes.append(f"no partition is stable by the rule {rule}")
    if formed.path.cycle:
        notes.append("merging and splitting goes round in a circle")
    arrays: dict[str, Any] = {
        "partitions": rows,
        "merging": steps,
        "notes": notes,
        # Of every partition, for the picture: groups, losses over the least, stable by each rule.
        "groups": np.array([len(one) for one in formed.listed]),
        "over_least": np.array([losses(one) for one in formed.listed]) / (formed.least or np.inf),
        **{
            rule: np.array([one in kept for one in formed.listed])
            for rule, kept in formed.lasting.items()
        },
    }
    return Outcome("equilibrium", tuple(checks), arrays, values, by="exact")


def _partition_row(play: Play, formed: Formed, partition: Partition) -> Row:
    found, unit = play.equilibria(partition), play.grid.unit
    row: Row = {
        "partition": spelled(play, partition),
        "groups": len(partition),
        "losses": unit * found.losses,
        "over_least": _over(found.losses, formed.least),
        "payoff_of_all": unit * float(found.payoff.sum()),
        "payoffs": " | ".join(f"{unit * one:.4g}" for one in found.payoff),
    }
    return row | {rule: partition in kept for rule, kept in formed.lasting.items()}


def _over(losses: float, least: float) -> float | None:
    """Losses over the least ones; nothing where nothing need be lost."""
    return losses / least if least > 0 else None
