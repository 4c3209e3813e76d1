"""What bounds of aggregators do to flexibility (001, section 5.2 and figure 8)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from optimodels.families.ising import audit
from optimodels.families.ising.curves import DYNAMICS, curve, remarks, row, states, values
from optimodels.families.ising.data import Society
from optimodels.families.ising.ensemble import BEYOND_CHANCE, Run, invariants, sigmas, with_error
from optimodels.families.ising.parameters import CRITICAL
from optimodels.families.ising.preparation import balance_check, bounded, free, prepare
from optimodels.model import Answer, Done, Outcome
from optimodels.result import Row

EQUATIONS = (
    *DYNAMICS,
    "free         <ij>: neighbours on the graph;       M of both: flexibility",
    "aggregators  <ij>: those whose buses have one aggregator   001, section 5.2",
    "gain_of_bounds = M of aggregators - M of free, replica by replica",
    "bounds_keep_more, _less: rows in which that is beyond 3 standard errors",
    "at equilibrium, with h >= 0, fewer bonds never raise <s_i>        Griffiths",
)


def compare(society: Society, done: Done) -> Outcome:
    """Evolve both from the same start, and set them side by side."""
    prepared = prepare(society, done)
    kinds = {"free": free(prepared, society), "aggregators": bounded(prepared)}
    # The case's own first: its values are the result's.
    asked = society.parameters.boundaries
    order = sorted(kinds, key=lambda kind: kind != asked)
    runs: dict[str, list[Run]] = {}
    checks: list[Any] = []
    for kind in order:
        found = curve(kinds[kind], prepared.start, done, ("free", "aggregators").index(kind), 2)
        runs[kind] = [replace(one, row={"neighbours": kind}) for one in found]
        checks += [
            replace(check, name=f"{kind}: {check.name}")
            for check in invariants(kinds[kind], runs[kind])
        ]
    rows = [_named_first(row(kinds[kind], one)) for kind in order for one in runs[kind]]
    table = [_pair(*pair) for pair in zip(runs["free"], runs["aggregators"], strict=True)]
    summary = _summary(table, society.parameters.replicas)
    checks.append(
        audit.comparison(prepared.society, runs["free"], runs["aggregators"], table, summary)
    )
    both = [one for kind in order for one in runs[kind]]
    checks.append(audit.curve(prepared.society, both, rows))
    cut = kinds["free"].graph.bonds.shape[0] - kinds["aggregators"].graph.bonds.shape[0]
    named = {**values(rows), "bonds": len(kinds["free"].graph.bonds), "bonds_cut": cut,
             **summary}  # fmt: skip
    kept = {"rows": rows, "comparison": table, "notes": prepared.notes,
            **states(prepared.society, both)}  # fmt: skip
    if prepared.mapping is not None:
        kept["aggregator"] = prepared.mapping[prepared.society.bus]
    return Outcome("end state", (*checks, *balance_check(prepared, done)), kept, named)


def _named_first(one: Row) -> Row:
    return {"neighbours": one["neighbours"], **one}


def _pair(free_run: Run, own: Run) -> Row:
    """Both at one temperature and field.

    The difference is taken replica by replica: those of one number may have a random start in
    common.
    """
    told = free_run.dynamics
    free_m, own_m = free_run.measured.magnetisation, own.measured.magnetisation
    found: Row = {
        "temperature": told.temperature,
        "field": told.field,
        **with_error("free", free_m),
        **with_error("aggregators", own_m),
    }
    return found | with_error("gain_of_bounds", own_m - free_m)


def _summary(table: list[Row], replicas: int) -> dict[str, Any]:
    """Where bounds keep more flexibility and where less, beyond noise."""
    apart_by = sigmas(replicas, BEYOND_CHANCE)
    told = [r for r in table if r["gain_of_bounds_standard_error"] is not None]
    apart = [
        r for r in told if abs(r["gain_of_bounds"]) > apart_by * r["gain_of_bounds_standard_error"]
    ]
    nearest = min(table, key=lambda r: abs(r["temperature"] - CRITICAL))
    return {
        "bounds_keep_more": sum(r["gain_of_bounds"] > 0 for r in apart),
        "bounds_keep_less": sum(r["gain_of_bounds"] < 0 for r in apart),
        "gain_of_bounds_at": nearest["temperature"],
        "gain_of_bounds": nearest["gain_of_bounds"],
        "gain_of_bounds_standard_error": nearest["gain_of_bounds_standard_error"],
    }


def report(society: Society, done: Done) -> Answer:
    """Report both curves and their difference."""
    found = done.outcomes["evolution"]
    rows = found.arrays["rows"]
    given = society.parameters
    notes = [*found.arrays["notes"], *remarks(society, rows)]
    if given.algorithm == "metropolis" and min(given.field) >= 0:
        notes.append(
            "cutting bonds lowers every customer's mean state at equilibrium, or leaves it "
            "(Griffiths' inequality, h >= 0): bounds can only slow what has not come to rest"
        )
    tables = {"comparison": found.arrays["comparison"], "curve": rows}
    return Answer(found.values, tables, tuple(notes))
