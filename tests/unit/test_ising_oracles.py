"""The exact answers of the Ising model against each other and against closed forms."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import logsumexp

from optimodels.errors import DataError
from optimodels.families.ising.oracles.enumeration import States
from optimodels.families.ising.oracles.strip import Strip
from optimodels.families.ising.parameters import CRITICAL
from tests.unit import ising_moves as moves
from tests.unit.ising_formulas import chain_log_partition, onsager_energy, torus_log_partition

#: Five sites: a square with a tail, cut short by a diagonal.
BONDS = np.array([[0, 1], [1, 2], [2, 3], [0, 3], [0, 2], [3, 4]])
WEIGHTS = (1, 1, 1, 2, 2)


def rectangle(rows: int, columns: int, *, torus: bool = False) -> np.ndarray:
    """Return the bonds of a rectangle, free or closed to a torus."""
    found = []
    for row in range(rows):
        for column in range(columns):
            if torus or column + 1 < columns:
                found.append((row * columns + column, row * columns + (column + 1) % columns))
            if torus or row + 1 < rows:
                found.append((row * columns + column, (row + 1) % rows * columns + column))
    return np.array(found, dtype=np.int64).reshape(-1, 2)


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (3, 5), (5, 3), (1, 7), (7, 1), (2, 6)])
@pytest.mark.parametrize(("temperature", "field"), [(1.2, 0.0), (CRITICAL, 0.35), (6.0, -0.8)])
def test_transfer_matrix_is_enumeration(
    rows: int, columns: int, temperature: float, field: float
) -> None:
    states = States(rows * columns, rectangle(rows, columns))
    strip = Strip(rows, columns)
    means = states.means(temperature, field)
    assert strip.energy(temperature, field) == pytest.approx(means["energy"], rel=1e-12)
    assert strip.magnetisation(temperature, field) == pytest.approx(
        means["magnetisation"], rel=1e-12, abs=1e-10
    )
    assert strip.absolute(temperature, field) == pytest.approx(means["absolute"], rel=1e-11)
    np.testing.assert_allclose(
        strip.distribution(temperature, field), states.distribution(temperature, field), atol=1e-13
    )


@pytest.mark.parametrize("field", [0.0, 0.7])
def test_chain(field: float) -> None:
    exact = chain_log_partition(12, 1.3, field)
    states = States(12, rectangle(1, 12))
    assert logsumexp(-states.energies(field) / 1.3) == pytest.approx(exact, rel=1e-13)
    assert Strip(12, 1).log_partition(1.3, field) == pytest.approx(exact, rel=1e-13)
    assert Strip(1, 12).log_partition(1.3, field) == pytest.approx(exact, rel=1e-13)
    assert chain_log_partition(12, 1.3) == pytest.approx(
        12 * math.log(2) + 11 * math.log(math.cosh(1 / 1.3)), rel=1e-14
    )
    # <E> of a chain without a field: N - 1 bonds of -tanh(1 / T) each.
    assert Strip(1, 12).energy(1.3) == pytest.approx(-11 * math.tanh(1 / 1.3), rel=1e-13)


@pytest.mark.parametrize("temperature", [1.5, CRITICAL, 3.5])
def test_torus_by_kaufman(temperature: float) -> None:
    for rows, columns in ((4, 4), (3, 5)):
        states = States(rows * columns, rectangle(rows, columns, torus=True))
        enumerated = logsumexp(-states.energies(0.0) / temperature)
        exact = torus_log_partition(rows, columns, temperature)
        assert enumerated == pytest.approx(exact, rel=1e-13)


@pytest.mark.parametrize("temperature", [4.0, 5.0, 6.0])
def test_bulk_of_free_rectangles_is_onsagers(temperature: float) -> None:
    # Edges and corners cancel in the second difference. Above the critical temperature what is
    # left comes from closed paths that go from one side to the other and back: exp(-22 / xi).
    energy = {(a, b): Strip(a, b).energy(temperature) for a in (11, 12) for b in (11, 12)}
    bulk = energy[12, 12] - energy[12, 11] - energy[11, 12] + energy[11, 11]
    decay = -math.log(math.tanh(1 / temperature)) - 2 / temperature  # 1 / xi, Onsager 1944
    assert bulk == pytest.approx(
        onsager_energy(temperature), abs=math.exp(-22 * decay) + 1e-12, rel=0
    )


def test_seventeen_wide() -> None:
    wide = Strip(3, 17)
    assert wide.energy(2.0, 0.2) == pytest.approx(Strip(17, 3).energy(2.0, 0.2), rel=1e-12)
    assert Strip(17, 17).energy(1e9) == pytest.approx(-2 * 16 * 17 / 1e9, rel=1e-6)
    with pytest.raises(DataError, match="1 to 17 columns"):
        Strip(3, 18)
    with pytest.raises(DataError, match="1 to 20 sites"):
        States(21, BONDS)


# Moves


def boltzmann(field: float, temperature: float, penalty: float = 0.0) -> np.ndarray:
    states = moves.all_states(5)
    energies = np.array([
        moves.energy(state, BONDS, field) + penalty * abs(moves.constraint(state, WEIGHTS))
        for state in states
    ])  # fmt: skip
    weights = np.exp(-energies / temperature)
    return weights / weights.sum()


def unbalanced(matrix: np.ndarray, chances: np.ndarray) -> float:
    """Return the largest difference of pi_i P_ij and pi_j P_ji."""
    np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_array_less(-1e-15, matrix)
    flow = chances[:, None] * matrix
    return float(np.abs(flow - flow.T).max())


def test_states_are_numbered_alike() -> None:
    np.testing.assert_array_equal(States(5, BONDS).spins, moves.all_states(5))
    np.testing.assert_allclose(States(5, BONDS).probabilities(1.7, 0.3), boltzmann(0.3, 1.7))


def test_moves_are_in_detailed_balance() -> None:
    flip = moves.single_flip(BONDS, 5, 1.7, 0.3)
    assert unbalanced(flip, boltzmann(0.3, 1.7)) < 1e-16
    penalised = moves.single_flip(BONDS, 5, 1.7, 0.3, weights=WEIGHTS, penalty=0.4)
    assert unbalanced(penalised, boltzmann(0.3, 1.7, 0.4)) < 1e-16
    swap = moves.exchange(BONDS, 5, 1.7, 0.3, WEIGHTS)
    assert unbalanced(swap, boltzmann(0.3, 1.7)) < 1e-16
    # A sweep leaves the distribution as it is, though it is not reversible.
    sweep = np.linalg.multi_dot([moves.single_flip(BONDS, 5, 1.7, 0.3, only=i) for i in range(5)])
    np.testing.assert_allclose(boltzmann(0.3, 1.7) @ sweep, boltzmann(0.3, 1.7), rtol=1e-13)
    assert unbalanced(sweep, boltzmann(0.3, 1.7)) > 1e-3


def test_swaps_keep_the_constraint_and_reach_all_of_it() -> None:
    swap = moves.exchange(BONDS, 5, 1.7, 0.0, WEIGHTS)
    states = moves.all_states(5)
    for before, row in zip(states, swap, strict=True):
        for after in (states[place] for place in np.flatnonzero(row)):
            assert moves.constraint(after, WEIGHTS) == moves.constraint(before, WEIGHTS)
    reached = np.linalg.matrix_power(swap, 20) > 0
    # Three sites of weight 1 with one up and two of weight 2 with one up: 3 x 2 states.
    assert reached[states.index((1, -1, -1, 1, -1))].sum() == 6


def test_algorithm_1_is_not_in_balance_and_freezes() -> None:
    chances = boltzmann(0.3, 1.7)
    walk = moves.single_flip(BONDS, 5, 1.7, 0.3, weights=WEIGHTS, constrained=True)
    assert unbalanced(walk, chances) > 1e-3
    stuck = np.flatnonzero(np.diag(walk) == 1)
    values = np.abs([moves.constraint(state, WEIGHTS) for state in moves.all_states(5)])
    # C is odd (the weights' sum is 7): nothing lowers |C| = 1, and everything ends there.
    np.testing.assert_array_equal(np.sort(stuck), np.flatnonzero(values == 1))
    end = np.linalg.matrix_power(walk, 2000)
    assert end[:, values == 1].sum(axis=1).min() == pytest.approx(1, abs=1e-9)


def correlations(states: States, temperature: float, field: float) -> np.ndarray:
    """<s_i s_j> (N, N)."""
    spins = states.spins.astype(float)
    return spins.T @ (states.probabilities(temperature, field)[:, None] * spins)


def test_griffiths_fewer_bonds_never_raise_order() -> None:
    draw = np.random.default_rng(4)
    pairs = np.array([(i, j) for i in range(8) for j in range(i)])
    for _ in range(6):
        order = draw.permutation(pairs)[:14]
        for temperature, field in ((0.9, 0.0), (2.0, 0.4), (5.0, 0.1)):
            kept = [States(8, order[:count]) for count in (14, 10, 6, 1)]
            for more, fewer in pairwise(kept):
                ours, theirs = (correlations(one, temperature, field) for one in (more, fewer))
                lost = ours - theirs
                assert lost.min() > -1e-12
                assert (
                    more.means(temperature, field)["magnetisation"]
                    >= fewer.means(temperature, field)["magnetisation"] - 1e-12
                )
