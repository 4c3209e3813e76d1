"""An integer problem that no branch and bound closes in a blink: market split with slack."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
import pyomo.environ as pyo

from optimodels.model import Formulation


def market_split(rows: int = 5, columns: int = 40, seed: int = 3) -> Formulation[Any]:
    """Cornuejols and Dawande's market split: meet half of each row by whole numbers, the sum of
    deviations minimised. Feasible at once (deviations are free), hard to close."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 100, (rows, columns))
    b = a.sum(axis=1) // 2

    def in_pyomo(_: Any) -> pyo.ConcreteModel:
        m = pyo.ConcreteModel()
        m.x = pyo.Var(range(columns), domain=pyo.Binary)
        m.over = pyo.Var(range(rows), bounds=(0, None))
        m.under = pyo.Var(range(rows), bounds=(0, None))
        m.split = pyo.Constraint(
            range(rows),
            rule=lambda _, i: (
                sum(int(a[i, j]) * m.x[j] for j in range(columns)) + m.over[i] - m.under[i]
                == int(b[i])
            ),
        )
        m.miss = pyo.Objective(expr=sum(m.over[i] + m.under[i] for i in range(rows)))
        return m

    def in_cvxpy(_: Any) -> cp.Problem:
        x = cp.Variable(columns, name="x", boolean=True)
        over = cp.Variable(rows, name="over", bounds=[0, np.inf])
        under = cp.Variable(rows, name="under", bounds=[0, np.inf])
        split = a @ x + over - under == b
        split.set_label("split")
        return cp.Problem(cp.Minimize(cp.sum(over + under)), [split])

    return Formulation("market-split", "MILP", "Cornuejols and Dawande 1998", in_pyomo, in_cvxpy)
