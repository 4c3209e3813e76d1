"""The Ising engine: exactness, speed beside other samplers, moves, a million customers.

Ratios are of the best of the rounds, measured in turn in one run on one core unless said.
Needs Numba, and dwave-samplers for its row. Writes Markdown to standard output:

    python benchmarks/ising.py > reports/ising.md
"""

from __future__ import annotations

import hashlib
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from optimodels.families.ising import engine
from optimodels.families.ising.engine import Dynamics, Graph, acceptance, evolve, lattice
from optimodels.families.ising.oracles.enumeration import States
from optimodels.families.ising.oracles.strip import Strip
from optimodels.families.ising.parameters import CRITICAL

ROUNDS = 5
SPEED = """## Sweeps beside other samplers, at the critical temperature

Flips are proposals; one core, its own seconds (others use the machine). The engine from call to
return, packing and unpacking included; of dwave-samplers the sweeps alone.
"""
MOVES = """## Single moves and two cores, 17 x 17

Million proposals per second, from call to return; weights are 1..5. Own: by the seconds of the
processor, both threads' together; wall: by the clock. Best of 20 rounds. SHA-256 (million bytes)
in two threads shows what the machine had to give just then.
"""
SIZE = """## A million customers and more

Each row a process of its own, one thread, seconds of the processor; bytes at the peak beyond what
the engine needs for four customers. The first call makes the graph and its layout; a call of one
sweep packs, unpacks and checks the replicas as well.
"""
SEVENTEEN = lattice(np.ones((17, 17), dtype=bool))


def square(side: int) -> Graph:
    return lattice(np.ones((side, side), dtype=bool))


def drawn_at_random(replicas: int, graph: Graph) -> np.ndarray:
    draws = np.random.default_rng(0).integers(0, 2, (replicas, graph.sites), dtype=np.int8)
    return 2 * draws - 1


