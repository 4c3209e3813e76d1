"""Runs a campaign over its seeds on all workers, and keeps what is done."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import optimodels
from optimodels.files import write_whole
from optimodels.runs.pool import local_pool, results
from optimodels.runs.work import prepare_worker
from tests.campaigns.tally import Tally, Trial

#: Seeds that a worker takes at once.
CHUNK = 50


@cache
def code(reached: tuple[str, ...] = ()) -> str:
    """A short hash of what makes the figures, file by file: the package and the campaigns, or what
    the figures rest on of them (``optimodels.NAME``, ``tests.campaigns.NAME``)."""
    digest = hashlib.sha256()
    for root, package in (
        (Path(optimodels.__file__).parent, "optimodels"),
        (Path(__file__).parent, "tests.campaigns"),
    ):
        for file in sorted(root.rglob("*")):
            within = file.relative_to(root)
            name = f"{package}.{within.parts[0].removesuffix('.py')}"
            # Numba keeps there what it compiled, as Python does; what tests a campaign is none.
            beside = "__pycache__" in file.parts or name.startswith("tests.campaigns.test_")
            if file.is_file() and not beside and (not reached or name in reached):
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                digest.update(f"{package}/{within.as_posix()} {content}\n".encode())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Kept:
    """A file of tallies, a line for each chunk of seeds of a part: a campaign of hours goes on
    where it was stopped. What broke a promise is tried again, and so is what other code found:
    ``code`` is the hash of today's."""

    path: Path
    part: str
    code: str

    def read(self) -> list[tuple[list[int], Tally]]:
        """The chunks of this part that are done: their seeds and what they came to."""
        found, others = [], 0
        for line in self._lines():
            said = json.loads(line)
            if self._is_mine(said):
                found.append((_seeds(said), Tally.from_json(said)))
            else:
                others += said["part"] == self.part
        if others:
            print(f"{self.path}: {others} lines of other code are left out", file=sys.stderr)
        return found

    def add(self, seeds: Sequence[int], tally: Tally) -> None:
        if not tally.broken:
            with self.path.open("a") as file:
                file.write(self._line(seeds, tally))

    def replace(self, seeds: Sequence[int], tally: Tally) -> None:
        """One line for all seeds in place of those of their chunks."""
        lines, whole = [], {*seeds}
        for line in self._lines():
            said = json.loads(line)
            if not (self._is_mine(said) and whole.issuperset(_seeds(said))):
                lines.append(line)
        write_whole(self.path, "".join([*lines, self._line(seeds, tally)]))

    def _lines(self) -> list[str]:
        return self.path.read_text().splitlines(keepends=True) if self.path.exists() else []

    def _is_mine(self, said: dict[str, Any]) -> bool:
        return (said["part"], said["code"]) == (self.part, self.code)

    def _line(self, seeds: Sequence[int], tally: Tally) -> str:
        said = {"part": self.part, "code": self.code, "seeds": _stretches(seeds)}
        return json.dumps(said | tally.as_json()) + "\n"


def _seeds(said: dict[str, Any]) -> list[int]:
    return [k for first, last in said["seeds"] for k in range(first, last + 1)]


def _stretches(seeds: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of each stretch without a hole."""
    ordered = sorted(seeds)
    breaks = [(a, b) for a, b in pairwise(ordered) if b > a + 1]
    first = [*ordered[:1], *(b for _, b in breaks)]
    last = [*(a for a, _ in breaks), *ordered[-1:]]
    return list(zip(first, last, strict=True))


def _named(seeds: Sequence[int]) -> str:
    return ", ".join(f"{first} to {last}" for first, last in _stretches(seeds))


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

    A worker that dies is a broken promise; then the seeds of its chunk are tried one by one, for
    it may have died of any or of all of them. Without workers this process does the work. Seeds
    that are ``kept`` already are not tried again.
    """
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
            tasks = iter([(trial, chunk) for chunk in chunks])
            for (_, chunk), came in results(pool, _work, tasks, attempts=1):
                if not isinstance(came, Tally):
                    of = f"seed {chunk[0]}" if len(chunk) == 1 else f"seeds {_named(chunk)}"
                    came = Tally(broken=[f"{of}: {came}"], days={time.strftime("%Y-%m-%d")})
                    again += [chunk[k : k + 1] for k in range(len(chunk)) if len(chunk) > 1]
                done += len(chunk)
                total.add(came)
                # At once: a run of hours with a broken promise is one to stop.
                for line in came.broken:
                    print(f"\n{line}", file=sys.stderr)
                if kept:
                    kept.add(chunk, came)
                rate = done / (time.monotonic() - started)
                print(f"\r{done} of {len(ordered)}, {rate:.1f}/s ", end="", file=sys.stderr)
            chunks = again
    print(file=sys.stderr)
    if kept and not total.broken:
        kept.replace(seeds, total)
    total.broken.sort()
    return total
