"""What a form of curve is: a smooth one, or one that is given by its prices at knots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from optimodels.arrays import Complexes, Floats
from optimodels.families.supply.fitting.stationarity import Scan, Written


@dataclass(frozen=True)
class Setting:
    """What forms may need beside the points: the quantity ``wind`` q_w at which the asymptotic
    curve starts, ``asymptote`` q_m which it never reaches, and how many ``pieces`` the piecewise
    linear one has, or its ``knots`` (K,). ``last`` is the quantity at which a form states its
    price: far from 0 the published parameters lose all digits; None: as published."""

    wind: float = 0.0
    asymptote: float | None = None
    pieces: int = 4
    knots: tuple[float, ...] | None = None
    last: float | None = None


@dataclass(frozen=True)
class CurveForm:
    """y = sum_l c_l phi_l(x; theta), the parameters named (c_1, ..., c_L, theta_1, ..., theta_K).

    ``basis`` returns phi (..., m, L) at x (m,) and theta (..., K), for many theta at once,
    ``slopes`` its derivatives (m, L, K) at one, by default complex steps. ``curve`` is the formula
    as published, at x and complex (c, theta): fits are examined and drawn by it. ``grid`` returns
    values of each theta that cover where an optimum can lie for points x, y (m,), ``scan`` those
    where what examines a fit looks for a better one, by default midway. ``bounds`` are those of
    parameters by name; ``limits`` (K,) are infinite values that are allowed too, where
    the form has a curve there, or None.
    ``unfit`` says why a form has no curve for points, or "". ``positive``: prices are 0 or more as
    long as the linear parameters are; of those in ``wider`` a case may widen the bounds. ``remark``
    is what a reader of the formula must know of its source.

    A form whose fit is better conditioned in other numbers than those that a reader knows says
    in ``special`` how the two belong together.
    """

    name: str
    formula: str
    linear: tuple[str, ...]
    nonlinear: tuple[str, ...]
    basis: Callable[[Floats, Floats], Floats]
    grid: Callable[[Floats, Floats], tuple[Floats, ...]]
    curve: Callable[[Floats, Complexes], Complexes] | None = None
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    slopes: Callable[[Floats, Floats], Floats] | None = None
    limits: tuple[float | None, ...] = ()
    unfit: Callable[[Floats, Floats], str] = lambda x, y: ""
    scan: Callable[[Floats, Floats], tuple[Floats, ...]] | None = None
    special: Special = field(default_factory=lambda: Special())
    positive: bool = False
    wider: tuple[str, ...] = ()
    remark: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.linear, *self.nonlinear)

    def sides(self, names: tuple[str, ...]) -> tuple[Floats, Floats]:
        """Return the lower and the upper bounds of parameters."""
        found = np.array([self.bounds.get(name, (-np.inf, np.inf)) for name in names])
        low, high = found.reshape(-1, 2).T
        return low, high

    def derivatives(self, x: Floats, theta: Floats) -> Floats:
        """Return the derivatives (m, L, K) of the basis by theta."""
        if self.slopes is not None:
            return self.slopes(x, theta)
        steps = np.eye(len(theta)) * 1e-30j
        moved = [self.basis(x, theta + step).imag / 1e-30 for step in steps]
        return np.stack(moved, axis=-1) if moved else np.zeros((len(x), len(self.linear), 0))

    def parameters(self, x: Floats, theta: Floats, c: Floats) -> dict[str, Any]:
        """Turn theta and c of a fit to points x (m,) into the numbers that a reader knows."""
        if self.special.parameters is not None:
            return self.special.parameters(x, theta, c)
        return dict(zip(self.names, [*c.tolist(), *theta.tolist()], strict=True))

    def written(self, x: Floats, theta: Floats, c: Floats) -> Written:
        """Write a fit to points x (m,) as published, to be examined."""
        if self.special.written is not None:
            return self.special.written(x, theta, c)
        assert self.curve is not None
        return Written(self.names, np.concatenate([c, theta]), self.curve, dict(self.bounds))

    def reported(self, x: Floats, theta: Floats, c: Floats) -> Written:
        """Write a fit in the parameters that get intervals."""
        found = (self.special.reported or self.written)(x, theta, c)
        known = {name: sides for name, sides in self.bounds.items() if name in found.names}
        return replace(found, bounds={**found.bounds, **known})

    def others(self, x: Floats, y: Floats) -> Scan:
        """Return where a scan looks for another optimum: a grid of its own, or midway in the
        fit's and at its ends."""
        if self.special.others is not None:
            return self.special.others(x)
        lower, upper = self.sides(self.linear)
        sides = list(zip(*self.sides(self.nonlinear), strict=True))
        given = self.scan(x, y) if self.scan else tuple(map(_midway, self.grid(x, y)))
        axes = [np.unique(np.clip(axis, *side)) for axis, side in zip(given, sides, strict=True)]
        units = np.eye(len(self.linear))

        def shapes(x: Floats, place: Floats) -> Floats:
            assert self.curve is not None
            points = [np.concatenate([unit, place]).astype(complex) for unit in units]
            return np.stack([self.curve(x, point).real for point in points], axis=-1)

        return Scan(shapes, tuple(axes), lower, upper, sides)


def _midway(axis: Floats) -> Floats:
    return np.concatenate([axis[:1], (axis[1:] + axis[:-1]) / 2, axis[-1:]])


@dataclass(frozen=True)
class Special:
    """A form's other numbers: ``parameters`` by name from x, theta and c; ``written`` and
    ``reported`` as ``CurveForm`` has them, ``others`` from x. None: the form's own."""

    parameters: Callable[[Floats, Floats, Floats], dict[str, Any]] | None = None
    written: Callable[[Floats, Floats, Floats], Written] | None = None
    reported: Callable[[Floats, Floats, Floats], Written] | None = None
    others: Callable[[Floats], Scan] | None = None


@dataclass(frozen=True)
class RisingForm:
    """A curve that does not fall, given by its prices at knots: a convex problem.

    ``knots`` returns them for points x (m,), rising and within x; with ``steps`` it is isotonic
    regression, a step at each, and else the curve is straight between knots.
    """

    name: str
    formula: str
    knots: Callable[[Floats], Floats]
    steps: bool = False

    def at(self, x: Floats, knots: Floats, prices: Floats) -> Floats:
        """Return the curve at any x between the first and the last knot."""
        if not self.steps:
            return np.asarray(np.interp(x, knots, prices))
        place = np.searchsorted(knots, x, side="right") - 1
        return np.asarray(prices[np.clip(place, 0, len(prices) - 1)])


Form = CurveForm | RisingForm
