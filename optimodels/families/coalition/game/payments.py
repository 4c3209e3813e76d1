"""What agents can be paid by the game of a case: its core, values, and the payments by prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.coalition.game.core import LeastCore, least_core
from optimodels.families.coalition.game.data import Play
from optimodels.families.coalition.game.nucleolus import pre_nucleolus, unbalanced
from optimodels.families.coalition.game.outsiders import game
from optimodels.families.coalition.game.shapley import (
    Sampled,
    sampled_shapley,
    shapley,
    shapley_of_dividends,
)
from optimodels.families.coalition.game.solution_concepts import MOST_LISTED, Game, members
from optimodels.result import Check

#: Part of the largest worth, and of the largest gain, that arithmetic leaves undecided.
_OF_WORTH, _OF_GAIN = 1e-11, 1e-9
#: Part of the largest worth within which identities hold.
_EXACT = 1e-9


@dataclass(frozen=True)
class Found:
    """All that is said of a game: ``by_prices`` (n,) and what the coalition ``objecting`` most
    would gain over it, the least core, the Shapley value and, of few agents, the nucleolus."""

    game: Game
    by_prices: Floats
    objecting: int
    objection: float
    least: LeastCore
    shapley: Floats
    half_width: Floats | None
    nucleolus: Floats | None
    undecided: float

    @property
    def empty(self) -> bool | None:
        """Whether there is no core; None where neither is proved."""
        if self.least.bound > self.undecided:
            return True
        return False if self.least.complete and self.least.epsilon <= self.undecided else None

    @property
    def prices_in_core(self) -> bool | None:
        """Whether nobody gains by leaving the payments by prices; None where it is not known."""
        if self.objection > self.undecided:
            return False
        return True if self.least.complete else None


def payments(play: Play) -> tuple[Found, list[Check]]:
    """Ask the game for its worths, solve it, and prove what is said of it."""
    played = game(play.equilibria, play.given.outsiders)
    listed = played.players <= MOST_LISTED
    everyone = played.everyone
    least = least_core(played, play.given.seed)
    by_prices = play.equilibria(play.together).agent_payoff
    sampled = Sampled(shapley(played), np.zeros(0)) if listed else sampled_shapley(
        played, play.given.orders, play.given.seed
    )  # fmt: skip
    nucleolus = pre_nucleolus(played) if listed else None
    # Of all coalitions that were asked: where agents are few these are all there are.
    asked = [s for s in played.known if 0 < s < everyone]
    objections = {s: played(s) - float(by_prices[list(members(s))].sum()) for s in asked}
    objecting = max(asked, key=lambda s: (objections[s], -s))
    gains = [abs(played(s) - sum(played(1 << i) for i in members(s))) for s in (*asked, everyone)]
    worth = max(abs(played(s)) for s in (*asked, everyone))
    found = Found(
        game=played,
        by_prices=by_prices,
        objecting=objecting,
        objection=objections[objecting],
        least=least,
        shapley=sampled.mean,
        half_width=None if listed else sampled.half_width,
        nucleolus=nucleolus,
        undecided=_OF_GAIN * max(gains) + _OF_WORTH * worth,
    )
    scale = max(worth, 1e-300)
    checks = [
        Check.of("payments by prices add up", _off(by_prices, played) / scale, _EXACT),
        Check.of("least core adds up", _off(least.payments, played) / scale, _EXACT),
        Check.of("Shapley value adds up", _off(found.shapley, played) / scale, _EXACT),
    ]
    if listed:
        checks += _proofs(found, scale)
    return found, checks


def _off(paid: Floats, played: Game) -> float:
    return abs(float(paid.sum()) - played(played.everyone))


def _proofs(found: Found, scale: float) -> list[Check]:
    """What holds of the solutions by other roads than those on which they were found."""
    nucleolus, least = found.nucleolus, found.least
    assert nucleolus is not None
    again = shapley_of_dividends(found.game)
    objection = max(
        found.game(s) - float(nucleolus[list(members(s))].sum())
        for s in range(1, found.game.everyone)
    )
    return [
        Check.of("epsilon above what balanced weights prove",
                 (least.epsilon - least.bound) / scale, _EXACT),
        Check.of("Shapley value against dividends",
                 float(np.abs(found.shapley - again).max()) / scale, _EXACT),
        Check.of("nucleolus: coalitions that Kohlberg's criterion cannot balance",
                 unbalanced(found.game, nucleolus), 1e-6),
        Check.of("nucleolus's largest objection against epsilon",
                 abs(objection - least.epsilon) / scale, 1e-8),
    ]  # fmt: skip
