"""The q-exponential that is nearest to an expected supply curve (002, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.supply.fitting.curves import Q_EXPONENTIAL
from optimodels.families.supply.fitting.examination import (
    NOT_NOISE,
    UNCERTAIN,
    checks_of,
    evidence_of,
    region,
)
from optimodels.families.supply.fitting.least_squares import Fit
from optimodels.families.supply.fitting.q_exponential_problems import Anchored, Points, all_starts
from optimodels.families.supply.fitting.sample import Sample
from optimodels.result import Check, Row

#: Prices that differ by less than this part of the highest are one price.
_CONSTANT = 1e-12
#: log(1 - s) below which a curve is a power law: interior-point methods stop short of the bound.
_LEAST_ROOM = float(np.log(1e-7))
_WITHIN = "lower sum of squares within a power law"


@dataclass(frozen=True)
class Nearest:
    """The fitted curve (m,) with its parameters, the checks of its optimality, and notes.

    ``intervals`` has a row per parameter of the anchored form: value, standard error and
    confidence interval. ``theta`` (2,) is the fit.
    """

    objective: float
    fitted: Floats
    values: dict[str, Any]
    checks: tuple[Check, ...]
    intervals: list[dict[str, Any]] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    theta: Floats | None = None


def points(prices: Floats, units: int) -> tuple[Floats, Floats]:
    """Return x_k = k - 1/2 and the price of the k-th unit, (n r,): each firm's stands r times.

    002's abscissae are lost in print; k - 1/2 is recovered from its tables (k and k - 1 are
    ruled out).
    """
    y = np.repeat(prices, units)
    return np.arange(0.5, len(y)), y


def problems(x: Floats, y: Floats) -> dict[str, Points]:
    """Return the fit's problems by start: none for fewer than three points or a constant curve."""
    return {} if len(x) < 3 or _is_constant(y) else all_starts(x, y)


def nearest(x: Floats, y: Floats, found: Sequence[Anchored]) -> Nearest | None:
    """Examine the best of the fits a exp_q(b x) that solvers found for points x, y (m,).

    None where there is none, as for fewer than three points.
    """
    if len(x) >= 3 and _is_constant(y):
        return _constant(y)
    if not found:
        return None
    best = min(found, key=lambda one: one.objective)
    power_law = bool(best.theta[0] < _LEAST_ROOM)
    theta = np.array([-np.inf if power_law else best.theta[0], best.theta[1]])
    linear = np.array([best.price])
    curve = Q_EXPONENTIAL.basis(x, theta) @ linear
    objective = float(np.sum((curve - y) ** 2))
    fitted = Fit(Q_EXPONENTIAL, theta, linear, curve, objective)
    values = Q_EXPONENTIAL.parameters(x, theta, linear)
    sample = Sample.plain(x, y)
    shown, _ = evidence_of(fitted, sample)
    checks = checks_of(shown, sample, fitted, ("q", "log a", "log b"), _WITHIN)
    told = region(sample, Q_EXPONENTIAL.reported(x, theta, linear), shown.prices, shown.loss)
    values["conditioning"] = told.conditioning
    intervals = list(told.intervals)
    if power_law and intervals:
        intervals.append(_of_power_law(intervals[1], float(x[-1])))
    notes = []
    q = values["q"]
    if power_law:
        notes.append(
            f"the nearest q-exponential is a power law: b grows without end, the price is "
            f"x^{1 / (1 - q):.6g}, q = 1 - 1/{1 / (1 - q):.6g}"
        )
    if told.conditioning > UNCERTAIN:
        notes.append(
            "the curve says next to nothing about one of the parameters (see conditioning): other "
            "values fit as well"
        )
    if intervals:
        notes.append(NOT_NOISE)
    return Nearest(shown.loss, shown.prices, values, checks, intervals, tuple(notes), theta)


def _of_power_law(rate: Row, last: float) -> Row:
    """The interval of q = 1 - 1 / (rate x_m), by that of the rate."""
    slope = 1.0 / (rate["value"] ** 2 * last)
    q = 1.0 - 1.0 / (rate["value"] * last)
    sides = {name: q + slope * (rate[name] - rate["value"]) for name in ("lower_95", "upper_95")}
    return {
        "parameter": "q", "value": q, "standard_error": slope * rate["standard_error"], **sides
    }  # fmt: skip


def _is_constant(y: Floats) -> bool:
    return bool(np.ptp(y) <= _CONSTANT * float(np.max(y)))


def _constant(y: Floats) -> Nearest:
    """All bids at one price: any q does with b = 0."""
    price = float(np.mean(y))
    values = {"q": None, "anchor_price": price, "anchor_rate": 0.0, "a": price, "b": 0.0,
              "log_a": float(np.log(price)), "power_law": False, "conditioning": None}  # fmt: skip
    check = Check.of("constant curve", float(np.ptp(y)) / price, _CONSTANT)
    note = "the curve is constant: every q with b = 0 is this curve, so q cannot be told"
    fitted = np.full(len(y), price)
    return Nearest(float(np.sum((y - price) ** 2)), fitted, values, (check,), notes=(note,))
