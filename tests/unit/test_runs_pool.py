"""Workers: what they are handed, and what the death of one, or of all, costs."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from optimodels import runs as runs_module
from optimodels.case import parse_case
from optimodels.errors import RunError
from optimodels.runs import sweep
from optimodels.runs.pool import ATTEMPTS, LOOKS, WorkerDiedError, local_pool, results
from optimodels.runs.record import unpack
from optimodels.runs.work import prepare_worker
from tests.unit.sweeps import HEAD, case_of, kills_itself


def test_worker_that_dies_costs_only_its_own_run() -> None:
    case = pickle.dumps(parse_case(HEAD + "solver: exact\n"))
    tasks = [(case, {"parameters.aggregators": n}, f"k{n}") for n in range(2, 9)]
    with local_pool(2, prepare_worker, 1) as pool:
        came = {task[2]: out for task, out in results(pool, kills_itself, iter(tasks))}
    assert isinstance(came["k3"], WorkerDiedError)
    assert str(came["k3"]) == f"its worker died {ATTEMPTS} times: SIGKILL"
    assert all(unpack(came[f"k{n}"]).result is not None for n in (2, 4, 5, 6, 7, 8))


def test_tasks_are_handed_out_a_few_at_a_time() -> None:
    """Memory stays flat: a million tasks are not all submitted before the first has ended."""
    pulled = 0

    def tasks() -> Any:
        nonlocal pulled
        for k in range(500):
            pulled += 1
            yield (k,)

    class Threads:
        slots = 2

        def __init__(self) -> None:
            self.threads = ThreadPoolExecutor(2)

        def submit(self, function: Any, *arguments: Any) -> Future[Any]:
            return self.threads.submit(function, *arguments)

        def has_workers(self) -> bool:
            return True

    seen = set()
    for number, (task, out) in enumerate(results(Threads(), lambda k: 2 * k, tasks())):
        assert out == 2 * task[0]
        seen.add(task[0])
        assert pulled <= number + 1 + 4 * Threads.slots
    assert seen == set(range(500))


def test_pool_that_lost_its_workers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a cluster whose workers nobody starts again; one that is starting is waited for."""
    monkeypatch.setattr("optimodels.runs.pool.PATIENCE", 0.05)

    class Deserted:
        slots = 2
        asked = 0

        def submit(self, function: Any, *arguments: Any) -> Future[Any]:
            return Future()

        def has_workers(self) -> bool:
            self.asked += 1
            return self.asked == LOOKS

    pool = Deserted()
    with pytest.raises(RunError, match="no worker is left; what is done is kept"):
        next(results(pool, len, iter([("a",), ("b",)])))
    assert pool.asked == 2 * LOOKS


def test_limit_within_a_worker_gets_a_process_of_its_own(tmp_path: Path) -> None:
    case = case_of(
        HEAD + "sweep: {list: [{solver: {name: highs, time_limit: 20, memory_limit: 8}}]}\n",
        tmp_path,
    )
    (row,) = sweep(case, tmp_path / "out").rows
    assert (row["stopped"], row["verdict"]) == ("optimal", "✓")


def test_sweep_whose_workers_all_die_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the process that starts them was killed: what is done stays done."""
    case = parse_case(HEAD + "solver: exact\nsweep: {grid: {parameters.aggregators: [2, 3, 4]}}\n")
    honest, times = runs_module._files, []

    def broken(*arguments: Any) -> Iterator[tuple[str, bytes]]:
        times.append(1)
        for number, found in enumerate(honest(*arguments)):
            if number and len(times) == 1:
                raise BrokenProcessPool("All workers expired")
            yield found

    monkeypatch.setattr(runs_module, "_files", broken)
    done = sweep(case, tmp_path)
    assert (len(times), done.failed, len(done.rows)) == (2, 0, 3)
    assert {row["verdict"] for row in done.rows} == {"✓"}


@pytest.mark.parametrize("deaths", [ATTEMPTS - 1, ATTEMPTS])
def test_workers_that_die_on_their_way_up_are_started_again(
    deaths: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = parse_case(HEAD + "solver: exact\nsweep: {grid: {parameters.aggregators: [2, 3, 4]}}\n")
    honest, times = runs_module._files, []

    def broken(*arguments: Any) -> Iterator[tuple[str, bytes]]:
        times.append(1)
        if len(times) <= deaths:
            raise BrokenProcessPool("All workers expired")
        yield from honest(*arguments)

    monkeypatch.setattr(runs_module, "_files", broken)
    if deaths < ATTEMPTS:
        assert {row["verdict"] for row in sweep(case, tmp_path).rows} == {"✓"}
    else:
        with pytest.raises(RunError, match="died before any run was done: All workers expired"):
            sweep(case, tmp_path)


def test_pool_that_breaks_down_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("Unexpected error within the Pool")

    monkeypatch.setattr("pebble.ProcessPool.schedule", broken)
    with (
        pytest.raises(RunError, match="what is done is kept, run it again to go on"),
        local_pool(1, prepare_worker, 1) as pool,
    ):
        list(results(pool, len, iter([("a",)])))
