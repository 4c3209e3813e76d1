"""Pyomo: a model taken to its canonical form, and handed to a solver of Pyomo's."""

from __future__ import annotations

import gc
import io
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from functools import cached_property
from time import perf_counter
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.common.errors import PyomoException
from pyomo.contrib.solver.common.factory import SolverFactory
from pyomo.contrib.solver.common.results import SolutionStatus, TerminationCondition
from pyomo.contrib.solver.common.util import NoSolutionError
from pyomo.repn import generate_standard_repn
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.expression import Expression, NonlinearRow
from optimodels.form import Block, Form, QuadraticRow, stack_blocks
from optimodels.result import Claim, Point, Stated, Stopped
from optimodels.solvers.pyomo_expressions import expression_of
from optimodels.solvers.registry import Limits, Solver
from optimodels.solvers.timing import timed

_STOPPED: dict[TerminationCondition, Stopped] = {
    TerminationCondition.convergenceCriteriaSatisfied: "optimal",
    TerminationCondition.maxTimeLimit: "time",
    TerminationCondition.iterationLimit: "iterations",
    TerminationCondition.objectiveLimit: "iterations",
    TerminationCondition.provenInfeasible: "infeasible",
    TerminationCondition.locallyInfeasible: "infeasible",
    TerminationCondition.infeasibleOrUnbounded: "infeasible",
    TerminationCondition.unbounded: "unbounded",
    TerminationCondition.interrupted: "interrupted",
}
_POINT: dict[SolutionStatus, Point] = {
    SolutionStatus.optimal: "optimal",
    SolutionStatus.feasible: "feasible",
}


#: From this many variables and rows on the linear compiler is faster; below it the second that
#: it takes to load (it loads scipy.stats) is most of the time.
_LARGE = 20_000


