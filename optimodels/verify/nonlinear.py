"""Points of problems with smooth nonlinear parts: stationary, of curvature up, or beaten.

The local model at a point (gradient, Lagrangian's Hessian, linearised rows) is a form like any
other and is judged as one; what it shows holds for the problem near the point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import sparse

from optimodels.arrays import Floats, Mask
from optimodels.form import Form
from optimodels.result import Check, Claim, Verdict
from optimodels.verify.descent import along, better_along, null_space
from optimodels.verify.optimum import faulty, judge_point
from optimodels.verify.problem import Problem
from optimodels.verify.proposals import linear_step
from optimodels.verify.testimony import Judgement, Testimony, exact_point, hear
from optimodels.verify.tolerances import CURVATURE_COLUMNS

_BENT = "nonlinear: no bound over all points"
#: Curvature, relative to the largest, below which a column counts as flat, and how many are tried.
_FLAT = 1e-6
_TRIED = 100


def judge_nonlinear(problem: Problem, claim: Claim, testimonies: Sequence[Testimony]) -> Judgement:
    """Judge a claim about a problem with nonlinear parts.

    A point is feasible by arithmetic, a local optimum by its local model, a global one only where
    the family's exact algorithm agrees. Infeasible and unbounded have no certificate here.
    """
    if claim.stopped in ("infeasible", "unbounded"):
        reason = f"{claim.stopped} on the solver's word; a nonlinear problem has no certificate"
        return Judgement(Verdict("unverified", reason=reason), undecided=True)
    form = problem.form
    x, test = exact_point(problem, claim.x, claim.objective)
    if x is None or not test.passed:
        return faulty(claim, test)
    value = form.objective(x)
    heard = hear(problem, value, testimonies, test.excess)
    if heard.better is not None:
        return Judgement(Verdict("refuted", "", "global optimum", heard.disagreement, test.checks))
    flat = Problem(local_model(form, x, np.zeros(len(form.nonlinear_rows)), bent=False))
    step = linear_step(flat, x)
    if step is not None and claim.stopped == "optimal":
        better = along(problem, x, step.move)
        if better is not None:
            return _beaten(form, better, test.checks)
    weights = np.zeros(len(form.nonlinear_rows))
    if step is not None and len(weights):
        weights = step.rows[-len(weights) :]
    said = replace(claim, objective=value, row_multipliers=None, cone_multipliers=None)
    model = local_model(form, x, weights)
    local = judge_point(Problem(model), said, ())
    prices = _prices(form, local.row_multipliers)
    if heard.agrees is not None and not heard.disagreement:
        theirs = heard.agrees.optimum
        assert theirs is not None
        gap = abs(value - theirs) / max(1.0, abs(value), abs(theirs))
        check = Check.of(f"agreement with {heard.agrees.who}", gap, heard.tolerance)
        by, checks = heard.agrees.by, (*test.checks, check)
        return Judgement(Verdict("verified", by, "global optimum", "", checks), theirs, prices)
    checks = (*test.checks, *(c for c in local.verdict.checks if c not in test.checks))
    undecided = claim.stopped == "optimal"
    lower = _downhill(problem, x, model) if claim.stopped == "optimal" else None
    if lower is not None:
        return _beaten(form, lower, checks)
    if local.verdict.status != "verified":
        reason = f"feasible; its local model says: {local.verdict.reason}"
        return Judgement(Verdict("unverified", "", "", reason, checks), undecided=undecided)
    reason = f"{_BENT}; {heard.disagreement}" if heard.disagreement else _BENT
    verdict = Verdict("verified", "certificate", "local optimum", reason, checks)
    return Judgement(verdict, None, prices, undecided)


def _beaten(form: Form, better: Floats, checks: tuple[Check, ...]) -> Judgement:
    reason = f"not optimal: a feasible point reaches {form.objective(better):.9g}"
    return Judgement(Verdict("refuted", "", "local optimum", reason, checks))


def _downhill(problem: Problem, x: Floats, model: Form) -> Floats | None:
    """Look for a better point where the local model bends down, and where it lies flat.

    A flat direction may fall by the third or fourth order, of which the model knows nothing: tried
    are the columns of nonlinear parts without curvature, as the equalities let them move.
    """
    form = problem.form
    if len(x) > CURVATURE_COLUMNS:
        return None
    hessian = np.zeros((len(x), len(x)))
    if model.quadratic is not None:
        hessian = model.sign * model.quadratic.toarray()
    equalities = model.rows[model.row_lower == model.row_upper].toarray()
    fixed = np.eye(len(x))[form.lower == form.upper]
    null = null_space(np.vstack([equalities, fixed]), len(x))
    values, vectors = np.linalg.eigh(null.T @ hessian @ null)
    bent = np.abs(hessian).max(axis=1, initial=0.0)
    flat = np.flatnonzero(_nonlinear(form) & (bent <= _FLAT * max(1.0, bent.max(initial=0.0))))
    directions = [*(null @ vectors[:, values < 0]).T, *(null @ null[flat[:_TRIED]].T).T]
    for direction in directions:
        better = better_along(problem, x, direction) if direction.any() else None
        if better is not None:
            return better
    return None


def _nonlinear(form: Form) -> Mask:
    """Say which columns (n,) stand in nonlinear parts."""
    found = np.zeros(len(form.linear), dtype=bool)
    parts = [row.expression for row in form.nonlinear_rows]
    for part in (*parts, form.expression):
        for step in () if part is None else part.steps:
            if step.operation == "column":
                found[int(step.value)] = True
    return found


def _prices(form: Form, rows: Floats | None) -> Floats | None:
    """Put the local model's multipliers where the form has its rows."""
    if rows is None:
        return None
    prices = rows[: len(form.row_lower)].copy()
    for row, price in zip(form.nonlinear_rows, rows[len(prices) :], strict=True):
        prices[row.row] = price
    return prices


