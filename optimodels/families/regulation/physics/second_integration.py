"""The same system as plain differential equations, by a Runge-Kutta method of order eight.

For what is not linear: sampled ACE and limits of demand response. The units stand here by their
outputs, not by blocks, and nothing is shared with the state space.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats, Mask
from optimodels.families.regulation.physics.simulation import Inputs
from optimodels.families.regulation.physics.system import System
from optimodels.families.regulation.physics.transfer_functions import Answer

#: What one unit of power is resolved to; frequencies are smaller by the droop.
_TOLERANCE = 1e-11


def integrate(
    system: System,
    grid: Floats,
    given: Inputs,
    samples: Mask | None,
    saturation: float | None,
    *,
    open_loop: bool = False,
    decay: float | None = None,
) -> Answer:
    """Return the frequency and the study area's powers (k + 1,) at the times of the grid.

    ``samples`` (k + 1,) marks when ACE is sampled, None: always; ``saturation`` is the part of
    the responsive load that can be called. At a jump of an input powers are those after it;
    ``given.begin`` may have a row more than steps, for those after the last. With ``decay`` the
    study area loses less by what is dispatched, which takes up the last input by it (s).
    """
    from scipy.integrate import solve_ivp

    equations = _Equations(system, saturation, open_loop)
    n = equations.size
    # What is dispatched stands behind the states, and then what is summed up.
    x = np.zeros(n + 1 + len(equations.flows(np.zeros(n), np.zeros(4)).seen()))
    states = np.zeros((len(grid), len(x)))
    more = [] if len(given.begin) == len(grid) else [given.end[-1]]
    after = np.array([*given.begin, *more])
    # The third input is one; what is small in a small area is to be seen.
    inputs = np.abs(np.vstack([given.begin, given.end]))[:, [0, 1, 3]]
    least = _TOLERANCE * system.shares[0] * max(float(inputs.max()), 1e-12)
    held, starts = None, _starts(grid, given, samples)
    for first, last in zip(starts, [*starts[1:], len(grid) - 1], strict=True):
        begin, t0 = given.begin[first], float(grid[first])
        if samples is not None:
            held = equations.flows(x, begin).ace
        slope = (given.end[first] - begin) / (grid[first + 1] - t0)

        def change(
            t: float, x: Floats, b: Floats = begin, s: Floats = slope, t0: float = t0,
            held: list[float] | None = held,
        ) -> Floats:  # fmt: skip
            inputs = b + s * (t - t0)
            taken = 0.0
            if decay is not None:
                taken = (inputs[3] - x[n]) / decay
                inputs = inputs - np.array([x[n], 0.0, 0.0, 0.0])
            flows = equations.flows(x, inputs)
            moving = equations.moving(x, flows, flows.ace if held is None else held)
            return np.array([*moving, taken, *flows.seen().values()])

        times = grid[first + 1 : last + 1]
        done = solve_ivp(change, (t0, times[-1]), x, "DOP853", times, rtol=_TOLERANCE, atol=least)
        states[first + 1 : last + 1] = done.y.T
        x = done.y[:, -1]
    less = np.pad(states[:, n : n + 1], ((0, 0), (0, 3)))
    seen = [equations.flows(x, v).seen() for x, v in zip(states, after - less, strict=True)]
    return Answer(
        {name: np.array([one[name] for one in seen]) for name in seen[0]},
        {name: states[:, n + 1 + k] for k, name in enumerate(seen[0])},
        {},
    )


def _starts(grid: Floats, given: Inputs, samples: Mask | None) -> list[int]:
    """Return the first of all steps that inputs which do not move, and one sample, make one."""
    steps = len(grid) - 1
    still = (given.begin[:steps] == given.end).all(axis=1)
    same = still[1:] & still[:-1] & (given.begin[1:steps] == given.end[:-1]).all(axis=1)
    if samples is not None:
        same &= ~samples[1:steps]
    return [0, *(np.flatnonzero(~same) + 1).tolist()]


def largest_multiplier(system: System, every: float, *, open_loop: bool) -> float:
    """Return by how much the slowest mode changes from one sample of ACE to the next.

    The equations are linear without limits: their columns are what they make of unit states.
    """
    from scipy.linalg import expm

    equations = _Equations(system, None, open_loop)
    kept, quiet = equations.used(), np.zeros(4)
    unit = np.eye(equations.size)[kept]
    flows = [equations.flows(x, quiet) for x in unit]
    held = np.array([flow.ace for flow in flows]).T
    free = np.array([equations.moving(x, flow, [0.0, 0.0])
                     for x, flow in zip(unit, flows, strict=True)]).T[kept]  # fmt: skip
    rest = np.zeros(equations.size)
    still = equations.flows(rest, quiet)
    orders = np.array([equations.moving(rest, still, one) for one in ([1.0, 0.0], [0.0, 1.0])])
    orders = orders.T[kept]
    n = len(kept)
    whole = np.zeros((n + 2, n + 2))
    whole[:n, :n], whole[:n, n:] = free * every, orders * every
    made = expm(whole)
    return float(np.abs(np.linalg.eigvals(made[:n, :n] + made[:n, n:] @ held)).max())


class _Equations:
    """Derivatives of [frequency, droop units, friendly load, then of each area: units, filtered
    ACE, its integral, following load]; units are [gate, dashpot, water, chest, turbine]."""

    def __init__(self, system: System, saturation: float | None, open_loop: bool) -> None:
        self.system, self.saturation, self.open_loop = system, saturation, open_loop
        self.size = 8 + 16

    def used(self) -> list[int]:
        """The states that this system has: those of its units, its load, its areas."""
        s = self.system
        kinds = {"hydro": (0, 1, 2), "reheat": (0, 3, 4), "nonreheat": (0, 3)}
        fleet = sorted({k for kind, part in s.fleet.items() if part for k in kinds[kind]})
        found = ([] if self.open_loop else [0]) + [1 + k for k in fleet]
        if s.demand_response:
            found += [6, 7]
        for first in (8,) if self.open_loop else (8, 16):
            found += [first + k for k in (*fleet, 5, 6, *((7,) if s.follows else ()))]
        return found

    def power(self, y: Floats) -> float:
        """What the units give, from the states [gate, dashpot, water, chest, turbine]."""
        part = self.system.fleet
        return float(
            part.get("hydro", 0.0) * y[2] + part.get("reheat", 0.0) * y[4]
            + part.get("nonreheat", 0.0) * y[3]
        )  # fmt: skip

    def units(self, y: Floats, order: float) -> list[float]:
        g = self.system.governors
        gate = (order - y[0]) / g.governor
        slow = g.temporary_droop / g.permanent_droop * g.reset
        dashpot = (y[0] + g.reset * gate - y[1]) / slow
        water = (y[1] - g.water * dashpot - y[2]) / (0.5 * g.water)
        chest = (y[0] - y[3]) / g.chest
        turbine = (y[3] + g.high_pressure * g.reheat * chest - y[4]) / g.reheat
        return [gate, dashpot, water, chest, turbine]

    def flows(self, x: Floats, inputs: Floats) -> _Flows:
        """Return what flows at one moment, demand response within its limit."""
        s, df = self.system, float(inputs[3] if self.open_loop else x[0])
        droop = -s.droop_gain * self.power(x[1:6])
        friendly = s.demand_response / s.droop * float(x[7])
        respond = s.damping + ((1 - s.agc_share) * s.firm + s.demand_response) / s.droop
        found = _Flows(df, s.shares[0] * droop, [], [], [], [])
        for k, share in enumerate(s.shares):
            area = x[8 + 8 * k : 16 + 8 * k]
            called, agc = float(area[7]) - share * friendly, self.power(area[:5])
            if self.saturation is not None:
                limit = self.saturation * s.demand_response * share
                called = min(max(called, -limit), limit)
            exports = share * (droop - s.damping * df) + agc + called - float(inputs[k])
            found.agc.append(agc)
            found.called.append(called)
            found.exports.append(exports)
            found.ace.append(exports + share * respond * df)
        return found

    def moving(self, x: Floats, flows: _Flows, aces: list[float]) -> list[float]:
        """Return the derivatives (24,) of the states, for ACE as the areas see it."""
        s, df = self.system, flows.frequency
        out = [0.0 if self.open_loop else sum(flows.exports) / s.inertia]
        out += [*self.units(x[1:6], df), x[7], (df - x[7] - s.recovery * x[6]) / s.load_time]
        for k, ace in enumerate(aces):
            area = x[8 + 8 * k : 16 + 8 * k]
            if not s.agc:
                out += [0.0] * 8
                continue
            follows = (-s.demand_share * ace - area[7]) / s.load_time if s.follows else 0.0
            out += [*self.units(area[:5], area[6]), (ace - area[5]) / s.ace_filter,
                    -s.agc_gain * area[5], follows]  # fmt: skip
        return out


@dataclass(frozen=True)
class _Flows:
    """The frequency, power of the study area's units on droop, and of each area the rest."""

    frequency: float
    droop: float
    agc: list[float]
    called: list[float]
    exports: list[float]
    ace: list[float]

    def seen(self) -> dict[str, float]:
        """What is compared: the frequency, and the study area's powers."""
        return {
            "frequency": self.frequency, "droop": self.droop, "agc": self.agc[0],
            "load": -self.called[0], "exports": self.exports[0], "ace": self.ace[0],
        }  # fmt: skip
