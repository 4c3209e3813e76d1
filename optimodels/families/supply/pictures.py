"""Pictures of the supply family: bids, supply curves with their fits, the trend of q."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from optimodels.draw import BLUE, GREY, ORANGE, line_style, picture, stamp
from optimodels.families.supply.fitting.curves import curve_at
from optimodels.result import Result, Row


def bidding_equilibrium(results: Sequence[Result]) -> dict[str, bytes]:
    """The bids' distribution, and the expected supply curve with Monte Carlo beside it."""
    result = results[0]
    if len(results) > 1 or not result.tables.get("bids"):
        return {}
    bids, curve = result.tables["bids"], result.tables["supply_curve"]
    with picture(7.2, 3.6, columns=2) as (made, (left, right)):
        probability, bid = _column(bids, "probability"), _column(bids, "bid")
        left.plot(bid, probability, color=BLUE)
        median = result.values["median_bid"]
        left.plot([median], [0.5], "o", color=BLUE, markersize=4)
        left.annotate(
            f"median {median:.3g}", (median, 0.5), (7, -3), textcoords="offset points",
            fontsize=8, color=BLUE,
        )  # fmt: skip
        if bid[0] < bid[-1]:
            left.set_xscale("log" if bid[0] > 0 and bid[-1] / bid[0] > 20 else "linear")
        left.set_xlabel("bid")
        left.set_ylabel("probability of a bid at or below")
        left.set_title("What a firm bids")
        _steps(right, curve)
        if "monte_carlo_mean" in curve[0]:
            _monte_carlo(right, curve)
            right.legend(loc="upper left")
        right.set_title("Expected supply curve")
        stamp(made, result)
    return {"bids": made.svg}


def q_exponential_fit(results: Sequence[Result]) -> dict[str, bytes]:
    """The supply curve with its fit and residuals; for a sweep, q by the number of firms."""
    if len(results) > 1:
        return _trend(results)
    result = results[0]
    curve = result.tables.get("supply_curve")
    if not curve or "fitted_price" not in curve[0]:
        return {}
    x = _column(curve, "unit") - 0.5
    with picture(6.4, 4.8, rows=2, sharex=True, height_ratios=(2.2, 1)) as (made, (top, bottom)):
        price = _column(curve, "expected_price")
        top.stairs(price, np.arange(len(x) + 1), baseline=None, color=BLUE, linewidth=0.6)
        dots = {"marker": "o", "markersize": 4, "linestyle": ""} if len(x) <= 60 else {}
        top.plot(x, price, color=BLUE, label="expected price", **dots)
        top.plot(*_drawn(result, x), color=ORANGE, label=_formula(result))
        top.set_ylabel("expected price")
        if "monte_carlo_mean" in curve[0]:
            _monte_carlo(top, curve)
        top.legend(loc="upper left")
        top.set_title("Expected supply curve and the nearest q-exponential")
        residual = _column(curve, "residual")
        many = len(x) > 60
        bottom.axhline(0.0, color=GREY, linewidth=0.8)
        if many:
            bottom.plot(x, residual, color=ORANGE)
        else:
            bottom.vlines(x, 0.0, residual, color=ORANGE)
            bottom.plot(x, residual, "o", color=ORANGE, markersize=3.5)
        bottom.set_ylabel("fit - curve")
        bottom.set_xlabel("unit, in order of price")
        stamp(made, result)
    return {"fit": made.svg}


