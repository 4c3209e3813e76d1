"""The same system once more, as ratios of polynomials: what the simulation is held against.

Nothing here uses the state space. As both areas differ in size alone, the frequency answers to
the sum of what is lost, and is one ratio of two polynomials.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Polynomial

from optimodels.arrays import Complexes, Floats
from optimodels.families.regulation.physics.disturbances import lengths
from optimodels.families.regulation.physics.system import System

#: Poles nearer to each other than this part of their size are no two modes.
_APART = 1e-6

_S = Polynomial([0.0, 1.0])


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
    gate, chest = 1 + _S * g.governor, 1 + _S * g.chest
    slow = 1 + _S * (g.temporary_droop / g.permanent_droop * g.reset)
    half, steam = 1 + _S * (g.water / 2), 1 + _S * g.reheat
    hydro, reheat, plain = (system.fleet.get(k, 0.0) for k in ("hydro", "reheat", "nonreheat"))
    water = (1 + _S * g.reset) * (1 - _S * g.water)
    top, bottom = Polynomial([0.0]), gate
    if hydro:
        bottom = bottom * slow * half
    if reheat or plain:
        bottom = bottom * chest
    if reheat:
        bottom = bottom * steam
    wet = slow * half if hydro else Polynomial([1.0])
    hot = steam if reheat else Polynomial([1.0])
    if hydro:
        top = top + hydro * water * (chest if reheat or plain else Polynomial([1.0])) * hot
    top = top + (reheat * (1 + _S * (g.high_pressure * g.reheat)) + plain * hot) * wet
    return Ratio(top, bottom)


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
    gain = system.load_gain
    bottom = g.bottom * (load.bottom if gain else 1)
    plain = (rate + system.damping) * bottom
    plain = plain + system.droop_gain * g.top * (load.bottom if gain else 1)
    if gain:
        plain = plain + gain * load.top * g.bottom
    if not system.agc:
        return Ratio(-bottom, plain)
    both = rate + float(system.bias.sum())
    slow = _S * (1 + _S * system.ace_filter)
    lag = 1 + _S * system.load_time if system.follows else Polynomial([1.0])
    follow = system.agc_gain * g.top * lag * (load.bottom if gain else 1)
    if system.follows:
        follow = follow + system.demand_share * slow * bottom
    return Ratio(-bottom * slow * lag, plain * slow * lag + follow * both)


def open_loop(system: System) -> tuple[Ratio, Ratio]:
    """ACE of the study area alone, by what it loses and by the frequency that it is given.

    ACE = (-loss + (B - s_1 ((1 - K_A) P_G/R G + (dr/R) L + D)) df) / (1 + W).
    """
    g, load, share = units(system), friendly(system), system.shares[0]
    one = Polynomial([1.0])
    shed = load.bottom if system.load_gain else one
    own = float(system.bias[0]) * g.bottom * shed
    own = own - share * (system.droop_gain * g.top + system.damping * g.bottom) * shed
    if system.load_gain:
        own = own - share * system.load_gain * load.top * g.bottom
    if not system.agc:
        return Ratio(-one, one), Ratio(own, g.bottom * shed)
    slow = _S * (1 + _S * system.ace_filter)
    lag = 1 + _S * system.load_time if system.follows else one
    whole = slow * lag * g.bottom + system.agc_gain * g.top * lag
    if system.follows:
        whole = whole + system.demand_share * slow * g.bottom
    return Ratio(-slow * lag * g.bottom, whole), Ratio(own * slow * lag, whole * shed)


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
    """direct + sum_i residue_i / (s - pole_i), simple poles (n,)."""

    poles: Complexes
    residues: Complexes
    direct: float = 0.0


def expand(ratio: Ratio) -> Residues | None:
    """Return the partial fractions of a ratio, in forty digits, or None where two poles are so
    near each other that a double cannot tell their modes apart."""
    import mpmath

    with mpmath.workdps(40):
        bottom = [mpmath.mpf(float(c)) for c in ratio.bottom.coef[::-1]]
        top = [mpmath.mpf(float(c)) for c in ratio.top.coef[::-1]]
        slope = [c * (len(bottom) - 1 - k) for k, c in enumerate(bottom[:-1])]
        found = mpmath.polyroots(bottom, maxsteps=200, extraprec=200)
        for k, p in enumerate(found):
            if any(abs(p - q) < _APART * (abs(p) + abs(q)) for q in found[:k]):
                return None
        made = [mpmath.polyval(top, p) / mpmath.polyval(slope, p) for p in found]
        direct = float(top[0] / bottom[0]) if len(top) == len(bottom) else 0.0
        return Residues(
            np.array([complex(p) for p in found]), np.array([complex(r) for r in made]), direct
        )


def answer(expanded: Residues, grid: Floats, begin: Floats, end: Floats) -> Floats:
    """Return the response (k + 1,) to an input straight in each step, mode by mode.

    Where the input jumps, what passes straight through is that before the jump.

    y_i(t + h) = e^(p h) y_i(t) + r_i (v (e^(p h) - 1) / p + dv (e^(p h) - 1 - p h) / (p^2 h)).
    """
    y = np.zeros(len(expanded.poles), dtype=complex)
    out = np.zeros(len(grid))
    p, made = expanded.poles, {}
    for k, h in enumerate(lengths(grid).tolist()):
        if h not in made:
            made[h] = _integrals(p, h)
        grow, level, rise = made[h]
        y = grow * y + expanded.residues * (begin[k] * level + (end[k] - begin[k]) * rise)
        out[k + 1] = y.sum().real + expanded.direct * end[k]
    return out


def _integrals(p: Complexes, h: float) -> tuple[Complexes, Complexes, Complexes]:
    x: Complexes = p * h
    small = np.abs(x) < 1e-2
    safe = np.where(small, 1.0, x)
    # Near zero both ratios are taken from their series.
    level = 1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6))))
    rise = (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6 * (1 + x / 7))))) / 2
    held: Complexes = np.where(small, level, np.expm1(safe) / safe)
    straight: Complexes = np.where(small, rise, (np.expm1(safe) - safe) / safe**2)
    return np.exp(x), h * held, h * straight
