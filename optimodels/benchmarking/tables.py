"""A benchmark as tables for a reader."""

from __future__ import annotations

from optimodels.benchmarking.against import against
from optimodels.benchmarking.entry import MEASURED, Benchmark, Entry
from optimodels.benchmarking.scores import (
    PENALTY,
    VIRTUAL_BEST,
    common_instances,
    means,
    statuses,
    wins,
)
from optimodels.benchmarking.settle import disagreements
from optimodels.comparison import Table
from optimodels.result import MARKS, Row

_MARKS = ", ".join(f"{mark} {word}" for word, mark in MARKS.items())


def tables(benchmark: Benchmark, before: Benchmark | None = None) -> list[Table]:
    """Return the tables of a benchmark, and of what has changed since an earlier one."""
    settings = benchmark.settings
    found = [_instance(benchmark, name) for name in benchmark.instances]
    told = disagreements(benchmark)
    several = any(sum(bool(e.verdict) for e in benchmark.of(i)) > 1 for i in benchmark.instances)
    agreed = "" if told or not several else "Nobody disagrees: all answers to each are the same."
    found.append(Table("How often each solver came to which end", statuses(benchmark), agreed))
    if told:
        found.append(Table("Disagreements, settled by what was proved", told))
    shift = f"Seconds, shifted geometric mean, shift {settings.shift:g} s."
    common = len(common_instances(benchmark))
    found.append(
        Table(
            "Means over the instances",
            means(benchmark),
            f"{shift} plain: over what it solved; penalised: over what it takes, not "
            f"solved counts as {PENALTY:g} x the limit of {settings.time_limit:g} s; "
            f"intersection: over the {common} that all solved who solved any; {VIRTUAL_BEST}: the "
            "best at each.",
        )
    )
    if len(benchmark.solvers) > 1:
        note = "Instances at which the row beats the column: its quartiles lie below, or it alone "
        found.append(Table("Pairwise wins", wins(benchmark), note + "solved it."))
    if before is not None:
        changes = against(benchmark, before)
        note = "95 % interval of the ratio now / before, percentile bootstrap over repetitions."
        note = note if changes else "No solver was raced on the same instance in both."
        found.append(Table("Against the earlier benchmark", changes, note))
    found.append(Table("Environment", _environment(benchmark)))
    return found


def _instance(benchmark: Benchmark, name: str) -> Table:
    def order(entry: Entry) -> tuple[bool, float]:
        return (not entry.solved, entry.median if entry.median is not None else 0.0)

    rows: list[Row] = []
    entries = sorted(benchmark.of(name), key=order)
    for entry in entries:
        row: Row = {"solver": f"{entry.mark} {entry.solver}", "seconds": None, "quartiles": None}
        if entry.median is not None:
            first, third = entry.quartiles
            row["seconds"] = short(entry.median)
            row["quartiles"] = f"{first:.3g}-{third:.3g}"
        row |= {
            "objective": entry.objective if entry.stopped == "optimal" else entry.stopped or None,
            "gap": entry.gap,
            "verdict": entry.text.partition(":")[0] if entry.solved else entry.status,
            "MiB": entry.peak,
            "cores": entry.cores,
            **{name: short(entry.station(name)) for name in MEASURED},
            "verify": short(entry.verify),
        }
        rows.append(row)
    if any(not entry.solved for entry in entries):
        for entry, row in zip(entries, rows, strict=True):
            row["why"] = "" if entry.solved else entry.reason
    return Table(
        name,
        rows,
        f"Seconds from data to answer, median of {benchmark.settings.repeat}, and by station; "
        f"verify: apart from them, the first time. {_MARKS}. gap: relative; MiB: the most that the "
        "solver's process held; cores: processor time over wall time, verification included.",
    )


def short(seconds: float | None) -> float | None:
    """Three digits: no clock of a shared machine is worth more."""
    return None if seconds is None else float(f"{seconds:.3g}")


def _environment(benchmark: Benchmark) -> list[Row]:
    settings = vars(benchmark.settings)
    # One word may mean another language on another instance.
    used: dict[str, dict[str, None]] = {}
    for entry in benchmark.entries:
        if entry.used:
            way = f"{entry.used['name']} {entry.used['version']} through {entry.used['via']}"
            used.setdefault(f"solver {entry.solver}", {})[way] = None
    solvers = {name: ", ".join(ways) for name, ways in used.items()}
    said = {**benchmark.environment, **settings, **solvers}
    return [{"what": k.replace("_", " "), "is": v} for k, v in said.items() if v is not None]


def entry_rows(benchmark: Benchmark) -> list[Row]:
    """Return all entries as one long table, times unrounded."""
    return [
        {
            "instance": entry.instance,
            "class": entry.problem_class,
            "solver": entry.solver,
            "status": entry.status,
            "seconds": entry.median,
            "first_quartile": entry.quartiles[0] if entry.seconds else None,
            "third_quartile": entry.quartiles[1] if entry.seconds else None,
            **{name: entry.station(name) for name in MEASURED},
            "verify": entry.verify,
            "stopped": entry.stopped,
            "objective": entry.objective,
            "bound": entry.bound,
            "gap": entry.gap,
            "verdict": entry.text,
            "reason": entry.reason,
            "peak_mib": entry.peak,
            "cores": entry.cores,
        }
        for entry in benchmark.entries
    ]
