"""Solve one formulation and judge the claim, with a second opinion where arithmetic cannot."""

from __future__ import annotations

import hashlib
import math
import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Literal

import numpy as np

from optimodels.errors import UnavailableError
from optimodels.form import Form
from optimodels.model import Formulation
from optimodels.result import Claim, Solution, SolverUsed, Verdict
from optimodels.solvers import (
    Request,
    Solver,
    able_solvers,
    attempt,
    choose,
    describe,
    exact_claim,
    needs_process,
)
from optimodels.solvers.registry import DEFAULT_GAP
from optimodels.verify import Judgement, Testimony, judge

#: What is under way.
Step = Literal["build", "solve", "verify", "compute"]

#: A second solver is asked about integer problems up to this many columns; above it the verdict
#: rests on certificates and exact algorithms alone. A size, never a time: the same everywhere.
SECOND_SOLVER_COLUMNS = 20_000

#: And about nonlinear ones up to this many operations: beyond it none closes its gap.
SECOND_SOLVER_STEPS = 50

#: So much time has a second solver where the case sets no limit.
SECOND_SOLVER_SECONDS = 30.0


@dataclass(frozen=True)
class _Asked:
    """Which instance was put to which solver, None for the family's own algorithm."""

    formulation: Formulation[Any]
    data: Any
    request: Request
    solver: Solver | None


def solve_and_judge(
    formulation: Formulation[Any],
    data: Any,
    request: Request,
    level: str,
    step: Callable[[Step], None] = lambda step: None,
) -> Solution:
    """Solve an instance as asked and return the solution with its verdict.

    ``level`` "full" asks the family's exact algorithm or a second solver where no certificate
    decides; "certificate" does not. Seconds are kept apart by station. ``step`` is called as each
    begins.
    """
    solver = choose(request, formulation)
    asked = _Asked(formulation, data, request, solver)
    step("build")
    tried = attempt(formulation, data, solver, request, lambda form: step("solve"))
    step("verify")
    claim, form = tried.claim, tried.form
    if form is None:
        used = describe(solver, request)
        if claim.stopped == "error":
            claim = replace(claim, message=_with_others(claim.message, formulation, used))
        return _without_form(claim, used, tried.seconds)
    solved = perf_counter()
    fingerprint = form.fingerprint()
    engine = solver.engine if solver else "exact"
    told = hashlib.sha256(pickle.dumps((fingerprint, claim, level, engine, request.limits)))
    key = (told.digest(), formulation.name, formulation.exact)
    if key not in _judged:
        if len(_judged) >= _KEPT:
            _judged.clear()
        _judged[key] = _judge_within_gap(asked, form, claim, level)
    claim, judgement = _judged[key]
    verify = tried.seconds.get("verify", 0.0) + perf_counter() - solved
    solution = _solution(asked, form, claim, judgement)
    return replace(solution, fingerprint=fingerprint, seconds={**tried.seconds, "verify": verify})


#: The same claim about the same problem gets the same verdict: it is not judged again. Repeated
#: answers are what benchmarks and sweeps are made of.
_judged: dict[tuple[Any, ...], tuple[Claim, Judgement]] = {}
_KEPT = 256


def _judge_within_gap(
    asked: _Asked, form: Form, claim: Claim, level: str
) -> tuple[Claim, Judgement]:
    """Judge a claim; one that may stop short of the best by an asked gap is a point by its own
    word, and no lie where a better one within that gap is known."""
    gap = asked.request.limits.gap
    if gap is None or gap <= DEFAULT_GAP or (claim.stopped, claim.point) != ("optimal", "optimal"):
        return _judge(asked, form, claim, level)
    bound = claim.bound
    if bound is None and claim.objective is not None:
        # Not every solver tells how far off it may be: then it is as far as it was asked for. Some
        # take the part of the bound, not of the value.
        width = abs(claim.objective) * (gap / (1 - gap) if gap < 1 else math.inf)
        bound = claim.objective - form.sign * min(width, sys.float_info.max)
    own = claim.bound
    claim, judgement = _judge(asked, form, replace(claim, bound=bound), level)
    verdict = judgement.verdict
    if own is None and verdict.status == "unverified":
        reason = f"feasible; a gap of {gap:g} was asked for"
        judgement = replace(judgement, verdict=replace(verdict, reason=reason))
    return replace(claim, point="feasible", bound=own), judgement


def _judge(asked: _Asked, form: Form, claim: Claim, level: str) -> tuple[Claim, Judgement]:
    """Judge a claim; one that leaves open whether it says infeasible or unbounded is settled."""
    judgement = judge(form, claim)
    answered = claim.stopped in ("optimal", "infeasible", "unbounded")
    if judgement.verdict.status == "refuted" and not answered and not form.integer.any():
        # Where a simplex or an interior point stood at its limit was never called feasible: unlike
        # a whole point on record, it is no point.
        claim = replace(claim, point="none", x=None, objective=None)
        judgement = judge(form, claim)
    if claim.or_unbounded and judgement.verdict.status != "verified":
        other = replace(claim, stopped="unbounded")
        second = judge(form, other)
        if second.verdict.status == "verified":
            claim, judgement = other, second
    if level == "full" and judgement.undecided:
        judgement = _second_opinion(asked, form, claim, judgement)
    return claim, judgement


