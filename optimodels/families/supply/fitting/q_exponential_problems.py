"""The q-exponential fit as problems for solvers: one nonlinear, or a sequence of quadratic ones.

Both state the curve at its last point x_m, as the raw a and b are too badly scaled for any solver.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.supply.fitting.curves import Q_EXPONENTIAL
from optimodels.families.supply.fitting.least_squares import fit, starts
from optimodels.families.supply.fitting.sample import Sample
from optimodels.model import ExactAnswer, Formulation

if TYPE_CHECKING:
    import cvxpy as cp
    import pyomo.environ as pyo

    from optimodels.result import Solution

#: The quotient of ``z`` has a removable hole at s = 0 (q = 1); nearer to it than this nobody can
#: tell the curves apart, and a double loses the digits.
_HOLE = 1e-6
#: The least part by which a curve rises: of flatter ones a double knows too little.
_FLAT = 1e-9
#: The largest 1 - s, in numbers of points: a curve that rises at its last point alone.
_BENT = 1e4
#: A step of the sequence counts where it lowers the sum of squares by more than this part.
_WORTH = 1e-12
#: The first step of a start in theta, the shortest part of a step that is tried, and how many
#: problems a start may take.
_FIRST, _SHORTEST, _MOST = 0.5, 1e-4, 200


@dataclass(frozen=True)
class Points:
    """Points x, y (m,) of a curve, and where to start: theta (log(1 - s), log G) and the price."""

    x: Floats
    y: Floats
    theta: Floats
    price: float
    radius: float = _FIRST
    number: int = 0

    @property
    def at(self) -> Floats:
        """The point (3,): theta and price."""
        return np.append(self.theta, self.price)

    @property
    def left(self) -> Floats:
        """Residuals (m,) at theta and price."""
        return np.asarray(self.price * Q_EXPONENTIAL.basis(self.x, self.theta)[:, 0] - self.y)


@dataclass(frozen=True)
class Anchored:
    """A fitted curve: ``theta`` (2,), ``price`` Y, and its sum of squares recomputed."""

    theta: Floats
    price: float
    objective: float


def all_starts(x: Floats, y: Floats) -> dict[str, Points]:
    """Return where to start from: the best points of the parts of a grid over q and steepness."""
    found = {}
    for number, theta in enumerate(starts(Q_EXPONENTIAL, Sample.plain(x, y)), 1):
        shape = Q_EXPONENTIAL.basis(x, theta)[:, 0]
        price = max(1e-6 * float(y[-1]), float(shape @ y) / float(shape @ shape))
        found[f"start {number}"] = Points(x, y, theta, price)
    return found


def nonlinear_model(data: Points) -> pyo.ConcreteModel:
    """Minimise sum_k (Y exp(G z_k) - y_k)^2, z_k = log(1 + s v_k) / s, v_k = x_k / x_m - 1.

    Y = ``price`` > 0, G = beta x_m = exp(``log_rate``), ``s`` = (1-q) G <= 1 (at 1 a power law).
    """
    import pyomo.environ as pyo

    model = pyo.ConcreteModel()
    x, y, top = data.x, data.y, float(data.y[-1])
    v = x / x[-1] - 1.0
    at = _off_the_hole(float(-np.expm1(data.theta[0])))
    model.s = pyo.Var(bounds=(-_BENT * len(x), 1.0), initialize=min(at, 1.0 - 1e-6))
    model.log_rate = pyo.Var(
        bounds=(np.log(_FLAT), np.log(100.0 * x[-1])), initialize=float(data.theta[1])
    )
    model.price = pyo.Var(bounds=(1e-6 * top, 10.0 * top), initialize=data.price)

    def left(k: int) -> Any:
        if v[k] == 0.0:
            return model.price - float(y[k])
        z = pyo.log(1.0 + float(v[k]) * model.s) / model.s
        return model.price * pyo.exp(pyo.exp(model.log_rate) * z) - float(y[k])

    model.misfit = pyo.Objective(expr=sum(left(k) ** 2 for k in range(len(x))))
    return model


def projected(data: Points) -> ExactAnswer:
    """Fit by variable projection from every start; a local method, if a thorough one."""
    found = fit(Q_EXPONENTIAL, data.x, data.y)
    values = {
        "s": _off_the_hole(float(-np.expm1(found.theta[0]))),
        "log_rate": float(found.theta[1]),
        "price": float(found.linear[0]),
    }
    return ExactAnswer(values, found.objective, proven=False)


def quadratic_cvxpy(data: Points) -> cp.Problem:
    """Minimise |r + J (p - p_0)|^2 over points p within the radius; the price stays positive."""
    import cvxpy as cp

    low, high = _sides(data)
    slopes = _slopes(data)
    point = cp.Variable(3, name="point", bounds=[low, high])
    return cp.Problem(cp.Minimize(cp.sum_squares(slopes @ point + (data.left - slopes @ data.at))))


def quadratic_pyomo(data: Points) -> pyo.ConcreteModel:
    """The same in Pyomo, from the normal equations."""
    import pyomo.environ as pyo

    slopes = _slopes(data)
    left = data.left - slopes @ data.at
    low, high = _sides(data)
    gram, seen = slopes.T @ slopes, 2 * slopes.T @ left
    model = pyo.ConcreteModel()
    model.point = pyo.Var(range(3), bounds=lambda _, k: (float(low[k]), float(high[k])))
    bent = sum(float(gram[i, j]) * model.point[i] * model.point[j]
               for i in range(3) for j in range(3))  # fmt: skip
    straight = sum(float(seen[k]) * model.point[k] for k in range(3))
    model.misfit = pyo.Objective(expr=bent + straight + float(left @ left))
    return model


def next_step(data: Points, solution: Solution) -> Points | None:
    """Return where a step leads, or None where no part of it lowers the sum of squares."""
    step = np.asarray(solution.arrays["point"]) - data.at
    value = float(data.left @ data.left)
    length = 1.0
    while length >= _SHORTEST and data.number < _MOST:
        moved = replace(
            data,
            theta=data.theta + length * step[:2],
            price=float(data.price + length * step[2]),
            # A whole step may be followed by a longer one, a part of one by a shorter.
            radius=2 * data.radius if length == 1.0 else length * data.radius,
            number=data.number + 1,
        )
        with np.errstate(all="ignore"):
            tried = float(moved.left @ moved.left)
        if tried < value * (1.0 - _WORTH):
            return moved
        length /= 2
    return None


def anchored(solution: Solution, x: Floats, y: Floats) -> Anchored:
    """Return the curve of a solved problem, of either formulation, for points x, y (m,)."""
    values = solution.arrays
    if "s" in values:
        room = max(1.0 - float(values["s"]), 1e-300)
        theta = np.array([np.log(room), float(values["log_rate"])])
        price = float(values["price"])
    else:
        theta, price = np.asarray(values["point"][:2]), float(values["point"][2])
    left = price * Q_EXPONENTIAL.basis(x, theta)[:, 0] - y
    return Anchored(theta, price, float(left @ left))


def _sides(data: Points) -> tuple[Floats, Floats]:
    low = np.array([-data.radius, -data.radius, -0.9 * data.price])
    return data.at + low, data.at + np.array([data.radius, data.radius, 9.0 * data.price])


def _slopes(data: Points) -> Floats:
    """Derivatives (m, 3) of the curve by theta and price."""
    shape = Q_EXPONENTIAL.basis(data.x, data.theta)
    by_theta = data.price * Q_EXPONENTIAL.derivatives(data.x, data.theta)[:, 0, :]
    return np.hstack([by_theta, shape])


def _off_the_hole(s: float) -> float:
    return s if abs(s) >= _HOLE else float(np.copysign(_HOLE, s))


_CURVE = (
    "Unit k = 1..m is offered at the expected price y_k, at x_k = k - 1/2",
    "(recovered from 002's tables, lost in print). The curve a exp_q(b x),",
    "exp_q(x) = [1 + (1-q) x]^(1/(1-q)), is stated at its last point, as",
    "Y exp_q(beta (x - x_m)): ours, as a and b are too badly scaled.",
)

NONLINEAR = Formulation(
    name="q-exponential-fit",
    problem_class="NLP",
    source="002, section 3; anchored at the last point: ours",
    pyomo=nonlinear_model,
    exact=projected,
    equations=(
        *_CURVE,
        "",
        "minimise    sum_k (Y exp(G z_k) - y_k)^2                     price^2",
        "            z_k = log(1 + s v_k) / s,  v_k = x_k / x_m - 1",
        "subject to  s <= 1 (at 1: a power law),  Y > 0,  within wide bounds",
        "with        Y = price,  G = exp(log_rate) = beta x_m,  s = (1 - q) G",
    ),
    axes={"s": (), "log_rate": (), "price": ()},
)

SEQUENCE = Formulation(
    name="q-exponential-step",
    problem_class="QP",
    source="002, section 3; Gauss and Newton's steps: ours",
    pyomo=quadratic_pyomo,
    cvxpy=quadratic_cvxpy,
    equations=(
        *_CURVE,
        "",
        "minimise    |r + J (p - p_0)|^2                              price^2",
        "subject to  |p - p_0| <= radius in log(1-s) and log G,",
        "            Y_0 / 10 <= Y <= 10 Y_0",
        "with        p = (log(1 - s), log G, Y) = point,  G = beta x_m,",
        "            s = (1 - q) G,  r the residuals at p_0 of Y exp(G z_k), price,",
        "            z_k = log(1 + s v_k) / s,  v_k = x_k / x_m - 1,",
        "            and J their derivatives; repeated from where a part of the",
        "            step leads, until none lowers the sum of squares",
    ),
    axes={"point": ("parameter",)},
)
