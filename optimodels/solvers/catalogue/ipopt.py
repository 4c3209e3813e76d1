"""Ipopt: an interior-point method for smooth nonlinear problems; its optima are local ones."""

from __future__ import annotations

from dataclasses import replace

from optimodels.solvers.registry import Options, Solver

_PROGRAM = Solver(
    name="ipopt",
    via="pyomo",
    classes=frozenset({"LP", "QP", "QCQP", "SOCP", "NLP", "NONCONVEX"}),
    native="ipopt",
    program="ipopt",
    driver="optimodels.solvers.pyomo_programs:solve",
    options=Options(time="max_wall_time", gap="tol"),
    refuses="No variables appear in the Pyomo model",
    licence="EPL-2.0",
    homepage="coin-or.github.io/Ipopt",
)

# A program of the user's own may hold faster linear algebra: it goes before CasADi's.
SOLVERS = (
    _PROGRAM,
    replace(_PROGRAM, program="optimodels-ipopt", distribution="casadi", module="casadi"),
)
