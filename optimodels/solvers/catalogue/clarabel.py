"""Clarabel: an interior-point method for linear, quadratic and conic problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optimodels.solvers.registry import Limits, Solver


def _options(limits: Limits, own: Mapping[str, Any]) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    if limits.time is not None:
        arguments["time_limit"] = float(limits.time)
    if limits.gap is not None:
        arguments["tol_gap_rel"] = limits.gap
    if limits.threads is not None:
        arguments["max_threads"] = limits.threads
    return arguments | dict(own)


SOLVERS = (
    Solver(
        name="clarabel",
        via="cvxpy",
        classes=frozenset({"LP", "QP", "QCQP", "SOCP", "EXP"}),
        native="CLARABEL",
        distribution="clarabel",
        module="clarabel",
        options=_options,
        licence="Apache-2.0",
        homepage="clarabel.org",
    ),
)
