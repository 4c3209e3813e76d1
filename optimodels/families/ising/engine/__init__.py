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

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from importlib.util import find_spec
from threading import Event
from typing import Any

import numpy as np

from optimodels.arrays import Ints
from optimodels.errors import DataError
from optimodels.families.ising.engine.graph import Graph, from_bonds, lattice
from optimodels.families.ising.engine.job import Dynamics, Job, Spins, Walk, checked
from optimodels.families.ising.engine.observables import observed

__all__ = ["Dynamics", "Evolution", "Graph", "evolve", "from_bonds", "lattice"]

#: Proposals of one call of a kernel, of all its replicas together: so often it can be interrupted.
_MOST_PROPOSALS = 10_000_000


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
    witness: Callable[[Spins], dict[str, Any]] | None = None,
    threads: int = 1,
) -> Evolution:
    """Let the replicas ``start`` (R, N) make ``steps`` proposals of single sites each.

    Of sweeps (N proposals) whole ones are made, the number rounded up; so are the step counts in
    ``record``. Replica r depends on the seed, the stream and r alone, not on how many replicas
    there are or on ``threads``. With Numba sweeps of Metropolis on graphs of degree at most 4 run
    64 replicas in a word and all else as compiled single moves; without it all runs in NumPy,
    with the same random numbers as the single moves.

    ``witness`` receives some replicas' states (r, N) whenever they are recorded; what it makes of
    each (r,), by name, is put into the trace beside the engine's own figures. An interrupt ends
    the run within the time of _MOST_PROPOSALS proposals.

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
    stopped = Event()

    def walk(piece: tuple[int, int]) -> Walked:
        return _walk(kind(job, *piece), job, piece[1] - piece[0], witness, stopped)

    if len(pieces) == 1:
        walked = [walk(pieces[0])]
    else:
        with ThreadPoolExecutor(len(pieces)) as pool:
            started = [pool.submit(walk, piece) for piece in pieces]
            try:
                wait(started)
            finally:
                stopped.set()
            walked = [one.result() for one in started]
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


#: States, accepted proposals and records of some replicas.
Walked = tuple[Spins, Ints, dict[str, Any]]


def _walk(
    walk: Walk,
    job: Job,
    replicas: int,
    witness: Callable[[Spins], dict[str, Any]] | None,
    stopped: Event,
) -> Walked:
    """Let one piece's replicas walk through all stops; return states, acceptances, records."""
    records: dict[int, dict[str, Any]] = {}
    stops = job.stops
    unit = job.graph.sites if job.dynamics.update == "sweep" else 1
    stride = max(1, _MOST_PROPOSALS // (replicas * unit)) * unit
    for number, stop in enumerate(stops):
        for at in range(stops[number - 1], stop, stride) if number else ():
            if stopped.is_set():
                break
            walk.advance(at, min(at + stride, stop))
        if stop in job.recorded:
            spins = walk.spins()
            records[stop] = observed(job.graph, job.dynamics.field, job.weights, spins)
            if witness is not None:
                records[stop] |= witness(spins)
    spins = walk.spins()
    if not records:
        return spins, walk.accepted, {}
    quantities = records[job.recorded[0]]
    return spins, walk.accepted, {
        name: np.stack([records[stop][name] for stop in job.recorded], axis=1)
        for name in quantities
    }  # fmt: skip
