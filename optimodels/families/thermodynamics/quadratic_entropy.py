"""The most probable split of a value by the paper's entropy (000, (1), (4), (5)): a QP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimodels.families.thermodynamics.data import SYSTEMS, Contact
from optimodels.families.thermodynamics.exact import QUADRATIC, equilibrium
from optimodels.model import ExactAnswer, Formulation

if TYPE_CHECKING:
    import cvxpy as cp
    import pyomo.environ as pyo


def in_pyomo(contact: Contact) -> pyo.ConcreteModel:
    """State the QP in Pyomo."""
    import pyomo.environ as pyo

    units = contact.units
    factor = (contact.unit / contact.spread) ** 2 / 2
    part = (units / contact.unit).tolist()
    most = (contact.machines * contact.unit_value / units).tolist()
    model = pyo.ConcreteModel("quadratic-entropy")
    model.system = pyo.RangeSet(0, len(part) - 1)
    model.value = pyo.Var(model.system, bounds=lambda _, i: (-most[i], most[i]))
    v = model.value
    model.entropy = pyo.Objective(
        expr=pyo.quicksum(-factor * v[i] ** 2 for i in model.system), sense=pyo.maximize
    )
    model.total_value = pyo.Constraint(
        expr=pyo.quicksum(part[i] * v[i] for i in model.system)
        == contact.total_value / contact.unit
    )
    return model


def in_cvxpy(contact: Contact) -> cp.Problem:
    """State the QP in CVXPY."""
    import cvxpy as cp

    units = contact.units
    most = contact.machines * contact.unit_value / units
    v = cp.Variable(len(most), name="value", bounds=[-most, most])
    total = (units / contact.unit) @ v == contact.total_value / contact.unit
    total.set_label("total_value")
    factor = (contact.unit / contact.spread) ** 2 / 2
    return cp.Problem(cp.Maximize(-factor * cp.sum_squares(v)), [total])


def exact(contact: Contact) -> ExactAnswer:
    """Take the closed form; the multiplier of the total value is the one of -sigma."""
    found = equilibrium(contact, QUADRATIC)
    return ExactAnswer(
        values={"value": found.value / contact.units},
        objective=-found.lost,
        duals={"total_value": np.array(-found.inverse_activity * contact.unit)},
    )


FORMULATION = Formulation(
    name="quadratic-entropy",
    problem_class="QP",
    source="000, (1), (4), (5) and section 4.1; units and bounds ours",
    pyomo=in_pyomo,
    cvxpy=in_cvxpy,
    exact=exact,
    axes={"value": ("system",), "total_value": ()},
    equations=(
        *SYSTEMS,
        "maximise    sigma(U) - sigma(0) = -sum_i U_i^2 / (2 a_i N_i)        nats",
        "            with U_i = (V / s) s_i value_i, EUR; s_i = sqrt(a_i N_i), the",
        "            deviation of U_i with modes at random, s^2 = sum_i s_i^2 and",
        "            V = max(|U|, s) keep the numbers near one",
        "subject to  sum_i (s_i / s) value_i = U / V                   total_value",
        "            |U_i| <= N_i (eps P)_i      for every i: all machines alike",
        "",
        "The shadow price of total_value is V / tau. Where no system is full",
        "            U_i = U a_i N_i / sum_j a_j N_j                           (5)",
        "            1/tau = -U / sum_j a_j N_j                               (17)",
    ),
)
