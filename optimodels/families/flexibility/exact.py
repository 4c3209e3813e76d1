"""The family's own exact algorithms, which prove their answers: what the solvers are held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import fsum, gcd
from operator import mul
from typing import Any

import numpy as np
import numpy.typing as npt

from optimodels.arrays import Floats, Ints
from optimodels.errors import DataError

#: Entries that the tables of the dynamic programme may have: about half a gigabyte.
_MOST_ENTRIES = 60_000_000


def continuous_knapsack(value: npt.ArrayLike, weight: npt.ArrayLike) -> tuple[Floats, float]:
    """Maximise ``value @ m`` subject to ``weight @ m = 0``, -1 <= m <= 1 (001, (29)-(31)).

    ``value`` (T,) of any sign, ``weight`` (T,) > 0. Returns the point (T,) and the price of the
    row, the weighted median of value / weight, in value per weight: the sum of
    |value - price weight| bounds every point from above, and the point attains it. All but one
    step are at -1 or +1. Raises DataError where a weight is not positive.
    """
    v, w = np.asarray(value, dtype=float), np.asarray(weight, dtype=float)
    if not len(w) or v.shape != w.shape or not np.all(w > 0) or not np.all(np.isfinite(v + w)):
        raise DataError("load", "every step needs a finite value and a positive weight")
    ratio = v / w
    order = np.argsort(-ratio, kind="stable")
    filled = np.cumsum(w[order])
    at = min(int(np.searchsorted(filled, filled[-1] / 2.0)), len(w) - 1)
    middle = order[at]
    point = np.empty(len(w))
    point[order[:at]] = 1.0
    point[order[at + 1 :]] = -1.0
    missing = fsum(w[order[at + 1 :]]) - fsum(w[order[:at]])
    point[middle] = min(1.0, max(-1.0, missing / w[middle]))
    return point, float(ratio[middle])


def spins_up(customers: int, magnetisation: int | Fraction) -> int | None:
    """Return how many of N spins are up at magnetisation m: N (1 + m) / 2 (001, (35)).

    None where that is no whole number from 0 to N: the bus cannot take this magnetisation.
    """
    up = customers * (1 + Fraction(magnetisation)) / 2
    return int(up) if up.denominator == 1 and 0 <= up <= customers else None


@dataclass(frozen=True)
class MappingAnswer:
    """A cheapest mapping with multipliers that prove it.

    ``assigned`` (B,) aggregator of each bus; ``bus_duals`` (B,) u of the rows "one aggregator",
    ``cap_duals`` (A,) v <= 0 and ``floor_duals`` (A,) f >= 0 of the rows "at most" and "at
    least": u_b + v_a + f_a <= load_b cost_a for all pairs, and sum u + cap sum v + lower sum f
    is the objective.
    """

    assigned: Ints
    objective: float
    bus_duals: Floats
    cap_duals: Floats
    floor_duals: Floats


def capped_mapping(
    load: npt.ArrayLike, unit_cost: npt.ArrayLike, cap: int, lower: int = 0
) -> MappingAnswer | None:
    """Minimise ``sum load_b unit_cost_a`` over mappings of buses to aggregators (001, (38)).

    ``load`` (B,) >= 0, ``unit_cost`` (A,) of any sign; each aggregator takes at least ``lower``
    and at most ``cap`` buses. The cheapest take as many as they may, and the largest loads go
    to the cheapest (rearrangement inequality). None where no mapping keeps the numbers. Raises
    DataError where a load is negative.
    """
    p, k = np.asarray(load, dtype=float), np.asarray(unit_cost, dtype=float)
    if not np.all(p >= 0) or not np.all(np.isfinite(p)) or not np.all(np.isfinite(k)):
        raise DataError("load", "loads must be finite and not negative, costs finite")
    buses, aggregators = len(p), len(k)
    if not lower * aggregators <= buses <= cap * aggregators or lower > cap:
        return None
    cheapest = np.argsort(k, kind="stable")
    largest = np.argsort(-p, kind="stable")
    spare = buses - lower * aggregators
    room = (cap - lower) * np.arange(aggregators + 1)
    ends = np.cumsum(lower + np.diff(np.minimum(room, spare)))
    held = np.diff(ends, prepend=0)
    slots = np.repeat(cheapest, held)
    assigned = np.empty(buses, dtype=np.int64)
    assigned[largest] = slots

    # From one aggregator to the next dearer, the multiplier rises by what the smallest load of
    # the one would pay more at the other: then no bus gains by a move.
    smallest = np.append(p[largest], 0.0)[np.minimum(ends, buses) - 1]
    rises = smallest[:-1] * np.diff(k[cheapest])
    level = np.concatenate(([0.0], np.cumsum(rises)))
    # Zero belongs to the first aggregator below its cap: those before it are full (v <= 0),
    # those after it hold no more than they must (f >= 0).
    below_cap = np.flatnonzero(held < cap)
    level -= level[below_cap[0] if len(below_cap) else -1]
    y = np.empty(aggregators)
    y[cheapest] = level
    cap_duals = np.minimum(y, 0.0)
    floor_duals = np.maximum(y, 0.0) if lower > 0 else np.zeros(aggregators)
    bus_duals = p * k[assigned] - y[assigned]
    return MappingAnswer(assigned, float(p @ k[assigned]), bus_duals, cap_duals, floor_duals)


def discrete_shift(cost: Sequence[int], weight: Sequence[int], customers: int) -> Ints | None:
    """Minimise ``sum c_t (2 k_t - N)``, ``sum w_t (2 k_t - N) = 0``, k_t in 0..N (001, (32)-(33)).

    ``cost`` (T,) integers of any sign, ``weight`` (T,) positive integers, ``customers`` N >= 1.
    Returns the numbers of flexible customers k (T,), or None where proved infeasible. Raises
    DataError where the data are not of this kind, MemoryError where it would take more
    than half a gigabyte (weights of many thousands in many steps).

    The LP relaxation leaves one step, the pivot, fractional; the others deviate from it at
    their reduced costs, and the pivot makes up the balance. It is asked to do so first modulo
    its weight only (Gomory's group relaxation), then modulo ever larger multiples, until the
    cheapest deviation is a true solution.
    """
    c, w = [int(x) for x in cost], [int(x) for x in weight]
    if not w or len(c) != len(w) or min(w) < 1 or customers < 1:
        raise DataError("load", "every step needs a positive whole weight; at least one customer")
    common = gcd(*w)
    if customers * sum(w) % (2 * common):
        return None
    core = _Core.of(c, [x // common for x in w], customers)
    best: Ints | None = None
    cheapest: int | None = None
    multiple = 1
    while True:
        caps = core.caps(cheapest)
        up, down = core.excursion(1, caps, cheapest), core.excursion(-1, caps, cheapest)
        # What the pivot can have to make up, and the part of it looked at in this round.
        least = max(core.least, -((up - core.missing) // core.weight))
        most = min(core.most, (core.missing + down) // core.weight)
        if least > most:
            return best
        # The LP's solution lies between 0 and 1.
        part = range(max(least, -(multiple // 2)), min(most, 1 + multiple // 2) + 1)
        complete = len(part) >= multiple or part == range(least, most + 1)
        moves = core.solve(part, multiple, caps, cheapest)
        if moves is None:
            if complete:
                return best
        else:
            made_up, rest = divmod(core.missing - sum(map(mul, core.step, moves)), core.weight)
            assert rest == 0
            if core.least <= made_up <= core.most:
                # Cheaper than what was known, and where nothing was left out, the cheapest.
                best, cheapest = core.point(moves, made_up), sum(map(mul, core.cost, moves))
                if complete or not cheapest:
                    return best
        multiple *= 2


@dataclass(frozen=True)
class _Core:
    """Deviations n_t >= 0 from the LP's solution ``base`` (all steps at 0 or N, but the pivot).

    ``cost`` (T,) >= 0 of a unit deviation, a common multiple of the reduced costs; ``step`` (T,)
    the energy it moves, +-w_t. The pivot of weight ``weight`` makes up, in whole customers from
    ``least`` to ``most``, what is ``missing`` less what the deviations move.

    An optimum exists with fewer than 2 max(w) unit deviations, which move less than max(w)^2 up
    and as much down (Eisenbrand and Weismantel 2020, for one row): ordered so that the energy
    moved stays within 2 max(w) values, a longer sequence comes twice to the same value, and
    what lies between can be left out at no loss.
    """

    pivot: int
    base: list[int]
    customers: int
    weight: int
    missing: int
    least: int
    most: int
    cost: list[int]
    step: list[int]

    @classmethod
    def of(cls, c: list[int], w: list[int], customers: int) -> _Core:
        base = [0] * len(w)
        missing = customers * sum(w) // 2
        order = sorted(range(len(w)), key=lambda t: Fraction(c[t], w[t]))
        for pivot in order:
            base[pivot] = min(customers, missing // w[pivot])
            missing -= base[pivot] * w[pivot]
            if base[pivot] < customers:
                break
        reduced = [abs(x * w[pivot] - c[pivot] * y) for x, y in zip(c, w, strict=True)]
        common = gcd(*reduced) or 1
        step = [-y if n == customers else y for n, y in zip(base, w, strict=True)]
        step[pivot] = 0
        return cls(
            pivot=pivot,
            base=base,
            customers=customers,
            weight=w[pivot],
            missing=missing,
            least=-base[pivot],
            most=customers - base[pivot],
            cost=[r // common for r in reduced],
            step=step,
        )

    @property
    def heaviest(self) -> int:
        return max(self.weight, *map(abs, self.step))

    def caps(self, cheapest: int | None) -> list[int]:
        """How often each deviation can be taken in a solution cheaper than ``cheapest``."""
        most = min(self.customers, 2 * self.heaviest - 1)
        return [
            0 if not s else most if cheapest is None or not r else min(most, (cheapest - 1) // r)
            for r, s in zip(self.cost, self.step, strict=True)
        ]

    def excursion(self, sign: int, caps: list[int], cheapest: int | None) -> int:
        """How much energy such a solution can move upwards (``sign`` 1) or downwards (-1)."""
        taken = [
            (r, s * sign, cap)
            for r, s, cap in zip(self.cost, self.step, caps, strict=True)
            if s * sign > 0
        ]
        free = sum(s * cap for r, s, cap in taken if not r)
        paid = sum(s * cap for r, s, cap in taken if r)
        if cheapest is not None:
            best = max((Fraction(s, r) for r, s, _ in taken if r), default=Fraction(0))
            paid = min(paid, int(best * (cheapest - 1)))
        return min(free + paid, self.heaviest**2)

    def solve(
        self, part: range, multiple: int, caps: list[int], cheapest: int | None
    ) -> list[int] | None:
        """Return the cheapest deviations, below ``cheapest``, with which the pivot has to make up
        a number of customers in ``part`` modulo ``multiple``; None where there are none."""
        modulus = self.weight * multiple
        used = [t for t, cap in enumerate(caps) if cap]
        if (len(used) + 1) * modulus > _MOST_ENTRIES:
            raise MemoryError(
                "exact needs more than half a gigabyte for these profiles; use another solver",
            )
        # Of equal costs the fewest deviations: the nearer to the LP, the likelier a true
        # solution. An optimum has fewer than 2 max(w) of them, so cost keeps its precedence.
        scale = 2 * self.heaviest
        price = {t: self.cost[t] * scale + 1 for t in used}
        never = scale * (max(price.values(), default=1) if cheapest is None else cheapest)
        ends = [(self.missing - self.weight * n) % modulus for n in part]
        # Values from 2^61 on are left out where 64 bits find any below; Python's integers do not
        # overflow, but take fifty times as long.
        for kind, limit in ((np.int64, min(never, 2**61)), (object, never)):
            values = self._values(modulus, {t: (price[t], caps[t]) for t in used}, kind, limit)
            end = min(ends, key=lambda e: (values[-1][e], e))
            if values[-1][end] < limit:
                break
            if limit == never:
                return None
        moves = [0] * len(caps)
        for t, before, after in zip(reversed(used), values[-2::-1], values[:0:-1], strict=True):
            times = next(
                n
                for n in range(caps[t] + 1)
                if before[(end - n * self.step[t]) % modulus] + n * price[t] == after[end]
            )
            moves[t] = times
            end = (end - times * self.step[t]) % modulus
        return moves

    def _values(
        self, modulus: int, used: dict[int, tuple[int, int]], kind: Any, limit: int
    ) -> list[npt.NDArray[Any]]:
        """Return, after each deviation (price, cap), the least price of each energy moved."""
        value = np.full(modulus, limit, dtype=kind)
        value[0] = 0
        values = [value]
        for t, (price, left) in used.items():
            value = value.copy()
            times = 1
            # Any number up to the cap is a sum of some of 1, 2, 4, ... and a remainder.
            while left and min(times, left) * price < limit:
                times = min(times, left)
                moved = np.roll(value, times * self.step[t] % modulus) + times * price
                np.minimum(value, moved, out=value)
                left -= times
                times *= 2
            values.append(value)
        return values

    def point(self, moves: list[int], made_up: int) -> Ints:
        """Return the numbers of flexible customers (T,)."""
        up = [n if s >= 0 else -n for n, s in zip(moves, self.step, strict=True)]
        up[self.pivot] = made_up
        return np.array(self.base, dtype=np.int64) + np.array(up, dtype=np.int64)
