"""A starting case for a model, with every key, its default and what it means."""

from __future__ import annotations

import json
import re
import textwrap
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from optimodels.case.schema import UNITS
from optimodels.model import Model, Solve
from optimodels.papers import papers_in

_WIDTH = 96


def new_case(model: Model) -> str:
    """Return a commented case in YAML that solves as it is: the model's base data, no sweep."""
    short = model.name.partition("/")[2]
    lines = [
        f"# {model.title}.",
        f"# Source: {model.source}.",
        *_mathematics(model),
        f"name: {short}",
        f"model: {model.name}",
    ]
    if model.network is not None:
        lines += [
            "",
            "# A pandapower network by name, {file: net.json}, {file: case.m} or {simbench: code}.",
            "# Its buses are 1, 2, ... in the order of its table, whatever their names.",
            f"network: {model.network}",
        ]
    if model.profiles:
        lines += ["", "profiles:"]
        for name, profile in model.profiles.items():
            unit = UNITS[profile.unit][-1] if profile.unit in UNITS else profile.unit
            column = f"{{csv: file.csv, column: {name}, unit: {unit}}}"
            lines.append(f"  # {_unit(profile.unit)}; also {column}")
            lines += _series(name, profile.values)
    lines += ["", "parameters:"]
    for name, field in model.parameters_class().model_fields.items():
        described = field.description or ""
        told = "; ".join(filter(None, (described, choices(field.annotation, described))))
        lines += [f"  # {line}" for line in textwrap.wrap(told, _WIDTH - 4)]
        value = f"  {name}: {_yaml(field.get_default(call_default_factory=True))}"
        lines += textwrap.wrap(
            value, _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )
    if any(isinstance(stage, Solve) for stage in model.load_program().stages):
        lines += [
            "",
            "# Or with limits, in seconds and GiB: {name: highs, via: pyomo, time_limit: 60,",
            "#   gap: 1e-6, threads: 1, memory_limit: 4, isolate: true, options: {...}}.",
            f"solver: {model.solver}",
        ]
    return "\n".join([*lines, ""])


def choices(annotation: Any, described: str) -> str:
    """Return the words that a key takes: "one of: up, down"; "" where it takes none, or where its
    description has them all."""
    words = [word for word in _words(annotation) if isinstance(word, str)]
    if len(words) < 2 or all(re.search(rf"\b{re.escape(word)}", described) for word in words):
        return ""
    others = [kind for kind in get_args(annotation) if get_origin(kind) is not Literal]
    only = get_origin(annotation) is Literal or set(others) <= {NoneType}
    return f"{'one of' if only else 'as words'}: {', '.join(words)}"


def _words(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [word for inner in get_args(annotation) for word in _words(inner)]


def _mathematics(model: Model) -> list[str]:
    """The model's stages as comments: what is solved, in which class, from which source, or what
    is computed; a problem that stands above already is named alone."""
    lines: list[str] = []
    stated: set[str] = set()
    for stage in model.load_program().stages:
        if isinstance(stage, Solve):
            problem = stage.formulation
            head = f"{stage.name}: {problem.name} ({problem.problem_class}; {problem.source})"
            equations = problem.equations
            if problem.name in stated:
                head, equations = f"{stage.name}: {problem.name}, as above", ()
            stated.add(problem.name)
        else:
            head, equations = f"{stage.name}: computed, not solved", stage.equations
        lines += ["#", *(f"# {line}" for line in textwrap.wrap(head, _WIDTH - 2))]
        lines += [f"#   {equation}".rstrip() for equation in equations]
    for paper in papers_in("\n".join([model.source, *lines])):
        told = textwrap.wrap(paper, _WIDTH - 2, subsequent_indent="  ")
        lines += ["#", *(f"# {line}" for line in told)]
    return [*lines, ""]


def _unit(unit: str) -> str:
    return {
        "percent": "percent of the network's whole load, per step",
        "kw": "kW per step",
        "eur_per_mwh": "EUR/MWh, per step",
    }.get(unit, unit)


def _series(name: str, values: Any) -> list[str]:
    text = ", ".join(f"{v:g}" for v in values)
    wrapped = textwrap.wrap(text, _WIDTH - 6)
    return [f"  {name}: [", *(f"    {line}" for line in wrapped), "  ]"]


def _yaml(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str):
        return value
    return json.dumps(value)
