"""The verdict on a solver's claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from optimodels.form import Form
from optimodels.result import Claim
from optimodels.verify.infeasible import judge_infeasible
from optimodels.verify.nonlinear import judge_nonlinear
from optimodels.verify.optimum import ON_ITS_WORD, judge_point, stopped_without_point
from optimodels.verify.problem import Problem
from optimodels.verify.statement import beside_statement
from optimodels.verify.testimony import Judgement, Testimony
from optimodels.verify.tolerances import CONSTANT, GAP
from optimodels.verify.unbounded import judge_unbounded

__all__ = ["ON_ITS_WORD", "judge"]


def judge(form: Form, claim: Claim, testimonies: Sequence[Testimony] = ()) -> Judgement:
    """Judge a claim by plain arithmetic; nothing that a solver says is trusted.

    Verified is a point that passes every test and whose objective a bound proves optimal (by
    certificate, enumeration, or an agreeing testimony), a proof of infeasibility, or a feasible
    point with a ray. Refuted is a point outside, one that a better point beats, one of which the
    model as it was written says otherwise, and a status of which the contrary is proven. What is
    neither is unverified, with the reason.
    """
    problem = Problem(form)
    found = beside_statement(form, claim, _judged(problem, claim, testimonies))
    if found.verdict.status != "verified" or found.verdict.of != "global optimum":
        return found
    return replace(found, verdict=replace(found.verdict, reason=_beside_constant(form, claim)))


def _judged(problem: Problem, claim: Claim, testimonies: Sequence[Testimony]) -> Judgement:
    form = problem.form
    answered = claim.stopped in ("optimal", "infeasible", "unbounded")
    if form.is_nonlinear and (answered or claim.x is not None):
        return judge_nonlinear(problem, claim, testimonies)
    if claim.stopped == "infeasible":
        return judge_infeasible(problem, claim, testimonies)
    if claim.stopped == "unbounded":
        return judge_unbounded(problem, claim, testimonies)
    if claim.stopped != "optimal" and (claim.point == "none" or claim.x is None):
        return Judgement(stopped_without_point(claim))
    return judge_point(problem, claim, testimonies)


def _beside_constant(form: Form, claim: Claim) -> str:
    """Say so where the objective is nearly all constant.

    Tolerances are relative to the whole objective, which is the figure that is verified; of what
    can be decided they then prove fewer digits than the six that a reader expects.
    """
    if claim.x is None:
        return ""
    rest = form.objective(claim.x) - form.constant
    if abs(form.constant) <= CONSTANT * max(1.0, abs(rest)):
        return ""
    off = GAP * abs(form.constant)
    return f"to {off:.1g}; all but {rest:.6g} of the objective is constant"
