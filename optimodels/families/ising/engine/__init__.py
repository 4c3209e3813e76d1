"""The engine of the Ising dynamics: many independent replicas on one graph.

E = -J sum_<ij> s_i s_j - h sum_i s_i with J = 1, k_B = 1 (001, eq. (14)); Metropolis accepts if
dE <= 0 or u < exp(-dE / T).

Rooms: ``graph`` who listens to whom; ``job`` the request and its checks; ``layout`` the graph in
memory; ``streams`` random numbers by (seed, stream, replica, proposal); ``acceptance`` the
probabilities as integers; ``classes`` index lists for exchange moves; ``observables`` what is
recorded; ``plain`` the engine in NumPy; ``single`` compiled single moves; ``multispin`` and
``decision`` compiled sweeps of 64 replicas in a word; ``compiling`` Numba's settings. Nothing here
loads Numba before a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from optimodels.arrays import Ints
from optimodels.errors import DataError
from optimodels.families.ising.engine.graph import Graph, from_bonds, lattice
from optimodels.families.ising.engine.job import Dynamics, Job, Spins, Walk, checked
from optimodels.families.ising.engine.observables import observed

__all__ = ["Dynamics", "Evolution", "Graph", "evolve", "from_bonds", "lattice"]


@dataclass(frozen=True, eq=False)
class Evolution:
    """Where the replicas ended and what was recorded on the way.

    ``spins`` (R, N): +1 or -1; ``accepted`` (R,): accepted proposals, a swap being one;
    ``trace``: steps (K,), magnetisation, energy (R, K) and, with weights, constraint (R, K);
    ``steps``: proposals made in each replica, in a sweep whole sweeps; ``engine``: which ran.
    """

    spins: Spins
    accepted: Ints
    trace: dict[str, Any]
    steps: int
    engine: str


def evolve(
    graph: Graph,
    dynamics: Dynamics,
    start: Spins,
    steps: int,
    *,
    seed: int,
    stream: tuple[int, ...] = (),
    record: Sequence[int] = (),
    threads: int = 1,
) -> Evolution:
    """Let the replicas ``start`` (R, N) make ``steps`` proposals of single sites each.

    Of sweeps (N proposals) whole ones are made, the number rounded up; so are the step counts in
    ``record``. Replica r depends on the seed, the stream and r alone, not on how many replicas
    there are or on ``threads``. With Numba sweeps of Metropolis on graphs of degree at most 4 run
    64 replicas in a word and all else as compiled single moves; without it all runs in NumPy,
    with the same random numbers as the single moves.

    Raises DataError where the request makes no sense.
    """
    if threads < 1:
        raise DataError("threads", f"must be at least 1, not {threads}")
    job = checked(graph, dynamics, start, steps, seed, stream, record)
    name, kind, grain = _engine(job)
    total = len(start)
    # Pieces of whole words.
    share = -(-total // (threads * grain)) * grain
    pieces = [(first, min(first + share, total)) for first in range(0, total, share)]
    if len(pieces) == 1:
        walked = [_walk(kind(job, *pieces[0]), job)]
    else:
        with ThreadPoolExecutor(len(pieces)) as pool:
            walked = list(pool.map(lambda piece: _walk(kind(job, *piece), job), pieces))
    trace: dict[str, Any] = {"steps": np.array(job.recorded, dtype=np.int64)}
    for quantity in walked[0][2]:
        trace[quantity] = _joined([made[2][quantity] for made in walked])
    spins, accepted = (_joined([made[place] for made in walked]) for place in range(2))
    return Evolution(spins, accepted, trace, job.steps, name)


def _joined(pieces: list[Any]) -> Any:
    """Return the arrays one after the other; a single one as it is, which may be very large."""
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def _engine(job: Job) -> tuple[str, type[Walk], int]:
    """Return the engine's name, its walk and how many replicas belong together."""
    if find_spec("numba") is None:
        from optimodels.families.ising.engine.plain import PlainWalk

        return "numpy", PlainWalk, 1
    if job.dynamics.algorithm == "metropolis" and job.dynamics.update == "sweep":
        from optimodels.families.ising.engine import multispin

        if multispin.fits(job.graph):
            return "numba, 64 replicas in a word", multispin.MultispinWalk, multispin.WORD
    from optimodels.families.ising.engine.single import SingleWalk

    return "numba", SingleWalk, 1


def _walk(walk: Walk, job: Job) -> tuple[Spins, Ints, dict[str, Any]]:
    """Let one piece's replicas walk through all stops; return states, acceptances, records."""
    records: dict[int, dict[str, Any]] = {}
    stops = job.stops
    for number, stop in enumerate(stops):
        if number:
            walk.advance(stops[number - 1], stop)
        if stop in job.recorded:
            records[stop] = observed(job.graph, job.dynamics.field, job.weights, walk.spins())
    spins = walk.spins()
    if not records:
        return spins, walk.accepted, {}
    quantities = records[job.recorded[0]]
    return spins, walk.accepted, {
        name: np.stack([records[stop][name] for stop in job.recorded], axis=1)
        for name in quantities
    }  # fmt: skip
