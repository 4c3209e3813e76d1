"""Compiled single moves: every replica draws its own sites, a proposal at a time.

Replicas that share the sequence of sites in a word would be some thirty times as fast, but are
correlated: every error would have to be computed between words, and twenty replicas would have none
at all. So each has its own. Same random numbers as the engine in NumPy (`plain`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.ising.engine.acceptance import swap_thresholds, thresholds
from optimodels.families.ising.engine.classes import Classes
from optimodels.families.ising.engine.compiling import compiled
from optimodels.families.ising.engine.job import Job, Spins
from optimodels.families.ising.engine.streams import FIRST, GAMMA, SECOND, keys

_27, _30, _31, _32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_ONE = np.uint64(1)
_METROPOLIS, _CONSTRAINED, _PENALISED = 0, 1, 2
_RULES = {"metropolis": _METROPOLIS, "constrained": _CONSTRAINED, "penalised": _PENALISED}


@compiled
def drawn(key: Any, number: Any) -> Any:
    z = key + np.uint64(number) * GAMMA
    z = (z ^ (z >> _30)) * FIRST
    z = (z ^ (z >> _27)) * SECOND
    return z ^ (z >> _31)


@compiled
def _scaled(word: Any, count: Any) -> Any:
    """Return the upper 64 bits of the product with a number below 2^32, in units of 2^-32."""
    return (word >> _32) * count + (((word & _LOW) * count) >> _32)


@compiled
def _local(spins: Any, starts: Any, neighbours: Any, site: Any) -> Any:
    """Return the sum of the neighbours' spins, four at a time (`layout.Rows`)."""
    total = np.int64(0)
    for row in range(starts[site], starts[site + _ONE]):
        total += (np.int64(spins[neighbours[row, 0]]) + spins[neighbours[row, 1]]
                  + spins[neighbours[row, 2]] + spins[neighbours[row, 3]])  # fmt: skip
    return total


@compiled
def _limit(limits: Any, spin: Any, total: Any) -> Any:
    offset = limits.shape[1] // 2
    return limits[np.uint64((spin + 1) >> 1), np.uint64(total + offset)]


@compiled
def _metropolis(
    spins: Any, starts: Any, neighbours: Any, order: Any, key: Any, first: int, last: int,
    limits: Any,
) -> Any:  # fmt: skip
    """Propose the flips first .. last - 1; ``order`` is empty for sites at random."""
    count = np.uint64(len(spins) - 1)
    accepted = np.int64(0)
    turn = first % len(order) if len(order) else 0
    for step in range(first, last):
        scaled = _scaled(drawn(key, step + 1), count)
        if len(order):
            site = np.uint64(order[turn])
            turn = turn + 1 if turn + 1 < len(order) else 0
        else:
            site = scaled >> _32
        spin = np.int64(spins[site])
        total = _local(spins, starts, neighbours, site)
        # Arithmetic instead of a branch, which the processor would guess wrong every third time.
        taken = np.int64(np.int64(scaled & _LOW) < _limit(limits, spin, total))
        spins[site] = spin - 2 * spin * taken
        accepted += taken
    return accepted


@compiled
def _with_constraint(
    spins: Any, starts: Any, neighbours: Any, order: Any, key: Any, first: int, last: int,
    limits: Any, rule: int, weights: Any, constraint: Any, temperature: float, field: float,
    penalty: float,
) -> Any:  # fmt: skip
    """Propose flips under the constrained or the penalised rule."""
    count = np.uint64(len(spins) - 1)
    accepted = np.int64(0)
    turn = first % len(order) if len(order) else 0
    for step in range(first, last):
        scaled = _scaled(drawn(key, step + 1), count)
        if len(order):
            site = np.uint64(order[turn])
            turn = turn + 1 if turn + 1 < len(order) else 0
        else:
            site = scaled >> _32
        spin = np.int64(spins[site])
        after = constraint - 2 * weights[site] * spin
        rest = np.int64(scaled & _LOW)
        if rule == _CONSTRAINED:
            if abs(after) >= abs(constraint):
                continue
            total = _local(spins, starts, neighbours, site)
            taken = rest < _limit(limits, spin, total)
        else:
            total = _local(spins, starts, neighbours, site)
            rise = 2 * spin * (total + field) + penalty * (abs(after) - abs(constraint))
            taken = _test(rest, rise, temperature)
        if taken:
            spins[site] = -spin
            constraint = after
            accepted += 1
    return accepted, constraint


@compiled
def _test(rest: Any, rise: Any, temperature: float) -> bool:
    if rise <= 0:
        return True
    return temperature > 0 and rest < 2.0**32 * math.exp(-rise / temperature)


