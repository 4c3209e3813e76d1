"""Shiftable loads with whole customers: the discrete follow-up (001, (32)-(33))."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.flexibility.data import FlexibilityData
from optimodels.families.flexibility.exact import discrete_shift
from optimodels.model import ExactAnswer, Formulation

if TYPE_CHECKING:
    import cvxpy as cp
    import pyomo.environ as pyo


@dataclass(frozen=True)
class DiscreteShift:
    """One bus of ``customers`` customers; the answer holds for every bus of as many.

    ``weight`` (T,) whole numbers in proportion to P(t); ``value`` (T,) EUR that the whole
    network's load costs in each step, so that a bus's welfare is its share p_b of the objective.
    """

    customers: int
    weight: Ints
    value: Floats


def instances(data: FlexibilityData) -> dict[int, DiscreteShift]:
    """One problem for each number of customers that occurs."""
    # Costs in proportion to the whole weights, so that the rounding of a profile, where there
    # is one, touches costs and balance alike.
    unit = float(data.energy_mwh.sum()) / float(data.weight.sum())
    value = data.price * data.weight * unit
    return {int(n): DiscreteShift(int(n), data.weight, value) for n in np.unique(data.customers)}


def in_pyomo(shift: DiscreteShift) -> pyo.ConcreteModel:
    """State the integer programme in Pyomo."""
    import pyomo.environ as pyo

    n, w, value = shift.customers, shift.weight.tolist(), shift.value.tolist()
    model = pyo.ConcreteModel("discrete-shift")
    model.step = pyo.RangeSet(0, len(w) - 1)
    model.flexible = pyo.Var(model.step, domain=pyo.Integers, bounds=(0, n))
    k = model.flexible
    model.welfare = pyo.Objective(
        expr=pyo.quicksum(-value[t] / n * (2 * k[t] - n) for t in model.step)
    )
    model.energy = pyo.Constraint(
        expr=pyo.quicksum(2 * w[t] * k[t] for t in model.step) == n * sum(w)
    )
    return model


def in_cvxpy(shift: DiscreteShift) -> cp.Problem:
    """State the integer programme in CVXPY."""
    import cvxpy as cp

    n, w = shift.customers, shift.weight
    k = cp.Variable(len(w), name="flexible", integer=True, bounds=[0, n])
    energy = (2 * w) @ k == n * int(w.sum())
    energy.set_label("energy")
    welfare = -(shift.value / n) @ (2 * k - n)
    return cp.Problem(cp.Minimize(welfare), [energy])


def exact(shift: DiscreteShift) -> ExactAnswer:
    """Solve it by dynamic programming over the balance, in integers."""
    costs = [-Fraction(f"{v:.12g}") for v in shift.value]
    scale = lcm(*(c.denominator for c in costs))
    found = discrete_shift([int(c * scale) for c in costs], shift.weight.tolist(), shift.customers)
    if found is None:
        return ExactAnswer(None, message="no whole numbers of customers balance the energy")
    objective = float(-shift.value @ (2.0 * found / shift.customers - 1.0))
    return ExactAnswer({"flexible": found}, objective=objective, bound=objective)


FORMULATION = Formulation(
    name="discrete-shift",
    problem_class="MILP",
    source="001, (32)-(33): the LP with m_b on its 2/N_b grid; solving it exactly is ours",
    pyomo=in_pyomo,
    cvxpy=in_cvxpy,
    exact=exact,
    axes={"flexible": ("step",)},
    unit=lambda shift: "EUR",
    equations=(
        "For every number N of customers that a bus has, in the terms of stage shift:",
        "k(t)            flexible: of N customers those with state 1 in step t",
        "w(t)            whole numbers in proportion to P(t); if they would be large,",
        "                P(t) is rounded to a thousandth of its peak: the result's",
        "                notes say so",
        "",
        "minimise    -sum_t price(t) P(t) h m(t),   m(t) = (2 k(t) - N) / N       EUR",
        "subject to   sum_t w(t) (2 k(t) - N) = 0                              energy",
        "             k(t) in {0, 1, ..., N}",
        "",
        "discrete_objective, EUR: these objectives, each times the sum of its",
        "buses' p_b, summed;",
        "welfare_lost_discrete, EUR: by how much that is above the objective of shift",
    ),
)
