"""Pictures of the flexibility family: hours against price, maps, the customers' lattice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from optimodels.draw import (
    BLUE,
    GREY,
    ORANGE,
    RED,
    SERIES,
    line_style,
    network_map,
    picture,
    stamp,
    stamp_runs,
    tiles,
)
from optimodels.families.flexibility.lattice import customer_lattice
from optimodels.result import Result

#: Larger lattices than this many customers are no picture any more.
_MOST_CUSTOMERS = 250_000


def shiftable_loads(results: Sequence[Result]) -> dict[str, bytes]:
    """Magnetisation and scaled price by hour (001, figure 3); the power before and after."""
    result = results[0]
    hours = result.tables.get("hours")
    if not hours:
        return {}
    hour = _column(hours, "step")
    # Every step as wide as it is long: energy is an area.
    edges = np.append(hour, hour[-1] + 1) - 0.5
    price = _column(hours, "price")
    drawn = {}
    with picture(6.4, 5.0, rows=2, sharex=True) as (made, (top, bottom)):
        scaled = _scaled(price)
        top.stairs(_column(hours, "magnetisation"), edges, baseline=None, color=BLUE, lw=1.8)
        top.plot(hour, scaled, color=ORANGE, marker="o", markersize=3)
        top.set_ylabel("magnetisation m; price, scaled")
        top.set_ylim(-1.15, 1.15)
        top.set_title("Flexibility follows the price")
        _label_ends(top, edges[1:], (_column(hours, "magnetisation"), scaled), ("m", "price"),
                    (BLUE, ORANGE))  # fmt: skip
        for name, colour in (("power_kw", GREY), ("flexed_power_kw", BLUE)):
            bottom.stairs(_column(hours, name) / 1000, edges, baseline=None, color=colour, lw=1.8)
        bottom.set_ylabel("load of all buses, MW")
        bottom.set_xlabel("step")
        bottom.set_ylim(
            0, 1.2 * max(_column(hours, n).max() for n in ("power_kw", "flexed_power_kw")) / 1000
        )
        bottom.legend(["scheduled", "flexed"], loc="upper left", ncols=2)
        stamp(made, result)
    drawn["hours"] = made.svg
    return drawn | _voltages(result)


def self_sustainability(results: Sequence[Result]) -> dict[str, bytes]:
    """The network's map coloured by magnetisation, and the customers (001, figures 5(a)-(b))."""
    result = results[0]
    if not result.tables.get("buses"):
        return {}
    return _map(result, ()) | _lattice(result, {}) | _voltages(result)


def spin_assignment(results: Sequence[Result]) -> dict[str, bytes]:
    """Customers' spins, buses without a solution ringed red (001, figures 5(c)-(d))."""
    result = results[0]
    rows = result.tables.get("buses")
    if not rows:
        return {}
    up = {k: row["customers_up"] for k, row in enumerate(rows)}
    bad = [row["bus"] - 1 for row in rows if not row["feasible"]]
    return _map(result, bad) | _lattice(result, up)


def aggregator_mapping(results: Sequence[Result]) -> dict[str, bytes]:
    """The map coloured by aggregator; for a sweep, the mapping surface (001, figure 7)."""
    if len(results) > 1:
        return _surface(results)
    result = results[0]
    rows = result.tables.get("buses")
    if not rows or result.network is None:
        return {}
    network = result.network
    values = np.full(len(network.load_kw), np.nan)
    for row in rows:
        values[row["bus"] - 1] = row["aggregator"]
    number = len(result.tables["aggregators"])
    with picture(6.4, 4.2) as (made, axes):
        from matplotlib.colors import ListedColormap

        colours: Any = ListedColormap(list(SERIES[:number])) if number <= len(SERIES) else "viridis"
        network_map(axes, network, values, "aggregator", colours=colours,
                    limits=(0.5, number + 0.5),
            steps=range(1, number + 1) if number <= 20 else None)  # fmt: skip
        axes.set_title("Which aggregator holds which bus")
        stamp(made, result)
    return {"map": made.svg}


def _surface(results: Sequence[Result]) -> dict[str, bytes]:
    """Normalised objective against the number of aggregators, a line per slack."""
    points: dict[float, list[tuple[int, float | None]]] = {}
    for result in results:
        parameters = result.parameters
        value = result.values.get("normalised_objective")
        points.setdefault(parameters["slack"], []).append((parameters["aggregators"], value))
    with picture(6.4, 4.2) as (made, axes):
        from matplotlib.ticker import MaxNLocator

        for k, (slack, line) in enumerate(sorted(points.items())):
            line.sort()
            number = np.array([a for a, _ in line])
            value = np.array([np.nan if v is None else v for _, v in line])
            style = line_style(k)
            axes.plot(number, value, marker="o", markersize=max(2.0, 6.0 - k),
                      label=f"slack {slack:g}", **style)  # fmt: skip
            missing = number[np.isnan(value)]
            if len(missing):
                level = np.full(len(missing), 1.0 - 0.05 * (k + 1))
                axes.plot(missing, level, "x", color=style["color"], markersize=4,
                          transform=axes.get_xaxis_transform(), clip_on=False)  # fmt: skip
        axes.set_xlabel("aggregators")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel("aggregators' objective / cost of the load")
        axes.set_title("Mapping against aggregators and slack; crosses: infeasible")
        axes.margins(y=0.35)
        axes.legend(loc="lower left", ncols=2)
        stamp_runs(made, results)
    return {"surface": made.svg}