@compiled
def _exchange(
    spins: Any, starts: Any, neighbours: Any, key: Any, first: int, last: int, label: Any,
    begins: Any, turns: Any, members: Any, places: Any, limits: Any,
) -> Any:  # fmt: skip
    """Propose swaps: a site at random, a partner at random among the opposite of its class.

    The numbers U of up and D of down spins of a class never change, so that a pair is drawn with
    1/N (1/U + 1/D) before and after the swap: the proposal is symmetric.
    """
    count = np.uint64(len(spins) - 1)
    offset = len(limits) // 2
    accepted = np.int64(0)
    for step in range(first, last):
        site = _scaled(drawn(key, 2 * step + 1), count) >> _32
        word = drawn(key, 2 * step + 2)
        spin = np.int64(spins[site])
        up = np.int64(spin > 0)
        kind = label[site]
        turn = np.int64(turns[kind])
        begin = up * turn + (1 - up) * np.int64(begins[kind])
        end = up * np.int64(begins[kind + _ONE]) + (1 - up) * turn
        if end == begin:
            continue
        place = np.uint64(begin) + (((word >> _32) * np.uint64(end - begin)) >> _32)
        partner = np.uint64(members[place])
        total = np.int64(0)
        for row in range(starts[site], starts[site + _ONE]):
            for column in range(4):
                other = neighbours[row, column]
                # The bond between the two stays as it is: half of 4 for its rise of the energy.
                total += spins[other] + 2 * spin * np.int64(other == partner)
        half = spin * (total - _local(spins, starts, neighbours, partner))
        if np.int64(word & _LOW) < limits[np.uint64(half + offset)]:
            spins[site], spins[partner] = -spin, spin
            old = places[site]
            members[old], members[place] = partner, site
            places[site], places[partner] = place, old
            accepted += 1
    return accepted


@compiled
def _metropolis_rows(
    states: Any, starts: Any, neighbours: Any, order: Any, keys: Any, first: int, last: int,
    limits: Any, accepted: Any,
) -> None:  # fmt: skip
    for row in range(len(states)):
        accepted[row] += _metropolis(
            states[row], starts, neighbours, order, keys[row], first, last, limits
        )


@compiled
def _with_constraint_rows(
    states: Any, starts: Any, neighbours: Any, order: Any, keys: Any, first: int, last: int,
    limits: Any, rule: int, weights: Any, constraint: Any, temperature: float, field: float,
    penalty: float, accepted: Any,
) -> None:  # fmt: skip
    for row in range(len(states)):
        taken, constraint[row] = _with_constraint(
            states[row], starts, neighbours, order, keys[row], first, last, limits, rule, weights,
            constraint[row], temperature, field, penalty,
        )  # fmt: skip
        accepted[row] += taken


@compiled
def _exchange_rows(
    states: Any, starts: Any, neighbours: Any, keys: Any, first: int, last: int, label: Any,
    begins: Any, turns: Any, members: Any, places: Any, limits: Any, accepted: Any,
) -> None:  # fmt: skip
    for row in range(len(states)):
        accepted[row] += _exchange(
            states[row], starts, neighbours, keys[row], first, last, label, begins, turns[row],
            members[row], places[row], limits,
        )  # fmt: skip


class SingleWalk:
    """Replicas first .. last - 1 of a job, by compiled single moves."""

    def __init__(self, job: Job, first: int, last: int) -> None:
        graph, dynamics = job.graph, job.dynamics
        self.job = job
        self.accepted: Ints = np.zeros(last - first, dtype=np.int64)
        # One more column of zeros: the neighbour that a site does not have.
        self.states: Spins = np.zeros((last - first, graph.sites + 1), dtype=np.int8)
        self.states[:, :-1] = job.start[first:last]
        self.keys = keys(job.seed, job.stream, 0, last)[first:]
        largest = int(graph.degrees.max(initial=0))
        self.limits = (
            swap_thresholds(largest, dynamics.temperature)
            if dynamics.algorithm == "exchange"
            else thresholds(largest, dynamics.temperature, dynamics.field)
        )
        self.order = graph.order if dynamics.update == "sweep" else graph.order[:0]
        self.constraint: Ints | Floats
        if dynamics.algorithm in ("constrained", "penalised"):
            self.constraint = np.array(
                [np.dot(s.astype(job.weights.dtype), job.weights) for s in job.start[first:last]]
            )
        if dynamics.algorithm == "exchange":
            self.classes = Classes(job.weights, job.start[first:last])

    def spins(self) -> Spins:
        return self.states[:, :-1].copy()

    def advance(self, first: int, last: int) -> None:
        dynamics = self.job.dynamics
        rows = self.job.graph.rows
        where = (self.states, rows.starts, rows.neighbours)
        steps = (self.keys, first, last)
        if dynamics.algorithm == "metropolis":
            _metropolis_rows(*where, self.order, *steps, self.limits, self.accepted)
        elif dynamics.algorithm == "exchange":
            lists = self.classes
            _exchange_rows(
                *where, *steps, lists.label, lists.begins, lists.turns, lists.members,
                lists.places, self.limits, self.accepted,
            )  # fmt: skip
        else:
            _with_constraint_rows(
                *where, self.order, *steps, self.limits, _RULES[dynamics.algorithm],
                self.job.weights, self.constraint, float(dynamics.temperature),
                float(dynamics.field), float(dynamics.penalty), self.accepted,
            )  # fmt: skip
