"""Newton's steps on Huber's loss in all of a curve's parameters.

Squares that are reweighted take hundreds of rounds where outliers bend the curve; the loss is
smooth but for its second derivative, so Newton's method with damped steps takes some tens.
"""

from __future__ import annotations

import numpy as np

from optimodels.arrays import Floats, Mask
from optimodels.families.supply.fitting.forms import CurveForm
from optimodels.families.supply.fitting.sample import Sample, column_lengths

_MOST = 200
#: The first damping, as a part of what reweighted squares would take, the least that still damps,
#: and that from which steps are lost in rounding errors.
_DAMPED, _FREE, _STUCK = 0.1, 1e-9, 1e9
#: The loss falls no more: by less than this part, so many times in turn.
_SETTLED, _TIMES = 1e-15, 3
#: How far derivatives are looked at, as a part of the curve and of a parameter.
_AHEAD = 1e-5


def descend(
    form: CurveForm, sample: Sample, theta: Floats, linear: Floats, fixed: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """Follow theta (K,) and linear (L,) to the nearest minimum within their bounds; theta in
    ``fixed`` stay. Returns both."""
    count = len(linear)
    low, high = (np.concatenate(pair) for pair in zip(
        form.sides(form.linear), form.sides(form.nonlinear), strict=True
    ))  # fmt: skip
    held = low >= high
    held[[count + k for k in fixed]] = True
    point = np.concatenate([linear, theta])
    point = np.where(held, point, np.clip(point, low, high))
    damping, still = _DAMPED, 0
    with np.errstate(all="ignore"):
        loss = _loss(form, sample, point)
        for _ in range(_MOST):
            slopes = _slopes(form, sample.x, point)
            pull = sample.pull(_curve(form, sample.x, point))
            gradient = slopes.T @ pull
            outwards = ((point <= low) & (gradient >= 0)) | ((point >= high) & (gradient <= 0))
            free = ~held & ~outwards
            if not free.any() or not np.isfinite(slopes[:, free]).all():
                break
            lengths = column_lengths(np.sqrt(sample.weight)[:, None] * slopes)[free]
            bent = _second(form, sample, point, slopes, pull, free, lengths)
            if not np.isfinite(bent).all():
                break
            values, vectors = np.linalg.eigh(bent)
            bent = (vectors * np.abs(values)) @ vectors.T
            # What reweighted squares would take for it: a step of theirs is one that falls.
            above = _above(sample, _curve(form, sample.x, point), slopes[:, free] / lengths)
            while damping < _STUCK:
                try:
                    step = -np.linalg.solve(bent + damping * above, gradient[free] / lengths)
                except np.linalg.LinAlgError:  # flat in some direction: only damped steps exist
                    damping = max(4 * damping, _FREE)
                    continue
                tried = point.copy()
                tried[free] = np.clip(point[free] + step / lengths, low[free], high[free])
                found = _loss(form, sample, tried)
                if found < loss:
                    break
                damping = max(4 * damping, _FREE)
            else:
                break
            still = still + 1 if found >= loss * (1 - _SETTLED) else 0
            point, loss = tried, found
            damping = damping / 10 if damping > _FREE else 0.0
            if still >= _TIMES:
                break
    return point[count:], point[:count]


def _curve(form: CurveForm, x: Floats, point: Floats) -> Floats:
    count = len(form.linear)
    return np.asarray(form.basis(x, point[count:]) @ point[:count])


def _loss(form: CurveForm, sample: Sample, point: Floats) -> float:
    loss = sample.loss(_curve(form, sample.x, point))
    return loss if np.isfinite(loss) else np.inf


def _slopes(form: CurveForm, x: Floats, point: Floats) -> Floats:
    """The curve's derivatives (m, L + K) by linear and theta."""
    count = len(form.linear)
    by_theta = np.einsum("mlk,l->mk", form.derivatives(x, point[count:]), point[:count])
    return np.hstack([form.basis(x, point[count:]), by_theta])


def _above(sample: Sample, fitted: Floats, slopes: Floats) -> Floats:
    """Second derivatives of squares that touch the loss from above, none of them 0."""
    found = slopes.T @ (slopes * sample.reweighted(fitted)[:, None])
    return np.asarray(found + 1e-9 * np.trace(found) * np.eye(len(found)))


def _second(
    form: CurveForm, sample: Sample, point: Floats, slopes: Floats, pull: Floats, free: Mask,
    lengths: Floats,
) -> Floats:  # fmt: skip
    """Half the loss's second derivatives by the free parameters, each in units of its column."""
    left = np.abs(_curve(form, sample.x, point) - sample.y) <= sample.threshold
    inner = (slopes[:, free] / lengths)[left]
    found = inner.T @ (inner * sample.weight[left][:, None])
    bends = np.empty((len(lengths),) * 2)
    for k, (place, length) in enumerate(zip(np.flatnonzero(free), lengths, strict=True)):
        size = abs(float(point[place]))
        ahead = _AHEAD * sample.size / length
        ahead = min(ahead, 1e3 * _AHEAD * size) if size > 0 else ahead
        ends = []
        for by in (ahead, -ahead):
            moved = point.copy()
            moved[place] += by
            ends.append((_slopes(form, sample.x, moved).T @ pull)[free])
        bends[:, k] = (ends[0] - ends[1]) / (2 * ahead) / length / lengths
    return np.asarray(found + (bends + bends.T) / 2)
