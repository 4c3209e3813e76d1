"""CPLEX, where it is installed and licensed (its wheel alone takes 1000 variables and rows)."""

from __future__ import annotations

from dataclasses import replace

from optimodels.solvers.registry import DEFAULT_GAP, Options, Solver


def _licensed() -> bool:
    import cplex

    cplex.Cplex().end()
    return True


_CVXPY = Solver(
    name="cplex",
    via="cvxpy",
    classes=frozenset({"LP", "QP", "QCQP", "SOCP", "MILP", "MIQP"}),
    native="CPLEX",
    distribution="cplex",
    module="cplex",
    options=Options(
        time="timelimit",
        gap="mip.tolerances.mipgap",
        threads="threads",
        default_gap=DEFAULT_GAP,
        fixed={"mip.tolerances.absmipgap": 0.0},
        inside="cplex_params",
    ),
    licence="commercial",
    homepage="www.ibm.com/products/ilog-cplex-optimization-studio",
    keeps_incumbent=True,
    strength=1,
    commercial=True,
    licensed=_licensed,
)

SOLVERS = (
    replace(
        _CVXPY,
        via="pyomo",
        native="cplex_direct",
        driver="optimodels.solvers.pyomo_programs:solve",
        classes=frozenset({"LP", "QP", "MILP", "MIQP"}),
        options=replace(
            _CVXPY.options,
            inside=None,
            gap="mip_tolerances_mipgap",
            fixed={"mip_tolerances_absmipgap": 0.0},
        ),
    ),
    _CVXPY,
)
