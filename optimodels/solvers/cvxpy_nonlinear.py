"""CVXPY's way to solvers of smooth nonlinear problems.

``Problem.solve(nlp=True)`` reads whether the solver ended well, not what it ended with: Uno's
infeasible and unbounded problems come back as optimal. The raw answer says both.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from cvxpy.reductions.solvers.nlp_solving_chain import _build_nlp_chain, _set_nlp_initial_point

from optimodels.form import Form
from optimodels.result import Claim, Point, Stopped
from optimodels.solvers.registry import Limits, Solver
from optimodels.threads import interruptible

if TYPE_CHECKING:
    from optimodels.solvers.cvxpy_language import CvxpyProblem

_ENDED: dict[str, tuple[Stopped, Point]] = {
    "FEASIBLE_KKT_POINT": ("optimal", "optimal"),
    "FEASIBLE_FJ_POINT": ("optimal", "feasible"),
    "FEASIBLE_SMALL_STEP": ("optimal", "feasible"),
    "INFEASIBLE_STATIONARY_POINT": ("infeasible", "none"),
    "INFEASIBLE_SMALL_STEP": ("infeasible", "none"),
    "UNBOUNDED_OBJECTIVE": ("unbounded", "none"),
}
_CUT_SHORT: dict[str, Stopped] = {
    "TIME_LIMIT": "time",
    "ITERATION_LIMIT": "iterations",
    "USER_TERMINATION": "interrupted",
    "USER_INTERRUPTION": "interrupted",
}


def solve_by_uno(
    problem: CvxpyProblem,
    solver: Solver,
    limits: Limits,
    options: Mapping[str, Any],
    live: bool,
    ready: Callable[[Form], None] | None = None,
) -> Claim:
    """Hand a problem to Uno and return what it says, in the order of the form."""
    if problem.problem.is_mixed_integer():
        return Claim("error", message="uno: CVXPY would drop the integrality")
    if ready is not None:
        ready(problem.form)
    quiet = {} if live else {"logger": "SILENT"}
    arguments = {**quiet, **solver.options.arguments(limits, options)}
    started = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chain, arguments = _build_nlp_chain(problem.problem, solver.native, arguments)
        _set_nlp_initial_point(problem.problem)
        smooth, inverse = chain.apply(problem=problem.problem)
        begun = perf_counter()
        raw = interruptible(
            lambda: chain.solver.solve_via_data(smooth, False, live, solver_opts=arguments)
        )
        solved = perf_counter()
        problem.problem.unpack_results(raw, chain, inverse)
    problem.seconds |= {"hand_over": begun - started, "solve": solved - begun}
    return _claim(problem, raw)


def _claim(problem: CvxpyProblem, raw: Mapping[str, Any]) -> Claim:
    ended, how = raw["optimization_status"], raw["solution_status"]
    stopped, point = _ENDED.get(how, ("error", "none"))
    if ended in _CUT_SHORT:
        stopped, point = _CUT_SHORT[ended], "none"
    values = {v.name(): v.value for v in problem.problem.variables() if v.value is not None}
    x = problem.completed(values) if point != "none" else None
    message = "" if stopped == "optimal" else str(how).lower().replace("_", " ")
    if x is None:
        return Claim(stopped, message=message)
    # Its multipliers are those of the smooth problem's rows; verification proposes its own.
    return Claim(stopped, point, message, x, float(problem.problem.value))
