"""From a pandapower network to frozen arrays, with pandapower's own modelling of every element."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.errors import DataError
from optimodels.grid.network import Network
from optimodels.grid.sources import quiet

#: pandapower's stand-in for "no limit" of a line's current, kA.
_NO_LIMIT_KA = 9_999.0


def convert(net: Any, name: str, source: str) -> Network:
    """Return the arrays of a pandapower network; raises DataError where it is no network.

    Impedances, taps, shunts and charging come from the matrices that pandapower itself solves,
    so that a power flow on them is pandapower's.
    """
    if not len(net.bus):
        raise DataError("network", f"{name} has no buses")
    with quiet():
        try:
            ppci, lookups = _internal(net)
        except Exception as error:  # pandapower's converters raise what they trip over
            text = " ".join(f"{type(error).__name__}: {error}".split())[:160]
            raise DataError("network", f"pandapower cannot set {name} up: {text}") from error
    from pandapower.pypower.idx_brch import BR_B, BR_R, BR_X, F_BUS, SHIFT, T_BUS, TAP
    from pandapower.pypower.idx_bus import BASE_KV, BS, BUS_TYPE, GS, VA, VM
    from pandapower.pypower.idx_gen import GEN_BUS, VG
    from pandapower.pypower.makeSbus import makeSbus
    from pandapower.pypower.makeYbus import branch_vectors

    bus, branch, gen = ppci["bus"], ppci["branch"], ppci["gen"]
    base, nodes, own = float(ppci["baseMVA"]), len(bus), len(net.bus)
    node = _nodes(net, lookups["bus"], nodes)
    auxiliary = np.setdiff1d(np.arange(nodes), node[node >= 0])
    node = np.concatenate([node, auxiliary]).astype(np.int64)
    first = np.full(nodes, -1, dtype=np.int64)
    for position in range(len(node) - 1, -1, -1):
        if node[position] >= 0:
            first[node[position]] = position
    load_kw, load_kvar = _loads(net, len(node))
    ytt, yff, yft, ytf = branch_vectors(branch, len(branch))
    start, end = (np.real(branch[:, c]).astype(np.int64) for c in (F_BUS, T_BUS))
    kv = np.real(bus[:, BASE_KV])
    r, x = np.real(branch[:, BR_R]), np.real(branch[:, BR_X])
    ohm = kv[start] ** 2 / base
    ratio = np.real(branch[:, TAP])
    voltage = np.real(bus[:, VM]).copy()
    at = np.real(gen[:, GEN_BUS]).astype(np.int64)
    voltage[at] = np.real(gen[:, VG])
    power = np.asarray(makeSbus(base, bus, gen), dtype=np.complex128) * base
    served = node[: len(load_kw)] >= 0
    np.add.at(power, node[served], (load_kw + 1j * load_kvar)[served] / 1000.0)
    kinds, ratings = _elements(net, lookups["branch"], ppci, len(branch))
    slack_bus = _positions(net, net.ext_grid.bus[net.ext_grid.in_service.astype(bool)])
    own_gen = net.gen[net.gen.in_service.astype(bool)]
    extra = ["auxiliary"] * len(auxiliary)
    names = [str(n) if n is not None and n == n else str(i) for i, n in net.bus.name.items()]
    rated = np.concatenate([net.bus.vn_kv.to_numpy(dtype=float), kv[auxiliary]])
    return Network(
        name=name,
        source=source,
        base_mva=base,
        own_buses=own,
        bus_name=np.array([*names, *extra], dtype=np.str_),
        bus_kv=rated,
        bus_xy=_coordinates(net, len(node)),
        bus_vm_low=_limits(net, "min_vm_pu", len(node)),
        bus_vm_high=_limits(net, "max_vm_pu", len(node)),
        load_kw=load_kw,
        load_kvar=load_kvar,
        node=node,
        branch_from=first[start],
        branch_to=first[end],
        branch_kind=kinds,
        branch_r_pu=r,
        branch_x_pu=x,
        branch_r_ohm=r * ohm,
        branch_x_ohm=x * ohm,
        branch_b_pu=np.real(branch[:, BR_B]),
        branch_ratio=np.where(ratio == 0, 1.0, ratio),
        branch_shift_deg=np.real(branch[:, SHIFT]),
        branch_rating_mva=ratings,
        branch_y=np.stack([yff, yft, ytf, ytt], axis=1).astype(complex),
        node_kind=np.real(bus[:, BUS_TYPE]).astype(np.int64),
        node_shunt=(np.real(bus[:, GS]) + 1j * np.real(bus[:, BS])) / base,
        node_power=power,
        node_vm=voltage,
        node_va=np.real(bus[:, VA]),
        generator_bus=np.concatenate([_positions(net, own_gen.bus), slack_bus]),
        generator_mw=np.concatenate(
            [own_gen.p_mw.to_numpy(dtype=float), np.full(len(slack_bus), np.nan)]
        ),
    )


def _limits(net: Any, column: str, buses: int) -> Floats:
    """Return a limit of each bus, NaN where the table has none, as for auxiliary buses."""
    limits = np.full(buses, np.nan)
    if column in net.bus:
        limits[: len(net.bus)] = net.bus[column].to_numpy(dtype=float)
    return limits


def _internal(net: Any) -> tuple[Any, Any]:
    """Return pandapower's internal case and lookups, set up as ``runpp`` does, not solved."""
    from pandapower.auxiliary import _init_runpp_options
    from pandapower.pd2ppc import _pd2ppc

    _init_runpp_options(
        net,
        algorithm="nr",
        calculate_voltage_angles=True,
        init="flat",
        max_iteration="auto",
        tolerance_mva=1e-8,
        trafo_model="t",
        trafo_loading="current",
        enforce_p_lims=False,
        enforce_q_lims=False,
        check_connectivity=True,
        voltage_depend_loads=False,
        numba=False,
    )
    _, ppci = _pd2ppc(net)
    return ppci, net._pd2ppc_lookups


