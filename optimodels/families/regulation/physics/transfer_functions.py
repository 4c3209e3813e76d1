"""The same system once more, as ratios of polynomials: what the simulation is held against.

Nothing here uses the state space. As both areas differ in size alone, the frequency answers to
the sum of what is lost, and is one ratio of two polynomials.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial import Polynomial

from optimodels.arrays import Complexes, Floats
from optimodels.families.regulation.physics.disturbances import lengths
from optimodels.families.regulation.physics.system import System

#: Poles nearer to each other than this part of their size are no two modes.
_APART = 1e-12
#: Of a mode, what rounding makes of it.
_ROUNDING = 1e-15
#: Below this a series of so many terms is exact to rounding.
_NEAR_ZERO, _TERMS = 0.5, 16

_S, _ONE = Polynomial([0.0, 1.0]), Polynomial([1.0])


@dataclass(frozen=True)
class Ratio:
    """top(s) / bottom(s)."""

    top: Polynomial
    bottom: Polynomial

    def __call__(self, s: Complexes) -> Complexes:
        return np.asarray(self.top(s) / self.bottom(s))


def units(system: System) -> Ratio:
    """G(s): hydro, reheat and non-reheat units by their fractions, over one denominator.

    hydro     (1 + s T_R) (1 - s T_W) / ((1 + s T_G) (1 + s (R_T/R_P) T_R) (1 + s T_W/2))
    reheat    (1 + s F_HP T_RH) / ((1 + s T_G) (1 + s T_CH) (1 + s T_RH))
    nonreheat 1 / ((1 + s T_G) (1 + s T_CH))
    """
    g = system.governors
    hydro, reheat, plain = (system.fleet.get(k, 0.0) for k in ("hydro", "reheat", "nonreheat"))
    chest = _lagging([g.chest]) if reheat or plain else _ONE
    wet, hot = _lagging(_wet(system)), _lagging(_hot(system))
    top = (reheat * (1 + _S * (g.high_pressure * g.reheat)) + plain * hot) * wet
    if g.high_pressure == 1:
        top = (reheat + plain) * wet
    if hydro:
        water = (1 - _S * g.water) * (1 if g.reset in _dashpot(system) else 1 + _S * g.reset)
        top = top + hydro * water * chest * hot
    return Ratio(top, _lagging(_times(system)))


def _dashpot(system: System) -> list[float]:
    g = system.governors
    return [_slow(system), g.water / 2]


def _wet(system: System) -> list[float]:
    """Below hydro units, s: less the one that cancels with 1 + s T_R, as 0.5 s for both does."""
    times = _dashpot(system) if system.fleet.get("hydro") else []
    if system.governors.reset in times:
        times.remove(system.governors.reset)
    return times


def _hot(system: System) -> list[float]:
    """Below reheat units, s: none where all steam is at high pressure."""
    g = system.governors
    return [g.reheat] if system.fleet.get("reheat") and g.high_pressure < 1 else []


def _slow(system: System) -> float:
    g = system.governors
    return g.temporary_droop / g.permanent_droop * g.reset


def _times(system: System) -> list[float]:
    """The time constants below G(s), s: each kind of unit's, those in common once."""
    g, part = system.governors, system.fleet
    return [
        g.governor,
        *_wet(system),
        *([g.chest] if part.get("reheat") or part.get("nonreheat") else []),
        *_hot(system),
    ]


def _lagging(times: list[float]) -> Polynomial:
    """(1 + s T_1) (1 + s T_2) ..."""
    return math.prod((1 + _S * time for time in times), start=_ONE)


def friendly(system: System) -> Ratio:
    """L(s) = s / (T s^2 + s + K_L)."""
    return Ratio(_S, Polynomial([system.recovery, 1.0, system.load_time]))


