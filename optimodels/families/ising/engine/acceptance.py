"""Metropolis' probabilities as integers: accept if dE <= 0 or u < exp(-dE / T).

A site with ``n`` of its ``d`` neighbours up has the local field 2 n - d + h; to flip it from up
changes the energy by 2 (2 n - d + h), to flip it from down by the opposite.
"""

from __future__ import annotations

import math

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.ising.engine.layout import LARGEST_DEGREE
from optimodels.families.ising.engine.streams import Unsigned

#: Bits of the probability that the first stage of the multi-spin kernel compares.
STAGE = 12
_FULL = 2**64 - 1


def probability(rise: float, temperature: float) -> float:
    """Return the probability of accepting a rise of the energy; T = 0 is greedy."""
    if rise <= 0:
        return 1.0
    return math.exp(-rise / temperature) if temperature > 0 else 0.0


def thresholds(largest_degree: int, temperature: float, field: float) -> Ints:
    """Return the thresholds (2, 2 D + 1): a flip is accepted if a 32-bit number is below.

    First index 0 for a spin that is down, 1 for up; second the sum of the neighbours' spins
    plus D. The probability is rounded to a multiple of 2^-32.
    """
    sums = range(-largest_degree, largest_degree + 1)
    return np.array(
        [[round(2**32 * probability(2 * spin * (total + field), temperature)) for total in sums]
         for spin in (-1, 1)], dtype=np.int64,
    )  # fmt: skip


def swap_thresholds(largest_degree: int, temperature: float) -> Ints:
    """Return the thresholds (4 D + 5,) of a swap, by half its rise of the energy plus 2 D + 2."""
    largest = 2 * largest_degree + 2
    return np.array(
        [round(2**32 * probability(2 * half, temperature)) for half in range(-largest, largest + 1)]
    )


def bit_tables(temperature: float, field: float) -> tuple[Unsigned, Unsigned, Unsigned]:
    """Return what the multi-spin kernel compares with, for the degrees d = 0..4.

    ``free`` (5, 2, 5): the polynomials of "an up spin flips without a test" and "a down spin
    does"; ``digits`` (5, STAGE, 5): those of the binary digits of the probability of the other
    flip, the first digit first; ``rest`` (5, 5): what the digits leave of it, in multiples of
    2^-(STAGE + 64), by the number of neighbours up. Of the two flips at one site the one lowers
    the energy or keeps it, so that one probability for each number of neighbours up is enough.
    """
    free = np.zeros((5, 2, 5), dtype=np.uint64)
    digits = np.zeros((5, STAGE, 5), dtype=np.uint64)
    rest = np.zeros((5, 5), dtype=np.uint64)
    for degree in range(LARGEST_DEGREE + 1):
        rises = [2 * (2 * up - degree + field) for up in range(degree + 1)]
        free[degree, 0] = _polynomial([rise <= 0 for rise in rises])
        free[degree, 1] = _polynomial([rise >= 0 for rise in rises])
        scaled = [2**STAGE * probability(abs(rise), temperature) for rise in rises]
        whole = [min(int(value), 2**STAGE - 1) for value in scaled]
        for place in range(STAGE):
            bits = [bool(value >> (STAGE - 1 - place) & 1) for value in whole]
            digits[degree, place] = _polynomial(bits)
        for up, value in enumerate(scaled):
            rest[degree, up] = min(int((value - whole[up]) * 2**64), _FULL)
    return free, digits, rest


def _polynomial(values: list[bool]) -> Unsigned:
    """Return c (5,) with f(n) = c0 ^ n0 c1 ^ n1 c2 ^ n0 n1 c3 ^ n2 c4 for n = 0..4 in binary.

    The coefficients are words of zeros or of ones; of ``values`` f(0), .. the missing are 0.
    """
    f = [*values, *[False] * (5 - len(values))]
    found = [f[0], f[0] ^ f[1], f[0] ^ f[2], f[0] ^ f[1] ^ f[2] ^ f[3], f[0] ^ f[4]]
    return np.array([_FULL if value else 0 for value in found], dtype=np.uint64)


def penalised_probability(rise: Floats, temperature: float) -> Floats:
    """Return `probability` of an array of rises."""
    if temperature > 0:
        return np.exp(-np.maximum(rise, 0.0) / temperature)
    return np.where(rise <= 0, 1.0, 0.0)
