"""Ipopt: an interior-point method for smooth nonlinear problems; its optima are local ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from optimodels.solvers.registry import Options, Solver

if TYPE_CHECKING:
    from optimodels.form import Form


def _has_a_variable(form: Form) -> bool:
    """Pyomo writes no NL file without a variable in a row or the objective."""
    curved = form.quadratic is not None or form.expression is not None
    rows = form.rows.nnz or form.quadratic_rows or form.nonlinear_rows
    return bool(rows or form.linear.any() or curved)


_PROGRAM = Solver(
    name="ipopt",
    via="pyomo",
    classes=frozenset({"LP", "QP", "QCQP", "SOCP", "NLP", "NONCONVEX"}),
    native="ipopt",
    program="ipopt",
    driver="optimodels.solvers.pyomo_programs:solve",
    options=Options(time="max_wall_time", gap="tol"),
    fits=_has_a_variable,
    licence="EPL-2.0",
    homepage="coin-or.github.io/Ipopt",
)

# A program of the user's own may hold faster linear algebra: it goes before CasADi's.
SOLVERS = (
    _PROGRAM,
    replace(_PROGRAM, program="optimodels-ipopt", distribution="casadi", module="casadi"),
)
