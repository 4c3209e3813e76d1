"""The equilibrium of groups as one quadratic program: the stated form of what equilibria are of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.coalition.data import cost_unit
from optimodels.families.coalition.game.equilibrium import equilibrium
from optimodels.families.coalition.game.microgrid import Microgrid, Partition
from optimodels.model import ExactAnswer, Formulation

if TYPE_CHECKING:
    import cvxpy as cp
    import pyomo.environ as pyo


@dataclass(frozen=True)
class Groups:
    """A microgrid whose agents form the groups of a partition."""

    grid: Microgrid
    partition: Partition

    @property
    def free_trade(self) -> bool:
        """Whether a unit costs the same both ways: then only what is drawn, of either sign."""
        return self.grid.buy == self.grid.sell

    def group_flows(self) -> Floats:
        """Return the public flow of a unit of every agent, in its group's branches (g b, n)."""
        grid, group = self.grid, self.grid.group_of(self.partition)
        each = [grid.flow * (group == place) for place in range(len(self.partition))]
        return np.vstack(each)

    def reach(self) -> dict[str, Floats]:
        """Return by variable what no flow of the least cost exceeds, twice over.

        Without any private flow the cost is c_0; meters and losses never take it below c_1, as
        t(x) >= -p x for each price p. So every loss is at most c_0 - c_1, and with it every flow.
        The bounds change no answer; they let anyone see that the cost has an end.
        """
        grid, branches = self.grid, self.grid.inside(self.partition)
        lost, e = grid.public_resistance, grid.endowment
        heat = np.tile(lost, len(self.partition))
        price = grid.sell if e.sum() > 0 else grid.buy
        room = float(grid.tariff(e).sum() + price * e.sum()) / grid.buy
        room += float(lost @ (grid.base_flow + grid.flow @ e) ** 2) / 2
        room += float(heat @ (self.group_flows() @ e) ** 2) / 2
        private = 2 * np.sqrt(room / grid.resistance[branches])
        exchange = 2 * np.abs(e) + np.abs(grid.incidence(branches)) @ private
        return {
            "private_flow": private,
            "public_flow": 2 * np.sqrt(2 * room / lost),
            "group_flow": 2 * np.sqrt(2 * room / heat),
            "drawn": exchange,
            "fed": exchange,
        }


def in_cvxpy(data: Groups) -> cp.Problem:
    """State it in CVXPY."""
    import cvxpy as cp

    grid, branches = data.grid, data.grid.inside(data.partition)
    g = len(data.partition)
    lost = grid.public_resistance
    reach = data.reach()

    def variable(name: str, least: float = -1.0) -> cp.Variable:
        most = reach[name]
        return cp.Variable(len(most), name=name, bounds=[least * most, most])

    drawn = variable("drawn", -1.0 if data.free_trade else 0.0)
    public, group = variable("public_flow"), variable("group_flow")
    net: Any = drawn
    cost: Any = grid.buy * cp.sum(drawn)
    if not data.free_trade:
        fed = variable("fed", 0.0)
        net, cost = drawn - fed, cost - grid.sell * cp.sum(fed)
    left = net
    if len(branches):
        private = variable("private_flow")
        left = net - grid.incidence(branches) @ private
        cost += grid.buy * cp.sum(cp.multiply(grid.resistance[branches], cp.square(private)))
    shared = cp.sum(cp.multiply(lost, cp.square(public)))
    shared += cp.sum(cp.multiply(np.tile(lost, g), cp.square(group))) - _base(grid)
    rows = {
        "balance": left == -grid.endowment,
        "together": public + grid.flow @ net == grid.base_flow,
        "of_groups": group + data.group_flows() @ net == 0,
    }
    for name, row in rows.items():
        row.set_label(name)
    return cp.Problem(cp.Minimize(cost + grid.buy / 2 * shared), list(rows.values()))


def in_pyomo(data: Groups) -> pyo.ConcreteModel:
    """State it in Pyomo."""
    import pyomo.environ as pyo

    grid, branches = data.grid, data.grid.inside(data.partition)
    n, b, g = grid.agents, len(grid.public_resistance), len(data.partition)
    model = pyo.ConcreteModel("group-equilibrium")
    model.agent, model.line = pyo.RangeSet(0, n - 1), pyo.RangeSet(0, b - 1)
    model.part = pyo.RangeSet(0, g * b - 1)
    most = {name: limits.tolist() for name, limits in data.reach().items()}

    def variable(over: Any, name: str, least: float = -1.0) -> pyo.Var:
        return pyo.Var(over, bounds=lambda _, k: (least * most[name][k], most[name][k]))

    model.drawn = variable(model.agent, "drawn", -1.0 if data.free_trade else 0.0)
    model.public_flow = variable(model.line, "public_flow")
    model.group_flow = variable(model.part, "group_flow")
    net: Any = dict(model.drawn.items())
    cost = grid.buy * pyo.quicksum(model.drawn.values())
    if not data.free_trade:
        model.fed = variable(model.agent, "fed", 0.0)
        net = {i: model.drawn[i] - model.fed[i] for i in range(n)}
        cost -= grid.sell * pyo.quicksum(model.fed.values())
    left = dict(net)
    if len(branches):
        model.private_flow = variable(pyo.RangeSet(0, len(branches) - 1), "private_flow")
        r, start, end = (v[branches].tolist() for v in (grid.resistance, grid.start, grid.end))
        for k, h in model.private_flow.items():
            left[start[k]] = left[start[k]] - h
            left[end[k]] = left[end[k]] + h
            cost += grid.buy * r[k] * h**2
    lost = grid.public_resistance.tolist()
    shared = pyo.quicksum(lost[e] * model.public_flow[e] ** 2 for e in model.line)
    shared += pyo.quicksum(lost[k % b] * model.group_flow[k] ** 2 for k in model.part)

    def through(flows: Floats, row: int) -> Any:
        used = np.flatnonzero(flows[row]).tolist()
        return sum(float(flows[row, i]) * net[i] for i in used)

    wanted, base, own = (-grid.endowment).tolist(), grid.base_flow.tolist(), data.group_flows()
    model.cost = pyo.Objective(expr=cost + grid.buy / 2 * (shared - _base(grid)))
    model.balance = pyo.Constraint(model.agent, rule=lambda m, i: left[i] == wanted[i])
    model.together = pyo.Constraint(
        model.line, rule=lambda m, e: m.public_flow[e] + through(grid.flow, e) == base[e]
    )
    model.of_groups = pyo.Constraint(
        model.part, rule=lambda m, k: m.group_flow[k] + through(own, k) == 0
    )
    return model


