"""Spin assignment: customers' states that add up to their bus's magnetisation (001, (35))."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from optimodels.families.flexibility.exact import spins_up
from optimodels.model import ExactAnswer, Formulation

if TYPE_CHECKING:
    import cvxpy as cp
    import pyomo.environ as pyo


class Spins(NamedTuple):
    """One bus: ``customers`` N_b and its magnetisation m_b in {-1, 0, 1}. Buses that are equal in
    both share a problem, which is known by it."""

    customers: int
    magnetisation: int


def in_pyomo(spins: Spins) -> pyo.ConcreteModel:
    """State the BLP of one bus in Pyomo."""
    import pyomo.environ as pyo

    n = spins.customers
    model = pyo.ConcreteModel("spin-assignment")
    model.customer = pyo.RangeSet(0, n - 1)
    model.up = pyo.Var(model.customer, domain=pyo.Binary)
    up = pyo.quicksum(model.up[i] for i in model.customer)
    model.total = pyo.Objective(expr=up, sense=pyo.maximize)
    model.state = pyo.Constraint(expr=2 * up == n * (1 + spins.magnetisation))
    return model


def in_cvxpy(spins: Spins) -> cp.Problem:
    """State the BLP of one bus in CVXPY."""
    import cvxpy as cp

    n = spins.customers
    up = cp.Variable(n, name="up", boolean=True)
    state = 2 * cp.sum(up) == n * (1 + spins.magnetisation)
    state.set_label("state")
    return cp.Problem(cp.Maximize(cp.sum(up)), [state])


def exact(spins: Spins) -> ExactAnswer:
    """Count: k = N (1 + m) / 2 spins are up, where that is a whole number."""
    k = spins_up(spins.customers, spins.magnetisation)
    if k is None:
        return ExactAnswer(None, message=f"half of {spins.customers} customers is no whole number")
    up = (np.arange(spins.customers) < k).astype(float)
    # The one row fixes the objective at half its right side: its multiplier proves the optimum.
    return ExactAnswer({"up": up}, objective=float(k), bound=float(k), duals={"state": -0.5})


FORMULATION = Formulation(
    name="spin-assignment",
    problem_class="MILP",
    source="001, (35)",
    pyomo=in_pyomo,
    cvxpy=in_cvxpy,
    exact=exact,
    axes={"up": ("customer",)},
    unit=lambda spins: "customers",
    equations=(
        "For every bus b of N_b customers with magnetisation m_b; customer i has the",
        "state s_i = 2 up_i - 1:",
        "",
        "maximise     sum_i up_i                                            customers",
        "subject to   sum_i (2 up_i - 1) = N_b m_b                              state",
        "             up_i in {0, 1}                   for every customer i on bus b",
    ),
    conflict=lambda spins: (
        f"{spins.customers} customers cannot be half flexible, half not"
        if spins_up(spins.customers, spins.magnetisation) is None
        else None
    ),
)
