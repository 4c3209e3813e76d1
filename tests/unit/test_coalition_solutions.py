"""Cores, values and nucleoli against closed forms of known games and second formulas."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np
import numpy.typing as npt
import pytest

from optimodels.arrays import Floats
from optimodels.errors import RunError
from optimodels.families.coalition.game.core import balanced_bound, least_core
from optimodels.families.coalition.game.nucleolus import pre_nucleolus, unbalanced
from optimodels.families.coalition.game.shapley import (
    dividends,
    sampled_shapley,
    shapley,
    shapley_of_dividends,
)
from optimodels.families.coalition.game.solution_concepts import (
    Game,
    excesses,
    members,
)


def bankruptcy(estate: float, claims: list[float]) -> Game:
    """What is left of an estate after all others have what they claim (O'Neill 1982)."""
    everyone = range(len(claims))

    def worth(coalition: int) -> float:
        inside = members(coalition)
        return max(0.0, estate - sum(claims[i] for i in everyone if i not in inside))

    return Game(len(claims), worth)


def from_table(worth: npt.ArrayLike) -> Game:
    """The game with these worths (2^n,) of the coalitions 0, 1, ..."""
    given = np.asarray(worth, dtype=float)
    return Game(len(given).bit_length() - 1, lambda coalition: float(given[coalition]))


def random_game(seed: int, players: int) -> Game:
    rng = np.random.default_rng(seed)
    size = np.bitwise_count(np.arange(1 << players)).astype(float)
    worth = rng.uniform(0, 1, 1 << players) * size ** rng.uniform(0.5, 2)
    worth -= seed % 3 * size
    if seed % 2:
        worth = np.round(3 * worth)
    worth[0] = 0.0
    return from_table(worth)


def test_coalitions_are_bits() -> None:
    assert members(0b1011) == (0, 1, 3)


@pytest.mark.parametrize(
    ("estate", "paid"),
    [
        (100, [100 / 3, 100 / 3, 100 / 3]),
        (200, [50, 75, 75]),
        (300, [50, 100, 150]),
    ],
)
def test_nucleolus_is_the_talmuds_division(estate: float, paid: list[float]) -> None:
    """Aumann and Maschler 1985: three wives who claim 100, 200 and 300."""
    game = bankruptcy(estate, [100, 200, 300])
    assert pre_nucleolus(game) == pytest.approx(paid)
    assert unbalanced(game, np.array(paid)) < 1e-9


def test_nucleolus_of_a_glove_game_is_all_with_the_scarce_one() -> None:
    """One left glove, two right ones: the core is a single point, and so the nucleolus is it."""
    game = Game(3, lambda s: float(bool(s & 1) and bool(s & 6)))
    assert pre_nucleolus(game) == pytest.approx([1, 0, 0], abs=1e-9)
    assert shapley(game) == pytest.approx([2 / 3, 1 / 6, 1 / 6])
    assert least_core(game).epsilon == pytest.approx(0, abs=1e-12)


def test_airport_game_shares_every_stretch_among_its_users() -> None:
    """Littlechild and Owen 1973."""
    costs = [1.0, 3.0, 4.0, 8.0]
    game = Game(4, lambda s: -max(costs[i] for i in members(s)))
    steps = np.diff([0.0, *costs]) / np.arange(4, 0, -1)
    assert shapley(game) == pytest.approx(-np.cumsum(steps))


@pytest.mark.parametrize("seed", range(6))
def test_shapley_by_three_roads(seed: int) -> None:
    game = random_game(seed, 5)
    orders = np.zeros(5)
    for order in permutations(range(5)):
        coalition = 0
        for i in order:
            orders[i] += game(coalition | 1 << i) - game(coalition)
            coalition |= 1 << i
    by_orders = orders / 120
    assert shapley(game) == pytest.approx(by_orders, abs=1e-12)
    assert shapley_of_dividends(game) == pytest.approx(by_orders, abs=1e-12)
    # Dividends are what worths are made of.
    found = dividends(game)
    for s in range(32):
        made = sum(found[t] for t in range(32) if t & s == t)
        assert made == pytest.approx(game(s), abs=1e-11)


def test_sampled_shapley_is_within_its_interval_and_adds_up() -> None:
    game, inside = random_game(4, 6), 0
    exact = shapley(game)
    for seed in range(50):
        found = sampled_shapley(game, 300, seed)
        assert found.mean.sum() == pytest.approx(game(63), abs=1e-10)
        inside += int(np.sum(np.abs(found.mean - exact) <= found.half_width))
    # 300 intervals of 95 %: 285 on average, and seven standard deviations of 3.8 below that.
    assert inside > 258


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("players", [2, 3, 5, 7])
def test_least_core_is_proved_from_both_sides(seed: int, players: int) -> None:
    game = random_game(seed, players)
    found = least_core(game)
    scale = max(1.0, float(np.abs(game.table()).max()))
    assert found.epsilon - found.bound <= 1e-9 * scale
    assert found.payments.sum() == pytest.approx(game(game.everyone), abs=1e-9 * scale)
    assert excesses(game, found.payments)[1:-1].max() <= found.epsilon + 1e-9 * scale
    assert sum(found.weights.values()) == 1


def test_least_core_of_a_majority_game() -> None:
    """Two of three win: x = 1/3 each, and pairs could have a third more."""
    game = Game(3, lambda s: float(s.bit_count() >= 2))
    found = least_core(game)
    assert found.epsilon == pytest.approx(1 / 3, abs=1e-15)
    assert found.payments == pytest.approx([1 / 3] * 3)
    assert found.weights == {s: Fraction(1, 3) for s in (3, 5, 6)}


def test_weights_that_do_not_balance_prove_nothing() -> None:
    game = Game(3, lambda s: float(s.bit_count() >= 2))
    for weights in ({3: Fraction(1)}, {3: Fraction(1, 2), 4: Fraction(1, 4)}):
        with pytest.raises(RunError, match="not balanced"):
            balanced_bound(game, weights)


def test_of_many_players_only_a_bound_is_claimed() -> None:
    """Of 15 players, more than half win: pay all alike, and 8 of them could have 7/15 more."""
    game = Game(15, lambda s: float(s.bit_count() >= 8))
    found = least_core(game, seed=3)
    assert not found.complete
    assert 0 < found.bound <= 7 / 15 + 1e-12
    assert len(game.known) < 1 << 14


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("players", [2, 3, 4, 6])
def test_kohlbergs_criterion_knows_the_nucleolus(seed: int, players: int) -> None:
    game = random_game(seed, players)
    found = pre_nucleolus(game)
    scale = max(1.0, float(np.abs(game.table()).max()))
    assert unbalanced(game, found) < 1e-9
    assert excesses(game, found)[1:-1].max() == pytest.approx(
        least_core(game).epsilon, abs=1e-8 * scale
    )
    other: Floats = found.copy()
    other[0] += 0.02 * scale
    other[1] -= 0.02 * scale
    assert unbalanced(game, other) > 1e-3


def test_nucleolus_does_not_mind_where_money_is_counted_from() -> None:
    game = random_game(2, 4)
    given = np.array([5.0, -2.0, 0.25, 1.0])
    moved = Game(4, lambda s: 3 * game(s) + float(given[list(members(s))].sum()))
    assert pre_nucleolus(moved) == pytest.approx(3 * pre_nucleolus(game) + given, abs=1e-8)
