"""One case through all stations: read, state, solve, verify, report."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import Any

from optimodels.case import Case, choice
from optimodels.errors import DataError, UnavailableError
from optimodels.model import Answer, Compute, Done, Inputs, Outcome, Program, Solve
from optimodels.result import Result, Solution, Verdict, weakest
from optimodels.solvers import (
    Limits,
    Request,
    choose,
    describe,
    language_for,
    needs_process,
    prepare,
)
from optimodels.study.paper import beside_paper, printed_rows
from optimodels.study.profiles import read_profiles

#: Called with the name of a stage, how many of its problems are done, how many it has, and what
#: begins: "build", "solve", "verify", or "compute".
Progress = Callable[[str, int, int, str], None]


@dataclass
class Ledger:
    """Seconds by station, over all stages."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, station: str) -> Iterator[None]:
        """Add the seconds of what stands inside to a station's, however it ends."""
        started = perf_counter()
        try:
            yield
        finally:
            self.add({station: perf_counter() - started})

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add seconds by station to those that are there."""
        for station, value in seconds.items():
            self.seconds[station] = self.seconds.get(station, 0.0) + value


def solve(
    case: Case,
    *,
    live: bool = False,
    isolate: bool | None = None,
    progress: Progress | None = None,
) -> Result:
    """Solve a case and verify it.

    ``live`` shows the solvers' own logs. ``isolate`` True runs each in a process of its own, which
    is ended where it does not keep a limit; None does so where a limit or the case needs it, False
    never.

    Raises CaseError where the data show the case to be wrong, and where its solver is missing or
    cannot take the problem; before anything is built, but for a problem that only its data show
    to be nonconvex. What a solver does wrong is no error but a verdict.
    """
    try:
        return _solve(case, case_request(case, live, isolate), progress or (lambda *_: None))
    except DataError as error:
        raise case.located(error) from error


def _solve(case: Case, request: Request, progress: Progress) -> Result:
    ledger = Ledger()
    printed = printed_rows(case)
    program, data = open_study(case, request, ledger)

    def answer(stage: Solve, instances: Mapping[Any, Any]) -> dict[Any, Solution]:
        return answer_stage(stage, instances, case, request, ledger, progress)

    def compute(stage: Compute, done: Done) -> Outcome | None:
        def part(number: int, of: int) -> None:
            progress(stage.name, number, of, "compute")

        part(0, 1)
        with ledger.timed("compute"):
            return stage.run(data, replace(done, progress=part))

    done, failed = run_stages(program, data, answer, compute)
    if failed is not None:
        broken = next(s for s in done.solutions[failed.name].values() if not s.has_point)
        blank = _blank(case, request, program, done, ledger)
        result = replace(blank, stopped=broken.stopped, message=broken.message)
    else:
        with ledger.timed("report"):
            reported = program.report(data, done)
        blank = _blank(case, request, program, done, ledger)
        result = _answered(blank, program, done, reported)
        result = replace(result, network=getattr(data, "network", None))
    return replace(result, paper=beside_paper(case, result, printed))


def answer_stage(
    stage: Solve,
    instances: Mapping[Any, Any],
    case: Case,
    request: Request,
    ledger: Ledger,
    progress: Progress = lambda *_: None,
) -> dict[Any, Solution]:
    """Solve and judge the instances of a stage, and those that they are refined to."""
    from optimodels.study.judgement import solve_and_judge

    asked, level = stage_request(stage, request), case.file.verify
    found: dict[Any, Solution] = {}
    for number, (key, first) in enumerate(instances.items()):
        step = partial(progress, stage.name, number, len(instances))
        instance: Any = first
        while instance is not None:
            solution = solve_and_judge(stage.formulation, instance, asked, level, step)
            solution = replace(solution, instance=instance)
            ledger.add(solution.seconds)
            refined = stage.refine is not None and solution.has_point
            instance = stage.refine(instance, solution) if stage.refine and refined else None
        if stage.refine is not None and solution.verdict.of == "global optimum":
            solution = replace(solution, verdict=replace(solution.verdict, of=stage.shows))
        found[key] = solution
    return found


def open_study(case: Case, request: Request, ledger: Ledger) -> tuple[Program, Any]:
    """Import what a case needs and read its data; a solver that cannot do it is refused first."""
    with ledger.timed("import"):
        program = case.model.load_program(case.parameters)
        solves = any(isinstance(stage, Solve) for stage in program.stages)
        if not solves and request.name != "exact" and case.file.solver is not None:
            raise UnavailableError(
                "solver", f"{case.model.name} computes and asks no solver; leave out the key"
            )
        for stage in program.stages:
            if isinstance(stage, Solve):
                asked = stage_request(stage, request)
                chosen = choose(asked, stage.formulation)
                if not needs_process(chosen, asked):
                    prepare(chosen.via if chosen else language_for(stage.formulation, asked.via))
    with ledger.timed("load"):
        return program, program.read(_inputs(case, request))


def run_stages(
    program: Program,
    data: Any,
    answer: Callable[[Solve, Mapping[Any, Any]], dict[Any, Solution]],
    compute: Callable[[Compute, Done], Outcome | None],
) -> tuple[Done, Solve | None]:
    """Run the stages in turn: what was done, and the stage that was required and has no point.

    ``answer`` solves the instances of a stage, by key; ``compute`` runs any other.
    """
    done = Done()
    for stage in program.stages:
        if isinstance(stage, Compute):
            outcome = compute(stage, done) if stage.asked(data) else None
            if outcome is not None:
                done = replace(done, outcomes={**done.outcomes, stage.name: outcome})
            continue
        found = answer(stage, stage.instances(data, done))
        done = replace(done, solutions={**done.solutions, stage.name: found})
        if stage.required and not all(s.has_point for s in found.values()):
            return done, stage
    return done, None


def _answered(blank: Result, program: Program, done: Done, answer: Answer) -> Result:
    """Fill in what a study that came to its end says; the model's own answer goes first."""
    first, asked = _first(done, program.main), _speaking(program, done)
    objective, bound = answer.objective, answer.bound
    if first is not None:
        objective = first.objective if objective is None else objective
        bound = first.bound if bound is None else bound
    return replace(
        blank,
        stopped=asked.stopped if asked else "optimal",
        point=first.point if first else "none",
        objective=objective,
        bound=bound,
        gap=first.gap if first else None,
        values=answer.values,
        tables=answer.tables,
        notes=answer.notes,
        message=asked.message if asked else "",
        arrays={name: outcome.arrays for name, outcome in done.outcomes.items()},
    )


