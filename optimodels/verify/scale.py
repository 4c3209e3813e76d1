"""What a row's tolerance is relative to."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.form import QuadraticRow


def largest_terms(matrix: sparse.csr_array, x: Floats) -> Floats:
    """Return max_j |a_ij x_j| of each row of the matrix (m, n); 0 for an empty row."""
    out = np.zeros(matrix.shape[0])
    filled = np.flatnonzero(np.diff(matrix.indptr))
    if len(filled):
        terms = np.abs(matrix.data * x[matrix.indices])
        out[filled] = np.maximum.reduceat(terms, matrix.indptr[filled])
    return out


def largest_curved_term(row: QuadraticRow, x: Floats) -> float:
    """Return the largest |1/2 q_ij x_i x_j| or |c_j x_j| of a quadratic row at x (n,)."""
    bent = 0.5 * np.abs(x) * largest_terms(row.matrix, x)
    return float(max(bent.max(initial=0.0), np.abs(row.linear * x).max(initial=0.0)))
