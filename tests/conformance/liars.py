"""Solvers that are wrong on purpose: each breaks its promise in one way.

Honest work is done on the canonical form's bare arrays; what is said about it is not. They are
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
from scipy.optimize import Bounds, LinearConstraint, milp

from optimodels.arrays import Floats
from optimodels.form import Form
from optimodels.result import Claim
from optimodels.solvers.registry import Options, Solver
from tests.unit.test_verify_makers import by_clarabel


def nothing_but_the_truth(problem: Any, *_: Any) -> Claim:
    """The optimum: what the others break their promise beside."""
    return _honest(problem.form)


def wrong_objective(problem: Any, *_: Any) -> Claim:
    """The optimum, a tenth better than it is."""
    form = problem.form
    claim = _honest(form)
    if claim.objective is None:
        return claim
    return replace(claim, objective=claim.objective - form.sign * (1 + 0.1 * abs(claim.objective)))


def infeasible_point(problem: Any, *_: Any) -> Claim:
    """One coordinate past its bound, or moved where it has none."""
    form = problem.form
    claim = _honest(form)
    if claim.x is None:
        return claim
    x = claim.x.copy()
    x[0] = form.upper[0] + 1.0 if np.isfinite(form.upper[0]) else x[0] + 1.0 + abs(x[0])
    return replace(claim, x=x, objective=form.objective(x))


def false_optimal(problem: Any, *_: Any) -> Claim:
    """A feasible point that is worse than the best, called the best."""
    form = problem.form
    x = _by_milp(form, -1.0) if form.integer.any() else _elsewhere(form)
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
    """Return a catalogue entry for one of the above, able to take what is convex or linear."""
    return Solver(
        name="liar",
        via="cvxpy",
        classes=frozenset({"LP", "MILP", "QP", "SOCP", "EXP"}),
        native="",
        options=Options(),
        driver=f"{__name__}:{lie.__name__}",
    )


def _honest(form: Form) -> Claim:
    x = _by_milp(form) if form.integer.any() else _by_cones(form)
    if x is None:
        return Claim("infeasible")
    return Claim("optimal", "optimal", "", x, form.objective(x))


def _by_milp(form: Form, sign: float = 1.0) -> Floats | None:
    """The best point by the linear part, or with sign -1 the worst."""
    found = milp(
        sign * form.sign * form.linear,
        integrality=form.integer.astype(int),
        bounds=Bounds(form.lower, form.upper),
        constraints=LinearConstraint(form.rows, form.row_lower, form.row_upper),
    )
    return None if found.x is None else form.rounded(np.asarray(found.x, dtype=float))


def _elsewhere(form: Form) -> Floats | None:
    """A feasible point in a box around the optimum, at the far end of a direction of its own."""
    best = _by_cones(form)
    if best is None:
        return None
    size = np.maximum(1.0, np.abs(best))
    k = np.arange(1.0, len(best) + 1)
    near = replace(
        form,
        linear=form.sign * k * (-1.0) ** k / size,
        quadratic=None,
        lower=np.maximum(form.lower, best - size),
        upper=np.minimum(form.upper, best + size),
    )
    return _by_cones(near)


def _by_cones(form: Form) -> Floats | None:
    """The best point of a convex form, by Clarabel on its bare arrays."""
    status, claim = by_clarabel(form)
    return claim.x if status in ("Solved", "AlmostSolved") else None
