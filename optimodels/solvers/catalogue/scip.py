"""SCIP: mixed-integer linear, quadratic and (through Pyomo) nonlinear problems, global."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optimodels.solvers.registry import DEFAULT_GAP, Limits, Solver


def _options(limits: Limits, own: Mapping[str, Any]) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "limits/gap": DEFAULT_GAP if limits.gap is None else limits.gap,
    }
    if limits.time is not None:
        arguments["limits/time"] = float(limits.time)
    if limits.threads is not None:
        arguments["parallel/maxnthreads"] = limits.threads
    return arguments | dict(own)


# Pyomo first: it hands on SCIP's bound and, after Ctrl-C, what was found so far.
SOLVERS = (
    Solver(
        name="scip",
        via="pyomo",
        classes=frozenset(
            {"LP", "QP", "QCQP", "SOCP", "MILP", "MIQP", "MIQCQP", "NLP", "NONCONVEX"}
        ),
        native="scip_direct",
        distribution="pyscipopt",
        module="pyscipopt",
        options=_options,
        licence="Apache-2.0",
        homepage="scipopt.org",
    ),
    Solver(
        name="scip",
        via="cvxpy",
        classes=frozenset({"LP", "QP", "QCQP", "SOCP", "MILP", "MIQP", "MIQCQP"}),
        native="SCIP",
        distribution="pyscipopt",
        module="pyscipopt",
        options=lambda limits, own: {"scip_params": _options(limits, own)},
        licence="Apache-2.0",
        homepage="scipopt.org",
    ),
)
