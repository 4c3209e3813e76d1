"""The kinds of values that a case may hold, and the base of every model's parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

#: Between them lies every size that a case may name, in any unit: squares and fourth powers are
#: still numbers, and a unit more or less is still seen.
SMALLEST, LARGEST = 1e-30, 1e15


def sized(value: Any) -> Any:
    """Return a finite number; raises ValueError, in words that follow a key, where it is no size
    of anything."""
    # A whole number is compared as it is: there may be no float of it.
    if abs(value) > LARGEST:
        raise ValueError(f"is beyond {LARGEST:g}")
    if 0 < abs(value) < SMALLEST:
        raise ValueError(f"is nearer to 0 than {SMALLEST:g}; say 0")
    return value


def _whole(value: Any) -> Any:
    """Take 13.0 for 13: YAML writers and spreadsheets do not tell them apart."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return sized(value) if isinstance(value, int) else value


def _number(value: Any) -> Any:
    """Take 13 for 13.0, but neither true for 1 nor "13" for 13."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return float(value if value in (inf, -inf) else sized(value))


Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]


class Strict(BaseModel):
    """Unknown keys and wrong types are errors; nothing changes after reading.

    What is written out is what was read: a key that is no name in Python (``from``) by its alias.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, serialize_by_alias=True)


class Parameters(Strict):
    """The base of the ``parameters`` of a model; every field has a default and a description."""


def files_in(parameters: Any, key: str = "parameters") -> Iterator[tuple[str, str]]:
    """Yield key and path of every file that parameters, as plain values, name as {csv: path}."""
    if isinstance(parameters, Mapping):
        for name, value in parameters.items():
            if name == "csv" and isinstance(value, str):
                yield f"{key}.csv", value
            else:
                yield from files_in(value, f"{key}.{name}")
