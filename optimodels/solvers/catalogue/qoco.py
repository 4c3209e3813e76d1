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
        licence="BSD-3-Clause",
        homepage="qoco-org.github.io/qoco",
    ),
)
