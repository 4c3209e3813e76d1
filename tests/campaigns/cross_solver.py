"""Every capable solver on problems whose answer was planted: no wrong claim without a flag.

Of each problem the truth is known before any solver sees it. A claim is set beside the truth and
beside its verdict; what must never be is a wrong claim that is verified, a right one refuted, a
verified point outside, or an interface that raises.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from optimodels.arrays import Floats
from optimodels.errors import UnavailableError
from optimodels.result import Claim
from optimodels.solvers import Limits, Request, Solver, able_solvers, attempt
from optimodels.verify import judge
from tests.campaigns import planted as problems
from tests.campaigns.enumerated import mixed_milp
from tests.campaigns.planted import LINEAR, Maker, planted
from tests.campaigns.stated import stated
from tests.campaigns.tally import Tally, kind
from tests.campaigns.truth import Planted

#: With those whose truth only solvers can prove.
WHOLE = (*problems.WHOLE, mixed_milp)
CURVED = (*problems.CURVED, problems.infeasible_qcqp)

#: Relative to max(1, |optimum|): a claim nearer than this, at a point no further outside, is right;
#: one within the second limit is right to the precision that first-order methods promise.
RIGHT, NEAR = 1e-6, 1e-3
#: What a verified optimum may miss: the verdict's own limit on the gap with all its residuals.
VERIFIED = 2e-5

#: Ends that are no answer. "Inaccurate" is an optimum that the solver itself does not vouch for.
NO_ANSWER = ("inaccurate", "iterations", "time", "error")
COLUMNS = (
    "right, verified", "right, unverified", "near, verified", "near, unverified", "near, refuted",
    "wrong, refuted", "wrong, unverified", *NO_ANSWER, "refused",
    "right, refuted", "wrong, verified",
)  # fmt: skip

#: Solvers with a process of their own take longer to start than to solve: every so many problems,
#: a number that shares no factor with the makers' and is odd, so that all kinds and both senses
#: come round.
PROCESS_EVERY = 23
#: The same after so many, when each has met hundreds: they would be a third of a long run's time.
LATER, PROCESS_LATER = 10_000, 101
#: Seconds for a solver that keeps a limit: branch and bound may never close a gap of 1e-6.
TIME = 0.2


@cache
def _able(problem_class: str) -> tuple[Solver, ...]:
    formulation = stated(planted(LINEAR, 0).form, problem_class)  # type: ignore[arg-type]
    return tuple(able_solvers(formulation))


def linear(seed: int, tally: Tally) -> None:
    """One LP or convex QP: feasible, infeasible, degenerate, badly scaled, or an unbounded LP."""
    _through_all(LINEAR, seed, tally)


def whole(seed: int, tally: Tally) -> None:
    """One small problem in whole numbers, some mixed: its truth is enumerated, or a ray."""
    _through_all(WHOLE, seed, tally)


def curved(seed: int, tally: Tally) -> None:
    """One problem with second-order or exponential cones, or quadratic rows, or an unbounded QP."""
    _through_all(CURVED, seed, tally)


def has_turn(solver: Solver, seed: int) -> bool:
    every = PROCESS_EVERY if seed < LATER else PROCESS_LATER
    return not (solver.program or solver.aborts) or seed % every == 0


def _through_all(makers: tuple[Maker, ...], seed: int, tally: Tally) -> None:
    one = planted(makers, seed)
    for solver in _able(one.problem_class):
        if has_turn(solver, seed):
            _through(solver, one, seed, tally)


def _through(solver: Solver, one: Planted, seed: int, tally: Tally) -> None:
    row = f"{solver.name} ({solver.via}), {one.kind}"
    try:
        tried = attempt(stated(one.form, one.problem_class), one.form, solver, _request(solver))
    except UnavailableError:
        tally.count(row, "refused")
        return
    claim = tried.claim
    if _raised(claim):
        tally.broken.append(f"{row}, seed {seed}: {claim.message}")
    if tried.form is None:
        tally.count(row, "error")
        tally.note(f"{row}: {_kind(claim.message)}", seed)
        return
    verdict = judge(tried.form, claim).verdict
    x = None if claim.x is None else tried.form.named(tried.form.rounded(claim.x))["x"]
    how, off = against_truth(one, claim, x)
    said = f"{row}, seed {seed}: says {claim.stopped} {claim.objective}, is {one.stopped} "
    said += f"{one.objective}; {verdict.text}"
    answered = how not in NO_ANSWER
    tally.count(row, f"{how}, {verdict.status}" if answered else how)
    if (how, verdict.status) in (("wrong", "verified"), ("right", "refuted")):
        tally.broken.append(f"{how} and {verdict.status}: {said}")
    if not answered:
        tally.note(f"{row}: {how}: {_kind(claim.message)}", seed)
    elif how == "wrong" or verdict.status != "verified":
        of = "" if how == "wrong" else f"{how}, "
        settled = _kind(verdict.reason)
        tally.note(f"{row}: {of}says {claim.stopped}; {verdict.status}: {settled}", seed)
    # What stopped early may be verified too, by its own multipliers: where it is right.
    if verdict.status == "verified" and (one.stopped == "optimal" or not answered):
        # So that no number is no pass.
        if off <= VERIFIED:
            tally.largest(f"gap of a verified optimum, or how far outside, {one.kind}", off)
        else:
            tally.broken.append(f"verified, off by {off:.1e}: {said}")


def _raised(claim: Claim) -> bool:
    """Whether an interface raised, instead of saying how it ended."""
    return claim.stopped == "error" and bool(re.match(r"\w+: \w*(Error|Exception):", claim.message))


def _kind(reason: str) -> str:
    """What a refutation rests on, without figures and the names that follow."""
    return kind(re.split("[:;]", reason)[0])


def _request(solver: Solver) -> Request:
    # One without a limit of its own would be run in a process of its own.
    limits = Limits(time=TIME if solver.options.keeps("time") else None)
    return Request(solver.name, solver.via, limits)


def against_truth(one: Planted, claim: Claim, x: Floats | None) -> tuple[str, float]:
    """How a claim stands to the truth, and how far off it is: the worst of the objective claimed,
    where one is, that at its point x (n,) of the planted problem, and how far that is outside;
    without end where nothing can be compared."""
    off = np.inf
    if one.objective is not None and x is not None:
        reached = one.form.objective(x)
        told = (reached, reached if claim.objective is None else claim.objective)
        missed = np.abs(np.array(told) - one.objective) / max(1.0, abs(one.objective))
        off = float(np.append(missed, one.outside(x)).max())
    if claim.stopped not in ("optimal", "infeasible", "unbounded"):
        return claim.stopped if claim.stopped in NO_ANSWER else "error", off
    if claim.or_unbounded and one.stopped in ("infeasible", "unbounded"):
        return "right", 0.0
    if claim.stopped != one.stopped:
        return "wrong", np.inf
    if one.objective is None:
        return "right", 0.0
    if claim.point != "optimal" or x is None:
        return "inaccurate", off
    if off <= RIGHT:
        return "right", off
    return ("near" if off <= NEAR else "wrong"), off
