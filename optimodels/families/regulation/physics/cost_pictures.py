"""Pictures of regulation's cost: prices over time, who is paid, and both over a sweep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimodels.draw import BLUE, GREEN, GREY, ORANGE, RED, picture, stamp, stamp_runs
from optimodels.families.regulation.physics.pictures import varied
from optimodels.result import Result

_COLOURS = {"droop": BLUE, "agc": ORANGE, "demand": GREEN}
_LABELS = {"droop": "supply on droop", "agc": "supply on ACE", "demand": "demand response"}
#: Runs that are drawn as bars of their own; more, and seeds, are drawn as a distribution.
_MOST_BARS = 24


def regulation_cost(results: Sequence[Result]) -> dict[str, bytes]:
    """Prices and payments of one run, or the costs of a sweep's runs."""
    shown = [r for r in results if r.tables.get("prices")]
    if not shown:
        return {}
    if len(results) > 1:
        seeds = len({r.parameters["seed"] for r in shown}) > 1
        return {"costs": _spread(shown) if seeds or len(shown) > _MOST_BARS else _bars(shown)}
    return {"prices": _prices(shown[0]), "resources": _resources(shown[0])}


def _prices(result: Result) -> bytes:
    rows = result.tables["prices"]
    data = {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}
    minutes = data["time_s"] / 60
    base = 0.0 if result.parameters["price_includes_dispatch"] else data["dispatch_price"]
    with picture(8.4, 5.4, rows=3, sharex=True) as (made, (top, middle, bottom)):
        top.plot(minutes, base + data["regulation_price"], color=ORANGE, linewidth=1.0,
                 label="dispatch and regulation", drawstyle="steps-post")  # fmt: skip
        top.plot(minutes, data["dispatch_price"], color=BLUE, label="dispatch",
                 drawstyle="steps-post")  # fmt: skip
        top.set_ylabel("$/MWh")
        top.set_title("Prices")
        top.legend(ncols=2, fontsize=8)
        top.margins(y=0.2)
        middle.plot(minutes, data["ace_mw"], color=GREY, linewidth=0.9)
        middle.set_ylabel("MW")
        middle.set_title("Area control error")
        bottom.plot(minutes, data["paid_until_then"], color=RED, label="paid to resources")
        bottom.plot(minutes, data["owed_until_then"], color=GREEN,
                    label="owed by the area's own deviations")  # fmt: skip
        bottom.set_ylabel("$ since the beginning")
        bottom.set_title("Payments and penalties")
        bottom.legend(fontsize=8)
        bottom.set_xlabel("time, minutes")
        stamp(made, result)
    return made.svg


def _resources(result: Result) -> bytes:
    rows = result.tables["resources"]
    here = np.arange(len(rows))
    compared = "reference_cost" in rows[0]
    with picture(6.0, 3.4) as (made, axes):
        if compared:
            share = 100 * float(result.parameters["reference"])
            axes.bar(here - 0.2, [row["reference_cost"] for row in rows], 0.38, color=GREY,
                     label=f"{share:g} % demand response")  # fmt: skip
        own = 100 * result.parameters["demand_response"]
        axes.bar(here + (0.2 if compared else 0.0), [row["cost"] for row in rows], 0.38,
                 color=BLUE, label=f"{own:g} % demand response")  # fmt: skip
        axes.axhline(0.0, color=GREY, linewidth=0.8)
        axes.set_xticks(here, [row["resource"] for row in rows])
        axes.grid(False, axis="x")
        axes.set_ylabel("$")
        axes.set_title("What regulation is paid")
        axes.legend(fontsize=8)
        stamp(made, result)
    return made.svg


def _bars(results: Sequence[Result]) -> bytes:
    here = np.arange(len(results))
    with picture(8.0, 4.0, columns=2) as (made, (left, right)):
        up, down = np.zeros(len(results)), np.zeros(len(results))
        for name, colour in _COLOURS.items():
            cost = np.array([r.values[f"cost_{name}"] for r in results])
            left.bar(here, cost, 0.7, bottom=np.where(cost >= 0, up, down), color=colour,
                     label=_LABELS[name])  # fmt: skip
            up, down = up + np.maximum(cost, 0.0), down + np.minimum(cost, 0.0)
        left.set_ylabel("$")
        left.set_title("Cost of regulation")
        left.legend(fontsize=8)
        shares = [r.values["share_demand_percent"] for r in results]
        right.plot(here, shares, "o", color=GREEN, label="share of demand response")
        if all(r.values.get("cost_change_percent") is not None for r in results):
            change = [r.values["cost_change_percent"] for r in results]
            right.plot(here, change, "s", color=RED, markersize=5, label="change of cost")
        right.axhline(0.0, color=GREY, linewidth=0.8)
        right.set_ylabel("percent")
        right.set_title("Share and change")
        right.legend(fontsize=8)
        keys, names = varied(results)
        crowded = len(results) > 5
        for axes in (left, right):
            axes.set_xticks(here, names, fontsize=8, rotation=90 if crowded else 0)
            axes.set_xlabel(keys)
            axes.grid(False, axis="x")
        stamp_runs(made, results)
    return made.svg


def _spread(results: Sequence[Result]) -> bytes:
    shares = sorted({r.parameters["demand_response"] for r in results})
    with picture(7.2, 3.8) as (made, axes):
        costs = [[r.values["cost_per_hour"] for r in results
                  if r.parameters["demand_response"] == one] for one in shares]  # fmt: skip
        axes.boxplot(costs, widths=0.5, whis=(0, 100), medianprops={"color": BLUE})
        axes.set_xticks(range(1, len(shares) + 1), [f"{100 * one:g}" for one in shares])
        axes.set_xlabel("demand response, % of load")
        axes.set_ylabel("$ per hour")
        axes.set_title("Cost of regulation over seeds: median, quartiles, extremes")
        stamp_runs(made, results)
    return made.svg
