"""Pictures of the thermodynamics family: peaks, splits, and how long one waits to leave them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from optimodels.draw import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    SERIES,
    line_style,
    picture,
    stamp,
    stamp_runs,
)
from optimodels.families.thermodynamics.counting import log_degeneracy, log_gaussian, log_ratio
from optimodels.families.thermodynamics.exact import BINARY, QUADRATIC, Law
from optimodels.families.thermodynamics.rates import Pair
from optimodels.result import Result

#: More systems than these are no picture any more.
_MOST_SYSTEMS = 40


def degeneracy(results: Sequence[Result]) -> dict[str, bytes]:
    """Degeneracy and its Gaussian over the excess; for a sweep, the peaks of several N."""
    if len(results) > 1:
        return _peaks(results)
    result = results[0]
    n = int(result.values["machines"])
    x = np.linspace(-1, 1, 401)
    places = np.linspace(-n / 2, n / 2, n + 1) if n <= 60 else x * n / 2
    size = math.log(10)
    with picture(8.4, 3.8, columns=2) as (made, (left, right)):
        style = "o" if n <= 60 else "-"
        left.plot(2 * places / n, log_degeneracy(n, places) / size, style, color=BLUE,
                  markersize=4, label="g(N, m)")  # fmt: skip
        left.plot(x, log_gaussian(n, x * n / 2) / size, color=ORANGE, linewidth=1.2,
                  label="Gaussian")  # fmt: skip
        left.set_xlabel("excess per machine, 2m/N")
        left.set_ylabel("log10 of the number of states")
        left.set_title(f"States of {n:,} machines")
        left.locator_params(axis="x", nbins=5)
        left.legend(loc="lower center")
        near = places[np.abs(places) <= 2.5 * math.sqrt(n)] if n <= 60 else 2.5 * math.sqrt(n) * x
        right.plot(near, np.exp(log_ratio(n, near)), style, color=BLUE, markersize=4)
        wide = np.linspace(near.min(), near.max(), 401)
        right.plot(wide, np.exp(-2 * wide**2 / n), color=ORANGE, linewidth=1.2)
        right.axvspan(-math.sqrt(n) / 2, math.sqrt(n) / 2, color=GREY, alpha=0.15, linewidth=0)
        right.annotate("± sqrt(N)/2", (0, 0), (0, 6), textcoords="offset points",
                       ha="center", fontsize=8, color=GREY)  # fmt: skip
        right.set_xlabel("m")
        right.set_ylabel("g(N, m) / g(N, 0)")
        right.set_title("The peak")
        stamp(made, result)
    return {"degeneracy": made.svg}


def _peaks(results: Sequence[Result]) -> dict[str, bytes]:
    machines = sorted({int(r.values["machines"]) for r in results if "machines" in r.values})
    if len(machines) < 2:
        return {}
    with picture(6.4, 3.8) as (made, axes):
        widest = min(1.0, 5 / math.sqrt(machines[0]))
        # Dense near the peak, for the narrow ones.
        x = widest * np.linspace(-1, 1, 1001) ** 3
        for k, n in enumerate(machines[: len(SERIES)]):
            axes.plot(x, np.exp(log_ratio(n, x * n / 2)), label=f"N = {n:,}", **line_style(k))
        axes.set_xlabel("excess per machine, 2m/N")
        axes.set_ylabel("g(N, m) / g(N, 0)")
        axes.set_title("The more machines, the sharper the most probable configuration")
        axes.legend()
        stamp_runs(made, results)
    return {"sharpness": made.svg}


def contact_equilibrium(results: Sequence[Result]) -> dict[str, bytes]:
    """The entropy of two systems over the split with its optimum; of more, who holds what."""
    result = results[0]
    rows = result.tables.get("systems")
    if len(results) > 1 or not rows or len(rows) > _MOST_SYSTEMS:
        return {}
    if len(rows) == 2 and not result.parameters["mobile"]:
        return _split(result, rows)
    return _shares(result, rows)


def _split(result: Result, rows: list[Any]) -> dict[str, bytes]:
    total = float(result.parameters["total_value"])
    n = np.array([row["machines"] for row in rows])
    e = np.array([row["unit_value"] for row in rows])
    hold = n * e
    low, high = max(-hold[0], total - hold[1]), min(hold[0], total + hold[1])
    first = np.linspace(low, high, 601)
    laws: tuple[tuple[Law, str], ...] = ((QUADRATIC, "quadratic"), (BINARY, "binary"))
    with picture(6.4, 4.0) as (made, axes):
        for k, (law, name) in enumerate(laws):
            lost = sum(
                n[i] * law.deficit(np.clip(u / hold[i], -1, 1))
                for i, u in enumerate((first, total - first))
            )
            best = int(np.argmin(lost))
            axes.plot(first, -lost, label=f"{name} entropy", **line_style(k))
            axes.plot(first[best], -lost[best], "o", color=SERIES[k], markersize=5)
        value = rows[0]["value"]
        axes.axvline(value, color=GREY, linewidth=1, linestyle=":")
        axes.annotate(
            f"equilibrium: {value:.4g} EUR", (value, 0), (5, 6), textcoords="offset points",
            xycoords=("data", "axes fraction"), fontsize=8, color=GREY,
        )  # fmt: skip
        axes.set_xlabel("value of system 1, EUR (system 2 has the rest)")
        axes.set_ylabel("entropy less that at zero activity, nats")
        axes.set_title("The most probable split of the value")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 0.12))
        stamp(made, result)
    return {"split": made.svg}


def _shares(result: Result, rows: list[Any]) -> dict[str, bytes]:
    place = np.arange(len(rows))
    names = [str(row["system"]) for row in rows]
    with picture(8.4, 3.6, columns=2) as (made, (left, right)):
        left.bar(place, [row["value"] for row in rows], 0.6, color=BLUE, label="solver")
        left.plot(place, [row["value_closed_form"] for row in rows], "_", color=RED,
                  markersize=16, markeredgewidth=2, label="closed form")  # fmt: skip
        left.set_ylabel("value, EUR")
        left.set_title("Who holds the value")
        left.legend(loc="best")
        start = result.parameters["machines"]
        right.bar(place - 0.2, start, 0.38, color=GREY, label="at the start")
        right.bar(place + 0.2, [row["machines"] for row in rows], 0.38, color=GREEN,
                  label="at equilibrium")  # fmt: skip
        right.set_ylabel("machines")
        right.set_title("Where the machines are")
        right.margins(y=0.25)
        right.legend(loc="upper right", ncols=2)
        for axes in (left, right):
            axes.set_xticks(place, names)
            axes.set_xlabel("system")
            axes.grid(False, axis="x")
        stamp(made, result)
    return {"systems": made.svg}


def deviation_rates(results: Sequence[Result]) -> dict[str, bytes]:
    """How sharp the peak is for several N, and the time to a deviation; for a sweep, over N."""
    if len(results) > 1:
        return _sharpness(results)
    result = results[0]
    pair = Pair(*result.parameters["machines"])
    cycles = math.log10(result.parameters["cycles_per_day"])
    with picture(8.8, 3.8, columns=2) as (made, (left, right)):
        sizes = [k for k in (100, 10, 1) if pair.most >= 10 * k]
        part = np.linspace(-1, 1, 801) * 3 * pair.width * math.sqrt(sizes[0]) / pair.first
        for k, smaller in enumerate(sizes):
            scaled = Pair(pair.first // smaller, pair.second // smaller)
            left.plot(100 * part, np.exp(scaled.log_reduction(part * scaled.first)),
                      label=f"N_1 = {scaled.first:.3g}", **line_style(k))  # fmt: skip
        left.set_xlabel("deviation, percent of N_1")
        left.set_ylabel("states against the most probable split")
        left.set_title("The larger, the sharper")
        left.legend(loc="upper right", fontsize=8)
        rows = result.tables["rates"]
        deviation = np.array([row["deviation"] for row in rows], dtype=float)
        most = min(float(pair.most), 1.15 * deviation.max())
        delta = np.linspace(0, most, 300)
        size = math.log(10)
        curves = (
            (-pair.log_reduction(delta), "height of the peak (the paper's)", BLUE, "-"),
            (-pair.log_exact_reduction(delta), "the same, exact", ORANGE, "--"),
            (-pair.log_tail(delta), "probability of the tails", GREEN, ":"),
        )
        for log, name, colour, line in curves:
            right.plot(delta, log / size - cycles, line, color=colour, label=name)
        own = -pair.log_reduction(deviation) / size - cycles
        right.plot(deviation, own, "o", color=BLUE, markersize=4)
        for years, name in ((1 / 365.25, "a day"), (1, "a year"), (1e6, "a million years")):
            right.axhline(math.log10(365.25 * years), color=GREY, linewidth=0.8, linestyle=":")
            right.annotate(name, (0, math.log10(365.25 * years)), (2, 2), fontsize=7,
                           textcoords="offset points", color=GREY)  # fmt: skip
        right.set_xlabel("deviation, machines")
        right.set_ylabel("log10 of the days to an event")
        right.set_title("How long one waits")
        right.locator_params(axis="x", nbins=6)
        right.legend(loc="lower right", fontsize=8)
        stamp(made, result)
    return {"rates": made.svg}


def _sharpness(results: Sequence[Result]) -> dict[str, bytes]:
    """The peak's relative width, and the states that the case's deviations leave, over N."""
    points = sorted(
        (sum(r.parameters["machines"]), r.values["width_per_machine"],
         r.values["log10_reduction"], r.values["log10_reduction_exact"])
        for r in results
        if "log10_reduction" in r.values
    )  # fmt: skip
    n, width, reduction, exact = np.array(points, dtype=float).reshape(-1, 4).T
    if len(np.unique(n)) < 2:
        return {}
    with picture(8.4, 3.6, columns=2) as (made, (left, right)):
        left.loglog(n, width, "o-", color=BLUE, markersize=4)
        left.set_ylabel("width of the peak, part of N_1")
        left.set_title("The peak narrows as 1 / sqrt(N)")
        # Logarithms themselves range over decades.
        right.loglog(n, -reduction, "o-", color=BLUE, markersize=4, label="(7)")
        right.loglog(n, -exact, "x", color=ORANGE, markersize=6, label="exact")
        right.set_ylabel("-log10 of the states left")
        right.set_title("What the deviation costs")
        right.legend()
        for axes in (left, right):
            axes.set_xlabel("machines in both systems")
        stamp_runs(made, results)
    return {"sharpness": made.svg}
