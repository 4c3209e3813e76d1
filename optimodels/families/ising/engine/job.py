"""What all engines work from: a checked request, and the walk over its steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt

from optimodels.arrays import Floats, Ints
from optimodels.errors import DataError
from optimodels.families.ising.engine.graph import Graph

Spins = npt.NDArray[np.int8]
Algorithm = Literal["metropolis", "constrained", "penalised", "exchange"]
Update = Literal["random-site", "sweep"]


@dataclass(frozen=True, eq=False)
class Dynamics:
    """How the spins move; energies in units of J = 1, temperatures with k_B = 1.

    ``temperature`` >= 0, where 0 is greedy: only what does not raise the energy is accepted.
    ``algorithm``: "metropolis"; "constrained", 001's Algorithm 1: a proposal is tested at all only
    if it lowers |C|, C = sum_i w_i s_i; "penalised", Metropolis on E + mu |C|; "exchange",
    Metropolis on swaps of an up and a down spin of equal weight, which leave C as it is.
    ``update``: "random-site", every replica draws its own sites; "sweep", every site once, colour
    after colour of the graph. A sweep in which no flip can be refused (dE = 0 everywhere, as
    on a graph without bonds at field 0) turns all spins over and is periodic.
    ``weights`` (N,): of whole numbers C is exact. With others C is updated flip by flip and
    rounded each time, so that a tie |C'| = |C| may be decided by the last digit: give integers.
    ``penalty``: mu >= 0 per unit of |C|.
    """

    temperature: float
    field: float = 0.0
    algorithm: Algorithm = "metropolis"
    update: Update = "random-site"
    weights: Ints | Floats | None = None
    penalty: float = 0.0


@dataclass(frozen=True, eq=False)
class Job:
    """A checked request: ``stops`` are the step counts to halt at, ``recorded`` those to record."""

    graph: Graph
    dynamics: Dynamics
    weights: Ints | Floats
    start: Spins
    steps: int
    recorded: tuple[int, ...]
    seed: int
    stream: tuple[int, ...]

    @property
    def stops(self) -> list[int]:
        """The step counts at which the walk halts, ascending, from 0 to the last step."""
        return sorted({0, self.steps, *self.recorded})


class Walk(Protocol):
    """Some replicas of a job on their way."""

    @property
    def accepted(self) -> Ints:
        """The accepted proposals of each replica (R,)."""

    def __init__(self, job: Job, first: int, last: int) -> None: ...

    def advance(self, first: int, last: int) -> None:
        """Make the proposals number first .. last - 1 in every replica."""

    def spins(self) -> Spins:
        """Return the present states (R, N)."""


def checked(
    graph: Graph,
    dynamics: Dynamics,
    start: Spins,
    steps: int,
    seed: int,
    stream: tuple[int, ...],
    record: Sequence[int],
) -> Job:
    """Return the job, or raise DataError with the first thing that is wrong with it."""
    _words(dynamics)
    for name in ("temperature", "field", "penalty"):
        value = float(getattr(dynamics, name))
        if not math.isfinite(value) or (value < 0 and name != "field"):
            raise DataError(name, f"must be a finite number{'' if name == 'field' else ' >= 0'}, "
                                  f"not {value:g}")  # fmt: skip
    if start.ndim != 2 or start.shape[0] < 1 or start.shape[1] != graph.sites:
        raise DataError(
            "start", f"expected at least one replica of {graph.sites} sites, not {start.shape}"
        )
    if start.dtype != np.int8 or not (
        start.min() >= -1 and start.max() <= 1 and np.count_nonzero(start) == start.size
    ):
        raise DataError("start", "spins are +1 or -1, of type int8")
    if steps < 1:
        raise DataError("steps", f"must be at least 1, not {steps}")
    if any(not 0 <= at <= steps for at in record):
        raise DataError("record", f"records are made at 0..{steps} steps")
    if seed < 0 or any(number < 0 for number in stream):
        raise DataError("seed", "the seed and the numbers of the stream are not negative")
    weights = _weights(graph, dynamics)
    whole = graph.sites if dynamics.update == "sweep" else 1
    rounded = [-(-at // whole) * whole for at in (steps, *record)]
    return Job(
        graph, dynamics, weights, start, rounded[0], tuple(sorted(rounded[1:])), seed, stream
    )


def _words(dynamics: Dynamics) -> None:
    for name, known in (("algorithm", Algorithm), ("update", Update)):
        value = getattr(dynamics, name)
        if value not in get_args(known):
            raise DataError(name, f"{value!r} is none of {', '.join(get_args(known))}")
    if dynamics.algorithm == "exchange" and dynamics.update == "sweep":
        raise DataError("update", "exchange draws pairs of sites at random; it has no sweep")
    if dynamics.penalty and dynamics.algorithm != "penalised":
        raise DataError("penalty", f"{dynamics.algorithm} has no penalty")


def _weights(graph: Graph, dynamics: Dynamics) -> Any:
    if dynamics.weights is None:
        if dynamics.algorithm != "metropolis":
            raise DataError("weights", f"{dynamics.algorithm} needs the weight of every site")
        return np.zeros(0, dtype=np.int64)
    weights = np.asarray(dynamics.weights)
    if weights.shape != (graph.sites,):
        raise DataError("weights", f"expected {graph.sites} weights, not {weights.shape}")
    if np.issubdtype(weights.dtype, np.integer):
        # Sums of Python's own integers: the bound itself must not overflow.
        if sum(map(abs, weights.tolist())) >= 2**61:
            raise DataError("weights", "the weights' sum does not fit in 64 bits")
        return weights.astype(np.int64)
    if not np.issubdtype(weights.dtype, np.floating) or not np.isfinite(weights).all():
        raise DataError("weights", "weights are finite numbers")
    return weights.astype(np.float64)
