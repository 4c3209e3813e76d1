"""From points to what a reader wants: values by name and tidy tables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.thermodynamics.counting import log_ratio
from optimodels.families.thermodynamics.data import Contact, Levels, Rates
from optimodels.families.thermodynamics.equilibrium_checks import (
    EMPTY,
    Point,
    entropy_lost,
    inverse_activities,
    point,
    potentials,
)
from optimodels.families.thermodynamics.exact import (
    BINARY,
    LAWS,
    QUADRATIC,
    Equilibrium,
    equilibrium,
)
from optimodels.model import Answer, Done
from optimodels.result import Row

#: Where the paper's print is wrong, by the model that would have to copy it.
_SLIP_2 = "(2) of the print has g_1 twice; the second is g_2"
_SLIP_4 = "(4) of the print has N_1 below both terms; the second is N_2"
_SLIP_17 = (
    "one line before (17) the print has N below U^2; (d sigma / dN)_U brings N^2, "
    "with which (18) follows"
)
_SLIP_WIDTH = (
    "the print's width of the peak, sqrt(N_1), is that of the excess product 2m_1; m_1 has "
    "sqrt(N_1)/2 beside a reservoir and sqrt(N_1/8) between equal systems"
)


#: Digits of an activity are shown that hold to this part of it.
_TOLD = 1e-3
#: A system that holds this part of what it can is full.
_FULL = 1 - 1e-6


def degeneracy(levels: Levels, done: Done) -> Answer:
    """Levels with their degeneracies, exact and Gaussian."""
    counted = done.outcomes["count"]
    notes = [_SLIP_2]
    if levels.machines % 2:
        notes.append("an odd number of machines has no level m = 0; the nearest are m = +-1/2")
    return Answer(counted.values, {"levels": counted.arrays["rows"]}, tuple(notes))


def deviation_rates(asked: Rates, done: Done) -> Answer:
    """Deviations with the states they cost and how long one waits for them."""
    found = done.outcomes["rates"]
    rows = found.arrays["rows"]
    notes = [
        _SLIP_WIDTH,
        "days_to_event is the paper's: from the height of the density beside its peak, (7); how "
        "long one waits for such a deviation or a larger one is days_to_event_tail",
    ]
    decimal = found.arrays["logarithms"]
    beyond = [
        name for name in rows[0]
        if any(row[name] is None and log.get(f"log10_{name}") is not None
               for row, log in zip(rows, decimal, strict=True))
    ]  # fmt: skip
    if beyond:
        notes.append(f"beyond the range of a double, so only as log10: {', '.join(beyond)}")
    if any(row["log10_tail_probability_exact"] is None for row in decimal):
        notes.append("the exact tail is not summed: it has more than four million terms")
    return Answer(found.values, {"rates": rows, "logarithms": decimal}, tuple(notes))


def contact_equilibrium(contact: Contact, done: Done) -> Answer:
    """Systems with their share of the value; both entropies beside each other."""
    solution = done.solution("equilibrium")
    found = point(contact, solution)
    own = inverse_activities(contact, found.machines, found.value)
    beta = found.inverse_activity
    if beta is None:
        # No multipliers: the mean of what each system's own derivative says.
        known = np.isfinite(own)
        beta = float(found.machines[known] @ own[known] / found.machines[known].sum())
    both = {law.name: equilibrium(contact, law) for law in (QUADRATIC, BINARY)}
    best = both[contact.entropy]
    # A flat entropy lets a solver's split lie anywhere nearby: no digits of that are shown.
    room = _TOLD * abs(best.inverse_activity)
    told = abs(beta - best.inverse_activity) <= room
    if not told:
        beta = best.inverse_activity
    full = np.abs(_fraction(contact, found)) > _FULL
    own = np.where(full | (np.abs(own - best.inverse_activity) <= room), own, np.nan)
    if contact.total_value == 0:
        own, beta = np.zeros_like(own), 0.0
    lost = entropy_lost(contact, found)
    values: dict[str, Any] = {
        "activity": _over(1.0, beta),
        "inverse_activity": beta,
        "entropy": contact.total_machines * math.log(2) + _most_mixing(contact) - lost,
        "entropy_lost": lost,
    }
    if contact.deviation is not None:
        values["standard_deviations"] = contact.total_value / contact.deviation
    for name, each in both.items():
        values[f"activity_{name}"] = _over(1.0, each.inverse_activity)
        values[f"entropy_lost_{name}"] = each.lost
    tables = {
        "systems": _systems(contact, found, own, best.value),
        "multipliers": _multipliers(contact, found, best),
        "entropies": _entropies(contact, found, both),
    }
    notes = _notes(contact, found, solution.duals != {})
    held = found.machines > EMPTY * contact.total_machines
    if contact.total_value and (not told or np.isnan(own[held]).any()):
        notes = (
            "the entropy is so flat here that the solver's own split gives activities that are off "
            "by more than a thousandth: these are left out, and the one above is the closed form's",
            *notes,
        )
    return Answer(values, tables, notes)


def _most_mixing(contact: Contact) -> float:
    """The greatest entropy of mixing, nats: with machines in equal numbers everywhere."""
    return contact.total_machines * math.log(len(contact.machines)) if contact.mixing else 0.0


def _multipliers(contact: Contact, found: Point, best: Equilibrium) -> list[Row]:
    """1/tau and (mu - mu(0))/tau: the solver's multipliers beside the closed form.

    A mu of immobile machines is a multiplier only where their numbers stand in rows.
    """
    rows: list[Row] = [
        {"multiplier": "1/tau, 1/EUR", "solver": found.inverse_activity,
         "closed_form": best.inverse_activity}
    ]  # fmt: skip
    n = len(contact.machines)
    gains = (
        np.full(n, best.potential)
        if contact.mobile
        else LAWS[contact.entropy].phi(contact.unit_value * best.inverse_activity)
    )
    for i in range(1 if contact.mobile else n):
        which = "of all systems" if contact.mobile else f"of system {i + 1}"
        rows.append(
            {
                "multiplier": f"(mu - mu(0))/tau {which}",
                "solver": None if found.potential is None else -float(found.potential[i]) + 0.0,
                "closed_form": -float(gains[i]) + 0.0,
            }
        )
    return rows


def _systems(contact: Contact, found: Point, own: Floats, closed: Floats) -> list[Row]:
    gains = potentials(contact, found.machines, found.value)
    deficit = LAWS[contact.entropy].deficit(_fraction(contact, found))
    rows: list[Row] = []
    for i, e in enumerate(contact.unit_value):
        # A system without machines has no value either, whatever a solver leaves of both.
        here = found.machines[i] > EMPTY * contact.total_machines
        n, u = (float(found.machines[i]), float(found.value[i])) if here else (0.0, 0.0)
        rows.append(
            {
                "system": i + 1,
                "machines": n,
                "unit_value": float(e),
                "value": u,
                "value_closed_form": float(closed[i]),
                "excess": -u / float(e) + 0.0,
                "activity": _over(1.0, float(own[i])),
                "potential_value": _over(-float(gains[i]), float(own[i])),
                "entropy": n * (math.log(2) - float(deficit[i])),
            }
        )
    return rows


def _entropies(contact: Contact, found: Point, both: dict[str, Any]) -> list[Row]:
    """The split by either entropy, and what ours loses by each, beside the counted states."""
    x = _fraction(contact, found)
    # 2m = -U / (eps P); counted by g itself, between whole machines by the gamma function.
    n = found.machines
    counted = -log_ratio(np.maximum(n, 1e-9), -x * np.maximum(n, 1e-9) / 2)
    rows: list[Row] = []
    for i in range(len(n)):
        here = bool(n[i] > EMPTY * contact.total_machines)
        row: Row = {"system": i + 1}
        for name, best in both.items():
            row[f"value_{name}"] = float(best.value[i])
            if contact.mobile:
                row[f"machines_{name}"] = float(best.machines[i])
        row |= {
            "lost_quadratic": float(n[i] * QUADRATIC.deficit(x)[i]) if here else 0.0,
            "lost_exact": float(n[i] * BINARY.deficit(x)[i]) if here else 0.0,
            "lost_counted": float(counted[i]) if here else 0.0,
        }
        rows.append(row)
    return rows


def _fraction(contact: Contact, found: Point) -> Floats:
    """U_i / (N_i (eps P)_i) (n,), buyers less sellers per machine; 0 where there is none."""
    here = found.machines > EMPTY * contact.total_machines
    most = np.where(here, found.machines, 1.0) * contact.unit_value
    part: Floats = np.where(here, np.clip(found.value / most, -1.0, 1.0), 0.0)
    return part


def _notes(contact: Contact, found: Point, multipliers: bool) -> tuple[str, ...]:
    notes = ["1/tau = d sigma / dU, mu/tau = -d sigma / dN; mu(0) is mu at zero activity"]
    if contact.total_value == 0:
        notes.append("at a total value of 0 the activity is infinite: 1/tau = 0")
    elif contact.total_value > 0:
        notes.append("the activity is negative: more machines buy than sell")
    if not multipliers:
        notes.append("no multipliers were proven: the activity is that of the split itself")
    e = contact.unit_value
    if contact.mobile and not contact.mixing and e.min() < e.max():
        best = ", ".join(str(i + 1) for i in np.flatnonzero(e == e.max()))
        notes.append(
            f"no interior optimum: every machine moves to system {best}, whose unit value is "
            "greatest; the paper's mu_1 = mu_2 cannot hold between different unit values "
            "without the entropy of mixing"
        )
    if contact.mixing:
        notes.append(
            "the entropy of mixing belongs to no system: it is in the total, not in the table"
        )
    if contact.mobile and not contact.mixing and np.sum(e == e.max()) > 1:
        notes.append(
            "systems of the greatest unit value share machines and value as one: any split among "
            "them is as probable"
        )
    if contact.mobile:
        notes.append(
            "ours: log g(N, 0) is taken as N log 2; its other part, -log(pi N / 2) / 2, is convex "
            "in N and would let no optimum be proven"
        )
    full = np.flatnonzero(np.abs(_fraction(contact, found)) > _FULL)
    if len(full) and contact.entropy == "quadratic":
        listed = ", ".join(str(i + 1) for i in full)
        notes.append(
            f"full: system {listed}, to which U a_i N_i / sum(a N) would give more than it holds; "
            "the quadratic entropy is no approximation there"
        )
    slips = [_SLIP_4] if not contact.mobile else []
    return (*notes, *slips, _SLIP_17)


def _over(numerator: float, value: float) -> float | None:
    """A quotient, or None where it is infinite or not known."""
    return numerator / value if math.isfinite(value) and value else None