def curve_fit(results: Sequence[Result]) -> dict[str, bytes]:
    """The points with the curves of all forms, and their residuals."""
    result = results[0]
    curves = result.tables.get("curves")
    if len(results) > 1 or not curves:
        return {}
    points, residuals = result.tables["points"], result.tables["residuals"]
    x, fine = _column(points, "quantity"), _column(curves, "quantity")
    names = [row["form"] for row in result.tables["forms"]]
    with picture(6.4, 5.4, rows=2, sharex=True, height_ratios=(2.2, 1)) as (made, (top, bottom)):
        small = len(x) > 150
        top.plot(x, _column(points, "price"), "o", color=GREY, markersize=2 if small else 3.5,
                 label="points", zorder=1)  # fmt: skip
        bottom.axhline(0.0, color=GREY, linewidth=0.8)
        for k, name in reversed(list(enumerate(names))):
            style = line_style(k) | {"linewidth": 2.4 if k == 0 else 1.1}
            top.plot(fine, _column(curves, name), label=name, zorder=4 if k == 0 else 3, **style)
            bottom.plot(x, _column(residuals, name), **style)
        top.set_ylabel("price")
        best = result.values["best"]
        top.set_title("Supply curves by form; " + (f"the best: {best}" if best else "none holds"))
        handles, labels = top.get_legend_handles_labels()
        top.legend([handles[0], *handles[:0:-1]], [labels[0], *labels[:0:-1]], loc="upper left")
        bottom.set_ylabel("fit - price")
        bottom.set_xlabel("quantity")
        stamp(made, result)
    return {"curves": made.svg}


def _trend(results: Sequence[Result]) -> dict[str, bytes]:
    """q by the number of firms, a line per background (002, figure 2)."""
    lines: dict[str, list[tuple[int, float]]] = {}
    for result in results:
        q = result.values.get("q")
        if q is not None:
            named = result.parameters["background"]
            name = named if isinstance(named, str) else next(iter(named))
            lines.setdefault(name, []).append((int(result.parameters["firms"]), float(q)))
    lines = {name: sorted(line) for name, line in lines.items() if len(line) > 1}
    if not lines:
        return {}
    with picture(6.4, 3.8) as (made, axes):
        axes.axhline(1.0, color=GREY, linewidth=0.8)
        for k, (name, line) in enumerate(lines.items()):
            firms, q = zip(*line, strict=True)
            axes.plot(firms, q, marker="o", markersize=3, label=name, **line_style(k))
        numbers = [firms for line in lines.values() for firms, _ in line]
        if max(numbers) > 20 * min(numbers):
            axes.set_xscale("log")
        axes.set_xlabel("firms")
        axes.set_ylabel("q of the nearest q-exponential")
        axes.set_title("q by the number of firms")
        axes.legend(title="background demand", ncols=2)
        stamp(made, results[0])
    return {"trend": made.svg}


def _steps(axes: Any, curve: Sequence[Row]) -> None:
    """The curve as it is offered: a step per unit."""
    price = _column(curve, "expected_price")
    edges = np.arange(len(price) + 1)
    axes.stairs(price, edges, baseline=None, color=BLUE, linewidth=1.6, label="exact")
    axes.set_xlabel("unit, in order of price")
    axes.set_ylabel("expected price")


def _monte_carlo(axes: Any, curve: Sequence[Row]) -> None:
    x = _column(curve, "unit") - 0.5
    mean = _column(curve, "monte_carlo_mean")
    error = 2.0 * np.array([row["standard_error"] or 0.0 for row in curve])
    axes.errorbar(
        x, mean, error, fmt=".", color=GREY, markersize=4, elinewidth=1.0,
        label="Monte Carlo, two standard errors", zorder=3,
    )  # fmt: skip


def _drawn(result: Result, x: Any) -> tuple[Any, Any]:
    """The fitted curve between the points."""
    q, price, rate = (result.values[name] for name in ("q", "anchor_price", "anchor_rate"))
    fine = np.linspace(x[0], x[-1], 400)
    return fine, curve_at(fine, 1.0 if q is None else q, price, rate)


def _formula(result: Result) -> str:
    return f"q = {result.values['q']:.4f}" if result.values["q"] is not None else "constant"


def _column(table: Sequence[Row], name: str) -> Any:
    return np.array([row[name] for row in table], dtype=float)
