"""The q-exponential that is nearest to an expected supply curve (002, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from optimodels.families.supply.curves import Q_EXPONENTIAL
from optimodels.families.supply.data import Floats
from optimodels.families.supply.fit_formulations import Anchored, Points, all_starts
from optimodels.families.supply.least_squares import Fit
from optimodels.families.supply.stationarity import evidence
from optimodels.result import Check

#: Prices that differ by less than this part of the highest are one price.
_CONSTANT = 1e-12
#: Part of the residuals along the curve's tangents at which a fit passes for stationary: the sum
#: of squares is then within its square, 1e-6, of the least one nearby.
_STATIONARY = 1e-3
#: Residuals below this part of the curve are those of a curve through all points.
_THROUGH = 1e-9
#: log(1 - s) below which a curve is a power law: interior-point methods stop short of the bound.
_LEAST_ROOM = float(np.log(1e-7))
#: So many rounding errors of the raw curve may stand between the two transcriptions.
_ROUNDINGS = 100.0
#: From this conditioning on the points say next to nothing about one of the parameters.
_UNCERTAIN = 1e6
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Nearest:
    """The fitted curve (m,) with its parameters, the checks of its optimality, and notes.

    ``intervals`` has a row per parameter of the anchored form: value, standard error and
    confidence interval.
    """

    objective: float
    fitted: Floats
    values: dict[str, Any]
    checks: tuple[Check, ...]
    intervals: list[dict[str, Any]] = field(default_factory=list)
    notes: tuple[str, ...] = ()


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
    values = dict(Q_EXPONENTIAL.parameters(x, theta, linear))
    values["power_law"] = power_law
    q, price = values["q"], values["anchor_price"]
    shown = evidence(x, y, values["log_a"], q, values["b"], price, values["anchor_rate"])
    floor = (1e-12 * float(np.linalg.norm(y))) ** 2
    lower = (objective - shown.scanned) / max(objective, floor)
    # Where the curve goes through every point, its residuals have no direction.
    exact = objective <= (_THROUGH * float(np.linalg.norm(y))) ** 2
    rounding = _ROUNDINGS * shown.rounding
    checks = [
        Check.of("stationarity in q, log a, log b", 0.0 if exact else shown.offset,
                 _STATIONARY + rounding),
        Check.of("negative curvature", 0.0 if exact else max(0.0, -shown.curvature), 0.0),
        Check.of("lower sum of squares by a scan", 0.0 if exact else max(0.0, lower),
                 _STATIONARY**2 + rounding),
    ]  # fmt: skip
    if shown.inward is not None:
        inward = 0.0 if exact else max(0.0, shown.inward)
        checks.append(
            Check.of("lower sum of squares within a power law", inward, _STATIONARY + rounding)
        )
    fitted = Fit(Q_EXPONENTIAL, theta, linear, curve, objective, ())
    intervals, conditioning = _region(x, fitted, values)
    values["conditioning"] = conditioning
    notes = []
    if power_law:
        notes.append(
            f"the nearest q-exponential is a power law: b grows without end, the price is "
            f"x^{1 / (1 - q):.6g}, q = 1 - 1/{1 / (1 - q):.6g}"
        )
    if conditioning > _UNCERTAIN:
        notes.append("the curve says next to nothing about one of the parameters: see conditioning")
    if intervals:
        notes.append(
            "confidence: as if the misfit at each unit were independent, normal and of one "
            "variance; the exact curve has no noise, so it says how sharp the optimum is"
        )
    return Nearest(objective, curve, values, tuple(checks), intervals, tuple(notes))


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


def _region(x: Floats, found: Fit, values: dict[str, Any]) -> tuple[list[dict[str, Any]], float]:
    """Linear confidence intervals of (q, A, beta), and the conditioning of the curve's
    derivatives by them, each scaled to length one."""
    from scipy.special import stdtrit

    q, price, rate = values["q"], values["anchor_price"], values["anchor_rate"]
    y, last = found.values, float(x[-1])
    room, steep = np.exp(found.theta[0]), rate * last
    by_log_room, by_log_rate = (
        price * found.form.slopes(x, found.theta)[:, 0, :].T
        if not values["power_law"]
        else (np.zeros(len(x)), y * steep * np.log(x / last))
    )
    names = ["anchor_price", "anchor_rate", "q"]
    if values["power_law"]:
        # On the boundary q is 1 - 1 / (beta x_m): two parameters, the third follows.
        columns = [y / price, by_log_rate / rate]
    else:
        # s = (1-q) steep: at fixed q it moves with the rate, at a fixed rate with q.
        by_s = -by_log_room / room
        columns = [y / price, (by_log_rate + (1 - q) * steep * by_s) / rate, -steep * by_s]
    jacobian = np.stack(columns, axis=1)
    lengths = np.linalg.norm(jacobian, axis=0)
    _, s, vt = np.linalg.svd(jacobian / lengths, full_matrices=False)
    conditioning = float(s[0] / s[-1]) if s[-1] > 0 else np.inf
    freedom = len(x) - len(columns)
    if freedom < 1 or not np.isfinite(conditioning):
        return [], conditioning
    sigma = np.sqrt(found.objective / freedom)
    errors = (sigma * np.linalg.norm(vt.T / s, axis=1) / lengths).tolist()
    if values["power_law"]:
        errors.append(errors[1] / (rate * steep))
    wide = float(stdtrit(freedom, (1 + _CONFIDENCE) / 2))
    rows = [
        {
            "parameter": name,
            "value": values[name],
            "standard_error": error,
            "lower_95": values[name] - wide * error,
            "upper_95": values[name] + wide * error,
        }
        for name, error in zip(names, errors, strict=True)
    ]
    return rows, conditioning
