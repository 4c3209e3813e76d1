"""Checks of a simulated response that share nothing with the simulation."""

from __future__ import annotations

import numpy as np
from numpy.polynomial import Polynomial

from optimodels.arrays import Complexes, Floats, Ints
from optimodels.families.regulation.physics import transfer_functions
from optimodels.families.regulation.physics.data import Response
from optimodels.families.regulation.physics.response import Simulated, ends, extreme
from optimodels.families.regulation.physics.second_integration import (
    integrate,
    largest_multiplier,
)
from optimodels.families.regulation.physics.simulation import Inputs
from optimodels.families.regulation.physics.system import AREAS, PARTS, System, state_space
from optimodels.families.regulation.physics.transfer_functions import Answer
from optimodels.result import Check

#: Two exact ways to the same trajectory differ by rounding, grown over thousands of steps.
_SAME = 1e-8
#: So sure must the residues be of themselves.
_TOLD = 1e-9
#: A power that is smaller than this part of the largest is known as well as this part of it.
_BESIDE = 1e-3
#: Places of what is integrated.
_INTEGRALS = {"frequency": 0, "exports": 1, "ace": 2}
#: Times at which the frequency is looked at once more.
_LOOKS = 200
#: An extreme is found to the square of a small part of a step.
_EXTREME = 1e-6
#: A closed form and a solution of linear equations: rounding times the condition of A.
_CLOSED = 1e-9
#: A Runge-Kutta method with local errors of 1e-11, which has no order where a limit is reached.
_INTEGRATED = 1e-5
#: Identities of one trajectory: rounding alone; what is gathered over more seconds drifts further.
_ROUNDING, _DRIFTS_FROM = 1e-10, 1e4
#: Steps over which a switched run is integrated again, and seconds.
MOST_STEPS_AGAIN, MOST_SECONDS_AGAIN = 3000, 3600.0
#: Points at which both transcriptions of the system are compared.
_POINTS = (0.003j, 0.05j, 0.4j, 2.0j, 15.0j, 0.01 + 0.02j, 0.3 + 1.0j, 4.0)


def checks(response: Response, found: Simulated) -> tuple[Check, ...]:
    """Return all that hold for this kind of response."""
    made = [_transcriptions(response), _eigenvalues(response, found)]
    made += _residues(response, found) or _again(response, found)
    if response.sampling is not None:
        made += [_multiplier(response, found)]
    if not response.open_loop:
        made += [_swing(response, found)]
    if response.system.agc:
        made += [_orders(response, found)]
    return (*made, *_ends(response, found))


def apart(ours: Floats | Complexes, theirs: Floats | Complexes) -> float:
    """Return the largest difference, as a part of the largest value."""
    size = max(float(np.abs(theirs).max()), float(np.abs(ours).max()))
    return float(np.abs(ours - theirs).max()) / size if size > 0 else 0.0


def _transcriptions(response: Response) -> Check:
    """C (s - A)^-1 B + D against the formulas, at points all over the plane."""
    space = state_space(response.system)
    worst = 0.0
    for s in _POINTS:
        solved = np.linalg.solve(s * np.eye(len(space.a)) - space.a, space.b[:, :2])
        ours = space.c @ solved + space.d[:, :2]
        theirs = transfer_functions.responses(response.system, s)
        for name in ("frequency", *PARTS):
            worst = max(worst, apart(ours[space.row(name)], theirs[name]))
    return Check.of("state space against transfer functions", worst, _CLOSED)


def _eigenvalues(response: Response, found: Simulated) -> Check:
    """prod_i (s - lambda_i) against det(s - A) from the parts' denominators and their loops."""
    worst = 0.0
    for s in _POINTS:
        ours = complex(np.prod(s - found.modes.values))
        theirs = transfer_functions.characteristic(response.system, s, open_loop=response.open_loop)
        worst = max(worst, abs(ours / theirs - 1))
    return Check.of("eigenvalues against the characteristic polynomial", worst, _SAME)


