"""Sweeps: what they expand to, what is stored, and that nothing is lost."""

from __future__ import annotations

import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from optimodels import runs as runs_module
from optimodels.case import Case, load_case, parse_case
from optimodels.case.expansion import expand, size
from optimodels.cli import main
from optimodels.errors import CallError, CaseError, RunError
from optimodels.result import Result
from optimodels.runs import Store, sweep
from optimodels.runs.key import Keys
from optimodels.runs.pool import ATTEMPTS, LOOKS, WorkerDiedError, local_pool, results
from optimodels.runs.record import DamagedError, Record, pack, unpack
from optimodels.runs.work import prepare_worker, run_one
from optimodels.study import solve
from tests.campaigns.faults import contents

CASES = Path(__file__).parents[2] / "cases" / "flexibility"
HEAD = "model: flexibility/aggregator-mapping\n"
SMALL = (
    HEAD + "solver: exact\n"
    "sweep: {grid: {parameters.slack: [0, 0.5], parameters.aggregators: [2, 5, 60]}}\n"
)


def case_of(text: str, folder: Path) -> Case:
    (folder / "case.yaml").write_text(text)
    return load_case(folder / "case.yaml")


# --- what a sweep expands to


def test_list_zip_grid_and_order() -> None:
    case = parse_case(
        HEAD + "sweep:\n"
        "  list: [{parameters.cap: count}, {parameters.cap: load, network: case118}]\n"
        "  zip: {parameters.slack: [0, 1], parameters.slack_kind: [relative, absolute]}\n"
        "  grid: {parameters.aggregators: [2, 3]}\n"
    )
    runs = list(expand(case))
    assert size(case) == len(runs) == 8
    assert runs[0] == {
        "parameters.cap": "count",
        "parameters.slack": 0,
        "parameters.slack_kind": "relative",
        "parameters.aggregators": 2,
    }
    assert [run["parameters.aggregators"] for run in runs] == [2, 3] * 4
    assert [run["parameters.slack"] for run in runs] == [0, 0, 1, 1] * 2
    assert [run.get("network") for run in runs] == [None] * 4 + ["case118"] * 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sweep: {}", "must hold at least one of grid, zip, list, replicas"),
        ("sweep: {list: []}", "must hold at least one run"),
        ("sweep: {list: [{}]}", "each with at least one key"),
        ("sweep: {zip: {parameters.slack: [0], parameters.aggregators: [1, 2]}}",
         "lists of one length; parameters.slack has 1, parameters.aggregators has 2"),
        ("sweep: {list: [{parameters.slak: 1}]}", "did you mean 'slack'"),
        ("sweep: {grid: {parameters.slack: [0]}, zip: {parameters.slack: [1]}}",
         "is set by grid already"),
        ("sweep: {replicas: 3}", "has no parameters.seed"),
        ("sweep: {gird: {parameters.slack: [0]}}", "did you mean 'grid'"),
        ("sweep: {lists: []}", "did you mean 'list'"),
    ],
)  # fmt: skip
def test_mistakes_of_a_sweep(text: str, message: str) -> None:
    with pytest.raises(CaseError, match=message):
        parse_case(HEAD + text + "\n")


def test_more_than_a_million_runs_must_be_confirmed() -> None:
    values = list(range(1001))
    case = parse_case(
        HEAD + f"sweep: {{grid: {{parameters.slack: {values}, parameters.aggregators: {values}}}}}"
    )
    with pytest.raises(
        CallError, match="1002001 runs, more than 1000000; only 'optimodels sweep --large'"
    ):
        expand(case)
    assert next(expand(case, confirmed=True))["parameters.slack"] == 0


# --- keys


