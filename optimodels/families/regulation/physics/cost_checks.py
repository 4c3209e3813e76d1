"""Checks of a regulation's cost: the market, the energies and the money, each from the data."""

from __future__ import annotations

import math

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.regulation.physics.checks import MOST_SECONDS_AGAIN, apart, by_residues
from optimodels.families.regulation.physics.cost import CAUSES, PAID, Hour, Regulated
from optimodels.families.regulation.physics.second_integration import integrate
from optimodels.families.regulation.physics.simulation import Inputs
from optimodels.result import Check

#: Sums of thousands of rounded numbers.
_ROUNDING = 1e-9
#: Two exact ways to one trajectory.
_SAME = 1e-8
#: A Runge-Kutta method with local errors of 1e-11, summed up in prices times energies.
_INTEGRATED = 1e-5
#: Central differences over this part of a quantity are wrong by its square, and by rounding.
_STEP, _DIFFERENCE = 1e-5, 1e-6


def checks(hour: Hour, found: Regulated) -> tuple[Check, ...]:
    """Return the checks of one hour; energies and money are compared in every step."""
    given = np.sum([found.energy[name] for name in PAID], axis=0)
    caused = np.sum([found.energy[name] for name in CAUSES], axis=0)
    metered = np.array([found.energy[name] for name in (*PAID, *CAUSES)])
    size = float(np.abs(metered).max()) or 1.0
    paid, owed = _money(found, PAID), _money(found, CAUSES)
    turned = math.fsum(np.abs([found.money[name] for name in PAID]).ravel()) or 1.0
    native = _native(hour)
    return (
        *_market(hour, found),
        *_again(hour, found),
        Check.of("energy given against energy caused", _worst(given - caused) / size, _ROUNDING),
        Check.of("energy lost at home, integrated by hand",
                 _worst(found.energy["native"] - native) / size, _ROUNDING),
        Check.of("money paid against money owed", abs(paid - owed) / turned, _ROUNDING),
        Check.of("total against the sum of payments", abs(found.total - paid) / turned, _ROUNDING),
    )  # fmt: skip


def _again(hour: Hour, found: Regulated) -> list[Check]:
    """Frequency, ACE, every meter, the price and every payment by another way through the data.

    By residues; where two modes are too near each other for these, by Dormand-Prince for a while.
    """
    at, how, limit = hour.marks, "residues", _SAME
    theirs = by_residues(hour.system, hour.grid, hour.given, decay=hour.decay)
    if theirs is None:
        at = at[: max(2, int(np.searchsorted(hour.grid[at], MOST_SECONDS_AGAIN)))]
        grid = hour.grid[: at[-1] + 1]
        given = Inputs(hour.given.begin[: at[-1] + 1], hour.given.end[: at[-1]])
        theirs = integrate(hour.system, grid, given, None, None, decay=hour.decay)
        how, limit = f"Dormand-Prince to {grid[-1]:g} s", _INTEGRATED
    count, values, megawatts = len(at) - 1, theirs.values, hour.megawatts
    energy = {
        name: megawatts / 3600 * np.diff(whole[at]) for name, whole in theirs.integrals.items()
    }
    energy["demand"] = -energy["load"]
    energy["damping"] = hour.system.damping * hour.system.shares[0] * energy["frequency"]
    ace = megawatts * values["ace"][at[:-1]]
    asked = -ace
    if hour.needed == "response":
        asked = megawatts * (values["droop"] + values["agc"] - values["load"])[at[:-1]]
    market, interval = found.dispatches, hour.interval[:count]
    slope = 1 / (1 / market.supply_slope + 1 / market.demand_slope)
    price = slope[interval] * asked + hour.includes * market.price[interval]
    turned = math.fsum(np.abs([price * energy[name] for name in PAID]).ravel()) or 1.0
    paid = [math.fsum(found.money[name][:count]) - math.fsum(price * energy[name]) for name in PAID]
    names = [name for name in (*PAID, *CAUSES) if name in energy]
    ours = np.array([found.energy[name][:count] for name in names])
    frequency = values["frequency"]
    return [
        Check.of(f"frequency, {how}", apart(found.frequency[: len(frequency)], frequency), limit),
        Check.of(f"ACE, {how}", apart(found.ace[:count], ace), limit),
        Check.of(f"energy of every resource and cause, {how}",
                 apart(ours, np.array([energy[name] for name in names])), limit),
        Check.of(f"price of regulation, {how}", apart(found.price[:count], price), limit),
        Check.of(f"payment of every resource, {how}", _worst(np.array(paid)) / turned, limit),
    ]  # fmt: skip


def _worst(values: Floats) -> float:
    return float(np.abs(values).max())


def _money(found: Regulated, names: tuple[str, ...]) -> float:
    """Price by price and meter by meter, summed without rounding in between."""
    return math.fsum(
        price * energy
        for name in names
        for price, energy in zip(found.price.tolist(), found.energy[name].tolist(), strict=True)
    )


def _market(hour: Hour, found: Regulated) -> list[Check]:
    """Both curves at the clearing, written out once more, and their slopes by differences."""
    bids, cleared = hour.bids, found.dispatches
    responsive = hour.system.demand_response * hour.own_load
    p = cleared.price

    def asked(price: Floats) -> Floats:
        with np.errstate(over="ignore"):
            answer = 1 + np.exp(2 * bids.elasticity * (1 - price / bids.mean_price))
        return np.asarray(hour.load - responsive / 2 + responsive / answer)

    most = float(hour.load.max())
    market = bids.market(hour.load, responsive)
    made = [
        Check.of("demand at the clearing price", _worst(asked(p) - cleared.quantity) / most,
                 _ROUNDING),
        Check.of("supply's price at its quantity",
                 _worst(market.supply.marginal(cleared.quantity) - p) / float(np.abs(p).max()),
                 _DIFFERENCE),
    ]  # fmt: skip
    q, h = cleared.quantity, _STEP * cleared.quantity
    rise = (market.supply.marginal(q + h) - market.supply.marginal(q - h)) / (2 * h)
    # Demand bends within the scale of the prices at which it leaves.
    away = 10 * _STEP * bids.mean_price / (2 * abs(bids.elasticity))
    fall = (asked(p - away) - asked(p + away)) / (2 * away)
    # As conductances, which are finite without responsive load.
    ours, theirs = 1 / cleared.slope, 1 / rise + fall
    made.append(Check.of("1/R by differences", apart(ours, np.asarray(theirs)), _DIFFERENCE))
    return made


def _native(hour: Hour) -> Floats:
    """MWh (j,) that the area lost beyond what was dispatched: straight lines less a decay."""
    lengths = np.diff(hour.grid)
    begin, end = hour.given.begin, hour.given.end
    lost = (begin[:, 0] + end[:, 0]) / 2 * lengths
    level, kept = 0.0, np.zeros(len(lengths))
    for k, h in enumerate(lengths):
        target, away = begin[k, 3], -math.expm1(-h / hour.decay)
        kept[k] = target * h + (level - target) * hour.decay * away
        level += (target - level) * away
    total = np.append(0.0, np.cumsum(lost - kept))
    return np.asarray(hour.megawatts / 3600 * np.diff(total[hour.marks]))
