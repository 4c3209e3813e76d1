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
        options=Options(time="time_limit"),
        licence="MIT",
        homepage="github.com/cvanaret/Uno",
    ),
)
