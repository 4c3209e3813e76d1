"""What groups on the private network do for their own profit, before the public settlement.

Groups are the components of the private network. They decide apart: their problems have nothing
in common, so that all of them are one problem here, whose optimum is the sum of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.coalition.data import Branches, Instance, cost_unit
from optimodels.families.coalition.dispatch import TYPICAL_LOSS
from optimodels.model import Formulation

if TYPE_CHECKING:
    import cvxpy as cp
    import pyomo.environ as pyo
    from scipy import sparse


@dataclass(frozen=True)
class Groups:
    """Agents (a,) of groups of two and more, in multiples of ``unit`` pu.

    ``bus`` and ``group`` (a,); ``endowment`` (a,); ``private`` branches between positions in
    these; ``meters`` positions of those who may exchange with the public network; ``loss``
    (a, a), block by group: x'Qx are the public losses of exchanges x of one group alone, none
    where the rule ignores them.
    """

    bus: Ints
    group: Ints
    endowment: Floats
    private: Branches
    meters: Ints
    loss: sparse.csr_array | None
    buy: float
    sell: float
    import_price: float
    unit: float

    @property
    def agents(self) -> int:
        return len(self.bus)


def groups(instance: Instance) -> Groups:
    """Take the groups' problem from a case, by its rule."""
    given, unit = instance.parameters, instance.unit
    label = instance.groups()
    joined = np.unique(np.concatenate([instance.private.start, instance.private.end]))
    place = np.full(instance.buses, -1, dtype=np.int64)
    place[joined] = np.arange(len(joined))
    wires = instance.private
    group = label[joined]
    quadratic = _loss_blocks(instance, joined, group)
    meters = np.arange(len(joined))
    if given.rule == "gateway":
        # The group is metered where alone it would cause the least losses per unit.
        own = quadratic.diagonal()
        order = np.lexsort((joined, own, group))
        meters = np.sort(order[np.unique(group[order], return_index=True)[1]])
    return Groups(
        bus=joined,
        group=group,
        endowment=instance.endowment[joined] / unit,
        private=Branches(
            place[wires.start], place[wires.end], wires.resistance * unit, wires.susceptance
        ),
        meters=meters,
        loss=quadratic * unit if given.rule == "own-loss" else None,
        buy=float(given.buy_tariff),
        sell=float(given.sell_tariff),
        import_price=float(given.import_price),
        unit=unit,
    )


def public_flows(instance: Instance, injections: Floats) -> Floats:
    """Return the public flows (m, k) of injections (n, k) that are met at the grid's bus."""
    from scipy import sparse
    from scipy.sparse.linalg import splu

    n, public = instance.buses, instance.public
    incidence = public.incidence(n)
    bent = sparse.csr_array(sparse.diags_array(public.susceptance) @ incidence.T)
    free = np.setdiff1d(np.arange(n), instance.grid)
    laplacian = sparse.csc_array((incidence @ bent)[free][:, free])
    angles = np.zeros(injections.shape)
    angles[free] = splu(laplacian).solve(injections[free])
    return np.asarray(bent @ angles)


def loss_matrix(instance: Instance) -> Floats:
    """Q = H' diag(r) H (n, n), pu: q'Qq are the public losses of injections q met at the grid's
    bus, to second order; H (m, n) is the flow per injection."""
    flows = public_flows(instance, np.eye(instance.buses))
    return np.asarray(flows.T @ (instance.public.resistance[:, None] * flows))


def _loss_blocks(instance: Instance, joined: Ints, group: Ints) -> sparse.csr_array:
    from scipy import sparse

    whole = loss_matrix(instance)[np.ix_(joined, joined)]
    whole[group[:, None] != group[None, :]] = 0.0
    return sparse.csr_array((whole + whole.T) / 2)


def in_cvxpy(data: Groups) -> cp.Problem:
    """State it; private losses are a price with the rule own-loss, else part of the balance."""
    import cvxpy as cp

    a, f = data.agents, len(data.private)
    flow = cp.Variable(f, name="private_flow")
    low, high = _sides(data)
    sold = cp.Variable(len(data.meters), name="sold", bounds=[low, np.full(len(low), np.inf)])
    bought = cp.Variable(len(data.meters), name="bought", bounds=[np.zeros(len(low)), high])
    profit = data.sell * cp.sum(sold) - data.buy * cp.sum(bought)
    left = _selection(data) @ (sold - bought) + data.private.incidence(a) @ flow
    rows: list[Any] = []
    if data.loss is not None:
        # A variable of its own: CVXPY would make one without a name.
        exchange = cp.Variable(len(data.meters), name="exchange")
        rows.append((exchange == sold - bought, "net"))
        lost = cp.quad_form(exchange, cp.psd_wrap(data.loss))
        lost = lost + cp.sum(cp.multiply(data.private.resistance, cp.square(flow)))
        profit = profit - data.import_price * lost
    else:
        loss = cp.Variable(f, name="private_loss")
        left = left + data.private.touching(a) / 2 @ loss
        curved = cp.multiply(2 * np.sqrt(data.private.resistance), flow)
        part = loss / TYPICAL_LOSS
        cone = cp.SOC(TYPICAL_LOSS + part, cp.vstack([curved, TYPICAL_LOSS - part]), axis=0)
        rows.append((cone, "losses"))
    rows.append((left == data.endowment, "balance"))
    for row, name in rows:
        row.set_label(name)
    return cp.Problem(cp.Maximize(profit), [row for row, _ in rows])