def _second_opinion(asked: _Asked, form: Form, claim: Claim, judgement: Judgement) -> Judgement:
    """Hear others one by one until the claim is decided."""
    heard: list[Testimony] = []
    for testimony in _testimonies(asked, form):
        heard.append(testimony)
        judgement = judge(form, claim, heard)
        if not judgement.undecided:
            break
    return judgement


def _testimonies(asked: _Asked, form: Form) -> Iterator[Testimony]:
    formulation, request = asked.formulation, asked.request
    if asked.solver is not None and formulation.exact is not None:
        try:
            said = _exact_testimony(asked, form)
        except (UnavailableError, MemoryError):
            # The algorithm does not cover this instance, or not in this memory.
            pass
        else:
            by = "exact" if said.proven else "second solver"
            yield _testify(by, f"exact algorithm of {formulation.name}", said)
    if len(form.linear) > SECOND_SOLVER_COLUMNS or form.steps > SECOND_SOLVER_STEPS:
        return
    for other in _others(formulation, asked.solver, form.source):
        # A hard problem is not waited for longer than this for a second answer.
        time = request.limits.time or SECOND_SOLVER_SECONDS
        limits = replace(request.limits, gap=None, time=time)
        quietly = replace(
            request, limits=limits, options={}, live=False, isolate=request.isolate or None
        )
        try:
            tried = attempt(formulation, asked.data, other, quietly)
        except UnavailableError:
            # Not one that it takes, once the data are known.
            continue
        said = tried.claim
        if said.x is not None and tried.form is not None:
            # Two languages agree by name; auxiliary columns have no counterpart.
            x = form.vector(tried.form.named(said.x))
            said = replace(said, x=None if np.isnan(x).any() else x)
        said = replace(said, row_multipliers=None)
        if said.stopped in ("optimal", "infeasible", "unbounded"):
            yield _testify("second solver", f"{other.name} through {other.via}", said)


def _exact_testimony(asked: _Asked, form: Form) -> Claim:
    formulation, data, request = asked.formulation, asked.data, asked.request
    if not needs_process(None, request):
        return exact_claim(formulation, data, form)
    tried = attempt(formulation, data, None, replace(request, name="exact", options={}, live=False))
    if tried.form is None or tried.form.source == form.source or tried.claim.x is None:
        return tried.claim
    named = tried.form.named(tried.claim.x)
    return replace(tried.claim, x=form.vector(named), row_multipliers=None)


def _others(formulation: Formulation[Any], solver: Solver | None, language: str) -> list[Solver]:
    """Return able solvers of another engine, those of the other language first.

    Beside an exact algorithm, itself a transcription of its own, the language at hand is first:
    the other would only have to be loaded.
    """
    used = solver.engine if solver else ""
    others = [s for s in able_solvers(formulation) if s.engine != used]

    def order(s: Solver) -> tuple[int, bool]:
        return -s.strength, (s.via == language) is (solver is not None)

    # One way to each engine: the same code asked again would say the same.
    first = {s.engine: s for s in sorted(others, key=order, reverse=True)}
    return sorted(first.values(), key=order)


def _without_form(claim: Claim, used: SolverUsed, seconds: dict[str, float]) -> Solution:
    """The process died before there was anything to judge."""
    verdict = Verdict("unverified", reason="no answer")
    return Solution(used, claim.stopped, "none", verdict, seconds=seconds, message=claim.message)


def _with_others(message: str, formulation: Formulation[Any], used: SolverUsed) -> str:
    """Name solvers that may do what this one did not, the family's own first."""
    names = ["exact"] if formulation.exact is not None else []
    names += [s.name for s in able_solvers(formulation)]
    others = [name for name in dict.fromkeys(names) if name != used.name][:2]
    return "; ".join(
        [*filter(None, [message]), *([f"try {' or '.join(others)}"] if others else [])]
    )


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


def _solution(asked: _Asked, form: Form, claim: Claim, judgement: Judgement) -> Solution:
    formulation, verdict = asked.formulation, judgement.verdict
    used = describe(asked.solver, asked.request)
    shown = claim.x is not None and verdict.status != "refuted"
    message = claim.message
    if claim.stopped == "infeasible" and formulation.conflict is not None:
        message = formulation.conflict(asked.data) or message
    # What a solver itself calls inaccurate is a point, and no optimum.
    inaccurate = (claim.stopped, claim.point) == ("optimal", "feasible")
    if claim.stopped in ("iterations", "error") or (inaccurate and verdict.status == "unverified"):
        message = _with_others(message, formulation, used)
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
        message=message,
        size=form.size,
        sense=form.sense,
    )
