"""The parameters of the coalition models: what a case may set, with defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_serializer, model_validator

from optimodels.parameters import Number, Parameters, Strict, Whole

_Bus = Annotated[Whole, Field(ge=1, le=10_000_000)]
_Positive = Annotated[Number, Field(ge=0)]
_Range = Annotated[list[_Positive], Field(min_length=2, max_length=2)]
_Path = Annotated[str, Field(min_length=1, max_length=200)]
#: Probability of a private branch, or the poster's word for one.
Density = Annotated[
    Annotated[Literal["1/n^2", "1/n", "1/sqrt(n)", "1/log(n)"], Tag("<text>")]
    | Annotated[Number, Field(ge=0, le=1), Tag("<number>")],
    Discriminator(lambda value: "<text>" if isinstance(value, str) else "<number>"),
]


class _OneOf(Strict):
    """A mapping of which exactly one key is given."""

    @model_validator(mode="after")
    def _one_way(self) -> _OneOf:
        if len([1 for _, value in self if value is not None]) != 1:
            raise ValueError(f"must be a mapping with one of {', '.join(type(self).model_fields)}")
        return self

    @model_serializer
    def _as_written(self) -> Any:
        """One way of saying it is one text: runs of a sweep are known by it."""
        return {name: value for name, value in self if value is not None}


class Endowment(_OneOf):
    """What the agents generate themselves."""

    case_dispatch: _Positive | None = Field(
        default=None, description="times the network's own dispatch, and all its negative loads"
    )
    uniform: _Range | None = Field(
        default=None, description="own demand times a number drawn between these two, per agent"
    )
    per_bus: _Range | None = Field(
        default=None, description="MW drawn between these two, per agent"
    )
    csv: _Path | None = Field(
        default=None, description="a CSV file with columns bus and generation_mw, beside the case"
    )

    @field_validator("uniform", "per_bus")
    @classmethod
    def _rising(cls, given: list[float] | None) -> list[float] | None:
        if given is not None and given[0] > given[1]:
            raise ValueError(f"must rise: [{given[1]:g}, {given[0]:g}]")
        return given


class Edge(Strict):
    """One private branch, between two buses by their numbers."""

    start: _Bus = Field(alias="from")
    end: _Bus = Field(alias="to")
    km: _Positive | None = Field(default=None, description="null: between the positions")
    resistance: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="pu; null: from the length"
    )


class PrivateNetwork(_OneOf):
    """Where the private branches are."""

    nearest: Annotated[Whole, Field(ge=1, le=1000)] | None = Field(
        default=None, description="from each agent to so many nearest ones"
    )
    edges: Annotated[list[Edge], Field(max_length=1_000_000)] | None = Field(
        default=None, description="a list of {from: 1, to: 2, km: 0.4, resistance: 0.01}"
    )
    csv: _Path | None = Field(
        default=None, description="a CSV file with columns from, to and, if wanted, km, resistance"
    )


class Replaced(Strict):
    """A public branch whose resistance the case replaces."""

    start: _Bus = Field(alias="from")
    end: _Bus = Field(alias="to")
    resistance: _Positive = Field(description="pu, of every branch between the two")


class Place(Parameters):
    """Networks, agents and endowments; per unit on 100 MVA, buses by number (position + 1)."""

    seed: Whole = Field(
        default=1, ge=0, le=2**63 - 1, description="seed of positions, private branches, endowments"
    )
    density: Density = Field(
        default="1/n",
        description="probability of a private branch between two agents (Erdos and Renyi): a "
        "number, 1/n^2, 1/n, 1/sqrt(n) or 1/log(n), n the number of buses",
    )
    private: Annotated[
        Annotated[Literal["random"], Tag("<text>")] | Annotated[PrivateNetwork, Tag("<mapping>")],
        Discriminator(lambda value: "<text>" if isinstance(value, str) else "<mapping>"),
    ] = Field(
        default="random",
        description="private branches: random, {nearest: 3}, {edges: [{from: 1, to: 2, km: 0.4, "
        "resistance: 0.01}]} or {csv: file.csv} with these columns",
    )
    positions: Literal["random", "network"] = Field(
        default="random",
        description="of the buses in the square: drawn at random, or the network's own, scaled",
    )
    side_km: Annotated[Number, Field(gt=0)] = Field(
        default=1.0, description="km; side of the square in which the buses are"
    )
    private_resistance: _Positive = Field(
        default=2e-3, description="pu; of a private branch of no length"
    )
    resistance_per_km: _Positive = Field(default=1e-6, description="pu/km; of private branches")
    public_law: Literal["resistive", "reactance"] = Field(
        default="resistive",
        description="public flow is b times the difference of angles, b = 1/r or 1/x; 1e4 where "
        "that is 0",
    )
    negative_resistance: Literal["refuse", "zero"] = Field(
        default="refuse",
        description="of public branches, as equivalents of networks have some: an error, or "
        "taken as branches without losses",
    )
    public_resistance: list[Replaced] = Field(
        default=[], description="public branches with another resistance: [{from: 1, to: 2, "
        "resistance: 0.01}]",
    )  # fmt: skip
    scale: Annotated[Number, Field(gt=0)] = Field(
        default=1.0, description="what all demand and generation is multiplied by"
    )
    endowment: Endowment = Field(
        default={"case_dispatch": 0.946}, validate_default=True,
        description="own generation, free and always used: {case_dispatch: 0.946} of the network's "
        "dispatch, {uniform: [0, 2]} times own demand, {per_bus: [0, 10]} MW, or {csv: file.csv} "
        "with columns bus, generation_mw",
    )  # fmt: skip
    agents: list[_Bus] | None = Field(
        default=None,
        description="numbers of the buses that may have private branches; null: all but the "
        "grid's station, which is the grid's bus and what no resistance ties to it",
    )

    @model_validator(mode="after")
    def _density_is_of_random_branches(self) -> Place:
        # A density that is the default may be one that a result wrote out.
        default = type(self).model_fields["density"].default
        if isinstance(self.private, PrivateNetwork) and self.density != default:
            raise ValueError(
                f"density {self.density} is of random private branches, and private says which "
                "there are: remove one of the two"
            )
        return self


class Tariff(Place):
    """What agents pay and get at their meters."""

    buy_tariff: _Positive = Field(default=1.0, description="what an agent pays for a pu")
    sell_tariff: _Positive = Field(default=0.5, description="what an agent gets for a pu")

    @model_validator(mode="after")
    def _no_free_tariff(self) -> Tariff:
        if self.sell_tariff > self.buy_tariff:
            raise ValueError(
                f"sell_tariff {self.sell_tariff:g} is above buy_tariff {self.buy_tariff:g}: "
                "buying to sell would be free money"
            )
        return self


class Coalition(Place):
    """What the four models share."""

    import_price: _Positive = Field(
        default=1.0, description="of a pu from the main grid, at the network's slack buses"
    )
    export_price: _Positive = Field(default=1.0, description="for a pu to the main grid")
    losses: Literal["cone", "equality"] = Field(
        default="cone",
        description="l >= r y^2, convex, with a certificate that it is tight; or l = r y^2, "
        "nonconvex, for solvers of such problems through Pyomo",
    )
    power_flow: Literal["newton", "pandapower", "none"] = Field(
        default="newton",
        description="engine of the AC power flow of the dispatch: own Newton on pandapower's "
        "matrices, pandapower itself, or none",
    )

    @model_validator(mode="after")
    def _no_free_money(self) -> Coalition:
        if self.export_price > self.import_price:
            raise ValueError(
                f"export_price {self.export_price:g} is above import_price "
                f"{self.import_price:g}: buying to sell would be free money"
            )
        return self


class Integrated(Coalition):
    """Public flow is free transport."""


class Cooperative(Coalition):
    """Public flow obeys physics."""


class WithTariff(Coalition, Tariff):
    """Agents trade for their own profit, against a tariff."""


class SelfInterested(WithTariff):
    """Groups maximise their own profit."""

    rule: Literal["own-loss", "tariff", "gateway"] = Field(
        default="own-loss",
        description="own-loss: profit at the tariff less the public losses that the group's "
        "exchange would cause if it were alone; tariff: without these, metered at every bus; "
        "gateway: the same, the group metered at one bus",
    )


class AdHoc(WithTariff):
    """Bilateral trades, shortest branches first."""

    partners: Literal["neighbours", "paths"] = Field(
        default="neighbours",
        description="who may trade: neighbours, whom one private branch joins; or paths, also "
        "agents whom private branches join through others, who pass on what comes: the trade "
        "pays the losses that it adds on its way, resistances in series",
    )
    reach_km: _Positive | None = Field(
        default=None, description="km; longer branches, or paths, are not seen; null: all are"
    )
