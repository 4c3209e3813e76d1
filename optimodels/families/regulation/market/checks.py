"""What a claimed clearing must satisfy, by arithmetic on the curves themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.regulation.market.account import account, dual_bound
from optimodels.families.regulation.market.data import Auction
from optimodels.result import Check

#: What the closed forms are held to, and the solvers' answers, relative: rounding through a few
#: sums, and what is promised of four ways to one clearing.
EXACT, AGREED = 1e-9, 1e-5


@dataclass(frozen=True)
class Point:
    """A claimed clearing, as in ``clearing.Cleared``."""

    supplied: Floats
    bought: Floats
    price: Floats
    flow: Floats


def checks(auction: Auction, point: Point, limit: float) -> tuple[Check, ...]:
    """Hold a point to balances, line limits and curves, and its welfare to the dual bound.

    By weak duality no clearing has more welfare than the bound at any prices; the curves' own
    prices at the quantities, through their inverses, must have the claimed price between them.
    """
    markets, links = auction.markets, auction.links
    inflow = np.zeros(len(markets))
    for link, amount in zip(links, point.flow, strict=True):
        inflow[link.one] -= amount
        inflow[link.other] += amount
    left = point.supplied + inflow - point.bought
    scale = np.maximum(1.0, point.bought)
    over = [
        (abs(f) - link.limit) / max(1.0, link.limit)
        for link, f in zip(links, point.flow, strict=True)
    ]
    made = account(markets, links, point.supplied, point.bought, point.price, point.flow)
    # At the root's prices: where a long step stands at the price, a hair's breadth beside it gives
    # a bound that is far off. The claimed price is held to the curves on its own.
    bound = dual_bound(markets, links, auction.root.price)
    money = max(1.0, float(np.abs(point.price * point.bought).sum()))
    distance = away(auction, point, limit * np.maximum(1.0, point.bought))
    found = [
        Check.of("balance of every area, of what it buys", float(np.max(np.abs(left) / scale)),
                 limit),
        Check.of("distance of prices from the curves, of the price", distance, limit),
        Check.of("welfare below its dual bound, of the payments",
                 abs(bound - made.welfare) / money, limit),
    ]  # fmt: skip
    if links:
        found.insert(1, Check.of("flows over limits, of the limit", max(0.0, *over), limit))
    return tuple(found)


def away(auction: Auction, point: Point, step: Floats) -> float:
    """How far prices are from what the curves ask ``step`` (a,) MW around the quantities.

    Of the price, or in $/MWh where it is below one.
    """
    worst = 0.0
    for k, market in enumerate(auction.markets):
        p = float(point.price[k])
        for side, q in (
            (market.supply, float(point.supplied[k])),
            (market.demand, float(point.bought[k]) - market.must_run),
        ):
            ends = [float(side.marginal(max(q + s, 0.0))) for s in (-step[k], step[k])]
            low, high = min(ends), max(ends)
            # Nothing is offered beyond the end of bids, nothing bought before their start.
            sign = 1.0 if side is market.supply else -1.0
            if side.upto(sign * np.inf) <= q + step[k]:
                low, high = (low, np.inf) if sign > 0 else (-np.inf, high)
            if q <= step[k]:
                low, high = (-np.inf, high) if sign > 0 else (low, np.inf)
            worst = max(worst, (low - p) / max(1.0, abs(p)), (p - high) / max(1.0, abs(p)))
    return worst


def agreement(auction: Auction, point: Point) -> tuple[Check, ...]:
    """Hold a solver's clearing to the curves, and to their root.

    At the prices that clear, bids may trade in part: quantities are held to the least and the most
    that each side trades there.
    """
    root = auction.root
    size = np.maximum(1.0, np.abs(point.price))
    away_ = np.maximum(root.lowest - point.price, point.price - root.highest) / size
    off = 0.0
    for k, market in enumerate(auction.markets):
        # All but flat curves jump from one double to the next.
        low, high = (
            end + side * 8 * np.spacing(abs(end)) if np.isfinite(end) else end
            for end, side in ((root.lowest[k], -1), (root.highest[k], 1))
        )
        ends = (
            (point.supplied[k], market.supply.below(low), market.supply.upto(high)),
            (point.bought[k] - market.must_run, market.demand.below(high),
             market.demand.upto(low)),
        )  # fmt: skip
        for q, least, most in ends:
            off = max(off, float(max(least - q, q - most)) / max(1.0, root.bought[k]))
    return (
        *checks(auction, point, AGREED),
        Check.of("price outside those of the root, of the price", max(0.0, *away_), AGREED),
        Check.of("quantities outside those of the root", off, AGREED),
    )


def settled(auction: Auction, point: Point) -> Point:
    """Return a clearing with the tie rule's price where several clear: a dual is any of them."""
    root = auction.root
    several = root.highest - root.lowest > AGREED * np.maximum(1.0, np.abs(root.price))
    return replace(point, price=np.where(several, root.price, point.price))
