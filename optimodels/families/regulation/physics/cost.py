"""Regulation over five-minute dispatches: energies, prices and payments, four seconds each.

What a clearing dispatches is fed back to the next interval (003, figure 6). Three things are not:
the deviation of prices P_D, which the report gives for each interval but bids do not take up, as
003 gives no demand curve with it, and the elasticity stays; markets of the neighbours, without
which deviations of tielines are owed by nobody here (003, section 3.5 leaves them open too); and a
limit of demand response, for which payments would no longer scale: see ``saturation`` of
regulation/frequency-response.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.errors import DataError
from optimodels.families.regulation.physical_parameters import MOST_STEPS, RegulationCost
from optimodels.families.regulation.physics import disturbances
from optimodels.families.regulation.physics.data import inputs_of, signal_of, system_of
from optimodels.families.regulation.physics.dispatch import Bids, Dispatches
from optimodels.families.regulation.physics.simulation import Inputs as Given
from optimodels.families.regulation.physics.simulation import linear
from optimodels.families.regulation.physics.system import StateSpace, System, state_space
from optimodels.model import Inputs

#: Who is paid, and who makes the regulation necessary: energies add up to the same.
PAID = ("droop", "agc", "demand")
CAUSES = ("native", "exports", "damping")


@dataclass(frozen=True)
class Hour:
    """K dispatches with what disturbs them.

    ``grid`` (k + 1,) s has every time at which something changes, and every price's. ``given``
    are inputs per unit of the whole load: power lost in each area, one, and the quantity that the
    last clearing has dispatched, as a deviation from the beginning. ``load`` (K,) MW is what the
    study area's market sees at each clearing. ``marks`` (j + 1,) are the places in the grid of the
    prices of regulation, j of them, and ``interval`` (j,) the dispatch that each belongs to.
    """

    system: System
    follows: float | None
    nominal_hz: float
    megawatts: float
    bids: Bids
    decay: float
    grid: Floats
    given: Given
    load: Floats
    marks: Ints
    interval: Ints
    needed: str
    includes: bool
    reference: float | None

    @property
    def own_load(self) -> float:
        """MW; the study area's mean load."""
        return self.megawatts * self.system.shares[0]


def read_hour(inputs: Inputs) -> Hour:
    """Read a case of regulation cost."""
    given: RegulationCost = inputs.parameters
    duration = given.intervals * given.interval_s
    signals = [
        (one, signal_of(one, inputs, f"parameters.disturbance.{k}", duration, given.seed + k))
        for k, one in enumerate(given.disturbance)
    ]
    share = given.study_share
    profile = share * (np.array(given.load_profile) - given.load_profile[0])
    load = disturbances.straight(profile, duration / (len(profile) - 1))
    clearings = given.interval_s * np.arange(given.intervals, dtype=float)
    events = [signal.times for _, signal in signals]
    grid = disturbances.grid(
        duration, given.regulation_s, np.concatenate([*events, load.times, clearings])
    )
    if len(grid) > MOST_STEPS + 1:
        raise DataError(
            "parameters.disturbance",
            f"changes and steps are more than {MOST_STEPS}; lengthen every, or the step",
        )
    begin, end, _ = inputs_of(signals, grid, given.nominal_hz)
    more = load.within(grid)
    begin[:, 0] += more[0]
    end[:, 0] += more[1]
    # A clearing sees what was lost until then, and dispatches that; the first one sees nothing.
    lost = np.append(0.0, end[:, 0])
    seen = lost[np.searchsorted(grid, clearings - 1e-6)]
    count = round(given.interval_s / given.regulation_s)
    times = given.regulation_s * np.arange(given.intervals * count + 1, dtype=float)
    number = np.minimum(
        np.searchsorted(clearings, (grid[:-1] + grid[1:]) / 2) - 1, given.intervals - 1
    )
    begin[:, 3] = end[:, 3] = seen[number]
    hour = Hour(
        system=system_of(given),
        follows=given.demand_follows,
        nominal_hz=given.nominal_hz,
        megawatts=given.system_load_mw,
        bids=Bids(given.supply, given.mean_price, given.elasticity),
        decay=given.dispatch_decay,
        grid=grid,
        given=Given(begin, end),
        load=given.system_load_mw * (share * given.load_profile[0] + seen),
        marks=np.searchsorted(grid, times - 1e-6).astype(np.int64),
        interval=np.repeat(np.arange(given.intervals), count).astype(np.int64),
        needed=given.needed,
        includes=given.price_includes_dispatch,
        reference=given.reference,
    )
    return with_demand(hour, given.demand_response)


