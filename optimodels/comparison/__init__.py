"""Stored runs side by side: wide tables by key, statistics over the rest, paper beside ours."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimodels.errors import CallError, suggestion
from optimodels.result import MARKS, Row
from optimodels.runs import headline
from optimodels.runs.store import Index, Store

if TYPE_CHECKING:
    import pandas

#: What a cell of several runs says of them.
STATISTICS = ("mean", "median", "spread", "interval", "count")
_SEED = "seed"
#: Characters of a key's value that stand in a table.
_LABEL = 18
_CONFIDENCE = 0.95
#: Reasons of failures that stand below a table; ``optimodels sweep`` has them all.
_MOST_REASONS = 3
#: What a table beside the paper says of a figure.
_PRINTED = ("figure", "paper", "ours", "difference", "word")
#: From the weakest verdict to the strongest.
_STRENGTH = ("refuted", "unverified", "verified")


@dataclass(frozen=True)
class Table:
    """A titled table; ``note`` says what its cells hold.

    ``numbers`` are the rows for who computes with them, where ``rows`` put several into one cell:
    each number, verdict and reason in a column of its own. ``meanings`` says of columns
    what they are, in which unit.
    """

    title: str
    rows: list[Row]
    note: str = ""
    numbers: list[Row] | None = None
    meanings: Mapping[str, str] = field(default_factory=dict)

    @property
    def frame(self) -> pandas.DataFrame:
        """The rows as a DataFrame, numbers as numbers."""
        import pandas

        return pandas.DataFrame(self.rows if self.numbers is None else self.numbers)


@dataclass(frozen=True)
class Choice:
    """What a table shows: keys for its rows and columns, the value, the statistic over the rest.

    Keys are named without "parameters."; None takes the sweep's last key that is not in the rows
    for the columns, and all others but the seed for the rows. Without a value it is the objective,
    or the first number of models that have none.
    """

    rows: Sequence[str] | None = None
    columns: Sequence[str] | None = None
    value: str = ""
    statistic: str = "interval"
    times: bool = False


def compare(
    folders: str | Path | Sequence[str | Path], choice: Choice | None = None
) -> list[Table]:
    """Return the tables of every sweep in the stores, in a stable order.

    Cells carry the mark of the weakest verdict among their runs (✓ verified, ? unverified,
    ✗ refuted), or why there is no value. Raises CallError where a folder is no store or a key or a
    value is not there.
    """
    chosen = choice or Choice()
    tables: list[Table] = []
    for folder in [folders] if isinstance(folders, (str, Path)) else folders:
        store = Store(Path(folder), create=False)
        own = [
            table
            for index in store.indexes()
            for table in tables_of(index, store.summaries(index.keys), chosen)
        ]
        if not own:
            raise CallError("; ".join([f"{str(folder)!r} holds no sweep", *store.damaged]))
        # A run whose file was set aside stands there as not run.
        last = replace(own[-1], note="; ".join([own[-1].note, *store.damaged]))
        tables += [*own[:-1], last]
    return tables


def tables_of(
    index: Index, summaries: Mapping[str, Mapping[str, Any]], choice: Choice
) -> list[Table]:
    """Return the tables of one sweep: side by side and, where there is one, beside the paper."""
    runs = list(_runs(index, summaries))
    if not choice.value:
        choice = replace(choice, value=headline(summaries.values()))
    return [_wide(index, runs, choice), *_paper(index, runs)]


@dataclass(frozen=True)
class _Run:
    keys: Mapping[str, Any]
    summary: Mapping[str, Any] | None

    def value(self, name: str) -> Any:
        if self.summary is None or self.summary["error"]:
            return None
        if name in ("objective", "bound", "gap", "stopped"):
            return self.summary[name]
        if name.startswith("seconds."):
            return self.summary["seconds"].get(name.removeprefix("seconds."))
        if name == "seconds":
            return sum(self.summary["seconds"].values())
        return self.summary["values"].get(name)

    @property
    def state(self) -> str:
        if self.summary is None:
            return "not run"
        return "error" if self.summary["error"] else str(self.summary["stopped"])

    @property
    def reason(self) -> str:
        """Why it has no answer, where it broke."""
        if self.summary is None or self.state != "error":
            return ""
        return str(self.summary["error"] or self.summary["message"])

    @property
    def verdict(self) -> str:
        answered = self.summary is not None and not self.summary["error"]
        return self.summary["verdict"]["status"] if answered and self.summary else ""


def _runs(index: Index, summaries: Mapping[str, Mapping[str, Any]]) -> Iterator[_Run]:
    names = [column.removeprefix("parameters.") for column in index.columns]
    columns = [
        _short(_shown_all(name, column))
        for name, column in zip(names, zip(*index.values, strict=True), strict=True)
    ]
    for number, key in enumerate(index.keys):
        shown = [column[number] for column in columns]
        yield _Run(dict(zip(names, shown, strict=True)), summaries.get(key))


def _shown_all(name: str, column: Sequence[Any]) -> list[Any]:
    """The values of a key; models of one family without its name."""
    families = {str(value).partition("/")[0] for value in column}
    if name == "model" and len(families) == 1:
        return [str(value).partition("/")[2] for value in column]
    return [_shown(value) for value in column]


def _short(column: Sequence[Any]) -> Sequence[Any]:
    """Cut long texts of a column where what is left still tells them apart."""
    cut = {v: f"{v[: _LABEL - 3]}..." if isinstance(v, str) and len(v) > _LABEL else v
           for v in column}  # fmt: skip
    return [cut[v] for v in column] if len(set(cut.values())) == len(cut) else column


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return " ".join(f"{key}={inner}" for key, inner in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else value


def _wide(index: Index, runs: Sequence[_Run], chosen: Choice) -> Table:
    names = [column.removeprefix("parameters.") for column in index.columns]
    free = [name for name in names if name != _SEED]
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
    cells: dict[tuple[Any, ...], dict[tuple[Any, ...], list[_Run]]] = {}
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
            name = ", ".join(f"{a}={v}" for a, v in zip(across, head, strict=True)) or chosen.value
            line[name] = cell(by_head.get(head, []), chosen)
            for what, number in _in_numbers(by_head.get(head, []), chosen, several).items():
                plain[f"{name} {what}".strip()] = number
        if chosen.times:
            runs_of_row = [run for group in by_head.values() for run in group]
            line["seconds"] = sum(run.value("seconds") or 0.0 for run in runs_of_row)
            plain["seconds"] = line["seconds"]
        table.append(line)
        numbers.append(plain)
    note = f"{chosen.value}; ✓ verified, ? unverified, ✗ refuted{_reasons(runs)}"
    if several:
        note = f"{chosen.statistic} of " + note
    return Table(f"{index.case} ({index.model})", table, note, numbers)


def _reasons(runs: Sequence[_Run]) -> str:
    """Why runs broke, each reason once, the most frequent first."""
    counts = Counter(run.reason for run in runs if run.reason).most_common()
    told = [f"; {number} x error: {reason}" for reason, number in counts[:_MOST_REASONS]]
    rest = len(counts) - len(told)
    return "".join(told) + (f"; {rest} other reasons" if rest else "")


def _check_value(index: Index, runs: Sequence[_Run], name: str) -> None:
    answered = [run.summary for run in runs if run.verdict and run.summary is not None]
    if not answered or any(run.value(name) is not None for run in runs):
        return
    known = ["objective", "bound", "gap", "stopped", "seconds", *answered[0]["values"]]
    if name not in known:
        hint = suggestion(name, known) or f"; there are {', '.join(known)}"
        raise CallError(f"{index.case}: no value {name!r}{hint}")


def cell(runs: Sequence[_Run], chosen: Choice) -> str:
    """Return the text of a cell: value or statistic with the weakest verdict's mark."""
    if not runs:
        return ""
    values = [run.value(chosen.value) for run in runs]
    numbers = _numbers(values)
    weakest = _weakest(runs)
    mark = MARKS[weakest] if weakest else ""
    missing = _missing(runs, values)
    if not numbers:
        words = list(dict.fromkeys([*(str(v) for v in values if v is not None), *missing]))
        return f"{', '.join(words)} {mark}".strip()
    text = _statistic(numbers, chosen.statistic) if len(runs) > 1 else f"{numbers[0]:.6g}"
    if missing:
        ends = ", ".join(f"{n} of {len(runs)} {state}" for state, n in missing.items())
        text += f" ({ends})"
    return f"{text} {mark}".strip()


