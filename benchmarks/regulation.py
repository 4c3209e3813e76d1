"""Closed loops of two areas beside SciPy and python-control, and many scenarios, in one run.

The same system, loss and times for all; the matrices are given to SciPy and python-control, which
simulate them exactly as well. All take one thread, as the product does: matrices of thirty rows
are done before a second thread has woken. Needs python-control, which the tests bring. Writes
Markdown to standard output:

    python benchmarks/regulation.py > reports/regulation.md
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import control
import numpy as np
from scipy import signal

from optimodels.families.regulation.physical_parameters import FrequencyResponse
from optimodels.families.regulation.physics.checks import checks
from optimodels.families.regulation.physics.data import read_response
from optimodels.families.regulation.physics.discretisation import step
from optimodels.families.regulation.physics.response import simulate
from optimodels.families.regulation.physics.simulation import Inputs as Given
from optimodels.families.regulation.physics.simulation import linear
from optimodels.families.regulation.physics.system import state_space
from optimodels.model import Inputs
from optimodels.threads import threads_held

ROUNDS = 7
SCENARIOS = 10_000
#: Scenarios that the others simulate one by one; their time is that of all in proportion.
SAMPLE = 20
STEP = 1.0
DURATION = 300.0


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done


def best(ways: dict[str, Callable[[], Any]]) -> dict[str, tuple[float, Any]]:
    """Every way in turn, ``ROUNDS`` times after one that is not counted: least seconds of each."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    found = {name: work() for name, work in ways.items()}
    for _ in range(ROUNDS):
        for name, work in ways.items():
            seconds, found[name] = timed(work)
            taken[name].append(seconds)
    return {name: (min(taken[name]), found[name]) for name in ways}


def single(length: float) -> None:
    response = read_response(Inputs(FrequencyResponse(time_step=length, duration=DURATION)))
    space, grid = state_space(response.system), response.grid
    given = Given(response.given.begin[:, :3], response.given.end[:, :3])
    inputs = np.vstack([given.begin, given.end[-1:]])

    def ours() -> Any:
        # The matrices as well, and all that is printed of the area.
        return simulate(response).frequency

    ways: dict[str, Callable[[], Any]] = {
        "matrices, eigenvalues, trajectory": ours,
        "trajectory": lambda: linear(space, grid, given)[:, 0],
        "scipy.signal.lsim": lambda: signal.lsim(
            (space.a, space.b, space.c[:1], space.d[:1]), inputs, grid, interp=False
        )[1],
        "python-control": lambda: control.forced_response(
            control.ss(space.a, space.b, space.c[:1], space.d[:1]), T=grid, U=inputs.T
        ).outputs[0],
    }
    ways["and all checks"] = lambda: checks(response, simulate(response))
    found = best(ways)
    slow, made = found.pop("and all checks")
    base, exact = found["trajectory"]
    for name, (seconds, frequency) in found.items():
        apart = np.abs(np.ravel(frequency) - exact).max() / np.abs(exact).max()
        print(f"| {length:g} s, {len(grid) - 1} steps | {name} | {1000 * seconds:.1f} | "
              f"{seconds / base:.1f} | {apart:.1e} |")  # fmt: skip
    good = sum(check.passed for check in made)
    print(f"| {length:g} s, {len(grid) - 1} steps | the first, with all checks | "
          f"{1000 * slow:.1f} | {slow / base:.1f} | {good} of {len(made)} pass |")  # fmt: skip


