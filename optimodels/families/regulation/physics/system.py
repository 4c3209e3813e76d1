"""The two-area system in state space: frequency, fleets, area control, loads (003, figure 3).

Deviations from the schedule, power per unit of the whole load, frequency per unit of nominal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.regulation.physics.governors import (
    Chain,
    Governors,
    fleet,
    friendly_load,
)

#: The areas in the order of every array with an axis "area".
AREAS = ("study", "rest")
#: What is read off the states, in the order of the rows of ``StateSpace.c``: of each area in turn.
PARTS = ("droop", "agc", "friendly", "following", "exports", "ace")
#: And which of these are loads that demand response sheds: they can be saturated.
SATURATED = ("friendly", "following")


@dataclass(frozen=True)
class System:
    """The physical parameters of both areas, which differ in size alone.

    ``shares`` (2,) of the whole load, study area first. ``demand_share`` is the gain by which
    demand response follows ACE at once; supply's integral control is as strong beside it.
    """

    shares: tuple[float, float]
    inertia: float  # M, s
    damping: float  # D
    droop: float  # R
    firm: float  # P_G
    agc: bool
    agc_share: float  # K_A
    agc_gain: float  # K_I, 1/s
    ace_filter: float  # T_A, s
    demand_response: float  # dr
    demand_share: float  # rho_D
    load_time: float  # T_load, s
    recovery: float  # K_L
    governors: Governors
    fleet: Mapping[str, float]

    @property
    def droop_gain(self) -> float:
        """(1 - K_A) P_G / R: power of all units on droop per unit of frequency."""
        return (1 - self.agc_share) * self.firm / self.droop

    @property
    def load_gain(self) -> float:
        """dr / R: grid-friendly load per unit of frequency."""
        return self.demand_response / self.droop

    @property
    def bias(self) -> Floats:
        """B_a (2,), power per unit of frequency: what an area should do about a deviation."""
        whole = self.damping + self.droop_gain + self.load_gain
        return np.array([share * whole for share in self.shares])

    @property
    def follows(self) -> bool:
        """Whether demand response follows ACE."""
        return self.agc and self.demand_share > 0 and self.demand_response > 0

    @property
    def fastest(self) -> float:
        """The shortest time constant that enters, s."""
        constants = self.governors.constants()
        kinds = {
            "hydro": ("governor", "reset", "water"),
            "reheat": ("governor", "chest", "reheat"),
            "nonreheat": ("governor", "chest"),
        }
        used = [constants[n] for kind, part in self.fleet.items() if part for n in kinds[kind]]
        if self.load_gain:
            used.append(self.load_time)
        return min(used)


@dataclass(frozen=True)
class StateSpace:
    """x' = A x + B v, y = C x + D v; inputs v (2,): power lost in each area.

    Rows of ``c`` are the frequency, then of each area the parts named in ``PARTS``.
    """

    a: Floats
    b: Floats
    c: Floats
    d: Floats
    names: tuple[str, ...]

    def row(self, part: str, area: int = 0) -> int:
        """Return the row of C of the frequency or of an area's part."""
        return 0 if part == "frequency" else 1 + area * len(PARTS) + PARTS.index(part)


