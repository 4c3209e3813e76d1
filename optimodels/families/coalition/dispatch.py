"""Least cost of supply over the public and the private network, with quadratic losses.

The integrated and the cooperative model, and the settlement of what groups or traders leave, are
this one problem: with free transport, with physics, and with physics and no private branches.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.coalition.data import Branches, Instance, components
from optimodels.model import Vectors

if TYPE_CHECKING:
    import cvxpy as cp
    import pyomo.environ as pyo

#: L of the cones, in the unit of flows. Any gives the same cone; at 1, far above most losses,
#: interior points take half as many steps again and stop short on every third small network.
TYPICAL_LOSS = 0.1


@dataclass(frozen=True)
class Dispatch:
    """Injections (n,) to be balanced over branches, by import or export at the ``grid`` buses.

    All powers are in multiples of ``unit`` pu, and resistances times it: l = r y^2 holds in any
    unit. ``physics``: public flow is b times the difference of angles. ``loss_price`` on every
    loss makes them tight where surplus has no value. ``number`` and ``group`` (n,) of the buses
    are for messages.
    """

    injection: Floats
    grid: Ints
    import_price: float
    export_price: float
    public: Branches
    private: Branches
    physics: bool
    unit: float
    number: Ints
    group: Ints
    loss_price: float = 0.0

    @property
    def buses(self) -> int:
        return len(self.injection)

    @cached_property
    def lossy(self) -> Ints:
        """Public branches with a resistance: only these have a loss to be found."""
        return np.flatnonzero(self.public.resistance > 0)

    @cached_property
    def references(self) -> Ints:
        """One bus of each part of the public network, whose angle is 0."""
        part = components(self.buses, self.public)
        first = np.unique(part, return_index=True)[1]
        kept = first[~np.isin(part[first], part[self.grid])]
        ours = self.grid[np.unique(part[self.grid], return_index=True)[1]]
        return np.concatenate([ours, kept]).astype(np.int64)

    @property
    def free_trade(self) -> bool:
        """Whether a pu costs the same both ways: then only net imports are determined."""
        return self.import_price == self.export_price


def dispatch(
    instance: Instance,
    *,
    physics: bool,
    injection: Floats | None = None,
    private: bool = True,
) -> Dispatch:
    """Take the problem from a case: of all endowments, or of given injections (n,) in pu."""
    unit = instance.unit
    none = np.zeros(0, dtype=np.int64)
    wires = instance.private if private else instance.private.where(none)
    return Dispatch(
        injection=(instance.endowment if injection is None else injection) / unit,
        grid=instance.grid,
        import_price=float(instance.parameters.import_price),
        export_price=float(instance.parameters.export_price),
        public=_scaled(instance.public, unit),
        private=_scaled(wires, unit),
        physics=physics,
        unit=unit,
        number=instance.number,
        group=instance.groups(),
    )


def _scaled(branches: Branches, unit: float) -> Branches:
    return Branches(
        branches.start, branches.end, branches.resistance * unit, branches.susceptance / unit
    )


def in_cvxpy(data: Dispatch) -> cp.Problem:
    """State it with all losses in one cone: ||(2 sqrt(r) y, L - l/L)|| <= L + l/L."""
    return _in_cvxpy(data)


def vectors(data: Dispatch) -> Vectors:
    """Return what endowments and prices decide: the rest is the networks."""
    k = len(data.grid)
    moving = ("injection", "import_price", "export_price")
    rest = [getattr(data, field.name) for field in fields(data) if field.name not in moving]
    return Vectors(
        # At one price both ways the bounds of imports and exports are others.
        rest=(*rest, data.buses, data.free_trade),
        sides={"balance": -data.injection},
        costs={
            "imported": np.full(k, data.import_price),
            "exported": np.full(k, -data.export_price),
        },
    )


def least_shortage(data: Dispatch) -> Floats | None:
    """Return what would have to go unmet at every bus (n,), pu, where not all can be carried:
    the least in all; None where the solver has no answer."""
    import cvxpy as cp

    unmet = cp.Variable(data.buses, name="unmet", nonneg=True)
    try:
        _in_cvxpy(data, unmet).solve("CLARABEL")
    except cp.SolverError:
        return None
    return None if unmet.value is None else np.asarray(unmet.value) * data.unit


def _in_cvxpy(data: Dispatch, unmet: cp.Variable | None = None) -> cp.Problem:
    import cvxpy as cp

    n, m, f = data.buses, len(data.public), len(data.private)
    flow = cp.Variable(m, name="flow")
    loss = cp.Variable(len(data.lossy), name="loss")
    low, high = _sides(data)
    imported = cp.Variable(len(data.grid), name="imported", bounds=[low, np.full(len(low), np.inf)])
    exported = cp.Variable(len(data.grid), name="exported", bounds=[np.zeros(len(low)), high])
    at_grid = _selection(data)
    heat = data.public.touching(n)[:, data.lossy] / 2
    left = at_grid @ (imported - exported) - data.public.incidence(n) @ flow - heat @ loss
    curved = cp.multiply(np.sqrt(data.public.resistance[data.lossy]), flow[data.lossy])
    lost = loss
    if f:
        private_flow = cp.Variable(f, name="private_flow")
        private_loss = cp.Variable(f, name="private_loss")
        left = left - data.private.incidence(n) @ private_flow
        left = left - data.private.touching(n) / 2 @ private_loss
        curved = cp.hstack([curved, cp.multiply(np.sqrt(data.private.resistance), private_flow)])
        lost = cp.hstack([lost, private_loss])
    if unmet is not None:
        left = left + unmet
    rows: list[Any] = [(left == -data.injection, "balance")]
    part = lost / TYPICAL_LOSS
    cone = cp.SOC(TYPICAL_LOSS + part, cp.vstack([2 * curved, TYPICAL_LOSS - part]), axis=0)
    rows.append((cone, "losses"))
    if data.physics:
        angle = cp.Variable(n, name="angle")
        bent = law(data)
        rows.append((flow - bent @ angle == 0, "physics"))
        rows.append((angle[data.references] == 0, "reference"))
    for row, name in rows:
        row.set_label(name)
    cost = data.import_price * cp.sum(imported) - data.export_price * cp.sum(exported)
    if data.loss_price:
        cost = cost + data.loss_price * cp.sum(lost)
    if unmet is not None:
        cost = cp.sum(unmet)
    return cp.Problem(cp.Minimize(cost), [row for row, _ in rows])


def in_pyomo(data: Dispatch) -> pyo.ConcreteModel:
    """State it in Pyomo, each loss at least r y^2."""
    return _in_pyomo(data, tight=False)


def tight_in_pyomo(data: Dispatch) -> pyo.ConcreteModel:
    """State it in Pyomo, each loss equal to r y^2."""
    return _in_pyomo(data, tight=True)


def _in_pyomo(data: Dispatch, tight: bool) -> pyo.ConcreteModel:
    import pyomo.environ as pyo

    n, f = data.buses, len(data.private)
    low, high = _sides(data)
    model = pyo.ConcreteModel("dispatch")
    model.flow = pyo.Var(range(len(data.public)), initialize=0.0)
    model.loss = pyo.Var(range(len(data.lossy)), initialize=0.0)
    grid = range(len(data.grid))
    model.imported = pyo.Var(grid, bounds=lambda _, k: (low[k], None), initialize=0.0)
    model.exported = pyo.Var(grid, bounds=lambda _, k: (0.0, high[k]), initialize=0.0)
    terms: list[list[Any]] = [[] for _ in range(n)]
    for k, bus in enumerate(data.grid.tolist()):
        terms[bus] += [model.imported[k], -model.exported[k]]
    _put(terms, data.public, model.flow)
    _put_losses(terms, data.public.where(data.lossy), model.loss)
    model.losses = pyo.ConstraintList()
    resistance = data.public.resistance[data.lossy].tolist()
    curves = [
        (model.loss[k], r, model.flow[e])
        for k, (e, r) in enumerate(zip(data.lossy.tolist(), resistance, strict=True))
    ]
    if f:
        model.private_flow = pyo.Var(range(f), initialize=0.0)
        model.private_loss = pyo.Var(range(f), initialize=0.0)
        _put(terms, data.private, model.private_flow)
        _put_losses(terms, data.private, model.private_loss)
        curves += [
            (model.private_loss[k], r, model.private_flow[k])
            for k, r in enumerate(data.private.resistance.tolist())
        ]
    for lost, r, through in curves:
        gap = r * through**2 - lost
        model.losses.add(gap == 0 if tight else gap <= 0)
    wanted = (-data.injection).tolist()
    model.balance = pyo.Constraint(range(n), rule=lambda _, i: pyo.quicksum(terms[i]) == wanted[i])
    if data.physics:
        model.angle = pyo.Var(range(n), initialize=0.0)
        b = data.public.susceptance.tolist()
        start, end = data.public.start.tolist(), data.public.end.tolist()
        model.physics = pyo.Constraint(
            range(len(data.public)),
            rule=lambda m, e: m.flow[e] - b[e] * (m.angle[start[e]] - m.angle[end[e]]) == 0,
        )
        zero = data.references.tolist()
        model.reference = pyo.Constraint(range(len(zero)), rule=lambda m, k: m.angle[zero[k]] == 0)
    cost = data.import_price * pyo.quicksum(model.imported.values())
    cost = cost - data.export_price * pyo.quicksum(model.exported.values())
    if data.loss_price:
        cost = cost + data.loss_price * pyo.quicksum(lost for lost, _, _ in curves)
    model.cost = pyo.Objective(expr=cost)
    return model


def _put(terms: list[list[Any]], branches: Branches, through: Any) -> None:
    for k, (i, j) in enumerate(zip(branches.start.tolist(), branches.end.tolist(), strict=True)):
        terms[i].append(-through[k])
        terms[j].append(through[k])


def _put_losses(terms: list[list[Any]], branches: Branches, lost: Any) -> None:
    for k, (i, j) in enumerate(zip(branches.start.tolist(), branches.end.tolist(), strict=True)):
        terms[i].append(-0.5 * lost[k])
        terms[j].append(-0.5 * lost[k])


def _sides(data: Dispatch) -> tuple[Floats, Floats]:
    """Lower bounds of imports and upper bounds of exports: at one price both ways, imports alone,
    of either sign, or the two would be undetermined without end."""
    k = len(data.grid)
    if data.free_trade:
        return np.full(k, -np.inf), np.zeros(k)
    return np.zeros(k), np.full(k, np.inf)


def _selection(data: Dispatch) -> Any:
    from scipy import sparse

    k = len(data.grid)
    places = (data.grid, np.arange(k))
    return sparse.csr_array(sparse.coo_array((np.ones(k), places), shape=(data.buses, k)))


def law(data: Dispatch) -> Any:
    """Return diag(b) A' (m, n), which takes angles to public flows."""
    from scipy import sparse

    bent = sparse.diags_array(data.public.susceptance) @ data.public.incidence(data.buses).T
    return sparse.csr_array(bent)
