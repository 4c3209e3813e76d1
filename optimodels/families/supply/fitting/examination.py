"""What is told of a smooth fit: whether it is an optimum, and how well its parameters are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.supply.fitting.least_squares import Fit
from optimodels.families.supply.fitting.sample import Sample, column_lengths
from optimodels.families.supply.fitting.stationarity import Evidence, Written, dead, examine
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
#: To this part the claimed loss and prices are those of the published formula.
_SAME = 1e-9
#: A robust variance is told from points whose residuals stay below the threshold: so many for
#: each parameter.
_INLIERS = 2
NOT_NOISE = (
    "intervals: as if the misfit at each point were independent, normal and of one variance; where "
    "prices have no noise they say how sharp the optimum is"
)


@dataclass(frozen=True)
class Region:
    """Linear confidence intervals, a row per parameter, and the ``conditioning`` of the curve's
    derivatives by them, each scaled to length one. ``untold`` names parameters that the points
    say next to nothing about."""

    intervals: list[Row]
    conditioning: float
    untold: tuple[str, ...]


def goes_through(sample: Sample, objective: float) -> bool:
    """Return whether a curve goes through every point, so that its residuals have no direction."""
    return objective <= (_THROUGH * sample.size) ** 2


def evidence_of(fitted: Fit, sample: Sample) -> tuple[Evidence, Written]:
    """Examine a fit by its published formula."""
    written = fitted.form.written(sample.x, fitted.theta, fitted.linear)
    return examine(sample, written, fitted.form.others(sample.x, sample.y)), written


def checks_of(
    shown: Evidence, sample: Sample, claimed: Fit, names: tuple[str, ...], inwards: str
) -> tuple[Check, ...]:
    """Turn evidence into checks of a fit; ``inwards`` is the name of that at a bound.

    What the fit claims of its loss and its prices is held against the published formula first; all
    else is judged by the loss of that.
    """
    exact = goes_through(sample, shown.loss)
    rounding = _ROUNDINGS * shown.rounding
    floor = (1e-12 * sample.size) ** 2
    lower = (shown.loss - shown.scanned) / max(shown.loss, floor)
    # Losses below this are those of rounding errors.
    apart = max(0.0, abs(claimed.objective - shown.loss) - (_THROUGH * sample.size) ** 2)
    away = np.sqrt(sample.weight) * (claimed.values - shown.prices)
    left = np.sqrt(max(shown.loss, floor)) / sample.size

    def check(name: str, value: float, tolerance: float) -> Check:
        return Check.of(name, 0.0 if exact else max(0.0, value), tolerance)

    checks = [
        Check.of(
            "loss against the published formula",
            apart / max(shown.loss, floor),
            _SAME + 2 * rounding,
        ),
        Check.of(
            "prices against the published formula",
            float(np.linalg.norm(away)) / sample.size,
            _SAME + rounding * left,
        ),
        check(f"stationarity in {', '.join(names)}", shown.offset, _STATIONARY + rounding),
        check("negative curvature", -shown.curvature, 0.0),
        check("lower loss by a scan", lower, _STATIONARY**2 + rounding),
    ]
    if shown.inward is not None:
        checks.append(check(inwards, shown.inward, _STATIONARY + rounding))
    return tuple(checks)


def region(sample: Sample, written: Written, fitted: Floats, objective: float) -> Region:
    """Return intervals as if residuals were independent, normal and of one variance by weight.

    None where the curve goes through the points, where the points do not tell its parameters, or
    where hardly a residual is below a robust threshold.

    Under a robust loss the variance is Huber's (1973): that of the bounded residuals, over the
    squared part of them that is not bounded. Parameters on a bound have no interval.
    """
    from scipy.special import stdtrit

    inwards = written.inwards()
    slopes = np.sqrt(sample.weight)[:, None] * written.tangent(sample.x, written.point)
    lengths = column_lengths(slopes)
    gone = dead(lengths, written.point, sample.size) | ~np.any(slopes != 0, axis=0)
    untold = tuple(
        n for n, lost in zip(written.names, gone & ~np.isnan(inwards), strict=True) if lost
    )
    free = np.flatnonzero((inwards == 0) & ~gone)
    if not len(free):
        return Region([], 1.0, untold)
    names = [written.names[k] for k in free]
    lengths = lengths[free]
    _, s, vt = np.linalg.svd(slopes[:, free] / lengths, full_matrices=False)
    conditioning = float(s[0] / s[-1]) if s[-1] > 0 and len(s) == len(free) else np.inf
    if conditioning > UNCERTAIN:
        untold += tuple(n for n, part in zip(names, np.abs(vt[-1]), strict=True) if part > 0.1)
    freedom = len(sample.x) - len(free)
    size = np.abs(fitted - sample.y)
    enough = not sample.robust or np.sum(size <= sample.threshold) >= _INLIERS * len(free)
    told = conditioning <= UNCERTAIN and not goes_through(sample, objective)
    if freedom < 1 or not told or not enough:
        return Region([], conditioning, untold)
    variance = objective / freedom
    if sample.robust:
        bounded = float(sample.weight @ np.minimum(size, sample.threshold) ** 2)
        variance = bounded / freedom / float(np.mean(size <= sample.threshold)) ** 2
    errors = np.linalg.norm(vt.T / s, axis=1) / lengths * np.sqrt(variance)
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
            names, written.point[free].tolist(), errors.tolist(), strict=True
        )
    ]
    return Region(rows, conditioning, untold)