class PyomoProblem:
    """One Pyomo model: its canonical form and its way to a solver."""

    def __init__(self, build: Callable[[], pyo.ConcreteModel]) -> None:
        self.seconds: dict[str, float] = {}
        with _paused_garbage_collection():
            self.model = build()
            self._columns = _sorted_entries(self.model, pyo.Var)
            self._rows = _sorted_entries(self.model, pyo.Constraint)
        self._variables = [v for _, entries in self._columns for v in entries.values()]
        self._constraints = [c for _, entries in self._rows for c in entries.values()]

    @cached_property
    def form(self) -> Form:
        """The canonical form, from Pyomo's own compilers, never from a solver's file."""
        with timed(self.seconds), _paused_garbage_collection():
            if self.is_large:
                try:
                    return self._linear_form()
                except NotLinearError:
                    pass
            return self._general_form()

    @property
    def is_large(self) -> bool:
        """Whether the compiler to arrays is worth the second that it takes to load."""
        return len(self._variables) + len(self._constraints) > _LARGE

    @property
    def is_linear(self) -> bool:
        return self.form.quadratic is None and not self.form.quadratic_rows

    @property
    def maximises(self) -> bool:
        objective = self._objective()
        return objective is not None and objective.sense == pyo.maximize

    def compiled(self) -> Any:
        """Return the model in Pyomo's own arrays; raises NotLinearError where it is not linear."""
        compiler = LinearStandardFormCompiler()
        try:
            # set_sense=None: the default negates a maximisation.
            return compiler.write(self.model, mixed_form=True, set_sense=None)
        except Exception as error:  # the compiler has no type of its own for this
            raise NotLinearError from error

    def point(self, values: Mapping[int, float] | None = None) -> Floats:
        """Return x (n,) from values by ``id`` of the variable, or those that stand in the model.

        A variable that no row and no objective uses may take any value within its bounds.
        """
        known = values if values is not None else {id(v): v.value for v in self._variables}
        return np.array([_value(known.get(id(v)), v) for v in self._variables], dtype=float)

    def multipliers(self, prices: Mapping[int, float]) -> Floats:
        """Return row multipliers (m,) from prices by ``id`` of the row.

        Pyomo's duals are rates of the user's objective; ours belong to minimisation.
        """
        return self.form.sign * np.array([prices.get(id(c), 0.0) for c in self._constraints])

    def stated(self, x: Floats) -> Stated:
        """Evaluate the model's expressions at x (n,)."""
        with _paused_garbage_collection():
            for variable, number in zip(self._variables, x.tolist(), strict=True):
                variable.set_value(number, skip_validation=True)
            objective = self._objective()
            return Stated(
                0.0 if objective is None else _evaluated(objective.expr),
                {name: max(map(_outside, rows.values())) for name, rows in self._rows if rows},
            )

    def forget(self) -> None:
        """Take the values out of the model, so that none is taken for a solver's."""
        for variable in self._variables:
            variable.set_value(None, skip_validation=True)

    @contextmanager
    def at_work(self, live: bool) -> Iterator[None]:
        """Keep Pyomo fast and, unless ``live``, silent."""
        with _paused_garbage_collection(), _quiet(live):
            yield

    def solve(
        self,
        solver: Solver,
        limits: Limits,
        options: Mapping[str, Any],
        live: bool,
        ready: Callable[[Form], None] | None = None,
        engine: Any = None,
    ) -> Claim:
        """Hand the model to a solver and return what it says, in the order of the form.

        ``engine`` is Pyomo's interface to it where that is not the one of its name.
        """
        if ready is not None:
            ready(self.form)
        with self.at_work(live):
            return self._solve(
                engine or SolverFactory(solver.native), solver, limits, options, live
            )

    def _solve(
        self, engine: Any, solver: Solver, limits: Limits, options: Mapping[str, Any], live: bool
    ) -> Claim:
        started = perf_counter()
        engine.config.load_solutions = False
        engine.config.raise_exception_on_nonoptimal_result = False
        engine.config.tee = live
        engine.config.solver_options = solver.options.arguments(limits, options)
        results = engine.solve(self.model)
        whole = perf_counter() - started
        inside = next(
            (
                float(seconds)
                for name, seconds in results.timing_info.items()
                if name.endswith("_time") and isinstance(seconds, (int, float))
            ),
            whole,
        )
        self.seconds |= {"hand_over": max(0.0, whole - inside), "solve": inside}
        return self._claim(results)

    def _claim(self, results: Any) -> Claim:
        condition = results.termination_condition
        stopped = _STOPPED.get(condition, "error")
        point = _POINT.get(results.solution_status, "none")
        x = y = None
        if point != "none":
            try:
                primals = results.solution_loader.get_vars()
            except NoSolutionError:
                point = "none"
            else:
                x = self.point({id(v): value for v, value in primals.items()})
        if point == "optimal":
            try:
                duals = results.solution_loader.get_duals()
            except (PyomoException, NotImplementedError):
                # Pyomo's own answer where an interface has no duals, as SCIP's has none.
                duals = {}
            if duals:
                y = self.multipliers({id(c): price for c, price in duals.items()})
        return Claim(
            stopped,
            point,
            message="" if stopped in ("optimal", "time") else str(condition.name),
            x=x,
            objective=_finite(results.incumbent_objective),
            bound=_finite(results.objective_bound),
            row_multipliers=y,
            or_unbounded=condition is TerminationCondition.infeasibleOrUnbounded,
        )

    def _linear_form(self) -> Form:
        info = self.compiled()
        place = {id(v): j for j, v in enumerate(self._variables)}
        order = np.array([place[id(v)] for v in info.columns], dtype=int)
        n, m = len(self._variables), len(self._constraints)
        spread = sparse.coo_array(
            (np.ones(len(order)), (np.arange(len(order)), order)), shape=(len(order), n)
        ).tocsr()
        where = {id(c): i for i, c in enumerate(self._constraints)}
        lower, upper = np.full(m, -np.inf), np.full(m, np.inf)
        pick = np.full(m, -1)
        for k, ((constraint, kind), side) in enumerate(zip(info.rows, info.rhs, strict=True)):
            i = where[id(constraint)]
            pick[i] = k
            # mixed form: 0 is an equality, 1 an upper and -1 a lower side; ranges stand twice.
            if kind >= 0:
                upper[i] = side
            if kind <= 0:
                lower[i] = side
        rows = sparse.csr_array(info.A) @ spread if info.A.shape[0] else sparse.csr_array((0, n))
        kept = sparse.csr_array((m, n))
        present = np.flatnonzero(pick >= 0)
        if len(present):
            choose = sparse.coo_array(
                (np.ones(len(present)), (present, pick[present])), shape=(m, rows.shape[0])
            ).tocsr()
            kept = choose @ rows
        for i in np.flatnonzero(pick < 0).tolist():
            # A row without variables is left out by the compiler; it must not be lost.
            lower[i], upper[i] = _constant_sides(self._constraints[i])
        objective, constant = np.zeros(n), 0.0
        if info.objectives:
            objective = np.asarray((sparse.csr_array(info.c) @ spread).todense()).ravel()
            constant = float(np.atleast_1d(info.c_offset)[0])
        return self._assemble(objective, None, constant, kept, lower, upper, ())

    def _general_form(self) -> Form:
        place = {id(v): j for j, v in enumerate(self._variables)}
        n, m = len(self._variables), len(self._constraints)
        objective = self._objective()
        linear, quadratic, constant, rest = np.zeros(n), None, 0.0, None
        if objective is not None:
            constant, used, slopes, quadratic, rest = _expression(objective.expr, place, n)
            np.add.at(linear, used, slopes)
        data: list[Floats] = []
        columns: list[Any] = []
        starts = [0]
        lower, upper = np.full(m, -np.inf), np.full(m, np.inf)
        curves: list[QuadraticRow] = []
        curved: list[NonlinearRow] = []
        for i, constraint in enumerate(self._constraints):
            low, body, high = constraint.to_bounded_expression(evaluate_bounds=True)
            shift, used, slopes, bend, beyond = _expression(body, place, n)
            low = -np.inf if low is None else float(low) - shift
            high = np.inf if high is None else float(high) - shift
            if beyond is not None:
                whole = expression_of(body, place)
                curved.append(NonlinearRow(whole, low + shift, high + shift, i, constraint.name))
                starts.append(starts[-1])
            elif bend is None:
                columns.append(used)
                data.append(slopes)
                lower[i], upper[i] = low, high
                starts.append(starts[-1] + len(used))
            else:
                slope = np.zeros(n)
                np.add.at(slope, used, slopes)
                curves.append(QuadraticRow(bend, slope, low, high, constraint.name))
                starts.append(starts[-1])
        joined = [np.concatenate(part) if part else np.zeros(0) for part in (data, columns)]
        rows = sparse.csr_array((joined[0], joined[1].astype(np.int64), starts), shape=(m, n))
        rows.sum_duplicates()
        form = self._assemble(linear, quadratic, constant, rows, lower, upper, tuple(curves))
        return replace(form, expression=rest, nonlinear_rows=tuple(curved))

    def _assemble(
        self,
        linear: Floats,
        quadratic: sparse.csr_array | None,
        constant: float,
        rows: sparse.csr_array,
        row_lower: Floats,
        row_upper: Floats,
        curves: tuple[QuadraticRow, ...],
    ) -> Form:
        bounds = [v.bounds for v in self._variables]
        return Form(
            sense="max" if self.maximises else "min",
            linear=linear,
            quadratic=quadratic,
            constant=constant,
            rows=rows,
            row_lower=row_lower,
            row_upper=row_upper,
            lower=np.array([-np.inf if b[0] is None else b[0] for b in bounds], dtype=float),
            upper=np.array([np.inf if b[1] is None else b[1] for b in bounds], dtype=float),
            integer=np.array([v.is_integer() or v.is_binary() for v in self._variables], bool),
            columns=_blocks(self._columns),
            row_blocks=_blocks(self._rows),
            quadratic_rows=curves,
            source="pyomo",
        )

    def _objective(self) -> Any:
        active = list(self.model.component_data_objects(pyo.Objective, active=True))
        return active[0] if active else None


