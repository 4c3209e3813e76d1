"""One case through all stations: read, state, solve, verify, report."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import Any

from optimodels.case import Case, choice
from optimodels.errors import DataError
from optimodels.model import Compute, Done, Inputs, Outcome, Program, Solve
from optimodels.result import Result, Solution, Stopped, Verdict, weakest
from optimodels.solvers import (
    Limits,
    Request,
    choose,
    describe,
    language_for,
    needs_process,
    prepare,
)
from optimodels.study.paper import beside_paper
from optimodels.study.profiles import read_profiles

#: Called with the name of the stage that begins and, in a stage of many, how many are done.
Progress = Callable[[str, int, int], None]


@dataclass
class _Ledger:
    """Seconds by station, over all stages."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, station: str) -> Iterator[None]:
        started = perf_counter()
        try:
            yield
        finally:
            self.add({station: perf_counter() - started})

    def add(self, seconds: Mapping[str, float]) -> None:
        for station, value in seconds.items():
            self.seconds[station] = self.seconds.get(station, 0.0) + value


def solve(
    case: Case, *, live: bool = False, isolate: bool = False, progress: Progress | None = None
) -> Result:
    """Solve a case and verify it.

    ``live`` shows the solvers' own logs; ``isolate`` runs each in a process of its own, which
    is ended where it does not keep a limit.

    Raises CaseError where the data show the case to be wrong, UnavailableError where its solver
    is missing or cannot take the problem; both before anything is built. What a solver does
    wrong is no error but a verdict.
    """
    try:
        return _solve(
            case, _request(case, live, isolate), progress or (lambda stage, done, of: None)
        )
    except DataError as error:
        raise case.located(error) from error


def _solve(case: Case, request: Request, progress: Progress) -> Result:
    ledger = _Ledger()
    with ledger.timed("import"):
        program = case.model.load_program()
        for stage in program.stages:
            if isinstance(stage, Solve):
                asked = _stage_request(stage, request)
                chosen = choose(asked, stage.formulation)
                if not needs_process(chosen, asked):
                    prepare(chosen.via if chosen else language_for(stage.formulation, asked.via))
    with ledger.timed("load"):
        data = program.read(_inputs(case))
    done = Done()
    verdicts: dict[str, Verdict] = {}
    reached: Stopped = "optimal"
    for stage in program.stages:
        if isinstance(stage, Compute):
            progress(stage.name, 0, 1)
            with ledger.timed("compute"):
                outcome = stage.run(data, done)
            if outcome is not None:
                done = replace(done, outcomes={**done.outcomes, stage.name: outcome})
                verdicts[stage.name] = _invariants(outcome)
            continue
        found = _solve_stage(stage, data, done, request, case.file.verify, progress, ledger)
        done = replace(done, solutions={**done.solutions, stage.name: found})
        if found:
            verdicts[stage.name] = _join(found)
        if stage.required and not all(s.has_point for s in found.values()):
            reached = next(s.stopped for s in found.values() if not s.has_point)
            break
    else:
        return _finish(case, program, data, done, verdicts, request, ledger)
    return _stopped_early(case, program, stage, done, verdicts, reached, request, ledger)


def _solve_stage(
    stage: Solve,
    data: Any,
    done: Done,
    request: Request,
    level: str,
    progress: Progress,
    ledger: _Ledger,
) -> dict[Any, Solution]:
    from optimodels.study.judgement import solve_and_judge

    instances = stage.instances(data, done)
    asked = _stage_request(stage, request)
    found: dict[Any, Solution] = {}
    for number, (key, instance) in enumerate(instances.items()):
        progress(stage.name, number, len(instances))
        solution = solve_and_judge(stage.formulation, instance, asked, level)
        ledger.add(solution.seconds)
        found[key] = solution
    return found


def _finish(
    case: Case,
    program: Program,
    data: Any,
    done: Done,
    verdicts: dict[str, Verdict],
    request: Request,
    ledger: _Ledger,
) -> Result:
    with ledger.timed("report"):
        answer = program.report(data, done)
    main = done.solutions.get(program.main)
    first = next(iter(main.values())) if main else None
    result = _blank(case, program, done, verdicts, request, ledger)
    result = replace(
        result,
        stopped=first.stopped if first else "optimal",
        point=first.point if first else "none",
        objective=answer.objective if answer.objective is not None else _objective(first),
        bound=answer.bound if answer.bound is not None else (first.bound if first else None),
        gap=first.gap if first else None,
        values=answer.values,
        tables=answer.tables,
        notes=answer.notes,
        message=first.message if first else "",
        network=getattr(data, "network", None),
        arrays={name: outcome.arrays for name, outcome in done.outcomes.items()},
    )
    return replace(result, paper=beside_paper(case.paper, result))


