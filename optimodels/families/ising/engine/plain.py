"""The engine in NumPy: slower, the same laws, and for single moves the same random numbers.

It serves where Numba is not installed, and the compiled kernels of single moves are tested
against it state by state. Vectorised over replicas; sweeps of Metropolis over a colour as well.
"""

from __future__ import annotations

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.ising.engine.acceptance import (
    penalised_probability,
    swap_thresholds,
    thresholds,
)
from optimodels.families.ising.engine.classes import Classes
from optimodels.families.ising.engine.job import Job, Spins
from optimodels.families.ising.engine.streams import Unsigned, drawn, keys, site_and_rest

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
#: Sites times replicas that are updated in one piece.
_PIECE = 1_000_000


class PlainWalk:
    """Replicas first .. last - 1 of a job, in NumPy."""

    def __init__(self, job: Job, first: int, last: int) -> None:
        graph, dynamics = job.graph, job.dynamics
        count = last - first
        self.job = job
        self.accepted: Ints = np.zeros(count, dtype=np.int64)
        # One more column of zeros: the neighbour that a site does not have.
        self.padded: Spins = np.zeros((count, graph.sites + 1), dtype=np.int8)
        self.padded[:, :-1] = job.start[first:last]
        self.keys = keys(job.seed, job.stream, 0, last)[first:]
        self.rows = np.arange(count)
        self.offset = int(graph.degrees.max(initial=0))
        self.thresholds = thresholds(self.offset, dynamics.temperature, dynamics.field)
        self.constraint: Ints | Floats
        if dynamics.algorithm in ("constrained", "penalised"):
            self.constraint = np.array(
                [np.dot(s.astype(job.weights.dtype), job.weights) for s in job.start[first:last]]
            )
        if dynamics.update == "sweep":
            colours = graph.colours[graph.order]
            ends = np.flatnonzero(np.diff(colours)) + 1
            piece = max(1, _PIECE // count)
            self.visits = [
                colour[at : at + piece]
                for colour in np.split(np.arange(graph.sites), ends)
                for at in range(0, len(colour), piece)
            ]
        if dynamics.algorithm == "exchange":
            self.classes = Classes(job.weights, job.start[first:last])
            self.swap_thresholds = swap_thresholds(self.offset, dynamics.temperature)

    def spins(self) -> Spins:
        return self.padded[:, :-1].copy()

    def advance(self, first: int, last: int) -> None:
        job = self.job
        if job.dynamics.algorithm == "exchange":
            for step in range(first, last):
                self._exchange(step)
        elif job.dynamics.update == "random-site":
            for step in range(first, last):
                sites, rest = site_and_rest(drawn(self.keys, _number(step)), job.graph.sites)
                self._flip(sites, rest)
        elif job.dynamics.algorithm == "metropolis":
            for step in range(first, last, job.graph.sites):
                self._sweep(step)
        else:
            order = job.graph.order
            for step in range(first, last):
                _, rest = site_and_rest(drawn(self.keys, _number(step)), job.graph.sites)
                self._flip(np.full(len(self.rows), order[step % len(order)]), rest)

    def _flip(self, sites: Ints, rest: Unsigned) -> None:
        """Propose to flip one site in each replica."""
        rows, dynamics = self.rows, self.job.dynamics
        spins = self.padded[rows, sites].astype(np.int64)
        local = self.padded[rows[:, None], self.job.graph.padded[sites]].sum(axis=1, dtype=np.int64)
        if dynamics.algorithm == "metropolis":
            taken = rest.astype(np.int64) < self.thresholds[(spins + 1) // 2, local + self.offset]
        else:
            after = self.constraint - 2 * self.job.weights[sites] * spins
            if dynamics.algorithm == "constrained":
                limit = self.thresholds[(spins + 1) // 2, local + self.offset]
                taken = (np.abs(after) < np.abs(self.constraint)) & (rest.astype(np.int64) < limit)
            else:
                rise = 2 * spins * (local + dynamics.field) + dynamics.penalty * (
                    np.abs(after) - np.abs(self.constraint)
                )
                taken = rest < 2.0**32 * penalised_probability(rise, dynamics.temperature)
            self.constraint = np.where(taken, after, self.constraint)
        self.padded[rows[taken], sites[taken]] *= -1
        self.accepted += taken

    def _sweep(self, first: int) -> None:
        """Visit every site once, the sites of a colour together."""
        graph = self.job.graph
        for places in self.visits:
            sites = graph.order[places]
            numbers = (places + first + 1).astype(np.uint64)
            _, rest = site_and_rest(drawn(self.keys[:, None], numbers), graph.sites)
            local = np.zeros((len(self.rows), len(sites)), dtype=np.int64)
            for neighbour in graph.padded[sites].T:
                local += self.padded[:, neighbour]
            up = (self.padded[:, sites] > 0).astype(np.int64)
            taken = rest.astype(np.int64) < self.thresholds[up, local + self.offset]
            self.padded[:, sites] *= np.where(taken, -1, 1).astype(np.int8)
            self.accepted += taken.sum(axis=1)

    def _exchange(self, step: int) -> None:
        """Propose in each replica to swap a site with one of the opposite spin in its class."""
        rows, graph, classes = self.rows, self.job.graph, self.classes
        sites, _ = site_and_rest(drawn(self.keys, _number(2 * step)), graph.sites)
        second = drawn(self.keys, _number(2 * step + 1))
        spins = self.padded[rows, sites].astype(np.int64)
        begin, count = classes.opposite(rows, sites, spins > 0)
        place = begin + (((second >> _32) * count.astype(np.uint64)) >> _32).astype(np.int64)
        # Where there is no partner, the site stands for it and nothing is accepted.
        partners = classes.members[rows, np.where(count > 0, place, classes.places[rows, sites])]
        around, across = graph.padded[sites], graph.padded[partners]
        difference = (self.padded[rows[:, None], around].sum(axis=1, dtype=np.int64)
                      - self.padded[rows[:, None], across].sum(axis=1, dtype=np.int64))  # fmt: skip
        near = (around == partners[:, None]).any(axis=1)
        half = spins * difference + 2 * near
        limit = self.swap_thresholds[half + len(self.swap_thresholds) // 2]
        taken = (count > 0) & ((second & _LOW).astype(np.int64) < limit)
        self.padded[rows[taken], sites[taken]] *= -1
        self.padded[rows[taken], partners[taken]] *= -1
        classes.swap(rows[taken], sites[taken], partners[taken])
        self.accepted += taken


def _number(step: int) -> Unsigned:
    """Return the number of the draw of a step (1,); a stream's draws count from 1."""
    return np.array([step + 1], dtype=np.uint64)
