"""The Ising engine's laws against the exact ones, and whether its replicas are independent.

Every test of this file has been seen to fail for what it is there to find: a wrong acceptance rule,
random numbers that the replicas of a word share.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from optimodels.families.ising import engine
from optimodels.families.ising.engine import (
    Dynamics,
    Graph,
    acceptance,
    evolve,
    from_bonds,
    lattice,
)
from optimodels.families.ising.engine import plain as plain_engine
from optimodels.families.ising.oracles.enumeration import States
from optimodels.families.ising.oracles.strip import Strip
from tests.unit import ising_moves as moves

needs_numba = pytest.mark.skipif(engine.find_spec("numba") is None, reason="Numba is not installed")
EIGHT = lattice(np.ones((8, 8), dtype=bool))
#: A square with a tail and a diagonal; the second has sites of five neighbours as well.
TAIL = from_bonds(5, np.array([[0, 1], [1, 2], [2, 3], [0, 3], [0, 2], [3, 4]]))
WHEEL = from_bonds(6, np.array([[0, i] for i in range(1, 6)] + [[1, 2], [2, 3], [4, 5]]))


def factor_of_two(rise: float, temperature: float) -> float:
    return 1.0 if rise <= 0 else math.exp(-rise / (2 * temperature))


def rising_as_glauber(rise: float, temperature: float) -> float:
    return 1.0 if rise <= 0 else 1 / (1 + math.exp(rise / temperature))


# At equilibrium


def farthest(graph: Graph, dynamics: Dynamics, exact: dict[str, float], replicas: int) -> float:
    """Return how many standard errors the worst of <E>, <M> and <|M|> is away."""
    start = np.ones((replicas, graph.sites), dtype=np.int8)
    if dynamics.field == 0:
        start[::2] = -1
    steps = 150 * graph.sites
    told = evolve(graph, dynamics, start, steps, seed=11, record=[steps])
    energy, magnetisation = told.trace["energy"][:, 0], told.trace["magnetisation"][:, 0]
    worst = 0.0
    for values, mean in ((energy, exact["energy"]), (magnetisation, exact["magnetisation"]),
                         (np.abs(magnetisation), exact["absolute"])):  # fmt: skip
        worst = max(worst, abs(values.mean() - mean) / (values.std() / math.sqrt(replicas)))
    return worst


def known(temperature: float, field: float) -> dict[str, float]:
    strip = Strip(8, 8)
    return {
        "energy": strip.energy(temperature, field),
        "magnetisation": strip.magnetisation(temperature, field),
        "absolute": strip.absolute(temperature, field),
    }


@needs_numba
@pytest.mark.parametrize("temperature", [1.6, 2.269, 3.0, 6.0])
@pytest.mark.parametrize("field", [0.0, 0.15, 1.3, 2.6])
def test_sweeps_against_the_transfer_matrix(temperature: float, field: float) -> None:
    dynamics = Dynamics(temperature, field, update="sweep")
    # 48 figures in all: one of them is off by 4 standard errors with a chance of 0.3 %.
    assert farthest(EIGHT, dynamics, known(temperature, field), 16_000) < 4


@needs_numba
@pytest.mark.parametrize("update", ["sweep", "random-site"])
@pytest.mark.parametrize("wrong", [factor_of_two, rising_as_glauber])
def test_a_wrong_rule_is_found(
    update: Any, wrong: Callable[[float, float], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptance, "probability", wrong)
    dynamics = Dynamics(2.5, 0.15, update=update)
    assert farthest(EIGHT, dynamics, known(2.5, 0.15), 2000) > 10


@pytest.mark.parametrize("update", ["sweep", "random-site"])
def test_small_graphs_against_enumeration(kind: str, update: Any) -> None:
    for graph in (TAIL, WHEEL):
        for temperature, field in ((1.5, 0.4), (4.0, 0.0)):
            exact = States(graph.sites, graph.bonds).means(temperature, field)
            dynamics = Dynamics(temperature, field, update=update)
            assert farthest(graph, dynamics, exact, 4000) < 4


@pytest.mark.parametrize("algorithm", ["penalised", "exchange"])
def test_constrained_equilibrium_against_enumeration(kind: str, algorithm: Any) -> None:
    weights, penalty = np.array([1, 1, 1, 2, 2]), 0.4 * (algorithm == "penalised")
    states = States(5, TAIL.bonds)
    total = states.spins @ weights
    chances = np.exp(-(states.energies(0.3) + penalty * np.abs(total)) / 1.7)
    start = np.array([1, -1, -1, 1, -1], dtype=np.int8)
    if algorithm == "exchange":
        ones = states.spins[:, :3].sum(axis=1), states.spins[:, 3:].sum(axis=1)
        chances = chances * (ones[0] == -1) * (ones[1] == 0)
    chances /= chances.sum()
    told = evolve(
        TAIL, Dynamics(1.7, 0.3, algorithm, weights=weights, penalty=penalty),
        np.tile(start, (20_000, 1)), 200, seed=5,
    )  # fmt: skip
    assert surprise(counted(told.spins, 1), chances[None, :]) > 1e-4


# One step at a time


def counted(spins: np.ndarray, groups: int) -> np.ndarray:
    """Return how often each state occurs in each of ``groups`` equal runs of rows."""
    sites = spins.shape[1]
    numbers = (spins > 0) @ (1 << np.arange(sites))
    label = np.repeat(np.arange(groups), len(spins) // groups)
    return np.bincount(label * 2**sites + numbers, minlength=groups * 2**sites).reshape(groups, -1)


def surprise(counts: np.ndarray, chances: np.ndarray) -> float:
    """Return chi-square's probability of counts at least as far off; 0 where one is impossible."""
    expected = chances * counts.sum(axis=1, keepdims=True)
    if counts[chances < 1e-14].any():
        return 0.0
    seen = (expected > 5) & (chances < 1 - 1e-14)
    value = ((counts - expected)[seen] ** 2 / expected[seen]).sum()
    freedom = np.maximum(seen.sum(axis=1) - 1, 0).sum()
    return float(stats.chi2.sf(value, freedom)) if freedom else 1.0


