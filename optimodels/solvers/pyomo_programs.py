"""Pyomo's older way: to solvers that are programs of their own, and to vendors' libraries."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyomo.environ as pyo
from pyomo.common.tempfiles import TempfileManager
from pyomo.opt import SolutionStatus, TerminationCondition

from optimodels.form import Form
from optimodels.result import Claim, Point, Stopped
from optimodels.solvers.registry import Limits, Solver, find_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimodels.solvers.pyomo_language import PyomoProblem

_STOPPED: dict[TerminationCondition, Stopped] = {
    TerminationCondition.optimal: "optimal",
    TerminationCondition.locallyOptimal: "optimal",
    TerminationCondition.globallyOptimal: "optimal",
    TerminationCondition.feasible: "iterations",
    TerminationCondition.maxTimeLimit: "time",
    TerminationCondition.maxIterations: "iterations",
    TerminationCondition.maxEvaluations: "iterations",
    # CBC's word for a limit before the first whole point: what it hands on is the relaxation's.
    TerminationCondition.intermediateNonInteger: "iterations",
    TerminationCondition.infeasible: "infeasible",
    TerminationCondition.noSolution: "infeasible",
    TerminationCondition.infeasibleOrUnbounded: "infeasible",
    TerminationCondition.unbounded: "unbounded",
    TerminationCondition.userInterrupt: "interrupted",
}
#: What GLPK prints where its file says "undefined". Pyomo knows its presolver's words alone, and
#: takes the last of these for unbounded.
_PRINTED: dict[str, TerminationCondition] = {
    "LP HAS NO PRIMAL FEASIBLE SOLUTION": TerminationCondition.infeasible,
    "LP HAS UNBOUNDED PRIMAL SOLUTION": TerminationCondition.unbounded,
    "HAS NO DUAL FEASIBLE SOLUTION": TerminationCondition.infeasibleOrUnbounded,
}
_OPTIMAL = (
    SolutionStatus.optimal,
    SolutionStatus.globallyOptimal,
    SolutionStatus.locallyOptimal,
)


def solve(
    problem: PyomoProblem,
    solver: Solver,
    limits: Limits,
    options: Mapping[str, Any],
    live: bool,
    ready: Callable[[Form], None] | None = None,
) -> Claim:
    """Hand a Pyomo model to a solver and return what it says, in the order of the form."""
    if ready is not None:
        ready(problem.form)
    with problem.at_work(live), _duals_of(problem.model), _own_folder() as folder:
        started = perf_counter()
        program = {"executable": find_program(solver.program)} if solver.program else {}
        engine = pyo.SolverFactory(solver.native, **program)
        engine.options.update(solver.options.arguments(limits, options))
        log = Path(folder, "log")
        keep = {"logfile": str(log)} if solver.native == "glpk" else {}
        results = engine.solve(problem.model, load_solutions=False, tee=live, **keep)
        whole = perf_counter() - started
        if keep:
            _read_log(results, log.read_text(), whole_numbers=bool(problem.form.integer.any()))
        claim = _claim(problem, results, limits, whole)
    if claim.stopped == "error":
        claim = replace(claim, message=f"{solver.name}: {claim.message}")
    inside = min(whole, _seconds(results) or whole)
    problem.seconds |= {"hand_over": whole - inside, "solve": inside}
    return claim


def _claim(problem: PyomoProblem, results: Any, limits: Limits, seconds: float) -> Claim:
    condition = results.solver.termination_condition
    stopped = _STOPPED.get(condition, "error")
    broken = condition is TerminationCondition.intermediateNonInteger
    late = limits.time is not None and (broken or seconds >= 0.9 * limits.time)
    if late and stopped in ("iterations", "error"):
        stopped = "time"
    point: Point = "none"
    x = y = objective = None
    sign = problem.form.sign
    if len(results.solution) and stopped not in ("infeasible", "unbounded") and not broken:
        problem.forget()
        problem.model.solutions.load_from(results, ignore_invalid_labels=True)
        x = problem.point()
        # Pyomo calls GLPK's optimum of a linear problem "feasible"; of whole numbers it may be
        # no more than that.
        proved = stopped == "optimal" and (
            results.solution(0).status in _OPTIMAL or _is_linear(problem.form)
        )
        point = "optimal" if proved else "feasible"
        said = [entry.get("Value") for entry in results.solution(0).objective.values()]
        objective = float(said[0]) if said and isinstance(said[0], (int, float)) else None
        if point == "optimal":
            y = problem.multipliers({id(row): v for row, v in problem.model.dual.items()})
    message = "" if stopped in ("optimal", "time") else str(condition)
    if stopped == "error":
        message = f"{condition}: {' '.join(str(results.solver.message).split())}"
    return Claim(
        stopped,
        point,
        message=message,
        x=x,
        objective=objective,
        bound=_bound(results, sign) if problem.form.integer.any() else None,
        row_multipliers=y,
        or_unbounded=condition
        in (TerminationCondition.infeasibleOrUnbounded, TerminationCondition.noSolution),
    )


def _read_log(results: Any, log: str, whole_numbers: bool) -> None:
    """Put right how GLPK ended, by what it printed."""
    if results.solver.termination_condition not in (
        TerminationCondition.other,
        TerminationCondition.unbounded,
    ):
        return
    for words, condition in _PRINTED.items():
        if words in log:
            # Of whole numbers it speaks of the relaxation: no whole point need lie along its ray.
            unsure = whole_numbers and condition is TerminationCondition.unbounded
            results.solver.termination_condition = (
                TerminationCondition.infeasibleOrUnbounded if unsure else condition
            )
            return


def _is_linear(form: Form) -> bool:
    """Whether nothing is whole and nothing is bent."""
    bent = form.quadratic is not None or form.quadratic_rows or form.is_nonlinear
    return not (form.integer.any() or bent)


@contextmanager
def _own_folder() -> Iterator[str]:
    """Keep the files that pass to and fro in a folder that goes whatever happens."""
    before = TempfileManager.tempdir
    with tempfile.TemporaryDirectory(prefix="optimodels-") as folder:
        TempfileManager.tempdir = folder
        try:
            yield folder
        finally:
            TempfileManager.tempdir = before


@contextmanager
def _duals_of(model: Any) -> Iterator[None]:
    """Ask for the rows' prices by a suffix, which is not part of the model."""
    model.add_component("dual", pyo.Suffix(direction=pyo.Suffix.IMPORT))
    try:
        yield
    finally:
        model.del_component("dual")


def _bound(results: Any, sign: float) -> float | None:
    with suppress(TypeError, ValueError, AttributeError):
        value = float(results.problem.lower_bound if sign > 0 else results.problem.upper_bound)
        return value if np.isfinite(value) else None
    return None


def _seconds(results: Any) -> float | None:
    """Return the seconds that the program itself reports, where it does."""
    for name in ("wallclock_time", "time", "system_time", "user_time"):
        with suppress(TypeError, ValueError, AttributeError, KeyError):
            value = float(getattr(results.solver, name))
            if value > 0:
                return value
    return None
