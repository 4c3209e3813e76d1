"""The commands that list what there is, and print what a case starts from."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path
from typing import Any

from optimodels.cli.progress import width
from optimodels.errors import OptimodelsError


def new(options: argparse.Namespace) -> int:
    """Print a commented starting case for a model."""
    from optimodels.case.template import new_case
    from optimodels.families import find_model

    print(new_case(find_model(options.model)), end="")
    return 0


def models(options: argparse.Namespace) -> int:
    """List the models."""
    from optimodels.families import find_model, model_names

    names = model_names()
    longest = max(map(len, names))
    for name in names:
        # A title that is too long for the terminal goes on below itself.
        line = f"{name:<{longest}}  {find_model(name).title}"
        print(textwrap.fill(line, max(60, width()), subsequent_indent=" " * (longest + 2)))
    return 0


def cases(options: argparse.Namespace) -> int:
    """List the case files below a folder by their models; exit code 2 where one is not valid."""
    from optimodels.case import load_case
    from optimodels.errors import CallError

    files = sorted(Path(options.folder).rglob("*.yaml"))
    if not files:
        raise CallError(f"no case files (*.yaml) below {options.folder!r}")
    found: dict[str, list[str]] = {}
    wrong = []
    for file in files:
        try:
            found.setdefault(load_case(file).model.name, []).append(f"  {file}")
        except OptimodelsError as error:
            wrong.append(str(error).splitlines()[0])
    for model in sorted(found):
        print("\n".join([model, *found[model]]))
    if wrong:
        print("\n".join(["not valid", *(f"  {line}" for line in wrong)]))
    return 2 if wrong else 0


def solvers(options: argparse.Namespace) -> int:
    """List the solvers: installed or how to get them, and what they can take."""
    from optimodels.reporting.text import table_lines
    from optimodels.solvers.registry import all_solvers

    here = [solver for solver in all_solvers() if solver.installed]
    classes: dict[tuple[str, str, str], set[str]] = {}
    for solver in here:
        way = (solver.name, solver.via, solver.version)
        classes.setdefault(way, set()).update(solver.classes)
    rows: list[dict[str, Any]] = [
        {"solver": name, "through": via, "version": version, "classes": " ".join(sorted(taken))}
        for (name, via, version), taken in classes.items()
    ]
    rows.append({"solver": "exact", "classes": "a family's own algorithm, where it has one"})
    print("\n".join(table_lines(rows, width())))
    ways = {(solver.name, solver.via) for solver in here}
    lacking: dict[tuple[str, str], list[str]] = {}
    for solver in all_solvers():
        if not solver.commercial and (solver.name, solver.via) not in ways:
            lacking.setdefault((solver.name, solver.via), []).append(solver.install)
    missing = [
        {"missing": name, "through": via, "how to get it": " or ".join(dict.fromkeys(how))}
        for (name, via), how in lacking.items()
    ]
    if missing:
        print("\n" + "\n".join(table_lines(missing, width())))
    licensed = sorted({s.name for s in all_solvers() if s.commercial} - {s.name for s in here})
    if licensed:
        print(f"\n  With a licence of your own also: {', '.join(licensed)}.")
    return 0


def schema(options: argparse.Namespace) -> int:
    """Print the JSON Schema of case files, for editors."""
    import json

    from optimodels.case.json_schema import case_schema

    print(json.dumps(case_schema(), indent=1, sort_keys=True))
    return 0
