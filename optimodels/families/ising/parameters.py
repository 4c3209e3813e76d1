"""The parameters of the Ising experiments: what a case may set, with defaults."""

from __future__ import annotations

from math import log, sqrt
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_serializer, model_validator

from optimodels.families.flexibility.parameters import Customers
from optimodels.parameters import Number, Strict, Whole

#: Where the infinite square lattice loses its order (Onsager; 001, section 3).
CRITICAL = 2 / log(1 + sqrt(2))
#: Sites of a graph: its bonds alone take a hundred bytes each.
MOST_SITES = 10_000_000
#: Bytes that the spins of all replicas of one combination may take.
MOST_SPINS = 2_000_000_000

Algorithm = Literal["metropolis", "constrained", "penalised", "exchange"]

_Degree = Annotated[Number, Field(ge=0)]
_Count = Annotated[Whole, Field(ge=0)]
_Seed = Annotated[Whole, Field(ge=0, lt=2**63)]


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Temperatures = Annotated[
    list[_Degree],
    BeforeValidator(_listed, json_schema_input_type=_Degree | list[_Degree]),
    Field(min_length=1, max_length=10_000),
]
Fields = Annotated[
    list[Number],
    BeforeValidator(_listed, json_schema_input_type=Number | list[Number]),
    Field(min_length=1, max_length=10_000),
]
Distances = Annotated[
    list[_Count],
    BeforeValidator(_listed, json_schema_input_type=_Count | list[_Count]),
    Field(min_length=1, max_length=10_000),
]
Seeds = Annotated[
    Annotated[_Seed, Tag("<number>")]
    | Annotated[list[_Seed], Field(min_length=1, max_length=1_000_000), Tag("<list>")],
    Discriminator(lambda value: "<list>" if isinstance(value, list) else "<number>"),
]


class Neighbours(Strict):
    """Who listens to whom: a lattice of rows and columns, or the edges of a CSV file."""

    rows: Annotated[Whole, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="of a square lattice with a free boundary"
    )
    columns: Annotated[Whole, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="of that lattice"
    )
    csv: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="columns from and to, customers counted from 1"
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Neighbours:
        if (self.rows is None) != (self.columns is None) or (self.rows is None) == (
            self.csv is None
        ):
            raise ValueError("must be {rows: ..., columns: ...} or {csv: ...}")
        return self

    @model_serializer
    def _as_written(self) -> Any:
        return {name: value for name, value in self if value is not None}


class Ensemble(Customers):
    """Replicas of the customers' spins, which evolve from a start."""

    temperature: Temperatures = Field(
        default=[CRITICAL],
        description="T in units of J / k_B, one or a list; 0 is greedy: no step up in energy",
    )
    field: Fields = Field(default=[0.0], description="h in units of J, one or a list")
    steps: Annotated[Whole, Field(ge=1, le=10**13)] = Field(
        default=10_000, description="proposals to single customers; whole sweeps are rounded up to"
    )
    replicas: Annotated[Whole, Field(ge=1, le=10_000_000)] = Field(
        default=64, description="independent runs of every combination"
    )
    seed: Seeds = Field(
        default=1, description="of all random numbers, or a list of one per replica"
    )
    start: Literal["up", "down", "random", "feasible"] = Field(
        default="random",
        description="of every replica; feasible: flexibility that balances within the network, "
        "solved first (001, (34)-(35))",
    )
    update: Literal["random-site", "sweep"] = Field(
        default="random-site", description="who is asked next: any customer, or all in turn"
    )
    algorithm: Algorithm = Field(
        default="metropolis",
        description="constrained: only what lowers |C| (001, algorithm 1); penalised: energy "
        "+ penalty N |C|; exchange: customers of equal load swap states, which keeps C",
    )
    penalty: Annotated[Number, Field(ge=0)] = Field(
        default=5.0, description="of the penalised; a customer who changes moves N C by about 2"
    )
    boundaries: Literal["free", "aggregators"] = Field(
        default="free",
        description="whom customers listen to: all neighbours, or their aggregator's",
    )
    aggregators: Whole = Field(
        default=3, ge=1, le=100_000, description="their number, where boundaries need them"
    )
    slack: Number = Field(
        default=0.1, ge=0, description="of their mapping, as in flexibility/aggregator-mapping"
    )
    mapping: list[Annotated[Whole, Field(ge=1)]] | None = Field(
        default=None,
        description="the aggregator of every bus with customers, in their order; null: solved "
        "first, as flexibility/aggregator-mapping",
    )
    sense: Literal["max", "min"] = Field(
        default="max", description="of the balance behind a feasible start"
    )
    graph: Neighbours | None = Field(
        default=None,
        description="{rows: 17, columns: 17}, or {csv: friends.csv} with columns from and to; "
        "null: the least square that holds the customers, row by row",
    )
    customers: Literal["network", "none"] = Field(
        default="network",
        description="none: the graph's sites are on no bus, and no constraint is measured",
    )
    average_over: Whole = Field(
        default=0, ge=0, description="last proposals to average over, every N of them; 0: end state"
    )

    @model_validator(mode="after")
    def _fits(self) -> Ensemble:
        if isinstance(self.seed, list):
            if len(self.seed) < self.replicas:
                raise ValueError(f"seed has {len(self.seed)} entries for {self.replicas} replicas")
            if len(set(self.seed)) < len(self.seed):
                raise ValueError("seed has an entry twice: its replicas would be the same")
        algorithms = (self.algorithm, *getattr(self, "beside", ()))
        if self.update == "sweep" and "exchange" in algorithms:
            raise ValueError("exchange draws pairs at random; set update: random-site")
        if self.average_over > self.steps:
            raise ValueError(f"average_over {self.average_over} is more than steps {self.steps}")
        if self.customers == "none":
            for name, value, plain in (
                ("start", self.start, "feasible"),
                ("boundaries", self.boundaries, "aggregators"),
            ):
                if value == plain:
                    raise ValueError(f"{name}: {value} needs customers: network")
            if self.graph is None:
                raise ValueError("customers: none needs a graph")
            if self.algorithm != "metropolis":
                raise ValueError(f"algorithm: {self.algorithm} needs customers: network")
        return self

    @property
    def with_aggregators(self) -> bool:
        """Whether aggregators have a part in it."""
        return self.boundaries == "aggregators"


