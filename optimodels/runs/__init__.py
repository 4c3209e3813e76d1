"""Many runs of one case: a sweep over its keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from optimodels.case import Case
from optimodels.errors import CallError, OptimodelsError
from optimodels.result import Result, Row
from optimodels.study import solve

#: A larger grid is a slip of the pen more often than a plan.
MOST_RUNS = 1_000_000


@dataclass(frozen=True)
class Run:
    """One combination of a sweep: its ``keys`` with values, and the result or why there is none."""

    keys: dict[str, Any]
    result: Result | None = None
    error: str = ""


def expand(case: Case) -> Iterator[dict[str, Any]]:
    """Return every combination of a case's sweep, the last key changing fastest."""
    if case.file.sweep is None:
        raise CallError(f"{case.source.file}: the case has no sweep; use: optimodels solve")
    grid = case.file.sweep.grid
    size = 1
    for values in grid.values():
        size *= len(values)
    if size > MOST_RUNS:
        raise CallError(f"{case.source.file}: sweep: {size} runs; at most {MOST_RUNS}")
    for combination in product(*grid.values()):
        yield dict(zip(grid, combination, strict=True))


def sweep(case: Case, progress: Callable[[int, int], None] | None = None) -> list[Run]:
    """Solve every combination of a case's sweep, in order; a failed run keeps its reason.

    Solvers run in processes of their own, so that none of them can end the sweep.
    """
    combinations = list(expand(case))
    runs = []
    for number, keys in enumerate(combinations):
        if progress is not None:
            progress(number, len(combinations))
        settings = [f"{key}={json.dumps(value)}" for key, value in keys.items()]
        try:
            runs.append(Run(keys, result=solve(case.changed(settings), isolate=True)))
        except OptimodelsError as error:
            runs.append(Run(keys, error=str(error)))
    return runs


def sweep_table(runs: list[Run]) -> list[Row]:
    """Return a row per run: its keys, objective, how it stopped, the verdict, its values."""
    rows = []
    for run in runs:
        row: Row = {key.removeprefix("parameters."): value for key, value in run.keys.items()}
        if run.result is None:
            rows.append({**row, "stopped": "error", "verdict": "-", "message": run.error})
            continue
        result = run.result
        row |= {
            "objective": result.objective,
            "stopped": result.stopped,
            "verdict": result.verdict.mark,
        }
        rows.append({**row, **result.values, "message": result.message})
    return rows
