"""Runs a campaign over its seeds on all workers, counts what came out and writes it down."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import optimodels
from optimodels import __version__
from optimodels.runs.pool import local_pool, results
from optimodels.runs.work import prepare_worker

#: Seeds that a worker takes at once.
CHUNK = 50
#: Broken promises that a report names one by one; all are counted.
NAMED = 40
#: Seeds that it names for each kind of finding.
SEEDS = 5


@dataclass
class Tally:
    """What a campaign found: counts by (row, column), and seeds by kind of finding.

    ``worst`` keeps the largest value seen under a name, ``days`` when the trials were, and
    ``seconds`` what they took, one after another. A campaign has failed where ``broken`` is not
    empty.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    notes: dict[str, list[int]] = field(default_factory=dict)
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
        self.notes.setdefault(kind, []).append(seed)

    def add(self, other: Tally) -> None:
        self.counts.update(other.counts)
        for kind, seeds in other.notes.items():
            self.notes.setdefault(kind, []).extend(seeds)
        self.broken += other.broken
        for name, value in other.worst.items():
            self.largest(name, value)
        self.days |= other.days
        self.seconds += other.seconds


@cache
def code() -> str:
    """A short hash of what makes the figures: the package and the campaigns, file by file."""
    digest = hashlib.sha256()
    for root in (Path(optimodels.__file__).parent, Path(__file__).parent):
        for file in sorted(root.rglob("*")):
            # Numba keeps there what it compiled, as Python does.
            if file.is_file() and "__pycache__" not in file.parts:
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                digest.update(
                    f"{root.name}/{file.relative_to(root).as_posix()} {content}\n".encode()
                )
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Kept:
    """A file of tallies, a line for each chunk of seeds of a part: a campaign of hours goes on
    where it was stopped. What broke a promise is tried again, and so is what other code found."""

    path: Path
    part: str

    def read(self) -> list[tuple[list[int], Tally]]:
        """The chunks of this part that are done: their seeds and what they came to."""
        found, others = [], 0
        for line in self.path.read_text().splitlines() if self.path.exists() else ():
            said = json.loads(line)
            if said.pop("part") != self.part:
                continue
            if said.pop("code", "") == code():
                counts = Counter({(row, column): n for row, column, n in said.pop("counts")})
                seeds, days = said.pop("seeds"), set(said.pop("days"))
                found.append((seeds, Tally(counts, days=days, **said)))
            else:
                others += 1
        if others:
            print(f"{self.path}: {others} lines of other code are left out", file=sys.stderr)
        return found

    def add(self, seeds: Sequence[int], tally: Tally) -> None:
        if tally.broken:
            return
        said = {
            "part": self.part,
            "code": code(),
            "seeds": list(seeds),
            "counts": [[row, column, n] for (row, column), n in tally.counts.items()],
            "notes": tally.notes,
            "worst": tally.worst,
            "days": sorted(tally.days),
            "seconds": tally.seconds,
        }
        with self.path.open("a") as file:
            file.write(json.dumps(said) + "\n")


#: One seed of a campaign, counted into the tally that it is given.
Trial = Callable[[int, Tally], None]


def _work(trial: Trial, seeds: Sequence[int]) -> Tally:
    tally, started = Tally(days={time.strftime("%Y-%m-%d")}), time.monotonic()
    for seed in seeds:
        try:
            trial(seed, tally)
        except Exception as error:  # one seed's mistake, ours or not, is told and costs no other
            said = " ".join(f"{type(error).__name__}: {error}".split())
            tally.broken.append(f"seed {seed}: {said[:300]}")
    tally.seconds = time.monotonic() - started
    return tally


def run(
    trial: Trial,
    seeds: range,
    workers: int = 0,
    at_once: int = CHUNK,
    kept: Kept | None = None,
) -> Tally:
    """Try every seed; the counts are the same for any number of workers.

    A seed that ends its worker is found among its chunk, and is a broken promise. Without workers
    this process does the work. Seeds that are ``kept`` already are not tried again.
    """
    code()  # as it is when the work begins
    total = Tally()
    left = dict.fromkeys(seeds)
    for chunk, came in kept.read() if kept else ():
        if all(seed in left for seed in chunk):
            total.add(came)
            for seed in chunk:
                del left[seed]
    ordered = list(left)
    if not workers:
        total.add(_work(trial, ordered))
        return total
    chunks: list[Sequence[int]] = [
        ordered[k : k + at_once] for k in range(0, len(ordered), at_once)
    ]
    started, done = time.monotonic(), 0
    with local_pool(workers, prepare_worker, 1) as pool:
        while chunks:
            again = []
            for (_, chunk), came in results(pool, _work, iter([(trial, c) for c in chunks])):
                done += len(chunk)
                if isinstance(came, Tally):
                    total.add(came)
                    if kept:
                        kept.add(chunk, came)
                elif len(chunk) > 1:
                    done -= len(chunk)
                    again += [chunk[k : k + 1] for k in range(len(chunk))]
                else:
                    total.broken.append(f"seed {chunk[0]}: {came}")
                rate = done / (time.monotonic() - started)
                print(f"\r{done} of {len(ordered)}, {rate:.1f}/s ", end="", file=sys.stderr)
            chunks = again
    print(file=sys.stderr)
    total.broken.sort()
    return total


def table(counts: Counter[tuple[str, str]], first: str, columns: Iterable[str] = ()) -> list[str]:
    """Counts as a Markdown table: rows and, where not named, columns in order of appearance."""
    rows = list(dict.fromkeys(row for row, _ in counts))
    shown = list(columns) or list(dict.fromkeys(column for _, column in counts))
    lines = [f"| {first} | " + " | ".join(shown) + " |", "|---|" + "---:|" * len(shown)]
    for row in sorted(rows):
        lines.append(f"| {row} | " + " | ".join(str(counts[row, c] or "") for c in shown) + " |")
    return lines


def written(tally: Tally, first: str, columns: Iterable[str]) -> str:
    """The tally as the Markdown that stands below a report's heading."""
    days = " to ".join(dict.fromkeys([min(tally.days), max(tally.days)]))
    lines = [
        f"{days}, optimodels {__version__}, code {code()}, {os.cpu_count()} cores, "
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
    if tally.notes:
        lines += ["", "| noted | times | first seeds |", "|---|---:|---|"]
        for kind, seeds in sorted(tally.notes.items()):
            first = ", ".join(map(str, sorted(seeds)[:SEEDS]))
            lines.append(f"| {kind} | {len(seeds)} | {first} |")
    return "\n".join(lines) + "\n"
