"""CVXPY: a problem taken to its canonical form, and handed to a solver of CVXPY's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import chain
from threading import Thread
from time import perf_counter
from typing import Any

import cvxpy as cp
import numpy as np
from cvxpy import settings
from cvxpy.constraints import SOC, ExpCone, NonNeg, Zero
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from optimodels.errors import RunError, UnavailableError
from optimodels.form import Block, Cone, Form, Vector, stack_blocks
from optimodels.result import Claim, Point, Stopped
from optimodels.solvers.registry import Limits, Solver

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


class CvxpyProblem:
    """One CVXPY problem: its canonical form and its way to a solver."""

    def __init__(self, problem: cp.Problem) -> None:
        self.problem = problem
        self.seconds: dict[str, float] = {}
        self._program: Any = None
        self._chain: Any = None

    @cached_property
    def form(self) -> Form:
        """The canonical form, from CVXPY's cone program before any solver's formatting."""
        return self._reading.form

    @cached_property
    def _reading(self) -> _Reading:
        if self._program is None:
            data, chain, _ = self._compile(self._any_cone_solver(), {})
            self._program, self._chain = data["param_prob"], chain
        order = getattr(self._chain.solver, "EXP_CONE_ORDER", None) or [0, 1, 2]
        return _Reading(self.problem, self._program, order)

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
                data, chain, inverse = self._compile(solver.native, arguments)
                self._take(data["param_prob"], chain)
                compiled = perf_counter()
                if ready is not None:
                    ready(self.form)
                begun = perf_counter()
                raw = interruptible(
                    lambda: chain.solve_via_data(
                        self.problem, data, warm_start=False, verbose=live, solver_opts=arguments
                    )
                )
                solved = perf_counter()
                answer = chain.solver.invert(raw, inverse[-1])
            except cp.DCPError as error:
                raise UnavailableError(
                    "solver",
                    f"{solver.name} through cvxpy takes only problems that are convex by its rules",
                ) from error
        self.seconds = {"hand_over": compiled - started, "solve": solved - begun}
        return self._claim(answer, raw, limits, solved - begun)

    def completed(self, values: Mapping[str, Any]) -> Vector | None:
        """Return x (n,) from values of the problem's own variables, or None where that is hard.

        The auxiliary columns behind them (an absolute value, the inside of a square) take the
        values that the rows leave them, the best ones for the objective's linear part.
        """
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

    def _take(self, program: Any, chain: Any) -> None:
        """Read forms from this program on: solvers differ in what they are given (a quadratic
        objective, or its epigraph as a cone), and a claim belongs to what was solved."""
        self._program, self._chain = program, chain
        for cached in ("form", "_reading"):
            self.__dict__.pop(cached, None)

    def _compile(self, native: str, arguments: dict[str, Any]) -> tuple[Any, Any, Any]:
        compiled: tuple[Any, Any, Any] = self.problem.get_problem_data(
            native, solver_opts=dict(arguments)
        )
        return compiled

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
        status = answer.status
        stopped, point = STATUS.get(status, ("error", "none"))
        late = limits.time is not None and seconds >= 0.9 * limits.time
        if status not in (settings.OPTIMAL, *settings.INF_OR_UNB) and late:
            stopped = "time"
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
            message="" if stopped == "optimal" else str(status),
            x=vector,
            objective=objective,
            bound=_bound(raw, sign, reading.offset) if self.form.integer.any() else None,
            row_multipliers=None if rays else reading.row_multipliers(duals),
            cone_multipliers=reading.cone_multipliers(duals),
            farkas=reading.row_multipliers(duals) if rays else None,
            or_unbounded=status == settings.INFEASIBLE_OR_UNBOUNDED,
        )


def interruptible(work: Callable[[], Any]) -> Any:
    """Run native code beside the main thread, which alone hears Ctrl-C and must not be inside it.

    An interrupted run is left behind; the command line then ends the process.
    """
    found: list[Any] = []

    def run() -> None:
        try:
            found.append((work(), None))
        except BaseException as error:
            found.append((None, error))

    thread = Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        # Without a timeout, join would not let go for a signal.
        thread.join(0.2)
    result, error = found[0]
    if error is not None:
        raise error
    return result


class _Reading:
    """How the stuffed cone program maps to the canonical form and back."""

    def __init__(self, problem: cp.Problem, program: Any, exp_order: Any) -> None:
        parts = program.apply_parameters(quad_obj=program.P is not None)
        p = parts[0] if len(parts) == 5 else None
        c, d, matrix, offset = parts[-4:]
        n = int(program.x.size)
        self.offset = float(np.asarray(d).item())
        self._order, columns = _column_order(problem, program, n)
        rows = sparse.csr_array(matrix)[:, self._order]
        offset = np.asarray(offset, dtype=float).ravel()
        labels = {c.id: c.label for c in problem.constraints}
        lower, upper = _column_bounds(program, self._order, n)
        integer = np.zeros(n, dtype=bool)
        for places in (program.x.boolean_idx, program.x.integer_idx):
            integer[_positions(places)] = True
        integer = integer[self._order]

        self._rows: list[tuple[str, tuple[int, ...], Any, np.ndarray[Any, Any], bool]] = []
        cones: list[Cone] = []
        self._cones: list[tuple[int, np.ndarray[Any, Any]]] = []
        start = 0
        for constraint in program.constraints:
            place = np.arange(start, start + constraint.size)
            start += constraint.size
            if isinstance(constraint, (Zero, NonNeg)):
                if constraint.id not in labels and isinstance(constraint, NonNeg):
                    place = _absorb_bounds(rows, offset, place, lower, upper)
                shape = tuple(constraint.shape)
                if len(place) == constraint.size and len(shape) > 1:
                    # CVXPY lays arrays out by columns, the canonical form by rows.
                    place = place.reshape(shape, order="F").ravel()
                name = labels.get(constraint.id) or f"unnamed{constraint.id}"
                if len(place):
                    kept = shape if len(place) == constraint.size else (len(place),)
                    equal = isinstance(constraint, Zero)
                    self._rows.append((name, kept, constraint.id, place, equal))
            else:
                name = labels.get(constraint.id) or ""
                for piece in _cone_places(constraint, place, program.formatted, exp_order):
                    self._cones.append((constraint.id, piece))
                    kind = _cone_kind(constraint)
                    cones.append(Cone(kind, rows[piece], offset[piece], name))
        if start != matrix.shape[0]:
            raise RunError("the cone program of CVXPY has rows that no constraint explains")
        self._rows.sort(key=lambda row: row[0])
        self._first_place = _first_places(program)
        picks = [place for *_, place, _ in self._rows]
        pick = np.concatenate(picks) if picks else np.zeros(0, dtype=int)
        is_equal = np.concatenate(
            [np.full(len(place), eq) for *_, place, eq in self._rows] or [np.zeros(0, bool)]
        ).astype(bool)
        # A x + b >= 0 is -A x <= b where the user wrote "lhs <= rhs", and A x >= -b where a
        # constant stands below; a formatted program negates its equalities as well, a raw one
        # holds them as lhs - rhs.
        below = {c.id for c in problem.constraints if _has_constant_below(c)}
        is_least = np.concatenate(
            [np.full(len(place), c in below) for _, _, c, place, _ in self._rows]
            or [np.zeros(0, bool)]
        ).astype(bool)
        self._turn = np.where(is_least, 1.0, -1.0)
        flip = np.where(is_equal & (not program.formatted), 1.0, self._turn)
        body = sparse.csr_array(sparse.diags_array(flip) @ rows[pick])
        body.eliminate_zeros()
        side = -flip * offset[pick]
        sign = -1.0 if isinstance(problem.objective, cp.Maximize) else 1.0
        quadratic = None
        if p is not None and p.nnz:
            full = sparse.csr_array(p)[self._order][:, self._order]
            full = sparse.triu(full) + sparse.triu(full, 1).T if not _symmetric(full) else full
            quadratic = sparse.csr_array(sign * full)
        self._multiplier_size = len(pick)
        self.form = Form(
            sense="max" if sign < 0 else "min",
            linear=sign * np.asarray(c, dtype=float).ravel()[self._order],
            quadratic=quadratic,
            constant=sign * self.offset,
            rows=body,
            row_lower=np.where(is_equal | is_least, side, -np.inf),
            row_upper=np.where(is_least, np.inf, side),
            lower=lower,
            upper=upper,
            integer=integer,
            columns=columns,
            row_blocks=stack_blocks((name, shape) for name, shape, *_ in self._rows),
            cones=tuple(cones),
            source="cvxpy",
        )

    def point(self, x: Vector) -> Vector:
        """Reorder a whole solution vector of the cone program to the form's columns."""
        ordered: Vector = x[self._order]
        return ordered

    def row_multipliers(self, duals: Mapping[int, Any]) -> Vector | None:
        """Return multipliers of the form's rows from the duals by constraint, or None."""
        if not duals or not self._multiplier_size:
            return None
        pieces = []
        for _, _, identity, place, _ in self._rows:
            if duals.get(identity) is None:
                pieces.append(np.zeros(len(place)))
                continue
            values = np.asarray(duals[identity], dtype=float).ravel(order="F")
            pieces.append(values[place - self._first_place[identity]])
        # CVXPY's Lagrangian adds dual * (lhs - rhs); ours subtracts multiplier * row.
        multipliers: Vector = self._turn * np.concatenate(pieces)
        return multipliers

    def cone_multipliers(self, duals: Mapping[int, Any]) -> tuple[Vector, ...] | None:
        """Return one multiplier per cone, (t, u) or (x, y, z), or None where one is missing."""
        if not self._cones:
            return None
        taken: dict[int, int] = {}
        found = []
        for identity, piece in self._cones:
            if duals.get(identity) is None:
                return None
            values = np.asarray(duals[identity], dtype=float).ravel(order="F")
            at = taken.get(identity, 0)
            taken[identity] = at + len(piece)
            found.append(values[at : at + len(piece)])
        return tuple(found)


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


