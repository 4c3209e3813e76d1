"""What the pages tell of a model, read from the code itself and from the shipped reports."""

from __future__ import annotations

import dis
import inspect
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError

from optimodels.model import Model, Solve, Stage

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Reached:
    """A stage of a model, with the fewest parameters that lead to it (none: the defaults do)."""

    stage: Stage
    where: Mapping[str, Any]


def stages(model: Model) -> list[Reached]:
    """Return every stage that a model has by its defaults, or by up to two other choices.

    A choice is a parameter that is true or false, or one of several words. Stages are told apart
    by their name and formulation, or by their equations.
    """
    cls = model.parameters_class()
    choices = [
        (name, value)
        for name, field_ in cls.model_fields.items()
        for value in _values(field_.annotation)
        if value != field_.get_default()
    ]
    changes = [dict(pair) for n in (0, 1, 2) for pair in combinations(choices, n)]
    found: dict[Any, Reached] = {}
    for change in changes:
        try:
            program = model.load_program(cls(**change))
        except ValidationError:
            # These two choices do not go together.
            continue
        for stage in program.stages:
            found.setdefault(_identity(stage), Reached(stage, change))
    return list(found.values())


def _values(annotation: Any) -> tuple[Any, ...]:
    if annotation is bool:
        return (False, True)
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _identity(stage: Stage) -> tuple[str, Any]:
    if isinstance(stage, Solve):
        return stage.name, stage.formulation.name
    return stage.name, stage.equations


def functions_of(value: Any) -> Iterator[types.FunctionType]:
    """Yield a function behind a declaration, then those of the package that its code names.

    A lambda or a function within a function has no page of its own: what it calls has.
    """
    while isinstance(value, partial):
        value = value.func
    if not isinstance(value, types.FunctionType):
        return
    yield value
    closure = inspect.getclosurevars(value).nonlocals
    codes = [value.__code__]
    while codes:
        code = codes.pop(0)
        codes += [inner for inner in code.co_consts if isinstance(inner, types.CodeType)]
        at: Any = None
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                at = value.__globals__.get(step.argval)
            elif step.opname == "LOAD_DEREF":
                at = closure.get(step.argval)
            elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and isinstance(at, types.ModuleType):
                at = getattr(at, step.argval, None)
            else:
                continue
            if isinstance(at, types.FunctionType) and at.__module__.startswith(
                "optimodels.families."
            ):
                yield at


def reached(value: Any) -> list[types.FunctionType]:
    """Return all functions of families that a function leads to, nearest first."""
    found: dict[types.FunctionType, None] = {}
    waiting = list(functions_of(value))
    while waiting:
        one = waiting.pop(0)
        if one not in found:
            found[one] = None
            waiting += list(functions_of(one))[1:]
    return list(found)


def is_named(function: types.FunctionType) -> bool:
    """Whether a function can be looked up by its module and name."""
    return "<" not in function.__qualname__


def computing(run: Callable[..., Any]) -> types.FunctionType | None:
    """Return the named function that does what a stage computes: the first to return an Outcome."""
    named = [one for one in reached(run) if is_named(one)]
    return next((one for one in named if "Outcome" in _returned(one)), None)


def checking(run: Callable[..., Any]) -> list[types.FunctionType]:
    """Return the named functions behind a stage that return checks, or make them themselves."""
    named = [one for one in reached(run) if is_named(one)]
    return [one for one in named if "Check" in _returned(one) or _makes_checks(one)]


def _makes_checks(function: types.FunctionType) -> bool:
    codes = [function.__code__]
    for code in codes:
        codes += [inner for inner in code.co_consts if isinstance(inner, types.CodeType)]
    return any("Check" in code.co_names for code in codes)


def _returned(function: types.FunctionType) -> str:
    return str(function.__annotations__.get("return", ""))


@dataclass
class Shown:
    """What the shipped cases of a model give: values with an example each and the case that it is
    from, tables with their columns, pictures with theirs."""

    cases: list[str] = field(default_factory=list)
    values: dict[str, tuple[str, str]] = field(default_factory=dict)
    tables: dict[str, tuple[list[str], str]] = field(default_factory=dict)
    pictures: dict[str, str] = field(default_factory=dict)


def shown(family: str) -> dict[str, Shown]:
    """Return by model what stands in a family's report, which a test keeps in step."""
    text = (ROOT / "reports" / family / "README.md").read_text(encoding="utf-8")
    found: dict[str, Shown] = {}
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        case = part.partition("\n")[0]
        named = re.search(r"^\*(\S+/[^;]+);", part, re.M)
        if named is None or "a sweep of" in part.partition("\n###")[0]:
            continue
        told = found.setdefault(named[1], Shown())
        told.cases.append(case)
        for name, value in _rows(part, "**Values**"):
            told.values.setdefault(name, (value, case))
        _, _, tables = part.partition("\n### Tables\n")
        for title, head in re.findall(
            r"^\*\*(.+)\*\*\n\n\|(.+)\|$", tables.partition("\n### ")[0], re.M
        ):
            told.tables.setdefault(title, ([c.strip() for c in head.split("|")], case))
        for name, file in re.findall(r"^!\[(.+)\]\((\S+\.svg)\)", part, re.M):
            told.pictures.setdefault(name, file)
    return found


def key_of(title: str) -> str:
    """Return the name of a table in a result by its title in a report."""
    return title.lower().replace(" ", "_")


def _rows(text: str, title: str) -> Iterator[tuple[str, str]]:
    _, _, after = text.partition(f"{title}\n\n")
    for line in after.partition("\n\n")[0].splitlines()[2:]:
        name, value = (cell.strip() for cell in line.strip("|").split(" | ")[:2])
        yield name, value
