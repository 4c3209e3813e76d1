"""Public and private network, agents and prices of a coalition case as frozen arrays.

Powers are per unit on 100 MVA. Buses are the nodes of the power flow, in pandapower's internal
order; a bus's number is its position in the network's table + 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from optimodels.arrays import Floats, Ints, Mask
from optimodels.errors import DataError
from optimodels.families.coalition.private import Drawn, private_branches
from optimodels.grid import Network
from optimodels.grid.network import named_buses
from optimodels.model import Inputs

if TYPE_CHECKING:
    from scipy import sparse


BASE_MVA = 100.0
#: Susceptance of a branch whose law would make it infinite.
TIE = 1e4


@dataclass(frozen=True)
class Branches:
    """Branches from bus ``start`` to bus ``end`` (m,), positions of buses, with ``resistance``
    and ``susceptance`` (m,) in pu; a private branch, which obeys no law, has NaN for the latter."""

    start: Ints
    end: Ints
    resistance: Floats
    susceptance: Floats

    def __len__(self) -> int:
        return len(self.start)

    def where(self, chosen: Mask | Ints) -> Branches:
        """Return some of the branches."""
        return Branches(
            self.start[chosen], self.end[chosen], self.resistance[chosen], self.susceptance[chosen]
        )

    def incidence(self, buses: int) -> sparse.csr_array:
        """A (n, m): +1 where a branch starts, -1 where it ends."""
        return self._ends(buses, -1.0)

    def touching(self, buses: int) -> sparse.csr_array:
        """|A| (n, m): 1 at both ends."""
        return self._ends(buses, 1.0)

    def _ends(self, buses: int, end: float) -> sparse.csr_array:
        from scipy import sparse

        m = len(self)
        rows = np.concatenate([self.start, self.end])
        columns = np.tile(np.arange(m), 2)
        values = np.concatenate([np.ones(m), np.full(m, end)])
        return sparse.csr_array(sparse.coo_array((values, (rows, columns)), shape=(buses, m)))


def cost_unit(unit: float) -> str:
    """Return the unit of a cost whose powers are in multiples of ``unit`` pu."""
    return "price x pu" if unit == 1 else f"price x {unit:g} pu"


@dataclass(frozen=True)
class Instance:
    """A case of the family: n buses, m public and f private branches.

    ``number`` (n,) of the buses, ``first`` (n,) their positions in the network's table;
    ``demand`` and ``generation`` (n,) pu; ``grid`` (k,) buses of the main grid, ``agents`` (a,);
    ``private_km`` (f,); ``position`` (n, 2) in km.
    """

    network: Network
    parameters: Any
    first: Ints
    demand: Floats
    generation: Floats
    grid: Ints
    agents: Ints
    public: Branches
    private: Branches
    private_km: Floats
    position: Floats
    notes: tuple[str, ...] = ()

    @property
    def buses(self) -> int:
        return len(self.demand)

    @property
    def number(self) -> Ints:
        return self.first + 1

    @property
    def endowment(self) -> Floats:
        """Generation less demand (n,), pu."""
        return self.generation - self.demand

    @cached_property
    def unit(self) -> float:
        """The power of ten of a pu in which flows are solved for; keeps their numbers near one."""
        size = float(np.abs(self.endowment).max(initial=0.0))
        return float(10.0 ** round(math.log10(size / 10))) if size > 0 else 1.0

    def cost(self, net: Floats) -> float:
        """Return what net imports (k,) at the grid's buses cost, exports paid off."""
        given = self.parameters
        bought, sold = np.maximum(net, 0.0).sum(), np.maximum(-net, 0.0).sum()
        return float(given.import_price * bought - given.export_price * sold)

    def groups(self) -> Ints:
        """Return the component of the private network of every bus (n,), counted from 0."""
        return components(self.buses, self.private)


