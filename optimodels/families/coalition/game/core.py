"""The core and the least core: payments that no coalition can better by more than epsilon.

The linear programs only propose; payments and balanced weights prove epsilon from both sides, in
exact fractions of the worths as they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from optimodels.arrays import Floats
from optimodels.errors import RunError
from optimodels.families.coalition.game.solution_concepts import (
    MOST_LISTED,
    Game,
    excesses,
    incidence,
    linear_program,
    members,
)

#: Part of the largest worth by which a coalition must object before its row is added.
_OBJECTS = 1e-11
#: Weights of balanced collections are ratios of small whole numbers.
_DENOMINATOR = 100_000
#: Greedy climbs by which an objecting coalition is looked for where there are too many to list.
_CLIMBS = 8


@dataclass(frozen=True)
class LeastCore:
    """The least epsilon and payments (n,) by which no coalition gains more than it by leaving.

    ``epsilon`` is what the payments show (an upper bound), ``bound`` what the balanced weights
    prove (a lower one); ``weights`` by coalition add up to one, and every player is in coalitions
    of the same weight in all. ``complete`` False: not every coalition was looked at, and only the
    bound is proved.
    """

    epsilon: float
    payments: Floats
    bound: float
    weights: dict[int, Fraction]
    complete: bool


def least_core(game: Game, seed: int = 0) -> LeastCore:
    """Solve min epsilon, x(S) >= v(S) - epsilon, x(N) = v(N), by adding coalitions that object.

    Up to ``MOST_LISTED`` players all coalitions are looked at for the worst objection, above
    that those which greedy climbs from ``seed`` find.
    """
    n = game.players
    complete = n <= MOST_LISTED
    rows = sorted({1 << i for i in range(n)} | {game.everyone ^ 1 << i for i in range(n)} - {0})
    rng = np.random.default_rng(seed)
    while True:
        payments, epsilon, weights = _solve(game, rows)
        worst = _objections(game, payments, rng)
        scale = max(1e-300, *(abs(game(s)) for s in (*rows, game.everyone)))
        new = [s for s, excess in worst if excess > epsilon + _OBJECTS * scale and s not in rows]
        if not new:
            break
        rows += new
    return LeastCore(
        epsilon=float(_shown(game, payments, complete, rows)),
        payments=payments,
        bound=float(balanced_bound(game, weights)),
        weights=weights,
        complete=complete,
    )


def balanced_bound(game: Game, weights: dict[int, Fraction]) -> Fraction:
    """Return the lower bound of epsilon that weights of coalitions prove, exactly.

    Summing x(S) >= v(S) - epsilon by weights that add up to one and hold every player at the same
    weight t gives epsilon >= sum w_S v(S) - t v(N) (Bondareva and Shapley). Raises RunError
    where they do not.
    """
    held = {sum((w for s, w in weights.items() if s >> i & 1), Fraction(0))
            for i in range(game.players)}  # fmt: skip
    if sum(weights.values()) != 1 or len(held) != 1 or min(weights.values()) < 0:
        raise RunError("the weights that should prove the least core are not balanced")
    total = sum((w * Fraction(game(s)) for s, w in weights.items()), Fraction(0))
    return total - held.pop() * Fraction(game(game.everyone))


def _solve(game: Game, rows: list[int]) -> tuple[Floats, float, dict[int, Fraction]]:
    """Solve over some coalitions, in worths less those of single players, over their scale."""
    n = game.players
    inside = incidence(rows, n)
    alone = np.array([game(1 << i) for i in range(n)])
    gain = np.array([game(s) for s in rows]) - inside @ alone
    whole = game(game.everyone) - alone.sum()
    scale = max(float(np.abs(gain).max()), abs(whole)) or 1.0
    point, epsilon, multipliers = linear_program(
        np.append(np.zeros(n), 1.0),
        A_ub=np.hstack([-inside, -np.ones((len(rows), 1))]),
        b_ub=-gain / scale,
        A_eq=np.append(np.ones(n), 0.0)[None, :],
        b_eq=[whole / scale],
        bounds=(None, None),
    )
    weights = {
        s: Fraction(-w).limit_denominator(_DENOMINATOR)
        for s, w in zip(rows, multipliers.tolist(), strict=True)
        if w < -1e-9
    }
    return point[:n] * scale + alone, epsilon * scale, weights


def _objections(game: Game, payments: Floats, rng: np.random.Generator) -> list[tuple[int, float]]:
    """Return the worst objections, some at once: the rows then come in few rounds."""
    if game.players <= MOST_LISTED:
        found = excesses(game, payments)
        worst = np.argsort(-found, kind="stable")
        kept = [s for s in worst[: 2 * game.players + 2].tolist() if 0 < s < game.everyone]
        return [(s, float(found[s])) for s in kept]
    return [_climb(game, payments, int(start)) for start in
            rng.integers(1, game.everyone, size=_CLIMBS)]  # fmt: skip


def _climb(game: Game, payments: Floats, start: int) -> tuple[int, float]:
    """Add or remove single players as long as the coalition's objection grows."""

    def objection(coalition: int) -> float:
        return game(coalition) - float(payments[list(members(coalition))].sum())

    def near(coalition: int) -> Iterator[int]:
        for i in range(game.players):
            if 0 < coalition ^ 1 << i < game.everyone:
                yield coalition ^ 1 << i

    here, best = start, objection(start)
    while True:
        step = max(near(here), key=objection)
        if objection(step) <= best:
            return here, best
        here, best = step, objection(step)


def _shown(game: Game, payments: Floats, complete: bool, rows: list[int]) -> Fraction:
    """The largest objection to the payments, exactly; the last player takes what rounding left."""
    exact = [Fraction(float(value)) for value in payments]
    exact[-1] += Fraction(game(game.everyone)) - sum(exact, Fraction(0))
    listed = range(1, game.everyone) if complete else rows
    near = sorted(listed, key=lambda s: float(payments[list(members(s))].sum()) - game(s))
    # Rounding cannot bring others to the top: their floats are farther off than it reaches.
    return max(
        Fraction(game(s)) - sum((exact[i] for i in members(s)), Fraction(0)) for s in near[:256]
    )
