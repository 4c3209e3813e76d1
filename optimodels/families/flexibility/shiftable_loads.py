"""Shiftable loads: every bus moves its load in time and keeps its energy (001, (29)-(31))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.flexibility.data import FlexibilityData
from optimodels.families.flexibility.exact import continuous_knapsack
from optimodels.model import ExactAnswer, Formulation

if TYPE_CHECKING:
    import cvxpy as cp
    import pyomo.environ as pyo


@dataclass(frozen=True)
class Shift:
    """``share`` (B,) p_b; ``power`` (T,) P(t) h, MWh; ``value`` (T,) price x P(t) h, EUR."""

    share: Floats
    power: Floats
    value: Floats


def instance(data: FlexibilityData) -> Shift:
    """Take from a case what the LP needs."""
    return Shift(data.share, data.energy_mwh, data.value_eur)


def in_pyomo(shift: Shift) -> pyo.ConcreteModel:
    """State the LP in Pyomo."""
    import pyomo.environ as pyo

    p, power, value = shift.share.tolist(), shift.power.tolist(), shift.value.tolist()
    model = pyo.ConcreteModel("shiftable-loads")
    model.bus = pyo.RangeSet(0, len(p) - 1)
    model.step = pyo.RangeSet(0, len(power) - 1)
    model.magnetisation = pyo.Var(model.bus, model.step, bounds=(-1, 1))
    m = model.magnetisation
    model.welfare = pyo.Objective(
        expr=pyo.quicksum(-value[t] * p[b] * m[b, t] for b in model.bus for t in model.step)
    )
    model.energy = pyo.Constraint(
        model.bus,
        rule=lambda _, b: pyo.quicksum(power[t] * m[b, t] for t in model.step) == 0,
    )
    return model


def in_cvxpy(shift: Shift) -> cp.Problem:
    """State the LP in CVXPY."""
    import cvxpy as cp

    shape = (len(shift.share), len(shift.power))
    m = cp.Variable(shape, name="magnetisation", bounds=[-1, 1])
    energy = m @ shift.power == 0
    energy.set_label("energy")
    return cp.Problem(cp.Minimize(-(shift.share @ (m @ shift.value))), [energy])


def exact(shift: Shift) -> ExactAnswer:
    """Solve it as a continuous knapsack: one for all buses, as p_b factors out of each row."""
    point, price = continuous_knapsack(shift.value, shift.power)
    return ExactAnswer(
        values={"magnetisation": np.tile(point, (len(shift.share), 1))},
        # Objective -value m: in each row the multiplier is minus the median price, times p_b.
        duals={"energy": -price * shift.share},
        objective=-float(shift.value @ point) * float(shift.share.sum()),
    )


FORMULATION = Formulation(
    name="shiftable-loads",
    problem_class="LP",
    source="001, (29)-(31); powers as energies per step, welfare in EUR",
    pyomo=in_pyomo,
    cvxpy=in_cvxpy,
    exact=exact,
    axes={"magnetisation": ("bus", "step"), "energy": ("bus",)},
    unit=lambda shift: "EUR",
    equations=(
        "P(t), price(t)  profiles: load of all buses, MW; real-time price, EUR/MWh",
        "t, b            steps 1..T, buses",
        "h, p_b          hours_per_step; part of bus b in P(t), sum_b p_b = 1",
        "m_b(t)          magnetisation, flexibility of bus b by its scheduled load:",
        "                at 1 it takes nothing, at -1 twice as much",
        "",
        "minimise    -sum_t price(t) P(t) h sum_b p_b m_b(t)   objective_welfare, EUR",
        "             (the welfare is what flexibility saves: minus this objective)",
        "subject to   sum_t P(t) h m_b(t) = 0        for every bus b           energy",
        "             -1 <= m_b(t) <= 1              for every b, t     magnetisation",
        "",
        "price_of_shifting, EUR/MWh: mean of energy's shadow prices, each divided",
        "by its p_b",
    ),
)
