"""Whole sweeps: what fails is a row, nothing is lost, and what is done is not done again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from optimodels.case import load_case
from optimodels.cli import main
from optimodels.errors import RunError
from optimodels.runs import Store, sweep
from optimodels.runs.record import pack, unpack
from tests.campaigns.faults import contents
from tests.unit.sweeps import CASES, HEAD, SMALL, case_of


def test_failed_run_is_a_row_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = case_of(SMALL, tmp_path)
    done = sweep(case, tmp_path / "out")
    # 60 aggregators for 32 buses is a mistake; 5 without slack is infeasible, an answer.
    assert [row["stopped"] for row in done.rows] == [
        "optimal", "infeasible", "error", "optimal", "optimal", "error"
    ]  # fmt: skip
    assert "60 aggregators for 32 load buses" in done.rows[2]["message"]
    assert done.failed == 2
    assert sweep(case, tmp_path / "out").known == 6
    assert sweep(case, tmp_path / "out", again="failed").known == 4
    assert sweep(case, tmp_path / "out", again="all").known == 0
    path = str(tmp_path / "case.yaml")
    assert main(["sweep", path, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].endswith("6 runs, 6 of them there before, 2 failed, 0 refuted")
    assert "2 x " in said.err
    assert "60 aggregators for 32 load buses" in said.err
    fewer = ["--set", "sweep={grid: {parameters.slack: [0, 0.5], parameters.aggregators: [2, 5]}}"]
    assert main(["sweep", path, *fewer, "--out", str(tmp_path / "out")]) == 0
    assert "4 runs, 4 of them there before, 0 failed" in capsys.readouterr().out.splitlines()[-1]


def test_solver_that_broke_is_a_failed_run_and_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its result says so: an error is not only what has no result."""
    case = case_of(HEAD + "solver: exact\nsweep: {grid: {parameters.aggregators: [2, 3]}}\n",
                   tmp_path)  # fmt: skip
    whole = sweep(case, tmp_path / "out")
    key = whole.index.keys[0]
    store = Store(tmp_path / "out")
    record = store.read(key)
    assert record is not None
    assert record.result is not None
    broke = {**record.result, "stopped": "error", "objective": None, "message": "it gave up"}
    store.write(key, pack(replace(record, result=broke, exit_code=5)))
    found = sweep(case, tmp_path / "out")
    assert (found.known, found.failed, found.errors) == (2, 1, ["1 x it gave up"])
    assert sweep(case, tmp_path / "out", again="failed").known == 1
    assert sweep(case, tmp_path / "out").rows == whole.rows


def test_two_sweeps_of_one_case_at_once(tmp_path: Path) -> None:
    """Into one folder, from the same moment on: both end, nothing is lost, doubled or damaged."""
    grid = "{parameters.slack: [0, 0.1, 0.2], parameters.aggregators: [2, 3, 4, 5, 60]}"
    case = case_of(HEAD + f"solver: exact\nsweep: {{grid: {grid}}}\n", tmp_path)
    whole = sweep(case, tmp_path / "whole")
    words = ["sweep", str(tmp_path / "case.yaml"), "--workers", "2", "--out", str(tmp_path / "out")]
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "optimodels", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        for _ in range(2)
    ]  # fmt: skip
    told = [one.communicate(timeout=300) for one in both]
    assert [one.returncode for one in both] == [2, 2]
    for out, err in told:
        assert ": 15 runs, " in out.splitlines()[-1]
        assert ", 3 failed, 0 refuted" in out.splitlines()[-1]
        assert "Traceback" not in err
        assert "set aside" not in err
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    kept = sweep(case, tmp_path / "out")
    assert (kept.known, kept.damaged, kept.rows) == (15, (), whole.rows)


def _of_group(process: psutil.Process, group: int) -> bool:
    try:
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and os.getpgid(process.pid) == group
    except (psutil.Error, ProcessLookupError):
        return False