def one_step(graph: Graph, dynamics: Dynamics, each: int = 3000) -> np.ndarray:
    states = np.array(moves.all_states(graph.sites), dtype=np.int8)
    steps = graph.sites if dynamics.update == "sweep" else 1
    told = evolve(graph, dynamics, np.repeat(states, each, axis=0), steps, seed=9)
    return counted(told.spins, len(states))


def matrix(graph: Graph, dynamics: Dynamics) -> np.ndarray:
    """Return the exact matrix of a step or of a sweep."""
    given = (graph.bonds, graph.sites, dynamics.temperature, dynamics.field)
    if dynamics.algorithm == "exchange":
        return moves.exchange(*given, dynamics.weights.tolist())
    rule: dict[str, Any] = {
        "weights": [] if dynamics.weights is None else dynamics.weights.tolist(),
        "penalty": dynamics.penalty,
        "constrained": dynamics.algorithm == "constrained",
    }
    if dynamics.update == "random-site":
        return moves.single_flip(*given, **rule)
    return np.linalg.multi_dot(
        [moves.single_flip(*given, **rule, only=int(site)) for site in graph.order]
    )


PAIRS = np.array([1, 1, 1, 2, 2])
ONE_STEP = [
    Dynamics(1.7, 0.3),
    Dynamics(0.0, 0.3),
    Dynamics(2.5, 0.0, update="sweep"),
    Dynamics(1.7, -0.3, update="sweep"),
    Dynamics(2.7, 3.3, update="sweep"),
    Dynamics(0.0, 0.0, update="sweep"),
    Dynamics(1.7, 0.3, "constrained", weights=PAIRS),
    Dynamics(1.7, 0.3, "constrained", "sweep", PAIRS * 0.25),
    Dynamics(1.7, 0.3, "penalised", weights=PAIRS, penalty=0.4),
    Dynamics(1.7, 0.3, "penalised", "sweep", PAIRS, 0.4),
    Dynamics(1.7, 0.3, "exchange", weights=PAIRS),
    Dynamics(1.7, 0.3, "exchange", weights=np.zeros(5, dtype=np.int64)),
]


@pytest.mark.parametrize("dynamics", ONE_STEP, ids=lambda d: f"{d.algorithm} {d.update}")
def test_one_step_is_the_rules_matrix(kind: str, dynamics: Dynamics) -> None:
    assert surprise(one_step(TAIL, dynamics), matrix(TAIL, dynamics)) > 1e-4


