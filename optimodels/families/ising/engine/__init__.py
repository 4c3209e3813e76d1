"""Plain dynamics in NumPy (placeholder of the engine)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from optimodels.arrays import Floats, Ints
from optimodels.families.ising.engine.graph import Graph, from_bonds, lattice

__all__ = ["Dynamics", "Evolution", "Graph", "evolve", "from_bonds", "lattice"]


@dataclass(frozen=True)
class Dynamics:
    temperature: float
    field: float = 0.0
    algorithm: Literal["metropolis", "constrained", "penalised", "exchange"] = "metropolis"
    update: Literal["random-site", "sweep"] = "random-site"
    weights: Ints | Floats | None = None
    penalty: float = 0.0


@dataclass(frozen=True)
class Evolution:
    spins: npt.NDArray[np.int8]
    accepted: Ints
    trace: Mapping[str, Any] = field(default_factory=dict)


def evolve(
    graph: Graph,
    dynamics: Dynamics,
    start: npt.NDArray[np.int8],
    steps: int,
    *,
    seed: int,
    stream: tuple[int, ...] = (),
    record: Sequence[int] = (),
    threads: int = 1,
) -> Evolution:
    replicas, n = start.shape
    s = start.astype(np.int64)
    wide = int(np.diff(graph.starts).max(initial=0))
    near = np.full((n, wide), n)
    for i in range(n):
        mine = graph.neighbours[graph.starts[i] : graph.starts[i + 1]]
        near[i, : len(mine)] = mine
    w = np.zeros(n, dtype=np.int64) if dynamics.weights is None else dynamics.weights
    padded = np.concatenate([s, np.zeros((replicas, 1), dtype=np.int64)], axis=1)
    c = (padded[:, :n] * w).sum(axis=1)
    rngs = [
        np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*stream, r)))
        for r in range(replicas)
    ]
    accepted = np.zeros(replicas, dtype=np.int64)
    rows = np.arange(replicas)
    if dynamics.update == "sweep":
        steps = -(-steps // n) * n
    classes = np.unique(w, return_inverse=True)[1]
    kept: dict[str, list[Any]] = {"magnetisation": [], "energy": [], "constraint": []}
    marks = sorted(set(record))
    times = []

    def keep(t: int) -> None:
        times.append(t)
        m = padded[:, :n].sum(axis=1)
        bonds = graph.bonds
        pairs = (padded[:, bonds[:, 0]] * padded[:, bonds[:, 1]]).sum(axis=1)
        kept["magnetisation"].append(m)
        kept["energy"].append(-pairs - dynamics.field * m)
        kept["constraint"].append(c.copy())

    if 0 in marks:
        keep(0)
    t, chunk = 0, 4096
    order = np.argsort(graph.colours, kind="stable")
    while t < steps:
        size = min(chunk, steps - t)
        uniform = np.stack([g.random((3, size)) for g in rngs])
        for k in range(size):
            i = (
                np.full(replicas, order[t % n])
                if dynamics.update == "sweep"
                else (uniform[:, 0, k] * n).astype(np.int64)
            )
            h = padded[rows[:, None], near[i]].sum(axis=1) + dynamics.field
            spin = padded[rows, i]
            de = 2.0 * spin * h
            ok = np.ones(replicas, dtype=bool)
            new = c - 2 * w[i] * spin
            if dynamics.algorithm == "constrained":
                ok = np.abs(new) < np.abs(c)
            elif dynamics.algorithm == "penalised":
                de = de + dynamics.penalty * (np.abs(new) - np.abs(c))
            elif dynamics.algorithm == "exchange":
                j = i.copy()
                for r in rows:
                    others = np.flatnonzero(
                        (classes == classes[i[r]]) & (padded[r, :n] == -spin[r])
                    )
                    j[r] = others[int(uniform[r, 2, k] * len(others))] if len(others) else i[r]
                ok = j != i
                hj = padded[rows[:, None], near[j]].sum(axis=1) + dynamics.field
                joined = (near[i] == j[:, None]).any(axis=1)
                de = 2.0 * spin * h + 2.0 * padded[rows, j] * hj + 4.0 * joined
                new = c
            with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
                chance = (
                    np.exp(-np.maximum(de, 0.0) / dynamics.temperature)
                    if dynamics.temperature
                    else np.zeros(replicas)
                )
            go = ok & ((de <= 0) | (uniform[:, 1, k] < chance))
            padded[rows[go], i[go]] *= -1
            if dynamics.algorithm == "exchange":
                padded[rows[go], j[go]] *= -1
            c = np.where(go, new, c)
            accepted += go
            t += 1
            if t in marks:
                keep(t)
    trace = {name: np.stack(v, axis=1) for name, v in kept.items()} if times else {}
    return Evolution(padded[:, :n].astype(np.int8), accepted, {"steps": np.array(times), **trace})
