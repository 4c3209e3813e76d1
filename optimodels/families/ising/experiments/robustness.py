"""How far a feasible solution survives perturbations (001, section 4.2 and figure 6)."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.ising import audit
from optimodels.families.ising.curves import DYNAMICS, remarks, row, states, values
from optimodels.families.ising.data import Society
from optimodels.families.ising.ensemble import (
    Run,
    dynamics,
    invariants,
    perturbed,
    run,
    slim,
    with_error,
)
from optimodels.families.ising.preparation import balance_check, prepare
from optimodels.model import Answer, Done, Outcome
from optimodels.result import Check, Row

EQUATIONS = (
    *DYNAMICS,
    "At the start C = 0; K customers, drawn at random, change their state; then,",
    "at every T and h, steps proposals by algorithm, and by each of beside:",
    "perturbed_constraint  |C| before these, part of the whole load",
    "least_constraint      mean of each replica's min_T |C|        001, figure 6",
    "mean_constraint       mean of |C| over T and replicas",
    "trend                 Kendall's tau of mean_constraint with K",
    "falls                 steps of K at which it falls by 2 standard errors",
    "orders_of_magnitude   log10 of metropolis' constraint by the algorithm's",
)


def perturb(society: Society, done: Done) -> Outcome:
    """Perturb the start by K, evolve by every algorithm at every temperature, measure |C|."""
    prepared = prepare(society, done)
    given, society = society.parameters, prepared.society
    compared = list(dict.fromkeys([given.algorithm, *given.beside]))
    total = len(given.field) * len(given.perturbations) * len(compared)
    runs: list[Run] = []
    table: list[Row] = []
    moved = 0
    for d, distance in enumerate(given.perturbations):
        start = perturbed(society, prepared.start, distance)
        moved += int(np.abs((start != prepared.start).sum(axis=1) - distance).sum())
        for j, external in enumerate(given.field):
            for a, algorithm in enumerate(compared):
                done.progress(len(table), total)
                line = [
                    replace(
                        slim(run(society, dynamics(society, t, external, algorithm), start,
                                 (a, i, j, d))),
                        row={"algorithm": algorithm, "perturbation": distance},
                    )
                    for i, t in enumerate(given.temperature)
                ]  # fmt: skip
                runs += line
                table.append(_line(society, line, algorithm, distance, external))
    rows = [_named_first(row(society, one)) for one in runs]
    algorithms = _algorithms(table)
    checks = (
        *invariants(society, runs),
        audit.curve(society, runs, rows),
        audit.perturbations(society, runs, table),
        audit.algorithms(table, algorithms),
        Check.of("customers perturbed beyond K", moved, 0),
        *balance_check(prepared, done),
    )
    kept = {"rows": rows, "perturbations": table, "algorithms": algorithms,
            "notes": prepared.notes}  # fmt: skip
    return Outcome("end state", checks, {**kept, **states(society, runs)},
                   {**_named(algorithms), **values(rows)})  # fmt: skip


def _named_first(one: Row) -> Row:
    first = ("algorithm", "perturbation", "temperature", "field")
    return {**{key: one[key] for key in first}, **one}


def _line(society: Society, line: list[Run], algorithm: str, distance: int, external: float) -> Row:
    """One point of figure 6: a perturbation, over all temperatures."""
    by_temperature = np.stack([_size(one) for one in line])
    least = by_temperature.min(axis=0)
    # The lowest temperature where several do equally well.
    temperatures = np.array([one.dynamics.temperature for one in line])
    at = np.where(by_temperature == least, temperatures[:, None], np.inf).min(axis=0)
    before = line[0].before.constraint
    assert before is not None
    start = np.array([abs(c) / society.scale for c in before])
    return {
        "algorithm": algorithm,
        "field": external,
        "perturbation": distance,
        **with_error("perturbed_constraint", start),
        **with_error("least_constraint", least),
        **with_error("mean_constraint", by_temperature.mean(axis=0)),
        "temperature_of_least": float(np.median(at)),
        "accepted": float(np.mean([one.accepted.mean() for one in line])),
    }


def _size(one: Run) -> Floats:
    """|C| of every replica (R,)."""
    found = one.measured.absolute_constraint
    assert found is not None
    return found


def _algorithms(table: list[Row]) -> list[Row]:
    """A row per field and algorithm over all perturbations, with the orders of magnitude of |C|
    below that of plain Metropolis."""
    rows: list[Row] = []
    for external in dict.fromkeys(line["field"] for line in table):
        for algorithm in dict.fromkeys(line["algorithm"] for line in table):
            own = [r for r in table if (r["field"], r["algorithm"]) == (external, algorithm)]
            own.sort(key=lambda line: line["perturbation"])
            rows.append(
                {
                    "algorithm": algorithm,
                    "field": external,
                    **{name: _mean(own, name) for name in ("least_constraint", "mean_constraint")},
                    "trend": _trend([line["mean_constraint"] for line in own]),
                    "falls": sum(_falls(x, y) for x, y in pairwise(own)),
                }
            )
    plain = {line["field"]: line for line in rows if line["algorithm"] == "metropolis"}
    for line in rows:
        for name in ("least", "mean"):
            theirs = plain.get(line["field"], {}).get(f"{name}_constraint")
            ours = line[f"{name}_constraint"]
            if line["algorithm"] != "metropolis" and theirs:
                found = math.log10(theirs / ours) if ours else None
                line[f"orders_of_magnitude_{name}"] = found
    return rows


def _mean(rows: list[Row], name: str) -> float:
    return math.fsum(row[name] for row in rows) / len(rows)


def _named(rows: list[Row]) -> dict[str, Any]:
    """The figures of the first field by algorithm."""
    return {
        f"{name}_{row['algorithm']}": value
        for row in rows
        if row["field"] == rows[0]["field"]
        for name, value in row.items()
        if name not in ("algorithm", "field")
    }


def _trend(values: list[float]) -> float | None:
    """Kendall's tau with the order in which they stand: 1 rises all the way, -1 falls."""
    pairs = list(combinations(values, 2))
    if not pairs:
        return None
    return sum((b > a) - (b < a) for a, b in pairs) / len(pairs)


def _falls(a: Row, b: Row) -> bool:
    """Whether |C| is less at b than at a, beyond two standard errors of the difference.

    Perturbations have random numbers in common, so that these errors are too wide if anything.
    """
    name = "mean_constraint"
    error = math.hypot(a[f"{name}_standard_error"] or 0.0, b[f"{name}_standard_error"] or 0.0)
    return bool(b[name] < a[name] - 2 * error)


def report(society: Society, done: Done) -> Answer:
    """Report |C| by perturbation, and every run's figures."""
    found = done.outcomes["evolution"]
    rows = found.arrays["rows"]
    tables = {name: found.arrays[name] for name in ("algorithms", "perturbations")}
    tables["curve"] = rows
    return Answer(found.values, tables, (*found.arrays["notes"], *remarks(society, rows)))
