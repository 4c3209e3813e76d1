"""From clearings to what a reader wants: values by name and tidy tables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from optimodels.families.regulation.market.account import account, dual_bound
from optimodels.families.regulation.market.checks import Point
from optimodels.families.regulation.market.data import Auction
from optimodels.model import Answer
from optimodels.result import Row

_NOTES = (
    "quantities in MW, prices in $/MWh, slopes in $/(MW^2 h), all else in $/h",
    "ours: of several clearing prices the mean of the lowest and highest, or the one of them that "
    "there is (a solver's dual is any of them), of several quantities the greatest trade",
    "welfare is the value of responsive demand less the cost of supply; what is bought at any "
    "price has no finite value",
)


def market_clearing(auction: Auction, point: Point, ways: dict[str, Point]) -> Answer:
    """The first area's clearing as values; all areas, lines and populations as tables."""
    made = account(auction.markets, auction.links, point.supplied, point.bought, point.price,
                   point.flow)  # fmt: skip
    areas: list[Row] = []
    for k, market in enumerate(auction.markets):
        p, root = float(point.price[k]), auction.root
        areas.append(
            {
                "area": market.name,
                "supplied": float(point.supplied[k]),
                "bought": float(point.bought[k]),
                "price": p,
                "lowest_price": _finite(root.lowest[k]),
                "highest_price": _finite(root.highest[k]),
                "supply_slope": _finite(market.supply.slope(p)),
                "demand_slope": _finite(market.demand.slope(p)),
                "producer_surplus": float(made.producers[k]),
                "consumer_surplus": float(made.consumers[k]),
                "inelastic_payment": float(made.inelastic[k]),
            }
        )
    first = areas[0]
    values: dict[str, Any] = {
        "quantity": first["bought"],
        "price": first["price"],
        "supply_slope": first["supply_slope"],
        "demand_slope": first["demand_slope"],
        "welfare": made.welfare,
        "producer_surplus": float(made.producers.sum()),
        "consumer_surplus": float(made.consumers.sum()),
        "inelastic_payment": float(made.inelastic.sum()),
    }
    tables: dict[str, list[Row]] = {"areas": areas}
    if auction.links:
        values["congestion_rent"] = float(made.rent.sum())
        tables["lines"] = [
            {
                "line": name,
                "flow": float(flow) + 0.0,
                "limit": link.limit,
                "price_difference": float(point.price[link.other] - point.price[link.one]) + 0.0,
                "congestion_rent": float(rent) + 0.0,
            }
            for name, link, flow, rent in zip(
                auction.lines, auction.links, point.flow, made.rent, strict=True
            )
        ]
    houses = _houses(auction, point)
    if houses:
        tables["thermostats"] = houses
    if len(ways) > 1:
        tables["ways"] = _ways(auction, ways)
    bound = dual_bound(auction.markets, auction.links, auction.root.price)
    return Answer(values, tables, _notes(auction), objective=made.welfare, bound=bound)


def _ways(auction: Auction, ways: dict[str, Point]) -> list[Row]:
    """The first area by each method, and the distance of all areas from the root."""
    root = ways["root"]
    return [
        {
            "method": name,
            "quantity": float(one.bought[0]),
            "price": float(one.price[0]),
            "from_root_mw": float(np.max(np.abs(one.bought - root.bought))),
            "from_root_price": float(np.max(np.abs(one.price - root.price))),
        }
        for name, one in ways.items()
    ]


def _houses(auction: Auction, point: Point) -> list[Row]:
    rows: list[Row] = []
    for name, price, populations in zip(
        auction.names, point.price, auction.populations, strict=True
    ):
        for one in populations:
            p = float(price)
            rows.append(
                {
                    "area": name,
                    "population": one.name,
                    "houses": len(one.bid),
                    "cooling": int(np.sum(one.bid > p)),
                    "bid_at_the_price": int(np.sum(one.bid == p)),
                    "set_point": one.set_point(p),
                    "highest_bid": float(one.bid.max()),
                    "lowest_bid": float(one.bid.min()),
                }
            )
    return rows


def _notes(auction: Auction) -> tuple[str, ...]:
    notes = list(_NOTES)
    if any(auction.populations):
        notes.append(
            "thermostats bid P_A + k P_D (T_a - T_D) / (T_M - T_D), reconstructed: the print has "
            "P_D below the line; a logistic spread of temperatures is ours"
        )
    slopes = [
        side.slope(float(p))
        for market, p in zip(auction.markets, auction.root.price, strict=True)
        for side in (market.supply, market.demand)
    ]
    if not all(map(math.isfinite, slopes)):
        notes.append("a slope that is not given is infinite there: no price near it moves the side")
    return tuple(notes)


def _finite(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