def state_space(
    system: System,
    *,
    sampled: bool = False,
    saturated: tuple[int, int] = (0, 0),
    cap: float = 0.0,
) -> StateSpace:
    """Assemble the system.

    ``sampled``: ACE is held between samples in states "ace held", which whoever simulates sets.
    ``saturated`` says of each area whether its demand response stands at its upper (1) or lower
    (-1) limit, ``cap`` times the area's responsive load, where it no longer acts; the limit then
    comes in as the last input (one), which B has as a third column.
    """
    units = fleet(system.governors, system.fleet)
    friendly = friendly_load(system.load_time, system.recovery) if system.load_gain else None
    layout = _Layout(system, units, friendly, sampled)
    n = layout.size
    a, b = np.zeros((n, n)), np.zeros((n, 3))
    c, d = np.zeros((1 + 2 * len(PARTS), n)), np.zeros((1 + 2 * len(PARTS), 3))
    c[0, 0] = 1.0
    _drive(a, units, layout.droop, 0)
    if friendly is not None:
        _drive(a, friendly, layout.friendly, 0)
    for k, share in enumerate(system.shares):
        first = 1 + k * len(PARTS)
        droop, agc, load, follow, exports, ace = c[first : first + len(PARTS)]
        droop[layout.droop] = -system.droop_gain * share * units.c
        if friendly is not None:
            load[layout.friendly] = system.load_gain * share * friendly.c
        exports[:] = droop - load
        exports[0] -= system.damping * share
        d[first + PARTS.index("exports"), k] = -1.0
        if system.agc:
            area = layout.areas[k]
            agc[area.units] = units.c
            if area.follow is not None:
                follow[area.follow] = -1.0
            exports += agc - follow
        if saturated[k]:
            # The load stands still, whatever its states do; responding is shedding, so a load
            # at its upper limit is power.
            exports += load + follow
            limit = saturated[k] * cap * share * system.demand_response
            d[first + PARTS.index("exports"), 2] = limit
        ace[:] = exports
        ace[0] += system.bias[k]
        d[first + PARTS.index("ace")] = d[first + PARTS.index("exports")]
        a[0] += exports / system.inertia
        b[0] += d[first + PARTS.index("exports")] / system.inertia
        if system.agc:
            _control(system, units, layout.areas[k], ace, d[first + PARTS.index("ace")], a, b)
    return StateSpace(a, b, c, d, layout.names)


def open_loop(space: StateSpace) -> StateSpace:
    """Return the study area alone: the frequency is an input, the last one, and no state."""
    kept = [k for k, name in enumerate(space.names) if k and not name.startswith(AREAS[1])]
    b = np.column_stack([space.b[kept], space.a[kept, 0]])
    d = np.column_stack([space.d, space.c[:, 0]])
    names = tuple(space.names[k] for k in kept)
    return StateSpace(space.a[np.ix_(kept, kept)], b, space.c[:, kept], d, names)


def _drive(a: Floats, part: Chain, place: slice, source: int) -> None:
    a[place, place] = part.a
    a[place, source] = part.b


def _control(
    system: System, units: Chain, area: _Area, ace: Floats, direct: Floats, a: Floats, b: Floats
) -> None:
    """T_A z' = ACE - z, u' = -K_I z into the units; T y' = -rho_D ACE - y of following load."""
    _drive(a, units, area.units, area.order)
    held = np.zeros(len(a))
    seen, straight = ace, direct
    if area.held is not None:
        held[area.held] = 1.0
        seen, straight = held, np.zeros(3)
    a[area.filter] += seen / system.ace_filter
    a[area.filter, area.filter] -= 1 / system.ace_filter
    b[area.filter] += straight / system.ace_filter
    a[area.order, area.filter] = -system.agc_gain
    if area.follow is not None:
        a[area.follow] -= system.demand_share * seen / system.load_time
        a[area.follow, area.follow] -= 1 / system.load_time
        b[area.follow] -= system.demand_share * straight / system.load_time


@dataclass(frozen=True)
class _Area:
    units: slice
    filter: int
    order: int
    follow: int | None
    held: int | None


class _Layout:
    """Where each part's states stand."""

    def __init__(self, system: System, units: Chain, friendly: Chain | None, sampled: bool) -> None:
        self.names: tuple[str, ...] = ("frequency",)
        self.droop = self._place(tuple(f"droop {name}" for name in units.names))
        self.friendly = self._place(friendly.names) if friendly is not None else slice(0, 0)
        self.areas: list[_Area] = []
        for area in AREAS if system.agc else ():
            place = self._place(tuple(f"{area} ACE {name}" for name in units.names))
            control = self._place((f"{area} ACE filter", f"{area} ACE integral"))
            follow = self._place((f"{area} following load",)) if system.follows else None
            held = self._place((f"{area} ACE held",)) if sampled else None
            self.areas.append(
                _Area(
                    place,
                    control.start,
                    control.start + 1,
                    follow.start if follow else None,
                    held.start if held else None,
                )
            )

    def _place(self, names: tuple[str, ...]) -> slice:
        start = len(self.names)
        self.names += names
        return slice(start, start + len(names))

    @property
    def size(self) -> int:
        return len(self.names)