def in_pyomo(data: Groups) -> pyo.ConcreteModel:
    """State the same in Pyomo."""
    import pyomo.environ as pyo

    low, high = _sides(data)
    k, f = range(len(data.meters)), range(len(data.private))
    model = pyo.ConcreteModel("groups")
    model.private_flow = pyo.Var(f, initialize=0.0)
    model.sold = pyo.Var(k, bounds=lambda _, i: (low[i], None), initialize=0.0)
    model.bought = pyo.Var(k, bounds=lambda _, i: (0.0, high[i]), initialize=0.0)
    terms: list[list[Any]] = [[] for _ in range(data.agents)]
    for i, at in enumerate(data.meters.tolist()):
        terms[at] += [model.sold[i], -model.bought[i]]
    resistance = data.private.resistance.tolist()
    ends = list(zip(data.private.start.tolist(), data.private.end.tolist(), strict=True))
    for e, (i, j) in enumerate(ends):
        terms[i].append(model.private_flow[e])
        terms[j].append(-model.private_flow[e])
    profit = data.sell * pyo.quicksum(model.sold.values())
    profit = profit - data.buy * pyo.quicksum(model.bought.values())
    if data.loss is not None:
        model.exchange = pyo.Var(k, initialize=0.0)
        net = model.exchange
        model.net = pyo.Constraint(k, rule=lambda m, i: m.exchange[i] == m.sold[i] - m.bought[i])
        half = data.loss.tocoo()
        lost = pyo.quicksum(
            q * net[i] * net[j]
            for i, j, q in zip(
                half.row.tolist(), half.col.tolist(), half.data.tolist(), strict=True
            )
        )
        lost = lost + pyo.quicksum(resistance[e] * model.private_flow[e] ** 2 for e in f)
        profit = profit - data.import_price * lost
    else:
        model.private_loss = pyo.Var(f, initialize=0.0)
        for e, (i, j) in enumerate(ends):
            terms[i].append(0.5 * model.private_loss[e])
            terms[j].append(0.5 * model.private_loss[e])
        model.losses = pyo.Constraint(
            f,
            rule=lambda m, e: resistance[e] * m.private_flow[e] ** 2 - m.private_loss[e] <= 0,
        )
    wanted = data.endowment.tolist()
    model.balance = pyo.Constraint(
        range(data.agents), rule=lambda _, i: pyo.quicksum(terms[i]) == wanted[i]
    )
    model.profit = pyo.Objective(expr=profit, sense=pyo.maximize)
    return model


def _sides(data: Groups) -> tuple[Floats, Floats]:
    """Lower bounds of sales and upper bounds of purchases, as in ``dispatch``."""
    k = len(data.meters)
    if data.buy == data.sell:
        return np.full(k, -np.inf), np.zeros(k)
    return np.zeros(k), np.full(k, np.inf)


def _selection(data: Groups) -> Any:
    from scipy import sparse

    k = len(data.meters)
    places = (data.meters, np.arange(k))
    return sparse.csr_array(sparse.coo_array((np.ones(k), places), shape=(data.agents, k)))


_SOURCE = "reconstructed: 004, private self-interested"
_AXES = {
    "private_flow": ("private branch",),
    "private_loss": ("private branch",),
    "sold": ("meter",),
    "bought": ("meter",),
    "exchange": ("meter",),
    "net": ("meter",),
    "balance": ("agent",),
}


_AGENTS = (
    "Agent i generates g_i and needs d_i, pu on 100 MVA or a power of ten of it.",
    "At its meter it sells out_i = sold and buys in_i = bought, not below 0, at",
    "the tariff s (sell_tariff) and b (buy_tariff), price per pu; where b = s,",
    "out_i has either sign and in_i = 0. h_f = private_flow in the middle of a",
    "private branch f of resistance r_f; B: 1 where it starts, -1 where it ends.",
    "",
)


def _unit(data: Groups) -> str:
    return cost_unit(data.unit)


OWN_LOSS = Formulation(
    name="groups-own-loss",
    problem_class="QP",
    source=f"{_SOURCE}; the group's own public losses: ours",
    pyomo=in_pyomo,
    cvxpy=in_cvxpy,
    axes=_AXES,
    unit=_unit,
    equations=(
        *_AGENTS,
        "maximise    sum_i (s out_i - b in_i)",
        "                - pi (sum_f r_f h_f^2 + sum_G x_G' Q x_G)",
        "subject to  out_i - in_i + (B h)_i = g_i - d_i                   balance",
        "            x_i = out_i - in_i                                      net",
        "with        x = exchange, x_G of group G's agents; pi the import_price;",
        "            x'Q x: public losses of a group's exchange x alone, Q = H'R H",
        "            with H the public flow per injection that the grid's bus meets,",
        "            R the public branches' resistances",
        "",
        "Private losses r_f h_f^2 are a price here; half of them is then taken from",
        "the agent at each end before the settlement.",
    ),
)

TARIFF = Formulation(
    name="groups-tariff",
    problem_class="SOCP",
    source=_SOURCE,
    pyomo=in_pyomo,
    cvxpy=in_cvxpy,
    axes=_AXES,
    unit=_unit,
    equations=(
        *_AGENTS,
        "maximise    sum_i (s out_i - b in_i)",
        "subject to  out_i - in_i + (B h + |B| k / 2)_i = g_i - d_i       balance",
        "            k_f >= r_f h_f^2                                      losses",
        "with        k_f = private_loss, half at each end; gateway: only one agent",
        "            of each group has a meter, out_i = in_i = 0 at the others",
    ),
)
