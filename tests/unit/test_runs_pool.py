"""Workers: what they are handed, and what the death of one, or of all, costs."""

from __future__ import annotations

import os
import pickle
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from optimodels.case import parse_case
from optimodels.errors import RunError
from optimodels.files import write_whole
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
    assert all(unpack(came[f"k{n}"][0]).result is not None for n in (2, 4, 5, 6, 7, 8))


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


def worker(_: int) -> int:
    return os.getpid()


def for_long(begun: Path) -> None:
    write_whole(begun, str(os.getpid()))
    time.sleep(600)
    write_whole(begun.with_name("ended"), "")


def test_worker_killed_between_two_tasks_costs_none() -> None:
    with local_pool(1, prepare_worker, 1) as pool:
        first = pool.submit(worker, 0).result(60)
        os.kill(first, signal.SIGKILL)
        for _ in range(100):
            if not psutil.pid_exists(first):
                break
            time.sleep(0.05)
        assert pool.submit(worker, 1).result(60) != first


def test_death_of_the_process_that_starts_workers_costs_only_theirs(
    tmp_path: Path,
) -> None:
    with local_pool(1, prepare_worker, 1) as pool:
        first = psutil.Process(pool.submit(worker, 0).result(60))
        busy = pool.submit(for_long, tmp_path / "begun")
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
        server = first.parent()
        assert server is not None
        assert server.ppid() == os.getpid()
        server.kill()
        first.kill()
        with pytest.raises(WorkerDiedError):
            busy.result(60)
        assert pool.submit(worker, 1).result(60) != first.pid


def dies_at_seven(number: int) -> int:
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_task_that_waits_behind_a_death_is_done_at_its_first_try() -> None:
    """Quick tasks are handed out ahead: what a dead worker had not begun is another's."""
    with local_pool(1, prepare_worker, 1) as pool:
        came = dict(results(pool, dies_at_seven, iter([(k,) for k in range(30)]), attempts=1))
    assert str(came.pop((7,))) == "its worker died once: SIGKILL"
    assert came == {(k,): k for k in range(30) if k != 7}


def dies_on_its_way_up(_: int) -> None:
    os._exit(3)


def test_workers_that_never_come_up_are_no_fault_of_a_run() -> None:
    told = "no worker could be started (exit 3); what is done is kept"
    with (
        pytest.raises(RunError, match=re.escape(told)),
        local_pool(2, dies_on_its_way_up, 1) as pool,
    ):
        list(results(pool, len, iter([("a",)])))


def test_script_without_a_main_guard_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(HEAD + "sweep: {grid: {parameters.aggregators: [2, 3]}}\n")
    (tmp_path / "script.py").write_text(
        "from optimodels import load_case, sweep\nsweep(load_case('case.yaml'), 'out', workers=2)\n"
    )
    run = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert "below `if __name__ == '__main__':`" in run.stderr.splitlines()[-1]
    assert not list(tmp_path.rglob("*.run"))


def raises(text: str) -> None:
    raise ValueError(text)


def test_error_of_a_task_comes_with_where_it_was_raised() -> None:
    with local_pool(1, prepare_worker, 1) as pool:
        error = pool.submit(raises, "odd").exception(60)
    assert isinstance(error, ValueError)
    assert "in raises" in error.__notes__[0]


def test_closed_pool_leaves_no_process(tmp_path: Path) -> None:
    with local_pool(2, prepare_worker, 1) as pool:
        for number in range(8):
            pool.submit(for_long, tmp_path / f"{number}")
        while len(list(tmp_path.glob("[0-9]"))) < 2:
            time.sleep(0.01)
    # Nor does it wait for what is under way.
    assert not (tmp_path / "ended").exists()
    begun = [int(path.read_text()) for path in tmp_path.iterdir()]
    assert len(begun) == 2
    assert not any(map(psutil.pid_exists, begun))
