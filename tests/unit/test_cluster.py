"""Sweeps on a dask cluster on loopback: the same bytes, and a killed worker costs nothing."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from optimodels.case import load_case, parse_case
from optimodels.cli import main
from optimodels.errors import CallError, RunError
from optimodels.runs import Store, sweep
from optimodels.runs.pool import ATTEMPTS, WorkerDiedError, cluster_pool, results
from optimodels.runs.record import unpack
from tests.campaigns.faults import contents
from tests.unit.sweeps import kills_itself

CASES = Path(__file__).parents[2] / "cases"
CASE = CASES / "flexibility" / "mapping-surface-33bus.yaml"
GRID = "sweep={grid: {parameters.aggregators: [2, 3, 4, 5], parameters.slack: [0, 0.1, 0.2, 0.3]}}"
SERVED = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    cluster = LocalCluster(n_workers=2, threads_per_worker=int(sys.argv[2]), processes=True,
                           dashboard_address=None, host="127.0.0.1",
                           local_directory=sys.argv[1])
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()
    cluster.close()
"""


@contextmanager
def serving(folder: Path, threads: int = 1, **settings: str) -> Iterator[tuple[str, Any]]:
    folder.mkdir(exist_ok=True)
    script = folder / "served.py"
    script.write_text(SERVED)
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder / "dask"), str(threads)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **settings},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    address = process.stdout.readline().strip()
    try:
        yield address, process
    finally:
        process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, Any]]:
    with serving(tmp_path / "served") as served:
        yield served


@pytest.fixture(scope="module")
def threaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster as ``dask worker`` makes it: several threads in every worker."""
    with serving(tmp_path_factory.mktemp("served"), 3) as served:
        yield served[0]


#: A few runs of every family that sweeps, as far as it has them with what computes in each way:
#: solvers of both languages, a process of its own, many draws, products of matrices.
FAMILIES = {
    "flexibility/mapping-surface-33bus": [
        "sweep={list: [{solver: 'pyomo:highs'}, {solver: 'cvxpy:highs'}, {solver: scip}, "
        "{solver: {name: highs, time_limit: 50}}, {parameters.aggregators: 40}]}"
    ],
    "ising/field-response-surface": [
        "parameters.steps=200", "parameters.replicas=64",
        "sweep={grid: {parameters.temperature: [1.0, 2.5], parameters.field: [0.125, 1.0]}}",
    ],
    "supply/q-exponential-trend": [
        "sweep={grid: {parameters.background: [uniform, increasing], parameters.firms: [5, 20]}}"
    ],
    "coalition/table-33bus": [
        "sweep={grid: {model: [coalition/ad-hoc, coalition/self-interested, "
        "coalition/cooperative, coalition/integrated]}, replicas: 2}"
    ],
    "regulation/cost-sensitivity": [
        "sweep={grid: {parameters.needed: [ace, response], parameters.elasticity: [-0.5, -8]}}"
    ],
    "regulation/loss-of-generation": [],
    "thermodynamics/sharpness-over-n": [],
}  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
def test_one_worker_two_and_a_cluster_give_the_same_bytes(
    name: str, threaded: str, tmp_path: Path
) -> None:
    case = load_case(CASES / f"{name}.yaml", FAMILIES[name])
    one = sweep(case, tmp_path / "one")
    assert len(one.rows) >= 4
    assert len(contents(tmp_path / "one")) == len(one.rows)
    assert [line for line in one.errors if "40 aggregators" not in line] == []
    # What the workers said of their runs is what stands in the files.
    (tmp_path / "one" / "table.sqlite").unlink()
    assert Store(tmp_path / "one", create=False).summaries() == one.summaries
    sweep(case, tmp_path / "two", workers=2)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    sweep(case, tmp_path / "cluster", cluster=threaded)
    assert contents(tmp_path / "cluster") == contents(tmp_path / "one")


def test_every_family_that_sweeps_is_among_them() -> None:
    sweeping = {
        path.parent.name for path in CASES.rglob("*.yaml") if "\nsweep:" in path.read_text("utf-8")
    }
    assert sweeping == {name.partition("/")[0] for name in FAMILIES}


def test_run_that_kills_its_worker_is_a_row_of_a_cluster_too(tmp_path: Path) -> None:
    case = pickle.dumps(parse_case("model: flexibility/aggregator-mapping\nsolver: exact\n"))
    tasks: list[tuple[bytes, Mapping[str, Any], str]] = [
        (case, {"parameters.aggregators": n}, f"k{n}") for n in range(2, 9)
    ]
    # dask itself tries a task again on as many workers.
    once = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    with serving(tmp_path, **once) as (address, _), cluster_pool(address) as pool:
        came = {task[2]: out for task, out in results(pool, kills_itself, iter(tasks))}
    assert isinstance(came["k3"], WorkerDiedError)
    # The same words whenever it is run: a row is stored.
    assert (
        str(came["k3"]) == f"its worker died {ATTEMPTS} times: 2 workers of the cluster each time"
    )
    assert all(unpack(came[f"k{n}"][0]).result is not None for n in (2, 4, 5, 6, 7, 8))


def test_cluster_that_goes_away_is_one_line_and_what_is_done_is_kept(
    cluster: tuple[str, Any], tmp_path: Path
) -> None:
    case = load_case(CASE, [GRID])
    address, process = cluster

    def end(done: int, of: int) -> None:
        if done == 3:
            for one in (*psutil.Process(process.pid).children(recursive=True), process):
                one.kill()

    with pytest.raises(RunError, match="its scheduler is gone; what is done is kept"):
        sweep(case, tmp_path / "out", cluster=address, progress=end)
    assert 3 <= len(contents(tmp_path / "out")) < 16
    done = sweep(case, tmp_path / "out")
    assert (done.failed, done.known >= 3) == (0, True)


def test_scheduler_that_goes_amid_an_answer_is_one_line(
    cluster: tuple[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client does not know yet that it has gone."""
    from distributed import Future
    from distributed.comm import CommClosedError

    def lost(_: Any) -> None:
        raise CommClosedError

    monkeypatch.setattr(Future, "result", lost)
    with cluster_pool(cluster[0]) as pool:
        error = pool.submit(len, "a").exception(60)
    assert isinstance(error, RunError)
    assert "its scheduler is gone; what is done is kept" in str(error)


