"""Is a form convex? Only then is a stationary point the global optimum."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimodels.form import Form

#: An eigenvalue below minus this part of the largest entry is negative, not rounding.
_NEGATIVE = 1e-9
_DENSE = 1_500


def is_convex(form: Form) -> bool:
    """True where objective (as minimised) and all quadratic rows are proven convex."""
    if form.quadratic is not None and not positive_semidefinite(form.sign * form.quadratic):
        return False
    for row in form.quadratic_rows:
        if np.isfinite(row.upper) and not positive_semidefinite(row.matrix):
            return False
        if np.isfinite(row.lower) and not positive_semidefinite(-row.matrix):
            return False
    return True


def positive_semidefinite(matrix: Any) -> bool:
    """True where a sparse symmetric matrix has no eigenvalue below rounding."""
    from scipy import sparse
    from scipy.sparse import csgraph

    matrix = sparse.csr_array(matrix)
    if not matrix.nnz:
        return True
    largest = float(np.abs(matrix.data).max())
    if matrix.diagonal().min() < -_NEGATIVE * largest:
        return False
    # Blocks that share no variable are told apart first: most are small.
    count, label = csgraph.connected_components(matrix, directed=False)
    order = np.argsort(label, kind="stable")
    for members in np.split(order, np.cumsum(np.bincount(label, minlength=count))[:-1]):
        if len(members) == 1:
            continue
        if not _block_is_semidefinite(matrix[members][:, members], largest):
            return False
    return True


def _block_is_semidefinite(block: Any, largest: float) -> bool:
    if block.shape[0] <= _DENSE:
        return bool(np.linalg.eigvalsh(block.toarray())[0] >= -_NEGATIVE * largest)
    from scipy.sparse.linalg import ArpackError, eigsh

    try:
        lowest = eigsh(block, k=1, which="SA", return_eigenvectors=False)[0]
    except ArpackError:
        return False
    return bool(lowest >= -_NEGATIVE * largest)
