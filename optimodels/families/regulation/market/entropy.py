"""Clearing by the entropy of the logistic demand: exponential cones (003, section 3.2).

Of a logistic demand the inverse is ``P_A + W log((1 - y) / y)``, so its value is
``Q_R (P_A y + W h(y))`` with the binary entropy h: one exponential cone for what is served and one
for what is not. The cost of an asymptotic supply, an incomplete beta function, is no cone's: a
logarithm at c2 = 1, and logarithms of both signs at other whole numbers. It is cut into straight
pieces, finer around each answer, which agree with the curve at every knot; the price lies between
the curves' own prices at the quantity found, and that distance is a check of every result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.regulation.market.areas import clear_areas, price_range
from optimodels.families.regulation.market.checks import Point, checks
from optimodels.families.regulation.market.clearing import Market
from optimodels.families.regulation.market.curves import Ladder, Logistic, pieces
from optimodels.families.regulation.market.data import Auction
from optimodels.model import ExactAnswer, Formulation
from optimodels.result import Solution

if TYPE_CHECKING:
    import cvxpy as cp

#: Pieces of a supply curve: over the whole, and within the window of the last answer.
_COARSE, _FINE = 12, 24
#: A window is so much narrower than the last one; rounds end when ``AIM`` is met.
_SHRINK, _MOST_ROUNDS, AIM = 12.0, 7, 1e-6


@dataclass(frozen=True)
class Entropy:
    """One round: windows (a, 2) MW in which supply is cut finer, ``top`` the dearest price.

    Quantities of the problem are in ``power`` MW, prices in ``money`` $/MWh from ``base``.
    """

    auction: Auction
    window: Floats
    top: float
    base: float
    number: int = 1

    @property
    def power(self) -> float:
        sizes = [
            m.demand.responsive for m in self.auction.markets if isinstance(m.demand, Logistic)
        ]
        return float(max(sizes))

    @property
    def money(self) -> float:
        widths = [m.demand.width for m in self.auction.markets if isinstance(m.demand, Logistic)]
        return float(max(widths))

    @property
    def logistic(self) -> list[int]:
        """Areas by number whose demand is a logistic curve."""
        return [k for k, m in enumerate(self.auction.markets) if isinstance(m.demand, Logistic)]

    def supply(self, area: int) -> Ladder:
        """The pieces of an area's supply, MW and $/MWh."""
        market, (low, high) = self.auction.markets[area], self.window[area]
        whole = float(market.supply.upto(self.top))
        cuts = np.unique([0.0, low, high, whole])
        cuts = cuts[(cuts >= 0) & (cuts <= whole)]
        parts = [
            pieces(market.supply, float(a), float(b), _FINE if a >= low and b <= high else _COARSE,
                   True, 1.0, (-np.inf, self.top))
            for a, b in pairwise(cuts)
        ]  # fmt: skip
        width, start, end = (
            np.concatenate([getattr(one, name) for one in parts])
            for name in ("width", "start", "end")
        )
        return Ladder(width, start, end, 1.0)

    def point(self, solution: Solution) -> Point:
        """An answer in MW and $/MWh."""
        arrays, markets = solution.arrays, self.auction.markets
        supplied, bought = np.zeros(len(markets)), np.zeros(len(markets))
        at = {"supply": 0, "bid": 0}
        for k, market in enumerate(markets):
            size = len(self.supply(k).width)
            supplied[k] = arrays["supply"][at["supply"] : at["supply"] + size].sum() * self.power
            at["supply"] += size
            bought[k] = float(market.must_run)
            if isinstance(market.demand, Logistic):
                served = float(np.atleast_1d(arrays["served"])[self.logistic.index(k)])
                bought[k] += market.demand.unresponsive + market.demand.responsive * served
            elif isinstance(market.demand, Ladder):
                size = len(market.demand.width)
                bought[k] += arrays["bid"][at["bid"] : at["bid"] + size].sum() * self.power
                at["bid"] += size
        flow = arrays["flow"] * self.power if self.auction.links else np.zeros(0)
        dual = solution.duals.get("balance")
        if dual is not None:
            price = self.base - self.money * np.asarray(dual, dtype=float)
        else:
            price = np.array([float(m.supply.marginal(q))
                              for m, q in zip(markets, supplied, strict=True)])  # fmt: skip
        return Point(supplied, bought, price, np.asarray(flow, dtype=float))