def _column_order(
    problem: cp.Problem, program: Any, n: int
) -> tuple[np.ndarray[Any, Any], tuple[Block, ...]]:
    """Return the program's columns in the form's order: own variables by name, then the rest."""
    own = {v.name(): v for v in problem.variables()}
    if len(own) != len(problem.variables()):
        raise RunError("two variables of a CVXPY problem have one name")
    starts = {
        v.name(): (program.var_id_to_col[v.id], tuple(v.shape))
        for v in program.variables
        if v.name() in own
    }
    order, shapes = [], []
    for name in sorted(starts):
        start, shape = starts[name]
        place = np.arange(start, start + int(np.prod(shape, dtype=int)))
        order.append(place.reshape(shape, order="F").ravel())
        shapes.append((name, shape))
    taken = np.concatenate(order) if order else np.zeros(0, dtype=int)
    own_columns = np.zeros(n, dtype=bool)
    own_columns[taken] = True
    rest = np.flatnonzero(~own_columns)
    return np.concatenate([taken, rest]).astype(int), stack_blocks(shapes)


def _positions(places: Any) -> np.ndarray[Any, Any]:
    """Turn CVXPY's list of one-tuples into an array."""
    return np.fromiter(chain.from_iterable(places or ()), dtype=np.int64)


def _column_bounds(program: Any, order: np.ndarray[Any, Any], n: int) -> tuple[Vector, Vector]:
    lower = np.full(n, -np.inf) if program.lower_bounds is None else program.lower_bounds
    upper = np.full(n, np.inf) if program.upper_bounds is None else program.upper_bounds
    lower, upper = np.array(lower, dtype=float), np.array(upper, dtype=float)
    binary = _positions(program.x.boolean_idx)
    lower[binary] = np.maximum(lower[binary], 0.0)
    upper[binary] = np.minimum(upper[binary], 1.0)
    return lower[order], upper[order]


