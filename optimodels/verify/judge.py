"""The verdict on a solver's claim."""

from __future__ import annotations

from collections.abc import Sequence

from optimodels.form import Form
from optimodels.result import Claim
from optimodels.verify.infeasible import judge_infeasible
from optimodels.verify.nonlinear import judge_nonlinear
from optimodels.verify.optimum import ON_ITS_WORD, judge_point, stopped_without_point
from optimodels.verify.problem import Problem
from optimodels.verify.testimony import Judgement, Testimony
from optimodels.verify.unbounded import judge_unbounded

__all__ = ["ON_ITS_WORD", "judge"]


def judge(form: Form, claim: Claim, testimonies: Sequence[Testimony] = ()) -> Judgement:
    """Judge a claim by plain arithmetic; nothing that a solver says is trusted.

    Verified is a point that passes every test and whose objective a bound proves optimal (by
    certificate, enumeration, or an agreeing testimony), a proof of infeasibility, or a feasible
    point with a ray. Refuted is a point outside, one that a better point beats, and a status of
    which the contrary is proven. What is neither is unverified, with the reason.
    """
    problem = Problem(form)
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