def test_key_is_of_content_and_of_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("price\n" + "30\n" * 24)
    text = HEAD + "profiles: {price: {csv: prices.csv, column: price}}\n"
    case = case_of(text, tmp_path)
    key = Keys(case).key({"parameters.slack": 0.5})
    assert key == Keys(case_of("# other words\n" + text, tmp_path)).key({"parameters.slack": 0.5})
    explicit = case_of(text + "parameters: {aggregators: 3, slack: 0.5}\n", tmp_path)
    default = type(case.parameters)().aggregators
    assert (key == Keys(explicit).key({})) is (default == 3)
    assert Keys(case).key({"parameters.slack": 1.0}) == Keys(case).key({"parameters.slack": 1})
    short, long = {"solver": "pyomo:highs"}, {"solver": {"name": "highs", "via": "pyomo"}}
    assert Keys(case).key(short) == Keys(case).key(long)
    # As exact as can be, and as exact as it comes, are two questions; what is unset is none.
    exact = {"solver": {"name": "highs", "gap": 0}}
    assert Keys(case).key(exact) != Keys(case).key({"solver": "highs"})
    unset = {"solver": {"name": "highs", "gap": None, "options": {}}}
    assert Keys(case).key(unset) == Keys(case).key({"solver": "highs"})
    others = [{"parameters.slack": 0.6}, {"solver": "scip"}, {"verify": "certificate"}]
    assert len({key, *(Keys(case).key(other) for other in others)}) == 4
    (tmp_path / "prices.csv").write_text("price\n" + "31\n" * 24)
    assert Keys(case).key({"parameters.slack": 0.5}) != key


def test_key_holds_the_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    case = parse_case(HEAD)
    key = Keys(case).key({})
    monkeypatch.setattr("optimodels.runs.key.__version__", "9.9")
    assert Keys(case).key({}) != key


# --- the store


def test_record_comes_back_whole_and_equal_runs_are_equal_bytes() -> None:
    result = solve(load_case(CASES / "self-sustainability-33bus-max.yaml"))
    record = Record.of("k", result)
    back = unpack(pack(record))
    assert back.result == record.result
    assert back.seconds == dict(result.seconds)
    for stage, arrays in record.arrays.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(back.arrays[stage][name], array)
    assert back.result is not None
    again = Result.from_json({**back.result, "seconds": back.seconds}, back.arrays)
    # The question is kept by the sweep, once for all of its runs.
    assert again.as_json() == replace(result, asked={}).as_json()


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_damaged_file_is_named_set_aside_and_done_again(cut: int, tmp_path: Path) -> None:
    case = case_of(SMALL, tmp_path)
    before = sweep(case, tmp_path / "out")
    path = sorted((tmp_path / "out" / "runs").rglob("*.run"))[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:cut] if cut >= 0 else whole[:-40] + b"x" * 40)
    after = sweep(case, tmp_path / "out")
    assert after.known == 5
    assert [path.name in line for line in after.damaged] == [True]
    assert (tmp_path / "out" / "damaged" / path.name).exists()
    assert after.rows == before.rows


def test_bits_that_flip_are_noticed() -> None:
    data = bytearray(pack(Record("k", "case", "model", error="why")))
    noticed = 0
    for at in range(0, len(data), 7):
        broken = bytearray(data)
        broken[at] ^= 0x10
        try:
            same = unpack(bytes(broken)) == unpack(bytes(data))
        except DamagedError:
            noticed += 1
        else:
            # A flag of the zip that nobody reads: the content is what it was.
            assert same
    assert noticed > len(data) / 7 / 2


def test_table_view_can_be_thrown_away_or_broken(tmp_path: Path) -> None:
    case = case_of(SMALL, tmp_path)
    rows = sweep(case, tmp_path / "out").rows
    view = tmp_path / "out" / "table.sqlite"
    view.unlink()
    assert sweep(case, tmp_path / "out").rows == rows
    view.write_bytes(b"no database at all" * 1000)
    assert sweep(case, tmp_path / "out").rows == rows
    assert sweep(case, tmp_path / "out").rows == rows
    whole = bytearray(view.read_bytes())
    whole[4096:8192] = b"\xff" * 4096  # a page within, behind a head that is whole
    view.write_bytes(whole)
    assert sweep(case, tmp_path / "out").rows == rows
    view.unlink(missing_ok=True)
    with closing(sqlite3.connect(view)) as foreign:
        foreign.execute("create table runs (of, another, kind)")
    assert sweep(case, tmp_path / "out").rows == rows
    view.unlink()
    assert sweep(case, tmp_path / "out").rows == rows
    holder = sqlite3.connect(view, isolation_level=None)
    holder.execute("begin exclusive")
    try:
        assert Store(tmp_path / "out").summaries()
    finally:
        holder.close()


def refusing(monkeypatch: pytest.MonkeyPatch, name: str, place: Path) -> None:
    """What the system does where the rights for one place are missing; root has them all."""
    honest = getattr(os, name)

    def refused(path: Any, *others: Any) -> Any:
        if Path(path) == place:
            raise PermissionError(13, "Permission denied", str(path))
        return honest(path, *others)

    monkeypatch.setattr(os, name, refused)


