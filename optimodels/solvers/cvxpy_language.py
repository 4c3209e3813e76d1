"""CVXPY: a problem taken to its canonical form, and handed to a solver of CVXPY's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import cached_property
from time import perf_counter
from typing import Any

import cvxpy as cp
import numpy as np
from cvxpy import settings
from cvxpy.constraints import ExpCone, NonNeg, Zero
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.errors import UnavailableError
from optimodels.form import Form
from optimodels.model import Vectors
from optimodels.result import Claim, Point, Stated, Stopped
from optimodels.solvers.cvxpy_compiled import Compiled, Shelf
from optimodels.solvers.cvxpy_form import Reading
from optimodels.solvers.cvxpy_squares import wrongly_squared
from optimodels.solvers.registry import Limits, Solver
from optimodels.solvers.timing import timed
from optimodels.threads import interruptible

#: What CVXPY's words mean: why it stopped, and what kind of point there is.
STATUS: dict[str, tuple[Stopped, Point]] = {
    settings.OPTIMAL: ("optimal", "optimal"),
    settings.OPTIMAL_INACCURATE: ("optimal", "feasible"),
    settings.INFEASIBLE: ("infeasible", "none"),
    settings.INFEASIBLE_INACCURATE: ("infeasible", "none"),
    settings.UNBOUNDED: ("unbounded", "none"),
    settings.UNBOUNDED_INACCURATE: ("unbounded", "none"),
    settings.INFEASIBLE_OR_UNBOUNDED: ("infeasible", "none"),
    settings.USER_LIMIT: ("iterations", "feasible"),
}


_SHELF = Shelf()


class CvxpyProblem:
    """One CVXPY problem: its canonical form and its way to a solver.

    Where ``vectors`` says what may change alone, a programme that was compiled for the same
    ``kind`` of problem serves again: that of this one is only evaluated at the answer.
    """

    def __init__(
        self,
        state: Callable[[], cp.Problem],
        vectors: Vectors | None = None,
        kind: object = None,
    ) -> None:
        self.seconds: dict[str, float] = {}
        self._state = state
        self._vectors = vectors
        self._kind = kind
        self._compiled: Compiled | None = None
        if vectors is None:
            # What is wrong with a statement shows where it is stated.
            _ = self.problem

    @cached_property
    def problem(self) -> cp.Problem:
        return self._state()

    @cached_property
    def form(self) -> Form:
        """The canonical form, from CVXPY's cone program before any solver's formatting."""
        with timed(self.seconds):
            return self._reading.form

    @property
    def _reading(self) -> Reading:
        if self._compiled is None:
            self._compiled = self._compile(None, {})
        return self._compiled.reading

    def solve(
        self,
        solver: Solver,
        limits: Limits,
        options: Mapping[str, Any],
        live: bool,
        ready: Callable[[Form], None] | None = None,
    ) -> Claim:
        """Hand the problem to a solver and return what it says, in the order of the form."""
        arguments = solver.options.arguments(limits, options)
        started = perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                # Solvers differ in what they are given (a quadratic objective, or its epigraph as
                # a cone): a claim belongs to the form of what was solved.
                try:
                    program = self._compile(solver.native, arguments)
                except cp.SolverError as error:
                    # Not a failed solve: CVXPY has no way to it, as where SCS gets no row at all.
                    raise UnavailableError(
                        "solver", f"{solver.name} through cvxpy cannot take this problem"
                    ) from error
                self._compiled = program
                self.__dict__.pop("form", None)
                compiled = perf_counter()
                if ready is not None:
                    ready(self.form)
                begun = perf_counter()
                raw = interruptible(
                    lambda: program.chain.solve_via_data(
                        program.problem,
                        program.data,
                        warm_start=False,
                        verbose=live,
                        solver_opts=arguments,
                    )
                )
                solved = perf_counter()
                answer = program.chain.solver.invert(raw, program.inverse[-1])
            except cp.DCPError as error:
                raise UnavailableError(
                    "solver",
                    f"{solver.name} through cvxpy takes only problems that are convex by its rules",
                ) from error
        self.seconds |= {"hand_over": compiled - started, "solve": solved - begun}
        return self._claim(answer, raw, limits, solved - begun)

    def stated(self, x: Floats) -> Stated:
        """Evaluate the problem at x (n,); it is stated now where a kept programme served.

        Exponential cones, whose arguments are affine, are left to the test of the form.
        """
        values = self.form.named(x)
        for variable in self.problem.variables():
            # Without CVXPY's tests of a value, which a solver's rounding does not pass.
            variable.save_value(values[variable.name()])
        outside: dict[str, float] = {}
        with np.errstate(all="ignore"):
            for constraint in self.problem.constraints:
                if isinstance(constraint, ExpCone):
                    continue
                name = constraint.label or ""
                worst = np.max(constraint.residual, initial=0.0)
                # np.maximum keeps what is not a number.
                outside[name] = float(np.maximum(outside.get(name, 0.0), worst))
            objective = self.problem.objective.value
        return Stated(np.nan if objective is None else float(objective), outside)

    def completed(self, values: Mapping[str, Any]) -> Floats | None:
        """Return x (n,) from values of the problem's own variables, or None where that is hard.

        The auxiliary columns behind them (an absolute value, the inside of a square) take the
        values that the rows leave them, the best ones for the objective's linear part.
        """
        from scipy.optimize import Bounds, LinearConstraint, milp

        form = self.form
        x = form.vector(values)
        free = np.isnan(x)
        if not free.any():
            return x
        if any(cone.matrix[:, free].nnz for cone in form.cones):
            return None
        x[free] = 0.0
        fixed = form.rows @ x
        found = milp(
            form.sign * form.linear[free],
            bounds=Bounds(form.lower[free], form.upper[free]),
            constraints=LinearConstraint(
                sparse.csr_array(form.rows[:, free]), form.row_lower - fixed, form.row_upper - fixed
            ),
        )
        if found.x is None:
            return None
        x[free] = found.x
        return x

    def _compile(self, native: str | None, arguments: dict[str, Any]) -> Compiled:
        """Compile for a solver, by default for one whose programme is the plainest."""

        def anew() -> Compiled:
            data, chain, inverse = self.problem.get_problem_data(
                native or self._any_cone_solver(), solver_opts=dict(arguments)
            )
            off = wrongly_squared(self.problem, data["param_prob"].P is not None)
            if off:
                raise UnavailableError(
                    "solver",
                    f"CVXPY takes the root of a quadratic form wrongly here (off by {off:.1g}); "
                    "use a solver through pyomo or, where that form is in the objective, one that "
                    "takes it as it is, as clarabel and highs do",
                )
            return Compiled(self.problem, data, chain, inverse)

        if self._vectors is None:
            return anew()
        return _SHELF.served((self._kind, native, repr(arguments)), self._vectors, anew)

    def _any_cone_solver(self) -> str:
        """Return a solver whose compilation leads to the cone program; it is never called."""
        if not self.problem.is_mixed_integer():
            return "CLARABEL"
        return "HIGHS" if self._is_linear() else "SCIP"

    def _is_linear(self) -> bool:
        return self.problem.objective.expr.is_affine() and all(
            isinstance(c, (Zero, NonNeg, cp.constraints.Equality, cp.constraints.Inequality))
            and all(arg.is_affine() for arg in c.args)
            for c in self.problem.constraints
        )

    def _claim(self, answer: Any, raw: Any, limits: Limits, seconds: float) -> Claim:
        status, ended = answer.status, raw.get("scip_status") if isinstance(raw, dict) else None
        if ended == "gaplimit":
            # SCIP has closed the gap that it was asked for, which CVXPY calls inaccurate.
            status = settings.OPTIMAL
        stopped, point = STATUS.get(status, ("error", "none"))
        late = limits.time is not None and seconds >= 0.9 * limits.time
        if status not in (settings.OPTIMAL, *settings.INF_OR_UNB) and late:
            stopped = "time"
        if ended == "userinterrupt":
            stopped = "interrupted"
        x = next(iter(answer.primal_vars.values()), None) if answer.primal_vars else None
        if not _has_point(raw):
            x = None
        reading, sign = self._reading, self.form.sign
        vector = None if x is None else reading.point(np.asarray(x, dtype=float).ravel())
        duals = answer.dual_vars or {}
        objective = None
        if x is not None and answer.opt_val is not None and np.isfinite(answer.opt_val):
            # The stuffed program minimises; its offset already stands in opt_val.
            objective = sign * float(answer.opt_val)
        rays = stopped == "infeasible"
        return Claim(
            stopped,
            point if vector is not None else "none",
            message="" if stopped in ("optimal", "time") else str(status),
            x=vector,
            objective=objective,
            bound=_bound(raw, sign, reading.constant) if self.form.integer.any() else None,
            row_multipliers=None if rays else reading.row_multipliers(duals),
            cone_multipliers=reading.cone_multipliers(duals),
            farkas=reading.row_multipliers(duals) if rays else None,
            or_unbounded=status == settings.INFEASIBLE_OR_UNBOUNDED,
        )


def _has_point(raw: Any) -> bool:
    """HiGHS at its limit hands on a vector of zeros where it has found nothing."""
    info = raw.get("info") if isinstance(raw, dict) else None
    status = getattr(info, "primal_solution_status", None)
    return status is None or int(status) != 0


def _bound(raw: Any, sign: float, offset: float) -> float | None:
    """Return a MIP solver's bound where CVXPY hands it on: HiGHS's and SciPy's."""
    value = None
    if isinstance(raw, dict):
        info = raw.get("info")
        value = getattr(info, "mip_dual_bound", None) if info is not None else None
        if info is not None and getattr(info, "mip_node_count", -1) < 0:
            value = None
        value = raw.get("mip_dual_bound", value)
    if value is None or not np.isfinite(value):
        return None
    return sign * (float(value) + offset)