def _residues(response: Response, found: Simulated) -> list[Check] | None:
    """All that is read off, mode by mode; None where it is not linear or a mode not simple."""
    if not response.linear:
        return None
    extremes = [] if response.open_loop else [extreme(response, found, sign) for sign in (-1, 1)]
    # Also after the first change, near and far, for what happens between long steps.
    begins = np.argmax((response.given.begin != 0)[:, [0, 1, 3]].any(axis=1))
    since = float(response.grid[begins])
    soon = since + np.geomspace(0.05, max(response.grid[-1] - since, 0.05), _LOOKS)
    times = [*(one.time for one in extremes), *soon[soon <= response.grid[-1]].tolist()]
    grid, given = _with(response, times)
    theirs = by_residues(response.system, grid, given, open_loop=response.open_loop)
    if theirs is None:
        return None
    made, frequency = [], theirs.values["frequency"]
    for one, name, most in zip(extremes, ("nadir", "peak"), (np.min, np.max), strict=False):
        there = frequency[np.searchsorted(grid, one.time)], most(frequency)
        wrong = max(abs(value - one.value) for value in there) / (np.abs(frequency).max() or 1.0)
        made.append(Check.of(f"{name} of the frequency, residues", float(wrong), _EXTREME))
    at = np.searchsorted(grid, response.grid)
    return made + _compared(response, found, theirs, at, "residues", _SAME)


def _with(response: Response, times: list[float]) -> tuple[Floats, Inputs]:
    """Return the grid with further times in it, and the inputs, which are straight in each step."""
    grid = np.union1d(response.grid, times)
    k = np.searchsorted(response.grid, grid[1:]) - 1
    span = np.diff(response.grid)[k][:, None]
    change, begin = response.given.end[k] - response.given.begin[k], response.given.begin[k]
    first, last = ((side - response.grid[k])[:, None] / span for side in (grid[:-1], grid[1:]))
    return grid, Inputs(begin + first * change, begin + last * change)


def by_residues(
    system: System, grid: Floats, given: Inputs, *, open_loop: bool = False,
    decay: float | None = None,
) -> Answer | None:  # fmt: skip
    """Return the frequency and all of the study area's powers; None without modes that rounding
    lets be told apart.

    With ``decay`` the area loses less by what is dispatched, the last input through a lag, s.
    """
    parts = transfer_functions.outputs(system, open_loop=open_loop)
    driven = [3] if open_loop else [0, 1]
    causes = [(parts.driven, parts.bottoms, driven, 1.0), (parts.own, parts.bottoms[1:], [0], 1.0)]
    if decay is not None:
        lag = Polynomial([1.0, decay])
        causes += [(tops, (*bottoms, lag), [3], -1.0) for tops, bottoms, _, _ in causes]
    values: dict[str, Floats] = {}
    integrals: dict[str, Floats] = {}
    doubt: dict[str, float] = {}
    for tops, bottoms, places, sign in causes:
        begin, end = (sign * side[:, places].sum(axis=1) for side in (given.begin, given.end))
        expanded = transfer_functions.expand(tops, *bottoms)
        if expanded is None:
            return None
        one = transfer_functions.answer(expanded, grid, begin, end)
        for name in tops:
            values[name] = values.get(name, 0.0) + one.values[name]
            integrals[name] = integrals.get(name, 0.0) + one.integrals[name]
            doubt[name] = doubt.get(name, 0.0) + one.doubt[name]
    bias = float(system.bias[0])
    for each in (values, integrals):
        each["load"] = each["friendly"] + each["following"]
        each["exports"] = each["ace"] - bias * each["frequency"]
    sizes = _sizes({name: values[name] for name in doubt})
    told = all(error <= _TOLD * sizes[name] for name, error in doubt.items())
    return Answer(values, integrals, doubt) if told else None


def steps_again(grid: Floats) -> int:
    """Return over how many steps of a grid a switched run is integrated again."""
    soon = int(np.searchsorted(grid, MOST_SECONDS_AGAIN, "right")) - 1
    return max(1, min(len(grid) - 1, MOST_STEPS_AGAIN, soon))


def _again(response: Response, found: Simulated) -> list[Check]:
    most = steps_again(response.grid)
    given = Inputs(response.given.begin[: most + 1], response.given.end[:most])
    grid, samples = response.grid[: most + 1], response.samples
    samples = None if samples is None else samples[: most + 1]
    theirs = integrate(response.system, grid, given, samples, response.saturation,
                       open_loop=response.open_loop)  # fmt: skip
    how = f"Dormand-Prince to {grid[-1]:g} s"
    return _compared(response, found, theirs, np.arange(most + 1), how, _INTEGRATED)


