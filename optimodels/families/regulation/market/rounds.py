"""Clearing by pieces in rounds: each cuts the curves finer around what the last one found.

A round knows nothing of the root. It states the curves within windows of quantities as pieces, in
units of the windows' width and of the prices' spread in them, both counted from the last answer;
so every round is a problem of numbers near one, whatever the solver. Where an answer stands at a
window's end, the window moves and does not shrink: a wrong answer costs rounds, no more. Between
monotone curves the price lies between the curves' own prices at any quantity, which is what
``checks`` measures; the rounds end when it passes, and the last answer is judged by it again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.regulation.market.areas import price_range
from optimodels.families.regulation.market.checks import Point, checks
from optimodels.families.regulation.market.clearing import Market
from optimodels.families.regulation.market.curves import Ladder, pieces
from optimodels.families.regulation.market.data import Auction
from optimodels.result import Solution

#: Pieces of a curve in a window, one more on demand: steps at equal knots would leave the price
#: open. A window shrinks to so many pieces of the last one.
PIECES, KEPT = 48, 6
#: What the rounds aim at, relative; their answer is held to ten times that.
AIM = 1e-6
_MOST_ROUNDS = 40


@dataclass(frozen=True)
class Blocks:
    """Pieces of one side of all areas (k,): ``area`` by number, ``width``, prices at both ends."""

    area: Ints
    width: Floats
    start: Floats
    end: Floats

    @property
    def rise(self) -> Floats:
        """dP/dq of each piece (k,)."""
        return np.asarray((self.end - self.start) / self.width)


@dataclass(frozen=True)
class Trade:
    """One round: windows (a, 2) MW of either side; the last answer's flows (l,) and prices (a,).

    Quantities of the problem are in ``power`` MW, prices in ``money`` $/MWh from ``price``.
    """

    auction: Auction
    straight: bool
    supply_window: Floats
    demand_window: Floats
    flow: Floats
    price: Floats
    number: int = 1

    @property
    def power(self) -> float:
        windows = np.concatenate([self.supply_window, self.demand_window])
        return float(np.max(windows[:, 1] - windows[:, 0]))

    def ladders(self, supply: bool) -> list[Ladder]:
        """The pieces of one side of each area, MW and $/MWh."""
        windows = self.supply_window if supply else self.demand_window
        within = price_range(self.auction.markets, self.auction.links)
        return [
            pieces(market.supply if supply else market.demand, float(low), float(high),
                   PIECES if supply else PIECES + 1, self.straight, 1.0 if supply else -1.0, within)
            for market, (low, high) in zip(self.auction.markets, windows, strict=True)
        ]  # fmt: skip

    @property
    def money(self) -> float:
        sides = [*zip(self.ladders(True), self.price, strict=True),
                 *zip(self.ladders(False), self.price, strict=True)]  # fmt: skip
        spread = max(float(np.max(np.abs(one.start - p))) for one, p in sides)
        return max(spread, 1e-9)

    def blocks(self, supply: bool) -> Blocks:
        """The pieces of one side in the problem's units."""
        ladders, money = self.ladders(supply), self.money
        base = np.concatenate([np.full(len(one.width), p)
                               for one, p in zip(ladders, self.price, strict=True)])  # fmt: skip
        return Blocks(
            np.repeat(np.arange(len(ladders)), [len(one.width) for one in ladders]),
            np.concatenate([one.width for one in ladders]) / self.power,
            (np.concatenate([one.start for one in ladders]) - base) / money,
            (np.concatenate([one.end for one in ladders]) - base) / money,
        )

    @property
    def incidence(self) -> Floats:
        """(a, l): -1 where a line begins, 1 where it ends."""
        found = np.zeros((len(self.auction.markets), len(self.auction.links)))
        for k, link in enumerate(self.auction.links):
            found[link.one, k], found[link.other, k] = -1.0, 1.0
        return found

    @property
    def needed(self) -> Floats:
        """(a,) what pieces and changes of flows have to supply beyond the windows' starts."""
        must = np.array([float(market.must_run) for market in self.auction.markets])
        fixed = must + self.demand_window[:, 0] - self.supply_window[:, 0]
        return np.asarray((fixed - self.incidence @ self.flow) / self.power)

    @property
    def flow_sides(self) -> tuple[Floats, Floats]:
        """Bounds (l,) of the changes of flows."""
        limit = np.array([link.limit for link in self.auction.links])
        return (-limit - self.flow) / self.power, (limit - self.flow) / self.power

    @property
    def flow_gain(self) -> Floats:
        """(l,) what a change of flow gains by the last answer's prices."""
        return np.asarray(self.price @ self.incidence / self.money)

    def scaled_markets(self) -> list[Market]:
        """The round as markets of its own, prices in units of ``money`` from 0."""

        def scaled(one: Ladder) -> Ladder:
            start, end = one.start / self.money, one.end / self.money
            return Ladder(one.width / self.power, start, end, one.sign)

        needed = self.needed + self.incidence @ self.flow / self.power
        sides = zip(self.ladders(True), self.ladders(False), needed, strict=True)
        return [Market(scaled(s), scaled(d), float(must)) for s, d, must in sides]

    def point(self, solution: Solution) -> Point:
        """An answer in MW and $/MWh; without multipliers, prices between the curves' own."""
        supplied, bought, flow = self.quantities(solution)
        dual = solution.duals.get("balance")
        if dual is not None:
            price = self.price - self.money * np.asarray(dual, dtype=float)
        else:
            price = np.array([
                (float(m.supply.marginal(s)) + float(m.demand.marginal(d - m.must_run))) / 2
                for m, s, d in zip(self.auction.markets, supplied, bought, strict=True)
            ])  # fmt: skip
        return Point(supplied, bought, price, flow)

    def quantities(self, solution: Solution) -> tuple[Floats, Floats, Floats]:
        areas, arrays = len(self.auction.markets), solution.arrays
        took = [
            np.bincount(self.blocks(side).area, arrays[name], areas) * self.power
            for name, side in (("supply", True), ("demand", False))
        ]
        must = np.array([float(market.must_run) for market in self.auction.markets])
        flow = self.flow
        if len(flow):
            limit = np.array([link.limit for link in self.auction.links])
            flow = np.clip(flow + self.power * arrays["flow"], -limit, limit)
            # On a limit is on it: the next round counts from there.
            near = np.abs(np.abs(flow) - limit) <= 1e-6 * self.power
            flow = np.where(near, np.sign(flow) * limit, flow)
        return (
            self.supply_window[:, 0] + took[0],
            must + self.demand_window[:, 0] + took[1],
            flow,
        )


