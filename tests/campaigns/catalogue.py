"""The campaigns, and their command: run one and write what it found to standard output."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from optimodels.cli.output import own_output
from tests.campaigns import configs, cross_solver, faults, metamorphic, verifier
from tests.campaigns.ledger import CHUNK, Kept, code, run
from tests.campaigns.tally import Trial, written


@dataclass(frozen=True)
class Part:
    """One table of a campaign: a trial, over how many seeds, and how its counts are laid out."""

    title: str
    trial: Trial
    count: int
    first: str
    columns: tuple[str, ...] = ()
    #: Seeds that a worker takes at once.
    at_once: int = CHUNK
    #: What is tried at a seed, where a report should say how many of these were distinct.
    text: Callable[[int], str] | None = None
    #: What its figures rest on, for the hash of the code; all where nothing is named.
    reached: tuple[str, ...] = ()


#: Problems that no case states reach these and nothing else.
SOLVING = (
    *(f"optimodels.{name}" for name in (
        "__init__", "arrays", "errors", "expression", "form", "model", "processes", "result",
        "solvers", "threads", "verify",
    )),
    *(f"tests.campaigns.{name}" for name in (
        "__init__", "cross_solver", "enumerated", "planted", "stated", "tally", "truth",
    )),
)  # fmt: skip
JUDGING = (*SOLVING, "tests.campaigns.verifier")


#: Name: what it shows, and its parts with the counts of the long run.
CAMPAIGNS: dict[str, tuple[str, tuple[Part, ...]]] = {
    "cross-solver": (
        "Every capable solver on problems with planted answers: no wrong claim without a flag",
        (
            Part("Linear and quadratic", cross_solver.linear, 100_000, "solver, problem",
                 cross_solver.COLUMNS, reached=SOLVING),
            Part("Whole numbers", cross_solver.whole, 10_000, "solver, problem",
                 cross_solver.COLUMNS, reached=SOLVING),
            Part("Cones and quadratic rows", cross_solver.curved, 5_000, "solver, problem",
                 cross_solver.COLUMNS, reached=SOLVING),
        ),
    ),
    "verifier": (
        "Planted faults and planted truths: every fault caught, no false alarm",
        (
            Part("True claims", verifier.truths, 10_000, "claim", reached=JUDGING),
            Part("Claims with a fault", verifier.faults, 16_000, "fault", verifier.COLUMNS,
                 reached=JUDGING),
            Part("Multipliers", verifier.bounds, 10_000, "multipliers", reached=JUDGING),
        ),
    ),
    "metamorphic": (
        "What must not matter: order, names, units, language, the hour at which a day begins",
        (
            Part("Transcriptions", metamorphic.transcriptions, 2_000, "case"),
            Part("Orders and units", metamorphic.orders, 2_000, "case"),
            Part("Orders and names in the case", metamorphic.names, 2_000, "case"),
            Part("Hours, prices and loads", metamorphic.shifts, 1_000, "change"),
        ),
    ),
    "configs": (
        "Mutated cases: no traceback, every mistake with file, line and column",
        (
            Part("Reading", configs.reading, 100_000, "family", text=configs.read_text),
            Part("Solving", configs.solving, 5_000, "family", text=configs.solved_text),
        ),
    ),
    "faults": (
        "Kills, lost workers, full disks, no memory: nothing lost, nothing doubled",
        (
            Part("Kills", faults.kills, 200, "what", at_once=1),
            Part("Lost workers", faults.workers, 200, "what", at_once=1),
            Part("Full disk", faults.disk, 200, "what", at_once=1),
            Part("No memory", faults.memory, 200, "what", at_once=1),
        ),
    ),
}  # fmt: skip


def main() -> int:
    said = "Run a campaign and write what it found as Markdown."
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns", description=said)
    parser.add_argument("name", choices=CAMPAIGNS)
    parser.add_argument(
        "--scale", default="1", help="part of the long run's counts; 0.1,1,0: each table's own"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="what is done, to go on from in a later run"
    )
    parser.add_argument("--first", type=int, default=0, help="first seed")
    asked = parser.parse_args()
    title, parts = CAMPAIGNS[asked.name]
    scales = [float(word) for word in asked.scale.split(",")] * (
        1 if "," in asked.scale else len(parts)
    )
    part_of = "" if asked.scale == "1" else f" --scale {asked.scale}"
    print(f"# {title}\n\nMade by `python -m tests.campaigns {asked.name}{part_of}`.\n")
    broken = 0
    for part, scale in zip(parts, scales, strict=True):
        if not scale:
            continue
        print(part.title, file=sys.stderr)
        count = max(1, round(part.count * scale))
        seeds = range(asked.first, asked.first + count)
        today = code(part.reached)  # as it is when the work begins
        kept = Kept(asked.keep, part.title, today) if asked.keep else None
        with own_output():
            tally = run(part.trial, seeds, max(1, asked.workers), part.at_once, kept)
        about = inspect.getdoc(part.trial)
        of = f", {len({*map(part.text, seeds)})} distinct texts" if part.text else ""
        print(f"## {part.title}: {count} seeds{of}\n\n{about}\n")
        print(written(tally, part.first, part.columns, today), flush=True)
        broken += len(tally.broken)
    return 1 if broken else 0
