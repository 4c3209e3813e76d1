"""From stages to what a reader wants: values by name and tidy tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimodels.families.supply.auction.market import Market
from optimodels.model import Answer, Done
from optimodels.result import Row

#: Points of the bids' distribution in the table and in the check.
SHOWN = 33


def bidding_equilibrium(market: Market, done: Done) -> Answer:
    """The bids' distribution, and the expected supply curve."""
    outcome = done.outcomes["equilibrium"]
    arrays = outcome.arrays
    columns = ("probability", "bid", "density", "profit")
    bids: list[Row] = [
        dict(zip(columns, map(_plain, row), strict=True))
        for row in zip(*(arrays[name] for name in columns), strict=True)
    ]
    tables = {"bids": bids, "supply_curve": _curve(market, done)}
    return Answer(outcome.values, tables, (*market.notes, *_lowest(market, done)))


def q_exponential_fit(market: Market, done: Done) -> Answer:
    """The fit's parameters with their intervals, and the curve with what the fit leaves."""
    rows = _curve(market, done)
    found = done.outcomes.get("evidence")
    if found is None:
        note = f"{len(rows)} units are too few points for three parameters: no fit"
        return Answer({"q": None}, {"supply_curve": rows}, (*market.notes, note))
    noise = done.outcomes.get("noise")
    values = {**found.values, **(noise.values if noise else {})}
    objective = values.pop("objective")
    for row, fitted in zip(rows, found.arrays["fitted"], strict=True):
        row["fitted_price"] = float(fitted)
        row["residual"] = float(fitted) - row["expected_price"]
    tables = {"parameters": found.arrays["intervals"], "supply_curve": rows}
    values["largest_residual"] = max(abs(row["residual"]) for row in rows)
    notes = (*market.notes, *found.arrays["notes"])
    return Answer(values, tables, notes, objective=objective)


def _curve(market: Market, done: Done) -> list[Row]:
    """A row per unit: r units of a firm are offered at one price."""
    prices = done.outcomes["equilibrium"].arrays["prices"]
    drawn = done.outcomes.get("draws")
    rows: list[Row] = []
    for unit in range(1, market.firms * market.units + 1):
        k = (unit - 1) // market.units
        row: Row = {"unit": unit, "expected_price": float(prices[k])}
        if drawn is not None:
            row["monte_carlo_mean"] = float(drawn.arrays["mean"][k])
            row["standard_error"] = _plain(drawn.arrays["error"][k])
        rows.append(row)
    return rows


def _lowest(market: Market, done: Done) -> tuple[str, ...]:
    lowest = done.outcomes["equilibrium"].values["lowest_bid"]
    if lowest > market.cost:
        return ()
    return ("the lowest bid is the cost to all digits that a number here has",)


def _plain(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
