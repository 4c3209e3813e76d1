"""Clearing in rounds: each cuts the curves finer around what the last one found.

A round knows nothing of the root. It states the curves within windows of quantities as pieces,
of each the part that trades, in units of the windows' width and of the prices' spread in them,
prices and flows counted from the last answer; so every round is a problem of numbers near one,
whatever the solver. With cones the logistic demands are stated whole, as the entropy relative to
what the last answer served. Where an answer stands at a window's end, the window moves and does not
shrink: a wrong answer costs rounds, no more. Between monotone curves the price lies between the
curves' own prices at any quantity; the rounds end when these have met, and the last answer is
judged by ``checks``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.regulation.market.areas import price_range
from optimodels.families.regulation.market.checks import Point, away
from optimodels.families.regulation.market.clearing import Market
from optimodels.families.regulation.market.curves import Ladder, Logistic, Side, pieces
from optimodels.families.regulation.market.data import Auction
from optimodels.result import Solution

Method = Literal["steps", "pieces", "cone"]

#: Pieces of a curve in a window, one more on demand: steps at equal knots would leave the price
#: open. A window shrinks to so many pieces of the last one.
PIECES, KEPT = 48, 6
#: Of the price, how near the curves' prices are to each other when rounds end; and of what is
#: bought, the rounding of quantities, below which a window is not cut.
_MET, _ROUNDING = 1e-7, 1e-11
_MOST_ROUNDS = 40
#: Of the unit of quantities, the least window of cones: in smaller ones their solvers see an end.
_LEAST = 1e-2
#: How far from its middle, in widths W, the entropy of a demand is centred at most.
_FAR = 20.0
#: Of the width W of a demand, the least unit of prices: it sets how finely its solver looks.
_SHARE = 1.0


@dataclass(frozen=True)
class Blocks:
    """Pieces of one side of all areas (k,): ``area`` by number, ``width``, prices at both ends.

    A piece is traded in its own ``unit``: a width, of which 0 to 1 trades, or with curvature what
    keeps that from exceeding 1.
    """

    area: Ints
    width: Floats
    start: Floats
    end: Floats
    curvature: bool

    @cached_property
    def unit(self) -> Floats:
        if not self.curvature:
            return self.width
        rise = np.abs(self.end - self.start)
        return np.sqrt(np.where(rise > self.width, self.width / np.maximum(rise, self.width), 1.0))

    @property
    def most(self) -> Floats:
        """Units of each piece (k,)."""
        return np.asarray(self.width / self.unit)

    @property
    def first(self) -> Floats:
        """What a unit is worth at the first price of its piece (k,)."""
        return np.asarray(self.unit * self.start)

    @property
    def bend(self) -> Floats:
        """Of x units the worth is ``first x + bend x^2 / 2`` (k,)."""
        return np.asarray((self.end - self.start) * self.unit / self.most)


@dataclass(frozen=True)
class Curves:
    """Logistic demands of a round (c,): ``area`` by number, ``served`` and ``left`` the parts of
    the responsive demand around which they are stated, in the problem's units ``size`` Q_R,
    ``spread`` W and ``price`` that of the demand at ``served``."""

    area: Ints
    served: Floats
    left: Floats
    size: Floats
    spread: Floats
    price: Floats


@dataclass(frozen=True)
class Trade:
    """One round: windows (a, 2) MW of either side; the last answer's flows (l,) and prices (a,).

    Quantities of the problem are in ``power`` MW, prices in ``money`` $/MWh from ``price``.
    """

    auction: Auction
    method: Method
    supply_window: Floats
    demand_window: Floats
    flow: Floats
    price: Floats
    number: int = 1

    @property
    def curved(self) -> list[int]:
        """Areas by number whose demand is stated by its entropy."""
        if self.method != "cone":
            return []
        return [k for k, m in enumerate(self.auction.markets) if isinstance(m.demand, Logistic)]

    @cached_property
    def supplies(self) -> list[Ladder]:
        """The pieces of each area's supply, MW and $/MWh."""
        return [
            self._pieces(m.supply, window, PIECES, 1.0)
            for m, window in zip(self.auction.markets, self.supply_window, strict=True)
        ]

    @cached_property
    def demands(self) -> list[Ladder]:
        """The pieces of each area's demand likewise, none where it is stated by its entropy."""
        return [
            Ladder(np.zeros(0), np.zeros(0), np.zeros(0), -1.0)
            if k in self.curved
            else self._pieces(m.demand, window, PIECES + 1, -1.0)
            for k, (m, window) in enumerate(
                zip(self.auction.markets, self.demand_window, strict=True)
            )
        ]

    def _pieces(self, side: Side, window: Floats, count: int, sign: float) -> Ladder:
        low, high = (float(x) for x in window)
        return pieces(side, low, high, count, self.method != "steps", sign, self._prices)

    @cached_property
    def _prices(self) -> tuple[float, float]:
        return price_range(self.auction.markets, self.auction.links)

    def _demand(self, area: int) -> Logistic:
        found = self.auction.markets[area].demand
        assert isinstance(found, Logistic)
        return found

    def _centre(self, area: int) -> float:
        """How many W below its mean price a demand is centred; the first round is in the middle."""
        if self.number == 1:
            return 0.0
        demand = self._demand(area)
        away_ = (demand.mean_price - float(self.price[area])) / demand.width
        return float(np.clip(away_, -_FAR, _FAR))

    @cached_property
    def power(self) -> float:
        from scipy.special import expit

        widths = [float(one.width.sum()) for one in (*self.supplies, *self.demands)]
        for k in self.curved:
            part = float(expit(-abs(self._centre(k))))
            widths.append(float(self._demand(k).responsive) * 2 * part)
        return max(widths) or 1.0

    @cached_property
    def money(self) -> float:
        spread = 1e-9
        for ladders in (self.supplies, self.demands):
            for one, p in zip(ladders, self.price, strict=True):
                spread = max(spread, float(np.max(np.abs(one.start - p), initial=0.0)))
        return max([spread, *(_SHARE * float(self._demand(k).width) for k in self.curved)])

    @property
    def unit(self) -> str:
        """What the problem counts welfare in."""
        return f"x {self.power * self.money:.6g} $/h"

    def blocks(self, supply: bool) -> Blocks:
        """The pieces of one side in the problem's units."""
        ladders = self.supplies if supply else self.demands
        area = np.repeat(np.arange(len(ladders)), [len(one.width) for one in ladders])
        base = self.price[area]
        return Blocks(
            area,
            np.concatenate([one.width for one in ladders]) / self.power,
            (np.concatenate([one.start for one in ladders]) - base) / self.money,
            (np.concatenate([one.end for one in ladders]) - base) / self.money,
            curvature=self.method == "pieces",
        )

    def curves(self) -> Curves:
        """The logistic demands that are stated by their entropy."""
        from scipy.special import expit

        areas = np.array(self.curved, dtype=int)
        demands = [self._demand(k) for k in self.curved]
        centre = np.array([self._centre(k) for k in self.curved])
        width = np.array([float(one.width) for one in demands])
        mean = np.array([float(one.mean_price) for one in demands])
        return Curves(
            areas,
            np.asarray(expit(centre)),
            np.asarray(expit(-centre)),
            np.array([float(one.responsive) for one in demands]) / self.power,
            width / self.money,
            (mean - width * centre - self.price[areas]) / self.money,
        )

    @property
    def incidence(self) -> Floats:
        """(a, l): -1 where a line begins, 1 where it ends."""
        found = np.zeros((len(self.auction.markets), len(self.auction.links)))
        for k, link in enumerate(self.auction.links):
            found[link.one, k], found[link.other, k] = -1.0, 1.0
        return found

    @property
    def fixed(self) -> Floats:
        """(a,) MW that are bought before the pieces and curves of this round."""
        must = np.array([float(market.must_run) for market in self.auction.markets])
        first = self.demand_window[:, 0].copy()
        for k in self.curved:
            first[k] = float(self._demand(k).unresponsive)
        return np.asarray(must + first)

    @property
    def needed(self) -> Floats:
        """(a,) what pieces and changes of flows have to supply beyond the windows' starts."""
        beyond = self.fixed - self.supply_window[:, 0] - self.incidence @ self.flow
        return np.asarray(beyond / self.power)

    @property
    def flow_sides(self) -> tuple[Floats, Floats]:
        """Bounds (l,) of the changes of flows."""
        limit = np.array([link.limit for link in self.auction.links])
        return (-limit - self.flow) / self.power, (limit - self.flow) / self.power

    @property
    def flow_gain(self) -> Floats:
        """(l,) what a change of flow gains by the last answer's prices."""
        return np.asarray(self.price @ self.incidence / self.money)

    def markets(self) -> list[Market]:
        """The round as markets of its own, MW and $/MWh; of a curve all that responds."""
        own: list[Side] = list(self.demands)
        for k in self.curved:
            own[k] = replace(self._demand(k), unresponsive=0.0)
        beyond = self.fixed - self.supply_window[:, 0]
        return [
            Market(supply, demand, float(must))
            for supply, demand, must in zip(self.supplies, own, beyond, strict=True)
        ]

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
        took = {}
        for name, side in (("supply", True), ("demand", False)):
            blocks = self.blocks(side)
            taken = np.atleast_1d(arrays[name]) if len(blocks.width) else np.zeros(0)
            took[name] = np.bincount(blocks.area, taken * blocks.unit, areas) * self.power
        bought = self.fixed + took["demand"]
        if self.curved:
            curves = self.curves()
            served = curves.size * curves.served * np.atleast_1d(arrays["served"])
            bought[curves.area] += served * self.power
        flow = self.flow
        if len(flow):
            limit = np.array([link.limit for link in self.auction.links])
            flow = np.clip(flow + self.power * np.atleast_1d(arrays["flow"]), -limit, limit)
            # On a limit is on it: the next round counts from there.
            near = np.abs(np.abs(flow) - limit) <= 1e-6 * self.power
            flow = np.where(near, np.sign(flow) * limit, flow)
        # The sum of all widths may be a hair beyond the window, where a curve may end.
        supplied = np.minimum(self.supply_window[:, 0] + took["supply"], self.supply_window[:, 1])
        return supplied, bought, flow


