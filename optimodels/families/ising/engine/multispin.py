"""Compiled sweeps of Metropolis on graphs of degree at most 4: 64 replicas in a word.

Every replica has acceptance bits of its own: the n-th random word gives each of the 64 replicas
the n-th binary digit of its uniform number, which is compared with that digit of the replica's own
probability (one of those for 0..4 neighbours up). The first STAGE digits are always drawn; a
replica that is still undecided, one in 2^STAGE, draws 64 digits more, so that a probability is
met to 2^-(STAGE + 64), finer than the floating-point number it comes from.

Layout [word][place]: the sites of one colour and one degree stand together, filled up to whole
blocks of LANES places, which are updated as one vector (`decision`), so that one word of replicas
on a million sites is as fast as many words on few. Each word has LANES generators SFC64, seeded
by SplitMix64 from (seed, stream, word); how often they are used depends on the graph alone, and
the further digits are counted numbers (word, update, lane, bit): a replica's path depends on no
other replica.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from optimodels.arrays import Ints
from optimodels.families.ising.engine.acceptance import STAGE, bit_tables
from optimodels.families.ising.engine.compiling import compiled
from optimodels.families.ising.engine.decision import (
    ALIKE,
    COUNTS,
    FLIPS,
    ROWS,
    UNDECIDED,
    UP,
    decide,
)
from optimodels.families.ising.engine.graph import Graph
from optimodels.families.ising.engine.job import Job, Spins
from optimodels.families.ising.engine.layout import LANES, LARGEST_DEGREE
from optimodels.families.ising.engine.single import drawn
from optimodels.families.ising.engine.streams import keys

WORD = 64
_ZERO, _ONE = np.uint64(0), np.uint64(1)
_STAGE = np.uint64(STAGE)
_BYTE, _BYTES = np.uint64(0xFF), np.uint64(0x0101010101010101)


@compiled
def _sweep(
    word: Any, around: Any, groups: Any, buffer: Any, counter: Any, free: Any, digits: Any,
    rest: Any, key: Any, sweeps: int, accepted: Any,
) -> Any:  # fmt: skip
    """Sweep one word of replicas; return the counter of the random words it has used."""
    waiting = 0
    for _ in range(sweeps):
        for group in range(len(groups)):
            degree = groups[group, 2]
            digit = digits[degree]
            u0, u1, u2, u3, u4 = free[degree, 0]
            d0, d1, d2, d3, d4 = free[degree, 1]
            for base in range(groups[group, 0], groups[group, 1], LANES):
                for lane in range(LANES):
                    at = base + lane
                    x0, x1 = word[around[0, at]], word[around[1, at]]
                    x2, x3 = word[around[2, at]], word[around[3, at]]
                    odd, pair, odd2, pair2 = x0 ^ x1, x0 & x1, x2 ^ x3, x2 & x3
                    n0 = odd ^ odd2
                    n1 = (pair ^ pair2) | (odd & odd2)
                    n2 = pair & pair2
                    n01 = n0 & n1
                    spin = word[at]
                    up = u0 ^ (n0 & u1) ^ (n1 & u2) ^ (n01 & u3) ^ (n2 & u4)
                    down = d0 ^ (n0 & d1) ^ (n1 & d2) ^ (n01 & d3) ^ (n2 & d4)
                    buffer[UP * LANES + lane] = n0
                    buffer[(UP + 1) * LANES + lane] = n1
                    buffer[(UP + 2) * LANES + lane] = n2
                    buffer[ALIKE * LANES + lane] = ~((spin & up) | (~spin & down))
                decide(buffer, digit, counter)
                if base + LANES > groups[group, 3]:
                    _without_filling(buffer, groups[group, 3] - base)
                open_lanes = _ZERO
                for lane in range(LANES):
                    open_lanes |= buffer[UNDECIDED * LANES + lane]
                if open_lanes != _ZERO:
                    _finish(buffer, rest[degree], drawn(key, counter), accepted)
                counter += _STAGE
                for lane in range(LANES):
                    word[base + lane] ^= buffer[FLIPS * LANES + lane]
                waiting += 1
                if waiting == 255:
                    _collect(buffer, accepted)
                    waiting = 0
    _collect(buffer, accepted)
    return counter


@compiled
def _without_filling(buffer: Any, sites: int) -> None:
    """Take back what was decided in the lanes that fill up a block: they are no proposals."""
    for lane in range(sites, LANES):
        flips = buffer[FLIPS * LANES + lane]
        for row in range(8):
            buffer[(COUNTS + row) * LANES + lane] -= (flips >> np.uint64(row)) & _BYTES
        buffer[FLIPS * LANES + lane] = _ZERO
        buffer[UNDECIDED * LANES + lane] = _ZERO


@compiled
def _finish(buffer: Any, rest: Any, key: Any, accepted: Any) -> None:
    """Decide what the first digits left open, each replica by a number of its own."""
    for lane in range(LANES):
        left = buffer[UNDECIDED * LANES + lane]
        bit = 0
        while left != _ZERO:
            if left & _ONE:
                place = np.uint64(bit)
                n0 = (buffer[UP * LANES + lane] >> place) & _ONE
                n1 = (buffer[(UP + 1) * LANES + lane] >> place) & _ONE
                n2 = (buffer[(UP + 2) * LANES + lane] >> place) & _ONE
                up = np.int64(n0) + 2 * np.int64(n1) + 4 * np.int64(n2)
                if drawn(key, lane * WORD + bit + 1) < rest[up]:
                    buffer[FLIPS * LANES + lane] |= _ONE << place
                    accepted[bit] += 1
            left >>= _ONE
            bit += 1


@compiled
def _collect(buffer: Any, accepted: Any) -> None:
    """Add the byte counters of the flips to the replicas' numbers, and clear them."""
    for row in range(8):
        for lane in range(LANES):
            at = (COUNTS + row) * LANES + lane
            counts = buffer[at]
            for byte in range(8):
                accepted[8 * byte + row] += np.int64((counts >> np.uint64(8 * byte)) & _BYTE)
            buffer[at] = _ZERO


