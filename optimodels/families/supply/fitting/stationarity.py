"""Whether a curve is a least-squares (or Huber) optimum, by its published formula alone.

A second transcription: each form's formula, complex-step derivatives, and further starts that are
followed without any. Prices and loss are computed again from the formula. Shared with the fit are
the points and what they cost (``Sample``), the bounds, and the claimed parameters; a form of one's
own that names no ``scan`` also shares the range in which a better fit is looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import numpy.typing as npt

from optimodels.arrays import Complexes, Floats, Mask
from optimodels.families.supply.fitting.sample import Sample, column_lengths

#: Directions in which a curve moves by less than this part of the most are rounding errors.
_RANK = 1e-11
_STEP = 1e-30
_DEAD = 1e-14
#: Points of the scan that are followed, and reweightings of a robust one at each.
_FOLLOWED = 4
#: They are followed until they stay within this part of their place, and this of their loss.
_NEAR, _SETTLED = 1e-4, 1e-10
_REWEIGHTED = 25


@dataclass(frozen=True)
class Written:
    """A curve as published: ``curve`` (m,) at quantities (m,) and complex parameters (P,).

    ``point`` (P,) are the claimed parameters, ``bounds`` those of them by name; ``exponent`` is
    by how much the formula multiplies rounding errors.
    """

    names: tuple[str, ...]
    point: Floats
    curve: Callable[[Floats, Complexes], Complexes]
    bounds: dict[str, tuple[float, float]] = field(default_factory=dict)
    exponent: float = 1.0

    def values(self, x: Floats) -> Floats:
        """The curve (m,) at the claimed parameters."""
        return np.asarray(self.curve(x, self.point.astype(complex)).real)

    def tangent(self, x: Floats, point: Floats) -> Floats:
        """Derivatives (m, P) by the parameters: complex steps."""
        steps = np.eye(len(point)) * 1j * _STEP
        return np.stack([self.curve(x, point + step).imag / _STEP for step in steps], axis=1)

    def inwards(self) -> Floats:
        """Per parameter: 1 on its lower bound, -1 on its upper one, NaN where both, else 0."""
        sides = [self.bounds.get(name, (-np.inf, np.inf)) for name in self.names]
        found = [
            np.nan if low == high else float(at == low) - float(at == high)
            for at, (low, high) in zip(self.point.tolist(), sides, strict=True)
        ]
        return np.array(found)


@dataclass(frozen=True)
class Scan:
    """Where else an optimum may lie: ``shapes`` gives the curve (m, L) per unit of its linear
    parameters at a place (K,), ``axes`` the places, ``sides`` (K,) what bounds them, and
    ``lower`` and ``upper`` (L,) what bounds the linear ones."""

    shapes: Callable[[Floats, Floats], Floats]
    axes: tuple[Floats, ...]
    lower: Floats
    upper: Floats
    sides: Sequence[tuple[float, float]] | None = None


@dataclass(frozen=True)
class Evidence:
    """``prices`` (m,) and ``loss`` by the published formula. ``offset``: the part of the residuals
    that lies in the curve's tangent space (Bates and Watts 1981), 0 at a stationary point; a robust
    loss counts what it makes of the residuals.
    ``curvature``: the least second derivative over the tangent's own, 1 for a linear curve,
    positive at a minimum. ``scanned``: the least loss that the scan and its followed starts
    found. ``inward``: by which part the loss falls per unit of curve moved inwards from a bound,
    0 or less at an optimum. ``rounding``: rounding errors of the curve as a part of the residuals.
    """

    prices: Floats
    loss: float
    offset: float
    curvature: float
    scanned: float
    inward: float | None
    rounding: float


# What is not finite is refuted below: an overflow needs no word of its own.
@np.errstate(all="ignore")
def examine(sample: Sample, written: Written, others: Scan) -> Evidence:
    """Examine a claimed optimum."""
    point, inwards = written.point, written.inwards()
    root = np.sqrt(sample.weight)
    free = inwards == 0

    def tangent(at: Floats) -> Floats:
        return np.asarray(written.tangent(sample.x, at) * root[:, None])

    def pull(at: Floats) -> Floats:
        left = written.curve(sample.x, at.astype(complex)).real - sample.y
        return np.asarray(root * np.clip(left, -sample.threshold, sample.threshold))

    prices = written.values(sample.x)
    loss = sample.loss(prices)
    left, slopes = pull(point), tangent(point)
    # Residuals that are rounding errors have no direction.
    whole = float(np.linalg.norm(root * sample.y))
    size = max(float(np.linalg.norm(left)), 1e-11 * whole)
    if not np.isfinite(slopes).all():
        return Evidence(prices, loss, np.inf, -np.inf, scan(sample, others), None, 0.0)
    lengths = column_lengths(slopes)
    free &= ~dead(lengths, point, whole)
    u, s, vt = np.linalg.svd((slopes / lengths)[:, free], full_matrices=False)
    kept = s > _RANK * max(s, default=0.0)
    basis, moves = u[:, kept], np.zeros((len(point), int(kept.sum())))
    moves[free] = (vt[kept] / s[kept, None]).T / lengths[free, None]
    offset = float(np.linalg.norm(basis.T @ left)) / size
    rounding = float(np.finfo(float).eps) * written.exponent * whole / size
    # Second derivatives of half the loss, in moves that shift the curve by one: short ones, as
    # parameters bend along them, but longer than rounding errors.
    far = max(1e-4, 30.0 * rounding) * size
    second = np.empty((moves.shape[1],) * 2)
    for k, move in enumerate(moves.T):
        ends = [tangent(at).T @ pull(at) for at in (point + far * move, point - far * move)]
        second[:, k] = moves.T @ (ends[0] - ends[1]) / (2 * far)
    curvature = 1.0 if len(second) == 0 else -np.inf
    if len(second) and np.isfinite(second).all():
        curvature = float(np.linalg.eigvalsh((second + second.T) / 2)[0])
    bounds = np.flatnonzero(np.abs(inwards) == 1)
    falls = list(_falls(slopes / lengths * inwards, basis, left, bounds, size))
    best = scan(sample, others)
    return Evidence(prices, loss, offset, curvature, best, max(falls, default=None), rounding)


def dead(lengths: Floats, point: Floats, size: float) -> Mask:
    """Which parameters (P,) the curve does not have: their whole size moves it by rounding errors
    of its ``size``, by the lengths (P,) of its derivatives."""
    moved = lengths * np.maximum(np.abs(point), 1e-300)
    return np.asarray((moved <= _DEAD * size) & (point != 0))


def _falls(
    slopes: Floats, basis: Floats, left: Floats, places: npt.NDArray[np.int64], size: float
) -> Iterator[float]:
    """By which part the loss falls, inwards from each bound; free parameters follow."""
    for k in places:
        slope = slopes[:, k] - basis @ (basis.T @ slopes[:, k])
        length = float(np.linalg.norm(slope))
        if length > _RANK * float(np.linalg.norm(slopes[:, k])):
            yield -float(slope @ left) / (length * size)


def scan(sample: Sample, others: Scan) -> float:
    """Return the least loss over a grid of places, its best ones followed."""
    from scipy.optimize import minimize

    def left(place: Floats) -> float:
        with np.errstate(all="ignore"):
            return _least(sample, others.shapes(sample.x, place), others.lower, others.upper)

    if not others.axes:
        return left(np.zeros(0))
    shape = tuple(len(axis) for axis in others.axes)
    values = np.array([left(np.array(place)) for place in product(*others.axes)]).reshape(shape)
    padded = np.pad(values, 1, constant_values=np.inf)
    around = [
        padded[tuple(slice(1 + by, 1 + by + n) for by, n in zip(move, shape, strict=True))]
        for move in product((-1, 0, 1), repeat=len(shape))
    ]
    minima = np.argwhere(values <= np.min(around, axis=0)).tolist()
    best = sorted(minima, key=lambda at: values[tuple(at)])[:_FOLLOWED]
    found = [float(values.min())]
    for at in best:
        start = np.array([axis[k] for axis, k in zip(others.axes, at, strict=True)])
        options = {
            "xatol": _NEAR * float(np.abs(start).max()),
            "fatol": max(_SETTLED * float(values[tuple(at)]), (_RANK * sample.size) ** 2),
            "maxiter": 500,
        }
        ended = minimize(  # type: ignore[call-overload]
            left, start, method="Nelder-Mead", bounds=others.sides, options=options
        )
        found.append(float(ended.fun))
    return min(found)


def _least(sample: Sample, shape: Floats, lower: Floats, upper: Floats) -> float:
    """The least loss over the linear parameters of a shape (m, L); infinite where it has none.

    A robust loss is reweighted some times, unless one parameter alone makes it exact: what is left
    to gain makes no other curve worse.
    """
    if not np.isfinite(shape).all():
        return np.inf
    if shape.shape[1] == 1 and sample.robust:
        top = max(float(np.abs(shape).max()), 1e-300)
        only = _robust_level(sample, shape[:, 0] / top)
        return sample.loss(shape[:, 0] * np.clip(only / top, lower[0], upper[0]))
    weight = sample.weight
    for _ in range(_REWEIGHTED if sample.robust else 1):
        level = _within(shape, sample.y, np.sqrt(weight), lower, upper)
        fitted = shape @ level
        weight = sample.reweighted(fitted) if sample.robust else weight
    return sample.loss(fitted)


def _robust_level(sample: Sample, shape: Floats) -> float:
    """Where the robust loss of level * shape (m,) is least: half its derivative rises, and is
    straight between the levels at which a point's residual is the threshold."""
    used = np.abs(shape) > _RANK
    if not used.any():
        return 0.0
    shape, y, weight = shape[used], sample.y[used], sample.weight[used]
    ends = np.stack([y - sample.threshold, y + sample.threshold]) / shape
    bends = np.concatenate([ends.min(axis=0), ends.max(axis=0)])
    order = np.argsort(bends)
    steep = np.cumsum(np.concatenate([weight * shape**2, -weight * shape**2])[order])
    rise = np.concatenate([[0.0], np.cumsum(steep[:-1] * np.diff(bends[order]))])
    left = rise - sample.threshold * float(weight @ np.abs(shape))
    after = int(np.searchsorted(left, 0.0))
    if after in (0, len(bends)):
        return float(bends[order[min(after, len(bends) - 1)]])
    part = -left[after - 1] / (left[after] - left[after - 1])
    low, high = bends[order[after - 1 : after + 1]].tolist()
    return float(low + part * (high - low))