def first_round(auction: Auction, straight: bool) -> Trade:
    """Return the round of the whole curves between prices that enclose any clearing."""
    low, high = price_range(auction.markets, auction.links)
    areas = len(auction.markets)
    supply, demand = (np.array(side) for side in _whole(auction, low, high))
    flow, price = np.zeros(len(auction.links)), np.full(areas, max(0.0, low))
    return Trade(auction, straight, supply, demand, flow, price)


def next_round(trade: Trade, solution: Solution) -> Trade | None:
    """Return the round around an answer, None where it is good enough or bids are exact.

    Nothing is built on an answer that is not verified: windows around a wrong one may hold none.
    """
    if solution.verdict.status != "verified":
        return None
    auction, point = trade.auction, trade.point(solution)
    sides = [side for market in auction.markets for side in (market.supply, market.demand)]
    exact = all(isinstance(side, Ladder) for side in sides)
    good = all(check.passed for check in checks(auction, point, AIM))
    if exact or good or trade.number >= _MOST_ROUNDS or not np.isfinite(point.price).all():
        return None
    whole = _whole(auction, *price_range(auction.markets, auction.links))
    must = np.array([float(market.must_run) for market in auction.markets])
    windows = [
        np.array([_window(*each) for each in zip(window, at, all_, strict=True)])
        for window, at, all_ in (
            (trade.supply_window, point.supplied, whole[0]),
            (trade.demand_window, point.bought - must, whole[1]),
        )
    ]
    return replace(
        trade, supply_window=windows[0], demand_window=windows[1], flow=point.flow,
        price=point.price, number=trade.number + 1,
    )  # fmt: skip


def _whole(
    auction: Auction, low: float, high: float
) -> tuple[list[list[float]], list[list[float]]]:
    supply = [[float(m.supply.below(low)), float(m.supply.upto(high))] for m in auction.markets]
    demand = [[float(m.demand.below(high)), float(m.demand.upto(low))] for m in auction.markets]
    return supply, demand


def _window(window: Floats, at: float, whole: list[float]) -> list[float]:
    """Shrink a window around an answer, or move it where the answer stands at its end."""
    low, high = (float(x) for x in window)
    size = high - low
    at = min(max(at, low), high)
    edge = 1.5 * size / PIECES
    held = (at - low < edge and low > whole[0]) or (high - at < edge and high < whole[1])
    half = size / 2 if held else size * KEPT / PIECES / 2
    return [max(whole[0], at - half), min(whole[1], at + half)]