def local_model(form: Form, x: Floats, weights: Floats, bent: bool = True) -> Form:
    """Return the model of second order at x (n,): of the same value and gradient there.

    ``weights`` (k,) are multipliers of the nonlinear rows, whose Hessians count in the objective's.
    """
    gradients = np.array([row.expression.gradient(x) for row in form.nonlinear_rows]).reshape(
        -1, len(x)
    )
    values = np.array([row.expression.value(x) for row in form.nonlinear_rows])
    shift = gradients @ x - values
    slope, constant = form.linear.copy(), form.constant
    hessian = np.zeros((len(x), len(x)))
    if form.expression is not None:
        gradient = form.expression.gradient(x)
        slope += gradient
        constant += form.expression.value(x) - float(gradient @ x)
        if bent:
            hessian += form.expression.hessian(x)
    for weight, row in zip(weights, form.nonlinear_rows, strict=True):
        if bent and weight:
            hessian -= form.sign * weight * row.expression.hessian(x)
    # 1/2 (y - x)' H (y - x), spread out.
    slope -= hessian @ x
    constant += 0.5 * float(x @ hessian @ x)
    quadratic = sparse.csr_array(hessian)
    if form.quadratic is not None:
        quadratic = sparse.csr_array(quadratic + form.quadratic)
    lower = np.array([row.lower for row in form.nonlinear_rows]) + shift
    upper = np.array([row.upper for row in form.nonlinear_rows]) + shift
    return replace(
        form,
        linear=slope,
        constant=constant,
        quadratic=quadratic if quadratic.nnz else None,
        rows=sparse.csr_array(sparse.vstack([form.rows, sparse.csr_array(gradients)])),
        row_lower=np.concatenate([form.row_lower, lower]),
        row_upper=np.concatenate([form.row_upper, upper]),
        expression=None,
        nonlinear_rows=(),
    )
