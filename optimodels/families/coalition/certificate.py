"""Whether relaxed losses are true ones: the certificate that comes with every answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from optimodels.families.coalition.data import Branches, Floats, Instance
from optimodels.families.coalition.dispatch import Dispatch
from optimodels.families.coalition.groups import Groups
from optimodels.model import Outcome
from optimodels.result import Check, Solution

#: A loss may be above r y^2 by this part of the largest one, or of the unit of flows.
TIGHT = 1e-6

EQUATIONS = (
    "relaxation_gap = max_e (l_e - r_e y_e^2), at most 1e-6",
    "smallest_price_sum = min_e (lambda_i + lambda_j), twice the least multiplier",
)


def gap(branches: Branches, flow: Floats, loss: Floats) -> tuple[float, float]:
    """Return max(l - r y^2) and the largest r y^2, in the branches' unit."""
    true = branches.resistance * flow**2
    return float(np.max(loss - true, initial=0.0)), float(np.max(true, initial=0.0))


def tightness(
    instance: Instance, problem: Dispatch, main: Solution, before: tuple[Groups, Solution] | None
) -> Outcome:
    """Compare every loss with r y^2, public and private, also of the groups before a settlement.

    A relaxed answer that is not tight is a bound on the cost, not a dispatch: it stays unverified.
    """
    arrays: Mapping[str, Any] = main.arrays
    lossy = problem.public.where(problem.lossy)
    pairs = [(lossy, np.asarray(arrays["flow"])[problem.lossy], np.asarray(arrays["loss"]))]
    if "private_loss" in arrays:
        pairs.append((problem.private, arrays["private_flow"], arrays["private_loss"]))
    if before is not None and "private_loss" in before[1].arrays:
        own = before[1].arrays
        pairs.append((before[0].private, own["private_flow"], own["private_loss"]))
    found = [gap(*pair) for pair in pairs]
    widest = max(g for g, _ in found)
    largest = max(size for _, size in found)
    values = {"relaxation_gap": widest * problem.unit}
    price = main.duals.get("balance")
    if price is not None and len(price):
        sums = [
            price[branches.start] + price[branches.end]
            for branches in (lossy, problem.private)
            if len(branches)
        ]
        values["smallest_price_sum"] = float(min(one.min() for one in sums))
    check = Check.of("tightness", widest / max(1.0, largest), TIGHT)
    return Outcome("global optimum", (check,), {}, values, by="certificate", failed="unverified")
