"""Gurobi, where it is installed and licensed (its wheel alone takes 2000 variables and rows)."""

from __future__ import annotations

from dataclasses import replace

from optimodels.solvers.registry import DEFAULT_GAP, Options, Solver


def _licensed() -> bool:
    import gurobipy

    with gurobipy.Env(params={"OutputFlag": 0}):
        return True


_CVXPY = Solver(
    name="gurobi",
    via="cvxpy",
    classes=frozenset({"LP", "QP", "QCQP", "SOCP", "MILP", "MIQP", "MIQCQP"}),
    native="GUROBI",
    distribution="gurobipy",
    module="gurobipy",
    options=Options(
        time="TimeLimit",
        gap="MIPGap",
        threads="Threads",
        default_gap=DEFAULT_GAP,
        # The absolute gap would otherwise end the search on small objectives.
        fixed={"MIPGapAbs": 0.0},
    ),
    licence="commercial",
    homepage="www.gurobi.com",
    keeps_incumbent=True,
    strength=1,
    commercial=True,
    licensed=_licensed,
)

SOLVERS = (
    replace(_CVXPY, via="pyomo", native="gurobi_direct", classes=frozenset({"LP", "MILP"})),
    _CVXPY,
)
