"""Ternary subset sum: the balanced magnetisations of greatest or least sum, in exact integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import gcd
from typing import Literal

import numpy as np

from optimodels.arrays import Ints
from optimodels.errors import DataError

Sense = Literal["max", "min"]

#: Of listing all optima.
EQUATIONS = (
    "Every m with sum_b P_b m_b = 0 and the greatest sum_b m_b (the least: -m).",
    "P*: load at which the relaxation to -1 <= m_b <= 1 turns from 1 to -1; LP:",
    "its optimum; delta_b: how far m_b is from there, 0, 1 or 2. In integers:",
    "    sum_b |P_b - P*| delta_b = P* (LP - sum_b m_b)                  derived",
    "optima: their number; at the most most_optima are listed. Checked: each by",
    "itself, that none stands twice, and their number by a second count",
)

#: Bits that a table of the dynamic programme may take: half a gigabyte.
_MOST_BITS = 1 << 32
#: Bits that counting may write, one after the other: a few seconds.
_MOST_COUNTING = 1 << 34


@dataclass(frozen=True)
class BalancedTernary:
    """An optimum of ``sum m`` under ``sum P m = 0``, m in {-1, 0, 1}.

    ``point`` (B,); ``bound`` the bound of the LP relaxation, rounded to an integer; ``proof``
    says what no better point rests on: the point attains the bound, or every value between the
    two was shown by exhaustion to have no point.
    """

    point: Ints
    objective: int
    bound: int
    proof: Literal["lp-bound", "exhaustion"]


@dataclass(frozen=True)
class Optima:
    """Optima listed: ``points`` (n, B), all of them where ``complete``; ``count`` is their
    number by an addition of its own, None where that would take too long."""

    points: Ints
    objective: int
    complete: bool
    count: int | None


@dataclass(frozen=True)
class _Relaxation:
    """The LP relaxation, and what the points of one objective look like from its solution.

    The LP has m = +1 on loads below a break load P*, -1 above, and lambda = 1/P* proves it. By
    how much a balanced point falls short of the LP follows from how far each m_b is from there:
    P* (LP - sum m) = sum_b |P* - P_b| delta_b, delta_b in {0, 1, 2}. So an objective z is
    attained exactly where sum_b |P* - P_b| delta_b = budget(z) and the counts add up to z:
    only loads near P* can move, and the left side is a small number.
    """

    weights: list[int]
    pivot: int
    base: list[int]

    @property
    def bound(self) -> int:
        return sum(abs(self.pivot - w) for w in self.weights) // self.pivot

    def stage(self, objective: int) -> _Stage:
        budget = sum(abs(self.pivot - w) for w in self.weights) - self.pivot * objective
        near = (b for b, w in enumerate(self.weights) if abs(self.pivot - w) <= budget)
        # The nearest first: a table of few items then often reaches the goal.
        core = sorted(near, key=lambda b: (abs(self.pivot - self.weights[b]), b))
        items = [(abs(self.pivot - self.weights[b]), -self.base[b]) for b in core]
        return _Stage(core, items, budget, objective - sum(self.base))


@dataclass(frozen=True)
class _Stage:
    """Reach net count ``goal`` at exactly ``budget`` with items (cost, sign) taken 0 to 2 times."""

    core: list[int]
    items: list[tuple[int, int]]
    budget: int
    goal: int

    def reached(self, rows: dict[int, int]) -> bool:
        return bool(rows.get(self.goal, 0) >> self.budget & 1)

    def table(self, stop_early: bool) -> list[dict[int, int]]:
        """Return, after each item, by net count the attainable costs as bits of an integer."""
        levels = [{0: 1}]
        mask = (1 << self.budget + 1) - 1
        size = 0
        for cost, sign in self.items:
            if stop_early and self.reached(levels[-1]):
                break
            rows = levels[-1]
            grown = dict(rows)
            for times in (1, 2):
                for count, bits in rows.items():
                    moved = bits << times * cost & mask
                    if moved:
                        key = count + times * sign
                        grown[key] = grown.get(key, 0) | moved
            size += sum(bits.bit_length() for bits in grown.values())
            if size > _MOST_BITS:
                raise MemoryError(
                    "exact needs more than half a gigabyte for these loads; use another solver",
                )
            levels.append(grown)
        return levels

    def moves(self, levels: list[dict[int, int]]) -> Iterator[list[int]]:
        """Yield how often each item is taken, back through a table: no branch is in vain."""
        taken = [0] * len(self.items)
        stack = [(len(levels) - 1, self.goal, self.budget, -1)]
        if not self.reached(levels[-1]):
            return
        while stack:
            level, count, cost, times = stack.pop()
            if times >= 0:
                taken[level] = times
            if level == 0:
                yield list(taken)
                continue
            step, sign = self.items[level - 1]
            for k in (2, 1, 0):
                rest = cost - k * step
                if rest >= 0 and levels[level - 1].get(count - k * sign, 0) >> rest & 1:
                    stack.append((level - 1, count - k * sign, rest, k))

    def number(self, most_bits: int) -> int | None:
        """Count the ways, with numbers in place of a table's bits; None where more than
        ``most_bits`` bits would have to be written."""
        # A digit has room for every sum, so that none carries into the next: first for all 3^n
        # points, then for those within the budget, of which there are far fewer.
        width = int(3 ** len(self.items)).bit_length() + 1
        if len(self.items) * self.budget * width > most_bits:
            return None
        digits = self._ways([(cost, 0) for cost, _ in self.items], width, most_bits)
        if digits is None:
            return None
        # Modulo 2^width - 1 a number is the sum of its digits.
        within = digits[0] % ((1 << width) - 1)
        width = within.bit_length()
        rows = self._ways(self.items, width, most_bits)
        return None if rows is None else rows.get(self.goal, 0) >> self.budget * width

    def _ways(
        self, items: list[tuple[int, int]], width: int, most_bits: int
    ) -> dict[int, int] | None:
        mask = (1 << (self.budget + 1) * width) - 1
        rows = {0: 1}
        for cost, sign in items:
            grown = dict(rows)
            for times in (1, 2):
                for count, digits in rows.items():
                    moved = digits << times * cost * width & mask
                    if moved:
                        key = count + times * sign
                        grown[key] = grown.get(key, 0) + moved
            rows = grown
            most_bits -= sum(digits.bit_length() for digits in rows.values())
            if most_bits < 0:
                return None
        return rows


def _relaxation(weights: Sequence[int]) -> _Relaxation:
    for w in weights:
        if w < 1 or w != int(w):
            raise DataError("loads", f"{w} is no positive whole number; balances need whole kW")
    if not weights:
        raise DataError("loads", "there are none; at least one bus must have a load")
    common = gcd(*(int(w) for w in weights))
    whole = [int(w) // common for w in weights]
    half, below = sum(whole), 0
    for pivot in sorted(whole):
        below += 2 * pivot
        if below >= half:
            break
    return _Relaxation(whole, pivot, [1 if w <= pivot else -1 for w in whole])


def _point(relaxation: _Relaxation, stage: _Stage, taken: list[int], sense: Sense) -> list[int]:
    m = list(relaxation.base)
    for b, times, (_, sign) in zip(stage.core, taken, stage.items, strict=True):
        m[b] += times * sign
    # The problem is odd: negating every m turns a greatest sum into a least one.
    return m if sense == "max" else [-v for v in m]


def balanced_ternary(weights: Sequence[int], sense: Sense = "max") -> BalancedTernary:
    """Solve max or min ``sum_b m_b``, ``sum_b P_b m_b = 0``, m in {-1, 0, 1} (001, (34)).

    ``weights`` (B,) P_b, positive integers in any common unit. From the LP bound downwards, a
    dynamic programme over the loads near the LP's break load decides for each objective whether
    a balanced point attains it. Raises DataError where a load is no positive integer,
    MemoryError where the table would take more than half a gigabyte.
    """
    relaxation = _relaxation(weights)
    bound = relaxation.bound
    # m = 0 is balanced, so the search ends at 0 at the latest.
    for objective in range(bound, -1, -1):
        stage = relaxation.stage(objective)
        levels = stage.table(stop_early=True)
        taken = next(stage.moves(levels), None)
        if taken is not None:
            break
    assert taken is not None
    sign = 1 if sense == "max" else -1
    return BalancedTernary(
        point=np.array(_point(relaxation, stage, taken, sense), dtype=np.int64),
        objective=sign * objective,
        bound=sign * bound,
        proof="lp-bound" if objective == bound else "exhaustion",
    )


def all_balanced_ternary(weights: Sequence[int], sense: Sense, cap: int) -> Optima:
    """List the optima of ``balanced_ternary``, at most ``cap`` >= 1 of them, and count them.

    The order is always the same. Raises as ``balanced_ternary`` does.
    """
    if cap < 1:
        raise DataError("cap", f"{cap} optima cannot be listed; ask for at least one")
    objective = balanced_ternary(weights, sense).objective
    relaxation = _relaxation(weights)
    stage = relaxation.stage(abs(objective))
    levels = stage.table(stop_early=False)
    found = list(islice(stage.moves(levels), cap + 1))
    points = [_point(relaxation, stage, taken, sense) for taken in found[:cap]]
    return Optima(
        points=np.array(points, dtype=np.int64),
        objective=objective,
        complete=len(found) <= cap,
        count=stage.number(_MOST_COUNTING),
    )
