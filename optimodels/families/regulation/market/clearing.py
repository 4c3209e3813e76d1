"""Where supply and demand meet: the root of the curves, by bisection.

At a price p the excess of supply lies between two numbers, which differ where a bid stands at p;
both rise with p. The market clears at every p at which they have 0 between them. Tie rules, ours:
of several clearing prices the mean of the lowest and the highest (or the one of them that there
is); of several quantities the greatest trade.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.errors import DataError
from optimodels.families.regulation.market.curves import Ladder, Side
from optimodels.families.regulation.parameters import MOST_PRICE

#: What a market without a trade is told.
NO_TRADE = (
    "the curves do not cross: the lowest offer is dearer than the highest bid, so nothing is traded"
)
#: Halvings that leave nothing between two doubles of one size.
_HALVINGS = 200

Excess = Callable[[Any], Any]


@dataclass(frozen=True)
class Market:
    """One area: its curves, and MW that are bought at any price beside the demand."""

    supply: Side
    demand: Side
    must_run: Any = 0.0
    name: str = ""

    def least(self, p: Any) -> Any:
        """Return the least excess of supply at p, MW."""
        return self.supply.below(p) - self.demand.upto(p) - self.must_run

    def most(self, p: Any) -> Any:
        """Return the most."""
        return self.supply.upto(p) - self.demand.below(p) - self.must_run


@dataclass(frozen=True)
class Clearing:
    """What a market clears at, MW and $/MWh; ``quantity`` is all that is supplied.

    ``price`` is between ``lowest`` and ``highest``, the prices that clear it. Slopes are in
    $/(MW^2 h): 0 on a step, infinite between steps.
    """

    quantity: Any
    price: Any
    lowest: Any
    highest: Any
    supply_slope: Any
    demand_slope: Any


def clear(market: Market) -> Clearing:
    """Clear one market, or K at once: any number of its curves may be an array (K,).

    Fast enough for every interval of a simulation: about sixty evaluations of both curves, whether
    of one market or of thousands. Raises DataError where no price clears it.
    """
    low, high = prices(market.least, market.most, all_breaks([market]))
    price = tie(low, high)
    first, last = around(price, low, high)
    quantity = np.minimum(market.supply.upto(last), market.demand.upto(first) + market.must_run)
    if np.any(quantity <= 0):
        raise DataError("parameters.demand", NO_TRADE)
    supply, demand = market.supply.slope(price), market.demand.slope(price)
    return Clearing(*(_plain(x) for x in (quantity, price, low, high, supply, demand)))


def prices(least: Excess, most: Excess, breaks: Floats) -> tuple[Any, Any]:
    """Return the lowest and the highest price at which 0 is between the least and most excess,
    infinite where there is no end.

    ``breaks`` (..., m) are in rising order; between two of them both are continuous, and a root on
    one is returned as that very number. Raises DataError where there is none.
    """
    near = breaks[..., 0] - 1.0 - np.abs(breaks[..., 0])
    bottom = np.where(most(near) >= 0, -MOST_PRICE, near)
    top = np.maximum(np.abs(breaks[..., -1]), 1.0)
    while np.any(most(top) < 0):
        top = np.where(most(top) < 0, 4 * top, top)
        if np.any(top > MOST_PRICE):
            raise DataError(
                "parameters.supply",
                f"cannot meet the demand that is bought at any price: {-np.min(most(top)):.6g} MW "
                f"are missing at {MOST_PRICE:g} $/MWh; offer more, or ask for less",
            )
    lowest = _first(lambda p: most(p) >= 0, bottom, top, breaks)[1]
    # Behind a line that brings all that an area ever takes.
    lowest = np.where(most(bottom) >= 0, -np.inf, lowest)
    far = np.where(least(top) <= 0, MOST_PRICE, top)
    highest = _first(lambda p: least(p) > 0, bottom, far, breaks)[0]
    highest = np.where(least(far) <= 0, np.inf, highest)
    # Where they are one root, rounding may set one before the other.
    return np.minimum(lowest, highest), np.maximum(lowest, highest)


def _first(holds: Callable[[Any], Any], low: Any, high: Any, breaks: Floats) -> tuple[Any, Any]:
    """Return neighbouring prices of which ``holds`` is false at the first, true at the second."""
    count = breaks.shape[-1]
    first, last = np.full(np.shape(low), -1), np.full(np.shape(low), count)
    for _ in range(count.bit_length()):
        middle = (first + last) // 2
        at = np.take_along_axis(breaks, np.clip(middle, 0, count - 1)[..., None], -1)[..., 0]
        at = np.clip(at, low, high)
        open_, true = last - first > 1, holds(at)
        low, first = np.where(open_ & ~true, at, low), np.where(open_ & ~true, middle, first)
        high, last = np.where(open_ & true, at, high), np.where(open_ & true, middle, last)
    for _ in range(_HALVINGS):
        middle = low + (high - low) / 2
        if np.all((middle <= low) | (middle >= high)):
            break
        true = holds(middle)
        low, high = np.where(true, low, middle), np.where(true, middle, high)
    return low, high


def tie(low: Any, high: Any) -> Any:
    """Return the mean of the two prices, or the one of them that is finite."""
    first, last = np.where(np.isfinite(low), low, high), np.where(np.isfinite(high), high, low)
    return first + (last - first) / 2


def around(price: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """Return between which prices quantities are taken: the price, or two neighbouring doubles.

    Where a curve is all but flat, it jumps from one double to the next as on a step.
    """
    near = high - low <= 8 * np.spacing(np.abs(price))
    return np.where(near, low, price), np.where(near, high, price)


def all_breaks(markets: Sequence[Market]) -> Floats:
    """All breaks (..., m) of the markets' curves in rising order."""
    parts: list[Any] = []
    for market in markets:
        shape = np.broadcast_shapes(*(np.shape(x) for x in _numbers(market)))
        parts += [np.broadcast_to(b, shape) for s in (market.supply, market.demand)
                  for b in s.breaks]  # fmt: skip
    return np.sort(np.stack(parts, axis=-1).astype(float), axis=-1)


def _numbers(market: Market) -> list[Any]:
    """The numbers of a market that may be arrays over markets."""
    sides = [s for s in (market.supply, market.demand) if not isinstance(s, Ladder)]
    return [market.must_run, *(value for side in sides for value in vars(side).values())]


def _plain(value: Any) -> Any:
    return float(value) if np.ndim(value) == 0 else np.asarray(value)
