"""What `solve --out` left in a folder, as sections of a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from optimodels.comparison import Table
from optimodels.files import BENCHMARK_FILE, STORE_FILE
from optimodels.model import Model
from optimodels.reporting.asked import (
    again,
    facts,
    known_model,
    mathematics,
    pictures,
    question,
    reason_of,
)
from optimodels.reporting.sections import Badge, Found, Section
from optimodels.reporting.text import columns_of, number
from optimodels.result import Check, Result, Row

#: Files of other kinds of work, which have readers of their own.
_OTHERS = {STORE_FILE, BENCHMARK_FILE}


def solved(folder: Path) -> Found:
    """Return a section per result file in the folder; what is no result is named."""
    from pydantic import TypeAdapter, ValidationError

    reader = TypeAdapter(Result)
    results, left_out = {}, []
    for path in sorted(folder.glob("*.json")):
        if path.name in _OTHERS:
            continue
        try:
            results[path.stem] = reader.validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            left_out.append(f"{path.name}: holds no result: {reason_of(error)}")
    sections = [_section(result, folder, stem, left_out) for stem, result in results.items()]
    return Found(sections, left_out)


def _section(result: Result, folder: Path, stem: str, left_out: list[str]) -> Section:
    model = known_model(result.model)
    tables = {
        name: Table(_title(name), rows, meanings=_meanings(model, columns_of(rows), name))
        for name, rows in result.tables.items()
        if rows
    }
    # Pictures beside a result without a point are of another time.
    drawn = pictures(folder, stem, model, tables, left_out, of_sweep=False) if tables else []
    parts = [
        question(result.model, result.asked),
        mathematics(result.model, result.asked),
        _answer(result, model),
        Section("Tables", tables=list(tables.values())) if tables else None,
        Section("Pictures", pictures=drawn) if drawn else None,
        checks(result),
        environment(result),
        again("solve", result.asked, folder),
    ]
    return Section(
        result.case,
        headline="; ".join(filter(None, (result.model, _objective(result)))),
        badges=[Badge(result.verdict.status, result.verdict.text)],
        parts=[part for part in parts if part is not None],
    )


def _answer(result: Result, model: Model | None) -> Section:
    used = result.solver
    by = f"Solved by {used.name} {used.version} through {used.via}".rstrip()
    text = [f"{_objective(result)[:1].upper()}{_objective(result)[1:]}. {by}; {result.stopped}."]
    if result.bound is not None:
        gap = f", gap {number(result.gap)}" if result.gap is not None else ""
        text.append(f"Bound {number(result.bound)} {result.objective_unit}".rstrip() + f"{gap}.")
    text += [line for line in (result.message, *(f"Note: {note}" for note in result.notes)) if line]
    tables = []
    if result.values:
        told = _meanings(model, result.values)
        values = facts("Values", result.values, ("name", "value")).rows
        tables.append(
            Table("Values", [{**row, "what it is": told.get(row["name"], "")} for row in values])
        )
    if result.paper:
        tables.append(_paper(result))
    return Section("The answer", text=text, tables=tables)


def _objective(result: Result) -> str:
    if result.objective is None:
        return f"no objective: {result.stopped}"
    sense = {"min": " (minimised)", "max": " (maximised)"}.get(result.objective_sense, "")
    return f"objective {number(result.objective)} {result.objective_unit}".rstrip() + sense


def _paper(result: Result) -> Table:
    """The paper's figures beside ours, with the word, the difference and our verdict."""
    verdict = f"{result.verdict.mark} {result.verdict.status}"
    kept = ("figure", "paper", "ours", "difference", "word")
    rows: list[Row] = [
        {**{name: row.get(name) for name in kept}, "verdict": verdict, "note": row.get("note", "")}
        for row in result.paper
    ]
    return Table("Beside the paper", rows, f"source: {result.paper[0].get('source', '')}")


def checks(result: Result) -> Section:
    """Return the verdicts by stage and every check behind them, folded."""
    stages: list[Row] = [
        {"stage": name, **{key: _shown(value) for key, value in stage.items()}}
        for name, stage in result.stages.items()
    ]
    tables = [Table("Stages", stages)] if stages else []
    if result.verdict.checks:
        rows = [_check(check) for check in result.verdict.checks]
        tables.append(Table("Checks", rows, "a check passes where its value is within the limit"))
    return Section("How it was checked", tables=tables, folded=True)


def _check(check: Check) -> Row:
    word = "✓ passed" if check.passed else "✗ failed"
    return {
        "check": check.name,
        "value": check.value,
        "tolerance": check.tolerance,
        "outcome": word,
    }


def environment(result: Result) -> Section:
    """Return versions, machine and seconds, folded."""
    seconds = facts("Seconds", result.seconds, ("station", "seconds"))
    versions = facts("Environment", result.environment, ("name", "version"))
    options = facts("Solver's options", result.solver.options, ("option", "value"))
    kept = [table for table in (versions, options, seconds) if table.rows]
    text = [f"Fingerprint of case, data and formulation: {result.fingerprint}."]
    return Section("Environment and times", text=text, tables=kept, folded=True)


def _meanings(model: Model | None, names: Iterable[str], table: str = "") -> dict[str, str]:
    """What values, or columns of a table, are, where their model is known here."""
    return {name: model.meaning(name, table) for name in names} if model else {}


def _title(name: str) -> str:
    return name[:1].upper() + name[1:].replace("_", " ")


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return ", ".join(f"{number(inner)} {key.replace('_', ' ')}" for key, inner in value.items()
                         if inner)  # fmt: skip
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