def first_round(auction: Auction, method: Method) -> Trade:
    """Return the round of the whole curves between prices that enclose any clearing."""
    supply, demand = _whole(auction)
    low, _ = price_range(auction.markets, auction.links)
    price = np.full(len(auction.markets), max(0.0, low))
    trade = Trade(auction, method, supply, demand, np.zeros(len(auction.links)), price)
    means = [float(trade._demand(k).mean_price) for k in trade.curved]
    return replace(trade, price=np.full(len(price), np.mean(means))) if means else trade


def next_round(trade: Trade, solution: Solution) -> Trade | None:
    """Return the round around an answer, None where it is good enough or pieces are exact.

    Nothing is built on an answer that is not verified: windows around a wrong one may hold none.
    """
    if solution.verdict.status != "verified":
        return None
    auction, point = trade.auction, trade.point(solution)
    sides = [m.supply for m in auction.markets]
    sides += [m.demand for k, m in enumerate(auction.markets) if k not in trade.curved]
    exact = all(isinstance(side, Ladder) for side in sides) and not trade.curved
    if exact or trade.number >= _MOST_ROUNDS or not np.isfinite(point.price).all():
        return None
    size = np.maximum(np.abs(point.bought), np.abs(point.supplied))
    if away(auction, point, _ROUNDING * size) <= _MET:
        return None
    must = np.array([float(market.must_run) for market in auction.markets])
    least = _LEAST * trade.power if trade.curved else 0.0
    windows = [
        np.array([_window(*each, least) for each in zip(window, at, all_, strict=True)])
        for window, at, all_ in zip(
            (trade.supply_window, trade.demand_window),
            (point.supplied, point.bought - must),
            _whole(auction),
            strict=True,
        )
    ]
    before = (trade.supply_window, trade.demand_window)
    moved = np.max(np.abs(np.array(windows) - np.array(before)), axis=(0, 2))
    widest = np.max([window[:, 1] - window[:, 0] for window in windows], axis=0)
    if np.all((widest <= _ROUNDING * size) | (moved <= widest / 4)):
        return None
    return replace(
        trade, supply_window=windows[0], demand_window=windows[1], flow=point.flow,
        price=point.price, number=trade.number + 1,
    )  # fmt: skip


