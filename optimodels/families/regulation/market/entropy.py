"""Clearing by the entropy of the logistic demand: exponential cones (003, section 3.2).

Of a logistic demand the inverse is ``P_A + W log((1 - y) / y)``, so its value is
``Q_R (P_A y + W h(y))`` with the binary entropy h: one exponential cone for what is served and one
for what is not. Both are counted from what the last round served, y0: with y = y0 served and
1 - y = (1 - y0) left, the entropy differs from that of served and left by a linear term alone,
and a demand at its far end is stated in numbers near one. The cost of an asymptotic supply, an
incomplete beta function, is no cone's: a logarithm at c2 = 1, and logarithms of both signs at
other whole numbers. It is cut into straight pieces, as in ``rounds``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimodels.families.regulation.market.blocks import (
    CUT,
    SIDES,
    pieces_exact,
    pieces_in_cvxpy,
)
from optimodels.families.regulation.market.rounds import Trade
from optimodels.model import ExactAnswer, Formulation

if TYPE_CHECKING:
    import cvxpy as cp


def in_cvxpy(trade: Trade) -> cp.Problem:
    """State a round in CVXPY."""
    import cvxpy as cp
    import numpy as np

    curves = trade.curves()
    count = len(curves.area)
    served = cp.Variable(count, name="served")
    left = (1 - cp.multiply(curves.served, served)) / curves.left
    nats = {name: cp.Variable(count, name=f"entropy_{name}") for name in ("served", "left")}
    cones = [
        cp.constraints.ExpCone(nats["served"], served, np.ones(count)),
        cp.constraints.ExpCone(nats["left"], left, np.ones(count)),
    ]
    for name, cone in zip(nats, cones, strict=True):
        cone.set_label(f"entropy_of_{name}")
    welfare, balance = pieces_in_cvxpy(trade)
    size = curves.size * curves.served
    welfare = welfare + (size * curves.price) @ served
    welfare = welfare + (size * curves.spread) @ nats["served"]
    welfare = welfare + (curves.size * curves.left * curves.spread) @ nats["left"]
    areas = np.arange(len(trade.auction.markets))
    row = balance - ((curves.area == areas[:, None]) * size) @ served == trade.needed
    row.set_label("balance")
    return cp.Problem(cp.Maximize(welfare), [row, *cones])


def exact(trade: Trade) -> ExactAnswer:
    """Clear the pieces against the curves of demand by their root."""
    from scipy.special import entr, expit

    curves = trade.curves()
    values, price, welfare, found = pieces_exact(trade)
    if not any(len(one.width) for one in trade.demands):
        del values["demand"]
    demands = [trade.auction.markets[k].demand for k in trade.curved]
    far = [(one.mean_price - p) / one.width  # type: ignore[attr-defined]
           for one, p in zip(demands, found.price[curves.area], strict=True)]  # fmt: skip
    values["served"] = expit(far) / curves.served
    left = expit([-x for x in far]) / curves.left
    values |= {"entropy_served": entr(values["served"]), "entropy_left": entr(left)}
    size = curves.size * curves.served
    welfare += float(size @ (curves.price * values["served"]))
    welfare += float(size @ (curves.spread * values["entropy_served"]))
    welfare += float((curves.size * curves.left) @ (curves.spread * values["entropy_left"]))
    return ExactAnswer(values=values, objective=welfare, duals={"balance": price})


ENTROPY = Formulation(
    name="demand-entropy",
    problem_class="EXP",
    source="003, sections 2.1, 3.1 and 3.2; ours as a cone program",
    cvxpy=in_cvxpy,
    exact=exact,
    axes={
        "supply": ("piece",), "demand": ("piece",), "flow": ("line",), "balance": ("area",),
        **dict.fromkeys(("served", "entropy_served", "entropy_left"), ("area with a curve",)),
    },
    unit=lambda trade: trade.unit,
    equations=(
        *CUT,
        "Logistic demands of areas a are no pieces: served_a is what is served of",
        "the responsive demand Q_R by that at the last price, y0 (at first 1/2);",
        "left_a = (1 - y0 served_a) / (1 - y0);  W = P_A / (2 |elasticity|), $/MWh;",
        "P_A: mean_price;  Q_R: responsive; in units of U and V, P_A as prices are",
        "",
        "maximise    sum_a Q_R W (y0 entropy_served_a + (1 - y0) entropy_left_a)",
        "            + sum_a Q_R y0 (P_A + W log((1 - y0) / y0)) served_a",
        "            + value of bids - cost of supply + sum_l gain_l flow_l   welfare",
        "            cost, value: as straight-pieces, with u_k = width_k",
        "            gain_l = price at the line's end less price at its start",
        "subject to  entropy_served_a <= -served_a log served_a  entropy_of_served",
        "            entropy_left_a <= -left_a log left_a          entropy_of_left",
        "            sum_k u_k supply_k - sum_k u_k demand_k + flows in - flows out",
        "                - Q_R y0 served_a = needed    for every area    balance",
        *SIDES,
        "",
        "At the optimum the price is P_A + W log((1 - y) / y) with y = y0 served_a.",
    ),
)  # fmt: skip