def _has_constant_below(constraint: Any) -> bool:
    """Whether it was written as "expression >= constant", which CVXPY turns round."""
    if not isinstance(constraint, cp.constraints.Inequality):
        return False
    low, high = constraint.args
    return bool(low.is_constant() and not high.is_constant())


def _absorb_bounds(
    rows: sparse.csr_array,
    offset: Vector,
    place: np.ndarray[Any, Any],
    lower: Vector,
    upper: Vector,
) -> np.ndarray[Any, Any]:
    """Turn the rows that CVXPY makes of variable bounds back into bounds; return the others."""
    counts = np.diff(rows.indptr)[place]
    single = place[counts == 1]
    for row in single:
        j = int(rows.indices[rows.indptr[row]])
        factor = float(rows.data[rows.indptr[row]])
        edge = -offset[row] / factor
        if factor > 0:
            lower[j] = max(lower[j], edge)
        else:
            upper[j] = min(upper[j], edge)
    others: np.ndarray[Any, Any] = place[counts != 1]
    return others


def _cone_kind(constraint: Any) -> Any:
    if isinstance(constraint, SOC):
        return "second-order"
    if isinstance(constraint, ExpCone):
        return "exponential"
    raise RunError(f"no canonical form for a constraint of type {type(constraint).__name__}")


def _cone_places(
    constraint: Any, place: np.ndarray[Any, Any], formatted: bool, order: Any
) -> list[np.ndarray[Any, Any]]:
    """Return the rows of each elementary cone of a vectorised cone constraint, (t, u) or (x, y, z).

    A formatted program holds one cone behind the other, exponential ones in the solver's order;
    before that all first entries stand in front.
    """
    if isinstance(constraint, SOC):
        sizes = constraint.cone_sizes()
        if formatted:
            return list(np.split(place, np.cumsum(sizes)[:-1]))
        count, width = len(sizes), sizes[0] - 1
        body = place[count:]
        columns = (
            body.reshape((width, count), order="F")
            if constraint.axis == 0
            else body.reshape((count, width), order="F").T
        )
        return [np.concatenate([[top], columns[:, k]]) for k, top in enumerate(place[:count])]
    if isinstance(constraint, ExpCone):
        third = len(place) // 3
        if formatted:
            return [place[3 * k : 3 * k + 3][np.argsort(order)] for k in range(third)]
        return [place[[k, third + k, 2 * third + k]] for k in range(third)]
    _cone_kind(constraint)
    return []


def _first_places(program: Any) -> dict[int, int]:
    first, start = {}, 0
    for constraint in program.constraints:
        first[constraint.id] = start
        start += constraint.size
    return first


def _symmetric(matrix: sparse.csr_array) -> bool:
    difference = abs(matrix - matrix.T)
    return bool(difference.nnz == 0 or difference.max() == 0)
