"""Whether a quadratic function or a quadratic row is convex, by arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.form import Cone, Form, QuadraticRow
from optimodels.verify.scale import largest_terms
from optimodels.verify.tolerances import CONVEXITY, DENSE_BLOCK, ROUNDING

#: Rounds in which the units of a quadratic row are evened out.
_ROUNDS = 10


def positive_semidefinite(matrix: sparse.csr_array) -> bool:
    """Say whether a symmetric sparse matrix (n, n) is proven positive semidefinite.

    Tested with a diagonal of ones, so that units decide nothing: eigenvalues down to
    -``CONVEXITY`` count as rounding there. False also where a large connected block could not be
    decided.
    """
    matrix = sparse.csr_array(matrix)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    if matrix.nnz == 0:
        return True
    if not np.isfinite(matrix.data).all():
        return False
    diagonal, largest = matrix.diagonal(), largest_terms(matrix, np.ones(matrix.shape[1]))
    # Diagonally dominant with a positive diagonal suffices (Gershgorin).
    reach = np.asarray(abs(matrix).sum(axis=1)).ravel() - np.abs(diagonal)
    if np.all(diagonal - reach >= -ROUNDING * largest):
        return True
    labels = _components(matrix)
    counts = np.bincount(labels)
    peaks = np.zeros(len(counts))
    np.maximum.at(peaks, labels, largest)
    # Below it a diagonal entry is rounding of its own row, or of the sums that made its block.
    least = np.maximum(CONVEXITY * largest, ROUNDING * peaks[labels])
    if np.any(diagonal < -least):
        return False
    unit = sparse.diags_array(1.0 / np.sqrt(np.maximum(diagonal, np.where(least > 0, least, 1.0))))
    scaled = sparse.csr_array(unit @ matrix @ unit)
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(counts)
    for size, end in zip(counts, ends, strict=True):
        if size == 1:
            continue
        place = np.sort(order[end - size : end])
        if not _block(sparse.csr_array(scaled[place][:, place]), CONVEXITY):
            return False
    return True


def _components(matrix: sparse.csr_array) -> Any:
    from scipy.sparse.csgraph import connected_components

    return connected_components(matrix, directed=False)[1]


def _block(block: sparse.csr_array, slack: float) -> bool:
    if block.shape[0] <= DENSE_BLOCK:
        dense = block.toarray()
        return bool(np.linalg.eigvalsh((dense + dense.T) / 2)[0] >= -slack)
    from scipy.sparse.linalg import splu

    # Without row exchanges the pivots of LU are those of LDL', and their signs the inertia.
    try:
        factor = splu(
            sparse.csc_array(block + slack * sparse.eye_array(block.shape[0])),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    except RuntimeError:
        return False
    same = bool(np.array_equal(factor.perm_r, factor.perm_c))
    return same and bool(np.all(factor.U.diagonal() > 0))


def as_convex(form: Form, row: QuadraticRow) -> QuadraticRow | Cone | None:
    """Return a convex reading of a quadratic row, or None where none is proven.

    The row itself where its matrix is semidefinite on the side that it bounds; a second-order
    cone where the row is a rotated one, like ``u^2 <= v w`` with ``v, w >= 0``.
    """
    above, below = np.isfinite(row.upper), np.isfinite(row.lower)
    if row.matrix.nnz == 0 or not (above or below):
        return row
    if not below and positive_semidefinite(row.matrix):
        return row
    if not above and positive_semidefinite(sparse.csr_array(-row.matrix)):
        return row
    if above and below:
        return None
    sign = 1.0 if above else -1.0
    side = row.upper if above else row.lower
    return _rotated(form, row.name, sign * row.matrix, sign * row.linear, sign * side)


def _rotated(
    form: Form, name: str, matrix: sparse.csr_array, linear: Floats, upper: float
) -> Cone | None:
    """Read ``1/2 x'Px + q'x <= upper`` as ``||F(x, 1)|| <= a'(x, 1)``.

    [[P, q], [q', -2 upper]] with one negative eigenvalue is F'F - aa'; of the two halves of that
    double cone the bounds must leave one.
    """
    coo = matrix.tocoo()
    used = np.union1d(np.union1d(coo.row, coo.col), np.flatnonzero(linear))
    k = len(used)
    if k > DENSE_BLOCK:
        return None
    whole = np.zeros((k + 1, k + 1))
    whole[:k, :k] = matrix[used][:, used].toarray()
    whole[:k, k] = whole[k, :k] = linear[used]
    whole[k, k] = -2.0 * upper
    unit = _units(whole)
    values, vectors = np.linalg.eigh(whole / np.outer(unit, unit))
    if values[0] >= -CONVEXITY or values[1] < -CONVEXITY:
        return None
    head = np.sqrt(-values[0]) * vectors[:, 0]
    kept = values > CONVEXITY
    body = np.sqrt(values[kept])[:, None] * vectors[:, kept].T
    head = _directed(head, *(ends[used] * unit[:k] / unit[k] for ends in (form.lower, form.upper)))
    if head is None:
        return None
    entries = np.vstack([head, body]) * unit
    places = (np.arange(k), used)
    spread = sparse.csr_array(
        sparse.coo_array((np.ones(k), places), shape=(k, len(form.linear)), dtype=float)
    )
    cone = sparse.csr_array(sparse.csr_array(entries[:, :k]) @ spread)
    return Cone("second-order", cone, entries[:, k].copy(), name)


def _units(matrix: Floats) -> Floats:
    """Return units (n,) in which no row's largest entry is far from one; a few rounds do."""
    unit = np.ones(len(matrix))
    for _ in range(_ROUNDS):
        largest = np.abs(matrix / np.outer(unit, unit)).max(axis=1)
        unit = unit * np.sqrt(np.where(largest > 0, largest, 1.0))
    return unit


def _directed(head: Floats, lower: Floats, upper: Floats) -> Floats | None:
    """Turn head @ (x, 1) so that it is never negative within the bounds, or return None."""
    rounding = 1e-15 * float(np.abs(head).max())
    clean = np.where(np.abs(head) <= rounding, 0.0, head)
    for turned in (clean, -clean):
        slopes = turned[:-1]
        side = np.where(slopes > 0, lower, upper)
        if np.all(np.isfinite(side) | (slopes == 0)):
            least = float(slopes @ np.where(slopes == 0, 0.0, side)) + turned[-1]
            if least >= -1e-12 * max(1.0, float(np.abs(turned).max())):
                return turned
    return None
