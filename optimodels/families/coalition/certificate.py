"""Whether relaxed losses are true ones: the certificate that comes with every answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.coalition.data import Branches
from optimodels.families.coalition.dispatch import Dispatch
from optimodels.families.coalition.groups import Groups
from optimodels.model import Done, Outcome
from optimodels.result import Check, Solution

#: A loss may be above r y^2 by this part of the largest one, or of the unit of flows.
TIGHT = 1e-6

#: What a loss costs, of an import, where surplus has no value and the relaxation is mended.
LOSS_PRICE = 1e-2

EQUATIONS = (
    "Losses are true ones where the cones are tight. lambda_i: shadow price of",
    "balance at bus i, price per pu; half of lambda_i + lambda_j is what the row",
    "l_e >= r_e y_e^2 of branch e from i to j is worth: above 0 it is tight.",
    "Ours.",
    "",
    "relaxation_gap = max (l - r y^2), pu, over public and private branches; at",
    "    most 1e-6 of the largest r y^2, or of the unit in which flows are found",
    "smallest_price_sum = min (lambda_i + lambda_j) over branches with losses",
    "",
    "Where they are not tight, losses get a price (mended), and its cost must be",
    "within 1e-6 of the first one's, relaxed_cost, which no dispatch goes below.",
)


def is_tight(problem: Dispatch, solution: Solution) -> bool:
    """Whether all losses of a dispatch are true ones."""
    widest, largest = _gaps(problem, solution)
    return widest <= TIGHT * max(1.0, largest)


def tightness(
    problem: Dispatch, stage: str, done: Done, before: tuple[Groups, Solution] | None
) -> Outcome:
    """Compare every loss with r y^2, public and private, also of the groups before a settlement.

    A relaxed answer that is not tight is a bound on the cost, not a dispatch. With a price on
    losses it may be mended: what is then within the tolerance of the bound is an optimum. Without
    that the result stays unverified.
    """
    relaxed = done.solution(stage)
    main = chosen(done, stage)
    widest, largest = _gaps(problem, main)
    values = {"relaxation_gap": widest * problem.unit}
    if before is not None and "private_loss" in before[1].arrays:
        own = before[1].arrays
        other = _gap(before[0].private, own["private_flow"], own["private_loss"])
        widest, largest = max(widest, other[0]), max(largest, other[1])
        values["relaxation_gap"] = widest * problem.unit
    price = main.duals.get("balance")
    if price is not None and len(price):
        sums = [
            price[branches.start] + price[branches.end]
            for branches in (problem.public.where(problem.lossy), problem.private)
            if len(branches)
        ]
        values["smallest_price_sum"] = float(min(one.min() for one in sums))
    checks = [Check.of("tightness", widest / max(1.0, largest), TIGHT)]
    if main is not relaxed:
        # The value of the relaxation is the bound; no dispatch can cost less.
        bound, found = relaxed.objective or 0.0, cost(problem, main)
        checks.append(
            Check.of("cost above the bound", (found - bound) / max(1.0, abs(bound)), TIGHT)
        )
        values["relaxed_cost"] = bound * problem.unit
    return Outcome(
        "global optimum", tuple(checks), {}, values, by="certificate", failed="unverified"
    )


def chosen(done: Done, stage: str) -> Solution:
    """Return the dispatch to be reported: the mended one where there is one."""
    mended = done.solutions.get("mended")
    if mended and all(solution.has_point for solution in mended.values()):
        return done.solution("mended")
    return done.solution(stage)


def cost(problem: Dispatch, solution: Solution) -> float:
    """Return what imports cost less what exports bring, in the problem's unit."""
    bought, sold = (float(np.sum(solution.arrays[name])) for name in ("imported", "exported"))
    return problem.import_price * bought - problem.export_price * sold


def _gaps(problem: Dispatch, solution: Solution) -> tuple[float, float]:
    arrays: Mapping[str, Any] = solution.arrays
    lossy = problem.public.where(problem.lossy)
    found = [_gap(lossy, np.asarray(arrays["flow"])[problem.lossy], arrays["loss"])]
    if "private_loss" in arrays:
        found.append(_gap(problem.private, arrays["private_flow"], arrays["private_loss"]))
    return max(g for g, _ in found), max(size for _, size in found)


def _gap(branches: Branches, flow: Floats, loss: Floats) -> tuple[float, float]:
    """Return max(l - r y^2) and the largest r y^2, in the branches' unit."""
    true = branches.resistance * flow**2
    return float(np.max(loss - true, initial=0.0)), float(np.max(true, initial=0.0))
