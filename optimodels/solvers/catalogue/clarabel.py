"""Clarabel: an interior-point method for linear, quadratic and conic problems."""

from __future__ import annotations

from optimodels.solvers.registry import Options, Solver

SOLVERS = (
    Solver(
        name="clarabel",
        via="cvxpy",
        classes=frozenset({"LP", "QP", "QCQP", "SOCP", "EXP"}),
        native="CLARABEL",
        distribution="clarabel",
        module="clarabel",
        options=Options(time="time_limit", gap="tol_gap_rel", threads="max_threads"),
        licence="Apache-2.0",
        homepage="clarabel.org",
    ),
)