def test_one_step_on_a_hub(kind: str) -> None:
    swaps = Dynamics(2.7, 0.3, "exchange", weights=np.ones(6, dtype=np.int64))
    for dynamics in (Dynamics(2.7, 0.3), Dynamics(2.7, 0.3, update="sweep"), swaps):
        assert surprise(one_step(WHEEL, dynamics, 1000), matrix(WHEEL, dynamics)) > 1e-4


@pytest.mark.parametrize("wrong", [factor_of_two, rising_as_glauber])
def test_a_wrong_rule_is_found_in_one_step(
    kind: str, wrong: Callable[[float, float], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptance, "probability", wrong)
    for dynamics in (Dynamics(1.7, 0.3), Dynamics(1.7, 0.3, update="sweep"), ONE_STEP[-2]):
        assert surprise(one_step(TAIL, dynamics), matrix(TAIL, dynamics)) < 1e-9


@needs_numba
@pytest.mark.parametrize("chance", [1e-4, 2e-3, 0.4999])
def test_digits_beyond_the_first_stage(chance: float) -> None:
    # All up, no field: the first colour's inner sites of a sweep flip with exp(-8 / T) each.
    graph = lattice(np.ones((22, 22), dtype=bool))
    inner = (graph.colours == 0) & (graph.degrees == 4)
    replicas = 3200
    told = evolve(
        graph, Dynamics(-8 / math.log(chance), update="sweep"),
        np.ones((replicas, graph.sites), dtype=np.int8), graph.sites, seed=3,
    )  # fmt: skip
    flips = int((told.spins[:, inner] < 0).sum())
    trials = replicas * int(inner.sum())
    # Without the second stage a chance is rounded down to a multiple of 2^-12 (1e-4 to 0).
    assert abs(flips - trials * chance) < 4 * math.sqrt(trials * chance * (1 - chance))
    # The same in every replica of the word.
    each = (told.spins[:, inner] < 0).sum(axis=1).reshape(-1, 64).sum(axis=0)
    expected = flips / 64
    value = ((each - expected) ** 2).sum() / (expected * (1 - chance))
    assert 1e-4 < stats.chi2.sf(value, 63) < 1 - 1e-4


# Independence


def sharing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the replicas of a word share their random numbers, as a careless engine does."""
    own = plain_engine.keys
    monkeypatch.setattr(
        plain_engine, "keys", lambda seed, stream, kind, count: own(seed, stream, kind, count)[
            np.arange(count) // 64
        ],
    )  # fmt: skip
    monkeypatch.setattr(engine, "find_spec", lambda name: None)


def coalesced(update: Any, start: np.ndarray) -> int:
    """Return how many of the replicas have become copies of others.

    In a field: without one, shared numbers leave a state and its mirror image, both frozen in step.
    """
    told = evolve(EIGHT, Dynamics(3.0, 0.3, update=update), start, 100 * 64, seed=2)
    return len(start) - len(np.unique(told.spins, axis=0))


@pytest.mark.parametrize("update", ["sweep", "random-site"])
def test_replicas_do_not_coalesce(kind: str, update: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    start = np.random.default_rng(0).choice(np.array([-1, 1], dtype=np.int8), (128, 64))
    start[0], start[1] = 1, -1
    # The likeliest state, all up, has a chance of 1e-4 (`Strip(8, 8).distribution(3, 0.3)`).
    assert coalesced(update, start) <= 2
    sharing(monkeypatch)
    assert coalesced(update, start) > 120


def honesty(update: Any) -> float:
    """Return chi-square's probability of 40 runs' mean magnetisations, by their own errors."""
    graph = lattice(np.ones((4, 4), dtype=bool))
    exact = Strip(4, 4).magnetisation(3.0, 0.3)
    value = 0.0
    for seed in range(40):
        start = np.random.default_rng(seed).choice(np.array([-1, 1], dtype=np.int8), (64, 16))
        told = evolve(graph, Dynamics(3.0, 0.3, update=update), start, 25 * 16, seed=seed)
        m = told.spins.sum(axis=1)
        value += (m.mean() - exact) ** 2 / (m.var(ddof=1) / len(m) + 1e-12)
    # A squared Student's t with 63 degrees of freedom has the mean 63 / 61.
    return float(stats.chi2.sf(value * 61 / 63, 40))


@pytest.mark.parametrize("update", ["sweep", "random-site"])
def test_standard_errors_over_replicas_are_honest(
    kind: str, update: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 1e-3 < honesty(update) < 1 - 1e-3
    sharing(monkeypatch)
    assert honesty(update) < 1e-9
