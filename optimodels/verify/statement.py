"""The model as it was written, beside the form that was compiled from it.

A verdict is about a form. That the form is the model is the compiler's word: CVXPY's squares a
matrix whose root it took wrongly (singular ones, in releases up to 1.9.3), and all that follows is
right of another problem. So the model's own expressions are evaluated at the point.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from optimodels.arrays import Floats
from optimodels.form import Form
from optimodels.result import Check, Claim, Stated
from optimodels.verify.optimum import faulty
from optimodels.verify.point import PointTest
from optimodels.verify.scale import largest_curved_term, largest_terms
from optimodels.verify.testimony import Judgement
from optimodels.verify.tolerances import MATERIAL, PRIMAL, ROUNDING


def beside_statement(form: Form, claim: Claim, found: Judgement) -> Judgement:
    """Hold a judged point against what its model says of it, and refute it where they differ.

    The objective may be better than the form says, where columns of the form alone leave room, but
    not at an optimum.
    """
    stated, verdict = claim.stated, found.verdict
    if stated is None or claim.x is None or claim.stopped in ("infeasible", "unbounded"):
        return found
    if verdict.status == "refuted":
        return found
    tight = verdict.status == "verified"
    tests = [_objective(form, claim.x, stated, tight), _constraints(form, claim.x, stated)]
    checks = (*verdict.checks, *(check for check, _ in tests))
    faults = tuple(fault for check, fault in tests if not check.passed)
    if faults:
        return faulty(claim, PointTest(checks, faults))
    return replace(found, verdict=replace(verdict, checks=checks))


def _objective(form: Form, x: Floats, stated: Stated, tight: bool) -> tuple[Check, str]:
    value = form.objective(x)
    text = f"the model's own objective is {stated.objective:.9g} at the point, not {value:.9g}"
    if not np.isfinite(stated.objective):
        return Check("stated objective", np.inf, MATERIAL, False), text
    worse = form.sign * (stated.objective - value)
    terms = np.abs(form.linear) * np.abs(x)
    if form.quadratic is not None:
        terms = terms + np.abs(x) * (abs(form.quadratic) @ np.abs(x))
    rounding = ROUNDING * (float(terms.sum()) + abs(form.constant))
    off = max(0.0, (abs(worse) if tight else worse) - rounding)
    return Check.of("stated objective", off / max(1.0, abs(value)), MATERIAL), text


def _constraints(form: Form, x: Floats, stated: Stated) -> tuple[Check, str]:
    sizes, hidden = _sizes(form, x)
    largest = max(sizes.values(), default=1.0)
    worst, text = 0.0, ""
    for name, outside in stated.outside.items():
        # What is no number is as far outside as can be.
        off = np.inf if np.isnan(outside) else outside
        relative = off / max(1.0, hidden, sizes.get(name, largest))
        if relative > worst:
            worst = relative
            what = f"constraint {name}" if name else "a constraint"
            text = f"{what} of the model itself is violated by {outside:.6g}"
    return Check.of("stated constraints", worst, PRIMAL), text


def _sizes(form: Form, x: Floats) -> tuple[dict[str, float], float]:
    """Return the largest term among the rows, cones and curved rows of each name at x (n,), and
    that of what has none.

    A cone without a name is the root of something curved that was stated: its terms count as
    their squares, and may be those of any constraint.
    """
    hidden = 0.0
    terms = largest_terms(form.rows, x)
    found = {b.name: float(terms[b.start : b.stop].max(initial=0.0)) for b in form.row_blocks}

    def grow(name: str, size: float) -> None:
        found[name] = max(found.get(name, 0.0), size)

    for cone in form.cones:
        inside = np.maximum(largest_terms(cone.matrix, x), np.abs(cone.offset))
        size = float(inside.max(initial=0.0))
        if cone.name:
            grow(cone.name, size)
        else:
            hidden = max(hidden, size**2 / 4)
    for row in form.quadratic_rows:
        grow(row.name.partition("[")[0], largest_curved_term(row, x))
    for curved in form.nonlinear_rows:
        grow(curved.name.partition("[")[0], abs(curved.expression.value(x)))
    return found, hidden
