"""Network, profiles and parameters of a flexibility case as frozen arrays with units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.errors import DataError
from optimodels.families.flexibility.parameters import PROFILES
from optimodels.grid import Network
from optimodels.model import Inputs, Profile

#: Loads are whole multiples of the coarsest of these that represents them all, in kW.
_UNITS_KW = (1000, 100, 10, 1)

#: More than the world's load; above it whole kW would no longer be exact in sums and products.
_MOST_KW = 1e10
#: Their states are counted one by one.
_MOST_CUSTOMERS = 1e9

#: A profile whose steps are no whole multiples of a common step is rounded to a thousandth of
#: its peak where a balance must be exact in integers (chosen; the result says by how much).
_PROFILE_STEPS = 1_000


@dataclass(frozen=True)
class Customers:
    """The load buses B of a network and the customers on them.

    ``buses`` (B,) positions in the network (bus number = position + 1); ``load`` (B,) whole
    numbers of ``unit_kw`` kW; ``share`` (B,) p_b, sums to 1; ``customers`` (B,) N_b >= 1.
    """

    network: Network
    buses: Ints
    load: Ints
    unit_kw: int
    share: Floats
    customers: Ints
    notes: tuple[str, ...]

    @property
    def load_kw(self) -> Ints:
        """Loads of the buses (B,), whole kW."""
        return self.load * self.unit_kw


@dataclass(frozen=True)
class FlexibilityData(Customers):
    """The load buses B of a network over T steps.

    ``power_kw`` (T,) P(t) at the source; ``price`` (T,) real-time price, EUR/MWh; ``hours``
    length of a step, h; ``weight`` (T,) P(t) as integers without a common divisor.
    """

    power_kw: Floats
    price: Floats
    hours: float
    weight: Ints
    parameters: Any

    @property
    def energy_mwh(self) -> Floats:
        """Energy at the source by step (T,), MWh."""
        return self.power_kw * self.hours / 1000.0

    @property
    def value_eur(self) -> Floats:
        """What the whole load of each step costs at the real-time price (T,), EUR."""
        return self.price * self.energy_mwh


def read_customers(network: Network, kilowatts_per_customer: float) -> Customers:
    """Read a network's loads and customers; loads become whole kW, as balances must be exact."""
    network.require_supply()
    exact_kw = np.asarray(network.load_kw, dtype=float)[: network.own_buses]
    if not np.all(np.abs(exact_kw) < _MOST_KW):
        bus = int(np.flatnonzero(~(np.abs(exact_kw) < _MOST_KW))[0])
        raise DataError(
            "network", f"bus {bus + 1} has a load of {exact_kw[bus]:g} kW; at most {_MOST_KW:g} kW"
        )
    rounded = np.rint(exact_kw).astype(np.int64)
    buses = np.flatnonzero(rounded > 0)
    if not len(buses):
        raise DataError("network", f"{network.name} has no bus with a positive load")
    notes = _left_out(exact_kw, rounded)
    kw = rounded[buses]
    unit = next(u for u in _UNITS_KW if not np.any(kw % u))
    # "round" as the paper's text has it; halves go to the even number, as NumPy's and Python's.
    counted = np.rint(kw / kilowatts_per_customer)
    if counted.sum() > _MOST_CUSTOMERS:
        raise DataError(
            "parameters.kilowatts_per_customer",
            f"makes {counted.sum():.3g} customers of {kw.sum()} kW; raise it: at most "
            f"{_MOST_CUSTOMERS:g}",
        )
    customers = counted.astype(np.int64)
    empty = int(np.sum(customers == 0))
    if empty:
        notes.append(f"{empty} buses of less than half a customer are counted as one customer")
    return Customers(
        network=network,
        buses=buses,
        load=kw // unit,
        unit_kw=unit,
        share=kw / kw.sum(),
        customers=np.maximum(customers, 1),
        notes=tuple(notes),
    )


