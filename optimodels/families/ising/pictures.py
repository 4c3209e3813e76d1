"""Pictures of the experiments: curves with their intervals, phase diagrams, the customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.draw import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    SERIES,
    line_style,
    picture,
    stamp,
    stamp_runs,
    tiles,
)
from optimodels.families.ising.parameters import CRITICAL
from optimodels.result import Result

#: More curves than these in one picture cannot be told apart.
_MOST_CURVES = len(SERIES)
#: Larger lattices than this many sites are no picture any more.
_MOST_SITES = 250_000


def decorrelation(results: Sequence[Result]) -> dict[str, bytes]:
    """What is left of the start by step (001, figure 2), and the customers before and after."""
    result = results[0]
    table = result.tables.get("autocorrelation")
    if len(results) > 1 or not table:
        return {}
    with picture(6.4, 4.0) as (made, axes):
        for k, ((t, h), rows) in enumerate(_by(table, "temperature", "field").items()):
            if k == _MOST_CURVES:
                break
            _curve(axes, result, rows, "step", "autocorrelation", line_style(k), _named(t, h))
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.set_xlabel("proposals")
        axes.set_ylabel("autocorrelation with the start")
        axes.set_title("How soon customers forget their start; band: 95 %")
        axes.legend()
        stamp(made, result)
    return {"autocorrelation": made.svg} | lattices(result)


def phase_transition(results: Sequence[Result]) -> dict[str, bytes]:
    """|M| and susceptibility by temperature (001, figure 2, inset), exact values beside them."""
    result = results[0]
    rows = result.tables.get("curve")
    if len(results) > 1 or not rows:
        return {}
    drawn = lattices(result)
    if len({row["temperature"] for row in rows}) < 2:
        return drawn
    with picture(9.0, 3.8, columns=2) as (made, (left, right)):
        for k, (h, line) in enumerate(list(_by(rows, "field").items())[:_MOST_CURVES]):
            colour, name = SERIES[k], f"h = {h[0]:g}"
            for axes, what in ((left, "absolute_magnetisation"), (right, "susceptibility")):
                _points(axes, result, line, "temperature", what, colour, name)
                _exact(axes, line, "temperature", what, colour, name)
            _root_mean_square(left, line, colour, name)
        for axes, what in ((left, "|M| per customer"), (right, "susceptibility")):
            axes.set_xlabel("temperature T")
            axes.set_ylabel(what)
            axes.legend(loc="upper right")
        left.set_title("|M|; bars: 95 %")
        right.set_title("Fluctuations")
        if "critical_temperature" in result.values:
            _critical(left)
            _critical(right)
            left.set_title("Order is lost beyond T_c; bars: 95 %")
            right.set_title("Fluctuations peak near it")
        stamp(made, result)
    return {"transition": made.svg} | drawn


def field_response(results: Sequence[Result]) -> dict[str, bytes]:
    """M by field and temperature with the target's field (001, figure 4); of a sweep the map."""
    if len(results) > 1:
        return _surface(results)
    result = results[0]
    rows = result.tables.get("curve")
    if not rows:
        return {}
    drawn = lattices(result)
    t = np.array(sorted({row["temperature"] for row in rows}))
    h = np.array(sorted({row["field"] for row in rows}))
    if len(t) < 2 or len(h) < 2:
        return drawn
    at = {(row["temperature"], row["field"]): row["magnetisation"] for row in rows}
    level = np.array([[at[a, b] for b in h] for a in t])
    targets = [row for row in result.tables["targets"] if row["field"] is not None]
    target = result.values["target_magnetisation"]
    with picture(9.0, 3.8, columns=2) as (made, (left, right)):
        left.grid(False)
        mesh = left.pcolormesh(_edges(h), _edges(t), level, cmap="viridis", vmin=-1, vmax=1)
        made.figure.colorbar(mesh, ax=left, label="magnetisation").outline.set_visible(False)
        if targets:
            left.errorbar(_column(targets, "field"), _column(targets, "temperature"),
                          xerr=_half(result, targets, "field"), fmt="o-", color=BLACK, markersize=3,
                          linewidth=1.2, label=f"m = {target:.3g}")  # fmt: skip
            left.legend(loc="upper right", labelcolor=BLACK)
        left.axhline(CRITICAL, color=BLACK, linewidth=0.8, linestyle=":")
        left.annotate("T_c", (h[-1], CRITICAL), (-4, 3), textcoords="offset points", fontsize=8,
                      ha="right")  # fmt: skip
        left.set_xlabel("field h")
        left.set_ylabel("temperature T")
        left.set_title("What a field makes of customers all down")
        shown = t[np.unique(np.linspace(0, len(t) - 1, 5).astype(int))]
        for k, one in enumerate(shown):
            line = sorted((r for r in rows if r["temperature"] == one), key=lambda r: r["field"])
            _curve(right, result, line, "field", "magnetisation", line_style(k), f"T = {one:.3g}")
        right.axhline(target, color=GREY, linewidth=1, linestyle="--")
        right.annotate(f"target of hour {result.values['hour']}", (h[-1], target), (0, 3),
                       textcoords="offset points", fontsize=8, ha="right", color=GREY)  # fmt: skip
        right.set_xlabel("field h")
        right.set_ylabel("magnetisation")
        right.set_title("Cuts through it; bands: 95 %")
        right.legend(loc="lower right")
        stamp(made, result)
    return {"response": made.svg} | drawn


