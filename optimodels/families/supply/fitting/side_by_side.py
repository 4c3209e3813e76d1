"""Fits of several forms to the same points, examined and set side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.supply.fitting.examination import (
    checks_of,
    evidence_of,
    goes_through,
    region,
)
from optimodels.families.supply.fitting.forms import CurveForm, RisingForm
from optimodels.families.supply.fitting.least_squares import fit_sample
from optimodels.families.supply.fitting.points import Task
from optimodels.families.supply.fitting.rising import distinct, instance, levels
from optimodels.families.supply.fitting.sample import Sample
from optimodels.model import Done, Outcome
from optimodels.result import Check, Row

#: Values of the curves between the first and the last point.
_DRAWN = 201


@dataclass(frozen=True)
class Fitted:
    """One form's curve: its prices at the points (m,), ``loss``, degrees of ``freedom``, and
    ``at``, its prices at any quantities; ``checks`` and what is told of its parameters."""

    loss: float
    freedom: int
    prices: Floats
    at: Callable[[Floats], Floats]
    verdict: str = ""
    checks: tuple[Check, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    intervals: tuple[Row, ...] = ()
    conditioning: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def refuted(self) -> bool:
        return self.verdict.startswith("refuted")


def smooth_fits(task: Task, done: Done) -> Outcome:
    """Fit the smooth forms by variable projection, and examine each by its published formula."""
    found = {name: _smooth(form, task.sample) for name, form in task.smooth.items()}
    checks = tuple(
        Check(f"{name}: {check.name}", check.value, check.tolerance, check.passed)
        for name, one in found.items()
        for check in one.checks
    )
    return Outcome("local optimum", checks, {"fits": found}, by="certificate")


def _smooth(form: CurveForm, sample: Sample) -> Fitted:
    best = fit_sample(form, sample)
    x, theta, linear = sample.x, best.theta, best.linear
    shown, written = evidence_of(best, sample)
    checks = checks_of(shown, sample, best, written.names, "lower loss within a bound")
    reported = form.reported(x, theta, linear)
    told = region(sample, reported, shown.prices, shown.loss)
    notes = [
        f"{form.name}: {name} is on its bound {at:g}"
        for name, at, side in zip(
            written.names, written.point.tolist(), written.inwards().tolist(), strict=True
        )
        if side != 0 and name not in told.untold
    ]
    exact = goes_through(sample, shown.loss)
    if exact:
        notes.append(f"{form.name}: the curve goes through every point: no intervals")
    if told.untold:
        names = " and ".join(told.untold)
        notes.append(
            f"{form.name}: the points cannot tell {names} (conditioning {told.conditioning:.1e}): "
            "other values fit as well, these are where the search ended"
        )
    if not told.intervals and not exact and np.any(written.inwards() == 0) and not told.untold:
        notes.append(f"{form.name}: too few points tell the residuals' size: no intervals")
    passed = all(check.passed for check in checks)
    return Fitted(
        loss=shown.loss,
        # A parameter on its bound is not free to follow the points.
        freedom=int(np.count_nonzero(written.inwards() == 0)),
        prices=shown.prices,
        at=written.values,
        verdict="verified by certificate: local optimum" if passed else "refuted",
        checks=checks,
        parameters=form.parameters(x, theta, linear),
        # About a point that is no optimum they say nothing.
        intervals=tuple(told.intervals) if passed else (),
        conditioning=told.conditioning,
        notes=tuple(notes),
    )


def rising_fits(task: Task, done: Done) -> dict[str, Fitted]:
    """Return the curves that solvers found for the convex forms."""
    found = {}
    for name, solution in done.solutions.get("rising", {}).items():
        if solution.has_point:
            found[name] = _rising(
                task.rising[name], task.sample, np.asarray(solution.arrays["price"]),
                solution.verdict.text,
            )  # fmt: skip
    return found


def _rising(form: RisingForm, sample: Sample, prices: Floats, verdict: str) -> Fitted:
    problem = instance(form, sample)
    at_points = np.asarray(problem.hats() @ prices)
    return Fitted(
        loss=sample.loss(at_points),
        freedom=levels(prices, sample),
        prices=at_points,
        at=lambda x: form.at(x, problem.knots, prices),
        verdict=verdict,
        parameters=_at_knots(form, problem.knots, prices, sample),
    )


def _at_knots(form: RisingForm, knots: Floats, prices: Floats, sample: Sample) -> dict[str, float]:
    """The prices at knots by name; of steps, where each begins."""
    rises = np.concatenate([[True], np.diff(prices) > distinct(sample)])
    shown = rises if form.steps else np.full(len(knots), True)
    word = "from" if form.steps else "at"
    return {
        f"price {word} x = {x:.6g}": float(p)
        for x, p in zip(knots[shown].tolist(), prices[shown].tolist(), strict=True)
    }


def criteria(sample: Sample, loss: float, freedom: int) -> tuple[float | None, float | None]:
    """Return AICc (Hurvich and Tsai 1989) and BIC (Schwarz 1978): less is better.

    The likelihood is that whose optimum the loss has: normal residuals of variance sigma^2 / w,
    or Huber's density exp(-rho / (2 sigma^2)), both at the best sigma, which counts as one
    parameter. None where as many parameters as points leave nothing to judge by.
    """
    m, k = len(sample.x), freedom + 1
    if m - k - 1 <= 0:
        return None, None
    # A curve through all points would be infinitely likely: rounding errors are the least.
    floor = (1e-12 * sample.size) ** 2
    deviance = _deviance(sample, max(loss, floor))
    return deviance + 2 * k + 2 * k * (k + 1) / (m - k - 1), deviance + k * float(np.log(m))


def _deviance(sample: Sample, loss: float) -> float:
    """-2 log likelihood at the best sigma."""
    m = len(sample.x)
    if not sample.robust:
        spread = m * (1 + np.log(2 * np.pi * loss / m))
        return float(spread - np.sum(np.log(sample.weight)))
    from scipy.optimize import minimize_scalar
    from scipy.special import erf

    def minus(log_sigma: float) -> float:
        sigma = np.exp(log_sigma) / np.sqrt(sample.weight)
        far = sample.threshold / sigma
        inner = sigma * np.sqrt(2 * np.pi) * erf(far / np.sqrt(2))
        tails = 2 * sigma / far * np.exp(-(far**2) / 2)
        return float(loss / np.exp(2 * log_sigma) + 2 * np.sum(np.log(inner + tails)))

    # By squares alone sigma would be this; Huber's is between a small part of it and its multiple.
    middle = 0.5 * np.log(loss / m)
    found = minimize_scalar(minus, bounds=(middle - 8.0, middle + 8.0), method="bounded",
                            options={"xatol": 1e-10})  # fmt: skip
    return float(found.fun)


def drawn(sample: Sample, fits: Mapping[str, Fitted]) -> list[Row]:
    """Return the curves at equal distances, and at the points."""
    x = np.union1d(np.linspace(sample.x[0], sample.x[-1], _DRAWN), sample.x)
    columns = {name: one.at(x) for name, one in fits.items()}
    return [
        {"quantity": float(at), **{name: float(values[k]) for name, values in columns.items()}}
        for k, at in enumerate(x)
    ]
