"""Who gains what at a point, and what no point can exceed: welfare and its dual bound.

What is bought at any price has no finite value; it is left out of welfare on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.regulation.market.areas import Link
from optimodels.families.regulation.market.clearing import Market
from optimodels.families.regulation.market.curves import Asymptotic, Ladder, Logistic, Side


@dataclass(frozen=True)
class Account:
    """By area (a,), $/h: ``producers`` p s - cost, ``consumers`` value - p r with r the MW that
    respond, ``inelastic`` p (d - r); by line (l,) the congestion ``rent``.

    ``welfare`` is value - cost: producers + consumers + rent - inelastic.
    """

    producers: Floats
    consumers: Floats
    inelastic: Floats
    rent: Floats
    welfare: float


def account(
    markets: Sequence[Market],
    links: Sequence[Link],
    supplied: Floats,
    bought: Floats,
    price: Floats,
    flow: Floats,
) -> Account:
    """Return the account of a point: quantities (a,) MW, prices (a,) $/MWh, flows (l,) MW."""
    asked = bought - [m.must_run for m in markets]
    cost = np.array([m.supply.worth(q) for m, q in zip(markets, supplied, strict=True)])
    value = np.array([m.demand.worth(q) for m, q in zip(markets, asked, strict=True)])
    fixed = np.array([m.must_run + _unresponsive(m.demand) for m in markets])
    ends = np.array([[link.one, link.other] for link in links], dtype=int).reshape(-1, 2)
    return Account(
        producers=price * supplied - cost,
        consumers=value - price * (bought - fixed),
        inelastic=price * fixed,
        rent=flow * (price[ends[:, 1]] - price[ends[:, 0]]),
        welfare=float(np.sum(value - cost)),
    )


def dual_bound(markets: Sequence[Market], links: Sequence[Link], price: Floats) -> float:
    """Return what the welfare of no point exceeds, $/h, by weak duality: any prices (a,) give one.

    Either side gains at most the integral of its curve over prices, a line at most its limit times
    the difference; what is bought at any price is paid for.
    """
    most = 0.0
    for market, p in zip(markets, price, strict=True):
        most += _surplus(market.supply, float(p)) + _surplus(market.demand, float(p))
        most -= float(p) * (market.must_run + _unresponsive(market.demand))
    for link in links:
        most += link.limit * abs(float(price[link.other] - price[link.one]))
    return most


def _surplus(side: Side, p: float) -> float:
    """max_q of what q gains at p: the area between the curve and the price."""
    if isinstance(side, Logistic):
        return float(
            side.responsive * side.width * np.logaddexp(0, (side.mean_price - p) / side.width)
        )
    if isinstance(side, Ladder):
        # Every piece trades as far as it gains.
        rise = side.sign * (side.end - side.start)
        gain = np.maximum(side.sign * (p - side.start), 0.0)
        part = np.where(rise > 0, np.minimum(gain / np.where(rise > 0, rise, 1.0), 1.0), 1.0)
        return float(side.width @ (part * gain - part**2 * np.maximum(rise, 0.0) / 2))
    assert isinstance(side, Asymptotic)
    from scipy.integrate import quad

    found = float(side.q_w) * max(0.0, p)
    span = float(side.q_m - side.q_w)
    most = (float(side.upto(p)) - float(side.q_w)) / span
    if p > side.c0 and most > 0:
        # Of prices above c0 the cost: over v = log u, where every exponent is smooth.
        c2, end = float(side.c2), float(np.log((p - side.c0) / side.c1) / side.c2)
        parts = [min(end, 0.0) - 50 / (c2 + 1), *([0.0] if end > 0 else []), end]
        cost = sum(
            quad(lambda v: np.exp(c2 * v - abs(v)) / (1 + np.exp(-abs(v))) ** 2, a, b, epsabs=0.0,
                 epsrel=1e-12, limit=500, full_output=1)[0]
            for a, b in pairwise(parts)
        )  # fmt: skip
        found += span * (most * (p - float(side.c0)) - float(side.c1) * float(cost))
    return found


def _unresponsive(demand: Side) -> float:
    return float(demand.unresponsive) if isinstance(demand, Logistic) else 0.0
