"""The cooperative dispatch and the settlement by Newton's method on the network's equations.

With l = r y^2 put in, what is left of the optimality conditions are the balances and the
stationarity of the angles, in angles and prices; a private flow follows from the prices at its
ends, h = (lambda_j - lambda_i) / (r (lambda_i + lambda_j)).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.errors import UnavailableError
from optimodels.families.coalition.data import Branches
from optimodels.families.coalition.dispatch import Dispatch, law
from optimodels.model import ExactAnswer

#: Newton ends where balances and stationarity are this small beside the largest flow.
_PRECISION = 1e-12
_MOST_STEPS = 60
#: Rows are exchanged where a pivot is below this part of its column: at 0 digits are lost.
_EXCHANGE = 1e-3
#: The closest that private flows are found within one step, and in how many turns.
_FORCING = 1e-10
_MOST_TURNS = 100
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
    """Balances ``left`` and stationarity ``pull`` (n,) of angles and prices (n,).

    W = b r (lambda_i + lambda_j) b over branches, T the derivative of balances by angles, G that
    of balances by private flows, D^-1 = s (lambda_i + lambda_j) of private lines. Newton's step is
    W da + T dl = -pull and T' da + G dh = -left with dh = -D G' dl. Where every part of the network
    has one grid bus, T is square, with few entries, and what is left is in private flows alone.
    """

    def __init__(self, data: Dispatch) -> None:
        n = data.buses
        self.data = data
        self.r, self.s = data.public.resistance, data.private.resistance
        self.free_price = np.setdiff1d(np.arange(n), data.grid)
        self.free_angle = np.setdiff1d(np.arange(n), data.references)
        self.square = np.array_equal(self.free_price, self.free_angle)
        self.stiffest = max(1.0, float(np.abs(data.public.susceptance).max(initial=0.0)))
        # Where the free buses stand among themselves; others in one place behind them.
        self.place = np.full(n, len(self.free_price))
        self.place[self.free_price] = np.arange(len(self.free_price))

    def state(self, angle: Floats, price: Floats) -> _State:
        data = self.data
        flow = data.public.susceptance * _difference(data.public, angle)
        inside = -_difference(data.private, price) / (self.s * _sum(data.private, price))
        left = _at_ends(data.public, flow, self.r * flow**2, data.buses) - data.injection
        left += _at_ends(data.private, inside, self.s * inside**2, data.buses)
        return _State(angle, price, flow, inside, left, self._bent(stress(data, flow, price)))

    def _bent(self, through: Floats) -> Floats:
        """Return A diag(b) x (n,) of a vector on public branches (m,)."""
        public = self.data.public
        return _at_ends(public, public.susceptance * through, None, self.data.buses)

    def step(self, at: _State) -> tuple[Floats, Floats] | None:
        """Return Newton's step of angles and prices, None where the equations are singular."""
        try:
            found = self._reduced(at) if self.square else None
            # What once does not come to an end will not do so in the next step.
            self.square = found is not None
            found = found or self._joint(at)
        except RuntimeError:
            return None
        return found if all(np.isfinite(part).all() for part in found) else None

    def _reduced(self, at: _State) -> tuple[Floats, Floats] | None:
        """Take the step by private flows; None where its iterations do not come to an end."""
        from scipy.sparse.linalg import LinearOperator, cg

        data, free = self.data, self.free_price
        n, wires = data.buses, data.private
        turn = _factored(self._turn(at))
        weight = self.r * _sum(data.public, at.price) * data.public.susceptance

        def solved(right: Floats, way: str) -> Floats:
            found = np.zeros(n)
            found[free] = turn.solve(right[free], way)
            return found

        def answers(unbalanced: Floats, pull: Floats) -> tuple[Floats, Floats]:
            angle = solved(-unbalanced, "T")
            return angle, solved(-pull - self._bent(weight * _difference(data.public, angle)), "N")

        if not len(self.s):
            return answers(at.left, at.pull)
        own = self.s * _sum(wires, at.price)
        warm = self.s * at.private_flow
        nothing = np.zeros(n)

        def lost(inside: Floats) -> Floats:
            return _at_ends(wires, inside, 2 * warm * inside, n)

        def gained(price: Floats) -> Floats:
            return _difference(wires, price) + warm * _sum(wires, price)

        def curved(inside: Floats) -> Floats:
            found: Floats = own * inside + gained(answers(lost(inside), nothing)[1])
            return found

        size = (len(own), len(own))
        # What is left of the balances by ending early is a hundredth of what they miss, and ever
        # less: steps stay those of Newton's method.
        error = self.error(at)
        most = float(np.sqrt(_at_ends(wires, 0 * own, 2 * own**-2, n).max()))
        inside, ended = cg(
            LinearOperator(size, matvec=curved, dtype=float),
            -gained(answers(at.left, at.pull)[1]),
            rtol=_FORCING,
            atol=0.01 * min(1.0, error) * error / most,
            maxiter=_MOST_TURNS,
            M=LinearOperator(size, matvec=self._softened, dtype=float),
        )
        return None if ended else answers(at.left + lost(inside), at.pull)

    def _softened(self, force: Floats) -> Floats:
        """Return private flows (f,) where public flow is free: near the physics, and one matrix
        of buses alone, so that it conditions the iteration."""
        wires = self.data.private
        own = 1.0 / (2 * self.s)
        pressed = _at_ends(wires, own * force, None, self.data.buses)
        price = np.zeros(self.data.buses)
        price[self.free_price] = self._free_transport.solve(pressed[self.free_price])
        found: Floats = own * (force - _difference(wires, price))
        return found

    @cached_property
    def _free_transport(self) -> Any:
        """The factored Laplacian of all lines, each with the conductance of its losses."""
        public, wires = self.data.public, self.data.private
        flat = np.where(self.r > 0, self.r, 1.0 / np.abs(public.susceptance))
        start, end = (
            np.concatenate([getattr(lines, side) for lines in (public, wires)])
            for side in ("start", "end")
        )
        soft = 1.0 / (2 * np.concatenate([flat, self.s]))
        return _factored(self._matrix(start, end, soft, -soft))

    def _turn(self, at: _State) -> Any:
        """Return T: b (e_i - e_j) ((1 + r y) e_i - (1 - r y) e_j)' over branches."""
        public = self.data.public
        warm = self.r * at.flow
        b = public.susceptance
        return self._matrix(public.start, public.end, b * (1 + warm), -b * (1 - warm))

    def _matrix(self, start: Ints, end: Ints, own: Floats, other: Floats) -> Any:
        """Return the sum over branches of (e_i - e_j) (own e_i + other e_j)', of free buses."""
        from scipy import sparse

        i, j, size = self.place[start], self.place[end], len(self.free_price)
        values = np.concatenate([own, other, -own, -other])
        at = np.concatenate([i, i, j, j]), np.concatenate([i, j, i, j])
        kept = (at[0] < size) & (at[1] < size)
        return sparse.csc_array(
            sparse.coo_array((values[kept], (at[0][kept], at[1][kept])), shape=(size, size))
        )

    def _joint(self, at: _State) -> tuple[Floats, Floats]:
        """Take the step of angles and prices at once."""
        from scipy import sparse

        data, n = self.data, self.data.buses
        i, j, diagonal = self.free_angle, self.free_price, sparse.diags_array
        bend, touch = law(data), data.public.touching(n)
        bent = bend.T @ diagonal(self.r * _sum(data.public, at.price)) @ bend
        turn = bend.T @ (data.public.incidence(n).T + diagonal(self.r * at.flow) @ touch.T)
        warm = diagonal(self.s * at.private_flow)
        along = data.private.incidence(n) + data.private.touching(n) @ warm
        soft = diagonal(1.0 / (self.s * _sum(data.private, at.price)))
        corner = -(along @ soft @ along.T)[j][:, j]
        across = sparse.csr_array(turn)[i][:, j]
        whole = sparse.block_array([[bent[i][:, i], across], [across.T, corner]], format="csc")
        found = _factored(whole).solve(-np.concatenate([at.pull[i], at.left[j]]))
        angle, price = np.zeros(n), np.zeros(n)
        angle[i], price[j] = found[: len(i)], found[len(i) :]
        return angle, price

    def error(self, at: _State) -> float:
        """The largest of balances and stationarity, the latter per unit of conductance."""
        return max(
            float(np.abs(at.left[self.free_price]).max(initial=0.0)),
            float(np.abs(at.pull[self.free_angle]).max(initial=0.0)) / self.stiffest,
        )


