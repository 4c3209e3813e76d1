"""Participation as values and a table of resources, with its own checks."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.regulation.sharing.allocation import Change
from optimodels.model import Answer, Done, Outcome
from optimodels.result import Check, Row

#: Gap within which verification calls a point optimal, and what it lets a row be off by.
_GAP = _ROW = 1e-6
#: Rounding, through a few sums; what is promised of a price, relative.
_EXACT, _AGREED = 1e-9, 1e-5


def closed_form(asked: Change, done: Done) -> Outcome:
    """Hold the solver's shares against a price of our own: what is filled at it, by bisection.

    The QP is strongly convex: a gap g leaves share i within sqrt(2 g R / R_i) of the optimum.
    """
    solution = done.solution("share")
    share, weight, most = solution.arrays["share"], asked.weight, asked.most
    low, high = 0.0, 1.0
    # Below the price of full limits; a limit may be the only one that is left.
    while np.minimum(high / weight, most).sum() < 1 and high < 1e300:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if np.minimum(middle / weight, most).sum() < 1:
            low = middle
        else:
            high = middle
    best = np.minimum(high / weight, most)
    near = _near(asked, best, high)
    checks = [
        Check.of("shares of the bisection add up to one", abs(float(best.sum()) - 1), _EXACT),
        Check.of("shares against the bisection, over what the gap allows",
                 float(np.max(np.abs(share - best) / near)), 1.0),
    ]  # fmt: skip
    right = all(check.passed for check in checks)
    if (best < most).any():
        off = abs(_price(asked, share) - high) / high
        checks.append(Check.of("price against the bisection, of the price", off, _AGREED))
    # Right within its gap, a solver may still be too coarse for the price.
    return Outcome("global optimum", tuple(checks), {"share": best}, {}, by="exact",
                   failed="unverified" if right else "refuted")  # fmt: skip


def _near(asked: Change, share: Floats, price: float) -> Floats:
    """How far (n,) a gap leaves shares from the optimum: sqrt(2 g R / R_i)."""
    gap = _GAP * max(1.0, float(asked.weight @ share**2) / 2) + _ROW * max(1.0, price)
    return np.asarray(np.sqrt(2 * gap / asked.weight) + _ROW)


def _price(asked: Change, share: Floats) -> float:
    """The price in R dQ that shares show: what is not full gives it together, by its slopes.

    No dual is asked: some solvers have none, and marginal prices of single shares are as far off as
    the root of the gap. Their errors cancel in the sum, which a row holds to one.
    """
    marginal = asked.weight * share
    open_ = share < asked.most - _near(asked, share, float(marginal.max()))
    if not open_.any():
        open_ = share < asked.most * (1 - _ROW)
    if not open_.any():
        return float(marginal.max())
    return float(share[open_].sum() / np.sum(1 / asked.weight[open_]))


def report(asked: Change, done: Done) -> Answer:
    """The price of regulation, its cost, and what each resource gives."""
    solution = done.solution("share")
    size = asked.combined * asked.change
    price = _price(asked, solution.arrays["share"])
    # At one price: closer to it than a solver's own shares.
    share = np.minimum(price / asked.weight, asked.most)
    marginal, response = asked.weight * share, share * asked.change
    rows: list[Row] = []
    for i, name in enumerate(asked.names):
        limit = float(asked.limit[i])
        rows.append(
            {
                "resource": name,
                "slope": float(asked.slope[i]),
                "limit": limit if np.isfinite(limit) else None,
                "share": float(share[i]),
                "response": float(response[i]) + 0.0,
                "marginal_price": float(marginal[i] * size) + 0.0,
                "cap_dual": max(0.0, (price - float(marginal[i])) * abs(size)),
                "share_without_limits": float(1 / asked.weight[i]),
            }
        )
    scale = asked.combined * asked.change**2
    cost = float(asked.slope @ response**2) / 2
    values: dict[str, Any] = {
        "price": price * size,
        "cost": cost,
        "payment": price * size * asked.change,
        "combined_slope": asked.combined,
        "price_without_limits": size,
    }
    notes = [
        "responses in MW, prices in $/MWh, slopes in $/(MW^2 h), cost and payment in $/h",
        "the price is that of regulation alone; the dispatch price P_C comes on top",
        "price and responses: of those that are not full together, at one price, from the "
        "solver's shares",
    ]
    if asked.change == 0:
        notes.append("no change is needed: shares are those of a small one")
    bound = None if solution.bound is None else solution.bound * scale
    return Answer(values, {"resources": rows}, tuple(notes), objective=cost, bound=bound)
