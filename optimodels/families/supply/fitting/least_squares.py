"""Least squares of a curve that is linear in some parameters: variable projection.

Huber's loss by Newton's steps from the same grid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.supply.fitting.forms import CurveForm
from optimodels.families.supply.fitting.robust import descend
from optimodels.families.supply.fitting.sample import Sample, column_lengths

#: Points of the scan that are followed to the end.
_STARTS = 4
#: The optimum lies at a limit if it is no worse there by more than this part.
_NO_WORSE = 1e-10
#: The first step, as a part of theta: a longer one may leave for a limit and never return.
_FIRST = 0.1
_EPS = 1e-15
#: Residuals of this part of the curve are rounding errors.
_ROUNDING = 1e-14
#: Squares are reweighted so many times for the linear parameters of a robust start.
_REWEIGHTED = 12
#: Places from which a fit that ended on a bound is followed inwards.
_INWARDS = 4


@dataclass(frozen=True)
class Fit:
    """The best curve found: ``theta`` (K,), ``linear`` (L,), its values (m,) and ``objective``,
    the sum of squares or the robust loss."""

    form: CurveForm
    theta: Floats
    linear: Floats
    values: Floats
    objective: float


def fit(form: CurveForm, x: Floats, y: Floats) -> Fit:
    """Minimise the sum of squares of a form over points x (m,), y (m,) that count alike."""
    return fit_sample(form, Sample.plain(x, y))


def fit_sample(form: CurveForm, sample: Sample) -> Fit:
    """Minimise the loss of a form over weighted points.

    The linear parameters are eliminated (Golub and Pereyra 1973, with Kaufman's gradient), within
    their bounds; what is left is scanned on the form's grid, and its best points are followed by
    Levenberg and Marquardt's steps, or Newton's in all parameters for a robust loss. Limits and
    bounds of the form's parameters are tried last, and left again where the loss falls inwards.
    """
    low, high = form.sides(form.nonlinear)
    pinned = tuple(np.flatnonzero(low == high).tolist())
    found = [_follow(form, sample, start, pinned) for start in starts(form, sample)]
    best = min(found, key=lambda one: one.objective)
    limits = form.limits or (None,) * len(form.nonlinear)
    for k, limit in enumerate(limits):
        tried = [side for side in (low[k], high[k]) if np.isfinite(side) and k not in pinned]
        for value in tried if limit is None else [limit, *tried]:
            start = best.theta.copy()
            start[k] = value
            edge = _follow(form, sample, start, (*pinned, k))
            slack = best.objective * _NO_WORSE + (_ROUNDING * sample.size) ** 2
            if edge.objective <= best.objective + slack:
                inside = [
                    _follow(form, sample, one, pinned) for one in _inwards(form, sample, edge, k)
                ]
                within = min(inside, key=lambda one: one.objective, default=edge)
                best = within if within.objective < edge.objective - slack else edge
    return best


def _inwards(form: CurveForm, sample: Sample, edge: Fit, k: int) -> list[Floats]:
    """Return starts beside a fit with its k-th theta on a bound: over the form's grid of that."""
    axis = np.unique(np.clip(form.grid(sample.x, sample.y)[k], *_side(form, k)))
    found = []
    for place in np.unique(np.linspace(0, len(axis) - 1, _INWARDS).astype(int)):
        start = edge.theta.copy()
        start[k] = axis[place]
        if np.isfinite(start).all() and start[k] != edge.theta[k]:
            found.append(start)
    return found


def _side(form: CurveForm, k: int) -> tuple[float, float]:
    return form.bounds.get(form.nonlinear[k], (-np.inf, np.inf))


def _follow(form: CurveForm, sample: Sample, start: Floats, fixed: tuple[int, ...]) -> Fit:
    """Follow a start to the nearest minimum of the loss."""
    if not sample.robust:
        return polish(form, sample.x, sample.y, start, fixed, sample.weight)
    phi = form.basis(sample.x, start)
    linear, _ = _robust(phi, sample, *form.sides(form.linear))
    # Below a small threshold there is hardly a residual, and the loss is all but kinks: it is
    # followed as it is, and come down to from one ten times as large and so on.
    middle = float(np.median(np.abs(phi @ linear - sample.y))) / sample.threshold
    steps = int(np.ceil(np.log10(middle))) if 1 < middle < np.inf else 0
    found = []
    for first in {0, steps}:
        at = start, linear
        for step in range(first, -1, -1):
            eased = replace(sample, threshold=sample.threshold * 10.0**step)
            at = descend(form, eased, *at, fixed)
        values = form.basis(sample.x, at[0]) @ at[1]
        loss = sample.loss(values)
        found.append(Fit(form, *at, values, loss if np.isfinite(loss) else np.inf))
    return min(found, key=lambda one: one.objective)


def _robust(phi: Floats, sample: Sample, low: Floats, high: Floats) -> tuple[Floats, float]:
    """Linear parameters near the robust optimum for a basis (m, L), by squares with weights that
    are renewed, and their loss."""
    weight = sample.weight
    for _ in range(_REWEIGHTED):
        root = np.sqrt(weight)
        linear = _linear(phi * root[:, None], root * sample.y, low, high)
        fitted = phi @ linear
        weight = sample.reweighted(fitted)
    return linear, sample.loss(fitted)


def polish(
    form: CurveForm,
    x: Floats,
    y: Floats,
    start: Floats,
    fixed: tuple[int, ...] = (),
    weight: Floats | None = None,
) -> Fit:
    """Follow a start to the nearest local optimum; theta in ``fixed`` stay where they start."""
    root = np.ones(len(x)) if weight is None else np.sqrt(weight)
    seen = root * y
    scale = float(np.linalg.norm(seen))
    free = [k for k in range(len(start)) if k not in fixed]
    low, high = form.sides(form.linear)

    def theta_of(some: Floats) -> Floats:
        theta = start.copy()
        theta[free] = some
        return theta

    def basis(theta: Floats) -> Floats:
        return np.asarray(form.basis(x, theta) * root[:, None])

    def residual(some: Floats) -> Floats:
        phi = basis(theta_of(some))
        # Where the curve overflows it is no fit.
        if not np.isfinite(phi).all():
            return np.ones(len(x))
        left = (phi @ _linear(phi, seen, low, high) - seen) / scale
        return np.asarray(left if np.isfinite(left).all() else np.ones(len(x)))

    def jacobian(some: Floats) -> Floats:
        theta = theta_of(some)
        phi = basis(theta)
        if not np.isfinite(phi).all():
            return np.zeros((len(x), len(free)))
        c = _linear(phi, seen, low, high)
        slopes = form.derivatives(x, theta)[:, :, free] * root[:, None, None]
        moved = np.einsum("mlk,l->mk", slopes, c)
        used = phi[:, (c > low) & (c < high) & np.any(phi != 0, axis=0)]
        q = used / np.linalg.norm(used) if used.shape[1] == 1 else np.linalg.qr(used)[0]
        return np.asarray((moved - q @ (q.T @ moved)) / scale)

    if free:
        start = theta_of(_descend(residual, jacobian, start[free], *form.sides(
            tuple(form.nonlinear[k] for k in free)
        )))  # fmt: skip
    phi = form.basis(x, start)
    c = _linear(phi * root[:, None], seen, low, high)
    values = phi @ c
    objective = float(np.sum((root * (values - y)) ** 2))
    return Fit(form, start, c, values, objective)


def _descend(residual: Any, jacobian: Any, start: Floats, low: Floats, high: Floats) -> Floats:
    """Follow Levenberg and Marquardt's steps, or a trust region's within bounds."""
    from scipy.optimize import least_squares, leastsq

    with np.errstate(all="ignore"):
        if np.isinf(low).all() and np.isinf(high).all():
            # MINPACK's: full output, as it would print its opinions otherwise.
            found = leastsq(
                residual, start, Dfun=jacobian, full_output=True,
                ftol=_EPS, xtol=_EPS, gtol=0.0, factor=_FIRST,
            )  # fmt: skip
            return np.asarray(found[0])
        bounded = least_squares(
            residual, np.clip(start, low, high), jac=jacobian, bounds=(low, high),
            ftol=_EPS, xtol=_EPS, gtol=_EPS, max_nfev=200,
        )  # fmt: skip
        return np.asarray(bounded.x)


def _linear(phi: Floats, y: Floats, low: Floats, high: Floats) -> Floats:
    """The best linear parameters (L,) within bounds for a basis (m, L)."""
    if phi.shape[1] == 1:
        square = float(phi[:, 0] @ phi[:, 0])
        best = float(phi[:, 0] @ y) / square if square > 0 else 0.0
        return np.asarray(np.clip(np.array([best]), low, high))
    lengths = column_lengths(phi)
    scaled = phi / lengths
    found = np.linalg.lstsq(scaled, y, rcond=None)[0]
    if np.any(found < low * lengths) or np.any(found > high * lengths):
        if not low.any() and np.isinf(high).all():
            from scipy.optimize import nnls

            found = nnls(scaled, y)[0]
        else:
            found = _within(scaled, y, low * lengths, high * lengths)
    return np.asarray(np.clip(found / lengths, low, high))


def _within(phi: Floats, y: Floats, low: Floats, high: Floats) -> Floats:
    """Least squares within bounds, some of which may hold a parameter fast."""
    from scipy.optimize import lsq_linear

    free = low < high
    found = np.where(free, 0.0, low)
    if free.any():
        rest = y - phi @ found
        found[free] = lsq_linear(
            phi[:, free], rest, (low[free], high[free]), method="bvls", tol=_EPS
        ).x
    return np.asarray(found)


def starts(form: CurveForm, sample: Sample) -> list[Floats]:
    """Return the best point of each part of the grid by its first axis: starts of one part alone
    may all lead to a limit."""
    x, y = sample.x, sample.y
    axes = [
        np.unique(np.clip(axis, low, high))
        for axis, low, high in zip(form.grid(x, y), *form.sides(form.nonlinear), strict=True)
    ]
    if not axes:
        return [np.zeros(0)]
    theta = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(
        len(axes[0]), -1, len(axes)
    )
    low, high = form.sides(form.linear)
    root = np.sqrt(sample.weight)

    def left_at(phi: Floats) -> float:
        if sample.robust:
            return _robust(phi, sample, low, high)[1]
        return sample.loss(phi @ _linear(phi * root[:, None], root * y, low, high))

    def losses(at: Floats) -> Floats:
        """What the best curve at each theta (J, K) costs; inf where it is none."""
        phi = form.basis(x, at)
        squares = (phi**2).sum(axis=1)
        valid = np.isfinite(squares).all(axis=1) & squares.any(axis=1)
        if phi.shape[2] == 1:
            return np.where(valid, _singles(phi[:, :, 0], sample, low, high), np.inf)
        return np.array(
            [left_at(one) if ok else np.inf for one, ok in zip(phi, valid, strict=True)]
        )

    with np.errstate(all="ignore"):
        worth = -np.array([losses(row) for row in theta])
    best, profile = worth.argmax(axis=1), worth.max(axis=1)
    parts = np.array_split(np.arange(len(profile)), min(_STARTS, len(profile)))
    chosen = [int(part[np.argmax(profile[part])]) for part in parts]
    return [theta[i, best[i]] for i in chosen]


def _singles(phi: Floats, sample: Sample, low: Floats, high: Floats) -> Floats:
    """Losses (J,) of curves (J, m) with one linear parameter each."""
    weight: Floats = sample.weight[None, :]
    for _ in range(_REWEIGHTED if sample.robust else 1):
        level = np.clip((weight * phi) @ sample.y / (weight * phi**2).sum(axis=1), low, high)
        size = np.abs(phi * level[:, None] - sample.y)
        if sample.robust:
            weight = sample.weight * sample.threshold / np.maximum(size, sample.threshold)
    bound = np.minimum(size, sample.threshold)
    return np.asarray((bound * (2 * size - bound)) @ sample.weight)