def first_entropy(auction: Auction) -> Entropy:
    """Return the round with the supply cut evenly."""
    _, top = price_range(auction.markets, auction.links)
    whole = np.array([[0.0, float(m.supply.upto(top))] for m in auction.markets])
    mean = [float(m.demand.mean_price) for m in auction.markets if isinstance(m.demand, Logistic)]
    return Entropy(auction, whole, top, float(np.mean(mean)))


def next_entropy(entropy: Entropy, solution: Solution) -> Entropy | None:
    """Return the round with the supply cut finer around an answer, None where it is good."""
    if solution.verdict.status != "verified":
        return None
    point = entropy.point(solution)
    good = all(check.passed for check in checks(entropy.auction, point, AIM))
    cut = any(not isinstance(m.supply, Ladder) for m in entropy.auction.markets)
    if good or not cut or entropy.number >= _MOST_ROUNDS:
        return None
    half = (entropy.window[:, 1] - entropy.window[:, 0]) / _SHRINK / 2
    most = [float(m.supply.upto(entropy.top)) for m in entropy.auction.markets]
    window = np.stack([np.maximum(point.supplied - half, 0.0),
                       np.minimum(point.supplied + half, most)], axis=1)  # fmt: skip
    return replace(entropy, window=window, number=entropy.number + 1)


def in_cvxpy(entropy: Entropy) -> cp.Problem:
    """State a round in CVXPY."""
    import cvxpy as cp

    markets, links = entropy.auction.markets, entropy.auction.links
    power, money = entropy.power, entropy.money
    balance: list[cp.Expression | float] = [0.0] * len(markets)
    ladders = [entropy.supply(k) for k in range(len(markets))]
    welfare: cp.Expression | float = 0.0
    bids = [m.demand if isinstance(m.demand, Ladder) else None for m in markets]
    for name, sides, sign in (("supply", ladders, -1.0), ("bid", bids, 1.0)):
        held = [(k, one) for k, one in enumerate(sides) if one is not None]
        if not held:
            continue
        width = np.concatenate([one.width for _, one in held]) / power
        start = (np.concatenate([one.start for _, one in held]) - entropy.base) / money
        end = (np.concatenate([one.end for _, one in held]) - entropy.base) / money
        took = cp.Variable(len(width), name=name, bounds=[np.zeros(len(width)), width])
        welfare = welfare + sign * start @ took
        if name == "supply":
            welfare = welfare - np.maximum(end - start, 0.0) / width @ cp.square(took) / 2
        begin = 0
        for k, one in held:
            stop = begin + len(one.width)
            balance[k] = balance[k] - sign * cp.sum(took[begin:stop])
            begin = stop
    areas = entropy.logistic
    curves = [c for m in markets if isinstance(c := m.demand, Logistic)]
    size = np.array([c.responsive for c in curves]) / power
    spread = np.array([c.width for c in curves]) / money
    mean = (np.array([c.mean_price for c in curves]) - entropy.base) / money
    served = cp.Variable(len(areas), name="served")
    nats = {name: cp.Variable(len(areas), name=f"entropy_{name}") for name in ("served", "left")}
    ones = np.ones(len(areas))
    cones = [
        cp.constraints.ExpCone(nats["served"], served, ones),
        cp.constraints.ExpCone(nats["left"], 1 - served, ones),
    ]
    for name, cone in zip(nats, cones, strict=True):
        cone.set_label(f"entropy_of_{name}")
    welfare = welfare + cp.sum(
        cp.multiply(size * mean, served) + cp.multiply(size * spread, nats["served"] + nats["left"])
    )
    for i, k in enumerate(areas):
        balance[k] = balance[k] - size[i] * served[i]
    if links:
        limit = np.array([link.limit for link in links]) / power
        flow = cp.Variable(len(links), name="flow", bounds=[-limit, limit])
        for i, link in enumerate(links):
            balance[link.one] = balance[link.one] - flow[i]
            balance[link.other] = balance[link.other] + flow[i]
    row = cp.hstack(balance) == _needed(entropy)
    row.set_label("balance")
    return cp.Problem(cp.Maximize(welfare), [row, *cones])


