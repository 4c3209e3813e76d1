"""Pyomo's linear models to HiGHS as arrays, for models on which adding row by row is too slow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from optimodels.form import Form
from optimodels.result import Claim, Point, Stopped
from optimodels.solvers.registry import Limits, Solver

if TYPE_CHECKING:
    from optimodels.solvers.pyomo_language import PyomoProblem


def solve_by_highs(
    problem: PyomoProblem,
    solver: Solver,
    limits: Limits,
    options: Mapping[str, Any],
    live: bool,
    ready: Callable[[Form], None] | None = None,
) -> Claim:
    """Solve a model by HiGHS: a large linear one as arrays, any other by Pyomo's own interface.

    Pyomo's interface adds rows one by one, which takes many times as long as its compiler to
    arrays does; but that compiler takes a second to load.
    """
    if not (problem.is_large and problem.is_linear):
        return problem.solve(solver, limits, options, live, ready)
    import highspy

    if ready is not None:
        ready(problem.form)
    started = perf_counter()
    engine = highspy.Highs()
    engine.setOptionValue("output_flag", live)
    for name, value in solver.options.arguments(limits, options).items():
        if engine.setOptionValue(name, value) == highspy.HighsStatus.kError:
            return Claim("error", message=f"highs: no option {name!r} that takes {value!r}")
    with problem.at_work(live):
        compiled = problem.compiled()
        engine.passModel(_arrays(highspy, compiled, problem.maximises))
    passed = perf_counter()
    # Without it Ctrl-C is not heard before HiGHS ends.
    engine.HandleKeyboardInterrupt = True
    engine.solve()
    problem.seconds |= {"hand_over": passed - started, "solve": perf_counter() - passed}
    return _claim(highspy, engine, compiled, problem)


def _arrays(highspy: Any, compiled: Any, maximise: bool) -> Any:
    """Lay the compiler's rows out for HiGHS, not those of the canonical form that judges them."""
    lp = highspy.HighsLp()
    matrix = sparse.csc_array(compiled.A)
    variables = compiled.columns
    kinds = np.array([kind for _, kind in compiled.rows], dtype=int)
    bounds = [v.bounds for v in variables]
    lp.num_row_, lp.num_col_ = len(kinds), len(variables)
    lp.sense_ = highspy.ObjSense.kMaximize if maximise else highspy.ObjSense.kMinimize
    lp.offset_ = float(np.atleast_1d(compiled.c_offset)[0]) if compiled.objectives else 0.0
    lp.col_cost_ = np.asarray(compiled.c.todense()).ravel()
    lp.col_lower_ = np.array([-np.inf if low is None else low for low, _ in bounds], dtype=float)
    lp.col_upper_ = np.array([np.inf if high is None else high for _, high in bounds], dtype=float)
    # 0 is an equality, 1 an upper and -1 a lower side.
    lp.row_lower_ = np.where(kinds <= 0, compiled.rhs, -np.inf)
    lp.row_upper_ = np.where(kinds >= 0, compiled.rhs, np.inf)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
    lp.a_matrix_.value_ = matrix.data
    whole = [v.is_integer() for v in variables]
    if any(whole):
        kind = highspy.HighsVarType
        lp.integrality_ = [kind.kInteger if w else kind.kContinuous for w in whole]
    return lp


def _claim(highspy: Any, engine: Any, compiled: Any, problem: PyomoProblem) -> Claim:
    status = engine.getModelStatus()
    kind = highspy.HighsModelStatus
    reasons: dict[Any, Stopped] = {
        kind.kOptimal: "optimal",
        kind.kInfeasible: "infeasible",
        kind.kUnboundedOrInfeasible: "infeasible",
        kind.kUnbounded: "unbounded",
        kind.kTimeLimit: "time",
        kind.kIterationLimit: "iterations",
        kind.kSolutionLimit: "iterations",
        kind.kInterrupt: "interrupted",
        kind.kMemoryLimit: "memory",
    }
    stopped = reasons.get(status, "error")
    found, info = engine.getSolution(), engine.getInfo()
    integer = any(v.is_integer() for v in compiled.columns)
    point: Point = "none"
    x = y = None
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        point = "optimal" if stopped == "optimal" else "feasible"
        x = problem.point(dict(zip(map(id, compiled.columns), found.col_value, strict=True)))
    if point == "optimal" and not integer:
        # A range stands twice among the compiler's rows: its two prices add up.
        prices: dict[int, float] = {}
        for (row, _), price in zip(compiled.rows, found.row_dual, strict=True):
            prices[id(row)] = prices.get(id(row), 0.0) + price
        y = problem.multipliers(prices)
    return Claim(
        stopped,
        point,
        message="" if stopped in ("optimal", "time") else engine.modelStatusToString(status),
        x=x,
        objective=info.objective_function_value if x is not None else None,
        bound=info.mip_dual_bound if integer and np.isfinite(info.mip_dual_bound) else None,
        row_multipliers=y,
        or_unbounded=status == kind.kUnboundedOrInfeasible,
    )
