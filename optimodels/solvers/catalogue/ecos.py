"""ECOS: an interior-point method for second-order and exponential cones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimodels.solvers.registry import Options, Solver

if TYPE_CHECKING:
    from optimodels.form import Form


def _has_a_slope(form: Form) -> bool:
    """It crashes where its inequalities and cones are there, and no variable in any of them."""
    unequal = form.row_lower != form.row_upper
    sloping = form.rows[unequal.nonzero()[0]].nnz + sum(cone.matrix.nnz for cone in form.cones)
    return bool(sloping or form.bounded.any() or not (unequal.any() or form.cones))


SOLVERS = (
    Solver(
        name="ecos",
        via="cvxpy",
        classes=frozenset({"LP", "QP", "QCQP", "SOCP", "EXP"}),
        native="ECOS",
        distribution="ecos",
        module="ecos",
        options=Options(gap="reltol"),
        fits=_has_a_slope,
        licence="GPL-3.0",
        homepage="github.com/embotech/ecos",
    ),
)