def frequency(system: System) -> Ratio:
    """df / loss = -1 / (M s + D + K G + (dr/R) L + W (M s + B)), B of both areas together.

    W(s) = K_I G(s) / (s (1 + s T_A)) + rho_D / (1 + s T_load) is what follows ACE, and the ACE of
    both areas together is (M s + B) df, as their exports are what accelerates the system.
    """
    g, load = units(system), friendly(system)
    rate = Polynomial([0.0, system.inertia])
    shed = load.bottom if system.load_gain else _ONE
    plain = (rate + system.damping) * g.bottom * shed + system.droop_gain * g.top * shed
    plain = plain + system.load_gain * load.top * g.bottom
    if not system.agc:
        return Ratio(-g.bottom * shed, plain)
    both = rate + float(system.bias.sum())
    control = _followers(system, g)
    slow = control.slow
    whole = plain * slow + (control.supply + control.demand) * shed * both
    return Ratio(-g.bottom * shed * slow, whole)


@dataclass(frozen=True)
class _Followers:
    """W(s) = (supply + demand) / (slow G's denominator): what follows ACE, by what it is."""

    supply: Polynomial
    demand: Polynomial
    slow: Polynomial


def _followers(system: System, g: Ratio) -> _Followers:
    """K_I G / (s (1 + s T_A)) and rho_D / (1 + s T_load) over one denominator."""
    slow = _S * (1 + _S * system.ace_filter)
    if not system.follows:
        return _Followers(system.agc_gain * g.top, 0 * _ONE, slow)
    times = _times(system)
    if system.load_time in times:
        # As in the default case: it stands once below.
        times.remove(system.load_time)
        return _Followers(
            system.agc_gain * g.top, system.demand_share * slow * _lagging(times), slow
        )
    lag = _lagging([system.load_time])
    return _Followers(
        system.agc_gain * g.top * lag, system.demand_share * slow * g.bottom, slow * lag
    )


@dataclass(frozen=True)
class Outputs:
    """What the study area does, by name: tops over what is below, a ratio for each input.

    ``driven`` follows the frequency's cause (power lost in both areas together, in an open loop
    the frequency given), over ``bottoms`` multiplied; ``own`` what the area loses itself, over the
    last of ``bottoms`` alone.
    """

    driven: dict[str, Polynomial]
    own: dict[str, Polynomial]
    bottoms: tuple[Polynomial, Polynomial]


def outputs(system: System, *, open_loop: bool) -> Outputs:
    """Return "frequency" and the study area's "droop", "friendly", "agc", "following", "ace".

    ACE = (-loss + (B - s_1 ((1 - K_A) P_G/R G + (dr/R) L + D)) df) / (1 + W), and the rest follows
    ACE or df by its own transfer function; denominators that cancel are left out by hand.
    """
    g, load, share = units(system), friendly(system), system.shares[0]
    shed = load.bottom if system.load_gain else _ONE
    own = (float(system.bias[0]) - share * system.damping) * g.bottom * shed
    own = own - share * system.droop_gain * g.top * shed
    own = own - share * system.load_gain * load.top * g.bottom
    # Of ACE as it would be with nobody following it, over ``whole``.
    follow, whole, slow = {"ace": _ONE, "agc": 0 * _ONE, "following": 0 * _ONE}, _ONE, _ONE
    if system.agc:
        control = _followers(system, g)
        slow = control.slow
        follow = {"ace": slow * g.bottom, "agc": -control.supply, "following": control.demand}
        whole = follow["ace"] + control.supply + control.demand
    # df is cause * (units' and load's denominators) / below.
    cause, below = -slow, frequency(system).bottom
    if open_loop:
        cause, below = _ONE, g.bottom * shed
    plain = {
        "frequency": g.bottom * shed * cause,
        "droop": -share * system.droop_gain * g.top * shed * cause,
        "friendly": share * system.load_gain * load.top * g.bottom * cause,
    }
    driven = {name: top * whole for name, top in plain.items()}
    driven |= {name: top * own * cause for name, top in follow.items()}
    return Outputs(driven, {name: -top for name, top in follow.items()}, (below, whole))


