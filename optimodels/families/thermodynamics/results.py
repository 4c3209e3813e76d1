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
    notes = [_SLIP_WIDTH]
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
    if contact.total_value == 0:
        # What a solver leaves of zero is no activity.
        own = np.zeros_like(own)
    beta = found.inverse_activity
    if beta is None:
        # No multipliers: the mean of what each system's own derivative says.
        known = np.isfinite(own)
        beta = float(found.machines[known] @ own[known] / found.machines[known].sum())
    if contact.total_value == 0:
        beta = 0.0
    both = {law.name: equilibrium(contact, law) for law in (QUADRATIC, BINARY)}
    lost = -(solution.objective or 0.0)
    states = 2 * len(contact.machines) if contact.mixing else 2
    values: dict[str, Any] = {
        "activity": _over(1.0, beta),
        "inverse_activity": beta,
        "entropy": contact.total_machines * math.log(states) - lost,
        "entropy_lost": lost,
        "standard_deviations": contact.total_value / contact.spread,
    }
    for name, best in both.items():
        values[f"activity_{name}"] = _over(1.0, best.inverse_activity)
        values[f"entropy_lost_{name}"] = best.lost
    tables = {
        "systems": _systems(contact, found, own, both[contact.entropy].value),
        "multipliers": _multipliers(contact, found, both[contact.entropy]),
        "entropies": _entropies(contact, found, both),
    }
    return Answer(values, tables, _notes(contact, found, solution.duals != {}))


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
        n, u = float(found.machines[i]), float(found.value[i])
        rows.append(
            {
                "system": i + 1,
                "machines": n,
                "unit_value": float(e),
                "value": u,
                "value_closed_form": float(closed[i]),
                "excess": -u / float(e),
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
    if contact.mobile:
        notes.append(
            "ours: log g(N, 0) is taken as N log 2; its other part, -log(pi N / 2) / 2, is convex "
            "in N and would let no optimum be proven"
        )
    full = np.flatnonzero(np.abs(_fraction(contact, found)) > 1 - 1e-6)
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