def _surface(results: Sequence[Result]) -> dict[str, bytes]:
    """M of the runs of a sweep over single fields and temperatures, with contours."""
    at = {}
    for one in results:
        given = one.parameters
        if len(given["temperature"]) > 1 or len(given["field"]) > 1 or not one.values:
            return {}
        at[given["temperature"][0], given["field"][0]] = one.values["magnetisation"]
    t, h = (np.array(sorted({key[k] for key in at})) for k in (0, 1))
    if len(t) < 2 or len(h) < 2:
        return {}
    level = np.array([[at.get((a, b), np.nan) for b in h] for a in t])
    with picture(6.4, 4.2) as (made, axes):
        axes.grid(False)
        mesh = axes.pcolormesh(_edges(h), _edges(t), level, cmap="viridis", vmin=-1, vmax=1)
        made.figure.colorbar(mesh, ax=axes, label="magnetisation").outline.set_visible(False)
        target = results[0].values["target_magnetisation"]
        lines = axes.contour(h, t, level, sorted({-0.9, 0.5, 0.9, round(target, 3)}),
                             colors=BLACK, linewidths=0.8)  # fmt: skip
        axes.clabel(lines, fontsize=7, fmt="%.3g")
        axes.axhline(CRITICAL, color=BLACK, linewidth=0.8, linestyle=":")
        axes.set_xlabel("field h")
        axes.set_ylabel("temperature T")
        axes.set_title(f"Customers all down after {results[0].parameters['steps']:,} proposals")
        stamp_runs(made, results)
    return {"surface": made.svg}


def _edges(centres: Floats) -> Floats:
    """Borders of cells around points (k + 1,)."""
    middle = (centres[1:] + centres[:-1]) / 2
    first, last = 2 * centres[0] - middle[0], 2 * centres[-1] - middle[-1]
    return np.concatenate([[first], middle, [last]])


