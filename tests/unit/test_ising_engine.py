"""The Ising engine: graphs, requests, streams, records and what each move keeps exactly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimodels.errors import DataError
from optimodels.families.ising import engine
from optimodels.families.ising.engine import (
    Dynamics,
    Graph,
    evolve,
    from_bonds,
    lattice,
    streams,
)
from tests.unit import ising_moves as moves

SQUARE = lattice(np.ones((5, 6), dtype=bool))
#: A hub with eight neighbours, some of which know each other.
HUB = from_bonds(9, np.array([[0, i] for i in range(1, 9)] + [[1, 2], [2, 3], [1, 3]]))


def spins(replicas: int, sites: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.array([-1, 1], dtype=np.int8), (replicas, sites))


# Graphs


def test_lattice_with_holes() -> None:
    occupied = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1]], dtype=bool)
    graph = lattice(occupied)
    # 0 1 .
    # 2 . 3
    # 4 5 6
    assert graph.sites == 7
    assert sorted(map(tuple, graph.bonds.tolist())) == [
        (0, 1), (0, 2), (2, 4), (3, 6), (4, 5), (5, 6),
    ]  # fmt: skip
    assert graph.degrees.tolist() == [2, 1, 2, 1, 2, 2, 2]
    np.testing.assert_array_equal(graph.colours, [0, 1, 1, 1, 0, 1, 0])


@pytest.mark.parametrize("graph", [SQUARE, HUB, from_bonds(3, np.zeros((0, 2)))])
def test_neighbours_have_different_colours(graph: Graph) -> None:
    for one, other in graph.bonds:
        assert graph.colours[one] != graph.colours[other]
    assert sorted(graph.order.tolist()) == list(range(graph.sites))
    assert len(graph.neighbours) == 2 * len(graph.bonds)


def test_cut_bonds() -> None:
    kept = np.arange(len(SQUARE.bonds)) % 3 > 0
    cut = SQUARE.without(kept)
    np.testing.assert_array_equal(cut.bonds, SQUARE.bonds[kept])
    np.testing.assert_array_equal(cut.order, SQUARE.order)
    with pytest.raises(DataError, match="49 bonds, but a mask"):
        SQUARE.without(kept[1:])


@pytest.mark.parametrize(("bonds", "said"), [
    ([[0, 3]], "outside of 0..2"),
    ([[-1, 0]], "outside of 0..2"),
    ([[1, 1]], "site 1 has a bond with itself"),
    ([[0, 1], [2, 1], [1, 0]], "the bond 0-1 is given twice"),
])  # fmt: skip
def test_bad_bonds(bonds: list[list[int]], said: str) -> None:
    with pytest.raises(DataError, match=said):
        from_bonds(3, np.array(bonds))
    with pytest.raises(DataError, match="at least one"):
        from_bonds(0, np.zeros((0, 2)))
    with pytest.raises(DataError, match="one occupied place"):
        lattice(np.zeros((2, 2), dtype=bool))


# Requests

W = np.arange(30)


@pytest.mark.parametrize(("dynamics", "changed", "said"), [
    ({"temperature": -0.1}, {}, "temperature: must be a finite number >= 0, not -0.1"),
    ({"temperature": np.nan}, {}, "temperature: must be a finite"),
    ({"temperature": 1, "field": np.inf}, {}, "field: must be a finite number, not inf"),
    ({"temperature": 1, "algorithm": "glauber"}, {}, "algorithm: 'glauber' is none of metro"),
    ({"temperature": 1, "update": "both"}, {}, "update: 'both' is none of random-site, sweep"),
    ({"temperature": 1, "algorithm": "constrained"}, {}, "weights: constrained needs"),
    ({"temperature": 1, "weights": W[1:]}, {}, r"weights: expected 30 weights, not \(29,\)"),
    ({"temperature": 1, "weights": W * np.nan}, {}, "weights: weights are finite numbers"),
    ({"temperature": 1, "weights": W * 2**57}, {}, "weights: the weights' sum does not fit"),
    ({"temperature": 1, "penalty": 0.5}, {}, "penalty: metropolis has no penalty"),
    ({"temperature": 1, "algorithm": "penalised", "weights": W, "penalty": -1}, {}, "penalty: mu"),
    ({"temperature": 1, "algorithm": "exchange", "update": "sweep", "weights": W}, {}, "update: "),
    ({"temperature": 1}, {"steps": 0}, "steps: must be at least 1, not 0"),
    ({"temperature": 1}, {"record": [3, 11]}, "record: records are made at 0..10"),
    ({"temperature": 1}, {"threads": 0}, "threads: must be at least 1"),
    ({"temperature": 1}, {"seed": -1}, "seed: the seed"),
    ({"temperature": 1}, {"start": spins(0, 30)}, "start: expected at least one replica"),
    ({"temperature": 1}, {"start": spins(2, 29)}, "start: expected at least one replica of 30"),
    ({"temperature": 1}, {"start": spins(2, 30) * 0}, "start: spins are"),
    ({"temperature": 1}, {"start": spins(2, 30) * 1.0}, "start: spins are"),
])  # fmt: skip
def test_bad_requests(dynamics: dict[str, Any], changed: dict[str, Any], said: str) -> None:
    request = {"start": spins(2, 30), "steps": 10, "seed": 1} | changed
    with pytest.raises(DataError, match=f"^{said}"):
        evolve(SQUARE, Dynamics(**dynamics), **request)


def test_nothing_loads_numba_before_a_run() -> None:
    code = ("import sys, optimodels.families.ising.engine as e; "
            "assert not {'numba', 'scipy', 'networkx'} & set(sys.modules), 'loaded'")  # fmt: skip
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


# Streams


def test_splitmix() -> None:
    # The first numbers of the published splitmix64.c from the state 1234567.
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    numbers = np.arange(1, 4, dtype=np.uint64)
    assert streams.drawn(np.array([1234567], dtype=np.uint64), numbers).tolist() == published


def test_sites_are_exact_shares() -> None:
    # A word w names floor(w N / 2^64), by integers of any size.
    words = np.random.default_rng(1).integers(0, 2**64, 1000, dtype=np.uint64)
    for sites in (1, 30, 5_700_000):
        found, rest = streams.site_and_rest(words, sites)
        exact = [int(word) * sites >> 32 for word in words]
        assert found.tolist() == [number >> 32 for number in exact]
        assert rest.tolist() == [number & 0xFFFFFFFF for number in exact]


EVERY_MOVE = [
    Dynamics(1.5, 0.2, update="sweep"),
    Dynamics(1.5, 0.2),
    Dynamics(1.5, 0.2, "constrained", weights=W),
    Dynamics(1.5, 0.2, "penalised", weights=W * 0.1, penalty=0.3),
    Dynamics(1.5, 0.2, "exchange", weights=W % 4),
]


@pytest.mark.parametrize("dynamics", EVERY_MOVE, ids=lambda d: f"{d.algorithm} {d.update}")
def test_a_replica_depends_on_its_number_alone(kind: str, dynamics: Dynamics) -> None:
    start = spins(150, 30)
    ask: dict[str, Any] = {"seed": 7, "stream": (2, 3)}
    whole = evolve(SQUARE, dynamics, start, 90, **ask)
    few = evolve(SQUARE, dynamics, start[:21], 90, **ask)
    threads = evolve(SQUARE, dynamics, start, 90, threads=2, record=[30, 60], **ask)
    np.testing.assert_array_equal(few.spins, whole.spins[:21])
    np.testing.assert_array_equal(few.accepted, whole.accepted[:21])
    np.testing.assert_array_equal(threads.spins, whole.spins)
    np.testing.assert_array_equal(threads.accepted, whole.accepted)
    # The other replicas' states do not matter either.
    other = np.concatenate([start[:21], spins(129, 30, seed=1)])
    np.testing.assert_array_equal(evolve(SQUARE, dynamics, other, 90, **ask).spins[:21], few.spins)
    for changed in ({"seed": 8}, {"stream": (2, 4)}, {"stream": (2,)}):
        elsewhere = evolve(SQUARE, dynamics, start, 90, **(ask | changed))
        assert not np.array_equal(elsewhere.spins, whole.spins)
    assert whole.engine.startswith(kind)


@pytest.mark.parametrize("graph", [SQUARE, HUB], ids=["square", "hub"])
@pytest.mark.parametrize("temperature", [0.0, 2.0])
def test_compiled_moves_are_the_plain_ones(
    graph: Graph, temperature: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    start = spins(40, graph.sites)
    whole = np.arange(graph.sites) % 4 - 1
    asked = [
        Dynamics(temperature, 0.3, algorithm, update, weights, 0.2 * (algorithm == "penalised"))
        for algorithm, weights in (("metropolis", None), ("constrained", whole),
                                   ("constrained", 0.3 * whole), ("penalised", whole),
                                   ("penalised", 0.3 * whole), ("exchange", whole))
        for update in ("random-site", "sweep") if (algorithm, update) != ("exchange", "sweep")
    ]  # fmt: skip
    ran = [evolve(graph, d, start, 20 * graph.sites, seed=3, record=[33]) for d in asked]
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    for dynamics, compiled in zip(asked, ran, strict=True):
        if compiled.engine != "numba":
            continue  # sweeps of 64 replicas in a word have random numbers of their own
        plain = evolve(graph, dynamics, start, 20 * graph.sites, seed=3, record=[33])
        np.testing.assert_array_equal(plain.spins, compiled.spins)
        np.testing.assert_array_equal(plain.accepted, compiled.accepted)
        np.testing.assert_array_equal(plain.trace["energy"], compiled.trace["energy"])
    assert sum(compiled.engine == "numba" for compiled in ran) >= 10


# Records


def test_records_are_of_the_states(kind: str) -> None:
    weights = 2**40 * (W - 7)
    dynamics = Dynamics(2.0, 0.3, weights=weights)
    start = spins(6, 30)
    told = evolve(SQUARE, dynamics, start, 200, seed=1, record=[200, 0, 77])
    assert told.trace["steps"].tolist() == [0, 77, 200]
    short = evolve(SQUARE, dynamics, start, 77, seed=1)
    for column, states in enumerate((start, short.spins, told.spins)):
        for row, state in enumerate(states.tolist()):
            assert told.trace["magnetisation"][row, column] == sum(state)
            assert told.trace["constraint"][row, column] == moves.constraint(
                state, weights.tolist()
            )
            assert told.trace["energy"][row, column] == pytest.approx(
                moves.energy(tuple(state), SQUARE.bonds, 0.3), rel=1e-15
            )
    assert told.trace["constraint"].dtype == np.int64


def test_sweeps_are_whole(kind: str) -> None:
    start = spins(3, 30)
    told = evolve(SQUARE, Dynamics(2.0, update="sweep"), start, 31, seed=1, record=[1, 31])
    assert told.steps == 60
    assert told.trace["steps"].tolist() == [30, 60]
    again = evolve(SQUARE, Dynamics(2.0, update="sweep"), start, 60, seed=1)
    np.testing.assert_array_equal(told.spins, again.spins)
    assert "constraint" not in told.trace


# What each move keeps


@pytest.mark.parametrize("update", ["random-site", "sweep"])
def test_greedy_never_climbs(kind: str, update: Any) -> None:
    steps = list(range(0, 301, 30))
    told = evolve(SQUARE, Dynamics(0, 0.5, update=update), spins(70, 30), 300, seed=1, record=steps)
    assert np.diff(told.trace["energy"], axis=1).max() <= 0
    up = evolve(SQUARE, Dynamics(0, 0.5, update=update), np.ones((70, 30), np.int8), 300, seed=1)
    assert up.accepted.sum() == 0


@pytest.mark.parametrize("scale", [1, 0.25])  # sums of quarters are exact
def test_constrained_lowers_the_constraint_with_every_flip(kind: str, scale: float) -> None:
    steps = list(range(400))
    weights = (W % 7 + 1) * scale if scale != 1 else W % 7 + 1
    told = evolve(
        SQUARE, Dynamics(9.0, 0.1, "constrained", weights=weights), spins(20, 30), 400,
        seed=2, record=steps,
    )  # fmt: skip
    size = np.abs(told.trace["constraint"])
    flipped = np.diff(size, axis=1) != 0
    assert np.diff(size, axis=1).max() <= 0
    np.testing.assert_array_equal(
        flipped.sum(axis=1), told.accepted - (told.trace["steps"][-1] != 399)
    )


def test_swaps_keep_the_constraint_exactly(kind: str) -> None:
    weights = np.array([3, 10**12, 10**12 + 1])[W % 3]
    start = spins(40, 30)
    told = evolve(
        SQUARE, Dynamics(2.0, 0.4, "exchange", weights=weights), start, 600, seed=2, record=[0, 600]
    )
    before, after = told.trace["constraint"].T
    np.testing.assert_array_equal(before, after)
    for weight in np.unique(weights):
        of_one = weights == weight
        np.testing.assert_array_equal(
            start[:, of_one].sum(axis=1), told.spins[:, of_one].sum(axis=1)
        )
    assert told.accepted.min() > 0
    assert not np.array_equal(start, told.spins)


def test_swaps_without_a_partner(kind: str) -> None:
    alone = evolve(SQUARE, Dynamics(2.0, algorithm="exchange", weights=W), spins(9, 30), 50, seed=1)
    assert alone.accepted.sum() == 0
    np.testing.assert_array_equal(alone.spins, spins(9, 30))


def test_machine_code_is_kept_for_the_next_process(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    code = ("import numpy as np; from optimodels.families.ising.engine.single import drawn; "
            "print(drawn(np.uint64(5), 7))")  # fmt: skip
    told = []
    for _ in range(2):
        ran = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_DEBUG_CACHE": "1"},
        )  # fmt: skip
        told.append(ran.stdout)
    assert "data saved" in told[0]
    assert "data loaded" in told[1]
    assert "data saved" not in told[1]