def _difference(branches: Branches, at_bus: Floats) -> Floats:
    found: Floats = at_bus[branches.start] - at_bus[branches.end]
    return found


def _sum(branches: Branches, at_bus: Floats) -> Floats:
    found: Floats = at_bus[branches.start] + at_bus[branches.end]
    return found


def _at_ends(branches: Branches, flow: Floats, loss: Floats | None, buses: int) -> Floats:
    """Return what leaves the buses (n,): flows, and half of the losses at each end."""
    half = 0.0 if loss is None else loss / 2
    out = np.bincount(branches.start, flow + half, buses)
    return np.asarray(out + np.bincount(branches.end, half - flow, buses))


def _factored(matrix: Any) -> Any:
    from scipy.sparse.linalg import splu

    # Nearly symmetric elimination: the pattern is symmetric, and little is exchanged.
    return splu(
        matrix,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=_EXCHANGE,
        options={"SymmetricMode": True},
    )


def stress(data: Dispatch, flow: Floats, price: Floats) -> Floats:
    """Return A' lambda + r y |A|' lambda (m,): what a unit of public flow costs beside its
    price."""
    warm = data.public.resistance * flow
    return _difference(data.public, price) + warm * _sum(data.public, price)


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
        raise UnavailableError("solver", "exact needs import_price and export_price above 0")
    if len(data.grid) > 1 and not data.free_trade:
        raise UnavailableError(
            "solver",
            "exact takes several grid buses only where import_price and export_price are equal",
        )
    equations = _Equations(data)
    at = _solved(equations)
    if at is None:
        raise UnavailableError(
            "solver",
            "exact found no flows that balance; another solver may, or prove that there are none",
        )
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
            "physics": stress(data, found.flow, found.price),
            "reference": np.zeros(len(data.references)),
        },
    )
