"""One step of a linear system, exact for inputs that are held or run straight between nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats


@dataclass(frozen=True)
class Step:
    """x(t + h) = Phi x(t) + held v(t) + rising (v(t + h) - v(t)), v straight in between.

    ``phi`` (..., n, n), ``held`` and ``rising`` (..., n, m).
    """

    phi: Floats
    held: Floats
    rising: Floats


def step(a: Floats, b: Floats, length: float) -> Step:
    """Return the step of x' = A x + B v by one matrix exponential (Van Loan 1978).

    ``a`` (..., n, n) and ``b`` (..., n, m) may be stacks: one step of each. exp of
    [[A, B, 0], [0, 0, 1], [0, 0, 0]] h has the integrals of exp(A s) B and of its ramp above.
    """
    from scipy.linalg import expm

    n, m = b.shape[-2:]
    whole = np.zeros((*a.shape[:-2], n + 2 * m, n + 2 * m))
    whole[..., :n, :n] = a * length
    whole[..., :n, n : n + m] = b * length
    whole[..., n : n + m, n + m :] = np.eye(m)
    made = expm(whole)
    return Step(made[..., :n, :n], made[..., :n, n : n + m], made[..., :n, n + m :])
