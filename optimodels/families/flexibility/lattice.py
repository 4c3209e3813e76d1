"""The customers' square lattice: buses as contiguous regions, in the paper's 17 x 17 manner."""

from __future__ import annotations

from math import isqrt

import numpy as np

from optimodels.arrays import Ints


def customer_lattice(customers: Ints, shape: tuple[int, int] | None = None) -> Ints:
    """Return the index of each site's bus, -1 where the lattice is not filled.

    ``customers`` (B,); ``shape`` rows and columns, by default of the least square (k, k). Rows
    are filled boustrophedon in bus order, so that every bus is one connected region. The paper's
    own layout (001, figure 1(d)) is lost; this one is chosen.
    """
    total = int(customers.sum())
    rows, columns = shape or (isqrt(total - 1) + 1,) * 2
    line = np.full(rows * columns, -1, dtype=np.int64)
    line[:total] = np.repeat(np.arange(len(customers)), customers)
    square = line.reshape(rows, columns)
    square[1::2] = square[1::2, ::-1]
    return square
