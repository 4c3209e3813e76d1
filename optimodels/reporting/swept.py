"""The sweeps of a store, as sections of a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from optimodels.comparison import Choice, Table, tables_of
from optimodels.errors import CallError
from optimodels.files import STORE_FILE, file_stem
from optimodels.reporting.asked import again, known_model, mathematics, pictures, question
from optimodels.reporting.sections import Badge, Found, Section
from optimodels.reporting.single import checks, environment
from optimodels.result import MARKS, Result, Row
from optimodels.runs import Store, summary_rows
from optimodels.runs.store import Index

_WORDS = {mark: f"{mark} {status}" for status, mark in MARKS.items()}


def swept(folder: Path) -> Found:
    """Return a section per sweep of the folder's store; damaged files are set aside and named."""
    if not (folder / STORE_FILE).exists():
        return Found()
    try:
        store = Store(folder, create=False)
    except CallError:
        return Found(left_out=["store.json: the runs are of another format"])
    indexes = store.indexes()
    left_out: list[str] = []
    sections = [_section(index, store, left_out) for index in indexes]
    # What was set aside before counts as well, unless it has been done again since.
    there = store.keys() | {file_stem(index.case) for index in indexes}
    aside = sorted(path for path in (folder / "damaged").glob("*") if path.stem not in there)
    left_out += [f"damaged/{path.name}: could not be read" for path in aside]
    return Found(sections, left_out)


def _section(index: Index, store: Store, left_out: list[str]) -> Section:
    summaries = store.summaries(index.keys)
    model = known_model(index.model)
    runs = Table("All runs", _rows(index, summaries), "in the order of the sweep")
    wide, *paper = tables_of(index, summaries, Choice(columns=_across(index)))
    beside = [replace(table, rows=[_worded(row) for row in table.rows]) for table in paper]
    drawn = pictures(
        store.folder, file_stem(index.case), model, {"": runs}, left_out, of_sweep=True
    )
    parts = [
        question(index.model, index.asked, index.columns),
        mathematics(index.model, index.asked),
        Section("Side by side", tables=[wide, *beside]),
        Section("Pictures", pictures=drawn) if drawn else None,
        Section("Runs", tables=[_verdicts(index, summaries), runs]),
        *_of_one_run(index, summaries, store),
        again("sweep", index.asked, store.folder),
    ]
    return Section(
        index.case,
        headline=f"{index.model}; a sweep of {len(index.keys)} runs",
        badges=_badges(index, summaries),
        parts=[part for part in parts if part is not None],
    )


def _rows(index: Index, summaries: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """A row per run, its verdict in mark and word, without columns that hold nothing."""
    rows = [_worded(row) for row in summary_rows(index, summaries)]
    held = {name for row in rows for name, value in row.items() if value not in (None, "")}
    return [{name: value for name, value in row.items() if name in held} for row in rows]


def _worded(row: Row) -> Row:
    return {**row, "verdict": _WORDS.get(row["verdict"], row["verdict"])}


def _across(index: Index) -> list[str] | None:
    """Of the keys that differ, the one of fewest values makes the narrowest table."""
    names = [column.removeprefix("parameters.") for column in index.columns]
    values = {
        name: {str(run[k]) for run in index.values}
        for k, name in enumerate(names)
        if name != "seed"
    }
    several = [name for name in values if len(values[name]) > 1]
    return (
        [min(reversed(several), key=lambda name: len(values[name]))] if len(several) > 1 else None
    )


def _badges(index: Index, summaries: Mapping[str, Mapping[str, Any]]) -> list[Badge]:
    """How many runs have which verdict; runs without an answer are named with the others."""
    known = [summaries[key] for key in index.keys if key in summaries]
    of = len(index.keys)
    number = Counter(s["verdict"]["status"] for s in known if not s["error"])
    found = [
        Badge(status, f"{number[status]} of {of} runs {status}")
        for status in MARKS
        if number[status]
    ]
    failed = sum(bool(s["error"]) for s in known)
    if failed:
        found.append(Badge("unverified", f"{failed} of {of} runs failed: no answer"))
    if len(known) < of:
        found.append(Badge("unverified", f"{of - len(known)} of {of} runs not run"))
    return found


def _verdicts(index: Index, summaries: Mapping[str, Mapping[str, Any]]) -> Table:
    """What was shown of how many runs, by what, and why not."""
    kinds: Counter[tuple[str, ...]] = Counter()
    for key in index.keys:
        summary = summaries.get(key)
        if summary is None:
            kinds["not run", "-", "-", "-", "-"] += 1
        elif summary["error"]:
            kinds["error", "-", "-", "-", summary["error"]] += 1
        else:
            verdict, used = summary["verdict"], summary["solver"]
            word = f"{MARKS[verdict['status']]} {verdict['status']}"
            by = f"{used['name']} {used['version']} ({used['via']})"
            kinds[word, verdict["by"], verdict["of"], by, verdict["reason"]] += 1
    names = ("verdict", "by", "of", "solver", "reason")
    rows: list[Row] = [
        {**dict(zip(names, kind, strict=True)), "runs": number} for kind, number in kinds.items()
    ]
    return Table("Verdicts", rows)


def _of_one_run(
    index: Index, summaries: Mapping[str, Mapping[str, Any]], store: Store
) -> list[Section]:
    """Checks and environment of the case as it stands, or of the first run with an optimum, or with
    any answer where none has one."""
    answered = [key for key in index.keys if not summaries.get(key, {"error": "not run"})["error"]]
    if not answered:
        return []
    found = [key for key in answered if summaries[key]["stopped"] == "optimal"] or answered
    key = index.own if index.own in answered else found[0]
    record = store.read(key)
    if record is None or record.result is None:
        return []
    result = Result.from_json({**record.result, "seconds": record.seconds})
    first = f"the first run that is {summaries[key]['stopped']}"
    which = "the case as it stands" if key == index.own else first
    parts = (checks(result), environment(result))
    return [replace(part, title=f"{part.title}: {which}") for part in parts]
