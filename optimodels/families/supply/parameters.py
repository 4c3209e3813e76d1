"""The parameters of the supply models: what a case may set, with defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_serializer, model_validator

from optimodels.families.supply.auction.expression import MOST_CHARACTERS, parse
from optimodels.parameters import Number, Parameters, Strict, Whole

#: Units that a market may have in all: what the exact algorithms are tested for.
MOST_UNITS = 10_000

Shape = Literal["uniform", "increasing", "decreasing"]
_Positive = Annotated[Number, Field(ge=0)]


class Background(Strict):
    """How the demand, as a part of the capacity, is distributed; exactly one way of saying it."""

    shape: Shape | None = Field(
        default=None, description="density on [0, 1]: 1, 3 x^2 or 3 (1 - x)^2 (002, section 3)"
    )
    pieces: list[_Positive] | None = Field(
        default=None, min_length=1, max_length=100_000,
        description="a density that is constant on pieces of equal width; normalised",
    )  # fmt: skip
    demand: list[_Positive] | None = Field(
        default=None, min_length=1, max_length=MOST_UNITS,
        description="probability of each demand of 1, 2, ... units; normalised",
    )  # fmt: skip
    expression: Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)] | None = Field(
        default=None, description="a density in x, as in 'exp(-x) * (1 + sin(x)**2)'; normalised"
    )
    samples: list[Annotated[Number, Field(ge=0, le=1)]] | None = Field(
        default=None, min_length=1, max_length=1_000_000,
        description="observed demands, as parts of the capacity; counted, not smoothed",
    )  # fmt: skip
    csv: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="observed demands from a CSV file, its path beside the case"
    )
    column: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="name of the column in the header row"
    )

    @field_validator("expression")
    @classmethod
    def _arithmetic(cls, given: str | None) -> str | None:
        if given is not None:
            parse(given)
        return given

    @field_validator("pieces", "demand")
    @classmethod
    def _not_all_zero(cls, given: list[float] | None) -> list[float] | None:
        if given is not None and not any(given):
            raise ValueError("must not be all zero")
        return given

    @model_validator(mode="after")
    def _one_way(self) -> Background:
        ways = ("shape", "pieces", "demand", "expression", "samples", "csv")
        said = [way for way in ways if getattr(self, way) is not None]
        if len(said) != 1:
            raise ValueError(
                "must be uniform, increasing, decreasing, or a mapping with one of pieces, "
                "demand, expression, samples, csv"
            )
        if (self.csv is None) is not (self.column is None):
            raise ValueError("csv and column belong together, as in {csv: file.csv, column: name}")
        return self

    @model_serializer
    def _as_written(self) -> Any:
        """One way of saying it is one text: runs of a sweep are known by it."""
        if self.shape is not None:
            return self.shape
        return {name: value for name, value in self if value is not None}


def _named(value: Any) -> Any:
    return {"shape": value} if isinstance(value, str) else value


class Auction(Parameters):
    """What both models share."""

    background: Annotated[
        Background, BeforeValidator(_named, json_schema_input_type=Shape | Background)
    ] = Field(
        default="uniform", validate_default=True,
        description="how the demand, as a part of the capacity, is distributed: uniform, "
        "increasing, decreasing, {pieces: [...]}, {demand: [...]}, {expression: \"...\"}, "
        "{samples: [...]} or {csv: file.csv, column: name}",
    )  # fmt: skip
    firms: Whole = Field(default=10, ge=2, le=MOST_UNITS, description="number of firms, n")
    units_per_firm: Whole = Field(
        default=1, ge=1, le=1_000, description="units of each firm, all offered at one price"
    )
    cost: Number = Field(
        default=0.0, ge=0, description="cost of producing a unit, in the unit of the price cap"
    )
    price_cap: Number = Field(default=100.0, gt=0, description="the highest price allowed")
    draws: Whole = Field(
        default=0, ge=0, le=10_000_000,
        description="Monte Carlo repetitions beside the exact curve; 0: none; from 1000 on, a fit "
        "says in which range their noise would leave its figures",
    )  # fmt: skip
    seed: Whole = Field(default=1, ge=0, le=2**63 - 1, description="seed of the Monte Carlo draws")

    @model_validator(mode="after")
    def _fits(self) -> Auction:
        units = self.firms * self.units_per_firm
        if units > MOST_UNITS:
            raise ValueError(f"firms x units_per_firm is {units}; at most {MOST_UNITS} units")
        given = self.background.demand
        if given is not None and len(given) != units:
            raise ValueError(
                f"background.demand has {len(given)} probabilities for {units} units; give one "
                "for each"
            )
        if self.cost >= self.price_cap:
            raise ValueError(
                f"cost {self.cost:g} must be below price_cap {self.price_cap:g}: no firm could gain"
            )
        return self


class BiddingEquilibrium(Auction):
    """The symmetric mixed equilibrium of the auction."""


class QExponentialFit(Auction):
    """Its expected supply curve, fitted."""

    method: Literal["nonlinear", "sequential"] = Field(
        default="nonlinear",
        description="nonlinear: one problem (exact, ipopt, scip); sequential: quadratic ones in "
        "turn, for any solver of these",
    )