def _blank(case: Case, request: Request, program: Program, done: Done, ledger: Ledger) -> Result:
    """Return a result of what was done, without an answer."""
    verdicts = _verdicts(program, done)
    model = case.model
    first, asked = _first(done, program.main), _speaking(program, done)
    # Where the main stage is not asked for, or was not come to, the last one speaks.
    at = program.main if program.main in verdicts else list(verdicts)[-1]
    return Result(
        case=case.name,
        model=model.name,
        fingerprint=case.fingerprint() + (f"-{first.fingerprint[:16]}" if first else ""),
        solver=asked.solver if asked else describe(None, request),
        stopped="optimal",
        point="none",
        verdict=weakest(verdicts, at),
        objective_unit=model.objective_unit,
        objective_sense=first.sense if first else "",
        stages={name: _stage_summary(name, done, verdicts[name]) for name in verdicts},
        seconds={name: round(value, 6) for name, value in ledger.seconds.items()},
        environment=environment(),
        parameters=case.parameters.model_dump(mode="json"),
        asked=case.asked(),
    )


def _first(done: Done, stage: str) -> Solution | None:
    return next(iter(done.solutions.get(stage, {}).values()), None)


def _speaking(program: Program, done: Done) -> Solution | None:
    """Return the answer by which a result names its solver and how that stopped.

    It is the main stage's; where that computes, one of the other stages' answers: of the problems
    that the case's own solver was broken off at, if there are any.
    """
    first = _first(done, program.main)
    if first is not None:
        return first
    own = [stage.name for stage in program.stages if isinstance(stage, Solve) and not stage.solver]
    found = [solution for name in own for solution in done.solutions.get(name, {}).values()]
    broken = (s for s in found if s.stopped not in ("optimal", "infeasible", "unbounded"))
    return next(broken, next(iter(found), None))


def _verdicts(program: Program, done: Done) -> dict[str, Verdict]:
    """Return the verdict on each stage of which something came, in the order of the stages."""
    found = {}
    for stage in program.stages:
        if done.solutions.get(stage.name):
            found[stage.name] = _join(done.solutions[stage.name])
        elif stage.name in done.outcomes:
            found[stage.name] = _invariants(done.outcomes[stage.name])
    return found


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
        reason = f"failed: {', '.join(failed)}"
        return Verdict(outcome.failed, "", outcome.of, reason, outcome.checks)
    return Verdict("verified", outcome.by, outcome.of, "", outcome.checks)


def case_request(case: Case, live: bool = False, isolate: bool | None = None) -> Request:
    """Return what a case asks of a solver."""
    chosen = choice(case)
    limits = Limits(chosen.time_limit, chosen.gap, chosen.threads, chosen.memory_limit)
    apart = isolate if isolate is not None else chosen.isolate or None
    return Request(chosen.name, chosen.via, limits, chosen.options, live, apart)


def stage_request(stage: Solve, request: Request) -> Request:
    """A stage with a solver of its own keeps the case's limits and language, not its options."""
    if stage.solver is None:
        return request
    return replace(request, name=stage.solver, options=stage.options)


def _inputs(case: Case, request: Request) -> Inputs:
    network = None
    if case.network is not None:
        from optimodels.grid import read_network

        network = read_network(case.network)
    threads = request.limits.threads or 1
    return Inputs(case.parameters, network, read_profiles(case), case.path, threads)


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