def _in_numbers(runs: Sequence[_Run], chosen: Choice, several: bool) -> Row:
    """Return what a cell says, each part by itself: its value under "", of several runs also the
    half width of the interval or the standard deviation and how many they are; the weakest
    verdict; how runs without a value ended."""
    values = [run.value(chosen.value) for run in runs]
    numbers = _numbers(values)
    words = dict.fromkeys(str(value) for value in values if value is not None)
    # Of one number every statistic but the count is that number.
    told: Row = {"": _middle(numbers, chosen.statistic if several else "mean")}
    if words and not numbers:
        told[""] = ", ".join(words)
    if several:
        around = statistics.stdev(numbers) if len(numbers) > 1 else None
        if chosen.statistic == "spread":
            told["sd"] = around
        if chosen.statistic == "interval":
            told["half width"] = None if around is None else half_width(around, len(numbers))
        told["n"] = len(numbers)
    missing = _missing(runs, values)
    said = [state if len(runs) == 1 else f"{n} {state}" for state, n in missing.items()]
    return {**told, "verdict": _weakest(runs), "missing": ", ".join(said)}


def _missing(runs: Sequence[_Run], values: Sequence[Any]) -> Counter[str]:
    """How runs without a value ended, and how many of them did so."""
    return Counter(run.state for run, value in zip(runs, values, strict=True) if value is None)


