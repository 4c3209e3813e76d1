"""The pre-nucleolus: payments whose objections, sorted from the largest, are least of all.

It is the nucleolus wherever nobody gets less than alone, and always exists, in the least core.
"""

from __future__ import annotations

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.coalition.game.solution_concepts import (
    Game,
    excesses,
    incidence,
    linear_program,
)

#: Part of the largest gain within which two objections are one: a hundred times what the linear
#: programs of a round are off by.
_TIE = 1e-8
#: Gains below this part of the worths are told apart no better than these are known.
_ROUNDED = 1e-6
#: A multiplier, or a weight, that is not zero.
_POSITIVE = 1e-7


def pre_nucleolus(game: Game) -> Floats:
    """Lower the largest objection, hold who cannot be lowered further, and go on (n,).

    Coalitions with a positive multiplier object by the least epsilon whatever is paid; those whose
    payment follows from held ones are settled as well. Each round settles one dimension more.
    """
    n = game.players
    every = np.arange(1, game.everyone)
    inside = incidence(every, n)
    gain, whole, alone, scale = _gains(game)
    held, level = [np.ones(n)], [whole]
    open_ = ~_settled(inside, held)
    while np.linalg.matrix_rank(np.array(held)) < n:
        _, epsilon, multipliers = linear_program(
            np.append(np.zeros(n), 1.0),
            A_ub=np.hstack([-inside[open_], -np.ones((int(open_.sum()), 1))]),
            b_ub=-gain[open_],
            A_eq=np.hstack([np.array(held), np.zeros((len(held), 1))]),
            b_eq=level,
            bounds=(None, None),
        )
        binding = np.flatnonzero(open_)[multipliers < -_POSITIVE]
        for s in binding.tolist():
            if not _settled(inside[[s]], held)[0]:
                held.append(inside[s])
                level.append(float(gain[s]) - epsilon)
        open_ = ~_settled(inside, held)
    x = np.linalg.solve(np.array(held), np.array(level))
    found: Floats = x * scale + alone
    return found


def unbalanced(game: Game, payments: Floats) -> float:
    """Return how far payments are from Kohlberg's criterion: 0 where they are the pre-nucleolus.

    For every level, the coalitions that object by at least as much must be balanced: with positive
    weights on all of them every player is held at the same weight. Found is the greatest part of
    a level's coalitions that cannot have weight. Levels end where the coalitions determine the
    payments. Shares no step with ``pre_nucleolus``.
    """
    n = game.players
    _, _, _, scale = _gains(game)
    objection = excesses(game, payments)[1:-1] / scale
    order = np.argsort(-objection, kind="stable")
    inside = incidence(order + 1, n)
    ends = np.flatnonzero(np.append(-np.diff(objection[order]) > _TIE, True)) + 1
    worst = 0.0
    for end in ends.tolist():
        level = inside[:end]
        # z_S <= w_S, z_S <= 1: all can be positive where all z can be one.
        _, most, _ = linear_program(
            np.concatenate([np.zeros(end + 1), -np.ones(end)]),
            A_ub=np.hstack([-np.eye(end), np.zeros((end, 1)), np.eye(end)]),
            b_ub=np.zeros(end),
            A_eq=np.hstack([level.T, -np.ones((n, 1)), np.zeros((n, end))]),
            b_eq=np.zeros(n),
            bounds=[(0, None)] * (end + 1) + [(0, 1)] * end,
        )
        worst = max(worst, 1.0 + most / end)
        if np.linalg.matrix_rank(np.vstack([level, np.ones(n)])) == n:
            break
    return worst


def _gains(game: Game) -> tuple[Floats, float, Floats, float]:
    """Worths less those of the members alone, over the largest: (2^n - 2,), of all, (n,), scale."""
    n = game.players
    alone = np.array([game(1 << i) for i in range(n)])
    gain = game.table()[1:] - incidence(np.arange(1, 1 << n), n) @ alone
    # Where nobody gains anything, what rounding leaves of the worths is no scale.
    scale = max(float(np.abs(gain).max()), _ROUNDED * float(np.abs(alone).max())) or 1.0
    return gain[:-1] / scale, float(gain[-1]) / scale, alone, scale


def _settled(inside: Floats, held: list[Floats]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether a coalition's payment follows from the held ones."""
    basis = np.linalg.qr(np.array(held).T)[0]
    left = inside - inside @ basis @ basis.T
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = np.abs(left).max(axis=1) < 1e-9
    return found
