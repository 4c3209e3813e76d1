"""Which field moves customers who are all down, and to an hour's target (001, section 4.1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimodels.errors import DataError
from optimodels.families.flexibility import shiftable_loads
from optimodels.families.ising import audit
from optimodels.families.ising.curves import DYNAMICS, curve, remarks, row, states, values
from optimodels.families.ising.data import Society
from optimodels.families.ising.ensemble import (
    BEYOND_CHANCE,
    Run,
    dynamics,
    invariants,
    mean_and_error,
    run,
    sigmas,
    slim,
)
from optimodels.families.ising.parameters import CRITICAL
from optimodels.families.ising.preparation import Prepared, balance_check, prepare
from optimodels.model import Answer, Done, Outcome, Solve
from optimodels.result import Row

EQUATIONS = (
    *DYNAMICS,
    "M(h, T) after steps, from start                                001, figure 4",
    "target_magnetisation m(t) = sum_b p_b m_b(t) of stage shift in the hour t",
    "field_to_target h*: M(h*, T) = m(t), by halving between field_below and",
    "field_above while noise allows, then by the slope between these        ours",
)
#: A bracket of fields is halved so often at the most.
_HALVINGS = 12
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
    checks = (
        *invariants(prepared.society, [*runs, *searched]),
        audit.curve(prepared.society, runs, rows),
        audit.targets(prepared.society, [*runs, *searched], table),
        *balance_check(prepared, done),
    )
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
    """Look for the field of the target between known ones whose M is below and above it for sure.

    The bracket is halved while its middle is surely on one side. A middle that is not is as near
    as noise allows: from there the bracket's slope leads to the target, and the standard error is
    that of the middle's M by this slope. A choice by noise, as of the half beyond it, would leave
    the field far from where its error says.
    """
    given = prepared.society.parameters
    certain = sigmas(given.replicas, BEYOND_CHANCE) if given.replicas > 1 else 0.0
    nothing = dict.fromkeys(("field", "field_standard_error", "field_below", "field_above"))
    # The last that is surely below, and the next that is surely above.
    below = [k for k, one in enumerate(known) if _surely(one, target, certain) < 0]
    above = [k for k, one in enumerate(known) if _surely(one, target, certain) > 0]
    if not below or not above or below[-1] > above[-1]:
        return nothing
    low_at = max(k for k in below if k < above[-1])
    high_at = min(k for k in above if k > low_at)
    low, high = known[low_at], known[high_at]
    between = known[low_at + 1 : high_at]
    anchor = min(between, key=lambda one: abs(one[1] - target)) if between else None
    for k in range(_HALVINGS):
        if anchor is not None:
            break
        told = dynamics(
            prepared.society, given.temperature[i], (low[0] + high[0]) / 2, given.algorithm
        )
        one = slim(run(prepared.society, told, prepared.start, (1, i, k)))
        searched.append(one)
        middle = _point(one)
        side = _surely(middle, target, certain)
        if side == 0:
            anchor = middle
        low, high = (middle, high) if side < 0 else (low, middle) if side > 0 else (low, high)
    per_field = (high[1] - low[1]) / (high[0] - low[0])
    field, mean, error = anchor or low
    return {
        "field": field + (target - mean) / per_field,
        "field_standard_error": error / per_field if given.replicas > 1 else None,
        "field_below": low[0],
        "field_above": high[0],
    }


def _surely(point: _Point, target: float, certain: float) -> int:
    """Whether M is below (-1) or above (1) the target beyond noise; 0: nobody knows."""
    off = point[1] - target
    return 0 if abs(off) <= certain * point[2] else 1 if off > 0 else -1


def report(society: Society, done: Done) -> Answer:
    """Report the grid, and the field of the target by temperature."""
    found = done.outcomes["evolution"]
    rows, table = found.arrays["rows"], found.arrays["targets"]
    notes: list[Any] = [*found.arrays["notes"], *remarks(society, rows)]
    several = len(society.parameters.field) > 1
    missed = [f"{r['temperature']:.4g}" for r in table if several and r["field"] is None]
    if missed:
        notes.append(
            f"no fields of the case bracket the target beyond noise at T = {', '.join(missed)}: "
            "M is not surely below it at the least, or not surely above it at the greatest"
        )
    return Answer(found.values, {"curve": rows, "targets": table}, tuple(notes))
