"""Sharing a needed change at least cost (003, section 3.5): a QP in the participation factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimodels.arrays import Floats
from optimodels.errors import DataError
from optimodels.families.regulation.parameters import Participation
from optimodels.families.regulation.sharing.water_filling import participation
from optimodels.model import ExactAnswer, Formulation, Inputs

if TYPE_CHECKING:
    import cvxpy as cp
    import pyomo.environ as pyo


@dataclass(frozen=True)
class Change:
    """``change`` MW over resources (n,): ``slope`` $/(MW^2 h), ``limit`` MW, infinite for none."""

    change: float
    names: tuple[str, ...]
    slope: Floats
    limit: Floats

    @property
    def combined(self) -> float:
        """R = 1 / sum_i (1 / R_i), $/(MW^2 h): the slope of all resources together."""
        return 1.0 / float(np.sum(1.0 / self.slope))

    @property
    def weight(self) -> Floats:
        """R_i / R (n,)."""
        return np.asarray(self.slope / self.combined)

    @property
    def most(self) -> Floats:
        """The largest participation factors (n,) that limits allow; 0 allows none to no change."""
        size = abs(self.change)
        if size == 0:
            return np.where(self.limit > 0, np.inf, 0.0)
        return np.asarray(self.limit / size)


def read(inputs: Inputs) -> Change:
    """Read a case; its limits must be able to give the change."""
    given: Participation = inputs.parameters
    names = tuple(given.slopes)
    caps = np.array([given.caps.get(name, np.inf) for name in names])
    ramps = np.array([given.ramps.get(name, np.inf) * given.minutes for name in names])
    limit = np.minimum(caps, ramps)
    found = Change(given.change, names, np.array(list(given.slopes.values())), limit)
    if limit.sum() < abs(given.change) or not limit.any():
        parts = [
            f"{name} {size:g} MW ({'cap' if cap <= ramp else 'ramp'})"
            for name, size, cap, ramp in zip(names, limit, caps, ramps, strict=True)
        ]
        said = ", ".join(parts[:8]) + (f" and {len(parts) - 8} more" if len(parts) > 8 else "")
        raise DataError(
            "parameters.caps" if (caps <= ramps).any() else "parameters.ramps",
            f"resources give {limit.sum():g} MW of the {abs(given.change):g} MW needed: {said}",
        )
    return found


def in_pyomo(asked: Change) -> pyo.ConcreteModel:
    """State the QP in Pyomo."""
    import pyomo.environ as pyo

    weight, most = asked.weight.tolist(), asked.most.tolist()
    model = pyo.ConcreteModel("participation")
    model.resource = pyo.RangeSet(0, len(weight) - 1)
    model.share = pyo.Var(
        model.resource, bounds=lambda _, i: (0, most[i] if np.isfinite(most[i]) else None)
    )
    share = model.share
    model.cost = pyo.Objective(
        expr=pyo.quicksum(weight[i] / 2 * share[i] ** 2 for i in model.resource)
    )
    model.needed = pyo.Constraint(expr=pyo.quicksum(share[i] for i in model.resource) == 1)
    return model


def in_cvxpy(asked: Change) -> cp.Problem:
    """State the QP in CVXPY."""
    import cvxpy as cp

    weight, most = asked.weight, asked.most
    share = cp.Variable(len(weight), name="share", bounds=[np.zeros(len(weight)), most])
    needed = cp.sum(share) == 1
    needed.set_label("needed")
    return cp.Problem(cp.Minimize(weight @ cp.square(share) / 2), [needed])


def exact(asked: Change) -> ExactAnswer:
    """Fill the limits in the order in which a rising price reaches them."""
    found = participation(1.0, asked.weight, asked.most)
    return ExactAnswer(
        values={"share": found.response},
        objective=float(found.cost),
        duals={"needed": np.asarray(found.price)},
    )


FORMULATION = Formulation(
    name="participation",
    problem_class="QP",
    source="003, section 3.5; its formulas are lost in print, derived here; limits are ours",
    pyomo=in_pyomo,
    cvxpy=in_cvxpy,
    exact=exact,
    axes={"share": ("resource",), "needed": ()},
    unit=lambda asked: f"x {asked.combined * asked.change**2:.6g} $/h",
    equations=(
        "dQ, R_i      change, MW; slopes of resource i, $/(MW^2 h)",
        "R            combined_slope: 1 / R = sum_i 1 / R_i",
        "rho_i        share: part of dQ from i; cap_i: caps, ramps x minutes, MW",
        "",
        "minimise    sum_i (R_i / R) rho_i^2 / 2                   cost by R dQ^2",
        "subject to  sum_i rho_i = 1                                       needed",
        "            0 <= rho_i <= cap_i / |dQ|                             share",
        "",
        "response: rho_i dQ, MW, at the marginal_price R_i rho_i dQ, $/MWh. price:",
        "R dQ times the shadow price of needed, $/MWh; cap_dual: how far that lies",
        "above marginal_price. cost: sum_i R_i response_i^2 / 2; payment: price dQ,",
        "$/h. Without limits rho_i = R / R_i and price_without_limits is R dQ; of",
        "supply and demand rho_S = R_D / (R_S + R_D), rho_D = R_S / (R_S + R_D).",
    ),
)
