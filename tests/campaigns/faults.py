"""Kills, lost workers, full disks and no memory amid a sweep: nothing lost, nothing doubled.

A sweep of small runs is started in a process of its own and hurt at a moment that the seed says.
At every look each stored run must be whole, and each that was found before must be there still, to
the byte with its seconds: it was not lost and not done again. A sweep that says that it is done
must hold, as it stands, what one that nobody hurt holds; any other is taken up again, and must
then.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import psutil

from optimodels.case import load_case
from optimodels.runs import sweep
from optimodels.runs.record import DamagedError, unpack
from tests.campaigns.tally import Tally

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
import errno, io, os, resource, sys
from optimodels.case import load_case
from optimodels.runs import sweep

def fill(what, folder, left):
    # The disk is full from the operation of this number on.
    def spent(path):
        nonlocal left
        left -= os.fspath(path).startswith(folder)
        return left < 0 and os.fspath(path).startswith(folder)

    class File(io.FileIO):
        def write(self, data):
            if spent(self.name):
                super().write(data[: len(data) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data)

    def full(honest):
        def operation(path, *others, **named):
            if spent(path):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
            return honest(path, *others, **named)
        return operation

    opened = io.open
    if what == "write":
        io.open = lambda file, mode="r", *others, **named: (
            File(file, "x") if mode == "xb" else opened(file, mode, *others, **named)
        )
    if what == "rename":
        os.replace = full(os.replace)
    if what == "folder":
        os.mkdir = full(os.mkdir)

if __name__ == "__main__":
    case, folder, workers, limit, size = sys.argv[1:]
    # Everything is loaded before the limits stand: an import without memory is not the sweep's.
    sweep(load_case(case, ["sweep={list: [{parameters.aggregators: 9}]}"]), folder + "-first")
    from optimodels.cli import main
    if limit == "size":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), int(size)))
    elif limit == "memory":
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + int(size), used + int(size)))
    elif limit:
        fill(limit, folder + "/", int(size))
    print("begin", flush=True)
    sys.exit(main(["sweep", case, "--out", folder, "--workers", workers]))
"""

#: A sweep is killed so often before it is left in peace: one time in EARLY at any moment of its
#: beginning, else after some new runs, of which enough are left for the next times.
KILLS = 5
EARLY = 5
#: Seconds by which a kill is off the end of a run: some runs take less.
OFF = 0.01
#: What of a disk is full: the size of one file; or, from one operation on, every one of its kind.
DISK = ("size", "write", "rename", "folder")
#: What a file is called that is still being written.
ASIDE = re.compile(r"\..+\.[0-9a-f]{8}")


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


def _wait_for(number: int, folder: Path, process: subprocess.Popen[str]) -> int:
    """Wait until so many runs are there or the process has ended; return how many there are."""
    while True:
        ended = process.poll() is not None
        there = sum(1 for _ in (folder / "runs").rglob("*.run"))
        if there >= number or ended:
            return there
        time.sleep(0.01)


def _looked_at(
    folder: Path, place: str, before: Mapping[str, bytes], tally: Tally
) -> dict[str, bytes]:
    """Every stored run must be whole, and those of ``before`` be there as they were; return all."""
    found = {path.name: path.read_bytes() for path in (folder / "runs").rglob("*.run")}
    for name, content in found.items():
        try:
            unpack(content)
        except DamagedError as error:
            tally.broken.append(f"{place}: damaged: {name}: {error}")
    lost = before.keys() - found.keys()
    if lost:
        tally.broken.append(f"{place}: {len(lost)} of {len(before)} runs lost")
    again = [name for name in before.keys() & found.keys() if found[name] != before[name]]
    if again:
        tally.broken.append(f"{place}: {len(again)} of {len(before)} runs done again")
    return found


def _said_done(folder: Path, code: int, place: str, tally: Tally) -> None:
    """Who says that all went well has done all, before anything is done again."""
    whole, _, _ = _whole()
    there = contents(folder)
    if code == 0 and there != whole:
        missing = len(whole.keys() - there.keys())
        tally.broken.append(f"{place}: exit code 0, {missing} runs missing or others than alone")


def _taken_up(folder: Path, place: str, before: Mapping[str, bytes], tally: Tally) -> None:
    """What is missing or failed is done, nothing else is, and all is as if nobody had hurt it."""
    whole, kept, _ = _whole()
    done = sweep(load_case(kept / "case.yaml"), folder, again="failed")
    if done.damaged:
        tally.broken.append(f"{place}: {len(done.damaged)} damaged runs")
    answered = {name: data for name, data in before.items() if not unpack(data).error}
    _looked_at(folder, f"{place}, taken up", answered, tally)
    if contents(folder) != whole:
        tally.broken.append(f"{place}: other contents than undisturbed")


def _left_behind(folder: Path, place: str, most: int, tally: Tally) -> None:
    """A process that is killed leaves what it was writing, which nobody reads or removes; one that
    lives removes it."""
    left = sum(bool(ASIDE.fullmatch(path.name)) for path in folder.rglob(".*"))
    tally.count("files left behind, read and removed by nobody", "files", left)
    if left > most:
        tally.broken.append(f"{place}: {left} files left behind, at most {most} expected")


