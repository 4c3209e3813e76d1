"""Parameters of a thermodynamic case as frozen arrays with units."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.errors import DataError
from optimodels.families.thermodynamics.parameters import (
    ContactEquilibrium,
    Degeneracy,
    DeviationRates,
)
from optimodels.families.thermodynamics.rates import Pair
from optimodels.model import Inputs

#: Excess products in a table that the case does not name.
_ROWS = 41
#: What an exponential cone resolves of one machine's entropy, in nats, and what of the whole
#: must be told apart: at a corner, where cones have no tangent, less would be decided by rounding.
_RESOLVED, _MATERIAL = 1e-9, 1e-5
#: What every statement of an equilibrium begins with.
SYSTEMS = (
    "System i = 1..n has N_i machines (machines); each buys or sells at",
    "(eps P)_i, EUR (unit_value). U_i, EUR, is (eps P)_i times the buyers less",
    "the sellers in it, U = sum_i U_i the total_value, N = sum_i N_i, and",
    "a_i = (eps P)_i^2, EUR^2. The entropy sigma, nats, is the logarithm of the",
    "number of states (11), sigma(0) the one at U = 0; 1/tau = d sigma / d U,",
    "1/EUR, with the activity tau, EUR (12).",
    "",
)
#: So many standard deviations on either side such a table covers where it cannot list all.
_REACH = 5.0


@dataclass(frozen=True)
class Levels:
    """One system of ``machines`` N, and the excess products 2m (k,) to look at."""

    machines: int
    excess: Ints


@dataclass(frozen=True)
class Rates:
    """Two systems, the deviations (k,) in rising order, and what turns them into MW and days."""

    pair: Pair
    deviation: int
    deviations: tuple[int, ...]
    cycles_per_day: float
    kilowatts: float


@dataclass(frozen=True)
class Contact:
    """n systems in contact: ``machines`` (n,) N_i, ``unit_value`` (n,) eps P in EUR.

    ``total_value`` U in EUR; ``mobile``, ``mixing`` and ``entropy`` as in the parameters.
    """

    machines: Floats
    unit_value: Floats
    total_value: float
    mobile: bool
    mixing: bool
    entropy: str

    @property
    def total_machines(self) -> float:
        """N of all systems."""
        return float(self.machines.sum())

    @property
    def weight(self) -> Floats:
        """a_i N_i = (eps P)_i^2 N_i (n,), EUR^2: the variance of U_i with modes at random."""
        found: Floats = self.unit_value**2 * self.machines
        return found

    @property
    def spread(self) -> float:
        """Standard deviation of the total value with modes at random, EUR."""
        return sqrt(float(self.weight.sum()))

    @property
    def deviation(self) -> float | None:
        """Standard deviation of the total value at random, EUR: with mixing every machine is in
        any system alike; without it mobile machines have no state at random."""
        if not self.mobile:
            return self.spread
        return (
            sqrt(self.total_machines * float((self.unit_value**2).mean())) if self.mixing else None
        )

    @property
    def unit(self) -> float:
        """What values are measured in where they are solved for, EUR; keeps numbers near one."""
        return max(self.spread, abs(self.total_value))

    @property
    def units(self) -> Floats:
        """Each system's own standard deviation s_i = sqrt(a_i N_i) times unit / spread (n,), EUR.

        Values in these have one curvature, however different the systems are.
        """
        found: Floats = np.sqrt(self.weight) * (self.unit / self.spread)
        return found

    @property
    def capacity(self) -> float:
        """The value of all machines in one mode, in EUR; mobile ones in the dearest system."""
        if self.mobile:
            return self.total_machines * float(self.unit_value.max())
        return float(self.unit_value @ self.machines)


def read_levels(inputs: Inputs) -> Levels:
    """Read a degeneracy case; an excess product is as even or odd as the number of machines."""
    given: Degeneracy = inputs.parameters
    n = given.machines
    if given.excess is None:
        return Levels(n, _peak(n))
    for k, excess in enumerate(given.excess):
        if abs(excess) > n:
            raise DataError(
                f"parameters.excess.{k}",
                f"must lie within -{n} to {n}, what {n} machines have, not {excess}",
            )
        if (excess - n) % 2:
            kind = "even" if n % 2 == 0 else "odd"
            raise DataError(
                f"parameters.excess.{k}", f"must be {kind}, as the {n} machines are, not {excess}"
            )
    return Levels(n, np.array(sorted(set(given.excess)), dtype=np.int64))


def _peak(n: int) -> Ints:
    """Every excess product where they are few, else steps over the peak on both sides of 0."""
    if n < _ROWS:
        return np.arange(-n, n + 1, 2, dtype=np.int64)
    half = _ROWS // 2
    step = 2 * max(1, ceil(_REACH * sqrt(n) / (2 * half)))
    found = step * np.arange(-half, half + 1, dtype=np.int64) + n % 2
    return found[np.abs(found) <= n]


def read_rates(inputs: Inputs) -> Rates:
    """Read a case of two systems; both can be without an excess product only if even."""
    given: DeviationRates = inputs.parameters
    for k, n in enumerate(given.machines):
        if n % 2:
            raise DataError(
                f"parameters.machines.{k}",
                f"must be even, not {n}: an odd number of machines always has an excess product",
            )
    pair = Pair(*given.machines)
    named = [("parameters.deviation", given.deviation)]
    named += [(f"parameters.more_deviations.{k}", d) for k, d in enumerate(given.more_deviations)]
    for key, deviation in named:
        if deviation > pair.most:
            raise DataError(
                key, f"must be at most {pair.most}, half of the smaller system, not {deviation}"
            )
    return Rates(
        pair=pair,
        deviation=given.deviation,
        deviations=tuple(sorted({given.deviation, *given.more_deviations})),
        cycles_per_day=given.cycles_per_day,
        kilowatts=given.kilowatts_per_machine,
    )


def read_contact(inputs: Inputs) -> Contact:
    """Read an equilibrium case; the total must be one that the systems can hold."""
    given: ContactEquilibrium = inputs.parameters
    contact = Contact(
        machines=np.array(given.machines, dtype=float),
        unit_value=np.array(given.unit_value, dtype=float),
        total_value=given.total_value,
        mobile=given.mobile,
        mixing=given.mobile and given.mixing,
        entropy=given.entropy,
    )
    most = contact.capacity
    if abs(contact.total_value) >= most:
        raise DataError(
            "parameters.total_value",
            f"must lie strictly between {-most:g} and {most:g} EUR, what the systems hold with all "
            f"machines in one mode, not {contact.total_value:g}",
        )
    lost = contact.total_value**2 / (2 * contact.total_machines * contact.unit_value.max() ** 2)
    corner = contact.mobile and not contact.mixing and contact.entropy == "exact"
    if corner and contact.total_machines * _RESOLVED > _MATERIAL * max(1.0, lost):
        raise DataError(
            "parameters.entropy",
            f"exact cannot be told from quadratic at {contact.total_value:g} EUR: "
            f"{contact.total_machines:g} machines lose {lost:.3g} nats; take quadratic",
        )
    return contact