def many() -> None:
    response = read_response(Inputs(FrequencyResponse(time_step=STEP, duration=DURATION)))
    space, grid = state_space(response.system), response.grid
    rng = np.random.default_rng(1)
    begin = np.zeros((len(grid) - 1, 3, SCENARIOS))
    begin[:, 1] = 0.002 * rng.standard_normal((len(grid) - 1, SCENARIOS))
    started = time.perf_counter()
    lowest = np.concatenate(
        [
            linear(space, grid, Given(part, part))[:, 0].min(axis=0)
            for part in np.array_split(begin, 20, axis=2)
        ]
    )
    ours = time.perf_counter() - started

    def each(k: int) -> float:
        held = np.vstack([begin[:, :, k], begin[-1:, :, k]])
        system = (space.a, space.b, space.c[:1], space.d[:1])
        # lsim holds inputs where it does not interpolate.
        return float(signal.lsim(system, held, grid, interp=False)[1].min())

    started = time.perf_counter()
    theirs = np.array([each(k) for k in range(SAMPLE)])
    scipy = (time.perf_counter() - started) * SCENARIOS / SAMPLE
    apart = np.abs(theirs - lowest[:SAMPLE]).max() / np.abs(theirs).max()
    print(f"| {SCENARIOS} of noise, one system | {ours:.1f} | {scipy:.0f} | {scipy / ours:.0f} | "
          f"{apart:.1e} |")  # fmt: skip
    base = response.system
    inertia = rng.uniform(4, 14, SCENARIOS)
    share = rng.uniform(0.01, 0.3, SCENARIOS)
    started = time.perf_counter()
    lowest = np.concatenate(
        [nadirs(base, inertia[k : k + 500], share[k : k + 500], grid)
         for k in range(0, SCENARIOS, 500)]
    )  # fmt: skip
    ours = time.perf_counter() - started

    def other(k: int) -> float:
        one = state_space(replace(base, inertia=inertia[k], demand_response=share[k]))
        held = np.zeros((len(grid), 3))
        held[:, 1] = 0.01
        system = (one.a, one.b, one.c[:1], one.d[:1])
        return float(signal.lsim(system, held, grid, interp=False)[1].min())

    started = time.perf_counter()
    theirs = np.array([other(k) for k in range(SAMPLE)])
    scipy = (time.perf_counter() - started) * SCENARIOS / SAMPLE
    apart = np.abs(theirs - lowest[:SAMPLE]).max() / np.abs(theirs).max()
    print(f"| {SCENARIOS} systems, one loss | {ours:.1f} | {scipy:.0f} | {scipy / ours:.0f} | "
          f"{apart:.1e} |")  # fmt: skip


def nadirs(base: Any, inertia: Any, share: Any, grid: Any) -> Any:
    """The lowest frequency of systems that differ, by one stack of exponentials."""
    spaces = [
        state_space(replace(base, inertia=float(m), demand_response=float(r)))
        for m, r in zip(inertia, share, strict=True)
    ]
    one = step(np.stack([s.a for s in spaces]), np.stack([s.b[:, 1:2] for s in spaces]), STEP)
    x = np.zeros((len(spaces), len(spaces[0].a), 1))
    lowest = np.zeros(len(spaces))
    for _ in range(len(grid) - 1):
        x = one.phi @ x + 0.01 * one.held
        lowest = np.minimum(lowest, x[:, 0, 0])
    return lowest


def main() -> None:
    print("# Two areas in closed loop\n\nMade by `python benchmarks/regulation.py`.\n")
    print(
        f"Best of {ROUNDS} in turn, one thread each, "
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}. {DURATION:g} s after a loss "
        "of 1 %, 31 states; the last column is the largest difference from the trajectory, as a "
        "part.\n"
    )
    print("| run | by | ms | / trajectory | apart |")
    print("|---|---|---|---|---|")
    with threads_held(1):
        for length in (0.1, 1.0):
            single(length)
    print(f"\n{SCENARIOS} scenarios of {DURATION:g} s by {STEP:g} s; SciPy's time is that of "
          f"{SAMPLE} in proportion.\n")  # fmt: skip
    print("| scenarios | ours, s | scipy.signal.lsim, s | ratio | apart |")
    print("|---|---|---|---|---|")
    with threads_held(1):
        many()


if __name__ == "__main__":
    main()