def _stopped_early(
    case: Case,
    program: Program,
    stage: Solve,
    done: Done,
    verdicts: dict[str, Verdict],
    reached: Stopped,
    request: Request,
    ledger: _Ledger,
) -> Result:
    failed = next(s for s in done.solutions[stage.name].values() if not s.has_point)
    result = _blank(case, program, done, verdicts, request, ledger)
    return replace(
        result,
        stopped=reached,
        message=failed.message,
        paper=beside_paper(case.paper, replace(result, stopped=reached)),
    )


def _blank(
    case: Case,
    program: Program,
    done: Done,
    verdicts: dict[str, Verdict],
    request: Request,
    ledger: _Ledger,
) -> Result:
    model = case.model
    main = done.solutions.get(program.main) or {}
    first = next(iter(main.values()), None)
    at = program.main if program.main in verdicts else next(iter(verdicts))
    return Result(
        case=case.name,
        model=model.name,
        fingerprint=case.fingerprint() + (f"-{first.fingerprint[:16]}" if first else ""),
        solver=first.solver if first else describe(None, request),
        stopped="optimal",
        point="none",
        verdict=weakest(verdicts, at),
        objective_unit=model.objective_unit,
        objective_sense=first.sense if first else "",
        stages={name: _stage_summary(name, done, verdicts[name]) for name in verdicts},
        seconds={name: round(value, 6) for name, value in ledger.seconds.items()},
        environment=environment(),
        parameters=case.parameters.model_dump(mode="json"),
    )


def _stage_summary(name: str, done: Done, verdict: Verdict) -> dict[str, Any]:
    summary: dict[str, Any] = {"verdict": verdict.text}
    solutions = done.solutions.get(name)
    if solutions:
        first = next(iter(solutions.values()))
        summary |= {
            "problems": len(solutions),
            "solver": f"{first.solver.via}:{first.solver.name}",
            "stopped": sorted({s.stopped for s in solutions.values()}),
            "largest": max((dict(s.size) for s in solutions.values()), key=_columns),
        }
    return summary


def _columns(size: Mapping[str, int]) -> int:
    return size.get("columns", 0)


def _objective(solution: Solution | None) -> float | None:
    return solution.objective if solution is not None else None


def _join(found: Mapping[Any, Solution]) -> Verdict:
    """One verdict over the problems of a stage; their checks are kept where there is one."""
    verdicts = {str(key): s.verdict for key, s in found.items()}
    if len(verdicts) == 1:
        return next(iter(verdicts.values()))
    joined = weakest(verdicts, next(iter(verdicts)))
    worst: dict[str, Any] = {}
    for verdict in verdicts.values():
        for check in verdict.checks:
            known = worst.get(check.name)
            if known is None or _severity(check) > _severity(known):
                worst[check.name] = check
    of = sorted({v.of for v in verdicts.values()} - {""})
    return replace(joined, checks=tuple(worst.values()), of="global optimum" if
                   "global optimum" in of else joined.of)  # fmt: skip


def _severity(check: Any) -> tuple[bool, float]:
    return (not check.passed, check.value / check.tolerance if check.tolerance else check.value)


def _invariants(outcome: Outcome) -> Verdict:
    failed = [check.name for check in outcome.checks if not check.passed]
    if failed:
        return Verdict("refuted", "", outcome.of, f"failed: {', '.join(failed)}", outcome.checks)
    return Verdict("verified", outcome.by, outcome.of, "", outcome.checks)


def _request(case: Case, live: bool, isolate: bool) -> Request:
    chosen = choice(case)
    limits = Limits(chosen.time_limit, chosen.gap, chosen.threads, chosen.memory_limit)
    apart = isolate or chosen.isolate
    return Request(chosen.name, chosen.via, limits, chosen.options, live, apart)


def _stage_request(stage: Solve, request: Request) -> Request:
    """A stage with a solver of its own keeps the case's limits and language, not its options."""
    if stage.solver is None:
        return request
    return replace(request, name=stage.solver, options={})


def _inputs(case: Case) -> Inputs:
    network = None
    if case.network is not None:
        from optimodels.grid import read_network

        network = read_network(case.network)
    return Inputs(case.parameters, network, read_profiles(case))


@cache
def environment() -> Mapping[str, str]:
    """Say on what a result was computed: versions of what takes part, and the machine."""
    packages = ("optimodels", "pyomo", "cvxpy", "highspy", "pyscipopt", "clarabel", "scipy",
                "numpy", "pandapower")  # fmt: skip
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