@compiled
def _sweep_words(
    words: Any, around: Any, groups: Any, buffers: Any, counters: Any, free: Any, digits: Any,
    rest: Any, keys: Any, sweeps: int, accepted: Any,
) -> None:  # fmt: skip
    for number in range(len(words)):
        counters[number] = _sweep(
            words[number], around, groups, buffers[number], counters[number], free, digits, rest,
            keys[number], sweeps, accepted[number],
        )  # fmt: skip


@compiled
def _pack(spins: Any, places: Any, words: Any) -> None:
    for replica in range(len(spins)):
        word, shift = words[replica // WORD], np.uint64(replica % WORD)
        for site in range(spins.shape[1]):
            word[places[site]] |= np.uint64(spins[replica, site] > 0) << shift


@compiled
def _unpack(words: Any, places: Any, spins: Any) -> None:
    for replica in range(len(spins)):
        word, shift = words[replica // WORD], np.uint64(replica % WORD)
        for site in range(spins.shape[1]):
            spins[replica, site] = 2 * np.int64((word[places[site]] >> shift) & _ONE) - 1


def fits(graph: Graph) -> bool:
    """Return whether the kernel takes the graph: no site with more than four neighbours."""
    return int(graph.degrees.max(initial=0)) <= LARGEST_DEGREE


class MultispinWalk:
    """Replicas first .. last - 1 of a job, 64 in a word; ``first`` is the first of a word."""

    def __init__(self, job: Job, first: int, last: int) -> None:
        count = -(-(last - first) // WORD)
        self.job, self.replicas = job, last - first
        self.blocks = job.graph.blocks
        self.words = np.zeros((count, self.blocks.around.shape[1] + 1), dtype=np.uint64)
        _pack(job.start[first:last], self.blocks.places, self.words)
        skipped = first // WORD
        self.keys = keys(job.seed, job.stream, 1, skipped + count)[skipped:]
        states = keys(job.seed, job.stream, 2, (skipped + count) * 3 * LANES)
        self.buffers = np.zeros((count, ROWS * LANES), dtype=np.uint64)
        self.buffers[:, : 3 * LANES] = states[skipped * 3 * LANES :].reshape(count, -1)
        self.counters = np.ones(count, dtype=np.uint64)
        self.tables = bit_tables(job.dynamics.temperature, job.dynamics.field)
        self.counted = np.zeros((count, WORD), dtype=np.int64)

    @property
    def accepted(self) -> Ints:
        """The accepted proposals of each replica (R,)."""
        return self.counted.ravel()[: self.replicas]

    def spins(self) -> Spins:
        states = np.empty((self.replicas, self.job.graph.sites), dtype=np.int8)
        _unpack(self.words, self.blocks.places, states)
        return states

    def advance(self, first: int, last: int) -> None:
        sweeps = (last - first) // self.job.graph.sites
        _sweep_words(
            self.words, self.blocks.around, self.blocks.groups, self.buffers, self.counters,
            *self.tables, self.keys, sweeps, self.counted,
        )  # fmt: skip