def components(buses: int, *lines: Branches) -> Ints:
    """Return the component (n,) of every bus in a network of these branches."""
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    start = np.concatenate([branches.start for branches in lines])
    end = np.concatenate([branches.end for branches in lines])
    graph = sparse.coo_array((np.ones(len(start)), (start, end)), shape=(buses, buses))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def read(inputs: Inputs) -> Instance:
    """Read a case of the family; raises DataError where its data make no sense."""
    network, given = inputs.network, inputs.parameters
    first = _first_positions(network)
    n = len(first)
    network.require_supply()
    slack = np.flatnonzero(network.node_kind == 3)
    public, notes = _public(network, given, first)
    agents = _agents(network, given, first, slack)
    rng = np.random.default_rng(given.seed)
    drawn = Drawn(rng, rng.uniform(0.0, 1.0, (n, 2)) * given.side_km, agents, first + 1)
    if given.positions == "network":
        drawn = replace(drawn, position=_scaled(network, first, given.side_km))
    start, end, km, own = private_branches(drawn, given, inputs.path)
    resistance = np.where(
        np.isnan(own), given.private_resistance + given.resistance_per_km * km, own
    )
    _check_private(first, start, end, resistance)
    demand, generation = _power(network, inputs, drawn)
    instance = Instance(
        network=network,
        parameters=given,
        first=first,
        demand=given.scale * demand,
        generation=given.scale * generation,
        grid=slack.astype(np.int64),
        agents=agents,
        public=public,
        private=Branches(start, end, resistance, np.full(len(start), np.nan)),
        private_km=km,
        position=drawn.position,
        notes=tuple(notes),
    )
    _check_supply(instance)
    return instance


def _first_positions(network: Network) -> Ints:
    """Return the first bus of the table at each node (n,)."""
    found = np.full(len(network.node_kind), -1, dtype=np.int64)
    for position in range(len(network.node) - 1, -1, -1):
        if network.node[position] >= 0:
            found[network.node[position]] = position
    return found


def _public(network: Network, given: Any, first: Ints) -> tuple[Branches, list[str]]:
    start, end = network.node[network.branch_from], network.node[network.branch_to]
    to_base = BASE_MVA / network.base_mva
    r, x = network.branch_r_pu * to_base, network.branch_x_pu * to_base
    for k, change in enumerate(given.public_resistance):
        one, other = (
            node_of(network, number, f"parameters.public_resistance.{k}")
            for number in (change.start, change.end)
        )
        between = ((start == one) & (end == other)) | ((start == other) & (end == one))
        if not between.any():
            raise DataError(
                f"parameters.public_resistance.{k}",
                f"there is no public branch between buses {change.start} and {change.end}",
            )
        r = np.where(between, change.resistance, r)
    negative = np.flatnonzero(r < 0)
    if len(negative) and given.negative_resistance == "zero":
        r = np.maximum(r, 0.0)
    elif len(negative):
        e = int(negative[0])
        raise DataError(
            "network",
            f"{_count(len(negative), 'public branch', 'public branches')} of negative resistance, "
            f"the first {r[e]:g} pu between buses {first[start[e]] + 1} and {first[end[e]] + 1}: "
            "losses there would be gains; parameters.negative_resistance: zero takes them as "
            "branches without losses",
        )
    own = r if given.public_law == "resistive" else x
    with np.errstate(divide="ignore"):
        b = np.where(own == 0, TIE, 1.0 / np.where(own == 0, 1.0, own))
    kept = start != end
    notes = []
    lossless = int(np.sum(r[kept] == 0))
    if lossless:
        without = _count(lossless, "public branch", "public branches")
        notes.append(f"no losses on {without} without resistance")
    branches = Branches(start.astype(np.int64), end.astype(np.int64), r, b)
    return branches.where(kept), notes


def node_of(network: Network, number: int, key: str) -> int:
    """Return the node of a bus number; raises DataError where there is no such bus in service."""
    if not 1 <= number <= len(network.node):
        raise DataError(key, f"{network.name} has no bus {number}, only 1 to {len(network.node)}")
    node = int(network.node[number - 1])
    if node < 0:
        raise DataError(key, f"bus {number} of {network.name} is out of service")
    return node


def _agents(network: Network, given: Any, first: Ints, slack: Ints) -> Ints:
    if given.agents is not None:
        nodes = [
            node_of(network, number, f"parameters.agents.{k}")
            for k, number in enumerate(given.agents)
        ]
        for k, node in enumerate(nodes):
            if node in nodes[:k]:
                raise DataError(
                    f"parameters.agents.{k}",
                    f"bus {given.agents[k]} is named twice, or by a switch one bus with another "
                    "that is named",
                )
        return np.array(sorted(nodes), dtype=np.int64)
    # The station as the network has it, whatever resistances the case replaces.
    start, end = network.node[network.branch_from], network.node[network.branch_to]
    tie = network.branch_r_pu == 0
    station = np.zeros(len(first), dtype=bool)
    station[slack] = True
    # Only what is tied to the grid's own bus: transformers without resistance are no station.
    station[end[tie & np.isin(start, slack)]] = True
    station[start[tie & np.isin(end, slack)]] = True
    return np.flatnonzero(~station).astype(np.int64)


