"""What a campaign counts, and how that is written."""

from __future__ import annotations

import math
import os
import platform
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from optimodels import __version__

#: Broken promises that a report names one by one; all are counted.
NAMED = 40
#: Seeds that it names for each kind of finding.
SEEDS = 5


@dataclass
class Tally:
    """What a campaign found: counts by (row, column), findings by kind, and the worst values.

    ``noted`` counts a kind's findings and ``first`` holds its smallest seeds. ``worst`` keeps the
    largest value seen under a name, ``days`` when the trials were, and ``seconds`` what they took,
    one after another. A campaign has failed where ``broken`` is not empty.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
    first: dict[str, list[int]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    worst: dict[str, float] = field(default_factory=dict)
    days: set[str] = field(default_factory=set)
    seconds: float = 0.0

    def count(self, row: str, column: str, times: int = 1) -> None:
        self.counts[row, column] += times

    def largest(self, name: str, value: float) -> None:
        """Keep the largest; what is no number breaks the seed's promise, as every error does."""
        if not math.isfinite(value):
            raise ValueError(f"{name}: {value}")
        self.worst[name] = max(value, self.worst.get(name, value))

    def note(self, kind: str, seed: int) -> None:
        self.noted[kind] += 1
        self._name(kind, [seed])

    def _name(self, kind: str, seeds: list[int]) -> None:
        self.first[kind] = sorted({*self.first.get(kind, ()), *seeds})[:SEEDS]

    def add(self, other: Tally) -> None:
        self.counts.update(other.counts)
        self.noted.update(other.noted)
        for kind, seeds in other.first.items():
            self._name(kind, seeds)
        self.broken += other.broken
        for name, value in other.worst.items():
            self.largest(name, value)
        self.days |= other.days
        self.seconds += other.seconds

    def as_json(self) -> dict[str, Any]:
        """All but what is broken, which nobody keeps."""
        return {
            "counts": [[row, column, n] for (row, column), n in self.counts.items()],
            "noted": self.noted,
            "first": self.first,
            "worst": self.worst,
            "days": sorted(self.days),
            "seconds": self.seconds,
        }

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Tally:
        return cls(
            counts=Counter({(row, column): n for row, column, n in said["counts"]}),
            noted=Counter(said["noted"]),
            first=said["first"],
            worst=said["worst"],
            days=set(said["days"]),
            seconds=said["seconds"],
        )


def kind(message: str) -> str:
    """What a message says without the figures of its own problem."""
    return re.sub(r"-?\d[\d.e+-]*", "..", message)


#: One seed of a campaign, counted into the tally that it is given.
Trial = Callable[[int, Tally], None]


def table(counts: Counter[tuple[str, str]], first: str, columns: Iterable[str] = ()) -> list[str]:
    """Counts as a Markdown table: rows and, where not named, columns in order of appearance."""
    rows = list(dict.fromkeys(row for row, _ in counts))
    shown = list(columns) or list(dict.fromkeys(column for _, column in counts))
    lines = [f"| {first} | " + " | ".join(shown) + " |", "|---|" + "---:|" * len(shown)]
    for row in sorted(rows):
        lines.append(f"| {row} | " + " | ".join(str(counts[row, c] or "") for c in shown) + " |")
    return lines


def written(tally: Tally, first: str, columns: Iterable[str], code: str) -> str:
    """The tally as the Markdown that stands below a report's heading."""
    days = " to ".join(dict.fromkeys([min(tally.days), max(tally.days)]))
    lines = [
        f"{days}, optimodels {__version__}, code {code}, {os.cpu_count()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}; "
        f"{tally.seconds / 60:.1f} minutes of work, all workers together.",
        "",
        f"**{len(tally.broken)} broken promises.**",
        "",
        *table(tally.counts, first, columns),
    ]
    if tally.worst:
        lines += ["", "| largest seen | |", "|---|---:|"]
        lines += [f"| {name} | {value:.2g} |" for name, value in sorted(tally.worst.items())]
    if tally.broken:
        lines += ["", f"### Broken: {len(tally.broken)}", ""]
        lines += [f"- {line}" for line in tally.broken[:NAMED]]
        if len(tally.broken) > NAMED:
            lines.append(f"- and {len(tally.broken) - NAMED} more of these kinds")
    if tally.noted:
        lines += ["", "| noted | times | first seeds |", "|---|---:|---|"]
        for kind, times in sorted(tally.noted.items()):
            lines.append(f"| {kind} | {times} | {', '.join(map(str, tally.first[kind]))} |")
    return "\n".join(lines) + "\n"
