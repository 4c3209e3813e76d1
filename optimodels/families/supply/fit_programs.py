"""The q-exponential fit through the modelling languages: the same minimum by other solvers.

All state the curve at its last point x_m, as the raw a and b are too badly scaled for any solver;
what is read is a ``FitPoint``, whose sum of squares is recomputed from q, A and beta.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from optimodels.families.supply.data import Floats

if TYPE_CHECKING:
    import cvxpy as cp
    import pyomo.environ as pyo

Side = Literal["below", "above"]

#: Rounds of Gauss and Newton at one q, and how much of a step is the least that is tried.
_ROUNDS, _SHORTEST = 60, 1e-6
#: The search over q stops at this; the sum of squares is then settled to its square.
_Q_PRECISION = 1e-8


@dataclass(frozen=True)
class FitPoint:
    """A curve A exp_q(beta (x - x_m)) with its sum of squares, and what its solver said."""

    q: float
    price: float
    rate: float
    objective: float
    ended: str


def curve_at(x: Floats, q: float, price: float, rate: float) -> Floats:
    """Return A exp_q(beta (x - x_m)) at x (m,)."""
    k, u = 1.0 - q, rate * (x - x[-1])
    exponent = u if abs(k) < 1e-12 else np.log1p(k * u) / k
    return np.asarray(price * np.exp(exponent))


def pyomo_model(x: Floats, y: Floats, start: tuple[float, float] = (0.5, 1.0)) -> pyo.ConcreteModel:
    """State the fit for a nonlinear solver: minimise sum_k (A exp(B z_k) - y_k / y_m)^2.

    z_k = log(1 + s v_k) / s, v_k = x_k / x_m - 1; A > 0, B = beta x_m > 0, s = (1-q) B < 1.
    ``start`` is (s, log B). The quotient has a removable hole at s = 0 (q = 1), which a solver
    passes unless it starts there.
    """
    import pyomo.environ as pyo

    model = pyo.ConcreteModel()
    v, level = x / x[-1] - 1.0, y / y[-1]
    model.point = pyo.RangeSet(0, len(x) - 1)
    model.s = pyo.Var(bounds=(-50.0 * len(x), 1.0 - 1e-9), initialize=start[0])
    model.log_rate = pyo.Var(bounds=(np.log(1e-4), np.log(100.0 * x[-1])), initialize=start[1])
    model.scale = pyo.Var(bounds=(1e-6, 10.0), initialize=1.0)

    def left(model: Any, k: int) -> Any:
        z = pyo.log(1.0 + float(v[k]) * model.s) / model.s
        return model.scale * pyo.exp(pyo.exp(model.log_rate) * z) - float(level[k])

    model.misfit = pyo.Objective(expr=sum(left(model, k) ** 2 for k in model.point))
    return model


def read_pyomo(model: pyo.ConcreteModel, x: Floats, y: Floats, ended: str) -> FitPoint:
    """Return the point that stands in a solved model, in the units of y."""
    import pyomo.environ as pyo

    big = float(np.exp(pyo.value(model.log_rate)))
    q = 1.0 - float(pyo.value(model.s)) / big
    return _point(x, y, q, float(pyo.value(model.scale)) * float(y[-1]), big / float(x[-1]), ended)


def cvxpy_problem(x: Floats, y: Floats, side: Side) -> cp.Problem:
    """State the same for CVXPY's nonlinear solvers, on one side of q = 1.

    CVXPY takes denominators for positive, whatever their sign: over both sides at once it says
    optimal at the edge of the wrong one. So ``side`` is "below" (s = size) or "above" (s = -size),
    and the better of the two is the fit.
    """
    import cvxpy as cp

    v, level = x / x[-1] - 1.0, y / y[-1]
    most = 1.0 - 1e-9 if side == "below" else 50.0 * len(x)
    size = cp.Variable(name="size", bounds=[1e-6, most])
    log_rate = cp.Variable(name="log_rate", bounds=[np.log(1e-4), np.log(100.0 * x[-1])])
    scale = cp.Variable(name="scale", bounds=[1e-6, 10.0])
    size.value, log_rate.value, scale.value = 0.5, 1.0, 1.0
    z = cp.log(1.0 + v * size) / size if side == "below" else -cp.log(1.0 - v * size) / size
    misfit = cp.sum_squares(scale * cp.exp(cp.exp(log_rate) * z) - level)
    return cp.Problem(cp.Minimize(misfit))


def read_cvxpy(problem: cp.Problem, side: Side, x: Floats, y: Floats) -> FitPoint:
    """Return the point that stands in a solved problem, in the units of y."""
    at = {variable.name(): float(variable.value) for variable in problem.variables()}
    big = float(np.exp(at["log_rate"]))
    s = at["size"] if side == "below" else -at["size"]
    price, rate = at["scale"] * float(y[-1]), big / float(x[-1])
    return _point(x, y, 1.0 - s / big, price, rate, str(problem.status))


def cvxpy_fit(x: Floats, y: Floats, solver: str, bracket: tuple[float, float]) -> FitPoint:
    """Fit by a profile over q in ``bracket``, each q a sequence of quadratic programs in CVXPY.

    At fixed q the curve is w -> (1 + (1-q) w)^(1/(1-q)) of w_k = w_m + d (x_k / x_m - 1), linear
    in two parameters (w_m = log_q A). Each program minimises the linearised misfit over a step
    with 1 + (1-q) w >= 0 kept and d >= 0; steps are halved until the misfit itself falls, and the
    profile is searched by Brent's method. Raises ValueError where a solver ends otherwise than
    optimal: its point must not pass for a result.
    """
    from scipy.optimize import minimize_scalar

    v, level = x / x[-1] - 1.0, y / y[-1]
    problem = _Step(len(x), v, solver)
    # 1 + (1-q) w at the last point, and the slope: near y_m, and e-fold over half the points.
    warm = np.array([0.0, 2.0])

    def misfit(q: float) -> float:
        w = problem.minimise(q, level, warm)
        return _left(q, v, level, w)

    found = minimize_scalar(
        misfit, bounds=bracket, method="bounded", options={"xatol": _Q_PRECISION}
    )
    q = float(found.x)
    w = problem.minimise(q, level, warm)
    k = 1.0 - q
    top = 1.0 + k * w[0]
    price = float(top ** (1.0 / k)) if abs(k) > 1e-12 else float(np.exp(w[0]))
    return _point(x, y, q, price * float(y[-1]), float(w[1] / top / x[-1]), "optimal")


class _Step:
    """The quadratic program of one step, built once: its numbers are parameters."""

    def __init__(self, points: int, v: Floats, solver: str) -> None:
        import cvxpy as cp

        self.v, self.solver = v, solver
        self.step = cp.Variable(2, name="step")
        self.slopes = cp.Parameter((points, 2), name="slopes")
        self.left = cp.Parameter(points, name="left")
        self.room = cp.Parameter(points + 1, name="room")
        self.rows = cp.Parameter((points + 1, 2), name="rows")
        self.problem: cp.Problem = cp.Problem(
            cp.Minimize(cp.sum_squares(self.slopes @ self.step + self.left)),
            [self.rows @ self.step + self.room >= 0],
        )

    def minimise(self, q: float, level: Floats, start: Floats) -> Floats:
        """Return w_m and d (2,) at which the misfit at this q is least."""
        k, v = 1.0 - q, self.v
        ones = np.ones_like(v)
        w = start.copy()
        # A start with 1 + (1-q) w > 0 at the first point too.
        if k > 0:
            w[1] = min(w[1], 0.5 * (1.0 + k * w[0]) / k)
        value = _left(q, v, level, w)
        for _ in range(_ROUNDS):
            base = 1.0 + k * (w[0] + w[1] * v)
            shape = _shape(q, v, w)
            self.slopes.value = (shape / base)[:, None] * np.stack([ones, v], axis=1)
            self.left.value = shape - level
            self.rows.value = np.vstack([k * np.stack([ones, v], axis=1), [0.0, 1.0]])
            self.room.value = np.append(base - 1e-9, w[1])
            self.problem.solve(solver=self.solver)
            if self.problem.status != "optimal":
                raise ValueError(f"{self.solver} ended with {self.problem.status} at q = {q:.6g}")
            length, move = 1.0, np.asarray(self.step.value)
            while length > _SHORTEST:
                tried = _left(q, v, level, w + length * move)
                if tried < value:
                    break
                length /= 2
            else:
                return w
            gained = value - tried
            w, value = w + length * move, tried
            if gained <= 1e-14 * value:
                return w
        return w


def _shape(q: float, v: Floats, w: Floats) -> Floats:
    k, line = 1.0 - q, w[0] + w[1] * v
    with np.errstate(all="ignore"):
        return np.asarray(np.exp(line if abs(k) < 1e-12 else np.log1p(k * line) / k))


def _left(q: float, v: Floats, level: Floats, w: Floats) -> float:
    total = float(np.sum((_shape(q, v, w) - level) ** 2))
    return total if np.isfinite(total) else np.inf


def _point(x: Floats, y: Floats, q: float, price: float, rate: float, ended: str) -> FitPoint:
    objective = float(np.sum((curve_at(x, q, price, rate) - y) ** 2))
    return FitPoint(q, price, rate, objective, ended)
