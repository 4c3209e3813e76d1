"""A benchmark's folder as a section of a report."""

from __future__ import annotations

from pathlib import Path

from optimodels.comparison import Table
from optimodels.errors import CallError
from optimodels.files import BENCHMARK_FILE
from optimodels.reporting.drawing import drawing_in
from optimodels.reporting.sections import Badge, Found, Picture, Section
from optimodels.reporting.text import counted

_CAPTIONS = {
    "performance-profile": "Share of the instances that a solver solves, verified, within a "
    "multiple of the best solver's time (Dolan and Moré, 2002); of all instances, also those whose "
    "class it does not take.",
    "cactus": "Instances that a solver solves, verified, easiest first, and the seconds for each.",
}


def raced(folder: Path) -> Found:
    """Return the section of the folder's benchmark, where there is one."""
    if not (folder / BENCHMARK_FILE).exists():
        return Found()
    from optimodels.benchmarking.entry import read_benchmark
    from optimodels.benchmarking.tables import entry_rows, tables

    try:
        benchmark = read_benchmark(folder)
    except CallError as error:
        return Found(left_out=[str(error)])
    made = tables(benchmark)
    whole = Table("All entries", entry_rows(benchmark))
    left_out: list[str] = []
    drawn = [
        Picture(path.name, svg, caption, whole)
        for name, caption in _CAPTIONS.items()
        if (path := folder / f"bench-{name}.svg").exists()
        and (svg := drawing_in(path, left_out)) is not None
    ]
    number = len(benchmark.instances)
    ends = [entry.status for entry in benchmark.entries]
    badges = [
        Badge(verdict, f"{ends.count(end)} of {len(ends)} answers {verdict}")
        for end, verdict in (("solved", "verified"), ("refuted", "refuted"),
                             ("unverified", "unverified"))
        if end in ends
    ]  # fmt: skip
    parts = [
        Section("By instance", tables=made[:number]),
        Section("Over all instances", tables=made[number:-1]),
        *([Section("Pictures", pictures=drawn)] if drawn else []),
        Section("All entries", tables=[whole], folded=True),
        Section("Environment", tables=made[-1:], folded=True),
    ]
    headline = f"{counted(number, 'instance')}, {counted(len(benchmark.solvers), 'solver')}"
    return Found([Section("Benchmark", headline, badges, parts=parts)], left_out)
