"""A cooperative game as a function of coalitions, and what its players can be paid by it.

A coalition is a whole number whose bit i says whether player i takes part; payments are (n,).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from optimodels.arrays import Floats
from optimodels.errors import RunError

#: Players up to which every coalition is looked at.
MOST_LISTED = 12


@dataclass(frozen=True)
class Game:
    """A game of ``players`` n with transferable payoffs; ``worth`` is asked once per coalition."""

    players: int
    worth: Callable[[int], float]
    known: dict[int, float] = field(default_factory=lambda: {0: 0.0})

    def __call__(self, coalition: int) -> float:
        if coalition not in self.known:
            self.known[coalition] = float(self.worth(coalition))
        return self.known[coalition]

    @property
    def everyone(self) -> int:
        """The coalition of all players."""
        return (1 << self.players) - 1

    def table(self) -> Floats:
        """Return the worth of every coalition (2^n,), the empty one first."""
        return np.array([self(coalition) for coalition in range(1 << self.players)])


def members(coalition: int) -> tuple[int, ...]:
    """The players of a coalition in rising order, counted from 0."""
    return tuple(i for i in range(coalition.bit_length()) if coalition >> i & 1)


def incidence(coalitions: npt.ArrayLike, players: int) -> Floats:
    """Return who takes part in which coalition, (k, n) of zeros and ones."""
    given = np.asarray(coalitions, dtype=np.int64)
    found: Floats = (given[:, None] >> np.arange(players) & 1).astype(float)
    return found


def excesses(game: Game, payments: Floats) -> Floats:
    """Return v(S) - x(S) of every coalition (2^n,): what it would gain by leaving."""
    paid = incidence(np.arange(1 << game.players), game.players) @ payments
    found: Floats = game.table() - paid
    return found


def linear_program(cost: Floats, **given: Any) -> tuple[Floats, float, Floats]:
    """Minimise ``cost @ x`` by HiGHS, rows as of SciPy's ``linprog``: the point, its cost and the
    multipliers of the inequalities; raises RunError where it finds none."""
    # SciPy must not be loaded before Pyomo is: see solvers.prepare.
    from scipy.optimize import linprog

    solved = linprog(cost, method="highs-ds", **given)
    if solved.x is None:
        raise RunError(f"a linear program of the game could not be solved: {solved.message}")
    return np.asarray(solved.x), float(solved.fun or 0.0), np.asarray(solved.ineqlin.marginals)
