"""Whether a problem has no point: Farkas proofs, propagation, enumeration, testimony."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.form import Form, QuadraticRow
from optimodels.result import By, Check, Claim, Status, Verdict
from optimodels.verify.bound import taken, usable, with_signs
from optimodels.verify.integers import enumerate_box, integer_rows, propagate
from optimodels.verify.point import check_point, leans_on_size
from optimodels.verify.problem import Problem
from optimodels.verify.proposals import integer_point, solve_lp, with_tangents
from optimodels.verify.rational import proves_infeasible
from optimodels.verify.testimony import Judgement, Testimony, exact_point
from optimodels.verify.tolerances import DOUBT_NONZEROS, FARKAS_REACH, MATERIAL, STRICT

#: Rounds of tangents that an outer linearisation of cones and quadratic rows is given.
_ROUNDS = 12


@dataclass(frozen=True)
class Proof:
    """Why there is no point: by what, in words, with the check that says so."""

    by: By
    reason: str
    check: Check


@dataclass(frozen=True)
class Search:
    """What a search for a point or a proof ended with; both are None where it is open."""

    proof: Proof | None = None
    point: Floats | None = None


def judge_infeasible(problem: Problem, claim: Claim, testimonies: Sequence[Testimony]) -> Judgement:
    """Judge the claim that a problem has no feasible point."""
    searched = search(problem, claim)
    if searched.proof is not None:
        proof = searched.proof
        verdict = Verdict("verified", proof.by, "infeasibility", proof.reason, (proof.check,))
        return Judgement(verdict)
    point = searched.point
    for said in testimonies:
        if point is None and said.x is not None:
            point = _standing(problem, said.x)
    if point is not None:
        test = check_point(problem.form, problem.own_cones, point)
        value = problem.form.objective(point)
        meets = "to nine digits" if test.excess <= STRICT else "within the tolerances"
        reason = f"a point that meets everything {meets} has the objective {value:.9g}"
        status: Status = "unverified" if claim.or_unbounded else "refuted"
        if claim.or_unbounded:
            reason += "; the problem may be unbounded"
        return Judgement(Verdict(status, "", "infeasibility", reason, test.checks))
    disagreement = "; ".join(
        f"{said.who} found {said.objective:.9g}, without proof"
        if said.objective is not None
        else f"{said.who} calls the problem {said.stopped}"
        for said in testimonies
        if said.stopped in ("optimal", "unbounded")
    )
    agrees = sorted(
        (said for said in testimonies if said.stopped == "infeasible"),
        key=lambda t: t.by != "exact",
    )
    if agrees and not disagreement:
        check = Check.of(f"agreement with {agrees[0].who}", 0.0, 0.0)
        return Judgement(Verdict("verified", agrees[0].by, "infeasibility", "", (check,)))
    reason = disagreement or "infeasible on the solver's word; no certificate was found"
    return Judgement(Verdict("unverified", "", "infeasibility", reason), undecided=True)


def search(problem: Problem, claim: Claim) -> Search:
    """Look for a proof that no point exists, or else for a point."""
    form = problem.form
    for text in _by_rows(form):
        if text:
            return Search(Proof("certificate", text, Check.of("propagation", 0.0, 0.0)))
    said = usable(
        problem, claim.farkas, claim.cone_multipliers if claim.farkas is not None else None
    )
    proof = _farkas(problem, *said)
    if proof is not None:
        return Search(proof)
    found = _elastic(problem) if problem.proposable else Search()
    if found.proof is not None or found.point is not None:
        return found
    if form.integer.any():
        enumerated = enumerate_box(form)
        if enumerated is not None and enumerated.x is None:
            check = Check.of("enumeration", 0.0, 0.0)
            return Search(Proof("exact", "no whole-numbered point meets all rows", check))
        point = None if enumerated is None else enumerated.x
        if point is None and problem.proposable:
            point = integer_point(form)
        if point is not None:
            return Search(point=_standing(problem, point))
    return Search()


def _standing(problem: Problem, x: Floats) -> Floats | None:
    """Return a point (n,) as it is judged if it passes, and not beside large terms only."""
    point, test = exact_point(problem, x, None)
    if point is None or not test.passed or leans_on_size(problem.form, problem.own_cones, point):
        return None
    return point


def _doubtful(problem: Problem, x: Floats) -> bool:
    """Whether x (n,) passes only beside large terms, and an LP may be spent on that."""
    small = problem.nonzeros <= DOUBT_NONZEROS
    return small and leans_on_size(problem.form, problem.own_cones, x)


def disproof(problem: Problem, x: Floats) -> Proof | None:
    """Return a proof that there is no point, sought where x (n,) passes only beside large terms."""
    if not _doubtful(problem, x):
        return None
    return search(problem.relaxed(), Claim("infeasible")).proof


def disproof_of_value(problem: Problem, x: Floats) -> Proof | None:
    """Return a proof that no point comes materially near the objective at x (n,), sought likewise.

    The objective becomes one more row, and of the whole there must be no point.
    """
    if not _doubtful(problem, x):
        return None
    relaxed, bent = problem.relaxed(), problem.quadratic
    value = problem.value(x)
    most = value + MATERIAL * max(1.0, abs(value)) - problem.constant
    form, cost = relaxed.form, problem.linear
    if bent is not None:
        row = QuadraticRow(bent, cost, -np.inf, most, "objective")
        return _of_rows(replace(form, quadratic_rows=(*form.quadratic_rows, row)))
    last = sparse.csr_array(cost[None, :])
    rows = sparse.csr_array(sparse.vstack([form.rows, last], format="csr"))
    low, high = np.append(form.row_lower, -np.inf), np.append(form.row_upper, most)
    return _of_rows(replace(form, rows=rows, row_lower=low, row_upper=high, row_blocks=()))


def _of_rows(form: Form) -> Proof | None:
    return search(Problem(form), Claim("infeasible")).proof


def feasible_point(problem: Problem) -> Floats | None:
    """Propose a point (n,) that meets all constraints; None where none is found."""
    if not problem.proposable:
        return None
    if problem.form.integer.any():
        point = integer_point(problem.form)
        return None if point is None else _standing(problem, point)
    return _elastic(problem).point


def _by_rows(form: Form) -> list[str]:
    found = [propagate(form)]
    if form.integer.any():
        row = integer_rows(form).indivisible(form)
        found.append(f"no whole numbers meet row {row}: its divisor leaves a rest" if row else "")
    return found


def _farkas(problem: Problem, rows: Floats, cones: Floats) -> Proof | None:
    """Test row (m,) and cone (k,) multipliers, in rational numbers and else in doubles."""
    if not rows.any() and not cones.any():
        return None
    if not cones.any() and proves_infeasible(problem.form, rows):
        return Proof("certificate", "", Check.of("exact Farkas proof", 0.0, 0.0))
    for y, z in with_signs(rows, cones):
        reach = _reach(problem, y, z)
        if reach >= FARKAS_REACH:
            text = "" if reach == np.inf else f"for all |x| up to {reach:.2g}"
            check = Check.of("Farkas proof", FARKAS_REACH / reach, 1.0)
            return Proof("certificate", text, check)
    return None


def _reach(problem: Problem, rows: Floats, cones: Floats) -> float:
    """Return the M for which multipliers prove that no x with |x_j| <= M is feasible; 0 if none.

    M bounds the columns that have no bound of their own; inf where none of them is left in the
    combined row. Sums count as wrong by 1e-9 of their terms, so that what is left on such a column
    must be no more: a coefficient of the data is not rounding, however small.
    """
    form = problem.form
    unit = max(np.abs(rows).max(initial=0.0), np.abs(cones).max(initial=0.0))
    y = np.where((rows > 0) & np.isinf(form.row_lower), 0.0, rows / unit)
    y = np.where((y < 0) & np.isinf(form.row_upper), 0.0, y)
    z = problem.cones.to_dual(cones / unit) if len(cones) else cones
    sides = y * taken(y, form.row_lower, form.row_upper)
    offsets = problem.cones.offset * z
    combined = form.rows.T @ y + problem.cones.matrix.T @ z
    ends = np.where(combined > 0, form.upper, form.lower)
    finite = np.isfinite(ends)
    held = np.where(finite, combined * np.where(finite, ends, 0.0), 0.0)
    terms = np.abs(sides).sum() + np.abs(offsets).sum() + np.abs(held).sum()
    margin = sides.sum() - offsets.sum() - held.sum() - STRICT * terms
    parts = abs(form.rows).T @ np.abs(y) + abs(problem.cones.matrix).T @ np.abs(z)
    rounding = np.abs(combined) <= STRICT * parts
    left = float(np.abs(combined[~finite]).sum())
    if not np.isfinite(margin) or margin <= 0 or not rounding[~finite].all():
        return 0.0
    return float(margin / left) if left > 0 else np.inf


def _elastic(problem: Problem) -> Search:
    """Minimise the sum of violations over rows and tangents of the relaxation.

    A positive least sum has multipliers that prove infeasibility; at zero more tangents are
    taken where the point is outside a cone or a quadratic row.
    """
    form = problem.form
    outer = form
    anchors: list[Floats] = []
    for _ in range(_ROUNDS):
        found = _least_violation(outer)
        if found is None:
            return Search()
        x, multipliers, violation = found
        if violation > 0:
            m = len(form.row_lower)
            added = multipliers[m:]
            if not added.any():
                proof = _farkas(problem, multipliers[:m], np.zeros(len(problem.cones.offset)))
            else:
                proof = _farkas_of_tangents(outer, multipliers)
            if proof is not None:
                return Search(proof)
        inside = check_point(form.relaxed(), problem.own_cones, x).excess <= STRICT
        if inside and not leans_on_size(form, problem.own_cones, x):
            return Search() if form.integer.any() else Search(point=x)
        if problem.flat or not problem.convex:
            return Search()
        anchors.append(x)
        outer = with_tangents(problem, anchors)
    return Search()


def _farkas_of_tangents(outer: Form, multipliers: Floats) -> Proof | None:
    for y in (multipliers, -multipliers):
        reach = _reach(Problem(outer), y, np.zeros(0))
        if reach >= FARKAS_REACH:
            text = "" if reach == np.inf else f"for all |x| up to {reach:.2g}"
            return Proof("certificate", text, Check.of("Farkas proof", FARKAS_REACH / reach, 1.0))
    return None


def _least_violation(form: Form) -> tuple[Floats, Floats, float] | None:
    """Return the point of least total violation of the rows, its multipliers and that violation."""
    m, n = form.rows.shape
    below = np.flatnonzero(np.isfinite(form.row_lower))
    above = np.flatnonzero(np.isfinite(form.row_upper))
    rows = sparse.hstack(
        [form.rows, _slack(below, m), -_slack(above, m)], format="csr", dtype=float
    )
    k = len(below) + len(above)
    answer = solve_lp(
        np.concatenate([np.zeros(n), np.ones(k)]),
        sparse.csr_array(rows),
        form.row_lower,
        form.row_upper,
        np.concatenate([form.lower, np.zeros(k)]),
        np.concatenate([form.upper, np.full(k, np.inf)]),
    )
    return None if answer is None else (answer.x[:n], answer.rows, answer.value)


def _slack(index: np.ndarray[tuple[int], np.dtype[np.int64]], count: int) -> sparse.csr_array:
    k = len(index)
    return sparse.csr_array((np.ones(k), (index, np.arange(k))), shape=(count, k))
