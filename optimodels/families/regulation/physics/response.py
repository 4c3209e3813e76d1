"""Simulate a response and check it: trajectories, extremes, integrals, modes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.regulation.physics import disturbances
from optimodels.families.regulation.physics.data import Response
from optimodels.families.regulation.physics.discretisation import step
from optimodels.families.regulation.physics.modes import Modes, modes
from optimodels.families.regulation.physics.simulation import (
    Inputs,
    Run,
    Switching,
    linear,
    switched,
)
from optimodels.families.regulation.physics.system import (
    AREAS,
    SATURATED,
    StateSpace,
    open_loop,
    state_space,
)

#: A multiplier is known to this.
_TOLD = 1e-9
#: An extreme is looked for in so many parts of a step, and of the best of these, down to this, s.
_PARTS, _FINE = 64, 1e-4
#: s; within so short a time the frequency has one extreme at most.
_SHORT = 0.1


@dataclass(frozen=True)
class Simulated:
    """A run with what is read off it, at the times of the grid (k + 1,).

    ``frequency`` per unit; ``parts`` of the study area, power per unit of the whole load, by
    name: droop, agc, load (responsive, as it was called), exports, ace. At a jump of the input
    they are those after it; ``before`` (k,) are those at the end of every step, before its jump.
    ``integrals`` of frequency, and of exports and ACE of both areas, at the times of the grid;
    ``limited`` (k + 1, 2) the areas at a limit. ``multiplier`` says by how much the slowest mode
    changes from one sample of ACE to the next; None where ACE is continuous.
    """

    space: StateSpace
    modes: Modes
    states: Floats
    frequency: Floats
    parts: dict[str, Floats]
    before: dict[str, Floats]
    integrals: Floats
    limited: Ints
    multiplier: float | None

    @property
    def stable(self) -> bool | None:
        """Of the system as it runs, without limits; None where rounding does not let it be told."""
        if self.multiplier is None:
            return self.modes.stable
        return None if abs(self.multiplier - 1) < _TOLD else self.multiplier < 1


def simulate(response: Response) -> Simulated:
    """Run a response: linear ones in one go, others between their samples and limits."""
    grid, given = response.grid, response.given
    if not response.open_loop:
        given = Inputs(given.begin[:, :3], given.end[:, :3])
    base = _space(response)
    if response.linear:
        whole = linear(_with_integrals(base), grid, given)
        run = Run(whole, np.zeros((len(grid), 2), dtype=np.int64))
    else:
        run = _switched(response, given)
    space = _space(response, sampled=response.sampling is not None)
    n = len(space.a)
    states = run.states[:, :n]
    parts = _parts(response, space, states, np.vstack([given.begin, given.end[-1:]]))
    before = _parts(response, space, states[1:], given.end)
    frequency = (
        np.append(given.begin[:, 3], given.end[-1, 3]) if response.open_loop else states[:, 0]
    )
    return Simulated(
        space, modes(base.a, base.names), states, frequency, parts, before, run.states[:, n:],
        run.modes, _multiplier(response, space),
    )  # fmt: skip


def _multiplier(response: Response, space: StateSpace) -> float | None:
    """The spectral radius of one turn: what is held takes up what is measured, then time runs."""
    if response.sampling is None:
        return None
    turn = np.eye(len(space.a))
    for area, k in enumerate(_held(space)):
        turn[k] = space.c[space.row("ace", area)]
    whole = step(space.a, space.b, response.sampling).phi @ turn
    return float(np.abs(np.linalg.eigvals(whole)).max())


def _held(space: StateSpace) -> list[int]:
    return [k for k, name in enumerate(space.names) if name.endswith("ACE held")]


def _space(
    response: Response, *, sampled: bool = False, saturated: tuple[int, int] = (0, 0)
) -> StateSpace:
    cap = response.saturation or 0.0
    space = state_space(response.system, sampled=sampled, saturated=saturated, cap=cap)
    return open_loop(space) if response.open_loop else space


def _parts(
    response: Response, space: StateSpace, states: Floats, inputs: Floats
) -> dict[str, Floats]:
    """Read the study area's parts off the states; a load that is beyond its limit is at it."""
    out = states @ space.c.T + inputs @ space.d.T
    parts = {name: out[:, space.row(name)] for name in ("droop", "agc", "exports", "ace")}
    parts["load"] = np.sum([out[:, space.row(name)] for name in SATURATED], axis=0)
    if response.saturation is not None:
        limit = response.saturation * response.system.demand_response * response.system.shares[0]
        change = np.clip(parts["load"], -limit, limit) - parts["load"]
        parts = {**parts, "load": parts["load"] + change, "exports": parts["exports"] - change,
                 "ace": parts["ace"] - change}  # fmt: skip
    return parts


#: What is integrated beside the states: rows of C.
_INTEGRALS = ("frequency", "exports", "ace", "rest exports", "rest ace")


def _with_integrals(space: StateSpace) -> StateSpace:
    """Return the system with the integrals of ``_INTEGRALS`` as further states.

    In an open loop those of the other area are without meaning.
    """
    rows = [0, *(space.row(part, area) for area in (0, 1) for part in ("exports", "ace"))]
    n, more = len(space.a), len(rows)
    a, b = np.zeros((n + more, n + more)), np.zeros((n + more, space.b.shape[1]))
    a[:n, :n], b[:n] = space.a, space.b
    a[n:, :n], b[n:] = space.c[rows], space.d[rows]
    c = np.pad(space.c, ((0, 0), (0, more)))
    return StateSpace(a, b, c, space.d, (*space.names, *(f"integral of {i}" for i in _INTEGRALS)))


