"""Xpress, where it is installed and licensed (its wheel brings a licence for small problems)."""

from __future__ import annotations

from dataclasses import replace

from optimodels.solvers.registry import DEFAULT_GAP, Options, Solver


def _licensed() -> bool:
    import xpress

    return xpress.problem() is not None


_PYOMO = Solver(
    name="xpress",
    via="pyomo",
    # Not NONCONVEX: it has returned 2 for 1 on a nonconvex problem with quadratic rows.
    classes=frozenset({"LP", "QP", "QCQP", "MILP", "MIQP"}),
    native="xpress_direct",
    distribution="xpress",
    module="xpress",
    driver="optimodels.solvers.pyomo_programs:solve",
    options=Options(
        time="timelimit",
        gap="miprelstop",
        threads="threads",
        default_gap=DEFAULT_GAP,
        fixed={"mipabsstop": 0.0},
    ),
    licence="commercial",
    homepage="www.fico.com/en/products/fico-xpress-optimization",
    keeps_incumbent=True,
    strength=1,
    commercial=True,
    licensed=_licensed,
)

SOLVERS = (
    _PYOMO,
    replace(
        _PYOMO,
        via="cvxpy",
        native="XPRESS",
        driver="",
        classes=frozenset({"LP", "QP", "QCQP", "SOCP", "MILP"}),
    ),
)
