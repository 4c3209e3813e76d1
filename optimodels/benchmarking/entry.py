"""What a benchmark holds: one entry per instance and solver, its settings, the machine."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from optimodels.errors import CallError
from optimodels.files import BENCHMARK_FILE
from optimodels.result import MARKS

#: "solved" is an answer that was verified; an answer that is only a solver's word is "unverified".
Status = Literal[
    "solved", "unverified", "refuted", "time", "memory", "iterations", "interrupted", "error",
    "skipped",
]  # fmt: skip
STATUSES: tuple[Status, ...] = Status.__args__  # type: ignore[attr-defined]

#: What is compared: from the data to the solver's answer. Verification is the same code for all.
MEASURED = ("build", "hand_over", "solve", "read")

#: To be raised when the meaning of what is stored changes.
FORMAT = 1


@dataclass(frozen=True)
class Settings:
    """How a race is run: ``time_limit`` in seconds per problem, ``memory_limit`` in GiB;
    ``shift`` in seconds is that of the shifted geometric mean."""

    repeat: int = 5
    threads: int = 1
    time_limit: float = 60.0
    memory_limit: float | None = None
    seed: int = 1
    shift: float = 0.1

    def __post_init__(self) -> None:
        """Raise CallError where a setting makes no race."""
        wrong = [
            name
            for name, fine in (
                ("repeat", self.repeat >= 1),
                ("threads", self.threads >= 1),
                ("time_limit", 0 < self.time_limit < math.inf),
                ("memory_limit", self.memory_limit is None or self.memory_limit > 0),
                ("shift", 0 <= self.shift < math.inf),
            )
            if not fine
        ]
        if wrong:
            raise CallError(f"a benchmark cannot run with {wrong[0]} {getattr(self, wrong[0])!r}")


@dataclass(frozen=True)
class Entry:
    """One solver on one instance, of the class of the model's main problem.

    ``seconds`` holds the counted repetitions by station, ``verify`` what verification took the
    first time (the same claim is not judged again), ``peak`` the MiB that its process held
    at most, ``cores`` processor time over wall time: how many it really used.
    """

    instance: str
    solver: str
    status: Status
    problem_class: str = ""
    reason: str = ""
    used: Mapping[str, Any] = field(default_factory=dict)
    stopped: str = ""
    objective: float | None = None
    bound: float | None = None
    gap: float | None = None
    asked_gap: float | None = None
    verdict: str = ""
    text: str = ""
    fingerprint: str = ""
    seconds: Sequence[Mapping[str, float]] = ()
    verify: float | None = None
    peak: float | None = None
    cores: float | None = None

    @property
    def times(self) -> list[float]:
        """Seconds from data to answer of every counted repetition."""
        return [sum(one.get(name, 0.0) for name in MEASURED) for one in self.seconds]

    @property
    def median(self) -> float | None:
        return statistics.median(self.times) if self.seconds else None

    @property
    def quartiles(self) -> tuple[float, float]:
        """First and third quartile of the times; there must be repetitions."""
        return quartiles(self.times)

    @property
    def solved(self) -> bool:
        return self.status == "solved" and bool(self.seconds)

    @property
    def mark(self) -> str:
        return MARKS.get(self.verdict, "-")

    def station(self, name: str) -> float | None:
        """Return the median seconds of one station."""
        if not self.seconds:
            return None
        return statistics.median(one.get(name, 0.0) for one in self.seconds)


@dataclass(frozen=True)
class Benchmark:
    """A race that was run; ``instances`` and ``solvers`` are in the order of the race."""

    settings: Settings
    environment: Mapping[str, str]
    entries: tuple[Entry, ...]

    @property
    def instances(self) -> list[str]:
        return list(dict.fromkeys(entry.instance for entry in self.entries))

    @property
    def solvers(self) -> list[str]:
        return list(dict.fromkeys(entry.solver for entry in self.entries))

    @property
    def classes(self) -> list[str]:
        return sorted({entry.problem_class for entry in self.entries})

    def only(self, problem_class: str) -> Benchmark:
        """Return its part of one class of problems, without solvers that do not take it."""
        entries = [entry for entry in self.entries if entry.problem_class == problem_class]
        able = {entry.solver for entry in entries if entry.status != "skipped"}
        return replace(self, entries=tuple(e for e in entries if e.solver in able))

    def of(self, instance: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.instance == instance]

    def by(self, solver: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.solver == solver]

    @property
    def interrupted(self) -> str:
        """After which part of its instances it was interrupted, or nothing."""
        return self.environment.get("interrupted", "")

    @property
    def exit_code(self) -> int:
        """130 where it was interrupted, 1 where a claim was refuted, 5 where nobody solved
        anything."""
        if self.interrupted:
            return 130
        if any(entry.status == "refuted" for entry in self.entries):
            return 1
        return 0 if any(entry.solved for entry in self.entries) else 5

    def as_json(self) -> str:
        whole = {
            "format": FORMAT,
            "settings": asdict(self.settings),
            "environment": dict(self.environment),
            "entries": [asdict(entry) for entry in self.entries],
        }
        return json.dumps(whole, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def read_benchmark(folder: Path) -> Benchmark:
    """Read the benchmark in a folder; raises CallError where there is none that can be read."""
    path = folder / BENCHMARK_FILE
    try:
        whole = json.loads(path.read_text("utf-8"))
        if whole["format"] != FORMAT:
            raise CallError(f"{path}: of format {whole['format']}, this version reads {FORMAT}")
        from pydantic import TypeAdapter

        del whole["format"]
        benchmark = TypeAdapter(Benchmark).validate_python(whole)
        seconds = [value for e in benchmark.entries for one in e.seconds for value in one.values()]
        if not all(0 <= value < math.inf for value in seconds):
            raise CallError(f"{path} cannot be read: it holds times that are none")
        return benchmark
    except FileNotFoundError:
        raise CallError(
            f"{str(folder)!r} holds no benchmark; 'optimodels bench' makes one"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CallError(f"{path} is no benchmark that can be read") from error


def quartiles(times: Sequence[float]) -> tuple[float, float]:
    if len(times) < 2:
        return times[0], times[0]
    first, _, third = statistics.quantiles(times, n=4, method="inclusive")
    return first, third
