"""CVXOPT: an interior-point method for linear, quadratic and second-order cone problems."""

from __future__ import annotations

from optimodels.solvers.registry import NUMBER, Options, Solver, among

SOLVERS = (
    Solver(
        name="cvxopt",
        via="cvxpy",
        classes=frozenset({"LP", "QP", "QCQP", "SOCP"}),
        native="CVXOPT",
        distribution="cvxopt",
        module="cvxopt",
        options=Options(gap="reltol"),
        takes=among(
            {
                "kktsolver": str,
                "max_iters": int,
                "maxiters": int,
                "abstol": NUMBER,
                "reltol": NUMBER,
                "feastol": NUMBER,
                "refinement": int,
            }
        ),
        licence="GPL-3.0",
        homepage="cvxopt.org",
    ),
)
