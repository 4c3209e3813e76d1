"""The parameters of the market models: what a case may set, with defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_serializer, model_validator

from optimodels.errors import suggestion
from optimodels.parameters import Number, Parameters, Strict, Whole

#: Bids of one side, areas of a market and resources of a regulation that a case may have.
MOST_BIDS, MOST_AREAS, MOST_RESOURCES = 10_000, 50, 10_000
#: $/MWh beyond which no bid stands and no price is looked for.
MOST_PRICE = 1e9
#: Houses of one population: each is a bid.
MOST_HOUSES = 5_000

_Name = Annotated[str, Field(min_length=1, max_length=100)]
_Above = Annotated[Number, Field(gt=0)]
_Bids = Annotated[
    list[Annotated[list[Number], Field(min_length=2, max_length=2)]],
    Field(min_length=1, max_length=MOST_BIDS),
]


def _checked(bids: list[list[float]], rising: bool) -> None:
    """Refuse bids of no quantity, and bids out of order."""
    order = "the lowest price first" if rising else "the highest price first"
    for k, (quantity, price) in enumerate(bids):
        if quantity <= 0:
            raise ValueError(f"bid {k + 1} is of {quantity:g} MW; it must be above 0")
        if abs(price) > MOST_PRICE:
            raise ValueError(f"bid {k + 1} is at {price:g} $/MWh, beyond {MOST_PRICE:g}")
        if k and (price < bids[k - 1][1] if rising else price > bids[k - 1][1]):
            raise ValueError(
                f"bid {k + 1} at {price:g} stands behind one at {bids[k - 1][1]:g}: bids are "
                f"sorted, {order}"
            )


class _OneWay(Strict):
    """A curve that can be said in several ways; what is not said is not written."""

    @model_serializer
    def _as_written(self) -> Any:
        return {name: value for name, value in self if value is not None}

    def _complete(self, ways: dict[str, tuple[str, ...]]) -> None:
        """Hold that exactly one way is said, with all keys that belong to it and no other.

        ``ways`` gives the keys of each by the key that tells it.
        """
        said = [way for way in ways if getattr(self, way) is not None]
        if len(said) != 1:
            raise ValueError(f"must have exactly one of {', '.join(ways)}")
        wanted = {said[0], *ways[said[0]]}
        given = {name for name, value in self if value is not None}
        if wanted - given:
            raise ValueError(f"{said[0]} needs {', '.join(sorted(wanted - given))}")
        if given - wanted:
            raise ValueError(f"{', '.join(sorted(given - wanted))}: not a key of {said[0]}")


class Supply(_OneWay):
    """What is offered: the asymptotic curve, or step bids."""

    form: Literal["asymptotic"] | None = Field(
        default=None, description="c0 + c1 ((q - q_w) / (q_m - q))^c2 from q_w on; wind below it"
    )
    c0: Annotated[Number, Field(ge=0)] | None = Field(
        default=None, description="$/MWh; price at q_w"
    )
    c1: _Above | None = Field(default=None, description="$/MWh; scaling")
    c2: Annotated[Number, Field(ge=0.05, le=20)] | None = Field(
        default=None, description="exponent: how soon scarcity raises the price"
    )
    q_w: Annotated[Number, Field(ge=0)] | None = Field(
        default=None, description="MW; wind power dispatched, offered at 0"
    )
    q_m: _Above | None = Field(default=None, description="MW; capacity, which is never reached")
    bids: _Bids | None = Field(default=None, description="[[MW, $/MWh], ...], lowest price first")

    @model_validator(mode="after")
    def _one_way(self) -> Supply:
        self._complete({"form": ("c0", "c1", "c2", "q_w", "q_m"), "bids": ()})
        if self.bids is not None:
            _checked(self.bids, rising=True)
        elif self.q_w is not None and self.q_m is not None and self.q_w >= self.q_m:
            raise ValueError(f"q_w {self.q_w:g} must be below q_m {self.q_m:g}")
        return self


class Thermostats(Strict):
    """Houses that cool alike; their temperatures are spread as a logistic distribution."""

    name: _Name = Field(description="name of the population")
    houses: Whole = Field(ge=1, le=MOST_HOUSES, description="number of houses, a bid each")
    kilowatts: _Above = Field(description="kW; load of one house while it cools")
    comfort: _Above = Field(
        description="k, deviations of the price that a house pays on top of the mean at maximum"
    )
    desired: Number = Field(description="degrees C; T_D, where a house bids the mean price")
    maximum: Number = Field(description="degrees C; T_M, above desired")
    temperature: Number = Field(description="degrees C; median of the air in the houses, T_a")
    spread: Annotated[Number, Field(ge=0)] = Field(
        description="degrees C; scale of the logistic distribution of T_a over the houses"
    )

    @model_validator(mode="after")
    def _warmer(self) -> Thermostats:
        if self.maximum <= self.desired:
            raise ValueError(f"maximum {self.maximum:g} must be above desired {self.desired:g}")
        return self


class Demand(_OneWay):
    """What is asked for: the logistic curve, step bids, or bids of thermostats."""

    form: Literal["logistic"] | None = Field(
        default=None, description="Q_U + Q_R / (1 + exp(2 eta (1 - p / P_A)))"
    )
    unresponsive: Annotated[Number, Field(ge=0)] | None = Field(
        default=None, description="MW; Q_U, bought at any price"
    )
    responsive: _Above | None = Field(default=None, description="MW; Q_R")
    mean_price: _Above | None = Field(default=None, description="$/MWh; P_A")
    elasticity: Annotated[Number, Field(lt=0, ge=-1000)] | None = Field(
        default=None, description="eta of the responsive part at the mean price, below 0"
    )
    bids: _Bids | None = Field(default=None, description="[[MW, $/MWh], ...], highest price first")
    thermostats: list[Thermostats] | None = Field(
        default=None, min_length=1, max_length=50, description="populations of houses"
    )
    price_deviation: _Above | None = Field(default=None, description="$/MWh; P_D, with thermostats")

    @model_validator(mode="after")
    def _one_way(self) -> Demand:
        self._complete(
            {
                "form": ("unresponsive", "responsive", "mean_price", "elasticity"),
                "bids": (),
                "thermostats": ("mean_price", "price_deviation"),
            }
        )
        if self.bids is not None:
            _checked(self.bids, rising=False)
        if sum(one.houses for one in self.thermostats or ()) > MOST_HOUSES:
            raise ValueError(f"thermostats have more than {MOST_HOUSES} houses in all")
        return self


class Area(Strict):
    """A neighbouring area with a market of its own."""

    name: _Name = Field(description="name of the area")
    supply: Supply = Field(description="as parameters.supply")
    demand: Demand = Field(description="as parameters.demand")
    must_run_demand: Annotated[Number, Field(ge=0)] = Field(
        default=0.0, description="as parameters.must_run_demand"
    )


class Line(Strict):
    """A tie line between two areas."""

    between: list[_Name] = Field(min_length=2, max_length=2, description="names of two areas")
    limit: Annotated[Number, Field(ge=0)] = Field(description="MW, either way")


#: Ours: the paper's Table 1 and its parameters are lost in print.
_SUPPLY = {"form": "asymptotic", "c0": 15.0, "c1": 20.0, "c2": 1.5, "q_w": 100.0, "q_m": 1500.0}
_DEMAND = {"form": "logistic", "unresponsive": 900.0, "responsive": 200.0, "mean_price": 50.0,
           "elasticity": -2.0}  # fmt: skip


class MarketClearing(Parameters):
    """A double auction in one area, or in several with tie lines."""

    supply: Supply = Field(
        default=_SUPPLY, validate_default=True,
        description="{form: asymptotic, c0, c1, c2, q_w, q_m} with c0, c1 in $/MWh, q_w and q_m "
        "in MW, or {bids: [[MW, $/MWh], ...]}, lowest price first",
    )  # fmt: skip
    demand: Demand = Field(
        default=_DEMAND, validate_default=True,
        description="{form: logistic, unresponsive, responsive, mean_price, elasticity}, {bids: "
        "[[MW, $/MWh], ...]}, highest price first, or {thermostats: [{name, houses, kilowatts, "
        "comfort, desired, maximum, temperature, spread}], mean_price, price_deviation}",
    )  # fmt: skip
    must_run_demand: Annotated[Number, Field(ge=0)] = Field(
        default=0.0, description="MW bought at any price, beside the demand; part of the quantity"
    )
    area: _Name = Field(default="study area", description="name of the area of these curves")
    neighbours: list[Area] = Field(
        default_factory=list, max_length=MOST_AREAS - 1,
        description="further areas: [{name, supply, demand, must_run_demand}]",
    )  # fmt: skip
    lines: list[Line] = Field(
        default_factory=list, max_length=MOST_AREAS - 1,
        description="tie lines between areas: [{between: [one, other], limit: MW}]; no loops",
    )  # fmt: skip
    method: Literal["root", "steps", "pieces", "cone", "all"] = Field(
        default="root",
        description="root: where the curves cross; steps: step bids, an LP; pieces: straight "
        "pieces, a QP; cone: the entropy of the logistic demand, exponential cones; all: the "
        "four beside each other",
    )

    @property
    def logistic(self) -> bool:
        """Whether a demand is a logistic curve."""
        return any(one.form is not None for one in self._demands())

    @property
    def curved(self) -> bool:
        """Whether anything is a curve; else all are bids."""
        supplies = [self.supply, *(one.supply for one in self.neighbours)]
        return self.logistic or any(one.form is not None for one in supplies)

    def _demands(self) -> list[Demand]:
        return [self.demand, *(one.demand for one in self.neighbours)]

    @model_validator(mode="after")
    def _has_a_problem(self) -> MarketClearing:
        if self.method == "pieces" and not self.curved:
            raise ValueError("method pieces needs a curve; of bids, steps are the whole truth")
        if self.method == "cone" and not self.logistic:
            raise ValueError("method cone needs a logistic demand, whose entropy it takes")
        return self

    @model_validator(mode="after")
    def _connected(self) -> MarketClearing:
        names = [self.area, *(one.name for one in self.neighbours)]
        if len(set(names)) < len(names):
            raise ValueError("two areas have one name")
        joined = {name: name for name in names}

        def root(name: str) -> str:
            return name if joined[name] == name else root(joined[name])

        for line in self.lines:
            for name in line.between:
                if name not in joined:
                    raise ValueError(f"lines: no area {name!r}{suggestion(name, names)}")
            if line.between[0] == line.between[1]:
                raise ValueError(f"lines: {line.between[0]!r} is joined with itself")
            one, other = map(root, line.between)
            if one == other:
                raise ValueError(
                    f"lines: {' - '.join(line.between)} closes a loop; how power divides there is "
                    "a matter of impedances, which this model does not have"
                )
            joined[other] = one
        if len({root(name) for name in names}) > 1:
            apart = next(name for name in names if root(name) != root(self.area))
            raise ValueError(f"no line leads from {self.area!r} to {apart!r}")
        return self


class Participation(Parameters):
    """A needed change, shared by resources of different slopes."""

    change: Number = Field(
        default=30.0,
        description="MW; dQ that is needed: positive is more supply or less demand",
    )
    slopes: dict[_Name, Number] = Field(
        default={"supply": 0.04, "demand": 0.12}, min_length=1, max_length=MOST_RESOURCES,
        description="$/(MW^2 h) by resource; R_i, by which its marginal price rises per MW; "
        "above 0",
    )  # fmt: skip
    caps: dict[_Name, Annotated[Number, Field(ge=0)]] = Field(
        default_factory=dict, description="MW by resource, either way; none: no limit"
    )
    ramps: dict[_Name, Annotated[Number, Field(ge=0)]] = Field(
        default_factory=dict, description="MW/min by resource; none: no limit"
    )
    minutes: _Above = Field(default=5.0, description="min; time that ramps have")

    @field_validator("slopes")
    @classmethod
    def _rising(cls, given: dict[str, float]) -> dict[str, float]:
        for name, slope in given.items():
            if slope <= 0:
                raise ValueError(
                    f"{name!r} has the slope {slope:g}; it must be above 0: at none, one resource "
                    "takes any change at no price"
                )
        return given

    @model_validator(mode="after")
    def _known(self) -> Participation:
        for key, limits in (("caps", self.caps), ("ramps", self.ramps)):
            for name in limits:
                if name not in self.slopes:
                    raise ValueError(f"{key}: no resource {name!r}{suggestion(name, self.slopes)}")
        return self
