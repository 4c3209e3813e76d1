"""From a validator's complaints to one clear line each, at its place in the file."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from types import UnionType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from optimodels.case.source import Source
from optimodels.errors import Finding, suggestion


def findings_of(
    source: Source, error: ValidationError, kind: type[BaseModel], prefix: tuple[str, ...]
) -> list[Finding]:
    found = []
    for item in error.errors(include_url=False):
        place = (*prefix, *_plain(item["loc"]))
        message = _MESSAGES.get(item["type"], "").format(**item.get("ctx", {}))
        if item["type"] == "extra_forbidden":
            names = _fields(kind, item["loc"][:-1])
            hint = suggestion(str(item["loc"][-1]), names) or f"; known keys: {', '.join(names)}"
            message = f"unknown key{hint}"
        elif item["type"] == "literal_error":
            message = f"must be {item['ctx']['expected']}, not {_short(item['input'])}"
        elif item["type"] in ("value_error", "kind"):
            message = item["msg"].removeprefix("Value error, ")
        elif message:
            message += _instead(item["type"], item["input"]) if item["type"] != "missing" else ""
        else:
            message = item["msg"][:1].lower() + item["msg"][1:]
        found.append(finding_at(source, place, message))
    return found


def _instead(kind: str, given: Any) -> str:
    """What was found, and what may have been meant by it."""
    found = f", not {_short(given)}"
    if not isinstance(given, str):
        return found
    if kind.startswith(("dict", "model")) and re.match(r"[\w.]+:\S", given):
        return f"{found}; a space follows the colon of a key"
    if kind.startswith(("int", "float")) and re.fullmatch(r"-?\d+,\d+", given):
        return f"{found}; decimals take a point"
    return found


_MESSAGES = {
    "missing": "is missing",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be a text",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "finite_number": "must be finite",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
}
_TAGS = {"<list>", "<mapping>", "<text>", "<number>", "[key]"}


def _plain(place: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Drop from a place what names a kind of value rather than a key of the file."""
    kinds = {
        "network": {"file", "simbench"},
        "profiles": {"csv", "simbench", "values"},
        "paper": {"says"},
    }
    kept: list[str | int] = []
    for depth, part in enumerate(place):
        if part in _TAGS:
            continue
        at = {"network": 1, "profiles": 2, "paper": 3}.get(str(place[0]), -1)
        if depth == at and part in kinds[str(place[0])]:
            continue
        kept.append(part)
    return tuple(kept)


def _fields(kind: type[BaseModel], place: Sequence[str | int]) -> list[str]:
    """Return the keys that are known at a place of the schema."""
    current: Any = kind
    for part in place:
        current = _step(current, part)
    if not _is_model(current):
        # A part that may be left out: Sweep | None.
        current = next((option for option in get_args(current) if _is_model(option)), None)
    fields = current.model_fields.items() if _is_model(current) else ()
    return [field.alias or name for name, field in fields]


def _step(kind: Any, part: str | int) -> Any:
    if _is_model(kind):
        field_info = kind.model_fields.get(str(part))
        return field_info.annotation if field_info else kind
    for option in get_args(kind):
        if isinstance(option, UnionType) or get_args(option):
            deeper = _step(option, part)
            if deeper is not None:
                return deeper
        elif _is_model(option) and (part in option.model_fields or part == "<mapping>"):
            return option
    return None


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def finding_at(source: Source, place: Sequence[str | int], message: str) -> Finding:
    line, column = source.place(tuple(place))
    # What the command line or a run of a sweep sets stands in no line of its own.
    file = source.file if line else f"{source.file} (as set)"
    return Finding(file, line, column, ".".join(map(str, place)), message)


def _short(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."