def read(inputs: Inputs) -> FlexibilityData:
    """Read a case of the family: customers, profiles, parameters."""
    parameters = inputs.parameters
    found = read_customers(inputs.network, parameters.kilowatts_per_customer)
    power = _power(inputs.profiles["load"], float(found.load_kw.sum()))
    price = np.asarray(inputs.profiles["price"].values, dtype=float)
    if len(price) != len(power):
        raise DataError(
            "profiles",
            f"load has {len(power)} steps and price {len(price)}; they must have the same number",
        )
    missing = [name for name, profile in PROFILES.items() if inputs.profiles[name] is profile]
    if missing:
        said = f"no profile of {' and '.join(missing)} given: the example day's, which is ours"
        found = replace(found, notes=(*found.notes, said))
    weight, rounding = whole_weights(power)
    if rounding:
        said = (
            f"the load profile is rounded by up to {rounding:.2g} of its peak where whole "
            "customers must balance exactly"
        )
        found = replace(found, notes=(*found.notes, said))
    return FlexibilityData(
        **vars(found),
        power_kw=power,
        price=price,
        hours=float(parameters.hours_per_step),
        weight=weight,
        parameters=parameters,
    )


def _left_out(exact_kw: Floats, rounded: Ints) -> list[str]:
    notes = []
    idle = int(np.sum(exact_kw == 0))
    if idle:
        buses = "bus" if idle == 1 else "buses"
        notes.append(f"no customers on {idle} {buses} without a load")
    left = (exact_kw != 0) & (rounded <= 0)
    if left.any():
        buses = "bus" if left.sum() == 1 else "buses"
        notes.append(
            f"left out: {int(left.sum())} {buses} with a negative load or less than half a kW, "
            f"{float(exact_kw[left].sum()):g} kW in all"
        )
    off = np.abs(exact_kw - rounded)[rounded > 0]
    # What is left of decimal loads in MW is binary dust of the order of 1e-10 kW.
    if len(off) and off.max() > 1e-6:
        notes.append(
            f"loads are rounded to whole kW: {int(np.sum(off > 1e-6))} buses, by up to "
            f"{off.max():.3g} kW"
        )
    return notes


def _power(profile: Profile, total_kw: float) -> Floats:
    """Return P(t) in kW; a profile in percent is of the network's whole load."""
    values = np.asarray(profile.values, dtype=float)
    power = values if profile.unit == "kw" else values * total_kw / 100.0
    if np.any(power <= 0):
        step = int(np.argmax(power <= 0)) + 1
        raise DataError("profiles.load", f"step {step} is {values[step - 1]:g}; must be positive")
    return np.asarray(power, dtype=float)


def whole_weights(values: Sequence[float] | Floats) -> tuple[Ints, float]:
    """Return integers in the proportions of positive numbers, and the rounding, of the peak.

    Numbers that are whole multiples of a common decimal step keep their proportions exactly;
    others are rounded to a thousandth of their peak.
    """
    numbers = np.asarray(values, dtype=float)
    scaled = [Fraction(f"{v:.12g}") for v in numbers]
    scale = lcm(*(f.denominator for f in scaled))
    whole = [int(f * scale) for f in scaled]
    common = gcd(*whole)
    if max(whole) // common <= _PROFILE_STEPS * 10:
        return np.array([w // common for w in whole], dtype=np.int64), 0.0
    exact = numbers / numbers.max() * _PROFILE_STEPS
    near = np.maximum(1, np.rint(exact)).astype(np.int64)
    if near.sum() % 2:
        # With an odd sum no odd number of customers could balance: the step that was rounded
        # most goes to its other neighbour.
        worst = int(np.argmax(np.abs(near - exact)))
        near[worst] += 1 if exact[worst] > near[worst] or near[worst] == 1 else -1
    return near, float(np.abs(near - exact).max() / _PROFILE_STEPS)
