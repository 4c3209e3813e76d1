"""Whether a problem improves without end: a feasible point and a ray, both checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.result import Check, Claim, Verdict
from optimodels.verify.certificate import best_bound
from optimodels.verify.infeasible import disproof, feasible_point, search
from optimodels.verify.optimum import judge_point
from optimodels.verify.problem import Problem
from optimodels.verify.proposals import solve_lp
from optimodels.verify.rational import proves_unbounded
from optimodels.verify.scale import largest_terms
from optimodels.verify.testimony import Judgement, Testimony, exact_point
from optimodels.verify.tolerances import STRICT

_ROUNDS = 30


def judge_unbounded(problem: Problem, claim: Claim, testimonies: Sequence[Testimony]) -> Judgement:
    """Judge the claim that the objective improves without end."""
    check = _checked_ray(problem, claim)
    point = _point(problem, claim, testimonies)
    if check is not None and point is not None:
        return Judgement(Verdict("verified", "certificate", "unboundedness", "", (check,)))
    if point is None:
        proof = search(problem, Claim("infeasible")).proof
        if proof is not None:
            reason = "infeasible, not unbounded" + (f": {proof.reason}" if proof.reason else "")
            return Judgement(Verdict("refuted", "", "unboundedness", reason, (proof.check,)))
    bounded = "" if check is not None else _bounded(problem) or _has_optimum(problem, testimonies)
    if bounded:
        return Judgement(Verdict("refuted", "", "unboundedness", bounded))
    others = [said.who for said in testimonies if said.stopped in ("optimal", "infeasible")]
    agrees = [said for said in testimonies if said.stopped == "unbounded"]
    if agrees and not others:
        said = min(agrees, key=lambda t: t.by != "exact")
        agreed = Check.of(f"agreement with {said.who}", 0.0, 0.0)
        return Judgement(Verdict("verified", said.by, "unboundedness", "", (agreed,)))
    if check is not None:
        reason = "there is a direction without end, but no feasible point was found"
    else:
        reason = "unbounded on the solver's word; no direction without end was found"
    if others:
        reason += f"; {others[0]} disagrees"
    return Judgement(Verdict("unverified", "", "unboundedness", reason), undecided=True)


def _point(problem: Problem, claim: Claim, testimonies: Sequence[Testimony]) -> Floats | None:
    for x in (claim.x, *(said.x for said in testimonies)):
        if x is not None:
            point, test = exact_point(problem, x, None)
            if point is not None and test.passed and disproof(problem, point) is None:
                return point
    return feasible_point(problem)


def _checked_ray(problem: Problem, claim: Claim) -> Check | None:
    """Return the check of a ray that holds: the solver's, or else one of our own."""
    for ray in _rays(problem, claim):
        if problem.flat and proves_unbounded(problem.form, ray):
            return Check.of("exact ray", 0.0, 0.0)
        leaves = ray_fault(problem, ray)
        if leaves <= STRICT:
            return Check.of("ray", leaves, STRICT)
    return None


def _rays(problem: Problem, claim: Claim) -> Iterator[Floats]:
    n = len(problem.form.linear)
    if claim.ray is not None and claim.ray.shape == (n,) and np.isfinite(claim.ray).all():
        yield claim.ray
    if problem.proposable:
        yield from _proposed_rays(problem)


def ray_fault(problem: Problem, ray: Floats) -> float:
    """Return how far a ray (n,) leaves the feasible set per unit of improvement; inf if none.

    A ray d keeps rows and bounds (A d >= 0 at finite lower sides), lies in the cones (G d in K),
    does not bend what is quadratic (P d = 0), and improves the objective: c d < 0 with Q d = 0,
    or d'Q d < 0. Every row counts relative to its own largest term, however small: a direction is
    followed without end. Entries of d that are rounding are left out.
    """
    form, largest = problem.form, float(np.abs(ray).max(initial=0.0))
    if not largest > 0:
        return np.inf
    d = np.where(np.abs(ray) > STRICT * largest, ray / largest, 0.0)
    slope = float(problem.linear @ d)
    away = _outside(form.rows @ d, form.row_lower, form.row_upper)
    faults = [
        _beside(away, largest_terms(form.rows, d)),
        _outside(d, form.lower, form.upper),
        problem.own_cones.recession_fault(d),
    ]
    for row in form.quadratic_rows:
        change = _outside(np.array([row.linear @ d]), np.array([row.lower]), np.array([row.upper]))
        faults.append(_beside(change, np.abs(row.linear * d).max(initial=0.0)))
        faults.append(_beside(np.abs(row.matrix @ d), largest_terms(row.matrix, d)))
    if problem.quadratic is not None:
        bent = problem.quadratic @ d
        fall = float(d @ bent)
        if fall < -1e-6 * float(np.abs(problem.quadratic.data).max()):
            slope = fall
        else:
            faults.append(_beside(np.abs(bent), largest_terms(problem.quadratic, d)))
    norm = max(1.0, float(np.abs(problem.linear).max(initial=0.0)))
    if slope >= -1e-6 * norm:
        return np.inf
    worst = max(float(fault.max(initial=0.0)) for fault in faults)
    return worst * norm / -slope


