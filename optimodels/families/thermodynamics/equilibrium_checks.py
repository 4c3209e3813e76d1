"""What a claimed equilibrium must satisfy beyond being optimal: the paper's identities."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.thermodynamics.data import Contact
from optimodels.families.thermodynamics.exact import (
    LAWS,
    Equilibrium,
    Law,
    dual_bound,
    equilibrium,
)
from optimodels.model import Done, Outcome
from optimodels.result import Check, Solution

#: Relative gap of objectives within which verification calls a point optimal.
_GAP = 1e-6
#: What it lets the rows be off by, relative to their terms.
_ROWS = 1e-6
#: A system of fewer machines than this part of all has none: its activity is that of no machine.
EMPTY = 1e-6


@dataclass(frozen=True)
class Point:
    """A solver's answer in EUR: ``machines`` (n,), ``value`` (n,), and its multipliers as
    1/tau and -(mu - mu(0))/tau (n,), None where it has none."""

    machines: Floats
    value: Floats
    inverse_activity: float | None
    potential: Floats | None


def point(contact: Contact, solution: Solution) -> Point:
    """Read a solution of either entropy, machines fixed or mobile."""
    arrays, all_machines = solution.arrays, contact.total_machines
    if "buyers" in arrays:
        machines = (arrays["buyers"] + arrays["sellers"]) * all_machines
        value = (arrays["buyers"] - arrays["sellers"]) * all_machines * contact.unit_value
    else:
        value = arrays["value"] * (contact.unit if "part" in arrays else contact.units)
        machines = arrays["part"] * all_machines if "part" in arrays else contact.machines
    beta = solution.duals.get("total_value")
    prices = solution.duals.get("machines")
    return Point(
        machines,
        value,
        None if beta is None else float(np.asarray(beta).item()) / contact.unit,
        None if prices is None else np.broadcast_to(prices / all_machines, machines.shape),
    )


def inverse_activities(contact: Contact, machines: Floats, value: Floats) -> Floats:
    """Return 1/tau_i = (d sigma_i / d U_i) (n,) at a split, by (12); (17) if quadratic.

    One line before (17) the print has N for N^2 in the derivative for N; (17) itself is right.
    NaN for systems without machines; infinite for full ones by the exact entropy.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.where(machines > EMPTY * contact.total_machines,
                     value / (machines * contact.unit_value), np.nan)  # fmt: skip
        slope = x if contact.entropy == "quadratic" else np.arctanh(np.clip(x, -1.0, 1.0))
    found: Floats = -slope / contact.unit_value
    return found


def potentials(contact: Contact, machines: Floats, value: Floats) -> Floats:
    """Return -(mu_i - mu_i(0))/tau = d sigma_i / d N_i less its value at zero activity (n,).

    By (16); U_i^2 / (2 a_i N_i^2) if quadratic. With mixing, less log(n N_i / N).
    """
    law = LAWS[contact.entropy]
    gain = law.phi(contact.unit_value * inverse_activities(contact, machines, value))
    if contact.mixing:
        kept = np.where(machines > EMPTY * contact.total_machines, machines, np.nan)
        gain = gain - np.log(kept * len(kept) / contact.total_machines)
    return gain


def entropy_lost(contact: Contact, found: Point) -> float:
    """Return the entropy below that at zero activity, in nats, of a split as it stands.

    From the machines and values alone: what a solver says of it counts for nothing.
    """
    law, n = LAWS[contact.entropy], np.maximum(found.machines, 0.0)
    held = np.where(n > 0, n * contact.unit_value, 1.0)
    lost = float(n @ law.deficit(np.clip(found.value / held, -1.0, 1.0)))
    if contact.mixing:
        share = np.where(n > 0, n / contact.total_machines * len(n), 1.0)
        lost += float(n @ np.log(share))
    return lost


def identities(contact: Contact, done: Done) -> Outcome:
    """Hold the solver's split and multipliers against the closed form.

    An entropy within ``gap`` of the greatest one, curved as these are, leaves U_i within
    sqrt(2 gap a_i N_i), machines within sqrt(2 gap N) (Pinsker), and 1/tau within
    sqrt(2 gap / sum(a N phi'')).
    """
    solution = done.solution("equilibrium")
    law = LAWS[contact.entropy]
    best = equilibrium(contact, law)
    found = point(contact, solution)
    # The largest term of the row, in EUR: what its tolerance is relative to.
    held = found.machines * contact.unit_value if _by_modes(contact) else np.abs(found.value)
    terms = max(contact.unit, float(held.max()))
    short = abs(float(found.value.sum()) - contact.total_value)
    extra = abs(float(found.machines.sum()) - contact.total_machines)
    # Rows that are not met exactly, each at its price.
    gap = _GAP * max(1.0, best.lost) + abs(best.inverse_activity) * short
    if contact.mobile:
        gap += (abs(best.potential) + contact.mixing) * extra
    checks = [
        Check.of("entropy of the split against the closed form, nats",
                 abs(entropy_lost(contact, found) - best.lost), gap),
        Check.of("total value", short / terms, _ROWS),
        Check.of("total machines", extra / contact.total_machines, _ROWS),
    ]  # fmt: skip
    checks += [_proof(contact, each) for each in LAWS.values()]
    if not contact.mobile:
        near = np.sqrt(2 * gap * contact.weight) + short
        off = float(np.max(np.abs(found.value - best.value) / near))
        checks.append(Check.of("values against the closed form, over what the gap allows", off, 1))
    elif contact.mixing:
        reach = sqrt(2 * gap * contact.total_machines) + extra
        moved = float(np.max(np.abs(found.machines - best.machines)))
        checks.append(Check.of("machines against the closed form, over what the gap allows",
                               moved / reach, 1))  # fmt: skip
    slack = _multiplier_near(contact, best, gap)
    if found.inverse_activity is not None:
        off = abs(found.inverse_activity - best.inverse_activity) / slack
        checks.append(Check.of("1/tau of the multiplier against the closed form, likewise", off, 1))
    return Outcome("equilibrium", tuple(checks), {}, {})


def _proof(contact: Contact, law: Law) -> Check:
    """Prove a closed form by its own dual bound; N log 2 is never added, so little cancels."""
    best = equilibrium(contact, law)
    bound = dual_bound(contact, law, best.inverse_activity)
    terms = abs(contact.total_value * best.inverse_activity)
    gap = abs(bound + best.lost) / max(1.0, terms)
    return Check.of(f"duality gap of the closed form, {law.name} entropy", gap, 1e-8)


def _by_modes(contact: Contact) -> bool:
    """Whether the entropy is that of buyers and sellers, each under a cone at N nats."""
    return contact.entropy == "exact"


def _multiplier_near(contact: Contact, best: Equilibrium, gap: float) -> float:
    """How far a multiplier may lie from 1/tau within the gap, 1/EUR."""
    bend = LAWS[contact.entropy].bend(contact.unit_value * best.inverse_activity)
    curved = float(best.machines @ (contact.unit_value**2 * bend))
    # Where every system is full any steeper price is a multiplier as well.
    near = sqrt(2 * gap / curved) if curved else np.inf
    return near + _ROWS * (abs(best.inverse_activity) + 1 / contact.unit)
