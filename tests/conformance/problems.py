"""Problems with known answers, in both languages: what every solver must get right.

None of them belongs to a family. Each answer is derived beside its problem.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, sqrt
from typing import Any

import cvxpy as cp
import numpy as np
import pyomo.environ as pyo

from optimodels.model import Formulation, ProblemClass
from optimodels.result import Stopped


@dataclass(frozen=True)
class Problem:
    """A problem, how it must stop and its optimum; ``rtol`` is of the mathematics, not a solver."""

    name: str
    problem_class: ProblemClass
    pyomo: Callable[[], pyo.ConcreteModel] | None
    cvxpy: Callable[[], cp.Problem] | None
    stopped: Stopped = "optimal"
    objective: float | None = None
    #: The languages in whose form optimality can be proved; elsewhere the verdict must say that
    #: it was not, and not claim it.
    provable: frozenset[str] = frozenset({"pyomo", "cvxpy"})
    #: Shadow prices by row, where they are unique: objective per unit of the right side.
    prices: dict[str, float] | None = None

    @property
    def formulation(self) -> Formulation[Any]:
        return Formulation(
            self.name,
            self.problem_class,
            "textbook",
            pyomo=None if self.pyomo is None else lambda _: self.pyomo(),  # type: ignore[misc]
            cvxpy=None if self.cvxpy is None else lambda _: self.cvxpy(),  # type: ignore[misc]
        )


def _model(n: int, **var: Any) -> pyo.ConcreteModel:
    model = pyo.ConcreteModel()
    model.x = pyo.Var(range(n), **var)
    return model


def _labelled(constraint: Any, name: str) -> Any:
    constraint.set_label(name)
    return constraint


# Two products, two machines: max 3a + 2b, a + b <= 4, a + 3b <= 6, a <= 3.
# At (3, 1) both the first row and the bound are tight: 11.
def _product_pyomo() -> pyo.ConcreteModel:
    m = _model(2, bounds=(0, None))
    m.x[0].setub(3)
    m.total = pyo.Constraint(expr=m.x[0] + m.x[1] <= 4)
    m.second = pyo.Constraint(expr=m.x[0] + 3 * m.x[1] <= 6)
    m.profit = pyo.Objective(expr=3 * m.x[0] + 2 * m.x[1], sense=pyo.maximize)
    return m


def _product_cvxpy() -> cp.Problem:
    x = cp.Variable(2, name="x", bounds=[np.zeros(2), np.array([3.0, np.inf])])
    rows = [_labelled(x[0] + x[1] <= 4, "total"), _labelled(x[0] + 3 * x[1] <= 6, "second")]
    return cp.Problem(cp.Maximize(3 * x[0] + 2 * x[1]), rows)


# Degenerate: three rows through one vertex of the square, min -a - b on [0, 1]^2, a + b <= 2: -2.
def _degenerate_pyomo() -> pyo.ConcreteModel:
    m = _model(2, bounds=(0, 1))
    m.sum = pyo.Constraint(expr=m.x[0] + m.x[1] <= 2)
    m.twice = pyo.Constraint(expr=2 * m.x[0] + m.x[1] <= 3)
    m.cost = pyo.Objective(expr=-m.x[0] - m.x[1])
    return m


def _degenerate_cvxpy() -> cp.Problem:
    x = cp.Variable(2, name="x", bounds=[0, 1])
    rows = [_labelled(x[0] + x[1] <= 2, "sum"), _labelled(2 * x[0] + x[1] <= 3, "twice")]
    return cp.Problem(cp.Minimize(-x[0] - x[1]), rows)


# Badly scaled: min a + 1e-4 b with 1e4 a + b = 1e4, 0 <= a <= 10, 0 <= b <= 1e4.
# Each unit of b saves 1e-4 of a and costs 1e-4: every point of the row costs 1.
def _scaled_pyomo() -> pyo.ConcreteModel:
    m = _model(2, bounds=(0, None))
    m.x[0].setub(10)
    m.x[1].setub(1e4)
    m.row = pyo.Constraint(expr=1e4 * m.x[0] + m.x[1] == 1e4)
    m.cost = pyo.Objective(expr=m.x[0] + 1e-4 * m.x[1])
    return m


def _scaled_cvxpy() -> cp.Problem:
    x = cp.Variable(2, name="x", bounds=[np.zeros(2), np.array([10.0, 1e4])])
    return cp.Problem(cp.Minimize(x[0] + 1e-4 * x[1]), [_labelled(1e4 * x[0] + x[1] == 1e4, "row")])


def _infeasible_pyomo(**var: Any) -> pyo.ConcreteModel:
    m = _model(2, bounds=(0, 1), **var)
    m.row = pyo.Constraint(expr=m.x[0] + m.x[1] == 3)
    m.cost = pyo.Objective(expr=m.x[0])
    return m


def _infeasible_cvxpy(**var: Any) -> cp.Problem:
    x = cp.Variable(2, name="x", bounds=[0, 1], **var)
    return cp.Problem(cp.Minimize(x[0]), [_labelled(x[0] + x[1] == 3, "row")])


# Whole numbers with 2a + 2b = 3: no bound says so, only parity.
def _parity_pyomo() -> pyo.ConcreteModel:
    m = _model(2, domain=pyo.Integers, bounds=(0, 5))
    m.row = pyo.Constraint(expr=2 * m.x[0] + 2 * m.x[1] == 3)
    m.cost = pyo.Objective(expr=m.x[0])
    return m


def _parity_cvxpy() -> cp.Problem:
    x = cp.Variable(2, name="x", integer=True, bounds=[0, 5])
    return cp.Problem(cp.Minimize(x[0]), [_labelled(2 * x[0] + 2 * x[1] == 3, "row")])


def _unbounded_pyomo() -> pyo.ConcreteModel:
    m = _model(2, bounds=(0, None))
    m.row = pyo.Constraint(expr=m.x[0] - m.x[1] == 1)
    m.gain = pyo.Objective(expr=m.x[0] + m.x[1], sense=pyo.maximize)
    return m


def _unbounded_cvxpy() -> cp.Problem:
    x = cp.Variable(2, name="x", bounds=[0, np.inf])
    return cp.Problem(cp.Maximize(x[0] + x[1]), [_labelled(x[0] - x[1] == 1, "row")])


# Nearest point of the line a + b = 1 to (2, 0), squared distance: 1/2 at (1.5, -0.5).
def _nearest_pyomo() -> pyo.ConcreteModel:
    m = _model(2, bounds=(-10, 10))
    m.row = pyo.Constraint(expr=m.x[0] + m.x[1] == 1)
    m.distance = pyo.Objective(expr=(m.x[0] - 2) ** 2 + m.x[1] ** 2)
    return m


def _nearest_cvxpy() -> cp.Problem:
    x = cp.Variable(2, name="x", bounds=[-10, 10])
    distance = cp.sum_squares(x - np.array([2.0, 0.0]))
    return cp.Problem(cp.Minimize(distance), [_labelled(x[0] + x[1] == 1, "row")])


# A knapsack of 0/1: values 10 13 7 8, weights 5 6 3 4, capacity 10.
# All pairs and triples by hand: {13, 8} of weight 10 gives 21; {10, 7} 17; {13, 7} 20.
def _knapsack_pyomo() -> pyo.ConcreteModel:
    m = _model(4, domain=pyo.Binary)
    m.room = pyo.Constraint(expr=5 * m.x[0] + 6 * m.x[1] + 3 * m.x[2] + 4 * m.x[3] <= 10)
    m.value = pyo.Objective(
        expr=10 * m.x[0] + 13 * m.x[1] + 7 * m.x[2] + 8 * m.x[3], sense=pyo.maximize
    )
    return m


def _knapsack_cvxpy() -> cp.Problem:
    x = cp.Variable(4, name="x", boolean=True)
    room = _labelled(np.array([5, 6, 3, 4]) @ x <= 10, "room")
    return cp.Problem(cp.Maximize(np.array([10, 13, 7, 8]) @ x), [room])


# On the unit disc max a + b is sqrt(2).
def _disc_pyomo() -> pyo.ConcreteModel:
    m = _model(2, bounds=(-2, 2))
    m.disc = pyo.Constraint(expr=m.x[0] ** 2 + m.x[1] ** 2 <= 1)
    m.total = pyo.Objective(expr=m.x[0] + m.x[1], sense=pyo.maximize)
    return m


def _disc_cvxpy() -> cp.Problem:
    x = cp.Variable(2, name="x", bounds=[-2, 2])
    return cp.Problem(cp.Maximize(cp.sum(x)), [_labelled(cp.SOC(cp.Constant(1.0), x), "disc")])


# With b whole on that disc scaled by 2: max a + b, b in {-2..2}; b = 1 gives sqrt(3) + 1.
def _whole_disc_pyomo() -> pyo.ConcreteModel:
    m = _model(2, bounds=(-2, 2))
    m.x[1].domain = pyo.Integers
    m.disc = pyo.Constraint(expr=m.x[0] ** 2 + m.x[1] ** 2 <= 4)
    m.total = pyo.Objective(expr=m.x[0] + m.x[1], sense=pyo.maximize)
    return m


def _whole_disc_cvxpy() -> cp.Problem:
    a = cp.Variable(name="a", bounds=[-2, 2])
    b = cp.Variable(name="b", integer=True, bounds=[-2, 2])
    disc = _labelled(cp.SOC(cp.Constant(2.0), cp.hstack([a, b])), "disc")
    return cp.Problem(cp.Maximize(a + b), [disc])


# The cheapest way to meet a demand of 10: a at 2 up to 6, then b at 3: 24. One more costs 3,
# one more of the dear source's minimum (b >= 1, slack) nothing.
def _demand_pyomo() -> pyo.ConcreteModel:
    m = _model(2, bounds=(0, None))
    m.x[0].setub(6)
    m.demand = pyo.Constraint(expr=m.x[0] + m.x[1] >= 10)
    m.least = pyo.Constraint(expr=m.x[1] >= 1)
    m.cost = pyo.Objective(expr=2 * m.x[0] + 3 * m.x[1])
    return m


def _demand_cvxpy() -> cp.Problem:
    x = cp.Variable(2, name="x", bounds=[np.zeros(2), np.array([6.0, np.inf])])
    rows = [_labelled(x[0] + x[1] >= 10, "demand"), _labelled(x[1] >= 1, "least")]
    return cp.Problem(cp.Minimize(2 * x[0] + 3 * x[1]), rows)


# Selling at 3 and 2 with one machine hour each, 4 hours: all of the first, 12; an hour is worth 3.
def _hours_pyomo() -> pyo.ConcreteModel:
    m = _model(2, bounds=(0, None))
    m.hours = pyo.Constraint(expr=m.x[0] + m.x[1] <= 4)
    m.loose = pyo.Constraint(expr=m.x[0] + 3 * m.x[1] <= 6)
    m.profit = pyo.Objective(expr=3 * m.x[0] + 2 * m.x[1], sense=pyo.maximize)
    return m


def _hours_cvxpy() -> cp.Problem:
    x = cp.Variable(2, name="x", bounds=[0, np.inf])
    rows = [_labelled(x[0] + x[1] <= 4, "hours"), _labelled(x[0] + 3 * x[1] <= 6, "loose")]
    return cp.Problem(cp.Maximize(3 * x[0] + 2 * x[1]), rows)


# Free variables and a constant: min a - b + 7 with a + b = 0, -3 <= a - 2b <= 3: b = -a, so
# 2a + 7 with -1 <= a <= 1: 5.
def _free_pyomo() -> pyo.ConcreteModel:
    m = _model(2)
    m.link = pyo.Constraint(expr=m.x[0] + m.x[1] == 0)
    m.band = pyo.Constraint(expr=(-3, m.x[0] - 2 * m.x[1], 3))
    m.cost = pyo.Objective(expr=m.x[0] - m.x[1] + 7)
    return m


def _free_cvxpy() -> cp.Problem:
    x = cp.Variable(2, name="x")
    band = x[0] - 2 * x[1]
    rows = [
        _labelled(x[0] + x[1] == 0, "link"),
        _labelled(band <= 3, "band"),
        _labelled(-band <= 3, "other"),
    ]
    return cp.Problem(cp.Minimize(x[0] - x[1] + 7), rows)


# The point of the unit disc nearest to (2, 0) is (1, 0); squared distance 1.
def _nearest_on_disc_pyomo() -> pyo.ConcreteModel:
    m = _model(2, bounds=(-2, 2))
    m.disc = pyo.Constraint(expr=m.x[0] ** 2 + m.x[1] ** 2 <= 1)
    m.distance = pyo.Objective(expr=(m.x[0] - 2) ** 2 + m.x[1] ** 2)
    return m


def _nearest_on_disc_cvxpy() -> cp.Problem:
    x = cp.Variable(2, name="x", bounds=[-2, 2])
    distance = cp.sum_squares(x - np.array([2.0, 0.0]))
    return cp.Problem(cp.Minimize(distance), [_labelled(cp.SOC(cp.Constant(1.0), x), "disc")])


# A disc of radius 1 around 0 and a row that keeps away from it: a + b >= 2 > sqrt(2).
def _empty_disc_pyomo() -> pyo.ConcreteModel:
    m = _disc_pyomo()
    m.away = pyo.Constraint(expr=m.x[0] + m.x[1] >= 2)
    return m


def _empty_disc_cvxpy() -> cp.Problem:
    x = cp.Variable(2, name="x", bounds=[-2, 2])
    rows = [
        _labelled(cp.SOC(cp.Constant(1.0), x), "disc"),
        _labelled(x[0] + x[1] >= 2, "away"),
    ]
    return cp.Problem(cp.Maximize(cp.sum(x)), rows)


# min exp(a) - a has its one stationary point at 0: 1.
def _exponential_cvxpy() -> cp.Problem:
    x = cp.Variable(name="x", bounds=[-5, 5])
    return cp.Problem(cp.Minimize(cp.exp(x) - x))


# The whole point nearest to (1.3, 0.4) is (1, 0): 0.09 + 0.16 = 0.25.
def _whole_point_pyomo() -> pyo.ConcreteModel:
    m = _model(2, domain=pyo.Integers, bounds=(-3, 3))
    m.distance = pyo.Objective(expr=(m.x[0] - 1.3) ** 2 + (m.x[1] - 0.4) ** 2)
    return m


def _whole_point_cvxpy() -> cp.Problem:
    x = cp.Variable(2, name="x", integer=True, bounds=[-3, 3])
    return cp.Problem(cp.Minimize(cp.sum_squares(x - np.array([1.3, 0.4]))))


# -a^2 + b over [-1, 2] x [0, 1]: -4 at (2, 0), a local optimum of -1 at (-1, 0), beside which
# it starts.
def _bent_pyomo() -> pyo.ConcreteModel:
    m = _model(2, bounds=(-1, 2))
    m.x[1].setlb(0)
    m.x[1].setub(1)
    m.x[0].value, m.x[1].value = -0.9, 0.1
    m.cost = pyo.Objective(expr=-(m.x[0] ** 2) + m.x[1])
    return m


def _unbounded_whole_pyomo() -> pyo.ConcreteModel:
    m = _model(1, domain=pyo.NonNegativeIntegers)
    m.row = pyo.Constraint(expr=2 * m.x[0] >= 3)
    m.gain = pyo.Objective(expr=m.x[0], sense=pyo.maximize)
    return m


def _unbounded_whole_cvxpy() -> cp.Problem:
    x = cp.Variable(1, name="x", integer=True, bounds=[0, np.inf])
    return cp.Problem(cp.Maximize(cp.sum(x)), [_labelled(2 * x[0] >= 3, "row")])


# The most even shares of one: min sum x log x, sum x = 1 over four; all 1/4: -log 4. From
# s log(s / 4), the price of the total is log(1/4) + 1.
def _entropy_pyomo() -> pyo.ConcreteModel:
    m = _model(4, bounds=(1e-6, 1), initialize=0.1)
    m.total = pyo.Constraint(expr=sum(m.x[k] for k in m.x) == 1)
    m.entropy = pyo.Objective(expr=sum(m.x[k] * pyo.log(m.x[k]) for k in m.x))
    return m


# A nonlinear row: min a + 2 b, log a + sqrt b >= log 2 + 1/2: Lagrange's conditions a = p and
# sqrt b = p / 4 hold at p = 2, where it is 2 + 2/4.
def _curved_pyomo() -> pyo.ConcreteModel:
    m = _model(2, bounds=(0.1, 5), initialize=1)
    m.row = pyo.Constraint(expr=pyo.log(m.x[0]) + pyo.sqrt(m.x[1]) >= log(2.0) + 0.5)
    m.cost = pyo.Objective(expr=m.x[0] + 2 * m.x[1])
    return m


BENT = Problem("bent", "NONCONVEX", _bent_pyomo, None, objective=-4.0)

PROBLEMS = (
    Problem("product mix", "LP", _product_pyomo, _product_cvxpy, objective=11.0),
    Problem("degenerate", "LP", _degenerate_pyomo, _degenerate_cvxpy, objective=-2.0),
    Problem("badly scaled", "LP", _scaled_pyomo, _scaled_cvxpy, objective=1.0),
    Problem(
        "demand",
        "LP",
        _demand_pyomo,
        _demand_cvxpy,
        objective=24.0,
        prices={"demand": 3.0, "least": 0.0},
    ),
    Problem(
        "hours",
        "LP",
        _hours_pyomo,
        _hours_cvxpy,
        objective=12.0,
        prices={"hours": 3.0, "loose": 0.0},
    ),
    Problem("free variables", "LP", _free_pyomo, _free_cvxpy, objective=5.0),
    Problem("infeasible LP", "LP", _infeasible_pyomo, _infeasible_cvxpy, "infeasible"),
    Problem("unbounded LP", "LP", _unbounded_pyomo, _unbounded_cvxpy, "unbounded"),
    Problem("nearest point", "QP", _nearest_pyomo, _nearest_cvxpy, objective=0.5),
    Problem("knapsack", "MILP", _knapsack_pyomo, _knapsack_cvxpy, objective=21.0),
    Problem(
        "infeasible MILP",
        "MILP",
        lambda: _infeasible_pyomo(domain=pyo.Integers),
        lambda: _infeasible_cvxpy(integer=True),
        "infeasible",
    ),
    Problem("parity", "MILP", _parity_pyomo, _parity_cvxpy, "infeasible"),
    Problem("unbounded MILP", "MILP", _unbounded_whole_pyomo, _unbounded_whole_cvxpy, "unbounded"),
    # CVXPY's auxiliary columns are not whole, so that its form cannot be enumerated.
    Problem(
        "whole point",
        "MIQP",
        _whole_point_pyomo,
        _whole_point_cvxpy,
        objective=0.25,
        provable=frozenset({"pyomo"}),
    ),
    Problem("disc point", "QCQP", _nearest_on_disc_pyomo, _nearest_on_disc_cvxpy, objective=1.0),
    Problem("empty disc", "SOCP", _empty_disc_pyomo, _empty_disc_cvxpy, "infeasible"),
    Problem(
        "even shares",
        "NLP",
        _entropy_pyomo,
        None,
        objective=-log(4.0),
        prices={"total": 1.0 - log(4.0)},
    ),
    Problem("nonlinear row", "NLP", _curved_pyomo, None, objective=2.5, prices={"row": 2.0}),
    Problem("exponential", "EXP", None, _exponential_cvxpy, objective=1.0),
    Problem("disc", "SOCP", _disc_pyomo, _disc_cvxpy, objective=sqrt(2.0)),
    Problem(
        "whole disc",
        "MIQCQP",
        _whole_disc_pyomo,
        _whole_disc_cvxpy,
        objective=sqrt(3.0) + 1.0,
        provable=frozenset(),
    ),
)
