"""Uno: sequential quadratic and interior-point methods for smooth nonlinear problems."""

from __future__ import annotations

from optimodels.solvers.registry import Options, Solver

SOLVERS = (
    Solver(
        name="uno",
        via="cvxpy",
        # Not one integer class: CVXPY's way to it drops integrality and says optimal.
        classes=frozenset({"LP", "QP", "NLP", "NONCONVEX"}),
        native="UNO",
        distribution="unopy",
        module="unopy",
        driver="optimodels.solvers.cvxpy_nonlinear:solve_by_uno",
        # Its own time limit is looked at between its steps, and of an LP or QP there is one: it is
        # ended from outside.
        options=Options(),
        licence="MIT",
        homepage="github.com/cvanaret/Uno",
    ),
)
