"""What is told of a smooth fit: whether it is an optimum, and how well its parameters are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.supply.fitting.least_squares import Fit
from optimodels.families.supply.fitting.sample import Sample
from optimodels.families.supply.fitting.stationarity import Evidence, Written, examine
from optimodels.result import Check, Row

#: Part of the residuals along the curve's tangents at which a fit passes for stationary: the loss
#: is then within its square, 1e-6, of the least one nearby.
_STATIONARY = 1e-3
#: Residuals below this part of the curve are those of a curve through all points.
_THROUGH = 1e-9
#: So many rounding errors of the published curve may stand between the two transcriptions.
_ROUNDINGS = 100.0
#: From this conditioning on the points say next to nothing about one of the parameters.
UNCERTAIN = 1e6
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Region:
    """Linear confidence intervals, a row per parameter, and the ``conditioning`` of the curve's
    derivatives by them, each scaled to length one. ``untold`` names parameters that the points
    say next to nothing about, ``spread`` (P, P) is the covariance."""

    intervals: list[Row]
    conditioning: float
    untold: tuple[str, ...]
    spread: Floats


def goes_through(sample: Sample, objective: float) -> bool:
    """Return whether a curve goes through every point, so that its residuals have no direction."""
    return objective <= (_THROUGH * sample.size) ** 2


def evidence_of(fitted: Fit, sample: Sample) -> tuple[Evidence, Written]:
    """Examine a fit by its published formula."""
    written = fitted.form.written(sample.x, fitted.theta, fitted.linear)
    return examine(sample, written, fitted.form.others(sample.x, sample.y)), written


def checks_of(
    shown: Evidence, sample: Sample, objective: float, names: tuple[str, ...], inwards: str
) -> tuple[Check, ...]:
    """Turn evidence into checks; ``inwards`` is the name of that at a bound."""
    exact = goes_through(sample, objective)
    rounding = _ROUNDINGS * shown.rounding
    floor = (1e-12 * sample.size) ** 2
    lower = (objective - shown.scanned) / max(objective, floor)

    def check(name: str, value: float, tolerance: float) -> Check:
        return Check.of(name, 0.0 if exact else max(0.0, value), tolerance)

    checks = [
        check(f"stationarity in {', '.join(names)}", shown.offset, _STATIONARY + rounding),
        check("negative curvature", -shown.curvature, 0.0),
        check("lower loss by a scan", lower, _STATIONARY**2 + rounding),
    ]
    if shown.inward is not None:
        checks.append(check(inwards, shown.inward, _STATIONARY + rounding))
    return tuple(checks)


def region(sample: Sample, written: Written, fitted: Floats, objective: float) -> Region:
    """Return intervals as if residuals were independent, normal and of one variance by weight.

    Under a robust loss the variance is Huber's (1973): that of the bounded residuals, over the
    squared part of them that is not bounded. Parameters on a bound have no interval.
    """
    from scipy.special import stdtrit

    inwards = written.inwards()
    slopes = np.sqrt(sample.weight)[:, None] * written.tangent(sample.x, written.point)
    # What a parameter's whole size moves: without any it has no effect on this curve.
    moves = np.linalg.norm(slopes, axis=0) * np.maximum(np.abs(written.point), 1e-300)
    dead = (moves <= 1e-14 * sample.size) & (written.point != 0)
    dead |= ~np.any(slopes != 0, axis=0)
    untold = tuple(
        n for n, gone in zip(written.names, dead & ~np.isnan(inwards), strict=True) if gone
    )
    free = np.flatnonzero((inwards == 0) & ~dead)
    if not len(free):
        return Region([], 1.0, untold, np.zeros((0, 0)))
    names = [written.names[k] for k in free]
    jacobian = slopes[:, free]
    lengths = np.linalg.norm(jacobian, axis=0)
    _, s, vt = np.linalg.svd(jacobian / lengths, full_matrices=False)
    conditioning = float(s[0] / s[-1]) if s[-1] > 0 and len(s) == len(free) else np.inf
    if conditioning > UNCERTAIN:
        untold += tuple(n for n, part in zip(names, np.abs(vt[-1]), strict=True) if part > 0.1)
    freedom = len(sample.x) - len(free)
    if freedom < 1 or not np.isfinite(conditioning):
        return Region([], conditioning, untold, np.zeros((0, 0)))
    variance = objective / freedom
    if sample.robust:
        size = np.abs(fitted - sample.y)
        bounded = float(sample.weight @ np.minimum(size, sample.threshold) ** 2)
        variance = bounded / freedom / float(np.mean(size <= sample.threshold)) ** 2
    half = (vt.T / s) / lengths[:, None] * np.sqrt(variance)
    spread = half @ half.T
    wide = float(stdtrit(freedom, (1 + _CONFIDENCE) / 2))
    rows: list[dict[str, Any]] = [
        {
            "parameter": name,
            "value": value,
            "standard_error": error,
            "lower_95": value - wide * error,
            "upper_95": value + wide * error,
        }
        for name, value, error in zip(
            names, written.point[free].tolist(), np.sqrt(np.diag(spread)).tolist(), strict=True
        )
    ]
    return Region(rows, conditioning, untold, spread)