def characteristic(system: System, s: complex, *, open_loop: bool) -> complex:
    """Return det(s - A) at one s: every part's own denominator by the return difference of loops.

    Each area's loop gives 1 + W, and that of the frequency, once both are closed,
    (M s + D + K G + (dr/R) L + W (M s + B)) / (M s (1 + W)).
    """
    g, here = system.governors, np.asarray(s, dtype=complex)
    times = {
        "hydro": (g.governor, _slow(system), g.water / 2),
        "reheat": (g.governor, g.chest, g.reheat),
        "nonreheat": (g.governor, g.chest),
    }
    fleet = np.prod([s + 1 / t for kind, part in system.fleet.items() if part for t in times[kind]])
    whole = complex(fleet)
    if system.load_gain:
        whole *= complex(friendly(system).bottom(here)) / system.load_time
    areas = (1 if open_loop else 2) if system.agc else 0
    follows = 0j
    if system.agc:
        follows = complex(system.agc_gain * units(system)(here)) / (s * (1 + s * system.ace_filter))
        own = complex(fleet) * s * (s + 1 / system.ace_filter)
        if system.follows:
            follows += system.demand_share / (1 + s * system.load_time)
            own *= s + 1 / system.load_time
        whole *= (own * (1 + follows)) ** areas
    if open_loop:
        return whole
    rate = system.inertia * s
    loop = rate + system.damping + system.droop_gain * complex(units(system)(here))
    if system.load_gain:
        loop += system.load_gain * complex(friendly(system)(here))
    loop += follows * (rate + float(system.bias.sum()))
    return whole * loop / (system.inertia * (1 + follows))


def responses(system: System, s: complex) -> dict[str, Complexes]:
    """Return what follows a unit of power lost in each area (2,) at one s, by name.

    "frequency", and of the study area "exports", "droop", "agc", "friendly", "following", "ace".
    """
    here = np.asarray(s, dtype=complex)
    g = units(system)(here)
    share = system.shares[0]
    df = np.full(2, complex(frequency(system)(here)))
    load = friendly(system)(here) if system.load_gain else 0.0
    droop = -system.droop_gain * share * g * df
    shed = system.load_gain * share * load * df
    lost = np.array([1.0, 0.0])
    supply = demand = np.asarray(0.0 + 0.0j)
    if system.agc:
        supply = np.asarray(-g * system.agc_gain / (here * (1 + here * system.ace_filter)))
    if system.follows:
        demand = np.asarray(-system.demand_share / (1 + here * system.load_time))
    own = droop - shed - system.damping * share * df - lost
    bias = float(system.bias[0])
    # ACE = own + (supply + demand) ACE + B df.
    ace = (own + bias * df) / (1 - supply - demand)
    return {
        "frequency": df,
        "exports": ace - bias * df,
        "droop": droop,
        "agc": supply * ace,
        "friendly": shed,
        "following": -demand * ace,
        "ace": ace,
    }


@dataclass(frozen=True)
class Residues:
    """direct + sum_i residue_i / (s - pole_i), simple poles (n,), of m outputs by name.

    ``residues`` (m, n), ``direct`` (m,).
    """

    names: tuple[str, ...]
    poles: Complexes
    residues: Complexes
    direct: Floats


def expand(tops: Mapping[str, Polynomial], *bottoms: Polynomial) -> Residues | None:
    """Return the partial fractions of tops over one product of bottoms, in forty digits.

    None where two poles are so near each other that a double cannot tell them apart.
    """
    import mpmath

    names = tuple(tops)
    with mpmath.workdps(40):
        poles = [p for bottom in bottoms for p in _roots(bottom)]
        for k, p in enumerate(poles):
            if any(abs(p - q) <= _APART * (abs(p) + abs(q)) for q in poles[:k]):
                return None
        lead = math.prod(mpmath.mpf(_trimmed(bottom)[-1]) for bottom in bottoms)
        slopes = [lead * math.prod(p - q for j, q in enumerate(poles) if j != k)
                  for k, p in enumerate(poles)]  # fmt: skip
        made = np.zeros((len(names), len(poles)), dtype=complex)
        direct = np.zeros(len(names))
        for row, name in enumerate(names):
            top = [mpmath.mpf(c) for c in _trimmed(tops[name])]
            for k, p in enumerate(poles):
                made[row, k] = complex(_value(top, p) / slopes[k])
            if len(top) == len(poles) + 1:
                direct[row] = float(top[-1] / lead)
        return Residues(names, np.array([complex(p) for p in poles], dtype=complex), made, direct)


