"""The parameters of the flexibility models: what a case may set, with defaults."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from optimodels.model import Profile
from optimodels.parameters import Number, Parameters, Whole

#: Representative hourly load, percent of the network's load. Ours, not the paper's (Table 2 is
#: lost): 1 percent of case33bw is 37.15 kW.
LOAD = (
    40, 38, 36, 36, 38, 42, 50, 58, 70, 92, 96, 98, 94, 80, 66, 62, 68, 90, 98, 100, 94, 66, 54,
    46,
)  # fmt: skip
#: Representative hourly real-time price, EUR/MWh. Ours, not the paper's (Table 3 is lost).
PRICE = (
    24.10, 23.35, 22.80, 22.65, 23.40, 25.20, 28.90, 32.75, 36.20, 43.60, 45.15, 44.70, 42.85,
    38.45, 35.30, 34.85, 37.10, 46.90, 49.75, 48.30, 44.05, 36.65, 30.40, 26.55,
)  # fmt: skip
PROFILES = {"load": Profile(LOAD, "percent"), "price": Profile(PRICE, "eur_per_mwh")}


class Customers(Parameters):
    """How a network's loads become customers."""

    kilowatts_per_customer: Number = Field(
        default=13.0, gt=0, description="kW; a bus of load P has round(P / this) customers"
    )


class Flexibility(Customers):
    """What all models of the family share."""

    hours_per_step: Number = Field(
        default=1.0, gt=0, description="h; length of one step of the profiles"
    )


class WithPowerFlow(Flexibility):
    """Models that change the load of buses, and so the state of the network."""

    power_flow: Literal["auto", "none", "newton", "pandapower"] = Field(
        default="auto",
        description="AC power flow of every step before and after; auto: newton up to 500 buses",
    )


class ShiftableLoads(WithPowerFlow):
    """Loads are shifted over the horizon; each bus keeps its energy."""

    discrete: bool = Field(default=True, description="also solve with whole customers, exactly")


class SelfSustainability(WithPowerFlow):
    """The flexibility of all buses balances in every step."""

    sense: Literal["max", "min"] = Field(
        default="max", description="most or least total flexibility"
    )
    enumerate: bool = Field(default=False, description="list every optimal solution")
    most_optima: Whole = Field(
        default=1000, ge=1, le=100_000, description="how many optima to list at the most"
    )


class SpinAssignment(Flexibility):
    """Customers' spins realise the magnetisation of their bus."""

    sense: Literal["max", "min"] = Field(
        default="max", description="of the self-sustainability problem before it"
    )
    rewire: bool = Field(
        default=True, description="offer customers to move where a bus has no solution"
    )


class AggregatorMapping(Flexibility):
    """Each bus goes to one aggregator; no aggregator may hold too much."""

    aggregators: Whole = Field(default=3, ge=1, le=100_000, description="their number N_A")
    slack: Number = Field(default=0.1, ge=0, description="theta, above an even split")
    slack_kind: Literal["relative", "absolute"] = Field(
        default="relative",
        description="relative: (1 + theta) x even share; absolute: even share + theta",
    )
    cap: Literal["count", "load"] = Field(
        default="count", description="what is capped: numbers of buses, or their load"
    )
    bounds: Literal["upper", "both"] = Field(
        default="upper", description="both: the same slack below the even split as well"
    )
    price_multipliers: list[Number] | None = Field(
        default=None,
        description="of the real-time price, one per aggregator; null: 0.70 + 0.20 (a - 1/2) / N_A",
    )

    @model_validator(mode="after")
    def _one_multiplier_each(self) -> AggregatorMapping:
        given = self.price_multipliers
        if given is not None and len(given) != self.aggregators:
            raise ValueError(
                f"price_multipliers has {len(given)} entries for {self.aggregators} aggregators"
            )
        return self
