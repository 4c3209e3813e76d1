"""QOCO: an interior-point method for quadratic objectives over second-order cones."""

from __future__ import annotations

from optimodels.solvers.registry import Options, Solver


def _knows(option: str) -> bool:
    import qoco

    return hasattr(qoco.QOCO().ext.QOCOSettings, option)


SOLVERS = (
    Solver(
        name="qoco",
        via="cvxpy",
        classes=frozenset({"LP", "QP", "QCQP", "SOCP"}),
        native="QOCO",
        distribution="qoco",
        module="qoco",
        options=Options(gap="reltol"),
        knows=_knows,
        exclusions={
            "infeasible LP": ("error", "has no test of infeasibility"),
            "empty disc": ("error", "has no test of infeasibility"),
            "unbounded LP": ("optimal", "has no test of unboundedness: x = 1e13"),
        },
        licence="BSD-3-Clause",
        homepage="qoco-org.github.io/qoco",
    ),
)
