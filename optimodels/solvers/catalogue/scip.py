"""SCIP: mixed-integer linear, quadratic and (through Pyomo) nonlinear problems, global."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from optimodels.solvers.registry import DEFAULT_GAP, Options, Solver


def _takes(option: str, value: Any) -> bool:
    import pyscipopt

    try:
        pyscipopt.Model().setParam(option, value)
    except Exception:  # it raises what it likes, and does not name the option
        return False
    return True


_PYOMO = Solver(
    name="scip",
    via="pyomo",
    classes=frozenset({"LP", "QP", "QCQP", "SOCP", "MILP", "MIQP", "MIQCQP", "NLP", "NONCONVEX"}),
    native="scip_direct",
    driver="optimodels.solvers.pyomo_scip:solve_by_scip",
    distribution="pyscipopt",
    module="pyscipopt",
    options=Options(
        time="limits/time",
        gap="limits/gap",
        threads="parallel/maxnthreads",
        default_gap=DEFAULT_GAP,
    ),
    licence="Apache-2.0",
    homepage="scipopt.org",
    keeps_incumbent=True,
    findings=(
        "A log of more than 64 KiB stopped it for ever through Pyomo, at whatever time limit: "
        "Python's other threads, one of which reads that log, are free here while it works.",
    ),
    takes=_takes,
    strength=1,
)

# Pyomo first: it hands on SCIP's bound and, after Ctrl-C, what was found so far.
SOLVERS = (
    _PYOMO,
    replace(
        _PYOMO,
        via="cvxpy",
        classes=_PYOMO.classes - {"NLP", "NONCONVEX"},
        native="SCIP",
        driver="",
        options=replace(_PYOMO.options, inside="scip_params"),
        findings=(
            "Through CVXPY its duals lack those of the bounds, and at Ctrl-C its best point is "
            "lost; through Pyomo it keeps it.",
            "It crashes at a nonlinear problem from the 64th thread of a process: the same few "
            "threads serve all that goes through CVXPY.",
        ),
    ),
)
