"""Self-sustainability: the buses' flexibility balances, in whole kW (001, (34))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from optimodels.arrays import Ints
from optimodels.families.flexibility.data import FlexibilityData
from optimodels.families.flexibility.subset_sum import balanced_ternary
from optimodels.model import ExactAnswer, Formulation

if TYPE_CHECKING:
    import cvxpy as cp
    import pyomo.environ as pyo


@dataclass(frozen=True)
class Balance:
    """``load`` (B,) whole multiples of a common unit; ``sense`` of the total magnetisation."""

    load: Ints
    sense: Literal["max", "min"]


def instance(data: FlexibilityData) -> Balance:
    """Take from a case what the ILP needs."""
    return Balance(data.load, data.parameters.sense)


def in_pyomo(balance: Balance) -> pyo.ConcreteModel:
    """State the ILP in Pyomo."""
    import pyomo.environ as pyo

    load = balance.load.tolist()
    model = pyo.ConcreteModel("self-sustainability")
    model.bus = pyo.RangeSet(0, len(load) - 1)
    model.magnetisation = pyo.Var(model.bus, domain=pyo.Integers, bounds=(-1, 1))
    m = model.magnetisation
    model.total = pyo.Objective(
        expr=pyo.quicksum(m[b] for b in model.bus),
        sense=pyo.maximize if balance.sense == "max" else pyo.minimize,
    )
    model.balance = pyo.Constraint(expr=pyo.quicksum(load[b] * m[b] for b in model.bus) == 0)
    return model


def in_cvxpy(balance: Balance) -> cp.Problem:
    """State the ILP in CVXPY."""
    import cvxpy as cp

    m = cp.Variable(len(balance.load), name="magnetisation", integer=True, bounds=[-1, 1])
    row = balance.load @ m == 0
    row.set_label("balance")
    total = cp.sum(m)
    return cp.Problem(cp.Maximize(total) if balance.sense == "max" else cp.Minimize(total), [row])


def exact(balance: Balance) -> ExactAnswer:
    """Solve it as a ternary subset sum in exact integers."""
    found = balanced_ternary(balance.load.tolist(), balance.sense)
    return ExactAnswer(
        {"magnetisation": found.point},
        objective=float(found.objective),
        bound=float(found.objective),
        message=f"proved by {found.proof}",
    )


FORMULATION = Formulation(
    name="self-sustainability",
    problem_class="MILP",
    source="001, (34); reading reconstructed: it reproduces the paper's 132/125/32 customers",
    pyomo=in_pyomo,
    cvxpy=in_cvxpy,
    exact=exact,
    axes={"magnetisation": ("bus",)},
    unit=lambda balance: "buses",
    equations=(
        "P_b             load of bus b, whole kW, so that the balance is exact",
        "m_b             magnetisation: at 1 bus b takes nothing, at -1 twice P_b",
        "",
        "maximise or minimise (sense)   sum_b m_b                               buses",
        "subject to                     sum_b P_b m_b = 0                     balance",
        "                               m_b in {-1, 0, 1}             for every bus b",
    ),
)
