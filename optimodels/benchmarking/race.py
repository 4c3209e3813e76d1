"""The race on one instance: a process per solver, rounds in random order, limits from outside."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from time import perf_counter, process_time
from typing import Any

from optimodels.benchmarking.entry import Entry, Settings, Status
from optimodels.case import Case, choice
from optimodels.errors import OptimodelsError, UnavailableError
from optimodels.processes import Child, Line, how_it_died
from optimodels.result import Result
from optimodels.runs.work import prepare_worker
from optimodels.solvers.isolation import Guard
from optimodels.solvers.registry import Limits, all_solvers
from optimodels.threads import threads_held

_PRELOAD = ("optimodels.solvers.cvxpy_language", "optimodels.solvers.pyomo_language")


@dataclass(frozen=True)
class Contestant:
    """One solver on one instance: its word, and the case as it gets it."""

    instance: str
    solver: str
    problem_class: str
    case: Case


def race(
    field: Sequence[Contestant],
    settings: Settings,
    draws: random.Random,
    tell: Callable[[str, int], None],
) -> list[Entry]:
    """Return an entry per contestant, in their order.

    One of them works at a time. Who is refuted, breaks or meets a limit is not asked again.
    """
    with ExitStack() as stack:
        found: dict[str, Entry] = {}
        running: dict[str, Child] = {}
        for number in range(settings.repeat + 1):
            # A new order in every round: what the machine does meanwhile strikes all alike.
            for one in draws.sample(list(field), len(field)):
                if number == 0:
                    child = Child(_contest, [one.case, settings.threads], _PRELOAD)
                    running[one.solver] = stack.enter_context(child)
                elif one.solver not in running:
                    continue
                tell(one.solver, number)
                entry = _ask(one, running[one.solver])
                known = found.get(one.solver)
                if number == 0:
                    # It was the warm-up.
                    (warm,) = entry.seconds or ({},)
                    entry = replace(entry, seconds=(), verify=warm.get("verify"))
                elif known is not None:
                    entry = _joined(known, entry)
                found[one.solver] = entry
                if entry.status not in ("solved", "unverified"):
                    running.pop(one.solver).end()
        return [found[one.solver] for one in field]


def _joined(known: Entry, entry: Entry) -> Entry:
    """Add a repetition: the last answer stands, the times of all."""
    return replace(
        entry,
        seconds=[*known.seconds, *entry.seconds],
        verify=known.verify,
        cores=max(known.cores or 0.0, entry.cores or 0.0),
    )


def _ask(one: Contestant, child: Child) -> Entry:
    """Have a solver answer once, within its limits."""
    asked = choice(one.case)
    guard = Guard(Limits(time=asked.time_limit, memory=asked.memory_limit), _keeps_time(one))
    blank = Entry(one.instance, one.solver, "error", one.problem_class, asked_gap=asked.gap)
    child.send("answer")
    while True:
        try:
            message = guard.listen(child)
        except EOFError:
            died = f"its process died ({how_it_died(child.exit_code)})"
            return replace(blank, stopped="error", reason=died)
        if message is not None:
            kind, said = message
            if kind == "answer":
                return replace(blank, **said)
            if said == "solve":
                guard.begin()
            else:
                guard.pause()
        broken = guard.broken(child)
        if broken is not None:
            stopped, reason = broken
            status: Status = "time" if stopped == "time" else "memory"
            return replace(blank, status=status, stopped=stopped, reason=reason)


def _keeps_time(one: Contestant) -> bool:
    asked = choice(one.case)
    return any(
        solver.options.keeps("time")
        for solver in all_solvers()
        if solver.name == asked.name and asked.via in (None, solver.via)
    )


def _contest(line: Line, case: Case, threads: int) -> None:
    """Run in the process: answer as often as asked, say what begins."""
    prepare_worker(threads)
    while True:
        line.orders.get()
        line.send(("answer", _answer(line, case, threads)))


def _answer(line: Line, case: Case, threads: int) -> dict[str, Any]:
    from optimodels.study import solve

    def tell(stage: str, done: int, of: int, step: str) -> None:
        line.send(("step", step))

    started, busy = perf_counter(), _processor_time()
    try:
        with threads_held(threads):
            result = solve(case, isolate=False, progress=tell)
    except OptimodelsError as error:
        # A case's error stands for that of its solver, which needs no place in a file here.
        cause = error.__cause__ or error
        skipped = isinstance(cause, UnavailableError)
        return {"status": "skipped" if skipped else "error", "reason": _said(cause)}
    except MemoryError:
        return {"status": "memory", "reason": "out of memory"}
    except Exception as error:  # a fault of a model is its row's, not the race's
        return {"status": "error", "reason": f"{type(error).__name__}: {_said(error)}"[:500]}
    wall = perf_counter() - started
    return {
        **_told(result),
        "peak": _peak(),
        "cores": round((_processor_time() - busy) / wall, 2),
    }


def _told(result: Result) -> dict[str, Any]:
    """Return what an entry keeps of a result."""
    plain = result.as_json()
    ended: Mapping[str, Status] = {
        "optimal": "unverified", "infeasible": "unverified", "unbounded": "unverified",
        "time": "time", "memory": "memory", "iterations": "iterations",
        "interrupted": "interrupted", "error": "error",
    }  # fmt: skip
    status = ended[result.stopped]
    if result.verdict.status == "refuted":
        status = "refuted"
    elif status == "unverified" and result.verdict.status == "verified":
        status = "solved"
    reason = result.verdict.reason if result.verdict.status == "refuted" else result.message
    return {
        "status": status,
        "reason": "" if status == "solved" else reason or result.verdict.reason,
        "used": {name: plain["solver"][name] for name in ("name", "via", "version")},
        "verdict": result.verdict.status,
        "text": result.verdict.text,
        "seconds": [plain["seconds"]],
        **{name: plain[name] for name in ("stopped", "objective", "bound", "gap", "fingerprint")},
    }


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())


def _processor_time() -> float:
    """Seconds of processor time of this process and the programs that it has run."""
    import os

    spent = os.times()
    return process_time() + spent.children_user + spent.children_system


def _peak() -> float | None:
    """MiB that this process or a program that it has run held at most."""
    import sys

    try:
        import resource
    except ImportError:
        return None
    largest = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return round(largest / (2**20 if sys.platform == "darwin" else 2**10), 1)
