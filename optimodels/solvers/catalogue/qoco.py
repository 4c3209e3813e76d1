"""QOCO: an interior-point method for quadratic objectives over second-order cones."""

from __future__ import annotations

from typing import Any

from optimodels.solvers.registry import Options, Solver


def _takes(option: str, value: Any) -> bool:
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
        takes=_takes,
        exclusions={
            "infeasible LP": ("error", "has no test of infeasibility"),
            "empty disc": ("error", "has no test of infeasibility"),
            "unbounded LP": ("optimal", "has no test of unboundedness: x = 1e13"),
        },
        licence="BSD-3-Clause",
        homepage="qoco-org.github.io/qoco",
    ),
)
