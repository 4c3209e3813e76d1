"""What a race says about its solvers: who solved what, shifted means, wins, profiles.

Times are medians over the repetitions, from data to answer; only verified answers count.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from optimodels.benchmarking.entry import STATUSES, Benchmark, Entry
from optimodels.result import Row

#: In the penalised mean an instance that was not solved counts as so many time limits.
PENALTY = 10.0
VIRTUAL_BEST = "virtual best"


def shifted_mean(times: Sequence[float], shift: float) -> float:
    """Return the shifted geometric mean exp(mean(log(t + s))) - s of seconds; no clamp."""
    return math.exp(statistics.fmean(math.log(t + shift) for t in times)) - shift


def best_times(benchmark: Benchmark) -> dict[str, float]:
    """Return the best median of every instance that somebody solved."""
    return {
        instance: min(times.values()) for instance, times in medians(benchmark).items() if times
    }


def medians(benchmark: Benchmark) -> dict[str, dict[str, float]]:
    """Return the median seconds of those who solved it, by instance and solver."""
    return {
        instance: {e.solver: e.median for e in benchmark.of(instance)
                   if e.solved and e.median is not None}
        for instance in benchmark.instances
    }  # fmt: skip


def statuses(benchmark: Benchmark) -> list[Row]:
    """Return how often each solver came to which end."""
    seen = [s for s in STATUSES if any(entry.status == s for entry in benchmark.entries)]
    rows: list[Row] = []
    for solver in benchmark.solvers:
        own = [entry.status for entry in benchmark.by(solver)]
        rows.append({"solver": solver, **{status: own.count(status) for status in seen}})
    return rows


def means(benchmark: Benchmark) -> list[Row]:
    """Return the shifted geometric mean of each solver in three ways, best penalised one first.

    ``plain``: over what it solved itself. ``penalised``: over every instance that it takes, one
    that it did not solve counting as PENALTY time limits. ``intersection``: over the
    instances that everybody solved who solved anything. ``best at`` counts the instances at which
    nobody was faster.
    """
    shift = benchmark.settings.shift
    solved = medians(benchmark)
    common = common_instances(benchmark)
    best = best_times(benchmark)
    lost = PENALTY * benchmark.settings.time_limit
    rows: list[Row] = []
    for solver in [*benchmark.solvers, VIRTUAL_BEST]:
        # Who was never asked, because it cannot take the problem, has no entry at all.
        takes = {e.instance for e in benchmark.by(solver) if e.status != "skipped"}
        own = {
            instance: best.get(instance) if solver == VIRTUAL_BEST else times.get(solver)
            for instance, times in solved.items()
            if solver == VIRTUAL_BEST or instance in takes
        }
        there = [time for time in own.values() if time is not None]
        all_of_them = [lost if time is None else time for time in own.values()]
        shared = [time for instance in common if (time := own.get(instance)) is not None]
        rows.append(
            {
                "solver": solver,
                "solved": len(there),
                "of": len(own),
                "plain": shifted_mean(there, shift) if there else None,
                "penalised": shifted_mean(all_of_them, shift) if all_of_them else None,
                "intersection": shifted_mean(shared, shift) if shared else None,
                "best at": sum(time is not None and time == best.get(i) for i, time in own.items()),
            }
        )

    def order(row: Row) -> tuple[float, bool]:
        return row["penalised"] or math.inf, row["solver"] != VIRTUAL_BEST

    return sorted(rows, key=order)


def common_instances(benchmark: Benchmark) -> list[str]:
    """Return the instances that everybody solved who solved anything."""
    solved = medians(benchmark)
    able = {solver for times in solved.values() for solver in times}
    return [instance for instance, times in solved.items() if able and able == times.keys()]


def wins(benchmark: Benchmark) -> list[Row]:
    """Return at how many instances the solver of a row beats that of a column.

    It wins where it alone solved the instance, or where its third quartile is below the other's
    first: noise is no win.
    """
    rows: list[Row] = []
    entries = {(e.instance, e.solver): e for e in benchmark.entries}
    for solver in benchmark.solvers:
        row: Row = {"faster": solver}
        for other in benchmark.solvers:
            row[other] = None if other == solver else sum(
                _beats(entries[instance, solver], entries[instance, other])
                for instance in benchmark.instances
                if (instance, solver) in entries and (instance, other) in entries
            )  # fmt: skip
        rows.append(row)
    return rows


def _beats(one: Entry, other: Entry) -> bool:
    if not one.solved or other.status == "skipped":
        return False
    return not other.solved or one.quartiles[1] < other.quartiles[0]


def profiles(benchmark: Benchmark) -> Mapping[str, list[tuple[float, float]]]:
    """Return each solver's performance profile (Dolan and Moré, 2002): its corners (ratio to the
    best time, share of all instances solved within it)."""
    best = best_times(benchmark)
    solved = medians(benchmark)
    number = len(benchmark.instances)
    drawn = {}
    for solver in benchmark.solvers:
        ratios = sorted(
            times[solver] / best[instance] for instance, times in solved.items() if solver in times
        )
        drawn[solver] = [(ratio, (k + 1) / number) for k, ratio in enumerate(ratios)]
    return drawn


def cactus(benchmark: Benchmark) -> Mapping[str, list[tuple[int, float]]]:
    """Return for each solver the time within which it solves its k easiest instances, each."""
    solved = medians(benchmark)
    return {
        solver: [
            (k + 1, time)
            for k, time in enumerate(sorted(t[solver] for t in solved.values() if solver in t))
        ]
        for solver in benchmark.solvers
    }


def comparison(benchmark: Benchmark) -> list[Row]:
    """Return how each solver did at a glance, the most solved and fastest first: what it solved,
    the geometric mean of its times over the best ones, the largest peak of memory."""
    best, solved = best_times(benchmark), medians(benchmark)
    rows: list[Row] = []
    for solver in benchmark.solvers:
        ratios = [times[solver] / best[i] for i, times in solved.items() if solver in times]
        peaks = [e.peak for e in benchmark.by(solver) if e.solved and e.peak is not None]
        ends = [e.status for e in benchmark.by(solver) if not e.solved]
        rows.append(
            {
                "solver": solver,
                "solved": f"{len(ratios)} of {len(solved)}",
                "times the best": float(f"{shifted_mean(ratios, 0.0):.3g}") if ratios else None,
                "best at": sum(ratio == 1.0 for ratio in ratios),
                "peak MiB": round(max(peaks)) if peaks else None,
                "otherwise": ", ".join(f"{ends.count(e)} {e}" for e in dict.fromkeys(ends)),
            }
        )

    def order(row: Row) -> tuple[int, float]:
        return -int(row["solved"].split()[0]), row["times the best"] or math.inf

    return sorted(rows, key=order)
