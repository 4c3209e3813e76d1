"""Balanced ternary magnetisations against enumeration, HiGHS and the paper's figures."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from optimodels.errors import DataError
from optimodels.families.flexibility import subset_sum
from optimodels.families.flexibility.subset_sum import (
    Sense,
    all_balanced_ternary,
    balanced_ternary,
)

#: Loads of pandapower's case33bw, kW, in bus order.
CASE33BW = [
    100, 90, 120, 60, 60, 200, 200, 60, 60, 45, 60, 60, 120, 60, 60, 60,
    90, 90, 90, 90, 90, 90, 420, 420, 60, 60, 60, 120, 200, 150, 210, 60,
]  # fmt: skip


def enumerated(weights: list[int], sense: Sense) -> tuple[int, set[tuple[int, ...]]]:
    balanced = [
        m
        for m in itertools.product((-1, 0, 1), repeat=len(weights))
        if sum(w * v for w, v in zip(weights, m, strict=True)) == 0
    ]
    best = (max if sense == "max" else min)(map(sum, balanced))
    return best, {m for m in balanced if sum(m) == best}


def small(seed: int) -> list[int]:
    draw = random.Random(seed)
    most = draw.choice([1, 2, 3, 6, 20, 400])
    return [draw.randint(1, most) for _ in range(draw.randint(1, 8))]


@pytest.mark.parametrize("seed", range(150))
def test_optima_are_those_of_enumeration(seed: int) -> None:
    weights = small(seed)
    sense: Sense = "max" if seed % 2 else "min"
    best, points = enumerated(weights, sense)
    found = balanced_ternary(weights, sense)
    assert found.objective == best == int(found.point.sum())
    assert tuple(found.point.tolist()) in points
    assert (found.proof == "lp-bound") == (found.bound == best)
    optima = all_balanced_ternary(weights, sense, 10_000)
    assert optima.complete
    assert len(optima.points) == len(points) == optima.count
    assert {tuple(m.tolist()) for m in optima.points} == points


@pytest.mark.parametrize("seed", range(12))
def test_agrees_with_highs(seed: int) -> None:
    from scipy.optimize import Bounds, LinearConstraint, milp

    draw = random.Random(seed)
    weights = [draw.randint(1, 300) for _ in range(25)]
    solved = milp(
        -np.ones(25),
        integrality=np.ones(25, dtype=int),
        bounds=Bounds(-1, 1),
        constraints=LinearConstraint(np.array([weights]), 0, 0),
        options={"mip_rel_gap": 0},
    )
    assert solved.x is not None
    assert balanced_ternary(weights).objective == round(float(np.sum(solved.x)))


@pytest.mark.parametrize(("size", "most"), [(99, 300), (191, 10_000), (621, 180_000)])
def test_large_networks_attain_the_lp_bound(size: int, most: int) -> None:
    draw = random.Random(size)
    weights = [draw.randint(1, most) for _ in range(size)]
    found = balanced_ternary(weights)
    assert sum(w * m for w, m in zip(weights, found.point.tolist(), strict=True)) == 0
    assert int(found.point.sum()) == found.objective == found.bound
    assert found.proof == "lp-bound"


def test_case33bw_is_the_papers() -> None:
    customers = np.rint(np.array(CASE33BW) / 13).astype(int)
    assert customers.sum() == 289
    both: list[tuple[Sense, int]] = [("max", 1), ("min", -1)]
    for sense, sign in both:
        found = balanced_ternary(CASE33BW, sense)
        assert (found.objective, found.bound, found.proof) == (16 * sign, 17 * sign, "exhaustion")
        optima = all_balanced_ternary(CASE33BW, sense, 100)
        assert optima.complete
        assert optima.count == len(optima.points) == 3
        for m in optima.points:
            assert int(np.dot(m, CASE33BW)) == 0
            up, down, neutral = (int(customers[m == v].sum()) for v in (sign, -sign, 0))
            assert (up, down, neutral) == (132, 125, 32)
            assert int(customers @ m) == 7 * sign


def test_units_do_not_matter() -> None:
    assert np.array_equal(
        balanced_ternary(CASE33BW).point, balanced_ternary([w * 10_000 for w in CASE33BW]).point
    )


def test_equal_loads_are_counted() -> None:
    # Four equal loads: 1 + 12 + 6 balanced points, all with sum 0.
    assert all_balanced_ternary([7] * 4, "max", 1).count == 19
    assert balanced_ternary([7] * 1305).objective == 0


def test_neutral_is_all_that_is_left() -> None:
    found = balanced_ternary([5])
    assert found.point.tolist() == [0]
    # The LP bound lies far above where one load outweighs all others by an odd amount.
    assert balanced_ternary([1] * 5 + [1000]).objective == 0


def test_a_list_cut_short_says_so() -> None:
    optima = all_balanced_ternary([7] * 4, "max", 5)
    assert len(optima.points) == 5
    assert not optima.complete
    assert optima.count == 19
    assert len({tuple(m.tolist()) for m in optima.points}) == 5
    assert np.array_equal(optima.points, all_balanced_ternary([7] * 4, "max", 5).points)


@pytest.mark.parametrize("weights", [[], [3, 0], [3, -1]])
def test_loads_must_be_positive(weights: list[int]) -> None:
    with pytest.raises(DataError):
        balanced_ternary(weights)


def test_a_table_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subset_sum, "_MOST_BITS", 100)
    with pytest.raises(MemoryError, match="another solver"):
        balanced_ternary(CASE33BW)
    monkeypatch.setattr(subset_sum, "_MOST_BITS", 1 << 32)
    monkeypatch.setattr(subset_sum, "_MOST_COUNTING", 100)
    assert all_balanced_ternary(CASE33BW, "max", 1).count is None
