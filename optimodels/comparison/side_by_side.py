"""The runs of a sweep side by side: a wide table by the keys that the user names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from optimodels.comparison.cells import cell, in_numbers
from optimodels.comparison.stored import SEED, StoredRun
from optimodels.comparison.table import Choice, Table
from optimodels.errors import CallError, OptimodelsError, suggestion
from optimodels.families import find_model
from optimodels.result import Row
from optimodels.runs.store import Index

#: Reasons of failures that stand below a table; ``optimodels sweep`` has them all.
_MOST_REASONS = 3


def side_by_side(index: Index, runs: Sequence[StoredRun], chosen: Choice) -> Table:
    names = [column.removeprefix("parameters.") for column in index.columns]
    free = [name for name in names if name != SEED]
    if chosen.columns is not None:
        across = list(chosen.columns)
    else:
        # A key that the rows have says nothing more in the columns.
        left = [name for name in free if name not in (chosen.rows or ())]
        across = left[-1:] if len(free) > 1 else []
    down = list(chosen.rows) if chosen.rows is not None else [n for n in free if n not in across]
    for name in (*across, *down):
        if name not in names:
            hint = suggestion(name, names) or f"; its keys are {', '.join(names)}"
            raise CallError(f"{index.case}: no key {name!r}{hint}")
    _check_value(index, runs, chosen.value)
    # A value may be called as a key is that the sweep sets.
    plain_name = chosen.value if chosen.value not in down else f"{chosen.value} (value)"
    cells: dict[tuple[Any, ...], dict[tuple[Any, ...], list[StoredRun]]] = {}
    heads: dict[tuple[Any, ...], None] = {}
    for run in runs:
        row = tuple(run.keys[name] for name in down)
        head = tuple(run.keys[name] for name in across)
        heads[head] = None
        cells.setdefault(row, {}).setdefault(head, []).append(run)
    several = max((len(g) for by in cells.values() for g in by.values()), default=0) > 1
    table: list[Row] = []
    numbers: list[Row] = []
    for row, by_head in cells.items():
        line: Row = dict(zip(down, row, strict=True))
        plain = dict(line)
        for head in heads:
            name = ", ".join(f"{a}={v}" for a, v in zip(across, head, strict=True)) or plain_name
            line[name] = cell(by_head.get(head, []), chosen)
            for what, number in in_numbers(by_head.get(head, []), chosen, several).items():
                plain[f"{name} {what}".strip()] = number
        if chosen.times:
            runs_of_row = [run for group in by_head.values() for run in group]
            line["seconds"] = sum(run.value("seconds") or 0.0 for run in runs_of_row)
            plain["seconds"] = line["seconds"]
        table.append(line)
        numbers.append(plain)
    note = f"{_told(runs, chosen.value)}; ✓ verified, ? unverified, ✗ refuted{_reasons(runs)}"
    # Of one number every other statistic is that number.
    if several or chosen.statistic == "count":
        over = [name for name in names if name not in (*down, *across)]
        note = " ".join([chosen.statistic, *filter(None, [_over(runs, over)]), "of", note])
    return Table(f"{index.case} ({index.model})", table, note, numbers)


def _over(runs: Sequence[StoredRun], names: Sequence[str]) -> str:
    """The keys whose values share a cell: draws as a seed's, or others that were put together."""
    shared = [name for name in names if len({repr(run.keys[name]) for run in runs}) > 1]
    return f"over {', '.join(shared)}" if shared else ""


def _told(runs: Sequence[StoredRun], name: str) -> str:
    """A value's name with its unit, or with what its model says that it is."""
    for summary in (run.summary for run in runs if run.verdict and run.summary is not None):
        if name in ("objective", "bound"):
            return ", ".join(filter(None, [name, summary.get("objective_unit", "")]))
        # A family of a package that is gone has nothing to say.
        with suppress(OptimodelsError):
            return ": ".join(filter(None, [name, find_model(summary["model"]).meaning(name)]))
    return name


def _reasons(runs: Sequence[StoredRun]) -> str:
    """Why runs broke, each reason once, the most frequent first."""
    counts = Counter(run.reason for run in runs if run.reason).most_common()
    told = [f"; {number} x error: {reason}" for reason, number in counts[:_MOST_REASONS]]
    rest = len(counts) - len(told)
    other = f"; {rest} other reason{'s' if rest > 1 else ''}" if rest else ""
    return "".join(told) + other


def _check_value(index: Index, runs: Sequence[StoredRun], name: str) -> None:
    answered = [run.summary for run in runs if run.verdict and run.summary is not None]
    if not answered or any(run.value(name) is not None for run in runs):
        return
    known = ["objective", "bound", "gap", "stopped", "seconds", *answered[0]["values"]]
    if name not in known:
        hint = suggestion(name, known) or f"; there are {', '.join(known)}"
        raise CallError(f"{index.case}: no value {name!r}{hint}")
