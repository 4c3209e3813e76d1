"""Supply and demand with the clearing and what either side gains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.draw import BLACK, BLUE, GREEN, GREY, ORANGE, RED, picture, stamp
from optimodels.families.regulation.market.curves import Side
from optimodels.families.regulation.market.data import auction
from optimodels.families.regulation.parameters import MarketClearing
from optimodels.result import Result

#: Areas that one picture shows.
_MOST_AREAS = 3
#: How far beyond the price the curves are drawn, and points of each.
_HIGHER, _POINTS = 1.9, 1200


def market_clearing(results: Sequence[Result]) -> dict[str, bytes]:
    """Draw the curves of up to three areas; of a sweep, nothing."""
    if len(results) > 1 or not results[0].tables.get("areas"):
        return {}
    result = results[0]
    rows = result.tables["areas"][:_MOST_AREAS]
    markets = auction(MarketClearing(**result.parameters)).markets
    n = len(rows)
    with picture(6.4 if n == 1 else 4.1 * n, 4.1, columns=n) as (made, axes):
        every = [axes] if n == 1 else list(axes)
        for here, market, row in zip(every, markets, rows, strict=False):
            _area(here, market.supply, market.demand, float(market.must_run), row)
            here.set_title(f"{row['area']}: {row['price']:.4g} $/MWh")
        every[0].set_ylabel("price, $/MWh")
        every[0].legend(loc="upper left", fontsize=8)
        stamp(made, result)
    return {"clearing": made.svg}


def _area(axes: Any, supply: Side, demand: Side, must_run: float, row: Any) -> None:
    price = float(row["price"])
    ends = [e for e in (row["highest_price"], price) if e is not None]
    top = max(1.0, _HIGHER * max(ends))
    breaks = [float(b) for side in (supply, demand) for b in side.breaks]
    bottom = min(0.0, price, *breaks)
    offered = _curve(supply, bottom, top)
    asked = _curve(demand, bottom, top) + np.array([[must_run], [0.0]])
    bought, supplied = float(row["bought"]), float(row["supplied"])
    _surplus(axes, asked, offered, bought, supplied, price)
    axes.plot(*offered, color=BLUE, label="supply")
    axes.plot(*asked, color=ORANGE, label="demand")
    axes.plot([bought], [price], "o", color=BLACK, markersize=5, zorder=4)
    axes.axhline(price, color=GREY, linewidth=0.8, linestyle=":")
    if abs(supplied - bought) > 1e-6 * bought:
        axes.plot([supplied], [price], "o", color=BLACK, markersize=5, zorder=4)
        axes.plot([supplied, bought], [price, price], color=RED, linewidth=2.2, zorder=3,
                  label="traded over lines")  # fmt: skip
    low, high = row["lowest_price"], row["highest_price"]
    if low is not None and high is not None and high > low * (1 + 1e-6):
        axes.plot([bought] * 2, [low, high], color=RED,
                  linewidth=2.2, zorder=3, label="prices that clear")  # fmt: skip
    # From nothing on: what producers gain begins there.
    axes.set_xlim(0.0, 1.15 * max(bought, supplied, float(asked[0].max())))
    axes.set_ylim(bottom, top)
    axes.set_xlabel("MW")


def _curve(side: Side, bottom: float, top: float) -> Floats:
    """A side as a line (2, m) of MW and $/MWh, with the steps that it has."""
    grid = np.linspace(bottom, top, _POINTS)
    steps = [b for b in side.breaks if bottom <= b <= top]
    prices = np.unique(np.concatenate([grid, np.array(steps, dtype=float)]))
    both = np.stack([np.asarray(side.below(prices)), np.asarray(side.upto(prices))])
    rising = both[0][0] <= both[0][-1]
    ordered = both if rising else both[::-1]
    return np.stack([ordered.T.ravel(), np.repeat(prices, 2)])


def _surplus(
    axes: Any, asked: Floats, offered: Floats, bought: float, supplied: float, price: float
) -> None:
    above = asked[1] >= price
    axes.fill_betweenx(
        asked[1][above], float(asked[0][above].min(initial=bought)),
        np.minimum(asked[0][above], bought), color=ORANGE, alpha=0.22, linewidth=0,
        label="consumers' surplus",
    )  # fmt: skip
    below = offered[1] <= price
    axes.fill_betweenx(
        offered[1][below], 0.0, np.minimum(offered[0][below], supplied), color=GREEN, alpha=0.18,
        linewidth=0, label="producers' surplus",
    )  # fmt: skip