class NotLinearError(Exception):
    """The compiler to arrays does not take the model."""


def _sorted_entries(
    model: pyo.ConcreteModel, kind: Any
) -> list[tuple[str, dict[tuple[Any, ...], Any]]]:
    """Return the active entries of a kind of component, by name, in the order of their index."""
    found = []
    for component in model.component_objects(kind, active=True, descend_into=True):
        entries = {
            (key if isinstance(key, tuple) else () if key is None else (key,)): item
            for key, item in component.items()
            if item.active or kind is pyo.Var
        }
        found.append((component.name, dict(sorted(entries.items()))))
    return sorted(found, key=lambda item: item[0])


def _blocks(named: Iterable[tuple[str, Mapping[tuple[Any, ...], Any]]]) -> tuple[Block, ...]:
    return stack_blocks((name, _shape(list(entries))) for name, entries in named)


def _shape(keys: list[tuple[Any, ...]]) -> tuple[int, ...]:
    """Return the shape of a dense index set 0..k-1 x ..., or its length where it is not one."""
    if keys == [()]:
        return ()
    if all(all(isinstance(k, int) for k in key) for key in keys) and keys:
        shape = tuple(max(key[d] for key in keys) + 1 for d in range(len(keys[0])))
        if int(np.prod(shape)) == len(keys):
            return shape
    return (len(keys),)


