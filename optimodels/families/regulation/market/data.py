"""A market case as curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimodels.errors import DataError
from optimodels.families.regulation.market.areas import Cleared, Link, clear_areas
from optimodels.families.regulation.market.clearing import NO_TRADE, Market
from optimodels.families.regulation.market.curves import Asymptotic, Ladder, Logistic, Side
from optimodels.families.regulation.market.thermostats import Population, ladder, population
from optimodels.families.regulation.parameters import Demand, MarketClearing, Supply
from optimodels.model import Inputs


@dataclass(frozen=True)
class Auction:
    """Areas with their markets, the lines between them, and the root of it all.

    ``populations`` are those of each area, in order.
    """

    markets: tuple[Market, ...]
    links: tuple[Link, ...]
    populations: tuple[tuple[Population, ...], ...]
    root: Cleared

    @property
    def names(self) -> list[str]:
        return [market.name for market in self.markets]

    @property
    def curved(self) -> list[str]:
        """The areas whose demand is a logistic curve."""
        return [market.name for market in self.markets if isinstance(market.demand, Logistic)]

    @property
    def lines(self) -> list[str]:
        names = self.names
        return [f"{names[link.one]} - {names[link.other]}" for link in self.links]


def read(inputs: Inputs) -> Auction:
    """Read a market case; DataError where its curves do not clear."""
    return auction(inputs.parameters)


def auction(given: MarketClearing) -> Auction:
    """Return the auction that parameters describe."""
    areas = [
        (given.area, given.supply, given.demand, given.must_run_demand),
        *((one.name, one.supply, one.demand, one.must_run_demand) for one in given.neighbours),
    ]
    houses = tuple(_populations(demand) for _, _, demand, _ in areas)
    markets = tuple(
        Market(supply_of(supply), _demand(demand, own), must_run, name)
        for (name, supply, demand, must_run), own in zip(areas, houses, strict=True)
    )
    names = [name for name, *_ in areas]
    links = []
    for line in given.lines:
        one, other = (names.index(end) for end in line.between)
        links.append(Link(one, other, line.limit))
    root = clear_areas(markets, links)
    if not np.any(root.bought > 0):
        raise DataError("parameters.demand", NO_TRADE)
    return Auction(markets, tuple(links), houses, root)


def supply_of(given: Supply) -> Side:
    """Return the curve of a supply as a case writes it."""
    if given.bids is not None:
        return Ladder.of(given.bids, 1.0)
    return Asymptotic(given.c0, given.c1, given.c2, given.q_w, given.q_m)


def _demand(given: Demand, houses: tuple[Population, ...]) -> Side:
    if houses:
        return ladder(houses)
    if given.bids is not None:
        return Ladder.of(given.bids, -1.0)
    return Logistic(given.unresponsive, given.responsive, given.mean_price, given.elasticity)


def _populations(given: Demand) -> tuple[Population, ...]:
    mean, deviation = given.mean_price, given.price_deviation
    if not given.thermostats or mean is None or deviation is None:
        return ()
    return tuple(
        population(
            one.name, one.houses, one.kilowatts / 1000, one.comfort, one.desired, one.maximum,
            one.temperature, one.spread, mean, deviation,
        )
        for one in given.thermostats
    )  # fmt: skip
