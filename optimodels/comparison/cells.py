"""One cell of a table: the statistic of its runs, their weakest verdict, who is missing."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from optimodels.comparison.stored import StoredRun
from optimodels.comparison.table import Choice
from optimodels.result import MARKS, STRENGTH, Row

_CONFIDENCE = 0.95


def cell(runs: Sequence[StoredRun], chosen: Choice) -> str:
    """Return the text of a cell: value or statistic with the weakest verdict's mark."""
    if not runs:
        return ""
    values = [run.value(chosen.value) for run in runs]
    numbers = _numbers(values)
    weakest = weakest_status(runs)
    mark = MARKS[weakest] if weakest else ""
    missing = _missing(runs, values)
    if not numbers:
        words = list(dict.fromkeys([*(str(v) for v in values if v is not None), *missing]))
        return f"{', '.join(words)} {mark}".strip()
    text = _statistic(numbers, chosen.statistic)
    if missing:
        ends = ", ".join(f"{n} of {len(runs)} {state}" for state, n in missing.items())
        text += f" ({ends})"
    return f"{text} {mark}".strip()


def in_numbers(runs: Sequence[StoredRun], chosen: Choice, several: bool) -> Row:
    """Return what a cell says, each part by itself: its value under "", of several runs also the
    half width of the interval or the standard deviation and how many they are; the weakest
    verdict; how runs without a value ended."""
    values = [run.value(chosen.value) for run in runs]
    numbers = _numbers(values)
    words = dict.fromkeys(str(value) for value in values if value is not None)
    told: Row = {"": _middle(numbers, chosen.statistic)}
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
    return {**told, "verdict": weakest_status(runs), "missing": ", ".join(said)}


def _missing(runs: Sequence[StoredRun], values: Sequence[Any]) -> Counter[str]:
    """How runs without a value ended, and how many of them did so."""
    return Counter(run.state for run, value in zip(runs, values, strict=True) if value is None)


def weakest_status(runs: Sequence[StoredRun]) -> str:
    return min((run.verdict for run in runs if run.verdict), key=STRENGTH.index, default="")


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
