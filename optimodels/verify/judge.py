"""From a claim to a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from optimodels.form import Form, Vector
from optimodels.result import Check, Claim, Stopped, Verdict
from optimodels.verify import propose
from optimodels.verify.absence import farkas, unbounded
from optimodels.verify.bound import GAP, Bound, Multipliers, best_bound, bound_checks
from optimodels.verify.convex import is_convex
from optimodels.verify.integers import divisible, enumerate_box, rounded_bound
from optimodels.verify.point import ROWS, point_checks, polished

#: Curves are closed in by tangents up to this many columns; each round is a linear programme.
MOST_TANGENTS = 5_000
ON_ITS_WORD = "feasible; optimal on the solver's word"


@dataclass(frozen=True)
class Testimony:
    """What someone independent says: the family's exact algorithm, or a second solver.

    Objective and bound in the model's own sense; ``x`` in the order of the form, where known.
    """

    __test__ = False  # no test class, whatever its name

    by: Literal["exact", "second solver"]
    who: str
    stopped: Stopped
    objective: float | None = None
    bound: float | None = None
    x: Vector | None = None
    row_multipliers: Vector | None = None


@dataclass(frozen=True)
class Judgement:
    """A verdict, the best bound that was proven and its row multipliers.

    ``undecided``: a further testimony could decide it.
    """

    verdict: Verdict
    bound: float | None = None
    row_multipliers: Vector | None = None
    undecided: bool = False


def judge(form: Form, claim: Claim, testimonies: Sequence[Testimony] = ()) -> Judgement:
    """Judge a claim on a form, hearing others where arithmetic alone cannot decide."""
    if claim.stopped == "infeasible":
        return _judge_infeasible(form, claim, testimonies)
    if claim.stopped == "unbounded":
        return _judge_unbounded(form, claim)
    if claim.x is None or claim.point == "none":
        return Judgement(Verdict("unverified", "", "", _no_point(claim)))
    return _judge_point(form, claim, testimonies)


def _no_point(claim: Claim) -> str:
    reason = f"stopped ({claim.stopped}) without a point"
    return f"{reason}: {claim.message}" if claim.message else reason


def _judge_point(form: Form, claim: Claim, testimonies: Sequence[Testimony]) -> Judgement:
    assert claim.x is not None
    points = point_checks(form, claim.x, claim.objective)
    failed = [c.name for c in points if not c.passed]
    if failed:
        # A solver that says it is unsure of its point has not lied.
        sure = claim.point == "optimal"
        reason = f"the point fails: {', '.join(failed)}"
        status: Literal["refuted", "unverified"] = "refuted" if sure else "unverified"
        return Judgement(Verdict(status, "", "", reason, tuple(points)))
    x = polished(form, claim.x)
    objective = form.objective(x)
    if form.integer.any():
        return _judge_integers(form, claim, x, objective, points, testimonies)
    convex = is_convex(form)
    bound = _bound_at(form, claim, x, objective, testimonies)
    checks = (*points, *(bound_checks(bound, objective) if bound else ()))
    proven = None if bound is None else bound.value
    duals = None if bound is None else bound.multipliers.rows
    if bound is None:
        return Judgement(_word_only(claim, checks), None, None)
    if all(c.passed for c in checks):
        of: Literal["global optimum", "local optimum"]
        of = "global optimum" if convex else "local optimum"
        verdict = Verdict("verified", "certificate", of, "", checks)
        return Judgement(verdict, proven if convex else None, duals)
    usable = proven if convex and bound.proven else None
    return Judgement(_not_optimal(form, claim, objective, usable, checks), usable, duals)


def _not_optimal(
    form: Form, claim: Claim, objective: float, bound: float | None, checks: tuple[Check, ...]
) -> Verdict:
    """The point is feasible, the certificate failed: whose word was it?"""
    failed = ", ".join(c.name for c in checks if not c.passed)
    if claim.stopped == "optimal" and claim.point == "optimal":
        return Verdict("refuted", "", "", f"not optimal, fails: {failed}", checks)
    gap = ""
    if bound is not None:
        share = abs(objective - bound) / max(1.0, abs(objective))
        gap = f", at most {100 * share:.2g} % from the optimum"
    if claim.stopped == "optimal":
        reason = f"feasible{gap}; the solver itself claims no more"
        return Verdict("unverified", "", "", reason, checks)
    return Verdict("unverified", "", "", f"stopped ({claim.stopped}); feasible{gap}", checks)


def _word_only(claim: Claim, checks: tuple[Check, ...]) -> Verdict:
    if claim.stopped == "optimal":
        return Verdict("unverified", "", "", ON_ITS_WORD, checks)
    return Verdict("unverified", "", "", f"stopped ({claim.stopped}); feasible", checks)


def _bound_at(
    form: Form, claim: Claim, x: Vector, objective: float, testimonies: Sequence[Testimony]
) -> Bound | None:
    """Try the solver's multipliers, in both signs, then others'; propose where they fail."""
    given = _multipliers(form, claim)
    candidates = [] if given is None else [given, _negated(given)]
    candidates += [
        Multipliers(t.row_multipliers, *_nothing(form))
        for t in testimonies
        if t.row_multipliers is not None
    ]
    bound = best_bound(form, x, candidates, objective)
    if bound is None or not all(c.passed for c in bound_checks(bound, objective)):
        proposed = propose.multipliers_at(form, x)
        if proposed is not None:
            bound = best_bound(form, x, [*candidates, proposed], objective)
    curved = bool(form.cones or form.quadratic_rows) and len(x) <= MOST_TANGENTS
    if curved and (bound is None or not all(c.passed for c in bound_checks(bound, objective))):
        outer = propose.outer_form(form, x, objective)
        if outer is not None:
            closer = best_bound(outer[0], x, [outer[1]], objective)
            if closer is not None and all(c.passed for c in bound_checks(closer, objective)):
                rows = closer.multipliers.rows[: len(form.row_lower)]
                return replace(closer, multipliers=replace(closer.multipliers, rows=rows))
    return bound


def _multipliers(form: Form, claim: Claim) -> Multipliers | None:
    y, z = claim.row_multipliers, claim.cone_multipliers
    if y is None and z is None:
        return None
    if y is not None and not np.all(np.isfinite(y)):
        return None
    none_quadratic, none_cones = _nothing(form)
    rows = np.zeros(len(form.row_lower)) if y is None else y
    return Multipliers(rows, none_quadratic, none_cones if z is None else z)


def _nothing(form: Form) -> tuple[Vector, tuple[Vector, ...]]:
    return np.zeros(len(form.quadratic_rows)), tuple(np.zeros(len(c.offset)) for c in form.cones)


def _negated(given: Multipliers) -> Multipliers:
    return replace(given, rows=-given.rows, quadratic=-given.quadratic)


def _judge_integers(
    form: Form,
    claim: Claim,
    x: Vector,
    objective: float,
    points: list[Check],
    testimonies: Sequence[Testimony],
) -> Judgement:
    """The point is feasible; can its objective be beaten? Duality, others, enumeration."""
    bound, duals = _relaxed_bound(form, claim, x, objective)
    size = max(1.0, abs(objective))
    checks = list(points)
    if bound is not None:
        gap = max(0.0, form.sign * (objective - bound)) / size
        closing = Check.of("gap to the proven bound", gap, GAP)
        if closing.passed:
            verdict = Verdict("verified", "certificate", "global optimum", "", (*checks, closing))
            return Judgement(verdict, bound, duals)
    for said in testimonies:
        heard = _hear(form, claim, said, objective, checks)
        if heard is not None:
            proven = said.bound if said.bound is not None else said.objective
            return Judgement(heard, proven if heard.status == "verified" else bound, duals)
    searched = enumerate_box(form)
    if searched is not None and searched.objective is not None:
        gap = form.sign * (objective - searched.objective) / size
        checks.append(Check.of("gap to the enumerated optimum", gap, GAP))
        if checks[-1].passed:
            verdict = Verdict("verified", "exact", "global optimum", "", tuple(checks))
            return Judgement(verdict, searched.objective, duals)
        return Judgement(_worse(claim, "enumeration", searched.objective, checks), bound, duals)
    at_limit = claim.stopped != "optimal" or claim.point != "optimal"
    verdict = (
        _not_optimal(form, claim, objective, bound, tuple(checks))
        if at_limit
        else Verdict("unverified", "", "", ON_ITS_WORD, tuple(checks))
    )
    return Judgement(verdict, bound, duals, undecided=not at_limit)


def _relaxed_bound(
    form: Form, claim: Claim, x: Vector, objective: float
) -> tuple[float | None, Vector | None]:
    """Return the best bound of the continuous relaxation, rounded up, and its multipliers."""
    relaxed = form.relaxed()
    if not is_convex(relaxed):
        return None, None
    candidates = []
    given = _multipliers(form, claim)
    if given is not None:
        candidates += [given, _negated(given)]
    bound = best_bound(relaxed, x, candidates, objective, strict=True)
    if (
        bound is None
        or not bound.proven
        or abs(bound.value - objective) > GAP * max(1.0, abs(objective))
    ):
        solved = propose.relaxation(relaxed)
        proposed = solved[1] if solved is not None else propose.multipliers_at(relaxed, x)
        if proposed is not None:
            bound = best_bound(relaxed, x, [*candidates, proposed], objective, strict=True)
    if bound is None or not bound.proven:
        return None, None
    return rounded_bound(form, bound.value), bound.multipliers.rows


def _hear(
    form: Form, claim: Claim, said: Testimony, objective: float, checks: list[Check]
) -> Verdict | None:
    """Return the verdict that a testimony leads to, None where it decides nothing."""
    size = max(1.0, abs(objective))
    if said.x is not None and said.objective is not None and claim.stopped == "optimal":
        better = form.sign * (objective - form.objective(polished(form, said.x))) / size
        if better > GAP and all(c.passed for c in point_checks(form, said.x, None)):
            value = form.objective(polished(form, said.x))
            return _worse(claim, said.who, value, checks)
    if said.stopped == "infeasible":
        # The point was checked: the other is wrong.
        return None
    proven = said.bound if said.bound is not None else said.objective
    if said.stopped != "optimal" or proven is None:
        return None
    gap = form.sign * (objective - proven) / size
    closing = Check.of(f"gap to the bound of {said.who}", max(0.0, gap), GAP)
    if closing.passed:
        return Verdict("verified", said.by, "global optimum", "", (*checks, closing))
    if said.by == "exact" and claim.stopped == "optimal" and claim.point == "optimal":
        return _worse(claim, said.who, proven, checks)
    if claim.stopped == "optimal" and said.x is None:
        reason = f"{said.who} says {proven:.9g}, the claim is {objective:.9g}"
        return Verdict("unverified", "", "", reason, (*checks, closing))
    return None


def _worse(claim: Claim, who: str, value: float, checks: list[Check]) -> Verdict:
    if claim.stopped == "optimal" and claim.point == "optimal":
        reason = f"not optimal: {who} has {value:.9g}"
        return Verdict("refuted", "", "", reason, tuple(checks))
    return Verdict("unverified", "", "", f"{who} has a better point: {value:.9g}", tuple(checks))


def _judge_infeasible(form: Form, claim: Claim, testimonies: Sequence[Testimony]) -> Judgement:
    if _sides_cross(form):
        crossed = Check("sides or bounds cross", 0.0, 0.0, True)
        return Judgement(Verdict("verified", "certificate", "infeasibility", "", (crossed,)))
    proposed = [_multipliers(form, replace(claim, row_multipliers=claim.farkas))]
    least = propose.least_violation(form) if not form.quadratic_rows else None
    if least is not None:
        given = Multipliers(least[2].rows, *_nothing(form))
        proposed.append(given)
    for multipliers in proposed:
        for signed in () if multipliers is None else (multipliers, _negated(multipliers)):
            proof = farkas(form, signed)
            if proof.proven:
                verdict = Verdict("verified", "certificate", "infeasibility", "", proof.checks)
                return Judgement(verdict)
    if form.integer.any():
        return _judge_whole_infeasible(form, testimonies)
    if least is not None and not form.cones and not form.quadratic_rows:
        checks = tuple(point_checks(form, least[0], None))
        if all(c.passed for c in checks):
            reason = "there is a feasible point, violating no row by more than rounding"
            return Judgement(Verdict("refuted", "", "infeasibility", reason, checks))
    reason = "infeasible on the solver's word: no certificate was found"
    return Judgement(Verdict("unverified", "", "infeasibility", reason), undecided=True)


def _judge_whole_infeasible(form: Form, testimonies: Sequence[Testimony]) -> Judgement:
    if not divisible(form):
        check = Check("a row's common divisor does not divide its side", 0.0, 0.0, True)
        return Judgement(Verdict("verified", "certificate", "infeasibility", "", (check,)))
    searched = enumerate_box(form)
    if searched is not None:
        if searched.objective is None:
            check = Check("feasible points in the whole box", 0.0, 0.0, True)
            return Judgement(Verdict("verified", "exact", "infeasibility", "", (check,)))
        reason = f"enumeration finds a feasible point of {searched.objective:.9g}"
        return Judgement(Verdict("refuted", "", "infeasibility", reason))
    for said in testimonies:
        if said.x is not None and all(c.passed for c in point_checks(form, said.x, None)):
            reason = f"{said.who} has a feasible point"
            return Judgement(Verdict("refuted", "", "infeasibility", reason))
        if said.stopped == "infeasible":
            return Judgement(Verdict("verified", said.by, "infeasibility"))
        if said.stopped == "optimal":
            reason = f"{said.who} claims a feasible point"
            return Judgement(Verdict("unverified", "", "infeasibility", reason))
    reason = "infeasible on the solver's word: no certificate was found"
    return Judgement(Verdict("unverified", "", "infeasibility", reason), undecided=True)


def _sides_cross(form: Form) -> bool:
    """A row or column whose lower side is above its upper one needs no further proof."""
    return bool(np.any(form.lower > form.upper) or np.any(form.row_lower > form.row_upper))


def _judge_unbounded(form: Form, claim: Claim) -> Judgement:
    relaxed = form.relaxed()
    if _sides_cross(form):
        return Judgement(Verdict("refuted", "", "unboundedness", "it is infeasible, not unbounded"))
    if is_convex(form) and not form.integer.any():
        proof = unbounded(form, claim.ray)
        if proof.proven:
            verdict = Verdict("verified", "certificate", "unboundedness", "", proof.checks)
            return Judgement(verdict)
    least = propose.least_violation(relaxed) if not form.quadratic_rows else None
    if least is not None and least[1] > ROWS:
        for rows in (least[2].rows, -least[2].rows):
            proof = farkas(form, Multipliers(rows, *_nothing(form)))
            if proof.proven:
                reason = "it is infeasible, not unbounded"
                return Judgement(Verdict("refuted", "", "unboundedness", reason, proof.checks))
    solved = propose.relaxation(relaxed)
    if solved is not None:
        value = relaxed.objective(solved[0])
        bound = best_bound(relaxed, solved[0], [solved[1]], value, strict=True)
        if bound is not None and bound.proven:
            reason = f"the objective is bounded by {bound.value:.9g}"
            return Judgement(Verdict("refuted", "", "unboundedness", reason))
    reason = "unbounded on the solver's word: no ray was found"
    return Judgement(Verdict("unverified", "", "unboundedness", reason))