def robustness(results: Sequence[Result]) -> dict[str, bytes]:
    """|C| by Hamming distance for every algorithm (001, figure 6)."""
    result = results[0]
    table = result.tables.get("perturbations")
    if len(results) > 1 or not table:
        return {}
    fields = list(_by(table, "field").items())[:3]
    width = 3.0 + 3.2 * len(fields)
    with picture(width, 4.0, columns=len(fields), sharey=True, squeeze=False) as (made, panels):
        for axes, ((h,), rows) in zip(panels[0], fields, strict=True):
            by = _by(rows, "algorithm")
            for k, ((algorithm,), line) in enumerate(by.items()):
                line = sorted(line, key=lambda r: r["perturbation"])
                _sizes(axes, result, line, "mean_constraint", SERIES[k], "-", f"{algorithm}, mean")
                _sizes(axes, result, line, "least_constraint", SERIES[k], "--",
                       f"{algorithm}, least")  # fmt: skip
            first = sorted(next(iter(by.values())), key=lambda r: r["perturbation"])
            axes.plot(_column(first, "perturbation"), _positive(first, "perturbed_constraint"),
                      color=GREY, linestyle=":", label="before the evolution")  # fmt: skip
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel("Hamming distance K from the feasible solution")
            axes.set_title(f"h = {h:g}")
        panels[0][0].set_ylabel("|C|, of the whole load")
        panels[0][-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        stamp(made, result)
    return {"robustness": made.svg} | lattices(result)


def _sizes(
    axes: Any, result: Result, rows: Any, name: str, colour: str, style: str, label: str
) -> None:
    x, y, half = _column(rows, "perturbation"), _positive(rows, name), _half(result, rows, name)
    axes.plot(x, y, style, color=colour, marker="o", markersize=3, label=label)
    # What reaches below zero has no place on a logarithmic scale.
    low = np.where(y - half > 0, y - half, y / 10)
    axes.fill_between(x, low, y + half, color=colour, alpha=0.15, linewidth=0)


def _positive(rows: Any, name: str) -> Floats:
    found = _column(rows, name)
    return np.where(found > 0, found, np.nan)


def boundaries(results: Sequence[Result]) -> dict[str, bytes]:
    """Flexibility by temperature, free and bounded, and the difference (001, figure 8)."""
    result = results[0]
    table = result.tables.get("comparison")
    if len(results) > 1 or not table:
        return {}
    drawn = lattices(result)
    line = sorted((r for r in table if r["field"] == table[0]["field"]),
                  key=lambda r: r["temperature"])  # fmt: skip
    if len(line) < 2:
        return drawn
    with picture(9.0, 3.8, columns=2) as (made, (left, right)):
        for k, name in enumerate(("free", "aggregators")):
            _curve(left, result, line, "temperature", name, line_style(k), name)
        _curve(right, result, line, "temperature", "gain_of_bounds", {"color": BLACK}, "")
        right.axhline(0, color=GREY, linewidth=0.8)
        for axes in (left, right):
            axes.axvline(CRITICAL, color=GREY, linewidth=1, linestyle=":")
            axes.set_xlabel("temperature T")
        left.set_ylabel("magnetisation (flexibility)")
        left.set_title("Flexibility after the steps; bands: 95 %")
        left.legend(title="neighbours")
        right.set_ylabel("bounded less free")
        right.set_title("What bounds gain")
        right.annotate("T_c", (CRITICAL, 0), (3, 4), textcoords="offset points",
                       xycoords=("data", "axes fraction"), fontsize=8, color=GREY)  # fmt: skip
        stamp(made, result)
    return {"boundaries": made.svg} | drawn


def _root_mean_square(axes: Any, rows: Any, colour: str, name: str) -> None:
    """The root of <M^2>, simulated and exact, where <|M|> itself has no exact value."""
    exact = _column(rows, "exact_squared_magnetisation")
    if (
        np.isfinite(exact).any()
        and not np.isfinite(_column(rows, "exact_absolute_magnetisation")).any()
    ):
        at = _column(rows, "temperature")
        axes.plot(at, np.sqrt(_column(rows, "squared_magnetisation")), "o", color=colour,
                  markerfacecolor="white", markersize=4, label=f"{name}, root of <M²>")  # fmt: skip
        axes.plot(at, np.sqrt(exact), color=colour, linewidth=1,
                  label=f"{name}, exact root of <M²>")  # fmt: skip


def _critical(axes: Any) -> None:
    """Where the infinite square lattice loses its order."""
    axes.axvline(CRITICAL, color=GREY, linewidth=1, linestyle=":")
    axes.annotate("T_c", (CRITICAL, 0), (3, 4), textcoords="offset points",
                  xycoords=("data", "axes fraction"), fontsize=8, color=GREY)  # fmt: skip


def lattices(result: Result) -> dict[str, bytes]:
    """The first replica's customers at the start and at the end of up to three combinations."""
    kept = result.arrays.get("evolution", {})
    rows = result.tables.get("curve", [])
    if "square" not in kept or not rows or kept["before"].shape[1] > _MOST_SITES:
        return {}
    square, bus = kept["square"], kept["bus"]
    ends = kept["after"]
    chosen = _shown(rows)
    shown = [("start", kept["before"][chosen[-1]])]
    shown += [(_state_name(rows[k]), ends[k]) for k in chosen]
    with picture(2.5 * len(shown), 2.95, columns=len(shown)) as (made, panels):
        from matplotlib.colors import ListedColormap

        for axes, (name, spins) in zip(panels, shown, strict=True):
            state = np.where(square >= 0, np.append(spins, 0)[square], np.nan).astype(float)
            state[square < 0] = np.nan
            tiles(axes, state, ListedColormap([BLUE, ORANGE]), (-1, 1))
            _borders(axes, np.where(square >= 0, np.append(bus, -1)[square], -1))
            axes.set_title(name)
        stamp(made, result)
    return {"customers": made.svg}


def _shown(rows: Any) -> list[int]:
    """Of kinds that are compared each one's state nearest T_c; else first, middle and last."""
    by = _by(
        [{**row, "number": k} for k, row in enumerate(rows)],
        *(key for key in ("neighbours", "algorithm") if key in rows[0]),
    )
    if len(by) == 1:
        return sorted({0, len(rows) // 2, len(rows) - 1})
    # The last of equals: the farthest perturbation.
    return [
        min(reversed(kind), key=lambda row: abs(row["temperature"] - CRITICAL))["number"]
        for kind in list(by.values())[:4]
    ]


def _state_name(row: Any) -> str:
    words = [str(row[key]) for key in ("neighbours", "algorithm") if key in row]
    return ", ".join([*words, _named(row["temperature"], row["field"])])


def _borders(axes: Any, label: Any) -> None:
    """Faint lines between the buses."""
    lines = []
    rows, columns = label.shape
    for i, j in zip(*np.nonzero(label[:, 1:] != label[:, :-1]), strict=True):
        lines.append([(j + 0.5, i - 0.5), (j + 0.5, i + 0.5)])
    for i, j in zip(*np.nonzero(label[1:] != label[:-1]), strict=True):
        lines.append([(j - 0.5, i + 0.5), (j + 0.5, i + 0.5)])
    from matplotlib.collections import LineCollection

    axes.add_collection(LineCollection(lines, colors="#00000055", linewidths=0.6))
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)


def _named(temperature: float, field: float) -> str:
    return f"T = {temperature:.4g}" + (f", h = {field:g}" if field else "")


def _by(rows: Any, *keys: str) -> dict[tuple[Any, ...], list[Any]]:
    """Rows by the values of some columns, in their order."""
    found: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        found.setdefault(tuple(row[key] for key in keys), []).append(row)
    return found


def _column(rows: Any, name: str) -> Floats:
    return np.array([np.nan if row.get(name) is None else row[name] for row in rows], dtype=float)


def _half(result: Result, rows: Any, name: str) -> Floats:
    """Half the 95 % interval of a mean over replicas, by Student's t; 0 of a single replica."""
    replicas = int(result.parameters["replicas"])
    if replicas < 2:
        return np.zeros(len(rows))
    from scipy.special import stdtrit

    return np.asarray(stdtrit(replicas - 1, 0.975) * _column(rows, f"{name}_standard_error"))


def _curve(axes: Any, result: Result, rows: Any, x: str, y: str, style: Any, label: str) -> None:
    """A line with the band of its interval."""
    at, mean, half = _column(rows, x), _column(rows, y), _half(result, rows, y)
    axes.plot(at, mean, label=label, **style)
    axes.fill_between(at, mean - half, mean + half, color=style["color"], alpha=0.25, linewidth=0)


def _points(axes: Any, result: Result, rows: Any, x: str, y: str, colour: str, label: str) -> None:
    """Points with their intervals."""
    axes.errorbar(_column(rows, x), _column(rows, y), _half(result, rows, y), fmt="o", color=colour,
                  markersize=4, elinewidth=1.2, capsize=2, label=label)  # fmt: skip


def _exact(axes: Any, rows: Any, x: str, y: str, colour: str, name: str) -> None:
    """The exact value as a line, where the rows have it."""
    exact = _column(rows, f"exact_{y}")
    if np.isfinite(exact).any():
        axes.plot(_column(rows, x), exact, color=colour, linewidth=1.2, label=f"{name}, exact")
