"""Every figure of the tables once more: from the counts of the states, by other formulas.

What a verdict says of a run stands beside its means, errors and whatever is made of these; so
these are derived twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.ising.data import Society
from optimodels.families.ising.ensemble import BEYOND_CHANCE, Run, sigmas
from optimodels.result import Check, Row

#: Of the size of what is averaged: rounding of sums in another order, and of no more.
_ROUNDING = 1e-9

#: A figure, None where there is none, and the size of what it was made of.
Figure = tuple[float | None, float]


def samples(society: Society, one: Run) -> dict[str, Floats]:
    """What a row averages, of every replica (R,): of end states from their counts alone."""
    found, n = one.measured, society.sites
    if society.parameters.average_over:
        made = {
            "magnetisation": found.magnetisation,
            "absolute_magnetisation": found.absolute_magnetisation,
            "energy_per_site": found.energy_per_site,
        }
        if found.constraint is not None and found.absolute_constraint is not None:
            made |= {
                "constraint": found.constraint,
                "absolute_constraint": found.absolute_constraint,
            }
        return made
    ups = (one.after.magnetisation + n) / (2 * n)
    made = {
        "magnetisation": 2 * ups - 1,
        "absolute_magnetisation": 2 * np.maximum(ups, 1 - ups) - 1,
        "energy_per_site": -(one.after.agreement / n + one.dynamics.field * (2 * ups - 1)),
    }
    if one.after.constraint is not None:
        c = np.array([value / society.scale for value in one.after.constraint])
        made |= {"constraint": c, "absolute_constraint": np.abs(c)}
    return made


def averaged(name: str, values: Floats) -> dict[str, Figure]:
    """The mean of replicas (R,) and its standard error, by the names that rows have."""
    size = float(np.abs(values).max())
    r = len(values)
    error = None
    if r > 1:
        spread = np.mean(values**2) - np.mean(values) ** 2
        # Where all are nearly alike this cancels; of their differences to one of them it does not.
        if spread < 1e-4 * size**2:
            apart = values - values[0]
            spread = np.mean(apart**2) - np.mean(apart) ** 2
        error = math.sqrt(max(0.0, float(spread)) / (r - 1))
    return {name: (float(np.mean(values)), size), f"{name}_standard_error": (error, size)}


def curve(society: Society, runs: Sequence[Run], rows: Sequence[Row]) -> Check:
    """The rows of the runs, in the same order."""
    expected = []
    for one in runs:
        figures: dict[str, Figure] = {}
        for name, values in samples(society, one).items():
            figures |= averaged(name, values)
        made = int(one.accepted.sum()) / (len(one.accepted) * one.steps)
        expected.append({**figures, "acceptance": (made, 1.0)})
    return held("curve", rows, expected)


def held(table: str, rows: Sequence[Row], expected: Sequence[Mapping[str, Figure]]) -> Check:
    """Hold a table against a second derivation of its figures, row by row."""
    worst = 0.0 if len(rows) == len(expected) else np.inf
    for row, figures in zip(rows, expected, strict=False):
        for name, (value, size) in figures.items():
            worst = max(worst, _off(row.get(name), value, size))
    return Check.of(f"{table}: figures derived twice, of their size", worst, _ROUNDING)


def _off(told: Any, value: float | None, size: float) -> float:
    if told is None or value is None:
        return 0.0 if told is value else np.inf
    if told == value:
        return 0.0
    off = abs(float(told) - value) / size if size else np.inf
    return off if off == off else np.inf


def fluctuations(society: Society, runs: Sequence[Run], rows: Sequence[Row]) -> Check:
    """<M^2> and the susceptibility with the jackknife's error, replica by replica left out."""
    n, expected = society.sites, []
    for one in runs:
        own = samples(society, one)
        square = own["magnetisation"] ** 2
        if society.parameters.average_over:
            square = one.measured.squared_magnetisation
        figures = averaged("squared_magnetisation", square)
        t, r = one.dynamics.temperature, len(square)
        a = own["absolute_magnetisation"]
        chi = error = None
        size = 1.0
        if t and r > 1:
            size = n / t
            chi = size * float(np.mean(square - a.mean() * a))
            left = [(square.mean() * r - q) / (r - 1) - ((a.mean() * r - b) / (r - 1)) ** 2
                    for q, b in zip(square.tolist(), a.tolist(), strict=True)]  # fmt: skip
            error = size * float(np.std(left)) * float(np.sqrt(r - 1))
        figures |= {"susceptibility": (chi, size), "susceptibility_standard_error": (error, size)}
        expected.append(figures)
    return held("fluctuations", rows, expected)