class Decorrelation(Ensemble):
    """How soon the customers forget their start (001, figure 2)."""

    warm_up: Annotated[Whole, Field(ge=0, le=10**13)] = Field(
        default=0,
        description="proposals before what counts as the start: many, and it is at equilibrium",
    )
    points: Annotated[Whole, Field(ge=1, le=10_000)] = Field(
        default=40, description="times between 0 and steps at which the start is compared with"
    )


class PhaseTransition(Ensemble):
    """Where customers lose their common opinion (001, figure 2, inset)."""

    temperature: Temperatures = Field(
        default=[1.0, 1.5, 1.8, 2.0, 2.1, 2.2, CRITICAL, 2.35, 2.5, 2.75, 3.0, 3.5, 4.0],
        description="T in units of J / k_B, one or a list; 0 is greedy: no step up in energy",
    )
    steps: Annotated[Whole, Field(ge=1, le=10**13)] = Field(
        default=867_000, description="proposals to single customers; whole sweeps are rounded up to"
    )
    start: Literal["up", "down", "random", "feasible"] = Field(
        default="up", description=Ensemble.model_fields["start"].description
    )
    update: Literal["random-site", "sweep"] = Field(
        default="sweep", description=Ensemble.model_fields["update"].description
    )
    exact: Literal["auto", "all", "none"] = Field(
        default="auto",
        description="exact means at equilibrium beside the simulated: up to 20 customers, and on "
        "full lattices up to 17 wide; all: also <|M|> of large ones, two minutes each",
    )


class FieldResponse(Ensemble):
    """Which field moves customers who start all down (001, figure 4)."""

    hours_per_step: Number = Field(
        default=1.0, gt=0, description="h; length of one step of the profiles"
    )
    temperature: Temperatures = Field(
        default=[1.0, 1.5, 2.0, CRITICAL, 2.5, 3.0, 4.0, 5.0],
        description="T in units of J / k_B, one or a list; 0 is greedy: no step up in energy",
    )
    field: Fields = Field(
        default=[0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0],
        description="h in units of J, one or a list",
    )
    start: Literal["up", "down", "random", "feasible"] = Field(
        default="down", description=Ensemble.model_fields["start"].description
    )
    hour: Annotated[Whole, Field(ge=1)] | None = Field(
        default=None,
        description="whose magnetisation in flexibility/shiftable-loads is the target; null: the "
        "first that is between -1 and 1",
    )


class Robustness(Ensemble):
    """How far a feasible solution survives perturbations (001, figure 6)."""

    temperature: Temperatures = Field(
        default=[0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0],
        description="T in units of J / k_B, one or a list; 0 is greedy: no step up in energy",
    )
    replicas: Annotated[Whole, Field(ge=1, le=10_000_000)] = Field(
        default=20, description="independent runs of every combination"
    )
    start: Literal["up", "down", "random", "feasible"] = Field(
        default="feasible", description=Ensemble.model_fields["start"].description
    )
    perturbations: Distances = Field(
        default=[1, 2, 5, 10, 20, 40, 80, 140],
        description="K, customers whose state is switched before the run (Hamming distance)",
    )
    beside: list[Algorithm] = Field(
        default=["constrained"], description="further algorithms to compare with"
    )

    @model_validator(mode="after")
    def _on_buses(self) -> Robustness:
        if self.customers == "none":
            raise ValueError("robustness is that of a constraint; it needs customers: network")
        return self


class Boundaries(Ensemble):
    """What it does to flexibility that customers listen to their aggregator's alone (figure 8)."""

    temperature: Temperatures = Field(
        default=[0.5, 1.0, 1.5, 1.8, 2.0, 2.2, CRITICAL, 2.5, 3.0, 4.0, 6.0],
        description="T in units of J / k_B, one or a list; 0 is greedy: no step up in energy",
    )
    start: Literal["up", "down", "random", "feasible"] = Field(
        default="up", description=Ensemble.model_fields["start"].description
    )

    boundaries: Literal["free", "aggregators"] = Field(
        default="free",
        description="both are compared; whose figures are the result's values",
    )

    @model_validator(mode="after")
    def _on_buses(self) -> Boundaries:
        if self.customers == "none":
            raise ValueError("aggregators hold buses; it needs customers: network")
        return self

    @property
    def with_aggregators(self) -> bool:
        """Both kinds are always compared."""
        return True