def _compared(
    response: Response, found: Simulated, theirs: Answer, at: Ints, how: str, limit: float
) -> list[Check]:
    """Each of ours by the size of theirs, which are ours ``at`` some of their times."""
    ours = {"frequency": found.frequency, **found.parts}
    sides = ours, {name: found.integrals[:, k] for name, k in _INTEGRALS.items()}
    wrong = [
        {name: float(np.abs(each[: len(at)] - other[name][at]).max()) / (sizes[name] or 1.0)
         for name, each in side.items()}
        for side, other, sizes in (
            (side, other, _sizes({name: other[name] for name in side}))
            for side, other in zip(sides, (theirs.values, theirs.integrals), strict=True)
        )
    ]  # fmt: skip
    made = [
        Check.of(f"frequency, {how}", wrong[0].pop("frequency"), limit),
        Check.of(f"powers of the study area, {how}", max(wrong[0].values()), limit),
        Check.of(f"integrals of frequency, exports and ACE, {how}", max(wrong[1].values()), limit),
    ]
    return made[1:] if response.open_loop else made


def _sizes(values: dict[str, Floats]) -> dict[str, float]:
    """How large each is at most; a power beside far larger ones is as sure as a part of these."""
    sizes = {name: float(np.abs(each).max()) for name, each in values.items()}
    least = _BESIDE * max(size for name, size in sizes.items() if name != "frequency")
    return {name: size if name == "frequency" else max(size, least) for name, size in sizes.items()}


def _multiplier(response: Response, found: Simulated) -> Check:
    """The largest multiplier from sample to sample, of the equations written out once more."""
    assert response.sampling is not None
    assert found.multiplier is not None
    theirs = largest_multiplier(response.system, response.sampling, open_loop=response.open_loop)
    return Check.of("largest multiplier from sample to sample", abs(found.multiplier - theirs),
                    _SAME)  # fmt: skip


def _swing(response: Response, found: Simulated) -> Check:
    """M df is what both areas' exports add up to in time."""
    moved = response.system.inertia * found.frequency
    own, rest = found.integrals[:, 1], found.integrals[:, 3]
    size = max(float(np.abs(own).max()), float(np.abs(rest).max()), float(np.abs(moved).max()))
    balance = float(np.abs(moved - own - rest).max()) / (size or 1.0)
    limit = _ROUNDING * max(1.0, float(response.grid[-1]) / _DRIFTS_FROM)
    return Check.of("swing: M df against exports in time", balance, limit)


def _orders(response: Response, found: Simulated) -> Check:
    """K_I (integral of ACE - T_A z) = -u of each area; a sampled ACE as it is held."""
    system, names = response.system, found.space.names
    wrong, size = 0.0, 0.0
    for k, area in enumerate(AREAS[:1] if response.open_loop else AREAS):
        z = found.states[:, names.index(f"{area} ACE filter")]
        u = found.states[:, names.index(f"{area} ACE integral")]
        gathered = found.integrals[:, 2 + 2 * k]
        if response.samples is not None:
            held = found.states[:-1, names.index(f"{area} ACE held")]
            gathered = np.append(0.0, np.cumsum(held * np.diff(response.grid)))
        terms = system.agc_gain * gathered, -system.agc_gain * system.ace_filter * z, u
        # Of an area's load: one that is left alone has no order of its own to go by.
        size = max(size, *(float(np.abs(term).max()) / system.shares[k] for term in terms))
        wrong = max(wrong, float(np.abs(sum(terms)).max()) / system.shares[k])
    worst = wrong / (size or 1.0)
    return Check.of("AGC: orders against ACE in time", worst, _ROUNDING)


def _ends(response: Response, found: Simulated) -> list[Check]:
    """Where a stable linear system ends, and its integrals, against closed forms."""
    ended = ends(response, found)
    if ended is None:
        return []
    made = []
    for name, theirs in closed_forms(response).items():
        size = abs(theirs) or float(np.abs(response.final[:2]).max()) or 1.0
        wrong = abs(ended[name] - theirs) / size
        made.append(Check.of(f"{name} in the end, closed form", wrong, _CLOSED))
    return made


def closed_forms(response: Response) -> dict[str, float]:
    """Return what ``ends`` must find, from the parameters alone.

    With AGC the frequency ends at zero, the units have taken over what each area lost, and with
    it -K_I times the integral of ACE: the integrals of frequency and exports follow. Without, the
    units on droop and the damping share the loss, and responsive load is back.
    """
    system = response.system
    lost = response.final[:2]
    if not system.agc:
        return {"frequency": -float(lost.sum()) / (system.damping + system.droop_gain)}
    whole = system.damping + system.droop_gain + system.load_gain
    integral = -float(lost.sum()) / (system.agc_gain * whole)
    share = system.shares[0]
    exports = -float(lost[0]) / system.agc_gain + share * float(lost.sum()) / system.agc_gain
    return {
        "frequency": 0.0,
        "frequency integral": integral,
        "exports integral": exports,
    }