def _scaled(network: Network, first: Ints, side: float) -> Floats:
    xy = np.asarray(network.bus_xy, dtype=float)[first]
    if not np.isfinite(xy).all():
        raise DataError("parameters.positions", f"{network.name} has no positions of its buses")
    size = float(np.ptp(xy, axis=0).max())
    if size == 0:
        raise DataError("parameters.positions", f"all buses of {network.name} are at one place")
    return np.asarray((xy - xy.min(axis=0)) * (side / size))


def _check_private(first: Ints, start: Ints, end: Ints, resistance: Floats) -> None:
    free = np.flatnonzero(resistance == 0)
    if len(free):
        i, j = first[start[free[0]]] + 1, first[end[free[0]]] + 1
        raise DataError(
            "parameters.private_resistance",
            f"the private branch {i}-{j} has no resistance and could carry any power for nothing: "
            "private_resistance or resistance_per_km must be above 0",
        )


def _power(network: Network, inputs: Inputs, drawn: Drawn) -> tuple[Floats, Floats]:
    """Return demand and own generation (n,) in pu: demand max(PD, 0), and what the case says."""
    given = inputs.parameters
    n = len(network.node_kind)
    load, dispatch = np.zeros(n), np.zeros(n)
    served = network.node >= 0
    np.add.at(load, network.node[served], network.load_kw[served] / 1000.0)
    at = network.node[network.generator_bus]
    own = np.nan_to_num(network.generator_mw)
    np.add.at(dispatch, at[at >= 0], own[at >= 0])
    # What the network's injections have beyond generators are negative loads.
    net = load - (network.node_power.real - dispatch)
    net = np.where(np.abs(net) < 1e-9, 0.0, net)
    # A generator that draws power is a load.
    pumped = np.maximum(-dispatch, 0.0)
    demand = np.maximum(net, 0.0) + pumped
    law = given.endowment
    generation = np.zeros(n)
    if law.case_dispatch is not None:
        rest = np.where(network.node_kind == 3, 0.0, np.maximum(dispatch, 0.0))
        generation = law.case_dispatch * rest + np.maximum(-net, 0.0)
    elif law.csv is not None:
        generation = _from_file(inputs, network, n)
    else:
        low, high = law.uniform or law.per_bus
        number = drawn.rng.uniform(low, high, len(drawn.agents))
        of = demand[drawn.agents] if law.uniform is not None else np.ones(len(drawn.agents))
        generation[drawn.agents] = number * of
    return demand / BASE_MVA, generation / BASE_MVA


def _from_file(inputs: Inputs, network: Network, n: int) -> Floats:
    from optimodels.grid.profiles import read_csv_column

    key = "parameters.endowment.csv"
    path = inputs.path(inputs.parameters.endowment.csv, key)
    try:
        numbers, megawatts = (read_csv_column(path, c) for c in ("bus", "generation_mw"))
    except DataError as error:
        raise DataError(key, error.message) from error
    generation = np.zeros(n)
    for row, (number, mw) in enumerate(zip(numbers, megawatts, strict=True), start=2):
        if mw < 0:
            raise DataError(key, f"row {row}: generation_mw must be 0 or more, not {mw:g}")
        if number != int(number):
            raise DataError(key, f"row {row}: bus must be the number of a bus, not {number:g}")
        try:
            generation[node_of(network, int(number), key)] += mw
        except DataError as error:
            raise DataError(key, f"row {row}: {error.message}") from error
    return generation


def _check_supply(instance: Instance) -> None:
    """Every part of the public network needs a bus of the main grid."""
    part = components(instance.buses, instance.public)
    alone = ~np.isin(part, part[instance.grid])
    if alone.any():
        numbers = instance.number[alone]
        raise DataError(
            "network",
            f"{named_buses(numbers)} on an island without a bus of the main grid: connect it, or "
            "take it out of service",
        )


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