def _beside(off: Floats, terms: Floats) -> Floats:
    return off / np.where(terms > 0, terms, 1.0)


def _outside(change: Floats, lower: Floats, upper: Floats) -> Floats:
    below = np.where(np.isfinite(lower), -change, 0.0)
    above = np.where(np.isfinite(upper), change, 0.0)
    return np.maximum(np.maximum(below, above), 0.0)


def _proposed_rays(problem: Problem) -> Iterator[Floats]:
    """Minimise the linear objective over the recession cone within |d_j| <= 1."""
    form, cones = problem.form, problem.own_cones
    n = len(form.linear)
    rows = [form.rows]
    low = [np.where(np.isfinite(form.row_lower), 0.0, -np.inf)]
    high = [np.where(np.isfinite(form.row_upper), 0.0, np.inf)]
    flat = [] if problem.quadratic is None else [problem.quadratic]
    for row in form.quadratic_rows:
        flat.append(row.matrix)
        rows.append(sparse.csr_array(row.linear[None, :]))
        low.append(np.array([0.0 if np.isfinite(row.lower) else -np.inf]))
        high.append(np.array([0.0 if np.isfinite(row.upper) else np.inf]))
    for matrix in flat:
        rows.append(matrix)
        low.append(np.zeros(n))
        high.append(np.zeros(n))
    lower = np.where(np.isfinite(form.lower), 0.0, -1.0)
    upper = np.where(np.isfinite(form.upper), 0.0, 1.0)
    recession = cones.recession()
    for _ in range(_ROUNDS if cones.count else 1):
        body = sparse.csr_array(sparse.vstack(rows, format="csr"))
        answer = solve_lp(
            problem.linear, body, np.concatenate(low), np.concatenate(high), lower, upper
        )
        if answer is None or answer.value >= 0:
            return
        yield answer.x
        if cones.count:
            v = recession.values(answer.x)
            rows.append(sparse.csr_array(recession.tangents(v) @ recession.matrix))
            low.append(np.zeros(cones.count))
            high.append(np.full(cones.count, np.inf))


def _bounded(problem: Problem) -> str:
    """Say by what the objective is bounded: column bounds, or multipliers of the relaxation."""
    form = problem.form
    used = problem.linear != 0
    if problem.quadratic is not None:
        used |= np.asarray(abs(problem.quadratic).sum(axis=1)).ravel() > 0
    if np.isfinite(form.lower[used]).all() and np.isfinite(form.upper[used]).all():
        return "bounded: every column of the objective has both bounds"
    if not problem.flat or not problem.proposable:
        return ""
    answer = solve_lp(
        problem.linear, form.rows, form.row_lower, form.row_upper, form.lower, form.upper
    )
    if answer is None:
        return ""
    relaxed, value = problem.relaxed(), form.objective(answer.x)
    said = iter([(answer.rows, np.zeros(0))])
    bound = best_bound(relaxed, answer.x, value, said)
    if bound is None or not bound.proves(value):
        return ""
    return f"bounded: nothing is better than {bound.safe:.9g}"


def _has_optimum(problem: Problem, testimonies: Sequence[Testimony]) -> str:
    """Say whose point is an optimum that needs nobody's word: what has one is bounded."""
    for said in testimonies:
        if said.x is None or said.stopped != "optimal":
            continue
        theirs = Claim("optimal", "optimal", x=said.x, row_multipliers=said.row_multipliers)
        verdict = judge_point(problem, theirs, ()).verdict
        if verdict.status == "verified" and verdict.of == "global optimum":
            value = problem.form.objective(said.x)
            return f"bounded: the optimum that {said.who} found is {value:.9g}"
    return ""
