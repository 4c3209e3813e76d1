"""Where customers lose their common opinion (001, section 3 and the inset of figure 2)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.ising import audit
from optimodels.families.ising.curves import DYNAMICS, curve, remarks, row, states, values
from optimodels.families.ising.data import Society
from optimodels.families.ising.ensemble import Run, invariants, with_error
from optimodels.families.ising.equilibrium import beside
from optimodels.families.ising.parameters import CRITICAL
from optimodels.families.ising.preparation import balance_check, prepare
from optimodels.model import Answer, Done, Outcome

EQUATIONS = (
    *DYNAMICS,
    "squared_magnetisation <M^2>, absolute_magnetisation <|M|>",
    "susceptibility = N (<M^2> - <|M|>^2) / T, its error by the jackknife",
    "critical_temperature T_c = 2 / log(1 + 2^(1/2)), infinite lattice    Onsager",
    "half_magnetised_at: T at which <|M|> falls to 1/2, straight between rows",
)


def evolve_all(society: Society, done: Done) -> Outcome:
    """Evolve every combination of temperature and field."""
    prepared = prepare(society, done)
    runs = [_fluctuating(one) for one in curve(prepared.society, prepared.start, done)]
    rows = [row(prepared.society, one) for one in runs]
    checks = (
        *invariants(prepared.society, runs),
        audit.curve(prepared.society, runs, rows),
        audit.fluctuations(prepared.society, runs, rows),
        *balance_check(prepared, done),
    )
    kept = {"rows": rows, "notes": prepared.notes, **states(prepared.society, runs)}
    return Outcome("end state", checks, kept, {**values(rows), **_peak(rows, prepared.society)})


def _fluctuating(one: Run) -> Run:
    """The same with its row's columns of fluctuations."""
    absolute, square = one.measured.absolute_magnetisation, one.measured.squared_magnetisation
    told, sites = one.dynamics, one.spins.shape[1]
    chi = susceptibility(absolute, square, told.temperature, sites)
    return replace(one, row={**with_error("squared_magnetisation", square), **chi})


def susceptibility(
    absolute: Floats, square: Floats, temperature: float, sites: int
) -> dict[str, float | None]:
    """chi of |M| and M^2 per site (R,), with its standard error by the jackknife over replicas."""
    r = len(square)
    names = "susceptibility", "susceptibility_standard_error"
    if temperature == 0 or r < 2:
        return dict.fromkeys(names)
    chi = sites / temperature * (square.mean() - absolute.mean() ** 2)
    # Without each replica in turn.
    others = (square.sum() - square) / (r - 1), (absolute.sum() - absolute) / (r - 1)
    left = sites / temperature * (others[0] - others[1] ** 2)
    error = math.sqrt((r - 1) / r * float(((left - left.mean()) ** 2).sum()))
    return dict(zip(names, (float(chi), error), strict=True))


def _peak(rows: list[dict[str, Any]], society: Society) -> dict[str, Any]:
    """Where the susceptibility is greatest, of the temperatures that were asked for."""
    known = [r for r in rows if r["susceptibility"] is not None and r["field"] == rows[0]["field"]]
    if len(known) < 2:
        return {}
    best = max(known, key=lambda r: r["susceptibility"])
    found = {"susceptibility_peak_at": best["temperature"]}
    if society.square is not None and society.within is None:
        found["critical_temperature"] = CRITICAL
    known.sort(key=lambda r: r["temperature"])
    magnetised = np.array([r["absolute_magnetisation"] for r in known])
    below = np.flatnonzero((magnetised[:-1] >= 0.5) & (magnetised[1:] < 0.5))
    if len(below):
        k = int(below[0])
        t = [known[k]["temperature"], known[k + 1]["temperature"]]
        part = (magnetised[k] - 0.5) / (magnetised[k] - magnetised[k + 1])
        found["half_magnetised_at"] = t[0] + float(part) * (t[1] - t[0])
    return found


def hold_against_exact(society: Society, done: Done) -> Outcome:
    """Set exact means beside the curve's."""
    rows = done.outcomes["evolution"].arrays["rows"]
    return beside(prepare(society, done).society, rows, done.progress)


def report(society: Society, done: Done) -> Answer:
    """Report the curve, with exact values beside it where there are."""
    found = done.outcomes["evolution"]
    held = done.outcomes["equilibrium"].arrays if "equilibrium" in done.outcomes else {}
    rows = held.get("rows", found.arrays["rows"])
    notes = (*found.arrays["notes"], *held.get("notes", ()), *remarks(society, rows))
    return Answer(found.values, {"curve": rows}, notes)