def _nodes(net: Any, lookup: Any, nodes: int) -> Ints:
    """Return each bus's node, -1 where pandapower leaves it out."""
    place = np.asarray(lookup)[net.bus.index.to_numpy()].astype(np.int64)
    served = net.bus.in_service.to_numpy(dtype=bool)
    return np.where(served & (place >= 0) & (place < nodes), place, -1)


def _loads(net: Any, buses: int) -> tuple[Floats, Floats]:
    """Return the loads in service by bus, kW and kvar; asymmetric ones are the sum of phases, as
    pandapower's balanced power flow takes them."""
    kw, kvar = np.zeros(buses), np.zeros(buses)
    phases = ["a", "b", "c"]
    for table, p, q in (
        (net.load, ["p_mw"], ["q_mvar"]),
        (net.asymmetric_load, [f"p_{k}_mw" for k in phases], [f"q_{k}_mvar" for k in phases]),
    ):
        load = table[table.in_service.astype(bool)]
        at = _positions(net, load.bus)
        scaling = load.scaling.to_numpy(dtype=float) * 1000.0
        np.add.at(kw, at, load[p].to_numpy(dtype=float).sum(axis=1) * scaling)
        np.add.at(kvar, at, load[q].to_numpy(dtype=float).sum(axis=1) * scaling)
    return kw, kvar


def _positions(net: Any, index: Any) -> Ints:
    return np.asarray(net.bus.index.get_indexer(index), dtype=np.int64)


def _elements(net: Any, lookup: Any, ppci: Any, branches: int) -> tuple[Any, Floats]:
    """Return kind and rating, MVA at rated voltage, of the branches that are in service."""
    served = np.asarray(ppci["internal"]["branch_is"], dtype=bool)
    kinds = np.full(len(served), "other", dtype="U9")
    ratings = np.full(len(served), np.nan)
    for kind, (first, last) in lookup.items():
        kinds[first:last] = kind
        if kind == "line":
            table = net.line
            kv = net.bus.vn_kv.loc[table.from_bus].to_numpy(dtype=float)
            amps = table.max_i_ka.to_numpy(dtype=float)
            full = np.sqrt(3.0) * kv * amps * table.df * table.parallel
            ratings[first:last] = np.where(amps < _NO_LIMIT_KA, full, np.nan)
        elif kind == "trafo":
            table = net.trafo
            full = (table.sn_mva * table.df * table.parallel).to_numpy(dtype=float)
            ratings[first:last] = np.where(full < _NO_LIMIT_KA, full, np.nan)
    assert int(served.sum()) == branches
    return kinds[served], ratings[served]


def _coordinates(net: Any, buses: int) -> Floats:
    """Read GeoJSON points of the bus table, or the older table of coordinates."""
    xy = np.full((buses, 2), np.nan)
    if "geo" in net.bus:
        for position, geo in enumerate(net.bus.geo):
            if isinstance(geo, str) and geo:
                try:
                    xy[position] = json.loads(geo)["coordinates"][:2]
                except (ValueError, KeyError, TypeError):
                    continue
    elif len(net.get("bus_geodata", [])):
        for index, row in net.bus_geodata.iterrows():
            xy[net.bus.index.get_loc(index)] = row.x, row.y
    return xy
