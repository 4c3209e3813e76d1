"""ECOS: an interior-point method for second-order and exponential cones."""

from __future__ import annotations

from optimodels.solvers.registry import Options, Solver

SOLVERS = (
    Solver(
        name="ecos",
        via="cvxpy",
        classes=frozenset({"LP", "QP", "QCQP", "SOCP", "EXP"}),
        native="ECOS",
        distribution="ecos",
        module="ecos",
        options=Options(gap="reltol"),
        licence="GPL-3.0",
        homepage="github.com/embotech/ecos",
    ),
)
