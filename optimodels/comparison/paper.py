"""The paper's figures beside those of stored runs."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from optimodels.comparison.cells import weakest_status
from optimodels.comparison.stored import SEED, StoredRun
from optimodels.comparison.table import Table
from optimodels.result import MARKS, Row
from optimodels.runs.store import Index

#: What a table beside the paper says of a figure.
_PRINTED = ("figure", "paper", "ours", "difference", "word")


def paper_tables(index: Index, runs: Sequence[StoredRun]) -> list[Table]:
    """Return the paper's figures beside ours: those of the case beside the run that is the case as
    it stands, those of a printed table each in the row of its runs, whatever their seeds."""
    rows: list[Row] = []
    printed: dict[tuple[Any, ...], list[StoredRun]] = {}
    source = ""
    for key, run in zip(index.keys, runs, strict=True):
        if run.summary is None or run.summary["error"]:
            continue
        for figure in run.summary["paper"]:
            source = figure["source"]
            if figure["of"] != "run" and key == index.own:
                kept = {column: figure[column] for column in _PRINTED}
                mark = MARKS[run.verdict]
                rows.append({**run.keys, **kept, "verdict": mark, "note": figure["note"]})
        if any(figure["of"] == "run" for figure in run.summary["paper"]):
            at = tuple(value for name, value in run.keys.items() if name != SEED)
            printed.setdefault(at, []).append(run)
    title, told = f"{index.case}: beside the paper", f"source: {source}"
    tables = [Table(title, rows, told)] if rows else []
    if printed:
        tables.append(_row_by_row(f"{title}, row by row", told, list(printed.values())))
    return tables


def _row_by_row(title: str, told: str, groups: Sequence[Sequence[StoredRun]]) -> Table:
    """Return a row per printed row: each figure, ours, and the word; below, how many of each."""
    rows: list[Row] = []
    numbers: list[Row] = []
    words: dict[str, Counter[str]] = {}
    notes: dict[str, None] = {}
    for runs in groups:
        line: Row = {k: v for k, v in runs[0].keys.items() if len(runs) == 1 or k != SEED}
        plain = dict(line)
        figures: dict[str, list[Mapping[str, Any]]] = {}
        for run in runs:
            for figure in run.summary["paper"] if run.summary else ():
                if figure["of"] == "run":
                    figures.setdefault(figure["figure"], []).append(figure)
        for name, found in figures.items():
            ours, spread, median, word = _folded(found)
            plain |= {f"{name} printed": found[0]["paper"], f"{name} ours": ours}
            line |= {f"{name} printed": found[0]["paper"], f"{name} ours": ours}
            if median is not None:
                line |= {f"{name} ours": f"{ours:.6g} ± {spread:.2g}", f"{name} median": median}
                plain |= {f"{name} ours sd": spread, f"{name} median": median}
            line[name] = plain[name] = word
            words.setdefault(name, Counter())[word] += 1
            notes |= dict.fromkeys(f"{name}: {one['note']}" for one in found if one["note"])
        rows.append({**line, "verdict": MARKS[weakest_status(runs)]})
        numbers.append({**plain, "verdict": weakest_status(runs)})
    counts = [
        f"{name}: " + ", ".join(f"{number} {word}" for word, number in counted.most_common())
        for name, counted in words.items()
    ]
    return Table(title, rows, "; ".join([told, *counts, *notes]), numbers)


def _folded(
    found: Sequence[Mapping[str, Any]],
) -> tuple[Any, float | None, float | None, str]:
    """Our figure, spread, median and its word: of several seeds their mean, and whether the
    printed figure lies among theirs."""
    numbers = [one["ours"] for one in found if isinstance(one["ours"], (int, float))]
    said = found[0]["paper"]
    if len(found) == 1 or len(numbers) < 2 or not isinstance(said, (int, float)):
        return found[0]["ours"], None, None, _word(found[0])
    told = statistics.fmean(numbers), statistics.stdev(numbers), statistics.median(numbers)
    if all(one["word"] == "reproduced" for one in found):
        return *told, "reproduced"
    within = min(numbers) <= said <= max(numbers)
    return *told, "among the draws" if within else f"not among {len(numbers)} draws"


def _word(figure: Mapping[str, Any]) -> str:
    """The word without the reason, which stands below the table."""
    return str(figure["word"]).partition(":")[0]
