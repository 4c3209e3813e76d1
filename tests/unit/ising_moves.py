"""Transition matrices of the moves on tiny graphs, built state by state from the rules' words."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from itertools import product

import numpy as np

from optimodels.arrays import Floats, Ints

State = tuple[int, ...]


def energy(state: State, bonds: Ints, field: float) -> float:
    """Return -sum s_i s_j over the bonds - h sum s_i."""
    pairs: list[tuple[int, int]] = bonds.tolist()
    return -sum(state[i] * state[j] for i, j in pairs) - field * sum(state)


def constraint(state: State, weights: Sequence[int | float]) -> int | float:
    """Return sum w_i s_i, exactly for integers."""
    return sum(weight * spin for weight, spin in zip(weights, state, strict=True))


def all_states(sites: int) -> list[State]:
    """Return the 2^N states; bit i of a state's number is 1 where spin i is up."""
    return [tuple(reversed(bits)) for bits in product((-1, 1), repeat=sites)]


def single_flip(
    bonds: Ints,
    sites: int,
    temperature: float,
    field: float,
    *,
    weights: Sequence[int | float] = (),
    penalty: float = 0.0,
    constrained: bool = False,
    only: int | None = None,
) -> Floats:
    """Return the matrix (2^N, 2^N) of one proposal: row the state before, column after.

    A site at random, or ``only`` one site, is proposed to flip; accepted with Metropolis' chance
    on E + penalty |C|; ``constrained``: not unless |C| falls (001, Algorithm 1).
    """
    states = all_states(sites)
    number = {state: place for place, state in enumerate(states)}
    matrix = np.zeros((len(states), len(states)))
    proposed = range(sites) if only is None else [only]
    for before in states:
        for site in proposed:
            after = tuple(-s if i == site else s for i, s in enumerate(before))
            rise = energy(after, bonds, field) - energy(before, bonds, field)
            change = abs(constraint(after, weights)) - abs(constraint(before, weights)) \
                if len(weights) else 0  # fmt: skip
            chance = _metropolis(rise + penalty * change, temperature)
            if constrained and change >= 0:
                chance = 0.0
            matrix[number[before], number[after]] += chance / len(proposed)
            matrix[number[before], number[before]] += (1 - chance) / len(proposed)
    return matrix


def exchange(
    bonds: Ints, sites: int, temperature: float, field: float, weights: Sequence[int | float]
) -> Floats:
    """Return the matrix (2^N, 2^N) of one swap: a site at random, then one at random among those
    of the same weight and the opposite spin; Metropolis' chance; no such site, no change.
    """
    states = all_states(sites)
    number = {state: place for place, state in enumerate(states)}
    matrix = np.zeros((len(states), len(states)))
    for before in states:
        chances: dict[State, Fraction] = defaultdict(Fraction)
        for site in range(sites):
            partners = [j for j in range(sites)
                        if weights[j] == weights[site] and before[j] != before[site]]  # fmt: skip
            for partner in partners:
                swapped = list(before)
                swapped[site], swapped[partner] = before[partner], before[site]
                chances[tuple(swapped)] += Fraction(1, sites * len(partners))
        matrix[number[before], number[before]] = 1 - float(sum(chances.values()))
        for after, proposed in chances.items():
            rise = energy(after, bonds, field) - energy(before, bonds, field)
            accepted = float(proposed) * _metropolis(rise, temperature)
            matrix[number[before], number[after]] += accepted
            matrix[number[before], number[before]] += float(proposed) - accepted
    return matrix


def _metropolis(rise: float, temperature: float) -> float:
    if rise <= 0:
        return 1.0
    return math.exp(-rise / temperature) if temperature > 0 else 0.0
