"""Solvers that are wrong on purpose: each breaks its promise in one way.

Honest work is done by SciPy on the canonical form; what is said about it is not. They are
drivers, as a catalogue names them, so that they also run in processes of their own.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp, minimize

from optimodels.arrays import Floats
from optimodels.form import Form
from optimodels.result import Claim
from optimodels.solvers.registry import Options, Solver


def wrong_objective(problem: Any, *_: Any) -> Claim:
    """The optimum, a tenth better than it is."""
    form = problem.form
    claim = _honest(form)
    if claim.objective is None:
        return claim
    return replace(claim, objective=claim.objective - form.sign * (1 + 0.1 * abs(claim.objective)))


def infeasible_point(problem: Any, *_: Any) -> Claim:
    """One coordinate past its bound."""
    form = problem.form
    claim = _honest(form)
    if claim.x is None:
        return claim
    x = claim.x.copy()
    x[0] = form.upper[0] + 1.0
    return replace(claim, x=x, objective=form.objective(x))


def false_optimal(problem: Any, *_: Any) -> Claim:
    """The worst feasible point by the linear part, called the best."""
    form = problem.form
    x = _solve(form, -form.sign)
    if form.quadratic is not None and x is not None:
        # A vertex, far from where a curved objective has its optimum.
        x = _solve(replace(form, linear=np.arange(1.0, len(x) + 1)), 1.0)
    return Claim("infeasible") if x is None else Claim("optimal", "optimal", "", x)


def false_infeasible(problem: Any, *_: Any) -> Claim:
    """Nothing there."""
    return Claim("infeasible")


def false_unbounded(problem: Any, *_: Any) -> Claim:
    """No end to it."""
    return Claim("unbounded")


def hangs(problem: Any, solver: Any, limits: Any, options: Any, live: Any, ready: Any) -> Claim:
    """It has a time limit and does not keep it."""
    ready(problem.form)
    time.sleep(3600)
    raise AssertionError("not ended from outside")


def eats_memory(
    problem: Any, solver: Any, limits: Any, options: Any, live: Any, ready: Any
) -> Claim:
    """It never has enough."""
    ready(problem.form)
    kept = []
    while len(kept) < 200:
        kept.append(np.ones(2**23))  # 64 MiB
        time.sleep(0.01)
    raise AssertionError("not ended from outside")


def crashes(problem: Any, solver: Any, limits: Any, options: Any, live: Any, ready: Any) -> Claim:
    """It takes its process along."""
    ready(problem.form)
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError("still alive")


def liar(lie: Callable[..., Claim]) -> Solver:
    """Return a catalogue entry for one of the above, able to take anything linear."""
    return Solver(
        name="liar",
        via="cvxpy",
        classes=frozenset({"LP", "MILP", "QP"}),
        native="",
        options=Options(),
        driver=f"{__name__}:{lie.__name__}",
    )


def _honest(form: Form) -> Claim:
    x = _solve(form, form.sign) if form.quadratic is None else _solve_quadratic(form)
    if x is None:
        return Claim("infeasible")
    return Claim("optimal", "optimal", "", x, form.objective(x))


def _solve_quadratic(form: Form) -> Floats:
    """Minimise a convex quadratic objective by SciPy's trust-region method."""
    assert form.quadratic is not None
    bent = form.sign * form.quadratic.toarray()
    slope = form.sign * form.linear
    found = minimize(
        lambda x: 0.5 * x @ bent @ x + slope @ x,
        np.clip(np.zeros(len(slope)), form.lower, form.upper),
        jac=lambda x: bent @ x + slope,
        hess=lambda x: bent,
        method="trust-constr",
        bounds=Bounds(form.lower, form.upper),
        constraints=LinearConstraint(form.rows.toarray(), form.row_lower, form.row_upper),
    )
    return np.asarray(found.x, dtype=float)


def _solve(form: Form, sign: float) -> Floats | None:
    found = milp(
        sign * form.linear,
        integrality=form.integer.astype(int),
        bounds=Bounds(form.lower, form.upper),
        constraints=LinearConstraint(form.rows, form.row_lower, form.row_upper),
    )
    return None if found.x is None else form.rounded(np.asarray(found.x, dtype=float))
