"""Pictures of the coalition family: flows on the network, losses against density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from optimodels.draw import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    foot,
    layout,
    picture,
    stamp,
    stamp_runs,
)
from optimodels.families.coalition.data import BASE_MVA
from optimodels.families.coalition.game import pictures as game_pictures
from optimodels.result import Result

#: The models in the order of the poster, with their colours.
_MODELS = {
    "coalition/ad-hoc": ("ad hoc", ORANGE),
    "coalition/self-interested": ("self-interested", RED),
    "coalition/cooperative": ("cooperative", BLUE),
    "coalition/integrated": ("integrated", GREEN),
}
#: Public flows in grey and private ones in this colour.
_PRIVATE = "#CC79A7"
_WIDEST = 6.0
#: Draws that make a picture of their own.
_FEWEST = 8
#: A flow below this part of the largest is drawn as a hair line.
_THIN = 0.02


def cooperative(results: Sequence[Result]) -> dict[str, bytes]:
    """The flows of one run; of a sweep, the losses against density by model."""
    if len(results) > 1:
        return _losses(results) | _excess(results)
    result = results[0]
    if result.network is None or not result.tables.get("agents"):
        # A stored run has no network.
        return {}
    return _map(result)


integrated = self_interested = ad_hoc = cooperative


def _map(result: Result) -> dict[str, bytes]:
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

    xy = layout(result.network)
    public, private = result.tables["public_flows"], result.tables["private_flows"]
    agents = result.tables["agents"]
    at = np.array([row["bus"] - 1 for row in agents])
    net = BASE_MVA * np.array([row["export"] - row["import"] for row in agents])
    largest = max((abs(row["flow"]) for row in [*public, *private]), default=0.0) or 1.0
    small = len(at) > 150
    with picture(7.2, 4.8) as (made, axes):
        for rows, colour, level, bend in (
            (public, "#b0b0b0", 1, 0.0),
            (private, _PRIVATE, 2, 0.12),
        ):
            paths = [_bent(xy[row["from"] - 1], xy[row["to"] - 1], bend) for row in rows]
            size = np.array([abs(row["flow"]) for row in rows]) / largest
            wide = np.where(size < _THIN, 0.4, 0.4 + _WIDEST * size)
            axes.add_collection(
                LineCollection(paths, colors=colour, linewidths=wide, zorder=level,
                               alpha=0.85, capstyle="round")
            )  # fmt: skip
            for row, path, part, width in zip(rows, paths, size, wide, strict=True):
                if part >= _THIN and not small:
                    _arrow(axes, path if row["flow"] > 0 else path[::-1], colour, width, level)
        reach = float(np.abs(net).max()) or 1.0
        drawn = axes.scatter(
            xy[at, 0], xy[at, 1], s=16 if small else 80, c=net, cmap="viridis", vmin=-reach,
            vmax=reach, edgecolors=BLACK, linewidths=0.3 if small else 0.6, zorder=3,
        )  # fmt: skip
        if len(at) <= 60:
            for row in agents:
                place = xy[row["bus"] - 1]
                axes.annotate(
                    str(row["bus"]), place, (0, 6.5), textcoords="offset points", ha="center",
                    fontsize=6, color=BLACK, zorder=4,
                )  # fmt: skip
        axes.set_axis_off()
        axes.margins(0.06)
        bar = axes.figure.colorbar(drawn, ax=axes, shrink=0.8, pad=0.02)
        bar.set_label("to the public network, MW (below zero: from it)")
        bar.outline.set_visible(False)
        axes.legend(
            handles=[Line2D([], [], color="#b0b0b0", linewidth=0.4 + _WIDEST,
                            label=f"public flow, {_power(largest)}"),
                     Line2D([], [], color=_PRIVATE, linewidth=0.4 + _WIDEST / 2,
                            label=f"private flow, {_power(largest / 2)}")],
            # Below the map: the label of the topmost bus has the room above.
            loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=2,
        )  # fmt: skip
        name = _MODELS[result.model][0]
        values = result.values
        axes.set_title(
            f"{name.capitalize()}: {_power(values['loss_public'])} lost in public branches, "
            f"{_power(values['loss_private'])} in private ones",
            pad=10,
        )
        stamp(made, result)
    return {"flows": made.svg}


def _power(pu: float) -> str:
    """Per unit in words."""
    megawatts = BASE_MVA * pu
    return f"{megawatts:.4g} MW" if megawatts >= 0.1 else f"{1000 * megawatts:.4g} kW"


def _arrow(axes: Any, path: Any, colour: str, width: float, level: int) -> None:
    """Which way a flow goes, a little behind the middle of its path, where no bus is."""
    k = int(0.6 * (len(path) - 1))
    axes.annotate(
        "", path[k + 1], path[k], zorder=level,
        arrowprops={"arrowstyle": "-|>,head_length=0.35,head_width=0.18", "color": colour,
                    "mutation_scale": 9 + 2.5 * width, "shrinkA": 0, "shrinkB": 0, "lw": 0},
    )  # fmt: skip


def _bent(start: Any, end: Any, bend: float) -> Any:
    """A curve between two points, so that private lines do not hide public ones."""
    t = np.linspace(0.0, 1.0, 17)[:, None]
    along = end - start
    side = np.array([-along[1], along[0]]) * bend
    return start + t * along + 4 * t * (1 - t) * side


def _losses(results: Sequence[Result]) -> dict[str, bytes]:
    """Median and the middle half of the draws, a panel per square."""
    sides = sorted({float(r.parameters["side_km"]) for r in results})[:2]
    points: dict[tuple[float, str, str], list[Result]] = {}
    for r in results:
        if "loss_total" in r.values and r.model in _MODELS:
            key = float(r.parameters["side_km"]), r.model, _density(r)
            points.setdefault(key, []).append(r)
    edges: dict[str, list[float]] = {}
    for (_, _, density), runs in points.items():
        edges.setdefault(density, []).extend(r.values["private_edges"] for r in runs)
    order = sorted(edges, key=lambda density: float(np.mean(edges[density])))
    if len(order) < 2:
        return {}
    width = 4.4 * len(sides) + 0.6
    with picture(width, 3.8, columns=len(sides), sharey=True, squeeze=False) as (made, panels):
        for axes, side in zip(panels[0], sides, strict=True):
            for model, (name, colour) in _MODELS.items():
                known = [
                    (x, [r.values["loss_total"] for r in points[side, model, density]])
                    for x, density in enumerate(order)
                    if (side, model, density) in points
                ]
                if not known:
                    continue
                x = np.array([place for place, _ in known], dtype=float)
                low, middle, high = (
                    np.array([np.percentile(found, part) for _, found in known])
                    for part in (25, 50, 75)
                )
                axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
                dashed = "--" if model.endswith("integrated") else "-"
                axes.plot(x, middle, dashed, color=colour, marker="o", markersize=3.5, label=name)
            labels = [f"{d}\n{np.mean(edges[d]):.0f}" for d in order]
            axes.set_xticks(range(len(order)), labels)
            axes.set_xlabel("density of the private network; branches")
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("{x:g}" if _narrow(axes) else "")
            axes.set_title(f"{side:g} km x {side:g} km" if len(sides) > 1 else "Losses by density")
        panels[0][0].set_ylabel("total losses, pu (median, middle half)")
        panels[0][-1].legend(loc="best")
        stamp_runs(made, results)
    return {"losses": made.svg}


def _excess(results: Sequence[Result]) -> dict[str, bytes]:
    """What self-interest loses beyond cooperation on the same draw, by the largest group."""
    whole = {
        _draw(r): r.values["loss_total"]
        for r in results
        if r.model == "coalition/cooperative" and "loss_total" in r.values
    }
    pairs = [
        (r, r.values["loss_total"] - whole[_draw(r)])
        for r in results
        if r.model == "coalition/self-interested"
        and "loss_total" in r.values
        and _draw(r) in whole
        and r.values["private_edges"]
    ]
    if len(pairs) < _FEWEST:
        return {}
    size = np.array([r.values["largest_group"] for r, _ in pairs], dtype=float)
    edges = np.array([r.values["private_edges"] for r, _ in pairs], dtype=float)
    more = np.array([excess for _, excess in pairs])
    with picture(6.4, 3.9) as (made, axes):
        drawn = axes.scatter(size, more, c=edges, cmap="viridis", norm="log", s=22,
                             edgecolors="white", linewidths=0.4, zorder=3)  # fmt: skip
        axes.axhline(0.0, color=GREY, linewidth=0.6)
        axes.set_xlabel("agents in the largest group")
        axes.set_ylabel("losses beyond cooperation, pu")
        axes.set_title("What self-interest loses, draw by draw")
        bar = axes.figure.colorbar(drawn, ax=axes, pad=0.02)
        ticks = np.unique([float(f"{t:.2g}") for t in np.geomspace(edges.min(), edges.max(), 5)])
        bar.set_ticks(ticks, labels=[f"{t:g}" for t in ticks])
        bar.ax.minorticks_off()
        bar.set_label("private branches")
        bar.outline.set_visible(False)
        good = sum(r.verdict.status == "verified" for r, _ in pairs)
        alone = sum(
            r.model == "coalition/self-interested" and r.stopped == "infeasible" for r in results
        )
        left = f"; {alone} without a settlement are not shown" if alone else ""
        foot(made, f"{results[0].case}: {good} of {len(pairs)} draws verified{left}")
    return {"excess": made.svg}


def _draw(result: Result) -> tuple[tuple[str, str], ...]:
    """Everything that was asked but what only the self-interested model knows."""
    own = ("buy_tariff", "sell_tariff", "rule")
    return tuple((k, repr(v)) for k, v in sorted(result.parameters.items()) if k not in own)


def _narrow(axes: Any) -> bool:
    low, high = axes.get_ylim()
    return bool(high < 20 * low)


def _density(result: Result) -> str:
    given = result.parameters["density"]
    return given if isinstance(given, str) else f"{given:g}"


payments, formation = game_pictures.payments, game_pictures.formation