def perturbations(society: Society, runs: Sequence[Run], table: Sequence[Row]) -> Check:
    """|C| by perturbation: least and mean over temperatures, of each replica."""
    expected = []
    # Line by line all temperatures of one perturbation, field and algorithm.
    width = len(society.parameters.temperature)
    for k in range(len(table)):
        own = runs[k * width : (k + 1) * width]
        told = own[0].dynamics
        size = np.array([samples(society, one)["absolute_constraint"] for one in own])
        levels = [one.dynamics.temperature for one in own]
        best = [min(zip(column, levels, strict=True)) for column in size.T.tolist()]
        at = np.array([temperature for _, temperature in best])
        start = np.array([abs(c) / society.scale for c in own[0].before.constraint or ()])
        expected.append({
            "field": (told.field, max(1.0, abs(told.field))),
            "perturbation": (float(own[0].row["perturbation"]), 1.0),
            **averaged("perturbed_constraint", start),
            **averaged("least_constraint", np.array([value for value, _ in best])),
            **averaged("mean_constraint", size.sum(axis=0) / len(own)),
            "temperature_of_least": (float(np.quantile(at, 0.5)), max(1.0, float(at.max()))),
            "accepted": (float(sum(one.accepted.sum() for one in own)) / size.size, 1.0),
        })  # fmt: skip
    return held("perturbations", table, expected)


def algorithms(table: Sequence[Row], rows: Sequence[Row]) -> Check:
    """What is said of every algorithm, from the table by perturbation."""
    expected = []

    def mean(algorithm: str, field: float, name: str) -> float:
        return float(np.mean([r[name] for r in table
                              if (r["algorithm"], r["field"]) == (algorithm, field)]))  # fmt: skip

    for row in rows:
        named = row["algorithm"], row["field"]
        own = [r for r in table if (r["algorithm"], r["field"]) == named]
        own.sort(key=lambda r: r["perturbation"])
        c = np.array([r["mean_constraint"] for r in own])
        e = np.array([r["mean_constraint_standard_error"] or 0.0 for r in own])
        signs = np.triu(np.sign(c[None, :] - c[:, None]), 1)
        pairs = len(c) * (len(c) - 1) // 2
        figures: dict[str, Figure] = {
            "trend": (float(signs.sum() / pairs) if pairs else None, 1.0),
            "falls": (float((c[:-1] - c[1:] > 2 * np.hypot(e[:-1], e[1:])).sum()), 1.0),
        }
        for name in ("least", "mean"):
            ours = mean(row["algorithm"], row["field"], f"{name}_constraint")
            figures[f"{name}_constraint"] = (ours, ours)
            if f"orders_of_magnitude_{name}" in row:
                theirs = mean("metropolis", row["field"], f"{name}_constraint")
                orders = float(np.log10(theirs) - np.log10(ours)) if ours else None
                figures[f"orders_of_magnitude_{name}"] = (orders, 1.0)
        expected.append(figures)
    return held("algorithms", rows, expected)


def comparison(
    society: Society, free: Sequence[Run], own: Sequence[Run], table: Sequence[Row], summary: Row
) -> Check:
    """Free and bounded neighbours side by side, their difference replica by replica, and the
    numbers of rows in which it is beyond what chance allows, by the t that it has."""
    expected, more, less = [], 0, 0
    for one, other in zip(free, own, strict=True):
        a, b = (samples(society, each)["magnetisation"] for each in (one, other))
        figures = averaged("free", a) | averaged("aggregators", b)
        gain = averaged("gain_of_bounds", b - a)
        expected.append(figures | {name: (value, 1.0) for name, (value, _) in gain.items()})
        mean, error = (value for value, _ in gain.values())
        if mean is not None and error is not None:
            apart = abs(mean) > sigmas(len(a), BEYOND_CHANCE) * error
            more, less = more + int(apart and mean > 0), less + int(apart and mean < 0)
    counts: dict[str, Figure] = {
        "bounds_keep_more": (float(more), 1.0),
        "bounds_keep_less": (float(less), 1.0),
    }
    return held("comparison", [*table, summary], [*expected, counts])


def targets(society: Society, runs: Sequence[Run], table: Sequence[Row]) -> Check:
    """Every field of the target: between two that M is below and above at, and from one of the
    measured fields within them by their slope."""
    worst = 0.0
    for row in table:
        if row["field"] is None:
            continue
        points = []
        for one in runs:
            if one.dynamics.temperature == row["temperature"]:
                m = samples(society, one)["magnetisation"]
                error = averaged("m", m)["m_standard_error"][0]
                points.append((one.dynamics.field, float(m.mean()), error))
        worst = max(worst, min(_fields_off(row, points), default=np.inf))
    return Check.of("targets: fields derived twice, of their size", worst, _ROUNDING)


def _fields_off(row: Row, points: Sequence[tuple[float, float, float | None]]) -> Iterator[float]:
    """By how much a target's field misses that from every measured one within its bracket."""
    low, high, target = row["field_below"], row["field_above"], row["target"]
    within = [one for one in points if low <= one[0] <= high]
    for _, below, _ in (one for one in within if one[0] == low and one[1] < target):
        for _, above, _ in (one for one in within if one[0] == high and one[1] > target):
            per_m = (high - low) / (above - below)
            for h, m, error in within:
                size = abs(h) + high - low
                spread = None if error is None else error * per_m
                yield max(_off(row["field"], h + (target - m) * per_m, size),
                          _off(row["field_standard_error"], spread, size))  # fmt: skip
