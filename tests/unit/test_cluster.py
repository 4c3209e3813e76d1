"""Sweeps on a dask cluster on loopback: the same bytes, and a killed worker costs nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from optimodels.case import load_case
from optimodels.cli import main
from optimodels.errors import CallError, RunError
from optimodels.runs import sweep
from tests.unit.test_runs import contents

CASE = Path(__file__).parents[2] / "cases" / "flexibility" / "mapping-surface-33bus.yaml"
GRID = "sweep={grid: {parameters.aggregators: [2, 3, 4, 5], parameters.slack: [0, 0.1, 0.2, 0.3]}}"
SERVED = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, processes=True,
                           dashboard_address=None, host="127.0.0.1",
                           local_directory=sys.argv[1])
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()
    cluster.close()
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, Any]]:
    script = tmp_path / "served.py"
    script.write_text(SERVED)
    serving = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "dask")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert serving.stdout is not None
    assert serving.stdin is not None
    address = serving.stdout.readline().strip()
    yield address, serving
    serving.stdin.close()
    try:
        serving.wait(20)
    except subprocess.TimeoutExpired:
        serving.kill()


def test_cluster_gives_the_bytes_of_one_worker(cluster: tuple[str, Any], tmp_path: Path) -> None:
    case = load_case(CASE, [GRID])
    sweep(case, tmp_path / "one")
    done = sweep(case, tmp_path / "cluster", cluster=cluster[0])
    assert done.failed == 0
    assert len(contents(tmp_path / "one")) == 16
    assert contents(tmp_path / "cluster") == contents(tmp_path / "one")


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