#: Hurts a sweep into a folder and returns the files of the runs that it then holds.
Trial = Callable[[int, Path, Tally], dict[str, bytes]]


def _in_folder(trial: Trial, seed: int, tally: Tally, killed: int = 0) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder, place = Path(made) / "out", f"seed {seed}"
        folder.mkdir()
        before = trial(seed, folder, tally)
        tally.count("runs found whole", "runs", len(before))
        _taken_up(folder, place, before, tally)
        _left_behind(folder, place, killed, tally)


def _kill(seed: int, folder: Path, tally: Tally) -> dict[str, bytes]:
    rng = np.random.default_rng([seed, 19])
    whole, _, seconds = _whole()
    found: dict[str, bytes] = {}
    for number in range(KILLS):
        share = (len(whole) - len(found)) // (KILLS - number)
        workers, new = int(rng.integers(1, 3)), int(rng.integers(1, max(2, share)))
        started = _start(folder, workers)
        if rng.integers(EARLY) == 0:
            time.sleep(float(rng.uniform(0.0, 0.5 * seconds)))
        else:
            _wait_for(min(len(found) + new, len(whole)), folder, started)
            time.sleep(float(rng.uniform(0.0, OFF)))
        ended = started.poll() is not None
        _end(started)
        before, found = len(found), _looked_at(folder, f"seed {seed}", found, tally)
        moments = {
            "after its end": ended,
            "after the last run": len(found) == len(whole),
            "before a new run": len(found) == before,
            "amid the runs": True,
        }
        moment = next(words for words, fits in moments.items() if fits)
        tally.count("kill -9 of all processes", moment)
    return found


def _finished(started: subprocess.Popen[str], place: str, tally: Tally) -> str | None:
    """Return what a sweep says on stderr by its end, or None where there is no end."""
    try:
        return started.communicate(timeout=120)[1]
    except subprocess.TimeoutExpired:
        tally.broken.append(f"{place}: hangs")
        _end(started)
        return None


def _lose_workers(seed: int, folder: Path, tally: Tally) -> dict[str, bytes]:
    rng = np.random.default_rng([seed, 23])
    whole, _, _ = _whole()
    place = f"seed {seed}"
    started = _start(folder, 2)
    for number in np.sort(rng.integers(0, len(whole) - 4, 2)):
        there = _wait_for(int(number), folder, started)
        time.sleep(float(rng.uniform(0.0, OFF if there else 0.5)))
        lost = False
        with suppress(psutil.Error):
            # The server that starts workers is their parent; multiprocessing's tracker has no part.
            below = psutil.Process(started.pid).children(recursive=True)
            working = [p for p in below if p.ppid() != started.pid]
            if working:
                working[int(rng.integers(len(working)))].kill()
                lost = True
        moment = "amid the runs" if there else "before the first run"
        tally.count("worker killed", moment if lost else "no worker there")
    told = _finished(started, place, tally)
    if told is not None:
        tally.count("worker killed", f"exit code {started.returncode}")
        if started.returncode:
            # A worker costs its own run alone, and that is tried again.
            said = f"exit code {started.returncode}: {told.strip()[-300:]}"
            tally.broken.append(f"{place}: {said}")
        _said_done(folder, started.returncode, place, tally)
    return _looked_at(folder, place, {}, tally)


def _limited(limit: str, size: int, allowed: tuple[int, ...]) -> Trial:
    def hurt(seed: int, folder: Path, tally: Tally) -> dict[str, bytes]:
        place = f"seed {seed}, {limit} {size}"
        started = _start(folder, 1, limit, size)
        told = _finished(started, place, tally)
        if told is not None:
            tally.count(f"no more: {limit}", f"exit code {started.returncode}")
            if "Traceback" in told or started.returncode not in allowed:
                last = told.strip().splitlines()[-1:] or [""]
                tally.broken.append(f"{place}: {started.returncode}: {last[0][:200]}")
            _said_done(folder, started.returncode, place, tally)
        return _looked_at(folder, place, {}, tally)

    return hurt


def kills(seed: int, tally: Tally) -> None:
    """A sweep killed five times, most often amid its runs, on one worker or two, then taken up."""
    _in_folder(_kill, seed, tally, KILLS)


def workers(seed: int, tally: Tally) -> None:
    """Two workers of a sweep killed while it goes on."""
    _in_folder(_lose_workers, seed, tally)


def disk(seed: int, tally: Tally) -> None:
    """A disk that is full: files cannot grow beyond a size, or from one write (of which half is
    kept), rename or new folder on there is no space left."""
    rng = np.random.default_rng([seed, 29])
    limit = DISK[seed % len(DISK)]
    size = 10 ** rng.uniform(2.0, np.log10(20_000)) if limit == "size" else rng.integers(0, 80)
    _in_folder(_limited(limit, int(size), (0, 5)), seed, tally)


def memory(seed: int, tally: Tally) -> None:
    """So much memory is left, from 0.1 to 300 MB, when the first run begins.

    With less, Python 3.11 waits for ever for a thread that could not start.
    """
    rng = np.random.default_rng([seed, 29])
    size = 10 ** rng.uniform(5.0, np.log10(3e8))
    _in_folder(_limited("memory", int(size), (0, 4, 5)), seed, tally)
