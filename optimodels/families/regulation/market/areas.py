"""Several areas that trade over lines without loops: their roots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.errors import DataError
from optimodels.families.regulation.market.clearing import (
    Market,
    all_breaks,
    around,
    prices,
    tie,
)
from optimodels.families.regulation.parameters import MOST_PRICE


@dataclass(frozen=True)
class Link:
    """A tie line between the areas ``one`` and ``other``, by number; flows count from one on."""

    one: int
    other: int
    limit: float


@dataclass(frozen=True)
class Cleared:
    """Areas (a,): ``supplied`` and ``bought`` MW (bought with must-run), ``price`` $/MWh between
    ``lowest`` and ``highest``, the prices that clear; ``flow`` (l,) MW over the lines."""

    supplied: Floats
    bought: Floats
    price: Floats
    lowest: Floats
    highest: Floats
    flow: Floats


def clear_areas(markets: Sequence[Market], links: Sequence[Link]) -> Cleared:
    """Clear areas that trade over lines without loops; the first reaches every other.

    Seen from one area, what lies behind a line offers ``clip(its excess at p, -limit, limit)``:
    either both ends have one price or the line is full. So the price of the first area is one
    root, and those behind full lines are one each. Ties as in ``clearing``; where bids stand at
    the price, every area behind gives the same proportion of what it may.
    """
    tree = _Tree(markets, links)
    low, high = tree.roots(0, 0.0)
    tree.settle(0, 0.0, float(tie(low, high)), low, high)
    return Cleared(**tree.found, flow=tree.flow)


def price_range(markets: Sequence[Market], links: Sequence[Link]) -> tuple[float, float]:
    """Return prices between which every area's price lies, found without looking for a root."""
    tree = _Tree(markets, links)
    bottom, top = float(tree.breaks[0]), max(1.0, float(np.abs(tree.breaks).max()))
    while top < MOST_PRICE and not all(
        float(tree.net(k, top, True)) >= -tree.above[k] for k in range(len(markets))
    ):
        top *= 2
    return bottom - 1.0, top


class _Tree:
    """Areas in the order in which the first one reaches them."""

    def __init__(self, markets: Sequence[Market], links: Sequence[Link]) -> None:
        n = len(markets)
        self.markets, self.links = markets, links
        self.breaks = all_breaks(markets)
        names = ("supplied", "bought", "price", "lowest", "highest")
        self.found = {name: np.zeros(n) for name in names}
        self.flow = np.zeros(len(links))
        self.children: list[list[tuple[int, int]]] = [[] for _ in range(n)]
        #: Limits (a,) of the lines towards the first area, which has none.
        self.above = np.zeros(n)
        order, seen = [0], {0}
        for here in order:
            for k, link in enumerate(links):
                there = {link.one: link.other, link.other: link.one}.get(here)
                if there is not None and there not in seen:
                    seen.add(there)
                    order.append(there)
                    self.children[here].append((there, k))
                    self.above[there] = link.limit

    def net(self, area: int, p: Any, most: bool) -> Any:
        """Return the least or the most that an area and all behind it can send on at p, MW."""
        own = (self.markets[area].most if most else self.markets[area].least)(p)
        for child, _ in self.children[area]:
            own = own + self.sent(child, p, most)
        return own

    def sent(self, area: int, p: Any, most: bool) -> Any:
        return np.clip(self.net(area, p, most), -self.above[area], self.above[area])

    def roots(self, area: int, sent: float) -> tuple[float, float]:
        """Return the lowest and highest price at which an area sends on so much.

        Raises DataError, at the area's own supply, where there is none.
        """
        try:
            low, high = prices(
                lambda p: self.net(area, p, False) - sent,
                lambda p: self.net(area, p, True) - sent,
                self.breaks,
            )
        except DataError as error:
            if len(self.markets) == 1:
                raise
            # The first area is the case's own; the others stand in its list of neighbours.
            key = f"parameters.neighbours.{area - 1}.supply" if area else error.key
            told = f"area {self.markets[area].name!r}, with what its lines bring, {error.message}"
            raise DataError(key, told) from error
        return float(low), float(high)

    def settle(self, area: int, sent: float, price: float, low: float, high: float) -> None:
        """Fix an area that sends on ``sent`` at its price, and all behind it."""
        market, behind = self.markets[area], self.children[area]
        first, last = (float(p) for p in around(price, low, high))
        ends = [(float(self.sent(c, first, False)), float(self.sent(c, last, True)))
                for c, _ in behind]  # fmt: skip
        ends.append((float(market.least(first)), float(market.most(last))))
        least, most = (sum(end[i] for end in ends) for i in (0, 1))
        part = min(max((sent - least) / (most - least), 0.0), 1.0) if most > least else 0.0
        given = [a + part * (b - a) for a, b in ends]
        excess = sent - sum(given[:-1])
        bought = min(float(market.demand.upto(first)) + market.must_run,
                     float(market.supply.upto(last)) - excess)  # fmt: skip
        # Beside long flows the difference may be a hair more than an area has.
        supplied = min(max(bought + excess, float(market.supply.below(first))),
                       float(market.supply.upto(last)))  # fmt: skip
        for name, value in (("supplied", supplied), ("bought", bought), ("price", price),
                            ("lowest", low), ("highest", high)):  # fmt: skip
            self.found[name][area] = value
        for (child, k), amount in zip(behind, given[:-1], strict=True):
            self.flow[k] = amount if self.links[k].one == child else -amount
            if abs(amount) < self.above[child]:
                self.settle(child, amount, price, low, high)
                continue
            own_low, own_high = self.roots(child, amount)
            # No difference of prices that nothing forces.
            own = price if own_low <= price <= own_high else float(tie(own_low, own_high))
            self.settle(child, amount, own, own_low, own_high)
