"""The parameters of a curve fit: points or a merit order, forms, loss and bounds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_serializer, model_validator

from optimodels.errors import suggestion
from optimodels.parameters import Number, Parameters, Strict, Whole

#: Points that may be fitted: the isotonic problem has as many rows.
MOST_POINTS = 20_000

_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Numbers = Annotated[list[Number], Field(min_length=1, max_length=MOST_POINTS)]
#: Numbers, or the column of the CSV file that has them.
_Series = Annotated[
    Annotated[_Numbers, Tag("<list>")] | Annotated[_Name, Tag("<text>")],
    Discriminator(lambda value: "<text>" if isinstance(value, str) else "<list>"),
]


class UnitClass(Strict):
    """Units that offer from one price to another, evenly over their capacity."""

    name: _Name = Field(description="name of the class")
    share: Annotated[Number, Field(gt=0, le=1)] = Field(description="part of the capacity")
    price: list[Number] = Field(min_length=2, max_length=2, description="lowest, highest price")

    @field_validator("price")
    @classmethod
    def _rises(cls, given: list[float]) -> list[float]:
        if given[0] > given[1]:
            raise ValueError("must be the lowest price, then the highest")
        return given


class Points(Strict):
    """What is fitted: a merit order of unit classes, or points inline or from a CSV file."""

    classes: list[UnitClass] | None = Field(
        default=None, min_length=1, max_length=1_000, description="unit classes, in any order"
    )
    capacity: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="capacity of all classes together; default 1"
    )
    points_per_class: Whole | None = Field(
        default=None, ge=1, le=1_000, description="points on each class's stretch; default 10"
    )
    csv: _Name | None = Field(default=None, description="a CSV file, its path beside the case")
    quantity: _Series | None = Field(
        default=None, description="quantities, or the name of their column"
    )
    price: _Series | None = Field(default=None, description="prices, or the name of their column")
    weights: _Series | None = Field(
        default=None, description="weights above 0, or their column: a residual's cost by weight"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Points:
        series = {name: getattr(self, name) for name in ("quantity", "price", "weights")}
        given = [name for name, one in series.items() if one is not None]
        if self.classes is not None:
            if given or self.csv is not None:
                raise ValueError("has classes and points: give one of them")
            total = sum(one.share for one in self.classes)
            if abs(total - 1.0) > 1e-6:
                raise ValueError(f"shares of the classes add up to {total:g}, not to 1")
            return self
        if self.capacity is not None or self.points_per_class is not None:
            raise ValueError("capacity and points_per_class belong to classes")
        if series["quantity"] is None or series["price"] is None:
            raise ValueError("must have classes, or quantity and price")
        kind = (
            "the name of a column of the csv" if self.csv is not None
            else "a list of numbers, where no csv has it as a column"
        )  # fmt: skip
        for name in given:
            if isinstance(series[name], str) is not (self.csv is not None):
                raise ValueError(f"{name} must be {kind}")
        if self.csv is None and len({len(series[name]) for name in given}) > 1:
            lengths = ", ".join(f"{name} {len(series[name])}" for name in given)
            raise ValueError(f"has lists of different lengths: {lengths}")
        return self

    @model_serializer
    def _as_written(self) -> Any:
        return {name: value for name, value in self if value is not None}


#: Ours, after the classes that 003 names: its prices and shares are lost in print.
_CLASSES = [
    {"name": "base load", "share": 0.5, "price": [15.0, 30.0]},
    {"name": "mid load", "share": 0.35, "price": [30.0, 60.0]},
    {"name": "peak load", "share": 0.15, "price": [60.0, 180.0]},
]


class CurveFit(Parameters):
    """Curves of several forms through one set of points."""

    data: Points = Field(
        default={"classes": _CLASSES}, validate_default=True,
        description="what is fitted: {classes: [{name, share, price: [low, high]}], capacity: 1}, "
        "{quantity: [...], price: [...], weights: [...]}, or "
        "{csv: file.csv, quantity: column, price: column, weights: column}",
    )  # fmt: skip
    forms: list[_Name] | None = Field(
        default=None, min_length=1, max_length=50,
        description="q-exponential, asymptotic, exponential, power, piecewise-linear, isotonic; "
        "null: all that have a curve for these points",
    )  # fmt: skip
    huber: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="threshold M of Huber's loss: squares up to a residual M, "
        "2 M |r| - M^2 beyond; null: squares throughout",
    )  # fmt: skip
    criterion: Literal["aicc", "bic"] = Field(
        default="aicc", description="what tells the best form: aicc or bic"
    )
    wind: Annotated[Number, Field(ge=0)] = Field(
        default=0.0, description="q_w, the wind power dispatched: asymptotic curves and merit "
        "orders start there",
    )  # fmt: skip
    asymptote: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="q_m, the quantity that an asymptotic curve never reaches; "
        "default the end of the merit order",
    )  # fmt: skip
    pieces: Whole = Field(
        default=4, ge=1, le=1_000, description="pieces of the piecewise linear form, with the "
        "same number of points each",
    )  # fmt: skip
    knots: _Numbers | None = Field(
        default=None, description="quantities at which its pieces end, in place of equal numbers"
    )
    bounds: dict[str, dict[str, list[Number]]] = Field(
        default_factory=dict,
        description="bounds of parameters, within the form's own, as in "
        "{asymptotic: {c0: [0, 50], c2: [0.5, 3]}}",
    )

    @field_validator("forms")
    @classmethod
    def _known(cls, given: list[str] | None) -> list[str] | None:
        # The forms are a registry that may grow: they are looked up where a case names some.
        from optimodels.families.supply.fitting.curves import FORMS

        for name in given or ():
            if name not in FORMS:
                hint = suggestion(name, FORMS) or f"; there are {', '.join(FORMS)}"
                raise ValueError(f"no form {name!r}{hint}")
        if given and len(set(given)) < len(given):
            raise ValueError("a form stands twice; name each once")
        return given

    @field_validator("bounds")
    @classmethod
    def _sides(cls, given: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, list[float]]]:
        for form, named in given.items():
            for name, sides in named.items():
                if len(sides) != 2 or sides[0] > sides[1]:
                    raise ValueError(f"{form}.{name} must be two numbers, [lowest, highest]")
        return given
