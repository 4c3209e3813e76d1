"""Clearing by pieces: step bids as an LP, straight pieces as a QP (003, sections 2.1 and 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.regulation.market.areas import Cleared, clear_areas
from optimodels.families.regulation.market.curves import Ladder
from optimodels.families.regulation.market.rounds import Trade
from optimodels.model import ExactAnswer, Formulation, ProblemClass

if TYPE_CHECKING:
    import cvxpy as cp
    import pyomo.environ as pyo


#: How a round of any method is cut and counted, and what holds on its sides.
CUT = (
    "A round cuts every curve, in a window of quantities around the last answer,",
    "into pieces k: width_k MW, prices start_k and end_k, $/MWh, those of the",
    "curve at both ends; step bids are pieces of their own. supply_k, demand_k:",
    "what trades of piece k, in units of u_k. MW are counted in units of U, and",
    "prices from the last answer's in units of V, so that numbers are near one;",
    "the objective is in U V $/h. flow_l: change of line l's flow, one round on.",
    "needed: must_run_demand and what trades before the windows begin.",
    "price of an area: the last answer's less V times balance's shadow price.",
)
SIDES = (
    "            0 <= supply_k, demand_k <= width_k / u_k",
    "            -limit_l <= flow before + flow_l <= limit_l                 flow",
)


def in_pyomo(trade: Trade) -> pyo.ConcreteModel:
    """State a round in Pyomo."""
    import pyomo.environ as pyo

    model = pyo.ConcreteModel("clearing")
    areas = range(len(trade.auction.markets))
    welfare, balance = [], [[] for _ in areas]  # type: tuple[list[object], list[list[object]]]
    for name, sign in (("supply", -1.0), ("demand", 1.0)):
        side = trade.blocks(name == "supply")
        first, bend, unit = side.first.tolist(), side.bend.tolist(), side.unit.tolist()
        most = side.most.tolist()
        took = pyo.Var(range(len(unit)), bounds=lambda _, i, most=most: (0, most[i]))
        model.add_component(name, took)
        for i, area in enumerate(side.area.tolist()):
            welfare.append(sign * first[i] * took[i])
            if trade.method == "pieces" and bend[i]:
                welfare.append(sign * bend[i] / 2 * took[i] ** 2)
            balance[area].append(-sign * unit[i] * took[i])
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

    welfare, balance = pieces_in_cvxpy(trade)
    row = balance == trade.needed
    row.set_label("balance")
    return cp.Problem(cp.Maximize(welfare), [row])


def pieces_in_cvxpy(trade: Trade) -> tuple[cp.Expression, cp.Expression]:
    """Return what pieces and flows add to welfare, and (a,) to the balance of each area."""
    import cvxpy as cp

    areas = np.arange(len(trade.auction.markets))
    welfare: cp.Expression = cp.Constant(0.0)
    balance: cp.Expression = cp.Constant(np.zeros(len(areas)))
    for name, sign in (("supply", -1.0), ("demand", 1.0)):
        side = trade.blocks(name == "supply")
        if not len(side.width):
            continue
        took = cp.Variable(len(side.unit), name=name, bounds=[np.zeros(len(side.unit)), side.most])
        welfare = welfare + sign * side.first @ took
        if trade.method != "steps":
            # Whose price rises, by cost; whose price falls, by value: either is concave.
            welfare = welfare - np.abs(side.bend) @ cp.square(took) / 2
        balance = balance - sign * ((side.area == areas[:, None]) * side.unit) @ took
    if trade.auction.links:
        low, high = trade.flow_sides
        flow = cp.Variable(len(low), name="flow", bounds=[low, high])
        welfare = welfare + trade.flow_gain @ flow
        balance = balance + trade.incidence @ flow
    return welfare, balance


def exact(trade: Trade) -> ExactAnswer:
    """Clear the pieces by the root of their own curves; they fill in order."""
    values, price, welfare, _ = pieces_exact(trade)
    # Multipliers are those of -welfare.
    return ExactAnswer(values=values, objective=welfare, duals={"balance": price})


def pieces_exact(trade: Trade) -> tuple[dict[str, Floats], Floats, float, Cleared]:
    """Return parts and flows by name, prices (a,), welfare of both, and the clearing in MW."""
    markets, links = trade.markets(), trade.auction.links
    found = clear_areas(markets, links)
    asked = found.bought - [market.must_run for market in markets]
    values: dict[str, Floats] = {}
    welfare = 0.0
    for name, amounts, sign in (("supply", found.supplied, -1.0), ("demand", asked, 1.0)):
        ladders = trade.supplies if sign < 0 else trade.demands
        side = trade.blocks(sign < 0)
        filled = [_filled(one, amount) for one, amount in zip(ladders, amounts, strict=True)]
        took = values[name] = side.most * np.concatenate(filled)
        welfare += sign * float(side.first @ took + side.bend @ took**2 / 2)
    if links:
        values["flow"] = (found.flow - trade.flow) / trade.power
        welfare += float(trade.flow_gain @ values["flow"])
    return values, (found.price - trade.price) / trade.money, welfare, found


def _filled(ladder: Ladder, amount: float) -> Floats:
    before = np.cumsum(ladder.width) - ladder.width
    return np.asarray(np.clip((amount - before) / ladder.width, 0.0, 1.0))


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
        unit=lambda trade: trade.unit,
        equations=(
            *CUT,
            "",
            "maximise    value of demand - cost of supply + sum_l gain_l flow_l   welfare",
            *of_piece,
            "            gain_l = price at the line's end less price at its start",
            "subject to  sum_k u_k supply_k - sum_k u_k demand_k + flows in - flows out",
            "                = needed                      for every area    balance",
            *SIDES,
        ),
    )  # fmt: skip


STEPS = _formulation(
    "step-bids",
    "LP",
    (
        "            cost: sum_k u_k p_k supply_k, value of demand likewise,",
        "            p_k the curve's price in the piece's middle, u_k = width_k",
    ),
)
STRAIGHT = _formulation(
    "straight-pieces",
    "QP",
    (
        "            cost: sum_k start_k u_k supply_k",
        "                  + (end_k - start_k) (u_k supply_k)^2 / (2 width_k),",
        "            value of demand likewise, u_k = 1 or, where that is less,",
        "            (width_k / |end_k - start_k|)^(1/2), in units of U and V",
    ),
)
