"""Solve one formulation and judge the claim, with a second opinion where arithmetic cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from optimodels.errors import UnavailableError
from optimodels.form import Form
from optimodels.model import Formulation
from optimodels.result import Claim, Solution, Verdict
from optimodels.solvers import (
    Problem,
    Request,
    Solver,
    able_solvers,
    choose,
    describe,
    language_for,
    open_problem,
)
from optimodels.solvers.registry import DEFAULT_GAP
from optimodels.verify import Judgement, Testimony, judge

#: A second solver is asked about integer problems up to this many columns; above it the verdict
#: rests on certificates and exact algorithms alone. A size, never a time: the same everywhere.
SECOND_SOLVER_COLUMNS = 20_000


def solve_and_judge(
    formulation: Formulation[Any], data: Any, request: Request, level: str
) -> Solution:
    """Solve an instance as asked and return the solution with its verdict.

    ``level`` "full" asks the family's exact algorithm or a second solver where no certificate
    decides; "certificate" does not. Seconds are kept apart by station.
    """
    solver = choose(request, formulation)
    via = solver.via if solver else language_for(formulation, request.via)
    started = perf_counter()
    problem = open_problem(formulation, data, via)
    built = perf_counter()
    claim, seconds = _claim(formulation, data, problem, solver, request)
    solved = perf_counter()
    gap = request.limits.gap
    if gap is not None and gap > DEFAULT_GAP and claim.point == "optimal":
        # Within the gap that was asked for: no lie where a better point is known.
        claim = replace(claim, point="feasible")
    form = problem.form
    judgement = judge(form, claim)
    if claim.or_unbounded and judgement.verdict.status != "verified":
        other = replace(claim, stopped="unbounded")
        second = judge(form, other)
        if second.verdict.status == "verified":
            claim, judgement = other, second
    if level == "full" and judgement.undecided:
        judgement = _second_opinion(formulation, data, request, solver, form, claim, judgement)
    verified = perf_counter()
    return _solution(
        form,
        claim,
        judgement,
        describe(solver, request),
        {
            "build": built - started,
            **seconds,
            "read": max(0.0, solved - built - sum(seconds.values())),
            "verify": verified - solved,
        },
        formulation,
        data,
    )


def _claim(
    formulation: Formulation[Any],
    data: Any,
    problem: Problem,
    solver: Solver | None,
    request: Request,
) -> tuple[Claim, dict[str, float]]:
    if solver is not None:
        claim = problem.solve(solver, request.limits, request.options, request.live)
        return claim, dict(problem.seconds)
    form = problem.form
    started = perf_counter()
    try:
        claim = exact_claim(formulation, data, form)
    except MemoryError as error:
        claim = Claim("memory", message=str(error))
    return claim, {"solve": perf_counter() - started}


def exact_claim(formulation: Formulation[Any], data: Any, form: Form) -> Claim:
    """Put the answer of a family's own algorithm in the order of the form."""
    assert formulation.exact is not None
    answer = formulation.exact(data)
    if answer.values is None:
        return Claim("infeasible", message=answer.message)
    return Claim(
        "optimal",
        "optimal",
        message=answer.message,
        x=form.vector(answer.values),
        objective=answer.objective,
        bound=answer.bound,
        row_multipliers=form.row_vector(answer.duals) if answer.duals else None,
    )


def _second_opinion(
    formulation: Formulation[Any],
    data: Any,
    request: Request,
    solver: Solver | None,
    form: Form,
    claim: Claim,
    judgement: Judgement,
) -> Judgement:
    """Hear others one by one until the claim is decided."""
    heard: list[Testimony] = []
    for testimony in _testimonies(formulation, data, request, solver, form):
        heard.append(testimony)
        judgement = judge(form, claim, heard)
        if not judgement.undecided:
            break
    return judgement


def _testimonies(
    formulation: Formulation[Any],
    data: Any,
    request: Request,
    solver: Solver | None,
    form: Form,
) -> Iterator[Testimony]:
    if solver is not None and formulation.exact is not None:
        try:
            said = exact_claim(formulation, data, form)
        except (UnavailableError, MemoryError):
            # The algorithm does not cover this instance, or not in this memory.
            pass
        else:
            yield _testify("exact", f"exact algorithm of {formulation.name}", said)
    if len(form.linear) > SECOND_SOLVER_COLUMNS:
        return
    for other in _others(formulation, solver, form.source):
        problem = open_problem(formulation, data, other.via)
        said = problem.solve(other, replace(request.limits, gap=None), {}, False)
        if said.x is not None:
            # Two languages agree by name; auxiliary columns have no counterpart.
            x = form.vector(problem.form.named(said.x))
            said = replace(said, x=None if np.isnan(x).any() else x)
        said = replace(said, row_multipliers=None)
        if said.stopped in ("optimal", "infeasible", "unbounded"):
            yield _testify("second solver", f"{other.name} through {other.via}", said)


def _others(formulation: Formulation[Any], solver: Solver | None, language: str) -> list[Solver]:
    """Return able solvers of another engine, those of the other language first.

    Beside an exact algorithm, itself a transcription of its own, the language at hand is first:
    the other would only have to be loaded.
    """
    used = solver.engine if solver else ""
    others = [s for s in able_solvers(formulation) if s.engine != used]
    return sorted(others, key=lambda s: (s.via == language) is (solver is not None))


def _testify(by: Any, who: str, claim: Claim) -> Testimony:
    return Testimony(
        by=by,
        who=who,
        stopped=claim.stopped,
        objective=claim.objective,
        bound=claim.bound,
        x=claim.x,
        row_multipliers=claim.row_multipliers,
    )


def _solution(
    form: Form,
    claim: Claim,
    judgement: Judgement,
    used: Any,
    seconds: dict[str, float],
    formulation: Formulation[Any],
    data: Any,
) -> Solution:
    verdict: Verdict = judgement.verdict
    shown = claim.x is not None and verdict.status != "refuted"
    message = claim.message
    if claim.stopped == "infeasible" and formulation.conflict is not None:
        message = formulation.conflict(data) or message
    multipliers = judgement.row_multipliers
    duals = {} if multipliers is None else form.named_rows(form.sign * multipliers)
    # What was verified is the point with its integers whole; a wrong point is shown as it came.
    x = claim.x if claim.x is None or not shown else form.rounded(claim.x)
    objective = form.objective(x) if x is not None else None
    return Solution(
        solver=used,
        stopped=claim.stopped,
        point=claim.point,
        verdict=verdict,
        objective=objective,
        bound=judgement.bound if judgement.bound is not None else claim.bound,
        arrays=form.named(x) if x is not None else {},
        duals=duals if shown else {},
        seconds=seconds,
        fingerprint=form.fingerprint(),
        message=message,
        size=form.size,
        sense=form.sense,
    )
