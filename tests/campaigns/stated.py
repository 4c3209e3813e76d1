"""A form stated in each modelling language, so that it goes to solvers the way users' models do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cvxpy as cp
import numpy as np

from optimodels.form import Form
from optimodels.model import Formulation, ProblemClass

if TYPE_CHECKING:
    import pyomo.environ as pyo

#: Classes that Pyomo can state; cones are CVXPY's.
_IN_PYOMO = ("LP", "QP", "MILP", "MIQP", "QCQP")


def stated(form: Form, problem_class: ProblemClass, name: str = "planted") -> Formulation[Any]:
    return Formulation(
        name,
        problem_class,
        "planted",
        pyomo=in_pyomo if problem_class in _IN_PYOMO else None,
        cvxpy=in_cvxpy,
    )


def in_cvxpy(form: Form) -> cp.Problem:
    n = len(form.linear)
    # All, none, or the places of some as NumPy gives them.
    whole = bool(form.integer.all()) or (form.integer.any() and np.nonzero(form.integer))
    x = cp.Variable(n, name="x", integer=whole, bounds=[form.lower, form.upper])
    value = form.linear @ x + form.constant
    if form.quadratic is not None:
        value += form.sign * 0.5 * _square(x, form.sign * form.quadratic)
    body = form.rows @ x
    equal = form.row_lower == form.row_upper
    at_least = np.isfinite(form.row_lower) & ~equal
    at_most = np.isfinite(form.row_upper) & ~equal
    rows: list[Any] = []
    if equal.any():
        rows.append(body[np.flatnonzero(equal)] == form.row_lower[equal])
    if at_least.any():
        rows.append(body[np.flatnonzero(at_least)] >= form.row_lower[at_least])
    if at_most.any():
        rows.append(body[np.flatnonzero(at_most)] <= form.row_upper[at_most])
    for curved in form.quadratic_rows:
        rows.append(0.5 * _square(x, curved.matrix) + curved.linear @ x <= curved.upper)
    for cone in form.cones:
        inside = cone.matrix @ x + cone.offset
        if cone.kind == "second-order":
            rows.append(cp.SOC(inside[0], inside[1:]))
        else:
            rows.append(cp.ExpCone(inside[0], inside[1], inside[2]))
    goal = cp.Minimize(value) if form.sense == "min" else cp.Maximize(value)
    return cp.Problem(goal, rows)


def _square(x: cp.Variable, matrix: Any) -> Any:
    return cp.quad_form(x, cp.psd_wrap(matrix.toarray()))


def in_pyomo(form: Form) -> pyo.ConcreteModel:
    # Pyomo takes a second to import; a solver of CVXPY's in a process of its own does without.
    import pyomo.environ as pyo

    m = pyo.ConcreteModel()
    n = len(form.linear)
    m.x = pyo.Var(range(n), domain=pyo.Reals)
    for j in range(n):
        if form.integer[j]:
            m.x[j].domain = pyo.Integers
        m.x[j].setlb(_side(form.lower[j]))
        m.x[j].setub(_side(form.upper[j]))
    dense = form.rows.toarray()
    # A row without sides, or one of zeros that holds, is none to Pyomo.
    held = np.isfinite(form.row_lower) | np.isfinite(form.row_upper)
    held &= dense.any(axis=1) | (form.row_lower > 0) | (form.row_upper < 0)
    m.row = pyo.Constraint(
        [int(i) for i in np.flatnonzero(held)],
        rule=lambda m, i: (
            _side(float(form.row_lower[i])),
            # To Pyomo a row of zeros is no expression.
            sum(
                (float(dense[i, j]) * m.x[j] for j in np.flatnonzero(dense[i])),
                start=0 if dense[i].any() else m.x[0] - m.x[0],
            ),
            _side(float(form.row_upper[i])),
        ),
    )
    for curved in form.quadratic_rows:
        body = _bent(m, curved.matrix) + sum(float(q) * m.x[j] for j, q in enumerate(curved.linear))
        m.add_component(curved.name, pyo.Constraint(expr=body <= curved.upper))
    value = sum(float(c) * m.x[j] for j, c in enumerate(form.linear)) + form.constant
    if form.quadratic is not None:
        value += _bent(m, form.quadratic)
    m.goal = pyo.Objective(expr=value, sense=pyo.minimize if form.sense == "min" else pyo.maximize)
    return m


def _bent(m: pyo.ConcreteModel, matrix: Any) -> Any:
    entries = matrix.tocoo()
    return sum(
        0.5 * float(v) * m.x[int(i)] * m.x[int(j)]
        for i, j, v in zip(entries.row, entries.col, entries.data, strict=True)
    )


def _side(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
