"""CVXOPT: an interior-point method for linear, quadratic and second-order cone problems."""

from __future__ import annotations

from optimodels.solvers.registry import Options, Solver

SOLVERS = (
    Solver(
        name="cvxopt",
        via="cvxpy",
        classes=frozenset({"LP", "QP", "QCQP", "SOCP"}),
        native="CVXOPT",
        distribution="cvxopt",
        module="cvxopt",
        options=Options(gap="reltol"),
        knows=frozenset(
            ["kktsolver", "max_iters", "maxiters", "abstol", "reltol", "feastol", "refinement"]
        ).__contains__,
        licence="GPL-3.0",
        homepage="cvxopt.org",
    ),
)
