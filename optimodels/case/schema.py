"""What a case file may hold, before the model's own parameters are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from optimodels.parameters import Number, Strict, Whole

Text = Annotated[str, Field(min_length=1, max_length=200)]


class NetworkFile(Strict):
    """A network in a file: pandapower JSON, or a MATPOWER case (.m or .mat)."""

    file: Text = Field(description="path, relative to the case file")


class SimbenchNetwork(Strict):
    """A grid of the SimBench data set."""

    simbench: Text = Field(description="SimBench code, such as 1-LV-rural1--0-no_sw")


Unit = Literal["percent", "kw", "eur_per_mwh"]
#: The units in which a profile may be given, by the one that it has where none is named.
UNITS: Mapping[str, tuple[Unit, ...]] = {
    "percent": ("percent", "kw"),
    "eur_per_mwh": ("eur_per_mwh",),
}


class CsvProfile(Strict):
    """A profile from a column of a CSV file."""

    csv: Text = Field(description="path, relative to the case file")
    column: Text = Field(description="name of the column in the header row")
    unit: Unit | None = Field(
        default=None,
        description="of a load, which needs it: percent of the network's whole load, or kw; of a "
        "price: eur_per_mwh",
    )


class SimbenchProfile(Strict):
    """The total load of a SimBench grid over a stretch of its year."""

    simbench: Text = Field(description="SimBench code of the grid")
    start: Whole = Field(default=0, ge=0, description="first quarter of an hour of the year")
    steps: Whole = Field(default=96, ge=1, le=35136, description="number of quarters of an hour")
    every: Whole = Field(default=1, ge=1, description="quarters of an hour per step, averaged")


class InlineProfile(Strict):
    """A profile written out, with its unit."""

    values: list[Number] = Field(min_length=1, max_length=35136)
    unit: Unit


def _shape(*keys: str) -> Callable[[Any], str | None]:
    """Tell the kinds of a value apart by its type and by the key that names a mapping's kind;
    "<mapping>" among the keys is any."""

    def kind(value: Any) -> str | None:
        if isinstance(value, (dict, Strict)):
            names = value if isinstance(value, dict) else type(value).model_fields
            return next((key for key in keys if key in names or key == "<mapping>"), None)
        if isinstance(value, list):
            return "<list>"
        if isinstance(value, str):
            return "<text>"
        return "<number>"

    return kind


def _kind(message: str, *keys: str) -> Discriminator:
    return Discriminator(
        _shape(*keys), custom_error_type="kind", custom_error_message=f"must be {message}"
    )


Profile = Annotated[
    Annotated[list[Number], Field(min_length=1, max_length=35136), Tag("<list>")]
    | Annotated[CsvProfile, Tag("csv")]
    | Annotated[SimbenchProfile, Tag("simbench")]
    | Annotated[InlineProfile, Tag("values")],
    _kind(
        "a list of numbers, {csv: ..., column: ...}, {simbench: ...} or {values: [...], unit: ...}",
        "csv",
        "simbench",
        "values",
    ),
]

Network = Annotated[
    Annotated[Text, Tag("<text>")]
    | Annotated[NetworkFile, Tag("file")]
    | Annotated[SimbenchNetwork, Tag("simbench")],
    _kind("the name of a network, {file: ...} or {simbench: ...}", "file", "simbench"),
]


class SolverChoice(Strict):
    """A solver with its limits and own options."""

    name: Text = Field(
        default="", description="highs, scip, clarabel, scipy, exact, ...; the model's own"
    )
    via: Literal["pyomo", "cvxpy"] | None = Field(default=None, description="modelling language")
    time_limit: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="seconds that one solve may take"
    )
    gap: Annotated[Number, Field(ge=0, lt=1)] | None = Field(
        default=None, description="relative gap"
    )
    threads: Annotated[Whole, Field(ge=1, le=1024)] | None = None
    memory_limit: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="GiB that one solve may take; it runs in a process of its own"
    )
    isolate: bool = Field(default=False, description="run the solver in a process of its own")
    options: dict[str, Any] = Field(default_factory=dict, description="the solver's own options")


Solver = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[SolverChoice, Tag("<mapping>")],
    _kind("the name of a solver or {name: ..., time_limit: ..., ...}", "<mapping>"),
]


class Sweep(Strict):
    """Many runs of a case: every entry of ``list`` with every step of ``zip`` with every
    combination of ``grid``, each as often as ``replicas`` says."""

    grid: dict[str, list[Any]] | None = Field(
        default=None, description="values by key, as in parameters.slack: every combination"
    )
    zip: dict[str, list[Any]] | None = Field(
        default=None, description="values by key, lists of one length: taken side by side"
    )
    points: list[dict[str, Any]] | None = Field(
        default=None, alias="list", description="single runs, each a mapping of keys to values"
    )
    replicas: Annotated[Whole, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="repeats with parameters.seed, seed + 1, ..."
    )

    @field_validator("grid", "zip")
    @classmethod
    def _not_empty(cls, given: dict[str, list[Any]] | None) -> dict[str, list[Any]] | None:
        if given is not None and (not given or not all(given.values())):
            raise ValueError("must name at least one key, each with at least one value")
        return given

    @field_validator("zip")
    @classmethod
    def _one_length(cls, given: dict[str, list[Any]] | None) -> dict[str, list[Any]] | None:
        lengths = {key: len(values) for key, values in (given or {}).items()}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{key} has {length}" for key, length in lengths.items())
            raise ValueError(f"must have lists of one length; {said}")
        return given

    @field_validator("points")
    @classmethod
    def _some(cls, given: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
        if given is not None and (not given or not all(given)):
            raise ValueError("must hold at least one run, each with at least one key")
        return given

    @model_validator(mode="after")
    def _not_nothing(self) -> Sweep:
        if (self.grid, self.zip, self.points, self.replicas) == (None, None, None, None):
            raise ValueError("must hold at least one of grid, zip, list, replicas")
        return self

    @property
    def keys(self) -> list[str]:
        """Every key that some run sets, in the order in which they are named."""
        named = [key for run in self.points or () for key in run]
        return [*dict.fromkeys([*named, *(self.zip or ()), *(self.grid or ())])]


Said = Annotated[
    Annotated[Number, Tag("<number>")] | Annotated[Text, Tag("<text>")], _kind("a number or a text")
]


class Claim(Strict):
    """One figure or statement of a publication, beside ours."""

    says: Said | None = Field(description="what it prints; null: lost in print")
    ours: Text | None = Field(default=None, description="the value or table.column[row] of ours")
    tolerance: Number = Field(default=0.0, ge=0, description="relative; within it: reproduced")
    note: str = ""


Printed = Annotated[
    Annotated[Number, Tag("<number>")]
    | Annotated[Text, Tag("<text>")]
    | Annotated[Claim, Tag("says")],
    _kind("a number, a text or {says: ..., ours: ...}", "says"),
]


class PrintedColumn(Strict):
    """One column of a printed table, beside ours."""

    ours: Text = Field(description="objective, or the value of ours")
    tolerance: Number = Field(default=0.0, ge=0, description="relative; within it: reproduced")
    better: Literal["lower", "higher"] | None = Field(
        default=None, description="where ours is better than this, that is the word"
    )
    noise: list[Text] | None = Field(
        default=None,
        min_length=2,
        max_length=2,
        description="values of ours: the range in which the printed figure's own noise leaves it",
    )
    note: str = ""


class PrintedTable(Strict):
    """A printed table, as a CSV file beside the case: a row belongs to the run whose keys have
    its values; an empty cell is lost in print."""

    csv: Text
    rows: dict[str, Text] = Field(description="column of the file: key of the case")
    figures: dict[str, PrintedColumn] = Field(description="column of the file: ours")


class Paper(Strict):
    """What a publication printed, to be set beside ours: ``values`` beside the case as it stands,
    the rows of ``table`` each beside its run."""

    source: Text
    fitted: Text | None = Field(
        default=None, description="what of the case was chosen so that such figures come out"
    )
    values: dict[str, Printed] = Field(default_factory=dict)
    table: PrintedTable | None = None


class CaseFile(Strict):
    """A case study: a model, its data, its solver."""

    name: Text | None = Field(default=None, description="default: the file's name")
    description: str = ""
    model: Text = Field(description="family/model; optimodels models lists them")
    network: Network | None = Field(
        default=None, description="a pandapower network by name, {file: ...} or {simbench: ...}"
    )
    profiles: dict[str, Profile] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)
    solver: Solver | None = Field(default=None, description="default: the model's")
    verify: Literal["full", "certificate"] = Field(
        default="full",
        description="certificate: no second solver where a certificate cannot decide",
    )
    sweep: Sweep | None = None
    paper: Paper | None = None
