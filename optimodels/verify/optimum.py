"""Whether a claimed point is optimal: by certificate, enumeration or testimony."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimodels.arrays import Floats
from optimodels.result import By, Check, Claim, Of, Status, Verdict
from optimodels.verify.bound import Bound
from optimodels.verify.certificate import best_bound, multipliers_of
from optimodels.verify.descent import better_point, beyond_reach, curvature
from optimodels.verify.infeasible import Proof, disproof, disproof_of_value
from optimodels.verify.integers import Enumerated, enumerate_box
from optimodels.verify.point import PointTest
from optimodels.verify.problem import Problem
from optimodels.verify.testimony import Judgement, Testimony, exact_point, hear
from optimodels.verify.tolerances import GAP, STATIONARITY

ON_ITS_WORD = "feasible; optimal on the solver's word"
_LIMITS = {
    "time": "stopped at its time limit",
    "memory": "stopped at its memory limit",
    "iterations": "stopped at its limit of iterations",
    "interrupted": "interrupted",
    "error": "stopped with an error",
}


def judge_point(problem: Problem, claim: Claim, testimonies: Sequence[Testimony]) -> Judgement:
    """Judge a claim that has a point: one of optimality, or the best of a run that was stopped."""
    form = problem.form
    x, test = exact_point(problem, claim.x, claim.objective)
    if x is None or not test.passed:
        return faulty(claim, test)
    disproved = disproof_of_value(problem, x)
    if disproved is not None:
        nowhere = disproof(problem, x)
        if nowhere is not None:
            return _of_no_point("infeasible", nowhere, test)
        return _of_no_point("no point has such an objective", disproved, test)
    value = form.objective(x)
    said = multipliers_of(problem, claim, testimonies)
    bound = best_bound(problem, x, value, said, testimonies)
    if bound is not None and bound.proven and bound.proves(value):
        farther = beyond_reach(problem.relaxed(), x, bound)
        if farther is not None and claim.stopped == "optimal" and not form.integer.any():
            return Judgement(_verdict("refuted", test.checks, _found(problem, farther)))
        bound = bound if farther is None else None
    if bound is not None and bound.proven and bound.proves(value):
        checks = (*test.checks, *bound.checks(value))
        # Multipliers of a relaxation are no prices of the integer problem.
        prices = None if form.integer.any() else bound.rows
        return Judgement(_verdict("verified", checks, by="certificate"), bound.safe, prices)
    open_ = _Open(problem, claim, x, test, value, bound)
    enumerated = enumerate_box(form)
    if enumerated is not None:
        return open_.against_enumeration(enumerated)
    return open_.against(testimonies)


def _everywhere(problem: Problem, x: Floats, bound: Bound) -> bool:
    """Whether a bound is one for all points: its residuals count for those near x (n,) alone."""
    small = bound.stationarity <= STATIONARITY
    return small and beyond_reach(problem.relaxed(), x, bound) is None


def _of_no_point(what: str, proof: Proof, test: PointTest) -> Judgement:
    reason = f"{what}: the point passes only beside the size of its terms"
    reason += f"; {proof.reason}" if proof.reason else ""
    return Judgement(_verdict("refuted", (*test.checks, proof.check), reason))


def stopped_without_point(claim: Claim) -> Verdict:
    """Return the verdict on a run that was stopped before it had a point."""
    reason = f"{_LIMITS[claim.stopped]} without a point"
    return Verdict("unverified", "", "", f"{reason}: {claim.message}" if claim.message else reason)


class _Open:
    """A feasible point whose optimality no bound has proven."""

    def __init__(
        self,
        problem: Problem,
        claim: Claim,
        x: Floats,
        test: PointTest,
        value: float,
        bound: Bound | None,
    ) -> None:
        self.problem, self.claim, self.x, self.test = problem, claim, x, test
        self.value, self.bound = value, bound
        self.checks = test.checks
        self.best: float | None = None
        if bound is not None and bound.proven and np.isfinite(bound.safe):
            self.checks += bound.checks(value)
            if _everywhere(problem, x, bound):
                self.best = bound.safe

    def against_enumeration(self, found: Enumerated) -> Judgement:
        sign = self.problem.form.sign
        if found.x is None:
            return self._unproven("no whole-numbered point meets all rows to nine digits")
        best = sign * found.value
        short = (sign * self.value - found.value) / max(1.0, abs(self.value), abs(best))
        if short < -GAP:
            return self._unproven("no point that meets all rows to nine digits is as good")
        check = Check.of("enumeration", short, GAP)
        if check.passed:
            return Judgement(_verdict("verified", (*self.test.checks, check), by="exact"), best)
        self.best, self.checks = best, (*self.test.checks, check)
        if self._promised(best):
            return self._unproven("")
        return self._refuted(f"enumeration found a feasible point of {best:.9g}")

    def against(self, testimonies: Sequence[Testimony]) -> Judgement:
        problem, continuous = self.problem, not self.problem.form.integer.any()
        heard = hear(problem, self.value, testimonies, self.test.excess)
        if continuous and self.claim.stopped == "optimal":
            better = better_point(problem, self.x)
            if better is not None:
                return self._refuted(_found(problem, better))
        if heard.better is not None and self._promised(heard.better):
            return self._unproven(heard.disagreement)
        if heard.better is not None:
            return self._refuted(heard.disagreement)
        if heard.agrees is not None and not heard.disagreement:
            theirs = heard.agrees.optimum
            assert theirs is not None
            gap = abs(self.value - theirs) / max(1.0, abs(self.value), abs(theirs))
            check = Check.of(f"agreement with {heard.agrees.who}", gap, heard.tolerance)
            verdict = _verdict("verified", (*self.test.checks, check), by=heard.agrees.by)
            return Judgement(verdict, theirs)
        if continuous and not problem.convex and not heard.disagreement:
            return self._local()
        return self._unproven(heard.disagreement)

    def _local(self) -> Judgement:
        """Test the first and second order conditions at a point of a nonconvex problem."""
        problem, bound = self.problem, self.bound
        if self.claim.stopped != "optimal" or bound is None or not bound.proves(self.value):
            return self._unproven("")
        tested = curvature(problem, self.x, bound)
        if tested is None:
            return self._unproven("stationary, but too large to test the curvature")
        check, better = tested
        self.checks = (*self.test.checks, *bound.checks(self.value), check)
        if better is not None:
            return self._refuted(_found(problem, better))
        if not check.passed:
            return self._unproven("stationary, but the curvature is negative along a direction")
        verdict = _verdict("verified", self.checks, problem.bent, "certificate", "local optimum")
        return Judgement(verdict, None, bound.rows, undecided=True)

    def _promised(self, better: float) -> bool:
        """Say whether a better value lies within the gap that the claim itself leaves open."""
        if self.claim.stopped != "optimal":
            return True
        sign, bound = self.problem.form.sign, self.claim.bound
        if bound is None or not np.isfinite(bound):
            return False
        size = max(1.0, abs(self.value), abs(bound))
        return bool(sign * better >= sign * bound - GAP * size)

    def _unproven(self, reason: str) -> Judgement:
        sign, integer = self.problem.form.sign, bool(self.problem.form.integer.any())
        proven = ""
        if self.best is not None:
            gap = max(0.0, sign * (self.value - self.best)) / max(1.0, abs(self.value))
            proven = f"{100 * gap:.3g} %"
        own = self.claim.bound
        if self.claim.stopped != "optimal":
            text = f"{_LIMITS[self.claim.stopped]}; the point is feasible"
            text += f", gap at most {proven}" if proven else ", its gap is not known"
        elif own is not None and abs(self.value - own) > GAP * max(1.0, abs(self.value), abs(own)):
            text = (
                f"feasible; the solver itself leaves a gap between {self.value:.9g} and {own:.9g}"
            )
        elif integer or not self.problem.convex:
            text = ON_ITS_WORD
        else:
            text = "feasible; no multipliers prove it optimal"
            text += f", only within {proven}" if proven else ""
        if reason:
            text += f"; {reason}"
        undecided = self.claim.stopped == "optimal"
        return Judgement(_verdict("unverified", self.checks, text), self.best, None, undecided)

    def _refuted(self, reason: str) -> Judgement:
        return Judgement(_verdict("refuted", self.checks, reason), self.best)


def _found(problem: Problem, x: Floats) -> str:
    return f"not optimal: a feasible point reaches {problem.form.objective(x):.9g}"


def faulty(claim: Claim, test: PointTest) -> Judgement:
    """Return the verdict on a claim whose point fails a test."""
    if claim.x is None:
        return Judgement(_verdict("unverified", (), "no point was handed over"))
    if claim.stopped == "optimal" and claim.point == "feasible":
        reason = f"the solver itself calls its answer inaccurate; {test.fault}"
        return Judgement(_verdict("unverified", test.checks, reason))
    return Judgement(_verdict("refuted", test.checks, test.fault))


def _verdict(
    status: Status,
    checks: tuple[Check, ...],
    reason: str = "",
    by: By = "",
    of: Of = "global optimum",
) -> Verdict:
    return Verdict(status, by, of, reason, checks)
