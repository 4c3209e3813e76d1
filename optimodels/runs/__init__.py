"""Many runs of one case: a sweep over its keys, kept in a store, done by workers."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from optimodels.case import Case
from optimodels.case.expansion import expand
from optimodels.errors import CallError, RunError
from optimodels.result import MARKS, Row
from optimodels.runs.key import Keys
from optimodels.runs.pool import Pool, WorkerDiedError, cluster_pool, local_pool, results
from optimodels.runs.record import packed
from optimodels.runs.store import Index, Store
from optimodels.runs.work import failure, prepare_worker, run_one

__all__ = ["Progress", "Store", "Sweep", "sweep"]

#: Called with how many of the missing runs are done, and how many are missing.
Progress = Callable[[int, int], None]
Again = Literal["", "failed", "all"]


#: No value of a case.
_NONE = object()


@dataclass(frozen=True)
class Sweep:
    """A sweep that has been run: its runs in order, and how many of them were there before."""

    index: Index
    summaries: Mapping[str, Mapping[str, Any]]
    known: int
    damaged: tuple[str, ...]

    @property
    def rows(self) -> list[Row]:
        """A row per run: its keys, objective, how it stopped, the verdict, its values."""
        return list(summary_rows(self.index, self.summaries))

    @property
    def errors(self) -> list[str]:
        """Why runs have no result, each reason once, with how often."""
        said = [s["error"] or s["message"] for s in self._own if _failed(s)]
        return [f"{said.count(reason)} x {reason}" for reason in dict.fromkeys(said)]

    @property
    def failed(self) -> int:
        """How many runs have no answer."""
        return sum(map(_failed, self._own))

    @property
    def refuted(self) -> int:
        """How many runs' answers were refuted."""
        return sum(not s["error"] and s["verdict"]["status"] == "refuted" for s in self._own)

    @property
    def exit_codes(self) -> list[int]:
        """The runs' exit codes; an infeasible or unbounded run has an answer, that is 0."""
        return [0 if s["exit_code"] == 3 else s["exit_code"] for s in self._own]

    @property
    def headline(self) -> str:
        """The column that tells the runs: the objective, or the first value of what computes."""
        return headline(self.index, self._own)

    @property
    def _own(self) -> list[Mapping[str, Any]]:
        return [self.summaries[key] for key in self.index.keys if key in self.summaries]


def sweep(
    case: Case,
    folder: str | Path,
    *,
    workers: int = 1,
    cluster: str | None = None,
    again: Again = "",
    confirmed: bool = False,
    progress: Progress | None = None,
) -> Sweep:
    """Solve every run of a case's sweep that the store in ``folder`` does not have yet.

    ``workers`` local processes do it, or those of the dask cluster at the address ``cluster``,
    which must see the case's files under the same paths. A failed run is a row with its reason.
    ``again`` repeats "failed" runs or "all". Raises CallError where the case has no sweep, or
    one of more than a million runs that is not ``confirmed``; RunError where no worker is left:
    what was done by then is kept.
    """
    if workers < 1:
        raise CallError(f"workers must be at least 1, not {workers}")
    runs = list(expand(case, confirmed=confirmed))
    store = Store(Path(folder))
    keys = Keys(case)
    sweep_keys = case.file.sweep.keys if case.file.sweep else []
    columns = [*dict.fromkeys([*sweep_keys, *runs[0]])]
    index = Index(
        case.name,
        case.model.name,
        columns,
        [keys.key(values) for values in runs],
        [[values.get(column) for column in columns] for values in runs],
        keys.key({}),
        case.asked(),
    )
    store.write_index(index)
    done = store.keys() if again != "all" else set()
    if again == "failed" and done:
        found = store.summaries(index.keys)
        done -= {key for key, summary in found.items() if _failed(summary)}
    # Damaged files are found, set aside and done again.
    readable = store.summaries(done & set(index.keys))
    waiting = {
        key: values for key, values in zip(index.keys, runs, strict=True) if key not in readable
    }
    # Two runs of one content are one.
    known = len(set(index.keys)) - len(waiting)
    summaries = readable
    if waiting:
        _work(case, store, keys, waiting, workers, cluster, progress)
        summaries = store.summaries(index.keys)
    return Sweep(index, summaries, known, tuple(store.damaged))


def _work(
    case: Case,
    store: Store,
    keys: Keys,
    waiting: Mapping[str, Mapping[str, Any]],
    workers: int,
    cluster: str | None,
    progress: Progress | None,
) -> None:
    """Do the runs that wait; raises RunError where a file changes that their keys rest on."""
    # Pickled once, not once for every run.
    single = pickle.dumps(case.alone())
    tasks = ((single, values, key) for key, values in waiting.items())
    opened = (
        cluster_pool(cluster) if cluster is not None else local_pool(workers, prepare_worker, 1)
    )
    with opened as pool:
        for done, (key, file, summary) in enumerate(_files(case, pool, tasks), start=1):
            if changed := keys.changed():
                raise RunError(
                    f"{case.folder / changed} has changed since the sweep began; what was done "
                    "before is kept, and the same command begins anew with the file as it is"
                )
            store.write(key, file, summary)
            if progress is not None:
                progress(done, len(waiting))


def _files(
    case: Case, pool: Pool, tasks: Iterator[tuple[Any, ...]]
) -> Iterator[tuple[str, bytes, str]]:
    for (_, _, key), came in results(pool, run_one, tasks):
        if isinstance(came, WorkerDiedError):
            came = packed(failure(case, key, str(came)))
        yield key, *came


def _failed(summary: Mapping[str, Any]) -> bool:
    return bool(summary["error"]) or summary["stopped"] == "error"


def headline(index: Index, summaries: Iterable[Mapping[str, Any]]) -> str:
    """Return what runs are told by: the objective, or the first number of models without any that
    the sweep does not set."""
    answered = [summary for summary in summaries if not summary["error"]]
    if answered and all(summary["objective"] is None for summary in answered):
        for name in answered[0]["values"]:
            known = name in _short(index)
            if not known and all(_is_number(s["values"].get(name)) for s in answered):
                return str(name)
    return "objective"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _short(index: Index) -> list[str]:
    return [column.removeprefix("parameters.") for column in index.columns]


def _told(values: Mapping[str, Any], keys: Row) -> dict[str, Any]:
    """A run's values; one that is called as a key is stands beside it, where it is another."""
    apart = {name: value for name, value in values.items() if keys.get(name, _NONE) != value}
    return {f"{name} (value)" if name in keys else name: v for name, v in apart.items()}


def summary_rows(index: Index, summaries: Mapping[str, Mapping[str, Any]]) -> Iterator[Row]:
    """Return the rows of a sweep's table."""
    for key, values in zip(index.keys, index.values, strict=True):
        row: Row = dict(zip(_short(index), values, strict=True))
        summary = summaries.get(key)
        if summary is None:
            yield {**row, "stopped": "not run", "verdict": "-"}
        elif summary["error"]:
            yield {**row, "stopped": "error", "verdict": "-", "message": summary["error"]}
        else:
            yield {
                **row,
                "objective": summary["objective"],
                "stopped": summary["stopped"],
                "verdict": MARKS[summary["verdict"]["status"]],
                **_told(summary["values"], row),
                "message": summary["message"],
            }
