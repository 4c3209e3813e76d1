"""Kills, lost workers, full disks and no memory amid a sweep: nothing lost, nothing doubled.

A sweep of small runs is started in a process of its own and hurt at a moment that the seed says.
Afterwards every stored run must be whole, and the sweep, taken up again, must hold what one that
nobody hurt holds, to the byte but for the seconds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import psutil

from optimodels.case import load_case
from optimodels.runs import sweep
from optimodels.runs.record import DamagedError, unpack
from tests.campaigns.ledger import Tally

ROOT = Path(__file__).parents[2]
CASE = """model: flexibility/aggregator-mapping
solver: exact
sweep:
  grid:
    parameters.slack: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    parameters.aggregators: [2, 3, 4, 5, 6, 7, 8]
"""

#: The process that is hurt: it says when its first run is under way, and what became of it.
HURT = """
import resource, sys
from optimodels.case import load_case
from optimodels.errors import OptimodelsError
from optimodels.runs import sweep

if __name__ == "__main__":
    case, folder, workers, limit, size = sys.argv[1:]
    # Everything is loaded before the limits stand: an import without memory is not the sweep's.
    sweep(load_case(case, ["sweep={list: [{parameters.aggregators: 9}]}"]), folder + "-first")
    from optimodels.cli import main
    if limit == "file":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), int(size)))
    if limit == "memory":
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + int(size), used + int(size)))
    print("begin", flush=True)
    sys.exit(main(["sweep", case, "--out", folder, "--workers", workers]))
"""

#: A sweep is killed so often before it is left in peace, each time within this part of what it
#: takes: most kills then are amid the sweep.
KILLS = 5
LONGEST_WAIT = 0.6


@cache
def _whole() -> tuple[dict[str, dict[str, bytes]], Path, float]:
    """What the sweep holds when nobody hurts it, the case and script in a kept folder, and the
    seconds that it takes."""
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    (folder / "case.yaml").write_text(CASE)
    (folder / "hurt.py").write_text(HURT)
    case = load_case(folder / "case.yaml")
    started = time.monotonic()
    sweep(case, folder / "whole")
    return contents(folder / "whole"), folder, time.monotonic() - started


def contents(folder: Path) -> dict[str, dict[str, bytes]]:
    """Return what the stored runs hold, apart from their seconds."""
    found = {}
    for path in sorted((folder / "runs").rglob("*.run")):
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name != "seconds.json"]
            found[path.name] = {name: archive.read(name) for name in names}
    return found


def _start(folder: Path, workers: int, limit: str = "", size: int = 0) -> subprocess.Popen[str]:
    """Start the sweep and return when its first run is about to begin."""
    _, kept, _ = _whole()
    words = [str(kept / "case.yaml"), str(folder), str(workers), limit, str(size)]
    started = subprocess.Popen(
        [sys.executable, str(kept / "hurt.py"), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert started.stdout is not None
    while started.stdout.readline() not in ("begin\n", ""):
        pass
    return started


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _looked_at(folder: Path, place: str, tally: Tally) -> int:
    """Every stored run must be whole; return how many there are."""
    number = 0
    for path in (folder / "runs").rglob("*.run"):
        try:
            unpack(path.read_bytes())
        except DamagedError as error:
            tally.broken.append(f"{place}: damaged: {path.name}: {error}")
        number += 1
    return number


def _taken_up(folder: Path, place: str, tally: Tally) -> None:
    """What is missing is done, and then nothing differs from the sweep that nobody hurt."""
    whole, kept, _ = _whole()
    done = sweep(load_case(kept / "case.yaml"), folder, again="failed")
    if done.damaged:
        tally.broken.append(f"{place}: {len(done.damaged)} damaged runs")
    if contents(folder) != whole:
        tally.broken.append(f"{place}: other contents than undisturbed")
    left = [p.name for p in folder.rglob("*") if p.is_file() and ".tmp" in p.name]
    if left:
        tally.count("files left behind, taken away by nobody", "files", len(left))


def _in_folder(trial: Callable[[int, Path, Tally], None], seed: int, tally: Tally) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "out"
        trial(seed, folder, tally)
        _taken_up(folder, f"seed {seed}", tally)


def _kill(seed: int, folder: Path, tally: Tally) -> None:
    rng = np.random.default_rng([seed, 19])
    _, _, seconds = _whole()
    for _ in range(KILLS):
        workers = int(rng.integers(1, 3))
        started = _start(folder, workers)
        time.sleep(float(rng.uniform(0.0, LONGEST_WAIT * seconds)))
        ended = started.poll() is not None
        _end(started)
        tally.count("kill -9 of all processes", "after its end" if ended else "amid the sweep")
        tally.count(
            "runs found whole after a kill", "runs", _looked_at(folder, f"seed {seed}", tally)
        )


def _lose_workers(seed: int, folder: Path, tally: Tally) -> None:
    rng = np.random.default_rng([seed, 23])
    started = _start(folder, 2)
    lost = 0
    while started.poll() is None and lost < 2:
        time.sleep(float(rng.uniform(0.2, 1.0)))
        with suppress(psutil.Error):
            # The server that starts workers is their parent; multiprocessing's tracker has no part.
            below = psutil.Process(started.pid).children(recursive=True)
            working = [p for p in below if p.ppid() != started.pid]
            if working:
                working[int(rng.integers(len(working)))].kill()
                lost += 1
    try:
        _, told = started.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        tally.broken.append(f"seed {seed}: hangs after a worker was lost")
        _end(started)
        return
    tally.count("worker killed", "workers", lost)
    tally.count("worker killed", f"exit code {started.returncode}")
    if started.returncode:
        # A worker costs its own run alone, and that is tried again.
        tally.broken.append(f"seed {seed}: exit code {started.returncode}: {told.strip()[-300:]}")


def _limited(
    limit: str, least: float, most: float, allowed: tuple[int, ...]
) -> Callable[[int, Path, Tally], None]:
    def hurt(seed: int, folder: Path, tally: Tally) -> None:
        rng = np.random.default_rng([seed, 29])
        size = int(10 ** rng.uniform(np.log10(least), np.log10(most)))
        started = _start(folder, 1, limit, size)
        try:
            _, told = started.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            tally.broken.append(f"seed {seed}: hangs at {size} bytes")
            _end(started)
            return
        tally.count(f"no {limit}", f"exit code {started.returncode}")
        tally.count("runs found whole after it", "runs", _looked_at(folder, f"seed {seed}", tally))
        if "Traceback" in told or started.returncode not in allowed:
            last = told.strip().splitlines()[-1:] or [""]
            tally.broken.append(f"seed {seed}, {size} bytes: {started.returncode}: {last[0][:200]}")

    return hurt


def kills(seed: int, tally: Tally) -> None:
    """A sweep killed five times at random moments, on one worker or two, then taken up."""
    _in_folder(_kill, seed, tally)


def workers(seed: int, tally: Tally) -> None:
    """Two workers of a sweep killed while it goes on."""
    _in_folder(_lose_workers, seed, tally)


def disk(seed: int, tally: Tally) -> None:
    """Files cannot grow beyond a size that the seed says: a disk that is full amid a write."""
    _in_folder(_limited("file", 100, 20_000, (0, 2, 5)), seed, tally)


def memory(seed: int, tally: Tally) -> None:
    """So much memory is left, from 0.1 to 300 MB, when the first run begins.

    With less, Python 3.11 waits for ever for a thread that could not start.
    """
    _in_folder(_limited("memory", 1e5, 3e8, (0, 2, 4, 5)), seed, tally)