def _within(shape: Floats, y: Floats, root: Floats, lower: Floats, upper: Floats) -> Floats:
    """Least squares within bounds: of all sets of active ones that is the best which is allowed."""
    length = column_lengths(shape * root[:, None])
    scaled, seen = shape * root[:, None] / length, y * root
    low, high = lower * length, upper * length
    if scaled.shape[1] == 1:
        only = float(scaled[:, 0] @ seen) / max(float(scaled[:, 0] @ scaled[:, 0]), 1e-300)
        return np.asarray(np.clip(only, low, high) / length)
    found = np.linalg.lstsq(scaled, seen, rcond=None)[0]
    if np.all((found >= low) & (found <= high)):
        return np.asarray(found / length)
    sides = zip(low.tolist(), high.tolist(), strict=True)
    ways = [[None, *(side for side in {*pair} if np.isfinite(side))] for pair in sides]
    best, least = np.clip(found, low, high), np.inf
    for way in product(*ways):
        free = np.array([one is None for one in way])
        tried = np.array([0.0 if one is None else one for one in way])
        rest = seen - scaled @ tried
        tried[free] = np.linalg.lstsq(scaled[:, free], rest, rcond=None)[0]
        misfit = float(np.sum((scaled @ tried - seen) ** 2))
        if misfit < least and np.all((tried >= low) & (tried <= high)):
            best, least = tried, misfit
    return np.asarray(best / length)
