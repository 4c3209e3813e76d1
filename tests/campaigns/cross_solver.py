"""Every capable solver on problems whose answer was planted: no wrong claim without a flag.

Of each problem the truth is known before any solver sees it. A claim is set beside the truth and
beside its verdict; what must never be is a wrong claim that is verified, or a right one refuted.
"""

from __future__ import annotations

import re
from functools import cache

from optimodels.arrays import Floats
from optimodels.errors import UnavailableError
from optimodels.result import Claim
from optimodels.solvers import Limits, Request, Solver, able_solvers, attempt
from optimodels.verify import judge
from tests.campaigns.ledger import Tally
from tests.campaigns.planted import CURVED, LINEAR, WHOLE, Maker, Planted, planted
from tests.campaigns.stated import stated

#: Relative to max(1, |optimum|): a claim nearer than this, at a point no further outside, is right;
#: one within the second limit is right to the precision that first-order methods promise.
RIGHT, NEAR = 1e-6, 1e-3
#: What a verified optimum may miss: the verdict's own limit on the gap with all its residuals.
VERIFIED = 2e-5

COLUMNS = (
    "right, verified", "right, unverified", "near, verified", "near, unverified", "near, refuted",
    "wrong, refuted", "wrong, unverified", "no answer", "refused",
    "right, refuted", "wrong, verified",
)  # fmt: skip

#: Solvers with a process of their own take longer to start than to solve: every so many problems.
PROCESS_EVERY = 20
#: Seconds for a solver that keeps a limit: branch and bound may never close a gap of 1e-6.
TIME = 0.2


@cache
def _able(problem_class: str) -> tuple[Solver, ...]:
    formulation = stated(planted(LINEAR, 0).form, problem_class)  # type: ignore[arg-type]
    return tuple(able_solvers(formulation))


def linear(seed: int, tally: Tally) -> None:
    """One LP or convex QP: feasible, infeasible, unbounded, degenerate or badly scaled."""
    _through_all(LINEAR, seed, tally)


def whole(seed: int, tally: Tally) -> None:
    """One small MILP, its truth by enumeration."""
    _through_all(WHOLE, seed, tally)


def curved(seed: int, tally: Tally) -> None:
    """One problem with second-order or exponential cones, or quadratic rows."""
    _through_all(CURVED, seed, tally)


def _through_all(makers: tuple[Maker, ...], seed: int, tally: Tally) -> None:
    one = planted(makers, seed)
    formulation = stated(one.form, one.problem_class)
    for solver in _able(one.problem_class):
        own_process = solver.program or solver.aborts
        if own_process and seed // len(makers) % PROCESS_EVERY:
            continue
        row = f"{solver.name} ({solver.via}), {one.kind}"
        place = f"{row}, seed {seed}"
        try:
            tried = attempt(formulation, one.form, solver, _request(solver))
        except UnavailableError:
            tally.count(row, "refused")
            continue
        if tried.form is None:
            tally.count(row, "no answer")
            continue
        claim = tried.claim
        verdict = judge(tried.form, claim).verdict
        x = None if claim.x is None else tried.form.named(tried.form.rounded(claim.x))["x"]
        how, off = against_truth(one, claim, x)
        if how == "no answer":
            tally.count(row, how)
            continue
        tally.count(row, f"{how}, {verdict.status}")
        said = f"{place}: says {claim.stopped} {claim.objective}, is {one.stopped} {one.objective}"
        if how == "wrong" and verdict.status == "verified":
            tally.broken.append(f"wrong and verified: {said}")
        if how == "right" and verdict.status == "refuted":
            tally.broken.append(f"right and refuted: {said}; {verdict.text}")
        if how == "wrong":
            settled = _kind(verdict.reason)
            tally.note(f"{row}: says {claim.stopped}; {verdict.status}: {settled}", seed)
        if verdict.status == "verified" and one.stopped == "optimal":
            tally.largest(f"gap of a verified optimum, {one.kind}", off)
            if off > VERIFIED:
                tally.broken.append(f"verified, off by {off:.1e}: {said}")


def _kind(reason: str) -> str:
    """What a refutation rests on, without the figures and names of its own problem."""
    return re.sub(r"-?\d[\d.e+-]*", "..", re.split("[:;]", reason)[0])


def _request(solver: Solver) -> Request:
    # One without a limit of its own would be run in a process of its own.
    limits = Limits(time=TIME if solver.options.keeps("time") else None)
    return Request(solver.name, solver.via, limits)


def against_truth(one: Planted, claim: Claim, x: Floats | None) -> tuple[str, float]:
    """How a claim stands to the truth, and how far off is the worse of the objectives: the one
    claimed, where one is, and the one at its point x (n,) of the planted problem."""
    if claim.stopped not in ("optimal", "infeasible", "unbounded"):
        return "no answer", 0.0
    if claim.or_unbounded and one.stopped in ("infeasible", "unbounded"):
        return "right", 0.0
    if claim.stopped != one.stopped:
        return "wrong", 0.0
    if one.objective is None:
        return "right", 0.0
    if claim.point != "optimal" or x is None:
        return "no answer", 0.0
    reached = one.form.objective(x)
    told = (reached, reached if claim.objective is None else claim.objective)
    off = max(abs(value - one.objective) for value in told) / max(1.0, abs(one.objective))
    if max(off, one.outside(x)) <= RIGHT:
        return "right", off
    return ("near" if off <= NEAR else "wrong"), off