def test_interrupted_sweep_says_what_is_kept_and_goes_on(tmp_path: Path) -> None:
    grid = "{parameters.slack: [0, 0.1, 0.2, 0.3], parameters.aggregators: [2, 3, 4, 5, 6, 7, 8]}"
    case = case_of(HEAD + f"solver: pyomo:highs\nsweep: {{grid: {grid}}}\n", tmp_path)
    out = tmp_path / "out"
    running = subprocess.Popen(
        [sys.executable, "-m", "optimodels", "sweep", str(tmp_path / "case.yaml"), "--workers",
         "2", "--out", str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    while running.poll() is None and len(list(out.glob("runs/*/*.run"))) < 3:
        time.sleep(0.05)
    # As a terminal does it: to the sweep and to its workers.
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 130
    assert err == f"runs that were done are in {out}; the same command goes on\ninterrupted\n"
    # The server that starts workers sees by a closed pipe that it is alone.
    for _ in range(200):
        left = [one for one in psutil.process_iter() if _of_group(one, running.pid)]
        if not left:
            break
        time.sleep(0.05)
    assert not left
    there = len(contents(out))
    assert 3 <= there < 28
    assert not list(out.rglob(".*"))
    done = sweep(case, out)
    assert (done.known, len(done.rows), done.failed, done.damaged) == (there, 28, 0, ())


def test_one_worker_and_two_give_the_same_bytes(tmp_path: Path) -> None:
    case = load_case(CASES / "mapping-surface-33bus.yaml",
                     ["sweep={grid: {parameters.aggregators: [2, 3, 5, 7], parameters.slack: [0, 0.2]}}"])  # noqa: E501  # fmt: skip
    for workers in (1, 2):
        sweep(case, tmp_path / str(workers), workers=workers)
    one, two = contents(tmp_path / "1"), contents(tmp_path / "2")
    assert len(one) == 8
    assert one == two


KILLED = """
import sys
from optimodels.case import load_case
from optimodels.runs import sweep
if __name__ == "__main__":
    print("begin", flush=True)
    sweep(load_case(sys.argv[1]), sys.argv[2], workers=2)
"""


def test_killed_at_random_moments_nothing_is_lost_or_damaged(tmp_path: Path) -> None:
    """kill -9 on the whole group of a parallel sweep, again and again, then once to the end."""
    grid = "{parameters.slack: [0, 0.1, 0.2, 0.3], parameters.aggregators: [2, 3, 4, 5, 6, 7, 8]}"
    case = case_of(HEAD + f"solver: exact\nsweep: {{grid: {grid}}}\n", tmp_path)
    script = tmp_path / "script.py"
    script.write_text(KILLED)
    whole = sweep(case, tmp_path / "whole", workers=2)
    rng = np.random.default_rng(5)
    killed, amid = tmp_path / "killed", 0

    def there() -> list[Path]:
        return list(killed.glob("runs/*/*.run"))

    # Once before the first run, then after so many more each time.
    for new in (0, 1, 3, 5, 7):
        most = len(there()) + new
        working = subprocess.Popen(
            [sys.executable, str(script), str(tmp_path / "case.yaml"), str(killed)],
            stdout=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        assert working.stdout is not None
        working.stdout.readline()
        while working.poll() is None and len(there()) < most:
            time.sleep(0.002)
        time.sleep(float(rng.uniform(0.0, 0.02)))
        went_on = working.poll() is None
        with suppress(ProcessLookupError):
            os.killpg(working.pid, signal.SIGKILL)
        working.wait()
        amid += went_on and most - new < len(there()) < len(whole.rows)
        for path in there():
            unpack(path.read_bytes())
    # Or nothing was cut off.
    assert amid
    resumed = sweep(case, killed, workers=2)
    assert not resumed.damaged
    assert resumed.rows == whole.rows
    assert contents(killed) == contents(tmp_path / "whole")


def test_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_of(SMALL, tmp_path)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    store = Store(tmp_path / "out")
    monkeypatch.setattr("optimodels.files.os.replace", full)
    with pytest.raises(RunError, match="the disk is full"):
        store.write("abc", b"content")
    assert not list((tmp_path / "out" / "runs").rglob("*.run"))
    assert not list((tmp_path / "out" / "runs").rglob(".*"))
    del case


def test_progress_is_told_of_missing_runs_only(tmp_path: Path) -> None:
    case = case_of(SMALL, tmp_path)
    told: list[tuple[int, int]] = []
    sweep(case, tmp_path / "out", progress=lambda done, of: told.append((done, of)))
    assert told == [(k + 1, 6) for k in range(6)]
    told.clear()
    sweep(case, tmp_path / "out", progress=lambda done, of: told.append((done, of)))
    assert not told


@pytest.mark.parametrize(
    "model", ["aggregator-mapping", "self-sustainability", "spin-assignment", "shiftable-loads"]
)
def test_sweep_of_one_run_draws_what_needs_no_network(model: str, tmp_path: Path) -> None:
    """Stored runs hold no network: maps are left out, and nothing breaks."""
    (tmp_path / "case.yaml").write_text(
        f"model: flexibility/{model}\nsolver: exact\nsweep: {{grid: {{parameters."
        "kilowatts_per_customer: [13]}}\n"
    )
    assert main(["sweep", str(tmp_path / "case.yaml"), "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "case.csv").exists()