def test_damaged_file_of_a_store_that_may_only_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep(case_of(SMALL, tmp_path), tmp_path / "out")
    path = sorted((tmp_path / "out" / "runs").rglob("*.run"))[0]
    path.write_bytes(b"no zip")
    refusing(monkeypatch, "mkdir", tmp_path / "out" / "damaged")
    store = Store(tmp_path / "out", create=False)
    for _ in range(2):
        assert len(store.summaries()) == 5
    (line,) = store.damaged
    assert line.startswith(f"{path}: ")
    assert line.endswith("; it cannot be set aside: Permission denied")
    assert path.exists()


def test_file_that_may_not_be_read_is_not_a_damaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep(case_of(SMALL, tmp_path), tmp_path / "out")
    path = sorted((tmp_path / "out" / "runs").rglob("*.run"))[0]
    path.unlink()
    path.mkdir()  # what not even root can read as a file
    (tmp_path / "out" / "table.sqlite").unlink()
    store = Store(tmp_path / "out", create=False)
    with pytest.raises(RunError, match=rf"cannot read .*{path.name}: Is a directory"):
        store.summaries()
    assert not store.damaged
    assert path.exists()
    refusing(monkeypatch, "scandir", tmp_path / "out" / "runs")
    with pytest.raises(RunError, match=r"cannot read .*runs: Permission denied"):
        store.keys()
    refusing(monkeypatch, "mkdir", tmp_path / "none" / "runs")
    with pytest.raises(RunError, match=r"cannot write .*runs: Permission denied"):
        Store(tmp_path / "none")


def test_store_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text('{"format": 99}')
    with pytest.raises(CallError, match="holds runs of format 99, this version writes 2"):
        Store(tmp_path)
    with pytest.raises(CallError, match="is no folder of runs"):
        Store(tmp_path / "none", create=False)


# --- running


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


def kills_itself(case: bytes, values: Mapping[str, Any], key: str) -> bytes:
    if values["parameters.aggregators"] == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return run_one(case, values, key)


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
    for _ in range(5):
        working = subprocess.Popen(
            [sys.executable, str(script), str(tmp_path / "case.yaml"), str(tmp_path / "killed")],
            stdout=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        assert working.stdout is not None
        working.stdout.readline()
        time.sleep(float(rng.uniform(2.0, 6.0)))
        with suppress(ProcessLookupError):
            os.killpg(working.pid, signal.SIGKILL)
        working.wait()
        for path in (tmp_path / "killed" / "runs").rglob("*.run"):
            unpack(path.read_bytes())
    resumed = sweep(case, tmp_path / "killed", workers=2)
    assert not resumed.damaged
    assert resumed.rows == whole.rows
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


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


def test_store_is_plain_json_inside_a_zip(tmp_path: Path) -> None:
    sweep(case_of(SMALL, tmp_path), tmp_path / "out")
    path = next((tmp_path / "out" / "runs").rglob("*.run"))
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("record.json"))["format"] == 2


def test_changed_figure_is_no_longer_verified(tmp_path: Path) -> None:
    """A verdict belongs to the figures that were stored with it."""
    case = parse_case(HEAD + "solver: exact\nsweep: {grid: {parameters.aggregators: [2, 3]}}\n")
    sweep(case, tmp_path)
    path = next((tmp_path / "runs").rglob("*.run"))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    whole = json.loads(parts["record.json"])
    whole["result"]["objective"] = -9999.0
    parts["record.json"] = json.dumps(whole).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    again = sweep(case, tmp_path)
    assert "its figures are not those" in again.damaged[0]
    assert all(row["objective"] != -9999.0 for row in again.rows)


def test_names_that_differ_in_signs_alone_stay_apart(tmp_path: Path) -> None:
    for name in ("a/b", "a-b", "a:b"):
        case = parse_case(
            f"name: '{name}'\n" + HEAD + "solver: exact\n"
            "sweep: {grid: {parameters.aggregators: [2, 3]}}\n"
        )
        sweep(case, tmp_path)
    assert {index.case for index in Store(tmp_path).indexes()} == {"a/b", "a-b", "a:b"}


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
