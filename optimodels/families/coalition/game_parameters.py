"""The parameters of the games among agents: what a case may set beside networks and tariff."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from optimodels.families.coalition.game.outsiders import Outsiders
from optimodels.families.coalition.game.stability import Rule
from optimodels.families.coalition.parameters import Density, Endowment, Tariff
from optimodels.parameters import Number, Whole

_Bus = Annotated[Whole, Field(ge=1, le=10_000_000)]


class _Game(Tariff):
    """What both games share: few agents, all of whom can be connected."""

    agents: list[_Bus] | None = Field(
        default=[6, 12, 18, 22, 25, 33],
        description="numbers of the buses that play; null: all but the grid's station",
    )
    density: Density = Field(
        default=1.0,
        description="probability of a private branch between two agents: a number, 1/n^2, 1/n, "
        "1/sqrt(n) or 1/log(n), n the number of buses",
    )
    private_resistance: Annotated[Number, Field(ge=0)] = Field(
        default=0.5, description="pu; of a private branch of no length"
    )
    endowment: Endowment = Field(
        default={"uniform": [0, 2]}, validate_default=True,
        description="own generation, free and always used: {case_dispatch: 0.946} of the network's "
        "dispatch, {uniform: [0, 2]} times own demand, {per_bus: [0, 10]} MW, or {csv: file.csv} "
        "with columns bus, generation_mw",
    )  # fmt: skip
    sample: Whole = Field(
        default=5, ge=0, le=1000,
        description="further partitions, drawn by seed, whose equilibrium the solver finds as well",
    )  # fmt: skip


class Payments(_Game):
    """What agents can be paid so that nobody leaves."""

    outsiders: Outsiders = Field(
        default="groups",
        description="what those outside of a coalition do: idle (trade nothing privately), groups "
        "(whom private branches connect are a group), united (all one group), cautious (the worst "
        "for the coalition, up to 8 agents)",
    )
    orders: Whole = Field(
        default=200, ge=2, le=1_000_000,
        description="orders drawn for the Shapley value where agents are more than 12",
    )  # fmt: skip


class Formation(_Game):
    """Which groups form."""

    division: Literal["prices", "equal"] = Field(
        default="prices",
        description="how a group pays its members: at the prices of its equilibrium, or what each "
        "has where all are alone and an equal part of the gain",
    )
    rule: Rule = Field(
        default="individual",
        description="when a partition is stable: nash (nobody gains by moving to another group or "
        "out), individual (nor is let in by a group of which nobody loses), core (no agents gain "
        "by forming a group of their own)",
    )