def best_in_turn(ways: dict[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, float]:
    """Return the fewest seconds of each way over the rounds; each is called in every round."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            taken[name].append(way())
    return {name: min(seconds) for name, seconds in taken.items()}


def timed(work: Callable[[], Any], clock: Callable[[], float] = time.process_time) -> float:
    started = clock()
    work()
    return clock() - started


# Exactness


def deviations(graph: Graph, dynamics: Dynamics, exact: dict[str, float], sweeps: int,
               replicas: int) -> list[str]:  # fmt: skip
    start = np.ones((replicas, graph.sites), dtype=np.int8)
    if dynamics.field == 0:
        start[::2] = -1
    steps = sweeps * graph.sites
    told = evolve(graph, dynamics, start, steps, seed=1, record=[steps], threads=2)
    energy, total = told.trace["energy"][:, 0], told.trace["magnetisation"][:, 0]
    found = {"energy": energy, "magnetisation": total, "absolute": np.abs(total)}
    cells = []
    for name, value in exact.items():
        values = found[name] / graph.sites
        error = values.std() / math.sqrt(replicas)
        away = (values.mean() - value / graph.sites) / error
        cells.append(f"{value / graph.sites:.6f} | {values.mean():.6f} | {error:.6f} | {away:+.2f}")
    return cells


def exactness() -> None:
    print("## Against the transfer matrix (17 x 17) and enumeration (4 x 5)\n")
    print(
        "E, M and |M| per site of 40,000 replicas after 3,000 sweeps (17 x 17) or 200,000 after "
        "300 (4 x 5); off: in standard errors. "
        "The last two rows have half of dE in the rule, on purpose: so a wrong rule looks.\n"
    )
    print("| lattice | T | h | quantity | exact | measured | standard error | off |")
    print("|---|---|---|---|---|---|---|---|")
    strip, small = Strip(17, 17), lattice(np.ones((4, 5), dtype=bool))
    states = States(20, small.bonds)
    for temperature in (1.8, CRITICAL, 3.0, 5.0):
        for field in (0.0, 0.1, 0.5):
            exact = {
                "energy": strip.energy(temperature, field),
                "magnetisation": strip.magnetisation(temperature, field),
            }
            if field == 0:
                exact = {"energy": exact["energy"], "absolute": strip.absolute(temperature)}
            rows("17 x 17", SEVENTEEN, temperature, field, exact, 3000)
            rows("4 x 5", small, temperature, field, states.means(temperature, field), 300)
    own = acceptance.probability
    acceptance.probability = lambda rise, temperature: own(rise / 2, temperature)
    exact = {"energy": strip.energy(3.0, 0.1), "magnetisation": strip.magnetisation(3.0, 0.1)}
    rows("17 x 17, dE / 2 in the rule", SEVENTEEN, 3.0, 0.1, exact, 3000)
    acceptance.probability = own
    print()


def rows(name: str, graph: Graph, temperature: float, field: float, exact: dict[str, float],
         sweeps: int) -> None:  # fmt: skip
    dynamics = Dynamics(temperature, field, update="sweep")
    cells = deviations(graph, dynamics, exact, sweeps, 200_000 if graph.sites == 20 else 40_000)
    for quantity, cell in zip(exact, cells, strict=True):
        print(f"| {name} | {temperature:.4f} | {field} | {quantity} | {cell} |")


# Speed


@njit(error_model="numpy")
def plain_sweeps(states: np.ndarray, limits: np.ndarray, sweeps: int, seed: int) -> None:
    """Sweep each replica (R, rows + 2, columns + 2), framed by zeros, site by site.

    What a careful author would write: no test for the boundary, chances as integers (5,), and
    xorshift (13, 7, 17) in a register, which is 2.7 times as fast as Numba's own generator.
    """
    draw = np.uint64(seed)
    for replica in range(len(states)):
        spins = states[replica]
        for _ in range(sweeps):
            for row in range(1, spins.shape[0] - 1):
                for column in range(1, spins.shape[1] - 1):
                    total = (spins[row - 1, column] + spins[row + 1, column]
                             + spins[row, column - 1] + spins[row, column + 1])  # fmt: skip
                    aligned = spins[row, column] * total
                    draw ^= draw << np.uint64(13)
                    draw ^= draw >> np.uint64(7)
                    draw ^= draw << np.uint64(17)
                    if aligned <= 0 or draw < limits[aligned]:
                        spins[row, column] = -spins[row, column]


def dwave(graph: Graph, replicas: int, sweeps: int) -> Callable[[], float]:
    """Return a run of dwave-samplers at one temperature; it gives the seconds of its sweeps."""
    import dimod
    from dwave.samplers import SimulatedAnnealingSampler

    ends = (graph.bonds[:, 0], graph.bonds[:, 1], -np.ones(len(graph.bonds)))
    model = dimod.BinaryQuadraticModel.from_numpy_vectors(np.zeros(graph.sites), ends, 0.0, "SPIN")

    def seconds(count: int) -> float:
        return timed(lambda: SimulatedAnnealingSampler().sample(
            model, num_reads=replicas, num_sweeps=count, beta_schedule_type="custom",
            beta_schedule=np.full(count, 1 / CRITICAL), seed=1,
        ))  # fmt: skip

    # What it spends on its own model and its answer is not held against it.
    return lambda: seconds(sweeps + 1) - seconds(1)


def contest(side: int, replicas: int, few: int, sweeps: int) -> None:
    """Race the samplers on one lattice; the slow ones get ``few`` replicas and fewer sweeps."""
    graph = square(side)
    start = drawn_at_random(replicas, graph)
    limits = (2.0**63 * np.exp(-2 * np.arange(5) / CRITICAL)).astype(np.uint64) * np.uint64(2)
    states = np.pad(start[:few].reshape(-1, side, side), ((0, 0), (1, 1), (1, 1)))
    plain_sweeps(states[:1], limits, 1, 5)
    work = {
        "engine": (replicas, sweeps),
        "engine, h = 0.1": (replicas, sweeps),
        "plain Numba": (few, sweeps),
        "engine in NumPy": (few, max(1, sweeps // 10)),
        "dwave-samplers": (few, sweeps),
    }

    def engine_run(field: float) -> float:
        dynamics = Dynamics(CRITICAL, field, update="sweep")
        return timed(lambda: evolve(graph, dynamics, start, sweeps * graph.sites, seed=1))

    engine_run(0.0)
    ways: dict[str, Callable[[], float]] = {
        "engine": lambda: engine_run(0.0),
        "engine, h = 0.1": lambda: engine_run(0.1),
        "plain Numba": lambda: timed(lambda: plain_sweeps(states, limits, sweeps, 5)),
        "engine in NumPy": lambda: timed(
            lambda: in_numpy(graph, start[:few], work["engine in NumPy"][1])
        ),
    }
    if find_spec("dwave") is not None:
        ways["dwave-samplers"] = dwave(graph, few, sweeps)
    rates = {name: work[name][0] * work[name][1] * graph.sites / seconds / 1e9
             for name, seconds in best_in_turn(ways).items()}  # fmt: skip
    for name, rate in rates.items():
        print(f"| {side} x {side} | {work[name][0]} | {name} | {work[name][1]} | {rate:.4f} | "
              f"{rates['engine'] / rate:.1f} |")  # fmt: skip


def speed() -> None:
    print(SPEED)
    print("| lattice | replicas | sampler | sweeps | flips/ns | engine is faster by |")
    print("|---|---|---|---|---|---|")
    contest(17, 5000, 320, 200)
    contest(1024, 64, 2, 20)
    print()


def in_numpy(graph: Graph, start: np.ndarray, sweeps: int) -> None:
    own = engine.find_spec
    engine.find_spec = lambda name: None
    evolve(graph, Dynamics(CRITICAL, update="sweep"), start, sweeps * graph.sites, seed=1)
    engine.find_spec = own


# Moves and cores


def moves() -> None:
    print(MOVES)
    print("| move | replicas | one thread, own | two, own | one, wall | two, wall | ratio |")
    print("|---|---|---|---|---|---|---|")
    weights = np.arange(289) % 5 + 1
    asked = {
        "sweeps of 64 replicas in a word": (Dynamics(CRITICAL, update="sweep"), 6400, 200),
        "Metropolis, random sites": (Dynamics(CRITICAL), 1000, 20),
        "constrained (Algorithm 1)": (
            Dynamics(CRITICAL, algorithm="constrained", weights=weights), 1000, 80),
        "penalised, mu = 0.1": (
            Dynamics(CRITICAL, algorithm="penalised", weights=weights, penalty=0.1), 1000, 10),
        "exchange": (Dynamics(CRITICAL, algorithm="exchange", weights=weights), 1000, 10),
    }  # fmt: skip
    for name, (dynamics, replicas, sweeps) in asked.items():
        walk(name, dynamics, drawn_at_random(replicas, SEVENTEEN), sweeps * SEVENTEEN.sites)
    text = bytes(20_000_000)

    def hashes(threads: int) -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda _: hashlib.sha256(text).digest(), range(2)))

    raced("SHA-256", 2, 40_000_000, hashes)
    print()


def walk(name: str, dynamics: Dynamics, start: np.ndarray, steps: int) -> None:
    def run(threads: int) -> None:
        evolve(SEVENTEEN, dynamics, start, steps, seed=1, threads=threads)

    raced(name, len(start), steps * len(start), run)


def raced(name: str, replicas: int, work: int, run: Callable[[int], None]) -> None:
    """Print the rates of ``run`` with one and with two threads."""
    run(1)
    best = best_in_turn({
        "own": lambda: timed(lambda: run(1)),
        "own two": lambda: timed(lambda: run(2)),
        "one": lambda: timed(lambda: run(1), time.perf_counter),
        "two": lambda: timed(lambda: run(2), time.perf_counter),
    }, 20)  # fmt: skip
    own, own_two, one, two = (work / seconds / 1e6 for seconds in best.values())
    print(f"| {name} | {replicas} | {own:.1f} | {own_two:.1f} | {one:.1f} | {two:.1f} | "
          f"{two / one:.2f} |")  # fmt: skip


# Size and start

LARGE = """
import sys, time
import numpy as np
from optimodels.families.ising.engine import Dynamics, evolve, lattice
side, replicas, update, more = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
dynamics = Dynamics(2.0, update=update)
# Not getrusage: its figure begins with that of the process that started this one.
peak = lambda: 1024 * next(int(line.split()[1]) for line in open("/proc/self/status")
                           if line.startswith("VmHWM"))
evolve(lattice(np.ones((2, 2), bool)), dynamics, np.ones((1, 4), np.int8), 4, seed=1)
bare = peak()
def run(sweeps):
    begun = time.process_time()
    evolve(graph, dynamics, start, sweeps * graph.sites, seed=1)
    return time.process_time() - begun
begun = time.process_time()
graph = lattice(np.ones((side, side), bool))
start = np.ones((replicas, graph.sites), np.int8)
run(1)
made = time.process_time() - begun
once = min(run(1) for _ in range(3))
each = (min(run(1 + more) for _ in range(3)) - once) / more
print(graph.sites, (peak() - bare) / graph.sites, made, once, each)
"""

FIRST = """
import sys, time
import numpy as np
begun = time.process_time()
import numba, llvmlite.ir
numba.njit(lambda x: x)(1)
loaded = time.process_time()
from optimodels.families.ising.engine import Dynamics, evolve, lattice
evolve(lattice(np.ones((2, 2), bool)), Dynamics(2.0, update=sys.argv[1]), np.ones((1, 4), np.int8),
       4, seed=1)
print(loaded - begun, time.process_time() - loaded)
"""


def told_by(code: str, *arguments: object, **environment: str) -> list[float]:
    ran = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], check=True, text=True,
        stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent,
        env={**os.environ, **environment},
    )  # fmt: skip
    return [float(word) for word in ran.stdout.split()]


def size() -> None:
    print(SIZE)
    print("| customers | replicas | update | bytes per customer | with the graph, s | one sweep, s "
          "| further sweep, s | flips/ns |\n|---|---|---|---|---|---|---|---|")  # fmt: skip
    for side, replicas, update, more in (
        (1024, 1, "sweep", 40), (1024, 64, "sweep", 40), (1024, 1, "random-site", 4),
        (2388, 1, "sweep", 10), (2388, 64, "sweep", 10), (2388, 1, "random-site", 1),
    ):  # fmt: skip
        sites, memory, made, once, each = told_by(LARGE, side, replicas, update, more)
        print(f"| {sites:,.0f} | {replicas} | {update} | {memory:.0f} | {made:.2f} | {once:.3f} | "
              f"{each:.4f} | {sites * replicas / each / 1e9:.3f} |")  # fmt: skip
    print()


def start() -> None:
    print("## Compiling\n\nSeconds of the processor in a new process.\n")
    print("| update | Numba itself | first call, nothing compiled yet "
          "| first call, compiled by an earlier process |\n|---|---|---|---|")  # fmt: skip
    for update in ("sweep", "random-site"):
        with tempfile.TemporaryDirectory() as folder:
            first, *again = (told_by(FIRST, update, NUMBA_CACHE_DIR=folder) for _ in range(4))
        loaded, later = (min(seconds) for seconds in zip(*again, strict=True))
        print(f"| {update} | {loaded:.2f} | {first[1]:.2f} | {later:.2f} |")
    print()


def main() -> None:
    print("# Ising dynamics\n\nMade by `python benchmarks/ising.py`.\n")
    print(f"Best of {ROUNDS} rounds in turn, {time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, "
          f"{platform.machine()}, Python {platform.python_version()}.\n")  # fmt: skip
    for part in (exactness, speed, moves, size, start):
        part()


if __name__ == "__main__":
    main()
