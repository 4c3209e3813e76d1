"""Where solvers disagree: who is right, by whose answer was proved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from optimodels.benchmarking.entry import Benchmark, Entry
from optimodels.result import Row
from optimodels.verify.tolerances import MATERIAL

_ANSWERS = ("optimal", "infeasible", "unbounded")


def settled(entries: Sequence[Entry]) -> list[Entry]:
    """Refute what contradicts a proved answer of the same instance.

    A verdict judges one claim by itself; beside each other, an answer that nobody could prove may
    stand against one that was.
    """
    # A local optimum says nothing of others.
    proved = [e for e in entries if e.status == "solved" and not e.text.endswith("local optimum")]
    judged = []
    for entry in entries:
        against = next(
            (p for p in proved if entry.status == "unverified" and differ(entry, p)), None
        )
        if against is not None:
            reason = f"{against.solver} proved otherwise: {says(against)}"
            text = f"refuted: {reason}"
            entry = replace(entry, status="refuted", verdict="refuted", text=text, reason=reason)
        judged.append(entry)
    return judged


def differ(one: Entry, other: Entry) -> bool:
    """Whether two answers to one instance contradict each other.

    Objectives differ where they are farther apart than the gaps that were asked for, or than what
    a true optimum may miss.
    """
    if one.stopped not in _ANSWERS or other.stopped not in _ANSWERS:
        return False
    if one.stopped != other.stopped:
        return True
    if one.objective is None or other.objective is None:
        return False
    allowed = max(MATERIAL, one.asked_gap or 0.0, other.asked_gap or 0.0)
    scale = max(1.0, abs(one.objective), abs(other.objective))
    return abs(one.objective - other.objective) > allowed * scale


def says(entry: Entry) -> str:
    """What a solver claims, in words."""
    if entry.objective is None or entry.stopped != "optimal":
        return entry.stopped
    return f"optimal, {entry.objective:.10g}"


def disagreements(benchmark: Benchmark) -> list[Row]:
    """Return a row per answer of every instance on which answers differ: what it says, what was
    found about it."""
    rows: list[Row] = []
    for instance in benchmark.instances:
        told = [entry for entry in benchmark.of(instance) if entry.stopped in _ANSWERS]
        if not any(differ(a, b) for a in told for b in told):
            continue
        for entry in told:
            found = entry.reason if entry.status == "refuted" else entry.text
            rows.append(
                {
                    "instance": instance,
                    "solver": entry.solver,
                    "says": says(entry),
                    "": entry.mark,
                    "settled by": found,
                }
            )
    return rows
