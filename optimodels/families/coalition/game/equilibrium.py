"""Groups that each minimise their own bill: the equilibrium of a partition, and who gets what.

As what two groups lose together is shared half and half, all groups' bills have one potential:
their equilibrium is the only minimum of

    sum_i t(x_i) + buy [sum_f r h^2 + (x'Q x + sum_S x_S'Q x_S) / 2 + q'x],   x = e - B h

over the flows h inside groups (ours; a potential game in the sense of Monderer and Shapley 1996).
The meter's tariff is t(x) = max of -p x over prices p in [sell, buy], so its dual is a problem in
one price per agent alone, which a Newton method with an active set solves to the last digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.coalition.game.microgrid import Microgrid, Partition

#: Weight of the proximal term beside the largest curvature: keeps every step determined.
_PROXIMAL = 1e-7
#: Proximal steps, and changes of the active set within one, before giving up.
_STEPS, _CHANGES = 200, 500
#: What prices may still move by, over the greater tariff.
_SETTLED = 1e-13


@dataclass(frozen=True)
class Equilibrium:
    """What groups do: ``flow`` (k,) on their private ``branches`` (k,), ``exchange`` (n,).

    ``price`` (n,) is what a unit is worth at each meter, ``payoff`` by group and ``agent_payoff``
    (n,) by the prices in it; ``losses`` of all branches. ``gap`` is that of the potential and its
    dual, ``regret`` the most that a group could still gain per unit of flow on a branch.
    """

    branches: Ints
    flow: Floats
    exchange: Floats
    price: Floats
    payoff: Floats
    agent_payoff: Floats
    losses: float
    gap: float
    regret: float


def equilibrium(grid: Microgrid, partition: Partition) -> Equilibrium:
    """Return the equilibrium of a partition into groups."""
    branches, group = grid.inside(partition), grid.group_of(partition)
    b, r = grid.incidence(branches), grid.resistance[branches]
    together = group[:, None] == group[None, :]
    shared = grid.loss_matrix * (0.5 + 0.5 * together)
    curvature = 2 * grid.buy * (np.diag(r) + b.T @ shared @ b)
    # The flows of given prices are curvature^-1 B'(offset - p).
    offset = 2 * grid.buy * shared @ grid.endowment + grid.buy * grid.base_losses
    answer = np.linalg.solve(curvature, b.T) if len(branches) else np.zeros((0, grid.agents))
    price = _prices(grid, b @ answer, offset)
    flow = answer @ (offset - price)
    exchange = grid.endowment - b @ flow
    return _told(grid, group, branches, flow, exchange, price)


def _prices(grid: Microgrid, response: Floats, offset: Floats) -> Floats:
    """Maximise the dual -p'e - (p - offset)'K(p - offset) / 2 over the box, K the response.

    K is singular where no price is at a bound in a whole component, so steps are proximal.
    """
    low, high = grid.sell, grid.buy
    price = np.where(grid.endowment < 0, high, low)
    if low == high or not response.any():
        return price
    size = _PROXIMAL * float(np.diag(response).max())
    matrix = response + size * np.eye(len(price))
    for _ in range(_STEPS):
        before = price
        # The gradient at p is this minus matrix p.
        right = response @ offset - grid.endowment + size * before
        price = _box(matrix, right, before, low, high)
        if np.abs(price - before).max() <= _SETTLED * high:
            break
    return price


def _box(matrix: Floats, right: Floats, start: Floats, low: float, high: float) -> Floats:
    """Minimise p'M p / 2 - right'p over a box, M positive definite, by a primal active set."""
    p, slack = start.copy(), 1e-14 * max(1.0, float(np.abs(right).max()))
    free = (p > low) & (p < high)
    for _ in range(_CHANGES):
        while free.any():
            fixed = ~free
            best = np.linalg.solve(
                matrix[np.ix_(free, free)], right[free] - matrix[np.ix_(free, fixed)] @ p[fixed]
            )
            step = best - p[free]
            room = np.where(step > 0, high - p[free], low - p[free])
            with np.errstate(divide="ignore", invalid="ignore"):
                part = np.where(step == 0, np.inf, room / step)
            most = float(part.min())
            if most >= 1:
                p[free] = best
                break
            places = np.flatnonzero(free)
            p[places] += most * step
            stopped = part == most
            p[places[stopped]] = np.where(step[stopped] > 0, high, low)
            free[places[stopped]] = False
        pull = right - matrix @ p
        gain = np.where(free, 0.0, np.where(p <= low, pull, -pull))
        worst = int(gain.argmax())
        if gain[worst] <= slack:
            break
        free[worst] = True
    return p


def _told(
    grid: Microgrid, group: Ints, branches: Ints, flow: Floats, exchange: Floats, price: Floats
) -> Equilibrium:
    """Bills, prices and what they are checked by, from flows on branches; Q takes no part."""
    r, public = grid.resistance[branches], grid.public_resistance
    own = np.zeros((len(public), int(group.max()) + 1))
    np.add.at(own.T, group, (grid.flow * exchange).T)
    total = grid.base_flow + own.sum(axis=1)
    charged = grid.tariff(exchange)
    heat = r * flow**2
    # Of a group: its meters, its branches' losses, its part of the public ones.
    cost = np.bincount(group, charged) + grid.buy * (public * total) @ own
    cost += grid.buy * np.bincount(group[grid.start[branches]], heat, len(cost))
    # What a unit more of each agent's endowment would bring its group, others as they are.
    pressed = (public[:, None] * (total[:, None] + own))[:, group]
    worth = price - grid.buy * np.einsum("bn,bn->n", grid.flow, pressed)
    ends = (grid.start[branches], grid.end[branches])
    rise = worth[ends[1]] - worth[ends[0]] - 2 * grid.buy * r * flow
    rent = np.einsum("bn,bn->n", grid.flow, (public[:, None] * own)[:, group]) * exchange
    for side in ends:
        np.add.at(rent, side, heat / 2)
    return Equilibrium(
        branches=branches,
        flow=flow,
        exchange=exchange,
        price=price,
        payoff=-cost,
        agent_payoff=worth * grid.endowment + grid.buy * rent,
        losses=float(heat.sum() + public @ total**2),
        gap=float((charged + price * exchange).sum()),
        regret=float(np.abs(rise).max(initial=0.0)),
    )
