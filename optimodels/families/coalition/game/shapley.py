"""The Shapley value: exactly over all coalitions, or by the mean over orders drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.coalition.game.solution_concepts import Game

#: Of a normal mean, within so many standard errors lie 95 of 100.
_CONFIDENCE = 1.959964


def shapley(game: Game) -> Floats:
    """Return what each player adds on average over all orders in which they may come (n,).

    phi_i = sum_S |S|! (n-|S|-1)! / n! [v(S + i) - v(S)] over the coalitions S without i.
    """
    n, worth = game.players, game.table()
    every = np.arange(1 << n)
    size = np.bitwise_count(every).astype(np.int64)
    weight = np.array([factorial(k) * factorial(n - k - 1) / factorial(n) for k in range(n)])
    found = np.zeros(n)
    for i in range(n):
        without = every[(every >> i & 1) == 0]
        found[i] = weight[size[without]] @ (worth[without | 1 << i] - worth[without])
    return found


def dividends(game: Game) -> Floats:
    """Return Harsanyi's dividends m(S) = sum_(T in S) (-1)^(|S|-|T|) v(T) (2^n,).

    They are what a coalition adds to what its parts have; sum over S with i of m(S) / |S| is the
    Shapley value by another road.
    """
    found = game.table().copy()
    every = np.arange(len(found))
    for i in range(game.players):
        having = every[(every >> i & 1) == 1]
        found[having] -= found[having ^ 1 << i]
    return found


def shapley_of_dividends(game: Game) -> Floats:
    """Return the Shapley value as equal shares of every coalition's dividend (n,)."""
    every = np.arange(1, 1 << game.players)
    share = dividends(game)[1:] / np.bitwise_count(every)
    return np.array([share[(every >> i & 1) == 1].sum() for i in range(game.players)])


@dataclass(frozen=True)
class Sampled:
    """``mean`` (n,) over the orders drawn, and ``half_width`` (n,) of its 95 % interval."""

    mean: Floats
    half_width: Floats


def sampled_shapley(game: Game, orders: int, seed: int) -> Sampled:
    """Return the mean of what players add in ``orders`` >= 2 orders drawn at random.

    The interval is that of a normal mean; every order shares out v(N), so the mean does too.
    """
    rng = np.random.default_rng(seed)
    added = np.zeros((orders, game.players))
    for row in added:
        coalition, before = 0, 0.0
        for i in rng.permutation(game.players).tolist():
            coalition |= 1 << i
            row[i] = game(coalition) - before
            before = game(coalition)
    error = added.std(axis=0, ddof=1) / np.sqrt(orders)
    return Sampled(added.mean(axis=0), _CONFIDENCE * error)