def _switched(response: Response, given: Inputs) -> Run:
    system, samples = response.system, response.samples
    sampled = samples is not None
    plain = _space(response, sampled=sampled)
    held = _held(plain)
    loads = [[plain.c[plain.row(part, area)] for area in (0, 1)] for part in SATURATED]
    limits = np.full(2, np.inf)
    if response.saturation is not None:
        limits = response.saturation * system.demand_response * np.array(system.shares)
    if response.open_loop:
        limits[1] = np.inf
    how = Switching(
        at=np.zeros(len(response.grid), dtype=bool) if samples is None else samples,
        held=np.array(held, dtype=np.int64),
        measured=np.array([plain.row("ace", area) for area in range(len(held))], dtype=np.int64),
        responses=np.pad(-np.sum(loads, axis=0), ((0, 0), (0, len(_INTEGRALS)))),
        limits=limits,
    )

    def make(mode: tuple[int, int]) -> StateSpace:
        return _with_integrals(_space(response, sampled=sampled, saturated=mode))

    return switched(make, response.grid, given, how)


@dataclass(frozen=True)
class Extreme:
    """A value with its time, s."""

    value: float
    time: float


def extreme(response: Response, found: Simulated, sign: int) -> Extreme:
    """Return the lowest (-1) or highest (1) frequency, per unit, between the samples as well.

    Where the system is switched, or the frequency given, that of the samples.
    """
    best = int(np.argmax(sign * found.frequency))
    value, time = float(found.frequency[best]), float(response.grid[best])
    if not response.linear or response.open_loop:
        return Extreme(value, time)
    around = {best - 1, best, int(np.argmax(sign * _inside(response, found, sign)))}
    for k in sorted(around & set(range(len(response.grid) - 1))):
        between = _between(response, found, k, sign)
        if sign * between.value > sign * value:
            value, time = between.value, between.time
    return Extreme(value, time)


def _inside(response: Response, found: Simulated, sign: int) -> Floats:
    """The lowest or highest frequency (k,) in every step, of parts that are short in any case."""
    best = sign * np.maximum(sign * found.frequency[:-1], sign * found.frequency[1:])
    lengths = disturbances.lengths(response.grid)
    begin, end = response.given.begin[:, :3], response.given.end[:, :3]
    for length in np.unique(lengths[lengths > _SHORT]).tolist():
        here, parts = lengths == length, min(_PARTS, int(np.ceil(length / _SHORT)))
        one = step(found.space.a, found.space.b, length / parts)
        x, v, dv = found.states[:-1][here], begin[here], (end[here] - begin[here]) / parts
        # Rows that read the frequency off the beginning of a step, so many parts later.
        row = np.eye(len(found.space.a))[0]
        level, rise = np.zeros(3), np.zeros(3)
        for _ in range(parts - 1):
            rise = row @ one.rising + level + rise
            level = row @ one.held + level
            row = row @ one.phi
            then = x @ row + v @ level + dv @ rise
            best[here] = sign * np.maximum(sign * best[here], sign * then)
    return np.asarray(best)


def _between(response: Response, found: Simulated, k: int, sign: int) -> Extreme:
    """Look into one step in parts, and into the best of these again."""
    x, t, length = found.states[k], float(response.grid[k]), float(np.diff(response.grid)[k])
    begin, end = response.given.begin[k, :3], response.given.end[k, :3]
    slope, done = (end - begin) / length, 0.0
    best = Extreme(float(x[0]), t)
    while length > _FINE:
        part = length / _PARTS
        one = step(found.space.a, found.space.b, part)
        states = [x]
        for j in range(_PARTS):
            now = begin + (done + j * part) * slope
            states.append(one.phi @ states[-1] + one.held @ now + one.rising @ (part * slope))
        top = int(np.argmax([sign * s[0] for s in states]))
        if sign * states[top][0] >= sign * best.value:
            best = Extreme(float(states[top][0]), t + done + top * part)
        first = min(max(top - 1, 0), _PARTS - 2)
        x, done, length = states[first], done + first * part, 2 * part
    return best


def ends(response: Response, found: Simulated) -> dict[str, float] | None:
    """Return the frequency at which a stable system ends, and integrals for all time.

    "frequency" per unit; "frequency integral" and "exports integral" (study area), per unit times
    s, from the state at the end of the run; with AGC, where both end at zero. None where there is
    no such end.
    """
    if not found.stable or not (response.steady and response.linear) or response.open_loop:
        return None
    final = response.final[:3]
    rest = -np.linalg.solve(found.space.a, found.space.b @ final)
    ended = {"frequency": float(rest[0])}
    if response.system.agc:
        row = found.space.row("exports")
        left = -np.linalg.solve(found.space.a, found.states[-1] - rest)
        ended["frequency integral"] = float(found.integrals[-1, 0] + left[0])
        ended["exports integral"] = float(found.integrals[-1, 1] + found.space.c[row] @ left)
    return ended


def areas_limited(found: Simulated) -> tuple[str, ...]:
    """Return the areas whose demand response stood at a limit at some time."""
    return tuple(area for k, area in enumerate(AREAS) if bool((found.limited[:, k] != 0).any()))
