"""What a row's tolerance is relative to."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from optimodels.arrays import Floats


def largest_terms(matrix: sparse.csr_array, x: Floats) -> Floats:
    """Return max_j |a_ij x_j| of each row of the matrix (m, n); 0 for an empty row."""
    out = np.zeros(matrix.shape[0])
    filled = np.flatnonzero(np.diff(matrix.indptr))
    if len(filled):
        terms = np.abs(matrix.data * x[matrix.indices])
        out[filled] = np.maximum.reduceat(terms, matrix.indptr[filled])
    return out
