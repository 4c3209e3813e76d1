"""Supply and demand as quantities at a price; every number may be an array over many markets.

A side of a market answers three questions. ``below(p)`` and ``upto(p)`` are the least and the most
MW that it trades at the price p: they differ where a bid stands at p, which may trade in part.
``marginal(q)`` is its price at the quantity q, ``slope(p)`` dP/dq there, without sign.
``worth(q)`` is the integral of the marginal price: cost of supply, value of demand. ``breaks`` are
the prices at which the quantity jumps or bends, ``knots`` the quantities between which it has
pieces, so many on a curve and its own on bids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from optimodels.arrays import Floats


class Side(Protocol):
    """What supply and demand have in common; quantities of supply rise with p, of demand fall."""

    @property
    def breaks(self) -> tuple[Any, ...]: ...

    def below(self, p: Any) -> Any: ...

    def upto(self, p: Any) -> Any: ...

    def marginal(self, q: Any) -> Any: ...

    def slope(self, p: Any) -> Any: ...

    def worth(self, q: Any) -> Any: ...

    def knots(self, low: float, high: float, count: int) -> Floats: ...


@dataclass(frozen=True)
class Asymptotic:
    """Supply ``P(q) = c0 + c1 ((q - q_w) / (q_m - q))^c2`` on q_w <= q < q_m (003, section 3.1).

    Our reading of a lost formula. Ours too: the wind power q_w is offered at a price of 0, so that
    the price is that of demand between 0 and c0, and wind is curtailed at 0.
    """

    c0: Any
    c1: Any
    c2: Any
    q_w: Any
    q_m: Any

    @property
    def breaks(self) -> tuple[Any, ...]:
        return (0.0, self.c0)

    def below(self, p: Any) -> Any:
        return np.where(np.asarray(p) > 0, self.upto(p), 0.0)

    def upto(self, p: Any) -> Any:
        u = self._ratio(p)
        # u / (1 + u), also where u is infinite.
        part = np.where(u < 1, u / (1 + np.minimum(u, 1.0)), 1 / (1 + 1 / np.maximum(u, 1.0)))
        return np.where(np.asarray(p) >= 0, self.q_w + (self.q_m - self.q_w) * part, 0.0)

    def marginal(self, q: Any) -> Any:
        q = np.asarray(q, dtype=float)
        with np.errstate(divide="ignore"):
            u = np.maximum(q - self.q_w, 0.0) / np.maximum(self.q_m - q, 0.0)
        return np.where(q < self.q_w, 0.0, self.c0 + self.c1 * u**self.c2)

    def slope(self, p: Any) -> Any:
        """c1 c2 u^(c2-1) (1 + u)^2 / (q_m - q_w); infinite below c0."""
        u = self._ratio(p)
        with np.errstate(divide="ignore"):
            bent = np.where(u > 0, u, np.nan) ** (self.c2 - 1.0)
        found = self.c1 * self.c2 * bent * (1 + u) ** 2 / (self.q_m - self.q_w)
        return np.where(u > 0, found, np.inf)

    def worth(self, q: Any) -> Any:
        """c0 (q - q_w) + c1 (q_m - q_w) B(t; 1 + c2, 1 - c2), t = (q - q_w) / (q_m - q_w).

        B, the incomplete beta function, by Gauss' series: t^(1+c2) / (1+c2) F(c2, 1+c2; 2+c2; t).
        """
        from scipy.special import hyp2f1

        span = np.asarray(self.q_m) - self.q_w
        t = np.clip((np.asarray(q, dtype=float) - self.q_w) / span, 0.0, None)
        c = self.c2
        return self.c0 * span * t + self.c1 * span * t ** (1 + c) / (1 + c) * hyp2f1(
            c, 1 + c, 2 + c, t
        )

    def knots(self, low: float, high: float, count: int) -> Floats:
        start = float(np.clip(self.q_w, low, high))
        return np.unique([low, *np.linspace(start, high, count + 1)])

    def _ratio(self, p: Any) -> Any:
        over = np.maximum((np.asarray(p, dtype=float) - self.c0) / self.c1, 0.0)
        with np.errstate(over="ignore"):
            return over ** (1 / np.asarray(self.c2, dtype=float))


@dataclass(frozen=True)
class Logistic:
    """Demand ``Q(p) = Q_U + Q_R / (1 + exp(2 eta (1 - p / P_A)))``, eta < 0 (003, section 3.2).

    Reconstructed from other texts by its author. The responsive part is Q_R y; its inverse,
    ``p = P_A + W log((1 - y) / y)`` with ``W = P_A / (2 |eta|)``, is the derivative of an entropy.
    """

    unresponsive: Any
    responsive: Any
    mean_price: Any
    elasticity: Any

    @property
    def breaks(self) -> tuple[Any, ...]:
        return (self.mean_price,)

    @property
    def width(self) -> Any:
        """W, $/MWh: the scale of the prices at which houses leave."""
        return self.mean_price / (2 * np.abs(self.elasticity))

    def part(self, p: Any) -> Any:
        """y, the responsive demand that is served at p."""
        from scipy.special import expit

        return expit((self.mean_price - np.asarray(p, dtype=float)) / self.width)

    def below(self, p: Any) -> Any:
        return self.unresponsive + self.responsive * self.part(p)

    upto = below

    def marginal(self, q: Any) -> Any:
        from scipy.special import logit

        part = np.clip((np.asarray(q, dtype=float) - self.unresponsive) / self.responsive, 0.0, 1.0)
        return self.mean_price - self.width * logit(part)

    def slope(self, p: Any) -> Any:
        """W / (Q_R y (1 - y)) = (W / Q_R) (2 + 2 cosh((p - P_A) / W))."""
        away = (np.asarray(p, dtype=float) - self.mean_price) / self.width
        with np.errstate(over="ignore"):
            return self.width / self.responsive * (2 + 2 * np.cosh(away))

    def worth(self, q: Any) -> Any:
        """Q_R (P_A y + W h(y)), h the binary entropy in nats: value of the responsive part."""
        from scipy.special import entr

        y = np.clip((np.asarray(q, dtype=float) - self.unresponsive) / self.responsive, 0.0, 1.0)
        return self.responsive * (self.mean_price * y + self.width * (entr(y) + entr(1 - y)))

    def knots(self, low: float, high: float, count: int) -> Floats:
        return np.unique(np.linspace(low, high, count + 1))


@dataclass(frozen=True)
class Ladder:
    """Pieces in order: ``width`` (k,) MW, ``start`` and ``end`` (k,) $/MWh, equal for step bids.

    ``sign`` is 1 for supply, whose prices rise, and -1 for demand. Prices p are scalars, or arrays
    of any shape.
    """

    width: Floats
    start: Floats
    end: Floats
    sign: float

    @classmethod
    def of(cls, bids: Any, sign: float) -> Ladder:
        width, price = np.array(bids, dtype=float).reshape(-1, 2).T
        return cls(width, price, price, sign)

    @property
    def breaks(self) -> tuple[Any, ...]:
        return tuple(np.unique([self.start, self.end]).tolist())

    def below(self, p: Any) -> Any:
        return self._filled(p, whole=False) @ self.width

    def upto(self, p: Any) -> Any:
        return self._filled(p, whole=True) @ self.width

    def _filled(self, p: Any, whole: bool) -> Any:
        """Parts (..., k) of the pieces that trade; ``whole``: with the steps that stand at p."""
        past = self.sign * (np.asarray(p, dtype=float)[..., None] - self.start)
        rise = self.sign * (self.end - self.start)
        step = past >= 0 if whole else past > 0
        sloped = np.clip(past / np.where(rise > 0, rise, 1.0), 0.0, 1.0)
        return np.where(rise > 0, sloped, step)

    def marginal(self, q: Any) -> Any:
        """The price of the piece in which q lies; at the end of a piece, of that piece."""
        ends = np.cumsum(self.width)
        k = np.minimum(np.searchsorted(ends, q, side="left"), len(ends) - 1)
        inside = np.clip((q - ends[k]) / self.width[k] + 1, 0.0, 1.0)
        return self.start[k] + (self.end[k] - self.start[k]) * inside

    def slope(self, p: Any) -> Any:
        """Step bids have none: 0 on a step at p, infinite between steps."""
        return np.where((self.start == np.asarray(p)[..., None]).any(axis=-1), 0.0, np.inf)

    def worth(self, q: Any) -> Any:
        ends = np.cumsum(self.width)
        took = np.clip(np.asarray(q)[..., None] - (ends - self.width), 0.0, self.width)
        return took @ self.start + took**2 @ ((self.end - self.start) / (2 * self.width))

    def knots(self, low: float, high: float, count: int) -> Floats:
        ends = np.cumsum(self.width)
        return np.unique([low, *ends[(ends > low) & (ends < high)], high])


def pieces(
    side: Side,
    low: float,
    high: float,
    count: int,
    straight: bool,
    sign: float,
    within: tuple[float, float],
) -> Ladder:
    """Return a side between two quantities in pieces, ``count`` of them on a curve.

    ``straight``: each from the curve's price at its one end to that at the other, so that pieces
    and curve agree at every knot; else a step at the price in the middle. Prices are cut to those
    ``within`` which the market clears: a curve without end there has none at its ends.
    """
    knots = side.knots(low, high, count)
    left, right = knots[:-1], knots[1:]
    # A hair inside, where a curve jumps at a knot.
    hair = 1e-12 if straight else 0.5
    start = np.asarray(side.marginal(left + hair * (right - left)), dtype=float)
    end = np.asarray(side.marginal(right - hair * (right - left)), dtype=float)
    start, end = np.clip(start, *within), np.clip(end, *within)
    return Ladder(right - left, start, sign * np.maximum(sign * start, sign * end), sign)
