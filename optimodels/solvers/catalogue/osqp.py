"""OSQP: a first-order method for quadratic problems, held to tighter tolerances than its own."""

from __future__ import annotations

from optimodels.solvers.registry import Options, Solver

SOLVERS = (
    Solver(
        name="osqp",
        via="cvxpy",
        classes=frozenset({"LP", "QP"}),
        native="OSQP",
        distribution="osqp",
        module="osqp",
        options=Options(
            time="time_limit",
            gap="eps_rel",
            default_gap=1e-8,
            # Polishing prints a line where it has nothing to do, whatever it is told.
            fixed={"eps_abs": 1e-8, "max_iter": 1_000_000, "polishing": False},
        ),
        licence="Apache-2.0",
        homepage="osqp.org",
    ),
)