def _trimmed(what: Polynomial) -> list[float]:
    return [float(c) for c in np.trim_zeros(what.coef, "b")]


def _value(rising: list[Any], at: Any) -> Any:
    """The value of a polynomial by Horner's rule, whatever its numbers are."""
    value = at * 0
    for c in reversed(rising):
        value = value * at + c
    return value


def _roots(bottom: Polynomial) -> list[Any]:
    """The roots in the digits that are set, from those in double precision; without convergence,
    as where they are multiple, they are near each other and none is said to be simple."""
    import mpmath

    first = np.roots(_trimmed(bottom)[::-1])
    coefficients = [mpmath.mpf(c) for c in _trimmed(bottom)]
    try:
        found: list[Any] = mpmath.polyroots(
            coefficients, asc=True, maxsteps=100, extraprec=100,
            roots_init=[mpmath.mpc(r) for r in first.tolist()],
        )  # fmt: skip
    except mpmath.NoConvergence:
        return [mpmath.mpc(1)] * 2
    return found


@dataclass(frozen=True)
class Followed:
    """Modes (k + 1, n) at the times of a grid, and their integrals over every step (k, n)."""

    modes: Complexes
    integrals: Complexes


def follow(poles: Complexes, grid: Floats, begin: Floats, end: Floats) -> Followed:
    """Return what 1 / (s - p) makes, from rest, of an input straight in each step (k,).

    With phi_1(x) = (e^x - 1) / x and phi_(j+1) = (phi_j - 1/j!) / x at x = p h:
    y(t + h) = e^x y + h (v phi_1 + dv phi_2), integral of y = h y phi_1 + h^2 (v phi_2 + dv phi_3).
    """
    y = np.zeros((len(grid), len(poles)), dtype=complex)
    summed = np.zeros((len(grid) - 1, len(poles)), dtype=complex)
    made = {}
    for k, h in enumerate(lengths(grid).tolist()):
        if h not in made:
            made[h] = np.exp(poles * h), *_phis(poles * h)
        grow, one, two, three = made[h]
        v, dv = begin[k], end[k] - begin[k]
        y[k + 1] = grow * y[k] + h * (v * one + dv * two)
        summed[k] = h * (y[k] * one + h * (v * two + dv * three))
    return Followed(y, summed)


@dataclass(frozen=True)
class Answer:
    """Responses (k + 1,) by name, after a jump of the input, and their integrals from rest.

    ``doubt`` bounds what rounding has done to each: modes that nearly cancel leave little else.
    """

    values: dict[str, Floats]
    integrals: dict[str, Floats]
    doubt: dict[str, float]


def answer(expanded: Residues, grid: Floats, begin: Floats, end: Floats) -> Answer:
    """Return the responses to an input straight in each step."""
    followed = follow(expanded.poles, grid, begin, end)
    values = (followed.modes @ expanded.residues.T).real
    values += np.append(begin, end[-1])[:, None] * expanded.direct
    each = (followed.integrals @ expanded.residues.T).real
    each += ((begin + end) / 2 * lengths(grid))[:, None] * expanded.direct
    whole = np.vstack([np.zeros(len(expanded.names)), np.cumsum(each, axis=0)])
    size = np.abs(followed.modes).max(axis=0, initial=0.0)
    doubt = _ROUNDING * (np.abs(expanded.residues) @ size)
    return Answer(
        dict(zip(expanded.names, values.T, strict=True)),
        dict(zip(expanded.names, whole.T, strict=True)),
        dict(zip(expanded.names, doubt.tolist(), strict=True)),
    )


def _phis(x: Complexes) -> list[Complexes]:
    """phi_1 to phi_3, near zero by their series, as differences cancel there."""
    small = np.abs(x) < _NEAR_ZERO
    safe = np.where(small, 1.0, x)
    found, last = [], np.exp(safe)
    for j in (1, 2, 3):
        last = (np.expm1(safe) if j == 1 else last - 1 / math.factorial(j - 1)) / safe
        series = sum(x**k / math.factorial(k + j) for k in range(_TERMS))
        found.append(np.where(small, series, last))
    return found
