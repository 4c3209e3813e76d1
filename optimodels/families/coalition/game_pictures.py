"""Pictures of the games: what agents gain by payments, where cores are empty, what groups lose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np

from optimodels.draw import BLACK, BLUE, GREEN, GREY, ORANGE, RED, SERIES, picture, stamp
from optimodels.families.coalition.outsiders import Outsiders
from optimodels.result import Result

#: More agents than these are no picture any more.
_MOST_AGENTS = 30
_MARKS = (
    ("payment", "prices", "o", BLUE),
    ("shapley", "Shapley", "s", ORANGE),
    ("nucleolus", "nucleolus", "D", GREEN),
    ("least_core", "least core", "_", BLACK),
)


def payments(results: Sequence[Result]) -> dict[str, bytes]:
    """Gains of the agents by each solution; for a sweep, how many instances have no core."""
    if len(results) > 1:
        return _cores(results)
    result = results[0]
    rows = result.tables.get("agents")
    if not rows or len(rows) > _MOST_AGENTS:
        return {}
    place = np.arange(len(rows))
    with picture(6.4, 3.8) as (made, axes):
        shown = [mark for mark in _MARKS if mark[0] in rows[0]]
        for k, (name, label, shape, colour) in enumerate(shown):
            gain = [row[name] - row["alone"] for row in rows]
            across = place + 0.12 * (k - (len(shown) - 1) / 2)
            if name == "shapley" and "shapley_95" in rows[0]:
                axes.errorbar(across, gain, [row["shapley_95"] for row in rows], fmt="none",
                              ecolor=colour, elinewidth=1)  # fmt: skip
            axes.plot(across, gain, shape, color=colour, label=label, markersize=6)
        axes.axhline(0, color=GREY, linewidth=1)
        axes.set_xticks(place, [str(row["bus"]) for row in rows])
        axes.grid(axis="x", visible=False)
        axes.set_xlabel("bus of the agent")
        axes.set_ylabel("gain over being alone, price x pu")
        axes.ticklabel_format(axis="y", scilimits=(-2, 3))
        core = {True: "no core", False: "a core", None: "core unknown"}
        axes.set_title(
            f"What agents can be paid: {core[result.values['core_empty']]} "
            f"(outsiders: {result.values['outsiders']})"
        )
        axes.legend(ncols=2)
        stamp(made, result)
    return {"payments": made.svg}


def _cores(results: Sequence[Result]) -> dict[str, bytes]:
    """Parts of the instances without a core by the resale price, a line per definition."""
    told: dict[tuple[str, float], list[bool]] = {}
    for result in results:
        if result.values.get("core_empty") is not None:
            key = str(result.values["outsiders"]), float(result.parameters["sell_tariff"])
            told.setdefault(key, []).append(bool(result.values["core_empty"]))
    prices = sorted({price for _, price in told})
    names = [name for name in get_args(Outsiders) if any(name == one for one, _ in told)]
    if len(prices) < 2:
        return {}
    most = max(len(each) for each in told.values())
    with picture(6.4, 3.6) as (made, axes):
        for k, name in enumerate(names):
            line = [(p, sum(told[name, p])) for p in prices if (name, p) in told]
            axes.plot(*zip(*line, strict=True), "o-", color=SERIES[k], label=name,
                      markersize=8 - 1.5 * k)  # fmt: skip
        axes.set_ylim(-0.03 * most, 1.03 * most)
        axes.set_xlabel("resale price (buying costs "
                        f"{results[0].parameters['buy_tariff']:g})")  # fmt: skip
        axes.set_ylabel(f"without a core, of {most} each")
        axes.set_title("Where no payments keep all together, by what outsiders do")
        axes.legend(title="outsiders")
        unproved = sum(result.verdict.status != "verified" for result in results)
        made.figure.supxlabel(
            f"{len(results)} runs, {len(results) - unproved} verified", fontsize=7, color=GREY,
            x=0.01, ha="left",
        )  # fmt: skip
    return {"cores": made.svg}


def formation(results: Sequence[Result]) -> dict[str, bytes]:
    """Losses of the partitions over the least ones, and which of them last."""
    result = results[0]
    rows = result.tables.get("partitions")
    if len(results) > 1 or not rows or rows[0]["over_least"] is None:
        return {}
    rules = [
        (name, colour)
        for name, colour in (("individual", SERIES[5]), ("core", ORANGE), ("nash", RED))
        if name in rows[0]
    ]
    with picture(6.4, 3.8) as (made, axes):
        _dots(axes, rows, rules)
        ends = {result.values["merged_to"]: "merge and split"}
        for row in rows:
            if row["partition"] in ends:
                axes.annotate(
                    ends[row["partition"]], (row["groups"], row["over_least"]), (9, -3),
                    textcoords="offset points", fontsize=8, color=GREY,
                )  # fmt: skip
        axes.axhline(1, color=GREY, linewidth=1, linestyle=":")
        axes.set_xticks(range(1, max(row["groups"] for row in rows) + 1))
        axes.set_xlabel("groups of the partition")
        axes.set_ylabel("losses over the least")
        axes.set_title("What groups lose, and which of them last")
        stamp(made, result)
    return {"partitions": made.svg}


def _dots(axes: Any, rows: Sequence[Any], rules: Sequence[tuple[str, str]]) -> None:
    x = np.array([row["groups"] for row in rows])
    y = np.array([row["over_least"] for row in rows])
    axes.plot(x, y, "o", color="#b0b0b0", markersize=4, label="partition")
    for k, (name, colour) in enumerate(rules):
        kept = np.array([row[name] for row in rows], dtype=bool)
        axes.plot(x[kept], y[kept], "o", color=colour, markersize=7 + 4 * k, fillstyle="none",
                  markeredgewidth=1.6, label=f"stable ({name})")  # fmt: skip
    axes.legend()
