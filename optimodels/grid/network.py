"""One network as frozen arrays: what the mathematics of every family stands on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from optimodels.arrays import Complexes, Floats, Ints, Words
from optimodels.errors import DataError


@dataclass(frozen=True)
class Network:
    """A network in the order of pandapower's bus table; bus number = position + 1.

    Three-winding transformers bring auxiliary buses, which stand behind the ``own_buses`` of
    the table in every bus array. Buses that a closed switch joins share a node. Powers are per
    phase-sum, admittances and r, x in per unit on ``base_mva``; elements out of service are left
    out. Parallel lines and transformers that pandapower holds in one element are one branch of
    their joint impedance; those that are elements of their own stay apart.

    Buses (n,): ``bus_name``, ``bus_kv`` rated kV, ``bus_xy`` (n, 2) drawing coordinates or NaN,
    ``load_kw`` and ``load_kvar`` of the loads in service times their scaling, all phases,
    ``node`` of the bus in the power flow, -1 where it is out of service or isolated, ``bus_vm_low``
    and ``bus_vm_high`` the limits of its voltage, pu (NaN: none).

    Branches (m,): ``branch_from``, ``branch_to`` positions of buses, ``branch_kind`` (line,
    trafo, trafo3w, impedance, xward), ``branch_r_pu``, ``branch_x_pu``, ``branch_r_ohm``,
    ``branch_x_ohm`` (at the rated voltage of the from-bus), ``branch_b_pu`` charging,
    ``branch_ratio`` and ``branch_shift_deg`` of transformers, ``branch_rating_mva`` (NaN:
    none), ``branch_y`` (m, 4) admittances yff, yft, ytf, ytt.

    Nodes (k,): ``node_kind`` 1 PQ, 2 PV, 3 slack; ``node_shunt`` admittance; ``node_power``
    complex injection without the loads, MVA; ``node_vm``, ``node_va`` set voltage, pu and
    degrees. Generators (g,): ``generator_bus``, ``generator_mw`` as the network's own dispatch.
    """

    name: str
    source: str
    base_mva: float
    own_buses: int
    bus_name: Words
    bus_kv: Floats
    bus_xy: Floats
    bus_vm_low: Floats
    bus_vm_high: Floats
    load_kw: Floats
    load_kvar: Floats
    node: Ints
    branch_from: Ints
    branch_to: Ints
    branch_kind: Words
    branch_r_pu: Floats
    branch_x_pu: Floats
    branch_r_ohm: Floats
    branch_x_ohm: Floats
    branch_b_pu: Floats
    branch_ratio: Floats
    branch_shift_deg: Floats
    branch_rating_mva: Floats
    branch_y: Complexes
    node_kind: Ints
    node_shunt: Complexes
    node_power: Complexes
    node_vm: Floats
    node_va: Floats
    generator_bus: Ints
    generator_mw: Floats

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def fingerprint(self) -> str:
        """A hash over all of its arrays."""
        digest = hashlib.sha256(f"{self.name}{self.base_mva}{self.own_buses}".encode())
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                digest.update(np.ascontiguousarray(value).tobytes())
        return digest.hexdigest()

    def require_supply(self) -> None:
        """Raise DataError where buses ask for power that pandapower leaves out: it must not be
        lost without a word."""
        out = (self.node < 0) & (np.abs(self.load_kw) > 0)
        if out.any():
            raise DataError(
                "network",
                f"{named_buses(np.flatnonzero(out) + 1)} with a load of {self.load_kw[out].sum():g}"
                " kW in all out of service or on an island without supply: give no load there, or "
                "connect it",
            )


def named_buses(numbers: npt.ArrayLike) -> str:
    """Say which buses, by number; of many the first few."""
    given = np.asarray(numbers).tolist()
    shown = ", ".join(map(str, given[:5])) + (", ..." if len(given) > 5 else "")
    return f"bus {shown}" if len(given) == 1 else f"{len(given)} buses ({shown})"
