"""The same system as plain differential equations, by a Runge-Kutta method of order eight.

For what is not linear: sampled ACE and limits of demand response. The units stand here by their
outputs, not by blocks, and nothing is shared with the state space.
"""

from __future__ import annotations

import numpy as np

from optimodels.arrays import Floats, Mask
from optimodels.families.regulation.physics.simulation import Inputs
from optimodels.families.regulation.physics.system import System

#: What one unit of power is resolved to; frequencies are smaller by the droop.
_TOLERANCE = 1e-9


def integrate(
    system: System,
    grid: Floats,
    given: Inputs,
    samples: Mask | None,
    saturation: float | None,
    *,
    open_loop: bool,
) -> Floats:
    """Return the frequency (k + 1,) at the times of the grid, per unit; in an open loop ACE.

    ``samples`` (k + 1,) marks when ACE is sampled, None: always; ``saturation`` is the part of
    the responsive load that can be called. ACE is that just before each time.
    """
    from scipy.integrate import solve_ivp

    equations = _Equations(system, saturation, open_loop)
    x = np.zeros(equations.size)
    out = np.zeros(len(grid))
    largest = max(float(np.abs(given.begin).max()), float(np.abs(given.end).max()), 1e-12)
    held = None
    for k in range(len(grid) - 1):
        begin, end, t0, t1 = given.begin[k], given.end[k], float(grid[k]), float(grid[k + 1])
        if samples is not None and (held is None or samples[k]):
            held = equations.aces(x, begin)
        slope = (end - begin) / (t1 - t0)

        def change(
            t: float, x: Floats, b: Floats = begin, s: Floats = slope, t0: float = t0,
            held: list[float] | None = held,
        ) -> Floats:  # fmt: skip
            return equations(x, b + s * (t - t0), held)

        done = solve_ivp(change, (t0, t1), x, method="DOP853", rtol=1e-9, atol=_TOLERANCE * largest)
        x = done.y[:, -1]
        out[k + 1] = equations.aces(x, end)[0] if open_loop else x[0]
    return out


class _Equations:
    """Derivatives of [frequency, droop units, friendly load, then of each area: units, filtered
    ACE, its integral, following load]; units are [gate, dashpot, water, chest, turbine]."""

    def __init__(self, system: System, saturation: float | None, open_loop: bool) -> None:
        self.system, self.saturation, self.open_loop = system, saturation, open_loop
        self.size = 8 + 16

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

    def frequency(self, x: Floats, inputs: Floats) -> float:
        return float(inputs[3] if self.open_loop else x[0])

    def exports(self, x: Floats, inputs: Floats) -> list[float]:
        s, df = self.system, self.frequency(x, inputs)
        droop = -s.droop_gain * self.power(x[1:6])
        friendly = s.demand_response / s.droop * x[7]
        found = []
        for k, share in enumerate(s.shares):
            area = x[8 + 8 * k : 16 + 8 * k]
            called = area[7] - share * friendly
            if self.saturation is not None:
                limit = self.saturation * s.demand_response * share
                called = min(max(called, -limit), limit)
            found.append(
                share * (droop - s.damping * df) + self.power(area[:5]) + called - inputs[k]
            )
        return found

    def aces(self, x: Floats, inputs: Floats) -> list[float]:
        s, df = self.system, self.frequency(x, inputs)
        respond = s.damping + ((1 - s.agc_share) * s.firm + s.demand_response) / s.droop
        found = zip(self.exports(x, inputs), s.shares, strict=True)
        return [one + share * respond * df for one, share in found]

    def __call__(self, x: Floats, inputs: Floats, held: list[float] | None) -> Floats:
        s, df = self.system, self.frequency(x, inputs)
        out = np.zeros(self.size)
        if not self.open_loop:
            out[0] = sum(self.exports(x, inputs)) / s.inertia
        out[1:6] = self.units(x[1:6], df)
        out[6] = x[7]
        out[7] = (df - x[7] - s.recovery * x[6]) / s.load_time
        if s.agc:
            for k, ace in enumerate(self.aces(x, inputs) if held is None else held):
                area = x[8 + 8 * k : 16 + 8 * k]
                out[8 + 8 * k : 13 + 8 * k] = self.units(area[:5], area[6])
                out[13 + 8 * k] = (ace - area[5]) / s.ace_filter
                out[14 + 8 * k] = -s.agc_gain * area[5]
                if s.follows:
                    out[15 + 8 * k] = (-s.demand_share * ace - area[7]) / s.load_time
        return out