def _whole(auction: Auction) -> tuple[Floats, Floats]:
    """Windows (a, 2) MW of supply and of demand that hold any clearing.

    Of a side that is far longer than what the other and the lines can take, twice that: the other
    side's end is then inside, and no window is much wider than what is traded in it.
    """
    low, high = price_range(auction.markets, auction.links)
    lines = np.zeros(len(auction.markets))
    for link in auction.links:
        lines[[link.one, link.other]] += link.limit
    supply, demand = [], []
    for market, over in zip(auction.markets, lines, strict=True):
        offered = [float(market.supply.below(low)), float(market.supply.upto(high))]
        asked = [float(market.demand.below(high)), float(market.demand.upto(low))]
        most = [2 * (asked[1] + float(market.must_run) + over), 2 * (offered[1] + over)]
        supply.append([offered[0], max(offered[0], min(offered[1], most[0]))])
        demand.append([asked[0], max(asked[0], min(asked[1], most[1]))])
    return np.array(supply), np.array(demand)


def _window(window: Floats, at: float, whole: Floats, least: float) -> list[float]:
    """Shrink a window around an answer, or move it where the answer stands at its end."""
    low, high = (float(x) for x in window)
    size = high - low
    at = min(max(at, low), high)
    edge = 1.5 * size / PIECES
    held = (at - low < edge and low > whole[0]) or (high - at < edge and high < whole[1])
    half = max(size / 2 if held else size * KEPT / PIECES / 2, least / 2)
    return [max(float(whole[0]), at - half), min(float(whole[1]), at + half)]