@dataclass(frozen=True)
class Regulated:
    """What regulation was and cost, in j steps of one price each.

    ``energy`` and ``money`` (j,) by name of ``PAID`` and ``CAUSES``, MWh and $; ``price`` (j,)
    P_R; ``needed`` dQ and ``ace`` (j,) MW; ``frequency`` (k + 1,) per unit.
    """

    dispatches: Dispatches
    states: Floats
    space: StateSpace
    frequency: Floats
    price: Floats
    needed: Floats
    ace: Floats
    energy: dict[str, Floats]
    money: dict[str, Floats]

    def paid(self, name: str) -> float:
        return float(self.money[name].sum())

    @property
    def total(self) -> float:
        """$; all that is paid."""
        return sum(self.paid(name) for name in PAID)

    def share(self, name: str) -> float | None:
        """The part of all payments, or None where nothing is paid."""
        return self.paid(name) / self.total if self.total else None


def regulate(hour: Hour) -> Regulated:
    """Clear the dispatches, simulate what they leave to regulation, and price it.

    The price of regulation is R dQ, with dQ = -ACE, or what all resources give, as measured at the
    beginning of each step (003, section 3.5); each resource is paid it for the energy of its
    actual response.
    """
    dispatches = _cleared(hour)
    space = _metered(_dispatched(state_space(hour.system), hour.decay), hour.system)
    states = linear(space, hour.grid, hour.given)
    n = len(space.a) - len(_METERS)
    at = hour.marks
    now = states[at[:-1]]
    ace = now @ space.c[space.row("ace")]
    ace = hour.megawatts * (ace + hour.given.begin[at[:-1]] @ space.d[space.row("ace")])
    # Meters are integrals: their rows of A are the powers.
    given = hour.megawatts * (now @ space.a[n : n + len(PAID)].sum(axis=0))
    needed = -ace if hour.needed == "ace" else given
    price = dispatches.slope[hour.interval] * needed
    if hour.includes:
        price = price + dispatches.price[hour.interval]
    energy = {
        name: hour.megawatts / 3600 * np.diff(states[at, n + k]) for k, name in enumerate(_METERS)
    }
    money = {name: price * metered for name, metered in energy.items()}
    return Regulated(dispatches, states, space, states[:, 0], price, needed, ace, energy, money)


def _cleared(hour: Hour) -> Dispatches:
    return hour.bids.clear(hour.load, hour.system.demand_response * hour.own_load)


def with_demand(hour: Hour, demand_response: float) -> Hour:
    """Return the hour with a part of the load responding, which follows ACE by the market's
    participation where the case does not say by how much (003, section 3.5)."""
    there = replace(hour, system=replace(hour.system, demand_response=demand_response))
    share = hour.follows
    if share is None:
        share = float(_cleared(there).demand_share.mean())
    return replace(there, system=replace(there.system, demand_share=share))


def _dispatched(space: StateSpace, decay: float) -> StateSpace:
    """Return the system whose area loses less by what it has dispatched.

    T q' = target - q (003, section 3.4: a decay, not a step); the target is the fourth input.
    """
    n = len(space.a)
    a, b = np.zeros((n + 1, n + 1)), np.zeros((n + 1, 4))
    a[:n, :n], a[:n, n], a[n, n] = space.a, -space.b[:, 0], -1 / decay
    b[:n, :3], b[n, 3] = space.b, 1 / decay
    c = np.column_stack([space.c, -space.d[:, 0]])
    d = np.column_stack([space.d, np.zeros(len(space.d))])
    return StateSpace(a, b, c, d, (*space.names, "dispatched"))


#: What is metered, in the order of the states that follow those of the system.
_METERS = (*PAID, *CAUSES)


def _metered(space: StateSpace, system: System) -> StateSpace:
    """Return the system with a meter of every resource, and of every cause."""
    n, more = len(space.a), len(_METERS)
    rows, direct = np.zeros((more, n)), np.zeros((more, space.b.shape[1]))
    for k, name in enumerate(_METERS):
        if name == "demand":
            rows[k] = -space.c[space.row("friendly")] - space.c[space.row("following")]
        elif name == "native":
            rows[k, -1], direct[k, 0] = -1.0, 1.0
        elif name == "damping":
            rows[k, 0] = system.damping * system.shares[0]
        else:
            rows[k], direct[k] = space.c[space.row(name)], space.d[space.row(name)]
    a, b = np.zeros((n + more, n + more)), np.zeros((n + more, space.b.shape[1]))
    a[:n, :n], b[:n], a[n:, :n], b[n:] = space.a, space.b, rows, direct
    c = np.pad(space.c, ((0, 0), (0, more)))
    names = (*space.names, *(f"energy of {name}" for name in _METERS))
    return StateSpace(a, b, c, space.d, names)
