"""What a sweep costs beyond its runs, and what it survives.

Small runs (the mapping of a nine-bus network, exact algorithm, slack in steps) on two workers:
overhead per run over the model's own time in as many processes, memory of the parent, and how long
a resumed sweep of finished runs takes. Then a parallel sweep is killed with -9 at random moments,
again and again, its files read after every kill and its table compared at the end. Writes Markdown
to standard output; 0 leaves a part out:

    python benchmarks/sweeps.py --runs 10000 --kills 200 > reports/sweeps.md
"""

from __future__ import annotations

import argparse
import os
import pickle
import platform
import random
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from zipfile import ZipFile

from optimodels.case import Case, load_case
from optimodels.runs import Store, sweep
from optimodels.runs.pool import local_pool, results
from optimodels.runs.record import unpack
from optimodels.runs.work import prepare_worker, run_one

WORKERS = 2
SMALL = """
model: flexibility/aggregator-mapping
network: case9
solver: exact
verify: certificate
sweep: {{grid: {{parameters.aggregators: [1, 2], parameters.slack: [{slacks}]}}}}
"""
# Rows of more than 200 kB, a tenth of that when they are packed: expected prices of thousands of
# firms beside a few Monte Carlo draws.
LARGE = """
model: supply/bidding-equilibrium
parameters: {{firms: 8000, draws: 20}}
sweep: {{grid: {{parameters.seed: [{steps}]}}}}
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=10_000)
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--killed", nargs=2, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.killed:
        case, folder = chosen.killed
        print("begin", flush=True)
        sweep(load_case(case), folder, workers=WORKERS)
        return
    words = " ".join(["python benchmarks/sweeps.py", *sys.argv[1:]])
    print(f"# Sweeps\n\nMade by `{words}`.\n")
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {platform.machine()}, "
          f"Python {platform.python_version()}, {WORKERS} workers; "
          f"{os.getloadavg()[0]:.1f} other processes at work.\n")  # fmt: skip
    print("| what | measured | aim |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        if chosen.runs:
            overhead(Path(folder), chosen.runs)
        if chosen.kills:
            kills(Path(folder), chosen.kills)


def overhead(folder: Path, runs: int) -> None:
    file = folder / "small.yaml"
    slacks = ", ".join(f"{k / runs:.6f}" for k in range(runs // 2))
    file.write_text(SMALL.format(slacks=slacks))
    case = load_case(file)
    before = own_time(case)
    # A first sweep starts the workers' server and loads what they need.
    sweep(load_case(file, ["sweep={grid: {parameters.slack: [5, 6, 7, 8]}}"]), folder / "first",
          workers=WORKERS)  # fmt: skip
    memory = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]
    told = runs // 10

    def watch(done: int, of: int) -> None:
        if done in (told, of):
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    started = time.perf_counter()
    done = sweep(case, folder / "small", workers=WORKERS, progress=watch)
    per_run = (time.perf_counter() - started) * WORKERS / runs
    after = own_time(case)
    own = (before + after) / 2
    started, busy = time.perf_counter(), time.process_time()
    again = sweep(case, folder / "small", workers=WORKERS)
    resumed, alone = time.perf_counter() - started, time.process_time() - busy
    assert (done.failed, again.known) == (0, runs)
    print(f"| own time of a run, all workers at work at once: before, after | "
          f"{before * 1e3:.2f}, {after * 1e3:.2f} ms | |")  # fmt: skip
    print(f"| {runs} runs, worker time per run | {per_run * 1e3:.2f} ms | |")
    print(f"| overhead per run | {(per_run - own) * 1e3:.2f} ms | at most 2 ms |")
    print(f"| parent's memory after a tenth and after all runs | {memory[1] / 1024:.0f}, "
          f"{memory[2] / 1024:.0f} MiB | flat |")  # fmt: skip
    print(f"| resumed, {runs} finished runs; its processor time | {resumed:.2f} s; {alone:.2f} s | "
          "under 2 s |", flush=True)  # fmt: skip


def own_time(case: Case) -> float:
    """Return the seconds of a run without a sweep around it, in as many processes as work in one:
    they slow each other down."""
    single = pickle.dumps(case.alone())
    with local_pool(WORKERS, prepare_worker, 1) as pool:
        return statistics.fmean(
            seconds for _, seconds in results(pool, bare_runs, iter([(single,)] * WORKERS))
        )


def bare_runs(single: bytes) -> float:
    """Do runs one after the other; the seconds of one."""
    values = [{"parameters.aggregators": 2, "parameters.slack": k / 1000} for k in range(1000)]
    run_one(single, values[0], "warm")
    started = time.perf_counter()
    for value in values:
        run_one(single, value, "own")
    return (time.perf_counter() - started) / len(values)


def kills(folder: Path, number: int) -> None:
    file = folder / "large.yaml"
    steps = ", ".join(str(5 + k) for k in range(24))
    file.write_text(LARGE.format(steps=steps))
    case = load_case(file)
    whole = sweep(case, folder / "whole", workers=WORKERS)
    files = list((folder / "whole" / "runs").rglob("*.run"))
    sizes = [path.stat().st_size for path in files]
    held = [sum(part.file_size for part in ZipFile(path).infolist()) for path in files]
    draw = random.Random(7)
    damaged, doubled, meanwhile, killed = 0, 0, 0, 0
    while killed < number:
        target = folder / "killed"
        working = subprocess.Popen(
            [sys.executable, __file__, "--killed", str(file), str(target)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        assert working.stdout is not None
        working.stdout.readline()
        time.sleep(draw.uniform(0.2, 4.0))
        if working.poll() is None:
            killed += 1
        with suppress(ProcessLookupError):
            os.killpg(working.pid, signal.SIGKILL)
        working.wait()
        present = list((target / "runs").rglob("*.run"))
        for path in present:
            try:
                unpack(path.read_bytes())
            except Exception:
                damaged += 1
        doubled += len(present) - len({path.name for path in present})
        meanwhile = max(meanwhile, len(present))
        if len(present) == len(whole.index.keys):
            # Finished in spite of it: begin again, so that every kill meets a sweep at work.
            same = sweep(case, target, workers=1).rows == whole.rows
            assert same, "a finished sweep differs"
            for path in present:
                path.unlink()
    resumed = sweep(case, folder / "killed", workers=WORKERS)
    equal = "equal" if resumed.rows == whole.rows else "NOT EQUAL"
    print(f"| kills with -9 in mid-sweep, files of {min(sizes) // 1024} KiB or more that hold "
          f"{min(held) // 1024} KiB or more | {killed} | 200 |")  # fmt: skip
    print(f"| damaged files, doubled runs | {damaged}, {doubled} | 0, 0 |")
    print(f"| resumed table against the uninterrupted one | {equal} | equal |")
    assert Store(folder / "killed").damaged == []


if __name__ == "__main__":
    main()