def _map(result: Result, marked: Sequence[int]) -> dict[str, bytes]:
    network = result.network
    if network is None:
        # A stored run has none.
        return {}
    values = np.full(len(network.load_kw), np.nan)
    for row in result.tables["buses"]:
        values[row["bus"] - 1] = row["magnetisation"]
    with picture(6.4, 4.2) as (made, axes):
        network_map(axes, network, values, "magnetisation m", colours="viridis", limits=(-1, 1),
                    marked=marked, steps=(-1, 0, 1))  # fmt: skip
        title = "Magnetisation of the buses"
        axes.set_title(f"{title}; ringed: no spin solution" if len(marked) else title)
        stamp(made, result)
    return {"map": made.svg}


def _lattice(result: Result, up: dict[int, int | None]) -> dict[str, bytes]:
    """Customers as tiles: spins where they are known, the bus's magnetisation otherwise."""
    from matplotlib.colors import ListedColormap

    rows = result.tables["buses"]
    customers = np.array([row["customers"] for row in rows])
    if customers.sum() > _MOST_CUSTOMERS:
        return {}
    square = customer_lattice(customers)
    state = np.full(square.shape, np.nan)
    for k, row in enumerate(rows):
        sites = np.argwhere(square == k)
        # In the order in which the lattice is filled: odd rows run backwards.
        order = sorted(map(tuple, sites), key=lambda s: (s[0], s[1] if s[0] % 2 == 0 else -s[1]))
        spins = up.get(k)
        for i, site in enumerate(order):
            state[site] = row["magnetisation"] if spins is None else (1 if i < spins else -1)
    with picture(4.6, 4.9) as (made, axes):
        tiles(axes, state, ListedColormap([BLUE, "#f4f4f4", ORANGE]), (-1, 1))
        side = len(square)
        for i in range(side):
            for j in range(side):
                if j + 1 < side and square[i, j] != square[i, j + 1]:
                    axes.plot([j + 0.5] * 2, [i - 0.5, i + 0.5], color="#333333", linewidth=0.7)
                if i + 1 < side and square[i, j] != square[i + 1, j]:
                    axes.plot([j - 0.5, j + 0.5], [i + 0.5] * 2, color="#333333", linewidth=0.7)
        for k, row in enumerate(rows):
            y, x = np.argwhere(square == k).mean(axis=0)
            colour = RED if row.get("feasible") is False else "#333333"
            weight = "bold" if row.get("feasible") is False else "normal"
            if side <= 40:
                axes.text(x, y, str(row["bus"]), ha="center", va="center", fontsize=6,
                          color=colour, weight=weight)  # fmt: skip
        axes.set_title(f"{int(customers.sum())} customers: orange up, blue down, white neutral")
        stamp(made, result)
    return {"customers": made.svg}


def _voltages(result: Result) -> dict[str, bytes]:
    """The map of voltages in the hour of the lowest one, before and after."""
    states = result.arrays.get("network")
    if not states or "voltage_before" not in states or result.network is None:
        return {}
    before, after = states["voltage_before"], states["voltage_after"]
    if not np.isfinite(after).any():
        return {}
    hour = int(np.nanargmin(np.nanmin(after, axis=1)))
    low = float(np.nanmin([np.nanmin(before[hour]), np.nanmin(after[hour])]))
    high = float(np.nanmax([np.nanmax(before[hour]), np.nanmax(after[hour])]))
    with picture(9.0, 4.0, columns=2) as (made, panels):
        for axes, values, when in zip(
            panels, (before[hour], after[hour]), ("scheduled", "flexed"), strict=True
        ):
            network_map(axes, result.network, values, "voltage, pu", limits=(low, high))
            axes.set_title(f"Voltage in step {hour + 1}, {when}")
        stamp(made, result)
    return {"voltage": made.svg}


def _scaled(price: Any) -> Any:
    """Scale prices to [-1, 1], as the paper's figure does, to be seen beside m."""
    low, high = price.min(), price.max()
    return 2 * (price - low) / (high - low) - 1 if high > low else np.zeros_like(price)


def _column(table: Any, name: str) -> Any:
    return np.array([row[name] for row in table], dtype=float)


def _label_ends(axes: Any, x: Any, series: Any, names: Any, colours: Any) -> None:
    """Name lines at their ends rather than in a legend."""
    for values, name, colour in zip(series, names, colours, strict=True):
        axes.annotate(
            name, (x[-1], values[-1]), (6, 0), textcoords="offset points", color=colour,
            va="center", fontsize=8,
        )  # fmt: skip
