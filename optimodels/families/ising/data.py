"""Customers, their loads and who listens to whom as frozen arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import lcm
from pathlib import Path
from typing import Any

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.errors import DataError
from optimodels.families.flexibility import data as flexibility
from optimodels.families.flexibility.lattice import customer_lattice
from optimodels.families.flexibility.parameters import PROFILES, AggregatorMapping
from optimodels.families.ising.engine import Graph, from_bonds, lattice
from optimodels.families.ising.parameters import MOST_SITES, MOST_SPINS, Ensemble
from optimodels.grid import Network
from optimodels.grid.tables import csv_rows
from optimodels.model import Inputs

#: Weights whose sum is below this are whole numbers in the engine; C is exact in any case.
_MOST_WEIGHT = 2**61


@dataclass(frozen=True)
class Society:
    """N customers on the sites of a graph, and the B buses that they are on.

    ``bus`` (N,) the index of each site's bus, -1 where there are none; ``square`` (rows,
    columns) the sites by place, -1 where nobody is, or None on a general graph, whose ``edges``
    (E, 2) are as the file has them; ``within`` (N,) the aggregator that each listens within, None:
    no bounds; ``mapping`` (B,) the aggregator of every bus, counted from 0, where a case gives it.
    """

    parameters: Any
    customers: flexibility.FlexibilityData
    graph: Graph
    bus: Ints
    square: Ints | None
    edges: Ints | None = None
    within: Ints | None = None
    mapping: Ints | None = None
    threads: int = 1
    notes: tuple[str, ...] = ()

    @property
    def network(self) -> Network:
        return self.customers.network

    @property
    def sites(self) -> int:
        return self.graph.sites

    @property
    def on_buses(self) -> bool:
        """Whether the sites are customers of buses, so that there is a constraint."""
        return bool(self.parameters.customers == "network")

    @cached_property
    def members(self) -> Ints:
        """N_b (B,), customers of each bus as they are wired now."""
        return np.bincount(self.bus, minlength=len(self.customers.buses)).astype(np.int64)

    @cached_property
    def scale(self) -> int:
        """C of (22) is a whole number of 1 / scale."""
        members: list[int] = self.members.tolist()
        return lcm(*members) * int(self.customers.load.sum())

    @cached_property
    def whole_weights(self) -> list[int]:
        """Per bus (B,) scale p_b / N_b: what one customer's state moves scale C by; exact."""
        common = lcm(*self.members.tolist())
        pairs = zip(self.customers.load.tolist(), self.members.tolist(), strict=True)
        return [p * (common // n) for p, n in pairs]

    @cached_property
    def weights(self) -> Ints | Floats | None:
        """w_i (N,) of the engine's constraint: whole where they fit, else C itself."""
        if not self.on_buses:
            return None
        if self.scale < _MOST_WEIGHT:
            return np.array(self.whole_weights, dtype=np.int64)[self.bus]
        found: Floats = np.array([w / self.scale for w in self.whole_weights])[self.bus]
        return found

    @property
    def unit(self) -> float:
        """What one unit of the engine's constraint is of C."""
        weights = self.weights
        return 1.0 if weights is None or weights.dtype.kind == "f" else 1.0 / self.scale

    def rewired(self, bus: Ints) -> Society:
        """Return the same customers on other buses (N,)."""
        return replace(self, bus=bus)

    def bounded(self, mapping: Ints) -> Society:
        """Return the same with only the bonds between buses of one aggregator, (B,) of each."""
        own = mapping[self.bus]
        bonds = self.graph.bonds
        kept = own[bonds[:, 0]] == own[bonds[:, 1]]
        return replace(self, graph=self.graph.without(kept), within=own)

    @property
    def mapped_customers(self) -> flexibility.FlexibilityData:
        """What flexibility/aggregator-mapping is asked."""
        given = self.parameters
        asked = AggregatorMapping(
            kilowatts_per_customer=given.kilowatts_per_customer,
            aggregators=given.aggregators,
            slack=given.slack,
        )
        return replace(self.customers, parameters=asked)


def read(inputs: Inputs) -> Society:
    """Read a case of the family; raises DataError where customers and graph do not fit."""
    given = inputs.parameters
    # Where a model reads no profiles only mappings look at them: copies, for they are nothing that
    # the case could have given.
    unread = {name: replace(profile) for name, profile in PROFILES.items()}
    asked = replace(inputs, profiles={**unread, **inputs.profiles}, parameters=_Read(given))
    customers = replace(flexibility.read(asked), parameters=given)
    number = customers.customers
    total = int(number.sum()) if given.customers == "network" else None
    graph, square, edges = _graph(inputs, number, total)
    if total is None:
        bus = np.full(graph.sites, -1, dtype=np.int64)
    elif square is None:
        bus = np.repeat(np.arange(len(number)), number)
    else:
        shape = square.shape[0], square.shape[1]
        bus = customer_lattice(number, shape)[square >= 0]
    society = Society(
        parameters=given,
        customers=customers,
        graph=graph,
        bus=bus,
        square=square,
        edges=edges,
        mapping=_mapping(given, customers),
        threads=inputs.threads,
        notes=customers.notes if total is not None else (),
    )
    _fits(society)
    return society


@dataclass(frozen=True)
class _Read:
    """What flexibility reads of a case: hours only where the model has a horizon."""

    given: Ensemble

    @property
    def kilowatts_per_customer(self) -> float:
        return self.given.kilowatts_per_customer

    @property
    def hours_per_step(self) -> float:
        return float(getattr(self.given, "hours_per_step", 1.0))


def _fits(society: Society) -> None:
    given, n = society.parameters, society.sites
    if n * given.replicas > MOST_SPINS:
        raise DataError(
            "parameters.replicas",
            f"{given.replicas} replicas of {n} customers are more than {MOST_SPINS} spins; "
            "take fewer",
        )
    for k, distance in enumerate(getattr(given, "perturbations", ())):
        if distance > n:
            raise DataError(
                f"parameters.perturbations.{k}", f"{distance} is more than the {n} customers"
            )


def _graph(
    inputs: Inputs, number: Ints, total: int | None
) -> tuple[Graph, Ints | None, Ints | None]:
    """Return the graph, the sites by place, and the edges of a file."""
    given = inputs.parameters.graph
    if given is not None and given.csv is not None:
        key = "parameters.graph.csv"
        edges = _edges(inputs.path(given.csv, key), key, total)
        sites = total if total is not None else int(edges.max()) + 1
        return from_bonds(sites, edges), None, edges
    if given is None:
        occupied = customer_lattice(number) >= 0
    else:
        shape = given.rows, given.columns
        if total is not None and shape[0] * shape[1] != total:
            raise DataError(
                "parameters.graph",
                f"{shape[0]} x {shape[1]} = {shape[0] * shape[1]} sites for {total} customers; "
                "take another lattice, or customers: none",
            )
        if shape[0] * shape[1] > MOST_SITES:
            raise DataError(
                "parameters.graph", f"{shape[0]} x {shape[1]} are more than {MOST_SITES} sites"
            )
        occupied = np.ones(shape, dtype=bool)
    square = np.full(occupied.shape, -1, dtype=np.int64)
    square[occupied] = np.arange(int(occupied.sum()))
    return lattice(occupied), square, None


def _edges(path: Path, key: str, total: int | None) -> Ints:
    """Read who knows whom: columns from and to, customers counted from 1; return sites (E, 2)."""
    bonds: dict[tuple[int, int], int] = {}
    for row, cells in csv_rows(path, ("from", "to"), key):
        first, second = sorted(_customer(cells, name, row, key, total) for name in ("from", "to"))
        if first == second:
            raise DataError(key, f"row {row}: customer {first} listens to himself")
        known = bonds.setdefault((first, second), row)
        if known != row:
            raise DataError(
                key,
                f"row {row}: customers {first} and {second} stand in row {known} already; each "
                "pair stands once",
            )
    return np.array(list(bonds), dtype=np.int64) - 1


def _customer(cells: Mapping[str, str], name: str, row: int, key: str, total: int | None) -> int:
    text = cells[name]
    if not text.isdecimal() or not 1 <= int(text) <= (total or MOST_SITES):
        known = f"1 to {total}" if total is not None else "counted from 1"
        raise DataError(key, f"row {row}: {text!r} is no customer; they are {known}")
    return int(text)


def _mapping(given: Ensemble, customers: flexibility.FlexibilityData) -> Ints | None:
    """The aggregator of every bus (B,), where the case gives the mapping."""
    if given.mapping is None:
        return None
    buses = len(customers.buses)
    if len(given.mapping) != buses:
        raise DataError(
            "parameters.mapping",
            f"{len(given.mapping)} entries for {buses} buses with customers; one each",
        )
    return np.array(given.mapping, dtype=np.int64) - 1
