"""Building a large problem and handing it to HiGHS: the languages beside raw arrays, as ratios.

The aggregator mapping, a binary programme of buses x aggregators, is built and handed over with
HiGHS's time limit at zero, so that nothing is solved (what HiGHS takes to notice is measured once
per round and taken off every way's seconds): CVXPY and Pyomo as `optimodels` uses them,
linopy (if it is installed: pip install linopy), and NumPy arrays straight to highspy. Data are
random, ours, seeded. All rounds are taken in turn in one run. The exact algorithm solves and proves
the same problems. Writes Markdown to standard output:

    python benchmarks/languages.py > reports/languages.md
"""

from __future__ import annotations

import gc
import importlib.util
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import highspy
import numpy as np

from optimodels.families.flexibility.aggregator_mapping import (
    FORMULATION,
    Mapping,
    default_multipliers,
)
from optimodels.model import load
from optimodels.processes import redirected
from optimodels.solvers import Limits, Request, choose, open_problem
from optimodels.study.judgement import solve_and_judge

SIZES = ((3_000, 20), (30_000, 30))
ROUNDS = {3_000: 7, 30_000: 3}


def problem(buses: int, aggregators: int) -> Mapping:
    rng = np.random.default_rng(20_26)
    share = rng.random(buses)
    margin = (default_multipliers(aggregators) - 1.0) * 5_000.0
    upper = -(-5 * buses // (4 * aggregators))
    ones = np.ones(buses, dtype=np.int64)
    return Mapping(share / share.sum(), margin, ones, upper, 0, 1, by_load=False)


@contextmanager
def unheard() -> Iterator[None]:
    """Keep the banner that HiGHS prints below Python out of the report."""
    with open(os.devnull, "w") as nowhere, redirected(1, nowhere.fileno()):
        yield


def timed(work: Callable[[Mapping], None]) -> Callable[[Mapping], float]:
    def run(mapping: Mapping) -> float:
        started = time.perf_counter()
        work(mapping)
        return time.perf_counter() - started

    return run


def as_arrays(mapping: Mapping) -> Any:
    buses, aggregators = len(mapping.share), len(mapping.margin)
    n = buses * aggregators
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = n, buses + aggregators
    lp.col_cost_ = np.outer(mapping.share, mapping.margin).ravel()
    lp.col_lower_, lp.col_upper_ = np.zeros(n), np.ones(n)
    lp.row_lower_ = np.concatenate([np.ones(buses), np.full(aggregators, -np.inf)])
    lp.row_upper_ = np.concatenate([np.ones(buses), np.full(aggregators, float(mapping.upper))])
    rows = np.empty((buses, aggregators, 2), dtype=np.int32)
    rows[:, :, 0] = np.arange(buses)[:, None]
    rows[:, :, 1] = buses + np.arange(aggregators)[None, :]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.arange(0, 2 * n + 1, 2)
    lp.a_matrix_.index_, lp.a_matrix_.value_ = rows.ravel(), np.ones(2 * n)
    lp.integrality_ = [highspy.HighsVarType.kInteger] * n
    engine = highspy.Highs()
    engine.setOptionValue("output_flag", False)
    engine.setOptionValue("presolve", "off")
    engine.setOptionValue("time_limit", 0.0)
    engine.passModel(lp)
    return engine


def idle(engine: Any) -> float:
    """Return the seconds that HiGHS takes to stop at its limit of zero."""
    started = time.perf_counter()
    engine.run()
    return time.perf_counter() - started


def in_language(via: Any) -> Callable[[Mapping], float]:
    solver = choose(Request("highs", via), FORMULATION)
    assert solver is not None

    def run(mapping: Mapping) -> float:
        started = time.perf_counter()
        stated = open_problem(FORMULATION, mapping, via)
        built = time.perf_counter() - started
        work = load(solver.driver) if solver.driver else type(stated).solve
        work(stated, solver, Limits(time=0.0), {"presolve": "off"}, False)
        # What is left out is reading the canonical form and the claim for verification.
        return built + sum(stated.seconds.values())

    return run


@timed
def in_linopy(mapping: Mapping) -> None:
    import linopy
    import xarray

    buses, aggregators = len(mapping.share), len(mapping.margin)
    model = linopy.Model()
    coordinates = [np.arange(buses), np.arange(aggregators)]
    w = model.add_variables(binary=True, coords=coordinates, dims=["b", "a"], name="w")
    model.add_constraints(w.sum("a") == 1)
    model.add_constraints(w.sum("b") <= mapping.upper)
    cost = xarray.DataArray(np.outer(mapping.share, mapping.margin), dims=["b", "a"])
    model.add_objective((w * cost).sum())
    with unheard():
        engine = model.to_highspy()
    engine.setOptionValue("output_flag", False)
    engine.setOptionValue("presolve", "off")
    engine.setOptionValue("time_limit", 0.0)
    engine.run()


def main() -> None:
    ways: dict[str, Callable[[Mapping], float]] = {
        "CVXPY": in_language("cvxpy"),
        "Pyomo": in_language("pyomo"),
    }
    if importlib.util.find_spec("linopy") is not None:
        ways[f"linopy {version('linopy')}"] = in_linopy
    small = problem(30, 3)
    for way in ways.values():
        way(small)  # everything is imported from here on
    print("# Build and hand-over\n\nMade by `python benchmarks/languages.py`: the mapping of buses "
          "to aggregators, built and handed to HiGHS, not solved.\n")  # fmt: skip
    print(f"In turn, {time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {platform.machine()}, "
          f"Python {platform.python_version()}, CVXPY {version('cvxpy')}, "
          f"Pyomo {version('pyomo')}, highspy {version('highspy')}.\n")  # fmt: skip
    print("| buses x aggregators | way | median, s | least | most | x arrays |")
    print("|---|---|---|---|---|---|")
    for buses, aggregators in SIZES:
        mapping = problem(buses, aggregators)
        taken: dict[str, list[float]] = {name: [] for name in ("arrays to highspy", *ways)}
        for _ in range(ROUNDS[buses]):
            gc.collect()
            started = time.perf_counter()
            engine = as_arrays(mapping)
            taken["arrays to highspy"].append(time.perf_counter() - started)
            noticing = idle(engine)
            del engine
            for name, way in ways.items():
                gc.collect()
                taken[name].append(way(mapping) - noticing)
        base = statistics.median(taken["arrays to highspy"])
        for name, values in taken.items():
            median = statistics.median(values)
            print(f"| {buses} x {aggregators} | {name} | {median:.3f} | {min(values):.3f} | "
                  f"{max(values):.3f} | {median / base:.1f} |", flush=True)  # fmt: skip
    print(
        "\n| buses x aggregators | exact algorithm, s | proof, s | with CVXPY's form, s | verdict |"
    )
    print("|---|---|---|---|---|")
    for buses, aggregators in SIZES:
        mapping = problem(buses, aggregators)
        started = time.perf_counter()
        solution = solve_and_judge(FORMULATION, mapping, Request("exact"), "certificate")
        whole = time.perf_counter() - started
        print(f"| {buses} x {aggregators} | {solution.seconds['solve']:.3f} | "
              f"{solution.seconds['verify']:.3f} | {whole:.3f} | "
              f"{solution.verdict.text} |")  # fmt: skip


if __name__ == "__main__":
    main()
