"""Participation as values and a table of resources, with its own checks."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from optimodels.families.regulation.sharing.allocation import Change
from optimodels.model import Answer, Done, Outcome
from optimodels.result import Check, Row

#: Gap within which verification calls a point optimal, and what it lets a row be off by.
_GAP = _ROW = 1e-6
#: Rounding, through a few sums.
_EXACT = 1e-9


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
    gap = _GAP * max(1.0, float(weight @ best**2) / 2) + _ROW * max(1.0, high)
    near = np.sqrt(2 * gap / weight) + _ROW
    checks = [
        Check.of("shares of the bisection add up to one", abs(float(best.sum()) - 1), _EXACT),
        Check.of("shares against the bisection, over what the gap allows",
                 float(np.max(np.abs(share - best) / near)), 1.0),
    ]  # fmt: skip
    open_ = best < most
    if open_.any():
        # Open resources together have the curvature 1 / sum(R / R_i): a dual within the gap.
        reach = sqrt(2 * gap / float(np.sum(1 / weight[open_]))) + _ROW * max(1.0, high)
        price = _price(solution)
        if price is not None:
            checks.append(Check.of("price against the bisection, likewise",
                                   abs(price - high) / reach, 1.0))  # fmt: skip
    return Outcome("global optimum", tuple(checks), {"share": best}, {}, by="exact")


def report(asked: Change, done: Done) -> Answer:
    """The price of regulation, its cost, and what each resource gives."""
    solution = done.solution("share")
    share, size = solution.arrays["share"], asked.combined * asked.change
    marginal = asked.weight * share
    dual = _price(solution)
    # Without multipliers the price is the marginal price of the resources that are not full.
    open_ = share < asked.most * (1 - _ROW)
    price = (
        dual
        if dual is not None
        else float(marginal[open_].mean() if open_.any() else marginal.max())
    )
    response = share * asked.change
    rows: list[Row] = []
    for i, name in enumerate(asked.names):
        limit = float(asked.limit[i])
        full = not bool(open_[i])
        rows.append(
            {
                "resource": name,
                "slope": float(asked.slope[i]),
                "limit": limit if np.isfinite(limit) else None,
                "share": float(share[i]),
                "response": float(response[i]) + 0.0,
                "marginal_price": float(marginal[i] * size) + 0.0,
                "cap_dual": max(0.0, (price - float(marginal[i])) * abs(size)) if full else 0.0,
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
    ]
    if asked.change == 0:
        notes.append("no change is needed: shares are those of a small one")
    bound = None if solution.bound is None else solution.bound * scale
    return Answer(values, {"resources": rows}, tuple(notes), objective=cost, bound=bound)


def _price(solution: Any) -> float | None:
    """The shadow price of the change, in R dQ."""
    found = solution.duals.get("needed")
    return None if found is None else float(np.asarray(found).item())
