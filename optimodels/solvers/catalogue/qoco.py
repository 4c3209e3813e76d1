"""QOCO: an interior-point method for quadratic objectives over second-order cones."""

from __future__ import annotations

from optimodels.solvers.registry import Options, Solver

SOLVERS = (
    Solver(
        name="qoco",
        via="cvxpy",
        classes=frozenset({"LP", "QP", "QCQP", "SOCP"}),
        native="QOCO",
        distribution="qoco",
        module="qoco",
        options=Options(gap="reltol"),
        licence="BSD-3-Clause",
        homepage="qoco-org.github.io/qoco",
    ),
)