def _expression(
    expression: Any, place: Mapping[int, int], n: int
) -> tuple[float, Any, Floats, sparse.csr_array | None, Expression | None]:
    """Return constant, columns and slopes of the linear part, the symmetric Hessian, the rest."""
    repn = generate_standard_repn(expression, quadratic=True)
    rest = None if repn.nonlinear_expr is None else expression_of(repn.nonlinear_expr, place)
    used = np.array([place[id(v)] for v in repn.linear_vars], dtype=np.int64)
    slopes = np.array([float(pyo.value(c)) for c in repn.linear_coefs])
    constant = float(pyo.value(repn.constant))
    if not repn.quadratic_vars:
        return constant, used, slopes, None, rest
    pairs = np.array([(place[id(a)], place[id(b)]) for a, b in repn.quadratic_vars])
    values = [float(pyo.value(c)) for c in repn.quadratic_coefs]
    half = sparse.coo_array((values, tuple(pairs.T)), shape=(n, n)).tocsr()
    return constant, used, slopes, sparse.csr_array(half + half.T), rest


def _constant_sides(constraint: Any) -> tuple[float, float]:
    low, body, high = constraint.to_bounded_expression(evaluate_bounds=True)
    constant = float(pyo.value(body))
    return (
        -np.inf if low is None else float(low) - constant,
        np.inf if high is None else float(high) - constant,
    )


def _evaluated(expression: Any) -> float:
    """Return the number that an expression is where its variables stand, or NaN."""
    try:
        return float(pyo.value(expression))
    except (ArithmeticError, ValueError, TypeError):
        # Outside its domain; a complex number is no float.
        return np.nan


def _outside(constraint: Any) -> float:
    """How far a constraint is violated where its variables stand, in its own units."""
    low, body, high = constraint.to_bounded_expression(evaluate_bounds=True)
    value = _evaluated(body)
    if np.isnan(value):
        return np.inf
    below = 0.0 if low is None else low - value
    return max(0.0, below, 0.0 if high is None else value - high)


def _value(known: float | None, variable: Any) -> float:
    if known is not None:
        return float(known)
    low, high = variable.bounds
    return float(np.clip(0.0, -np.inf if low is None else low, np.inf if high is None else high))


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None


@contextmanager
def _paused_garbage_collection() -> Iterator[None]:
    """Building and walking millions of small objects is far slower while they are collected."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextmanager
def _quiet(live: bool) -> Iterator[None]:
    """Keep Pyomo's warnings out of the user's tables; what matters is in the claim."""
    logger = logging.getLogger("pyomo")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        if live:
            yield
        else:
            with redirect_stdout(io.StringIO()):
                yield
    finally:
        logger.setLevel(level)
