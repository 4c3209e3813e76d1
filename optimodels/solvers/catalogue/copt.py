"""COPT, where it is installed and licensed."""

from __future__ import annotations

from optimodels.solvers.registry import DEFAULT_GAP, Options, Solver


def _licensed() -> bool:
    import coptpy

    coptpy.Envr(coptpy.EnvrConfig()).close()
    return True


SOLVERS = (
    Solver(
        name="copt",
        via="cvxpy",
        classes=frozenset({"LP", "QP", "QCQP", "SOCP", "MILP"}),
        native="COPT",
        distribution="coptpy",
        module="coptpy",
        options=Options(
            time="TimeLimit",
            gap="RelGap",
            threads="Threads",
            default_gap=DEFAULT_GAP,
            fixed={"AbsGap": 0.0},
        ),
        licence="commercial",
        homepage="www.shanshu.ai/copt",
        keeps_incumbent=True,
        strength=1,
        commercial=True,
        licensed=_licensed,
    ),
)
