"""SCS: a first-order method for conic problems, held here to tighter tolerances than its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimodels.solvers.registry import Options, Solver

if TYPE_CHECKING:
    from optimodels.form import Form


def _has_a_row(form: Form) -> bool:
    return bool(form.rows.shape[0] or form.cones or form.bounded.any())


SOLVERS = (
    Solver(
        name="scs",
        via="cvxpy",
        classes=frozenset({"LP", "QP", "QCQP", "SOCP", "EXP"}),
        native="SCS",
        distribution="scs",
        module="scs",
        # At its defaults rows are violated by up to 8e-2.
        options=Options(
            time="time_limit_secs",
            gap="eps_rel",
            default_gap=1e-9,
            fixed={"eps_abs": 1e-9, "max_iters": 1_000_000},
        ),
        licence="MIT",
        fits=_has_a_row,
        findings=("At its own defaults rows are violated by up to 8e-2: it is run at 1e-9.",),
        homepage="www.cvxgrp.org/scs",
    ),
)
