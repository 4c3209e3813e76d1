"""The cooperative dispatch and the settlement by Newton's method on the network's equations.

With l = r y^2 put in, what is left of the optimality conditions are the balances and the
stationarity of the angles, in angles and prices; a private flow follows from the prices at its
ends, h = (lambda_j - lambda_i) / (r (lambda_i + lambda_j)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.errors import UnavailableError
from optimodels.families.coalition.dispatch import Dispatch, law
from optimodels.model import ExactAnswer

#: Newton ends where balances and stationarity are this small beside the largest flow.
_PRECISION = 1e-12
_MOST_STEPS = 60
#: Rows are exchanged where a pivot is below this part of its column: at 0 digits are lost.
_EXCHANGE = 1e-3
#: Below this part of a step the iteration has no way down.
_SHORTEST = 2.0**-20


@dataclass(frozen=True)
class Supply:
    """A dispatch in the unit of its problem: ``net`` (k,) imports less exports at the grid's
    buses, ``flow`` (m,), ``private_flow`` (f,), ``angle`` (n,), ``price`` (n,) and ``cost``."""

    net: Floats
    flow: Floats
    private_flow: Floats
    angle: Floats
    price: Floats
    cost: float


@dataclass(frozen=True)
class _State:
    angle: Floats
    price: Floats
    flow: Floats
    private_flow: Floats
    left: Floats
    pull: Floats


class _Equations:
    """Balances ``left`` and stationarity ``pull`` (n,) of angles and prices (n,)."""

    def __init__(self, data: Dispatch) -> None:
        from scipy import sparse

        n = data.buses
        self.data = data
        self.a, self.touch = data.public.incidence(n), data.public.touching(n)
        self.b, self.private_touch = data.private.incidence(n), data.private.touching(n)
        self.law = law(data)
        self.r, self.s = data.public.resistance, data.private.resistance
        self.free_price = np.setdiff1d(np.arange(n), data.grid)
        self.free_angle = np.setdiff1d(np.arange(n), data.references)
        self.diagonal = sparse.diags_array

    def state(self, angle: Floats, price: Floats) -> _State:
        flow = self.law @ angle
        inside = np.zeros(0)
        left = self.a @ flow + self.touch @ (self.r * flow**2) / 2 - self.data.injection
        if len(self.s):
            inside = -(self.b.T @ price) / (self.s * (self.private_touch.T @ price))
            left = left + self.b @ inside + self.private_touch @ (self.s * inside**2) / 2
        return _State(angle, price, flow, inside, left, self.law.T @ self.stress(flow, price))

    def stress(self, flow: Floats, price: Floats) -> Floats:
        """A' lambda + r y |A|' lambda (m,): what a unit of public flow costs beside its price."""
        found: Floats = self.a.T @ price + self.r * flow * (self.touch.T @ price)
        return found

    def step(self, at: _State) -> tuple[Floats, Floats] | None:
        """Return Newton's step of angles and prices, None where the equations are singular."""
        from scipy import sparse
        from scipy.sparse.linalg import splu

        i, j = self.free_angle, self.free_price
        weight = self.r * (self.touch.T @ at.price)
        bent = self.law.T @ self.diagonal(weight) @ self.law
        turn = self.law.T @ (self.a.T + self.diagonal(self.r * at.flow) @ self.touch.T)
        corner: Any = sparse.csr_array((len(j), len(j)))
        if len(self.s):
            along = self.b + self.private_touch @ self.diagonal(self.s * at.private_flow)
            soft = self.diagonal(1.0 / (self.s * (self.private_touch.T @ at.price)))
            corner = -(along @ soft @ along.T)[j][:, j]
        across = sparse.csr_array(turn)[i][:, j]
        whole = sparse.block_array([[bent[i][:, i], across], [across.T, corner]], format="csc")
        try:
            # Nearly symmetric elimination: the pattern is symmetric, and little is exchanged.
            factor = splu(
                whole,
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=_EXCHANGE,
                options={"SymmetricMode": True},
            )
            found = factor.solve(-np.concatenate([at.pull[i], at.left[j]]))
        except RuntimeError:
            return None
        if not np.isfinite(found).all():
            return None
        angle, price = np.zeros(len(at.angle)), np.zeros(len(at.price))
        angle[i], price[j] = found[: len(i)], found[len(i) :]
        return angle, price

    def error(self, at: _State) -> float:
        """The largest of balances and stationarity, the latter per unit of conductance."""
        i, j = self.free_angle, self.free_price
        size = max(1.0, float(np.abs(self.law).max())) if self.law.nnz else 1.0
        return max(
            float(np.abs(at.left[j]).max(initial=0.0)),
            float(np.abs(at.pull[i]).max(initial=0.0)) / size,
        )


def supply(data: Dispatch) -> Supply:
    """Solve a problem with physics.

    Prices are found per unit of the grid's: flows that need the least import are the best
    whatever it costs. Raises UnavailableError without physics, where surplus has no value, with
    several grid buses at two prices, or where no flows are found that balance.
    """
    if not data.physics:
        raise UnavailableError("solver", "exact solves the models with physics alone")
    if data.loss_price:
        raise UnavailableError("solver", "exact takes no price on losses")
    if min(data.import_price, data.export_price) <= 0:
        raise UnavailableError("solver", "exact needs prices above zero")
    if len(data.grid) > 1 and not data.free_trade:
        raise UnavailableError("solver", "exact takes several grid buses at one price only")
    equations = _Equations(data)
    at = _solved(equations)
    if at is None:
        raise UnavailableError("solver", "exact found no flows that balance")
    net = at.left[data.grid]
    level = data.import_price if net.sum() > 0 else data.export_price
    cost = float(level * net.sum())
    return Supply(net, at.flow, at.private_flow, at.angle, level * at.price, cost)


def _solved(equations: _Equations) -> _State | None:
    n = equations.data.buses
    size = max(1.0, float(np.abs(equations.data.injection).max(initial=0.0)))
    at = equations.state(np.zeros(n), np.ones(n))
    best = equations.error(at)
    for _ in range(_MOST_STEPS):
        if best <= _PRECISION * size:
            return at
        step = equations.step(at)
        if step is None:
            break
        length = 1.0
        while length >= _SHORTEST:
            price = at.price + length * step[1]
            if price.min() > 0:
                tried = equations.state(at.angle + length * step[0], price)
                error = equations.error(tried)
                if error < best:
                    break
            length /= 2
        else:
            break
        at, best = tried, error
    # Rounding ends it where numbers of very different size meet.
    return at if best <= 1e3 * _PRECISION * size else None


def exact(data: Dispatch) -> ExactAnswer:
    """Solve a problem and give its multipliers: prices, and those of the law of public flow."""
    found = supply(data)
    values = {
        "flow": found.flow,
        "loss": (data.public.resistance * found.flow**2)[data.lossy],
        "angle": found.angle,
        "imported": found.net if data.free_trade else np.maximum(found.net, 0.0),
        "exported": np.zeros(len(found.net)) if data.free_trade else np.maximum(-found.net, 0.0),
    }
    if len(data.private):
        values["private_flow"] = found.private_flow
        values["private_loss"] = data.private.resistance * found.private_flow**2
    return ExactAnswer(
        values,
        objective=found.cost,
        duals={
            "balance": found.price,
            "physics": _Equations(data).stress(found.flow, found.price),
            "reference": np.zeros(len(data.references)),
        },
    )