def exact(entropy: Entropy) -> ExactAnswer:
    """Clear the pieces against the curve of demand by their root."""
    power, money, base = entropy.power, entropy.money, entropy.base
    markets = [
        Market(entropy.supply(k), m.demand, m.must_run)
        for k, m in enumerate(entropy.auction.markets)
    ]
    found = clear_areas(markets, entropy.auction.links)
    asked = found.bought - [float(m.must_run) for m in markets]
    values: dict[str, Floats] = {}
    welfare, parts, bids = 0.0, [], []
    for m, supplied, bought in zip(markets, found.supplied, asked, strict=True):
        assert isinstance(m.supply, Ladder)
        parts.append(_filled(m.supply, float(supplied)))
        welfare -= float(m.supply.worth(supplied)) - base * float(supplied)
        responsive = float(bought)
        if isinstance(m.demand, Ladder):
            bids.append(_filled(m.demand, float(bought)))
        elif isinstance(m.demand, Logistic):
            responsive -= float(m.demand.unresponsive)
        welfare += float(m.demand.worth(bought)) - base * responsive
    values["supply"] = np.concatenate(parts) / power
    if bids:
        values["bid"] = np.concatenate(bids) / power
    if entropy.auction.links:
        values["flow"] = found.flow / power
    served = np.array([float(markets[k].demand.part(found.price[k]))  # type: ignore[attr-defined]
                       for k in entropy.logistic])  # fmt: skip
    from scipy.special import entr

    values |= {"served": served, "entropy_served": entr(served), "entropy_left": entr(1 - served)}
    return ExactAnswer(
        values=values,
        objective=welfare / (power * money),
        duals={"balance": (found.price - base) / money},
    )


def _needed(entropy: Entropy) -> Floats:
    fixed = [
        float(m.must_run) + (m.demand.unresponsive if isinstance(m.demand, Logistic) else 0.0)
        for m in entropy.auction.markets
    ]
    return np.array(fixed, dtype=float) / entropy.power


def _filled(ladder: Ladder, amount: float) -> Floats:
    before = np.cumsum(ladder.width) - ladder.width
    return np.asarray(np.clip(amount - before, 0.0, ladder.width))


ENTROPY = Formulation(
    name="demand-entropy",
    problem_class="EXP",
    source="003, sections 2.1, 3.1 and 3.2; ours as a cone program",
    cvxpy=in_cvxpy,
    exact=exact,
    axes={
        "supply": ("piece",), "bid": ("bid",), "flow": ("line",), "balance": ("area",),
        **dict.fromkeys(("served", "entropy_served", "entropy_left"), ("area with a curve",)),
    },
    equations=(
        "maximise    sum_a Q_R (P_A served_a + W (entropy_served_a + entropy_left_a))",
        "            + sum of bids - sum of cost(supply),   W = P_A / (2 |eta|)",
        "            cost: start_k x_k + (end_k - start_k) x_k^2 / (2 width_k)",
        "subject to  entropy_served_a <= -served_a log served_a",
        "            entropy_left_a <= -(1 - served_a) log(1 - served_a)",
        "            sum supply + flows in - flows out - bids - Q_R served_a",
        "                       = must-run + Q_U      for every area      balance",
        "            0 <= supply_k <= width_k         pieces of the supply curve",
        "            -limit <= flow_l <= limit        lines",
        "",
        "The price of an area is a base price less the shadow price of its balance;",
        "at the optimum P_A + W log((1 - served) / served). Supply is cut finer",
        "around each answer until its price is the curve's.",
    ),
)  # fmt: skip
