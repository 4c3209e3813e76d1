"""From regulated hours to what a reader wants: who is paid, by whom, at what prices."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimodels.families.regulation.physics.cost import (
    CAUSES,
    PAID,
    Hour,
    Regulated,
    regulate,
    with_demand,
)
from optimodels.families.regulation.physics.cost_checks import checks
from optimodels.families.regulation.physics.modes import modes
from optimodels.families.regulation.physics.system import state_space
from optimodels.model import Answer, Done, Outcome
from optimodels.result import Row
from optimodels.threads import threads_held

_MOST_ROWS = 3001
_NAMES = {
    "droop": "supply on droop",
    "agc": "supply on ACE",
    "demand": "demand response",
    "native": "the area's own deviations",
    "exports": "exports over tielines",
    "damping": "load's own damping",
}


@threads_held(1)
def pay(hour: Hour) -> Outcome:
    """Regulate the hour, and the same with the demand response to compare with; check both."""
    found = regulate(hour)
    made = list(checks(hour, found))
    other = None
    if hour.reference is not None and hour.reference != hour.system.demand_response:
        compared = with_demand(hour, hour.reference)
        other = regulate(compared)
        made += [
            check.of(f"reference: {check.name}", check.value, check.tolerance)
            for check in checks(compared, other)
        ]
    space = state_space(hour.system)
    stable = modes(space.a, space.names)
    values: dict[str, Any] = {
        **_values(hour, found),
        **(_beside(found, other) if other else {}),
        "stable": stable.stable,
        "largest_real_eigenvalue": stable.largest,
        "dominant_mode": stable.names[0],
    }
    arrays = {
        "resources": _resources(found, other),
        "causes": _causes(found),
        "dispatches": _dispatches(hour, found),
        "prices": _prices(hour, found),
    }
    return Outcome("balance", tuple(made), arrays, values)


def regulation_cost(hour: Hour, done: Done) -> Answer:
    """Report an hour."""
    found = done.outcomes["regulation"]
    return Answer(found.values, dict(found.arrays), _notes(hour, found))


def _values(hour: Hour, found: Regulated) -> dict[str, Any]:
    hours = float(hour.grid[-1]) / 3600
    weight = np.diff(hour.grid[hour.marks])
    percent = 100 / hour.own_load
    ace = found.ace
    share = found.share("demand")
    return {
        "total_cost": found.total,
        "cost_per_hour": found.total / hours,
        **{f"cost_{name}": found.paid(name) for name in PAID},
        "share_demand_percent": None if share is None else 100 * share,
        "mean_dispatch_price": float(found.dispatches.price.mean()),
        "mean_slope": float(found.dispatches.slope.mean()),
        "demand_follows": hour.system.demand_share,
        "mean_participation_demand": float(found.dispatches.demand_share.mean()),
        "regulation_price_largest": float(np.abs(found.price).max()),
        "ace_mean_percent": percent * float(weight @ ace / weight.sum()),
        "ace_root_mean_square_percent": percent * float(np.sqrt(weight @ ace**2 / weight.sum())),
        "nadir_hz": hour.nominal_hz * (1 + float(found.frequency.min())),
    }


def _beside(found: Regulated, other: Regulated) -> dict[str, Any]:
    share = other.share("demand")
    # Of what may be earned as well as paid: more is more whatever the reference's sign.
    change = (found.total - other.total) / abs(other.total) if other.total else None
    return {
        "reference_total_cost": other.total,
        "reference_share_demand_percent": None if share is None else 100 * share,
        "reference_mean_slope": float(other.dispatches.slope.mean()),
        "cost_change_percent": None if change is None else 100 * change,
        "slope_change_percent": 100
        * (float(found.dispatches.slope.mean() / other.dispatches.slope.mean()) - 1),
    }


def _resources(found: Regulated, other: Regulated | None) -> list[Row]:
    rows: list[Row] = []
    for name in PAID:
        share = found.share(name)
        row: Row = {
            "resource": _NAMES[name],
            "energy_mwh": float(found.energy[name].sum()),
            "cost": found.paid(name),
            "share_percent": None if share is None else 100 * share,
        }
        if other is not None:
            share = other.share(name)
            row |= {
                "reference_cost": other.paid(name),
                "reference_share_percent": None if share is None else 100 * share,
            }
        rows.append(row)
    return rows


def _causes(found: Regulated) -> list[Row]:
    """What every deviation owes at the price of regulation: what is at home can be collected."""
    return [
        {
            "cause": _NAMES[name],
            "energy_mwh": float(found.energy[name].sum()),
            "owes": found.paid(name),
            "collected": name == "native",
        }
        for name in CAUSES
    ]


def _dispatches(hour: Hour, found: Regulated) -> list[Row]:
    cleared, rows = found.dispatches, []
    for k in range(len(cleared.price)):
        here = hour.interval == k
        rows.append(
            {
                "interval": k + 1,
                "dispatch_price": float(cleared.price[k]),
                "quantity_mw": float(cleared.quantity[k]),
                "supply_slope": float(cleared.supply_slope[k]),
                "demand_slope": float(cleared.demand_slope[k]),
                "participation_demand": float(cleared.demand_share[k]),
                "price_deviation": float(found.price[here].std()),
                "cost": float(sum(found.money[name][here].sum() for name in PAID)),
            }
        )
    return rows


def _prices(hour: Hour, found: Regulated) -> list[Row]:
    at = hour.marks[:-1]
    paid = np.cumsum(np.sum([found.money[name] for name in PAID], axis=0))
    owed = np.cumsum(found.money["native"])
    kept = range(0, len(at), -(-len(at) // _MOST_ROWS))
    return [
        {
            "time_s": float(hour.grid[at[j]]),
            "frequency_hz": hour.nominal_hz * (1 + float(found.frequency[at[j]])),
            "ace_mw": float(found.ace[j]),
            "dispatch_price": float(found.dispatches.price[hour.interval[j]]),
            "regulation_price": float(found.price[j]),
            "paid_until_then": float(paid[j]),
            "owed_until_then": float(owed[j]),
        }
        for j in kept
    ]


def _notes(hour: Hour, found: Outcome) -> tuple[str, ...]:
    notes = [
        "money in $, prices in $/MWh, slopes in $/(MW^2 h), eigenvalues in 1/s; ACE in percent of "
        "the study area's load",
        "energies are of the study area's responses, and what is asked for twice (up, then down "
        "again) cancels in them, but not in the payments",
        "P_R "
        + ("includes" if hour.includes else "does not include")
        + " the dispatch price P_C (price_includes_dispatch)",
        "ours: half of the responsive load is served at the mean price, and the responsive load is "
        "what answers to frequency",
    ]
    notes.append(
        "not in this model: P_D, the deviation of prices, has no part in bids; tieline deviations "
        "are not collected, as the neighbours have no market here; demand response has no limit"
    )
    if not found.values["stable"]:
        notes.append(f"unstable, in {found.values['dominant_mode']}")
    if len(hour.interval) > _MOST_ROWS:
        each = -(-len(hour.interval) // _MOST_ROWS)
        notes.append(f"the table of prices has every {each}th of {len(hour.interval)}")
    return tuple(notes)
