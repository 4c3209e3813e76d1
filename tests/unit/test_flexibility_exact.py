"""The family's exact algorithms against enumeration, HiGHS and exact weak duality."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import numpy as np
import pytest

from optimodels.errors import DataError
from optimodels.families.flexibility import exact
from optimodels.families.flexibility.exact import (
    capped_mapping,
    continuous_knapsack,
    discrete_shift,
    spins_up,
)

LOAD = [
    40, 38, 36, 36, 38, 42, 50, 58, 70, 92, 96, 98, 94, 80, 66, 62, 68, 90, 98, 100, 94, 66, 54, 46,
]  # fmt: skip
#: EUR/MWh, times 100.
PRICE = [
    2410, 2335, 2280, 2265, 2340, 2520, 2890, 3275, 3620, 4360, 4515, 4470, 4285, 3845, 3530,
    3485, 3710, 4690, 4975, 4830, 4405, 3665, 3040, 2655,
]  # fmt: skip


# Continuous knapsack


def certified(value: list[int], weight: list[int]) -> Fraction:
    """Return the objective, having proved it in fractions: balance, bounds, weak duality."""
    point, price = continuous_knapsack(value, weight)
    inner = [t for t, m in enumerate(point) if abs(m) != 1.0]
    assert len(inner) <= 1
    # The price is a ratio of the data; the fractional step follows from the others.
    ratio = min((Fraction(v, w) for v, w in zip(value, weight, strict=True)),
                key=lambda r: abs(r - Fraction(price)))  # fmt: skip
    assert float(ratio) == price
    m = [Fraction(x) for x in point]
    for t in inner:
        m[t] -= sum((w * x for w, x in zip(weight, m, strict=True)), Fraction(0)) / weight[t]
        assert float(m[t]) == pytest.approx(point[t], abs=1e-12)
        assert abs(m[t]) <= 1
    assert sum(w * x for w, x in zip(weight, m, strict=True)) == 0
    objective = sum((v * x for v, x in zip(value, m, strict=True)), Fraction(0))
    assert objective == sum(abs(v - ratio * w) for v, w in zip(value, weight, strict=True))
    return objective


@pytest.mark.parametrize("seed", range(100))
def test_knapsack_is_certified_by_duality(seed: int) -> None:
    draw = random.Random(seed)
    steps = draw.randint(1, 30)
    most = draw.choice([1, 3, 100])
    certified(
        [draw.randint(-most, most) for _ in range(steps)],
        [draw.randint(1, most) for _ in range(steps)],
    )


def test_knapsack_agrees_with_highs() -> None:
    from scipy.optimize import linprog

    generator = np.random.default_rng(3)
    for _ in range(20):
        value, weight = generator.normal(size=40), generator.uniform(0.1, 2.0, 40)
        solved = linprog(-value, A_eq=[weight], b_eq=[0.0], bounds=(-1, 1))
        assert solved.x is not None
        point, price = continuous_knapsack(value, weight)
        assert float(value @ point) == pytest.approx(float(value @ solved.x), rel=1e-9)
        assert float(weight @ point) == pytest.approx(0.0, abs=1e-12)
        assert price == pytest.approx(-solved.eqlin.marginals[0], rel=1e-9)


def test_knapsack_of_the_representative_day() -> None:
    value = [p * w for p, w in zip(PRICE, LOAD, strict=True)]
    certified(value, LOAD)
    point, price = continuous_knapsack(value, LOAD)
    assert [t + 1 for t in range(24) if point[t] == 1.0] == [10, 11, 12, 13, 18, 19, 20, 21]
    assert [t + 1 for t in range(24) if abs(point[t]) < 1.0] == [14]
    assert price == 3845.0


def test_knapsack_of_one_step_and_of_ties() -> None:
    point, price = continuous_knapsack([-6.0], [2.0])
    assert (point.tolist(), price) == ([0.0], -3.0)
    point, price = continuous_knapsack([2.0, 1.0, 2.0, 1.0], [2.0, 1.0, 2.0, 1.0])
    assert float(np.dot([2.0, 1.0, 2.0, 1.0], point)) == 0.0
    assert price == 1.0


@pytest.mark.parametrize(
    ("value", "weight"), [([1.0], [0.0]), ([1.0], [-1.0]), ([], []), ([float("nan")], [1.0])]
)
def test_knapsack_refuses_what_has_no_answer(value: list[float], weight: list[float]) -> None:
    with pytest.raises(DataError):
        continuous_knapsack(value, weight)


# Spins


def test_spins_up() -> None:
    assert [spins_up(5, m) for m in (-1, 0, 1)] == [0, None, 5]
    assert spins_up(4, 0) == 2
    assert spins_up(7, Fraction(2 * 3 - 7, 7)) == 3
    assert spins_up(7, Fraction(1, 2)) is None
    assert spins_up(4, 2) is None


# Mapping


def proved(load: list[int], cost: list[int], cap: int, lower: int) -> float:
    """Return the objective, having proved it in whole numbers: feasibility, weak duality."""
    found = capped_mapping(load, cost, cap, lower)
    assert found is not None
    held = np.bincount(found.assigned, minlength=len(cost))
    assert held.min() >= lower
    assert held.max() <= cap
    u, v, f = found.bus_duals, found.cap_duals, found.floor_duals
    assert np.all(v <= 0)
    assert np.all(f >= 0)
    assert np.all(u[:, None] + (v + f)[None, :] <= np.outer(load, cost))
    assert found.objective == u.sum() + cap * v.sum() + lower * f.sum()
    assert found.objective == np.dot(load, np.array(cost)[found.assigned])
    return found.objective


@pytest.mark.parametrize("seed", range(100))
def test_mapping_is_that_of_enumeration(seed: int) -> None:
    draw = random.Random(seed)
    buses, aggregators = draw.randint(1, 6), draw.randint(1, 4)
    load = [draw.randint(0, draw.choice([2, 50])) for _ in range(buses)]
    cost = [draw.randint(-9, 9) for _ in range(aggregators)]
    cap, lower = draw.randint(0, buses), draw.randint(0, 2)
    totals = [
        sum(p * cost[a] for p, a in zip(load, chosen, strict=True))
        for chosen in itertools.product(range(aggregators), repeat=buses)
        if all(lower <= chosen.count(a) <= cap for a in range(aggregators))
    ]
    found = capped_mapping(load, cost, cap, lower)
    if totals:
        assert proved(load, cost, cap, lower) == min(totals)
    else:
        assert found is None


@pytest.mark.parametrize("seed", range(40))
def test_larger_mappings_are_certified(seed: int) -> None:
    draw = random.Random(seed)
    buses, aggregators = 200, draw.randint(1, 12)
    load = [draw.randint(1, 500) for _ in range(buses)]
    cost = [draw.randint(-30, 30) for _ in range(aggregators)]
    cap = -(-buses // aggregators) + draw.randint(0, 20)
    proved(load, cost, cap, draw.randint(0, buses // aggregators))


def test_mapping_refuses_negative_loads() -> None:
    with pytest.raises(DataError):
        capped_mapping([1.0, -1.0], [1.0, 2.0], 1)


def test_mapping_of_a_large_network_is_proved_by_its_duals() -> None:
    generator = np.random.default_rng(0)
    load, cost = generator.uniform(size=30_000), np.linspace(-0.3, -0.1, 30)
    found = capped_mapping(load, cost, 1100)
    assert found is not None
    dual = found.bus_duals.sum() + 1100 * found.cap_duals.sum()
    assert found.objective == pytest.approx(dual, rel=1e-12)


# Discrete shift


def total(cost: list[int], k: list[int], customers: int) -> int:
    return sum(c * (2 * n - customers) for c, n in zip(cost, k, strict=True))


def checked(cost: list[int], weight: list[int], customers: int) -> int | None:
    found = discrete_shift(cost, weight, customers)
    if found is None:
        return None
    k = found.tolist()
    assert all(0 <= n <= customers for n in k)
    assert total(weight, k, customers) == 0
    return total(cost, k, customers)


@pytest.mark.parametrize("seed", range(400))
def test_shift_is_that_of_enumeration(seed: int) -> None:
    draw = random.Random(seed)
    steps = draw.randint(1, 5)
    customers = draw.randint(1, {1: 9, 2: 9, 3: 7, 4: 5, 5: 4}[steps])
    most = draw.choice([2, 5, 12, 30])
    weight = [draw.randint(1, most) for _ in range(steps)]
    # Costs in proportion to the weights are ties of the LP.
    cost = [draw.randint(-8, 8) * draw.choice([1, w]) for w in weight]
    totals = [
        total(cost, list(k), customers)
        for k in itertools.product(range(customers + 1), repeat=steps)
        if total(weight, list(k), customers) == 0
    ]
    assert checked(cost, weight, customers) == (min(totals) if totals else None)


@pytest.mark.parametrize("seed", range(8))
def test_shift_agrees_with_highs(seed: int) -> None:
    from scipy.optimize import Bounds, LinearConstraint, milp

    draw = random.Random(seed)
    weight = [draw.randint(1, 20) for _ in range(10)]
    weight[0] += sum(weight) % 2
    cost = [draw.randint(-50, 50) for _ in range(10)]
    customers = draw.choice([3, 7, 40])
    solved = milp(
        2.0 * np.array(cost),
        integrality=np.ones(10, dtype=int),
        bounds=Bounds(0, customers),
        constraints=LinearConstraint(
            2 * np.array([weight]), customers * sum(weight), customers * sum(weight)
        ),
        options={"mip_rel_gap": 0},
    )
    expected = None
    if solved.x is not None:
        expected = total(cost, np.rint(solved.x).astype(int).tolist(), customers)
    assert checked(cost, weight, customers) == expected


def dense(cost: list[int], weight: list[int], customers: int) -> int | None:
    """A plain table over the whole energy moved, without LP, cut or remainder."""
    never = 2**60
    size = customers * sum(weight) + 1
    best = np.full(size, never, dtype=np.int64)
    best[0] = 0
    for c, w in zip(cost, weight, strict=True):
        grown = np.full(size, never, dtype=np.int64)
        for k in range(customers + 1):
            moved = best[: size - k * w] + c * (2 * k - customers)
            grown[k * w :] = np.minimum(grown[k * w :], np.where(moved < never // 2, moved, never))
        best = grown
    half, odd = divmod(customers * sum(weight), 2)
    return None if odd or best[half] >= never // 2 else int(best[half])


@pytest.mark.parametrize("customers", [3, 5, 7, 8, 9, 12, 15, 16, 32])
def test_shift_of_the_representative_day(customers: int) -> None:
    weight = [w // 2 for w in LOAD]
    cost = [-p * w for p, w in zip(PRICE, weight, strict=True)]
    assert checked(cost, weight, customers) == dense(cost, weight, customers)


@pytest.mark.parametrize("seed", range(6))
def test_shift_with_two_tariffs(seed: int) -> None:
    # Half the steps tie in the LP: the case in which the pivot's bounds matter most.
    draw = random.Random(seed)
    weight = [draw.randint(10, 40) for _ in range(12)]
    cost = [-w * (20 if t % 4 < 2 else 30) for t, w in enumerate(weight)]
    customers = draw.choice([2, 3, 6])
    assert checked(cost, weight, customers) == dense(cost, weight, customers)


def test_shift_in_64_bits_and_beyond() -> None:
    weight = [w // 2 for w in LOAD]
    cost = [-p * w for p, w in zip(PRICE, weight, strict=True)]
    small = checked(cost, weight, 9)
    assert small is not None
    assert checked([c * 10**30 for c in cost], weight, 9) == small * 10**30
    # No common divisor to take out: reduced costs themselves exceed 64 bits.
    cost = [c * 10**30 + t for t, c in enumerate(cost)]
    large = checked(cost, weight, 9)
    assert large is not None
    assert large // 10**30 in (small, small - 1)


def test_shift_of_many_customers_comes_near_the_lp() -> None:
    weight = [w // 2 for w in LOAD]
    cost = [-p * w for p, w in zip(PRICE, weight, strict=True)]
    lp = certified([-c for c in cost], weight)
    found = checked(cost, weight, 30_000)
    assert found is not None
    assert 0 <= Fraction(found, 30_000) + lp <= Fraction(2 * max(PRICE), 30_000) * max(weight)


@pytest.mark.parametrize(
    ("weight", "customers"), [([1], 1), ([2, 2, 2], 1), ([1, 2], 3), ([1, 5], 3), ([3, 5, 11], 2)]
)
def test_shift_infeasible(weight: list[int], customers: int) -> None:
    cost = [1] * len(weight)
    expected = dense(cost, weight, customers)
    assert checked(cost, weight, customers) == expected
    assert (expected is None) == (weight != [3, 5, 11])


def test_shift_refuses_what_it_cannot_take(monkeypatch: pytest.MonkeyPatch) -> None:
    for weight, customers in (([], 1), ([0], 1), ([1, 1], 0)):
        with pytest.raises(DataError):
            discrete_shift([0] * len(weight), weight, customers)
    monkeypatch.setattr(exact, "_MOST_ENTRIES", 10)
    with pytest.raises(MemoryError, match="another solver"):
        discrete_shift([1, 2, 3, 4], [20, 21, 22, 23], 5)
