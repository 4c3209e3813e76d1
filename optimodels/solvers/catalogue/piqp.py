"""PIQP: a proximal interior-point method for quadratic problems."""

from __future__ import annotations

from optimodels.solvers.registry import Options, Solver

SOLVERS = (
    Solver(
        name="piqp",
        via="cvxpy",
        classes=frozenset({"LP", "QP"}),
        native="PIQP",
        distribution="piqp",
        module="piqp",
        options=Options(gap="eps_duality_gap_rel"),
        licence="BSD-2-Clause",
        exclusions={"infeasible LP": ("iterations", "runs to its last iteration")},
        findings=(
            "It keeps Python waiting: Ctrl-C is heard with `--isolate`, or when it has ended.",
        ),
        homepage="predict-epfl.github.io/piqp",
    ),
)
