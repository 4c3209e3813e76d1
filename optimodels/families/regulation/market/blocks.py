"""Clearing by pieces: step bids as an LP, straight pieces as a QP (003, sections 2.1 and 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimodels.families.regulation.market.areas import Link, clear_areas
from optimodels.families.regulation.market.curves import Ladder
from optimodels.families.regulation.market.rounds import Trade
from optimodels.model import ExactAnswer, Formulation, ProblemClass

if TYPE_CHECKING:
    import cvxpy as cp
    import pyomo.environ as pyo


def in_pyomo(trade: Trade) -> pyo.ConcreteModel:
    """State a round in Pyomo."""
    import pyomo.environ as pyo

    model = pyo.ConcreteModel("clearing")
    sides = {"supply": trade.blocks(True), "demand": trade.blocks(False)}
    areas = range(len(trade.auction.markets))
    welfare, balance = [], [[] for _ in areas]  # type: tuple[list[object], list[list[object]]]
    for (name, side), sign in zip(sides.items(), (-1.0, 1.0), strict=True):
        width, start, rise = side.width.tolist(), side.start.tolist(), side.rise.tolist()
        took = pyo.Var(range(len(width)), bounds=lambda _, i, width=width: (0, width[i]))
        model.add_component(name, took)
        for i, area in enumerate(side.area.tolist()):
            welfare.append(sign * start[i] * took[i])
            if trade.straight and rise[i]:
                welfare.append(sign * rise[i] / 2 * took[i] ** 2)
            balance[area].append(-sign * took[i])
    if trade.auction.links:
        low, high = (side.tolist() for side in trade.flow_sides)
        gain = trade.flow_gain.tolist()
        model.flow = pyo.Var(range(len(gain)), bounds=lambda _, k: (low[k], high[k]))
        for k, link in enumerate(trade.auction.links):
            welfare.append(gain[k] * model.flow[k])
            balance[link.one].append(-model.flow[k])
            balance[link.other].append(model.flow[k])
    needed = trade.needed.tolist()
    model.welfare = pyo.Objective(expr=pyo.quicksum(welfare), sense=pyo.maximize)
    model.balance = pyo.Constraint(areas, rule=lambda _, a: pyo.quicksum(balance[a]) == needed[a])
    return model


def in_cvxpy(trade: Trade) -> cp.Problem:
    """State a round in CVXPY."""
    import cvxpy as cp

    areas = np.arange(len(trade.auction.markets))
    welfare: cp.Expression = cp.Constant(0.0)
    balance: cp.Expression = cp.Constant(0.0)
    for name, sign in (("supply", -1.0), ("demand", 1.0)):
        side = trade.blocks(name == "supply")
        took = cp.Variable(
            len(side.width), name=name, bounds=[np.zeros(len(side.width)), side.width]
        )
        welfare = welfare + sign * side.start @ took
        if trade.straight:
            # Whose price rises, by cost; whose price falls, by value: either is concave.
            welfare = welfare - np.maximum(-sign * side.rise, 0.0) @ cp.square(took) / 2
        balance = balance - sign * ((side.area == areas[:, None]).astype(float) @ took)
    if trade.auction.links:
        low, high = trade.flow_sides
        flow = cp.Variable(len(low), name="flow", bounds=[low, high])
        welfare = welfare + trade.flow_gain @ flow
        balance = balance + trade.incidence @ flow
    row = balance == trade.needed
    row.set_label("balance")
    return cp.Problem(cp.Maximize(welfare), [row])


def exact(trade: Trade) -> ExactAnswer:
    """Clear the pieces by the root of their own curves; they fill in order."""
    links = [Link(k.one, k.other, k.limit / trade.power) for k in trade.auction.links]
    markets = trade.scaled_markets()
    found = clear_areas(markets, links)
    asked = found.bought - [market.must_run for market in markets]
    price = found.price - trade.price / trade.money
    values = {}
    for name, amounts in (("supply", found.supplied), ("demand", asked)):
        ladders = [getattr(market, name) for market in markets]
        values[name] = np.concatenate(
            [_filled(one, amount) for one, amount in zip(ladders, amounts, strict=True)]
        )
    if links:
        values["flow"] = found.flow - trade.flow / trade.power
    welfare = 0.0
    for name, sign in (("supply", -1.0), ("demand", 1.0)):
        side, took = trade.blocks(name == "supply"), values[name]
        welfare += sign * float(side.start @ took + side.rise @ took**2 / 2)
    if links:
        welfare += float(trade.flow_gain @ values["flow"])
    # Multipliers are those of -welfare.
    return ExactAnswer(values=values, objective=welfare, duals={"balance": price})


def _filled(ladder: Ladder, amount: float) -> np.ndarray:
    before = np.cumsum(ladder.width) - ladder.width
    return np.asarray(np.clip(amount - before, 0.0, ladder.width))


def _formulation(
    name: str, problem_class: ProblemClass, of_piece: tuple[str, ...]
) -> Formulation[Trade]:
    return Formulation(
        name=name,
        problem_class=problem_class,
        source="003, sections 2.1 and 3.4: greatest surplus of all areas; the pieces are ours",
        pyomo=in_pyomo,
        cvxpy=in_cvxpy,
        exact=exact,
        axes={
            "supply": ("piece",), "demand": ("piece",), "flow": ("line",), "balance": ("area",),
        },
        equations=(
            "maximise    sum of value(demand) - sum of cost(supply) + sum_l gain_l flow_l",
            *of_piece,
            "            gain_l = price at the end less price at the start, last round",
            "subject to  sum supply - sum demand + flows in - flows out = needed",
            "                                     for every area      balance",
            "            0 <= supply_k, demand_k <= width_k           pieces",
            "            -limit <= flow before + flow <= limit        lines",
            "",
            "needed: must-run demand and what stands before the windows. A round counts",
            "quantities in widths of its windows and prices from the last answer;",
            "the next one cuts the curves finer there. The price of an area is that of",
            "the last answer less the shadow price of its balance.",
        ),
    )  # fmt: skip


STEPS = _formulation(
    "step-bids",
    "LP",
    ("            value, cost: price_k x_k, the curve's price in the piece's middle",),
)
STRAIGHT = _formulation(
    "straight-pieces",
    "QP",
    (
        "            value, cost: start_k x_k + (end_k - start_k) x_k^2 / (2 width_k),",
        "            the curve's own prices at both ends of the piece",
    ),
)
