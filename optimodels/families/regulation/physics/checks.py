"""Checks of a simulated response that share nothing with the simulation."""

from __future__ import annotations

import numpy as np

from optimodels.arrays import Complexes, Floats
from optimodels.families.regulation.physics import transfer_functions
from optimodels.families.regulation.physics.data import Response
from optimodels.families.regulation.physics.response import Simulated, ends
from optimodels.families.regulation.physics.second_integration import integrate
from optimodels.families.regulation.physics.system import AREAS, PARTS, state_space
from optimodels.result import Check

#: Two exact ways to the same trajectory differ by rounding, grown over thousands of steps.
_SAME = 1e-8
#: A closed form and a solution of linear equations: rounding times the condition of A.
_CLOSED = 1e-9
#: A Runge-Kutta method with local errors of 1e-9, which has no order where a limit is reached.
_INTEGRATED = 1e-5
#: Identities of one trajectory: rounding alone.
_ROUNDING = 1e-10
#: Steps over which a switched run is integrated again.
MOST_STEPS_AGAIN = 3000
#: Points at which both transcriptions of the system are compared.
_POINTS = (0.003j, 0.05j, 0.4j, 2.0j, 15.0j, 0.01 + 0.02j, 0.3 + 1.0j, 4.0)


def checks(response: Response, found: Simulated) -> tuple[Check, ...]:
    """Return all that hold for this kind of response."""
    made = [_transcriptions(response), _residues(response, found) or _again(response, found)]
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


def _residues(response: Response, found: Simulated) -> Check | None:
    """The frequency, in an open loop ACE, mode by mode; None where there are no simple modes."""
    if not response.linear:
        return None
    begin, end = response.given.begin, response.given.end
    ratios = [(transfer_functions.frequency(response.system), [0, 1])]
    if response.open_loop:
        by_loss, by_frequency = transfer_functions.open_loop(response.system)
        ratios = [(by_loss, [0]), (by_frequency, [3])]
    theirs = np.zeros(len(response.grid))
    for ratio, places in ratios:
        lost = [side[:, places].sum(axis=1) for side in (begin, end)]
        if lost[0].any() or lost[1].any():
            expanded = transfer_functions.expand(ratio)
            if expanded is None:
                return None
            theirs += transfer_functions.answer(expanded, response.grid, *lost)
    return Check.of(f"{_name(response)} against its residues",
                    apart(_ours(response, found), theirs), _SAME)  # fmt: skip


def _again(response: Response, found: Simulated) -> Check:
    most = min(len(response.grid) - 1, MOST_STEPS_AGAIN)
    given = type(response.given)(response.given.begin[:most], response.given.end[:most])
    grid, samples = response.grid[: most + 1], response.samples
    samples = None if samples is None else samples[: most + 1]
    theirs = integrate(response.system, grid, given, samples, response.saturation,
                       open_loop=response.open_loop)  # fmt: skip
    value = apart(_ours(response, found)[: most + 1], theirs)
    return Check.of(f"{_name(response)} to {grid[-1]:g} s, Dormand-Prince", value, _INTEGRATED)


def _name(response: Response) -> str:
    return "ACE" if response.open_loop else "frequency"


def _ours(response: Response, found: Simulated) -> Floats:
    """The frequency, or ACE just before each time, where it may jump."""
    return found.ace_before if response.open_loop else found.frequency


def _swing(response: Response, found: Simulated) -> Check:
    """M df is what both areas' exports add up to in time."""
    moved = response.system.inertia * found.frequency
    own, rest = found.integrals[:, 1], found.integrals[:, 3]
    size = max(float(np.abs(own).max()), float(np.abs(rest).max()), float(np.abs(moved).max()))
    balance = float(np.abs(moved - own - rest).max()) / (size or 1.0)
    return Check.of("swing: M df against exports in time", balance, _ROUNDING)


def _orders(response: Response, found: Simulated) -> Check:
    """K_I (integral of ACE - T_A z) = -u of each area; a sampled ACE as it is held."""
    system, names, worst = response.system, found.space.names, 0.0
    for k, area in enumerate(AREAS[:1] if response.open_loop else AREAS):
        z = found.states[:, names.index(f"{area} ACE filter")]
        u = found.states[:, names.index(f"{area} ACE integral")]
        gathered = found.integrals[:, 2 + 2 * k]
        if response.samples is not None:
            held = found.states[:-1, names.index(f"{area} ACE held")]
            gathered = np.append(0.0, np.cumsum(held * np.diff(response.grid)))
        terms = system.agc_gain * gathered, -system.agc_gain * system.ace_filter * z, u
        size = max(float(np.abs(term).max()) for term in terms)
        worst = max(worst, float(np.abs(sum(terms)).max()) / (size or 1.0))
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
