"""The runs of a sweep: which keys each sets, in a stable order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

from optimodels.errors import CallError

if TYPE_CHECKING:
    from optimodels.case import Case

#: A larger sweep is a slip of the pen more often than a plan; it has to be confirmed.
MOST_RUNS = 1_000_000
SEED = "parameters.seed"


def size(case: Case) -> int:
    """Return how many runs a case's sweep has; raises CallError where it has no sweep."""
    sweep = case.file.sweep
    if sweep is None:
        raise CallError(f"{case.source.file}: the case has no sweep; use: optimodels solve")
    number = len(sweep.points or [{}]) * (sweep.replicas or 1)
    number *= len(next(iter(sweep.zip.values()))) if sweep.zip else 1
    for values in (sweep.grid or {}).values():
        number *= len(values)
    return number


def expand(case: Case, *, confirmed: bool = False) -> Iterator[dict[str, Any]]:
    """Return the keys and values of every run: ``list`` changes slowest, then ``zip``, then
    ``grid`` with its last key fastest of its own, replicas fastest of all.

    Raises CallError where there are more than a million runs, unless ``confirmed``.
    """
    number = size(case)
    if number > MOST_RUNS and not confirmed:
        raise CallError(
            f"{case.source.file}: sweep: {number} runs, more than {MOST_RUNS}; only "
            "'optimodels sweep --large' takes so many"
        )
    return _runs(case)


def _runs(case: Case) -> Iterator[dict[str, Any]]:
    sweep = case.file.sweep
    assert sweep is not None
    grid, side_by_side = sweep.grid or {}, sweep.zip or {}
    steps = list(zip(*side_by_side.values(), strict=True)) or [()]
    seeds: list[dict[str, Any]] = [{}]
    if sweep.replicas is not None:
        first = case.parameters.seed
        if not isinstance(first, int):
            raise CallError(
                f"{case.source.file}: sweep.replicas: counts on from one parameters.seed, "
                "which is a list here"
            )
        seeds = [{SEED: first + k} for k in range(sweep.replicas)]
    for single in sweep.points or [{}]:
        for step in steps:
            for combination in product(*grid.values()):
                for seed in seeds:
                    yield {
                        **single,
                        **dict(zip(side_by_side, step, strict=True)),
                        **dict(zip(grid, combination, strict=True)),
                        **seed,
                    }