def exact(data: Groups) -> ExactAnswer:
    """Take the equilibrium by prices; its multipliers are the prices and the losses' slopes."""
    grid = data.grid
    found = equilibrium(grid, data.partition)
    x, lost = found.exchange, grid.public_resistance
    public, group = grid.base_flow + grid.flow @ x, data.group_flows() @ x
    heat = np.tile(lost, len(data.partition))
    slope = {"together": grid.buy * lost * public, "of_groups": grid.buy * heat * group}
    worth = found.price - grid.flow.T @ slope["together"]
    worth -= data.group_flows().T @ slope["of_groups"]
    drawn = {"drawn": -x} if data.free_trade else {
        "drawn": np.maximum(-x, 0), "fed": np.maximum(x, 0)
    }  # fmt: skip
    shared = float(lost @ public**2 + heat @ group**2) - _base(grid)
    own = float(grid.resistance[found.branches] @ found.flow**2)
    return ExactAnswer(
        values={**drawn, "public_flow": public, "group_flow": group}
        | ({"private_flow": found.flow} if len(found.flow) else {}),
        objective=float(grid.tariff(x).sum()) + grid.buy * (own + shared / 2),
        duals={"balance": worth, **slope},
    )


def _base(grid: Microgrid) -> float:
    """What others than agents lose by themselves: no group's matter."""
    return float(grid.public_resistance @ grid.base_flow**2)


def _unit(data: Groups) -> str:
    return cost_unit(data.grid.unit)


_AGENTS = (
    "Agent i has the endowment e_i (generation less demand), draws drawn_i at",
    "the price buy (buy_tariff) and feeds fed_i at sell (sell_tariff), not below",
    "0; where buy = sell, drawn_i has either sign and fed_i is not there. h_f =",
    "private_flow on branch f within a group, B: 1 where it starts, -1 where it",
    "ends; y_e = public_flow, y_S,e = group_flow: what group S adds to it, y0_e",
    "what all but agents do; F: public flows of a unit fed in; r: resistances.",
    "Powers are in pu on 100 MVA or in a power of ten of it.",
    "",
)
_ROWS = ("subject to  drawn_i - fed_i = (B h)_i - e_i                        balance",)
_WITHIN = ("            all within twice what the least cost can reach",)

FORMULATION = Formulation(
    name="group-equilibrium",
    problem_class="QP",
    source="reconstructed: 004, groups that trade to maximise their profits; the division of "
    "public losses and the potential: ours",
    pyomo=in_pyomo,
    cvxpy=in_cvxpy,
    exact=exact,
    unit=_unit,
    axes={
        "drawn": ("agent",), "fed": ("agent",), "balance": ("agent",),
        "private_flow": ("private branch",), "public_flow": ("branch",), "together": ("branch",),
        "group_flow": ("branch of group",), "of_groups": ("branch of group",),
    },
    equations=(
        *_AGENTS,
        "Group S pays sum_(i in S) (buy drawn_i - sell fed_i)            its meters",
        "             + buy sum_(f in S) r_f h_f^2            its private branches",
        "             + buy sum_e r_e y_S,e y_e           its part of public losses",
        "and no other flows of its own would cost it less. That is the minimum of",
        "",
        "minimise    sum_i (buy drawn_i - sell fed_i) + buy sum_f r_f h_f^2",
        "            + buy/2 sum_e r_e (y_e^2 - y0_e^2 + sum_S y_S,e^2)",
        *_ROWS,
        "            y_e = y0_e - (F (drawn - fed))_e                    together",
        "            y_S,e = -(F (drawn - fed)_S)_e                     of_groups",
        *_WITHIN,
    ),
)  # fmt: skip

#: The same problem on the data of ``Play.cooperative``, in the words of what it is there.
COOPERATIVE = replace(
    FORMULATION,
    name="least-losses",
    equations=(
        *_AGENTS,
        "All agents are one group S, which buys and sells at one price, buy, and",
        "pays for all that it and others lose together: y0 counts twice.",
        "",
        "minimise    buy sum_i drawn_i + buy sum_f r_f h_f^2",
        "            + buy/2 sum_e r_e (y_e^2 - (2 y0_e)^2 + y_S,e^2)",
        "            = buy sum_i drawn_i + buy (all losses - those of y0 alone)",
        "subject to  drawn_i = (B h)_i - e_i                              balance",
        "            y_e = 2 y0_e - (F drawn)_e                          together",
        "            y_S,e = -(F drawn)_e                               of_groups",
        *_WITHIN,
    ),
)