def test_sweep_killed_amid_a_cluster_is_taken_up(cluster: tuple[str, Any], tmp_path: Path) -> None:
    """kill -9 of who asks: the same cluster ends the sweep, to the bytes of one worker."""
    case, out = load_case(CASE, [GRID]), tmp_path / "out"
    asking = subprocess.Popen(
        [sys.executable, "-m", "optimodels", "sweep", str(CASE), "--set", GRID, "--cluster",
         cluster[0], "--out", str(out)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    while asking.poll() is None and len(list(out.glob("runs/*/*.run"))) < 3:
        time.sleep(0.02)
    asking.kill()
    asking.wait()
    there = len(contents(out))
    done = sweep(case, out, cluster=cluster[0])
    assert (done.known, done.failed, done.damaged) == (there, 0, ())
    assert there >= 3
    sweep(case, tmp_path / "one")
    assert contents(out) == contents(tmp_path / "one")


def test_workers_of_a_cluster_still_hear_who_ends_them(
    cluster: tuple[str, Any], tmp_path: Path
) -> None:
    """What a sweep sets in its own workers, it does not set in those of others."""
    from distributed import Client

    sweep(load_case(CASE, ["sweep={list: [{parameters.aggregators: 3}]}"]), tmp_path / "out",
          cluster=cluster[0])  # fmt: skip
    with Client(cluster[0], set_as_default=False) as client:
        heard = client.run(lambda: signal.getsignal(signal.SIGINT) is signal.SIG_IGN)
    assert set(heard.values()) == {False}


def test_worker_killed_in_mid_sweep_costs_nothing(cluster: tuple[str, Any], tmp_path: Path) -> None:
    case = load_case(CASE, [GRID])
    address, serving = cluster
    killed: list[int] = []

    def kill_one(done: int, of: int) -> None:
        if done == 3 and not killed:
            workers = [
                process
                for process in psutil.Process(serving.pid).children(recursive=True)
                if "spawn_main" in " ".join(process.cmdline())
            ]
            killed.append(workers[0].pid)
            os.kill(workers[0].pid, signal.SIGKILL)
            time.sleep(0.2)

    done = sweep(case, tmp_path / "cluster", cluster=address, progress=kill_one)
    assert killed
    assert (len(done.rows), done.failed) == (16, 0)
    whole = sweep(case, tmp_path / "one")
    assert done.rows == whole.rows
    assert contents(tmp_path / "cluster") == contents(tmp_path / "one")


def test_cluster_with_another_version_is_refused(
    cluster: tuple[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimodels.runs.pool.__version__", "9.9")
    with pytest.raises(RunError, match=r"has optimodels 0\.1\.0, this is 9\.9"):
        sweep(load_case(CASE, [GRID]), tmp_path / "out", cluster=cluster[0])


def test_cluster_without_workers_is_told_so(
    cluster: tuple[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distributed.Client.run", lambda *_: {})
    with pytest.raises(RunError, match=r": it has no workers$"):
        sweep(load_case(CASE, [GRID]), tmp_path / "out", cluster=cluster[0])


def of_a_family_that_is_not_here(case: bytes) -> bytes:
    raise ModuleNotFoundError("No module named 'mine'", name="mine")


def test_worker_without_a_case_s_family_is_one_line(cluster: tuple[str, Any]) -> None:
    with (
        pytest.raises(RunError, match=r"^--cluster .*: a worker lacks mine$"),
        cluster_pool(cluster[0]) as pool,
    ):
        list(results(pool, of_a_family_that_is_not_here, iter([(b"",)])))


def test_who_is_silent_at_the_address_is_nobody(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(CallError, match="nobody answers at"):
            sweep(load_case(CASE, [GRID]), tmp_path / "out", cluster=address)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "127.0.0.1:99999"])
def test_nobody_at_the_address_is_one_line(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CallError, match="nobody answers at"):
        sweep(load_case(CASE, [GRID]), tmp_path / "out", cluster=address)
    code = main(
        ["sweep", str(CASE), "--set", GRID, "--cluster", address, "--out", str(tmp_path / "o")]
    )
    said = capsys.readouterr().err
    assert code == 2
    assert "Traceback" not in said
    assert "nobody answers at" in said
