"""Pictures of the games: what agents gain by payments, where cores are empty, what groups lose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np

from optimodels.draw import BLACK, BLUE, GREEN, GREY, ORANGE, RED, SERIES, foot, picture, stamp
from optimodels.families.coalition.game.outsiders import Outsiders
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
        core = {True: "there is no core", False: "there is a core", None: "core unknown"}
        axes.set_title(
            f"What agents gain by payments; {core[result.values['core_empty']]} "
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
        place, width = np.arange(len(prices)), 0.8 / len(names)
        for k, name in enumerate(names):
            count = [sum(told.get((name, price), ())) for price in prices]
            axes.bar(place + width * (k - (len(names) - 1) / 2), count, 0.9 * width,
                     color=SERIES[k], label=name)  # fmt: skip
        axes.set_xticks(place, [f"{price:g}" for price in prices])
        axes.grid(axis="x", visible=False)
        axes.set_ylim(0, most)
        axes.set_xlabel(f"resale price (buying costs {results[0].parameters['buy_tariff']:g})")
        axes.set_ylabel(f"without a core, of {most} each")
        axes.set_title("Where no payments keep all together")
        axes.legend(title="outsiders", loc="upper left")
        unproved = sum(result.verdict.status != "verified" for result in results)
        foot(made, f"{len(results)} runs, {len(results) - unproved} verified")
    return {"cores": made.svg}


def formation(results: Sequence[Result]) -> dict[str, bytes]:
    """Losses of every partition over the least ones, and which of them last, a row per rule."""
    result = results[0]
    told = result.arrays.get("formation", {})
    if len(results) > 1 or not len(told.get("groups", ())) or not np.any(told["over_least"]):
        return {}
    groups, losses = np.asarray(told["groups"]), np.asarray(told["over_least"])
    with picture(6.4, 3.8) as (made, axes):
        # Side by side where many have as many groups: by rank, so that a picture is one file.
        rank = np.argsort(np.argsort(losses, kind="stable"), kind="stable") * 0.618 % 1 - 0.5
        x = groups + rank * np.minimum(0.6, np.bincount(groups)[groups] / 40 - 1 / 40)
        axes.plot(x, losses, "o", color="#b8b8b8", markersize=2.5, label="partition")
        for k, (name, colour) in enumerate((("individual", BLUE), ("core", ORANGE), ("nash", RED))):
            kept = np.asarray(told[name], dtype=bool)
            axes.plot(x[kept], losses[kept], "o", color=colour, markersize=5 + 4 * k,
                      fillstyle="full" if k == 0 else "none", markeredgewidth=1.5,
                      label=f"stable ({name}): {int(kept.sum())}")  # fmt: skip
        axes.axhline(1, color=GREY, linewidth=1, linestyle=":")
        axes.axhline(
            result.values["price_of_merging"], color=GREEN, linewidth=1, linestyle="--",
            label="merge and split",
        )  # fmt: skip
        axes.set_xticks(range(1, int(groups.max()) + 1))
        axes.grid(axis="x", visible=False)
        axes.set_xlabel("groups of the partition")
        axes.set_ylabel("losses over the least")
        axes.set_title(f"What the {len(groups)} partitions lose, and which of them last")
        axes.legend()
        stamp(made, result)
    return {"partitions": made.svg}
