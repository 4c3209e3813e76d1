"""CVXPY's roots of quadratic forms, for solvers that take squares: it may take them wrongly.

A solver without quadratic objectives, and any second-order cone, gets x'Px as the squares of
M'x. CVXPY 1.9.3 drops pivots of M M' = P that are small beside the largest, though the columns
behind them may be as long as they are small: of a singular P little may be left (P of order 7 and
rank 3, with whole entries up to 19, comes back off by 1.8).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cvxpy as cp
import numpy as np
from cvxpy.atoms.quad_form import QuadForm, decomp_quad
from scipy import sparse

#: What a root may miss of entry (i, j), over the root of entries (i, i) and (j, j), which is the
#: most that a semidefinite matrix has there. Rounding of thousands of terms is below it, and what
#: is verified to six digits does not see it.
_ROOT = 1e-8
#: The least root of a diagonal entry that something is relative to, over the largest: what is
#: smaller by the square of this may be rounding of the rest.
_LEAST = 1e-3


def wrongly_squared(problem: cp.Problem, keeps_objective: bool) -> float:
    """Return by how much the worst root of a constant matrix is off in a problem's quadratic forms.

    It is relative, and 0 where all are right to ``_ROOT``. ``keeps_objective`` says that the
    solver gets the objective's matrices as they are.
    """
    parts: list[Any] = [argument for c in problem.constraints for argument in c.args]
    if not keeps_objective:
        parts.append(problem.objective.expr)
    found = [_missed(form.args[1].value) for part in parts for form in _forms(part)]
    worst = max(found, default=0.0)
    return worst if worst > _ROOT else 0.0


def _forms(expression: Any) -> Iterator[QuadForm]:
    if isinstance(expression, QuadForm):
        yield expression
    for argument in expression.args:
        yield from _forms(argument)


def _missed(matrix: Any) -> float:
    scale, plus, minus = decomp_quad(matrix)
    off = sparse.csr_array(matrix)
    for sign, root in ((-scale, plus), (scale, minus)):
        if root.size:
            half = sparse.csr_array(root)
            off = off + sign * (half @ half.T)
    size = np.sqrt(np.abs(matrix.diagonal()))
    size = np.maximum(size, _LEAST * size.max(initial=0.0))
    entries = sparse.coo_array(off)
    missed = np.abs(entries.data) / (size[entries.row] * size[entries.col])
    return float(missed.max(initial=0.0))
