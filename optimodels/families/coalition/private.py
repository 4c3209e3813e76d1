"""Private branches: drawn at random, to the nearest agents, or given."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.errors import DataError
from optimodels.families.coalition.parameters import Edge, PrivateNetwork
from optimodels.grid.tables import csv_rows
from optimodels.parameters import LARGEST, SMALLEST

#: Start and end (f,), positions of buses; km (f,); own resistance (f,), NaN where it has none.
Lines = tuple[Ints, Ints, Floats, Floats]


@dataclass(frozen=True)
class Drawn:
    """The state of the draws: the generator after the positions, ``position`` (n, 2) in km,
    ``agents`` (a,) and the ``number`` (n,) of every bus."""

    rng: np.random.Generator
    position: Floats
    agents: Ints
    number: Ints


def private_branches(drawn: Drawn, given: Any, path: Callable[[str, str], Path]) -> Lines:
    """Return the private branches that a case asks for; raises DataError for a wrong bus."""
    private = given.private
    if not isinstance(private, PrivateNetwork):
        start, end = random_pairs(drawn, probability(given.density, len(drawn.number)))
    elif private.nearest is not None:
        start, end = nearest_pairs(drawn, private.nearest)
    else:
        return _given(drawn, private, path)
    return start, end, distance(drawn, start, end), np.full(len(start), np.nan)


def probability(density: str | float, buses: int) -> float:
    """Return the probability of a branch from a number or one of the poster's words."""
    if not isinstance(density, str):
        return float(density)
    n = float(buses)
    named = {"1/n^2": n**2, "1/n": n, "1/sqrt(n)": math.sqrt(n), "1/log(n)": math.log(max(n, 2.0))}
    return min(1.0, 1.0 / named[density])


def random_pairs(drawn: Drawn, p: float) -> tuple[Ints, Ints]:
    """One draw per pair of agents, in the order of ``numpy.triu_indices``; a branch below p.

    The graphs of one seed are nested as p grows.
    """
    a = len(drawn.agents)
    starts, ends = [], []
    for i in range(a - 1):
        chosen = np.flatnonzero(drawn.rng.random(a - 1 - i) < p) + i + 1
        starts.append(np.full(len(chosen), i))
        ends.append(chosen)
    empty = np.zeros(0, dtype=np.int64)
    start, end = (np.concatenate([empty, *part]) for part in (starts, ends))
    return drawn.agents[start], drawn.agents[end]


def nearest_pairs(drawn: Drawn, neighbours: int) -> tuple[Ints, Ints]:
    """Each agent with its nearest ones; a branch that two ask for is one."""
    from scipy.spatial import KDTree

    a = len(drawn.agents)
    k = min(neighbours, a - 1)
    if k < 1:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    at = drawn.position[drawn.agents]
    near: Any = np.asarray(KDTree(at).query(at, k=k + 1)[1])
    pairs = {(min(i, j), max(i, j)) for i, row in enumerate(near.tolist()) for j in row if j != i}
    ordered = np.array(sorted(pairs), dtype=np.int64)
    return drawn.agents[ordered[:, 0]], drawn.agents[ordered[:, 1]]


def distance(drawn: Drawn, start: Ints, end: Ints) -> Floats:
    """Length of branches (f,), km."""
    found: Floats = np.linalg.norm(drawn.position[start] - drawn.position[end], axis=1)
    return found


def _given(drawn: Drawn, private: PrivateNetwork, path: Callable[[str, str], Path]) -> Lines:
    node = {int(number): k for k, number in enumerate(drawn.number)}
    agents = set(drawn.agents.tolist())
    edges: list[tuple[str, str, Edge]]
    if private.csv is not None:
        key = "parameters.private.csv"
        edges = [(key, f"row {row}: ", edge) for row, edge in _read(path(private.csv, key), key)]
    else:
        edges = [
            (f"parameters.private.edges.{k}", "", edge)
            for k, edge in enumerate(private.edges or [])
        ]
    ends = np.zeros((len(edges), 2), dtype=np.int64)
    for k, (key, place, edge) in enumerate(edges):
        for side, number in enumerate((edge.start, edge.end)):
            if number not in node:
                raise DataError(key, f"{place}there is no bus {number} in service")
            if node[number] not in agents:
                raise DataError(key, f"{place}bus {number} is no agent; see parameters.agents")
            ends[k, side] = node[number]
        if edge.start == edge.end:
            raise DataError(key, f"{place}leads from bus {edge.start} to itself")
    start, end = ends[:, 0], ends[:, 1]
    apart = distance(drawn, start, end)
    km = [d if e.km is None else e.km for d, (*_, e) in zip(apart, edges, strict=True)]
    own = [np.nan if e.resistance is None else e.resistance for *_, e in edges]
    return start, end, np.array(km, dtype=float), np.array(own, dtype=float)


def _read(path: Path, key: str) -> Iterator[tuple[int, Edge]]:
    for row, cells in csv_rows(path, ("from", "to"), key):
        numbers: dict[str, float] = {}
        for name in ("from", "to", "km", "resistance"):
            cell = cells.get(name, "")
            if not cell and name in ("km", "resistance"):
                continue
            wrong = _wrong(name, cell)
            if wrong:
                raise DataError(key, f"row {row}: {name} {wrong}, not {cell!r}")
            numbers[name] = float(cell)
        yield row, Edge.model_validate(numbers)


def _wrong(name: str, cell: str) -> str:
    """Say what a cell must be where it is something else."""
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if name in ("from", "to"):
        return "" if number.is_integer() and number >= 1 else "must be the number of a bus"
    if name == "km":
        return "" if 0 <= number <= LARGEST else "must be 0 or more"
    return "" if SMALLEST <= number <= LARGEST else "must be above 0"