def _weakest(runs: Sequence[_Run]) -> str:
    return min((run.verdict for run in runs if run.verdict), key=_STRENGTH.index, default="")


def _numbers(values: Sequence[Any]) -> list[float]:
    return [float(v) for v in values if isinstance(v, (int, float))]


def _middle(numbers: Sequence[float], name: str) -> float | None:
    if name == "count":
        return len(numbers)
    if not numbers:
        return None
    return statistics.median(numbers) if name == "median" else statistics.fmean(numbers)


def _statistic(numbers: Sequence[float], name: str) -> str:
    n = len(numbers)
    middle = f"{_middle(numbers, name):.6g}"
    if n == 1 or name not in ("spread", "interval"):
        return middle
    spread = statistics.stdev(numbers)
    if name == "spread":
        return f"{middle} ± {spread:.2g} (sd, n = {n})"
    return f"{middle} ± {half_width(spread, n):.2g} (95 %, n = {n})"


def half_width(spread: float, n: int) -> float:
    """Return half the confidence interval of a mean of ``n`` draws, by Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 0.5 + _CONFIDENCE / 2)) * spread / math.sqrt(n)


def _paper(index: Index, runs: Sequence[_Run]) -> list[Table]:
    """Return the paper's figures beside ours: those of the case beside the run that is the case as
    it stands, those of a printed table each in the row of its runs, whatever their seeds."""
    rows: list[Row] = []
    printed: dict[tuple[Any, ...], list[_Run]] = {}
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
            at = tuple(value for name, value in run.keys.items() if name != _SEED)
            printed.setdefault(at, []).append(run)
    title, told = f"{index.case}: beside the paper", f"source: {source}"
    tables = [Table(title, rows, told)] if rows else []
    if printed:
        tables.append(_row_by_row(f"{title}, row by row", told, list(printed.values())))
    return tables


def _row_by_row(title: str, told: str, groups: Sequence[Sequence[_Run]]) -> Table:
    """Return a row per printed row: each figure, ours, and the word; below, how many of each."""
    rows: list[Row] = []
    numbers: list[Row] = []
    words: dict[str, Counter[str]] = {}
    notes: dict[str, None] = {}
    for runs in groups:
        line: Row = {k: v for k, v in runs[0].keys.items() if len(runs) == 1 or k != _SEED}
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
        rows.append({**line, "verdict": MARKS[_weakest(runs)]})
        numbers.append({**plain, "verdict": _weakest(runs)})
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
