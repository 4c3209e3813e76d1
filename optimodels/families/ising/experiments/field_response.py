"""Which field moves customers who are all down, and to an hour's target (001, section 4.1)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from optimodels.errors import DataError
from optimodels.families.flexibility import shiftable_loads
from optimodels.families.ising.curves import curve, of_first, row, states, values
from optimodels.families.ising.data import Society
from optimodels.families.ising.ensemble import Run, dynamics, invariants, mean_and_error, run, slim
from optimodels.families.ising.parameters import CRITICAL
from optimodels.families.ising.preparation import Prepared, balance_check, prepare
from optimodels.model import Answer, Done, Outcome, Solve
from optimodels.result import Row

EQUATIONS = (
    "E = -J sum_<ij> s_i s_j - h sum_i s_i,  J = k_B = 1                     (14)",
    "a customer changes if dE <= 0 or u < exp(-dE / T)                Metropolis",
    "M(h, T) after the steps, from all down                             figure 4",
    "h*(T):  M(h*, T) = m(t) of the hour's optimum                    inset of it",
)
#: A bracket of fields is halved so often before the field is interpolated within it.
_HALVINGS = 3
#: Closer than this to 1 an hour asks for all customers.
_WHOLE = 1e-6

SHIFT = Solve(
    "shift",
    shiftable_loads.FORMULATION,
    lambda society, done: {"": shiftable_loads.instance(society.customers)},
)

#: A field with the mean magnetisation there and its standard error.
_Point = tuple[float, float, float]


def respond(society: Society, done: Done) -> Outcome:
    """Evolve every combination; then look for the field of the target at every temperature."""
    prepared = prepare(society, done)
    hour, target = _target(society, done)
    given = society.parameters
    runs = curve(prepared.society, prepared.start, done)
    rows = [row(prepared.society, one) for one in runs]
    searched: list[Run] = []
    table: list[Row] = []
    for i, temperature in enumerate(given.temperature):
        known = sorted(_point(one) for one in runs if one.dynamics.temperature == temperature)
        found = _search(prepared, i, known, target, searched)
        table.append({"temperature": temperature, "target": target, **found})
    checks = (*invariants(prepared.society, [*runs, *searched]), *balance_check(prepared, done))
    kept = {"rows": rows, "targets": table, "notes": prepared.notes}
    nearest = min(table, key=lambda r: abs(r["temperature"] - CRITICAL))
    named = {
        **values(rows),
        "hour": hour,
        "target_magnetisation": target,
        "target_temperature": nearest["temperature"],
        "field_to_target": nearest["field"],
        "field_to_target_standard_error": nearest["field_standard_error"],
    }
    return Outcome("end state", checks, {**kept, **states(prepared.society, runs)}, named)


def _target(society: Society, done: Done) -> tuple[int, float]:
    """The hour and its magnetisation in the optimum of the shiftable loads."""
    m = society.customers.share @ done.solution("shift").arrays["magnetisation"]
    hour = society.parameters.hour
    if hour is None:
        between = np.flatnonzero(np.abs(m) < 1 - _WHOLE)
        return (int(between[0]) + 1, float(m[between[0]])) if len(between) else (1, float(m[0]))
    if hour > len(m):
        raise DataError("parameters.hour", f"{hour} is beyond the {len(m)} steps of the profiles")
    return hour, float(m[hour - 1])


def _point(one: Run) -> _Point:
    mean, error = mean_and_error(one.measured.magnetisation)
    return one.dynamics.field, mean, error or 0.0


def _search(
    prepared: Prepared, i: int, known: list[_Point], target: float, searched: list[Run]
) -> Row:
    """Halve the first bracket of the target among known fields, then interpolate within it.

    The standard error is that of the interpolation, by those of the magnetisation at both ends.
    """
    society = prepared.society
    given = society.parameters
    pairs = pairwise(known)
    bracket = next(((a, b) for a, b in pairs if a[1] < target <= b[1]), None)
    if bracket is None:
        return {"field": None, "field_standard_error": None}
    low, high = bracket
    for k in range(_HALVINGS):
        told = dynamics(society, given.temperature[i], (low[0] + high[0]) / 2, given.algorithm)
        one = slim(run(society, told, prepared.start, (1, i, k)))
        searched.append(one)
        middle = _point(one)
        low, high = (middle, high) if middle[1] < target else (low, middle)
    rise = high[1] - low[1]
    part = (target - low[1]) / rise
    error = math.hypot((1 - part) * low[2], part * high[2]) * (high[0] - low[0]) / rise
    return {
        "field": low[0] + part * (high[0] - low[0]),
        "field_standard_error": error if given.replicas > 1 else None,
    }


def report(society: Society, done: Done) -> Answer:
    """Report the grid, and the field of the target by temperature."""
    found = done.outcomes["evolution"]
    rows, table = found.arrays["rows"], found.arrays["targets"]
    notes: list[Any] = [*found.arrays["notes"], *of_first(rows)]
    several = len(society.parameters.field) > 1
    missed = [f"{r['temperature']:.4g}" for r in table if several and r["field"] is None]
    if missed:
        notes.append(
            f"no field of the case brackets the target at T = {', '.join(missed)}: M is above it "
            "at the least field already, or below it at the greatest"
        )
    return Answer(found.values, {"curve": rows, "targets": table}, tuple(notes))
