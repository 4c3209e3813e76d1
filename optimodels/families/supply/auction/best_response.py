"""Whether bids are an equilibrium, from the auction's rules alone.

A firm that bids b against n - 1 others who draw theirs from the claimed distribution: how many
of them are below it is binomial. Nothing here knows the equilibrium's formula; the claim is a
quantile function, and binomial probabilities are from SciPy's beta function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.supply.auction.market import Market

Quantile = Callable[[Floats], Floats]

#: Halvings of an interval of probabilities, and the part of the profit to which they settle.
_HALVINGS = 40
_SETTLED = 1e-11
_NONE = 1e-300
_DOUBLES = np.finfo(float)
#: Half width of a difference, as a part of F, of 1 - F, and of where the bid has grown by e.
_WIDTH = 2e-3


@dataclass(frozen=True)
class BestResponse:
    """Profits of a single firm: at the cap, and by supported bid (probability, bid less cost,
    profit), (k,) each.

    ``residual`` is how far a supported bid's profit is from the cap's, ``gain`` how much more a
    bid below all others' earns (0 at the best), both as parts of the cap's profit.
    """

    at_cap: float
    probability: Floats
    above: Floats
    profit: Floats
    residual: float
    gain: float


def best_response(market: Market, quantile: Quantile, points: int = 65) -> BestResponse:
    """Compute what bids earn by the rules, where the n - 1 others bid cost + quantile(F), F
    uniform on [0, 1].

    Of d units demanded, with m others below: the firm sells min(r, max(0, d - m r)), and every
    unit is paid the d-th lowest bid. That is its own where it sells the d-th unit; else it is
    that of the (ceil(d / r) - 1)-th of the others, which then is above its own.
    """
    f = np.sin(np.linspace(0.0, np.pi / 2, points)) ** 2
    above = quantile(f)
    units = _own_price_units(market, f)
    dearer = _dearer(market, quantile, f)
    profit = above * units + dearer
    # Above all others it sells what they cannot, at its own bid.
    at_cap = market.margin * float(units[-1])
    # Below all others it is first, however low it bids; a bid among theirs is a supported one.
    undercut = np.linspace(0.0, float(above[0]), 9)[:-1] if above[0] > 0 else np.zeros(0)
    gain = float(np.max(undercut * units[0] + dearer[0], initial=0.0)) / at_cap - 1.0
    return BestResponse(
        at_cap=at_cap,
        probability=f,
        above=above,
        profit=profit,
        residual=float(np.abs(profit / at_cap - 1.0).max()),
        gain=max(0.0, gain),
    )


def density_off(quantile: Quantile, f: Floats, density: Floats) -> float:
    """Return how far, as a part of it, a density (k,) is from 1 / (dp/dF) at probabilities f (k,).

    The slope is by central differences of two widths, whose leading errors cancel. What the
    rounding of the bids (k,) can make of their differences does not count.
    """
    bid = quantile(f)
    # Of many firms, bids grow by e within a few of 1 / n: there the bid itself sets the width.
    growth = np.where(bid > 0, bid, 1.0) * density
    h = _WIDTH * np.minimum(np.minimum(f, 1 - f), growth)
    wide, narrow = ((quantile(f + w) - quantile(f - w)) / (2 * w) for w in (h, h / 2))
    slope = (4 * narrow - wide) / 3
    # A bid is the margin times exp(-H): its last digits are those of H; F has its own.
    digits = 1 + np.abs(np.log(np.maximum(bid, _NONE)))
    rounding = _DOUBLES.eps / h * (8 * digits * bid + 2 * f * np.abs(slope)) + _DOUBLES.tiny / h
    with np.errstate(divide="ignore"):
        off = np.abs(slope - 1 / density) - rounding
    return float(np.max(off / np.maximum(np.abs(slope), _DOUBLES.tiny), initial=0.0))


def _own_price_units(market: Market, f: Floats) -> Floats:
    """Expected units sold at one's own bid, at probabilities f (k,) that an other is below."""
    n, r = market.firms, market.units
    d = np.arange(1, n * r + 1)
    # The d-th unit is one's own where exactly this many others are below.
    below = (d - 1) // r
    sold = np.zeros(n)
    np.add.at(sold, below, market.demand * (d - below * r))
    return _mean(n - 1, f, sold)


def _dearer(market: Market, quantile: Quantile, f: Floats) -> Floats:
    """Expected profit from demands at which an other's, higher bid is the price, at f (k,).

    The price is the i-th lowest of the n - 1 others, whose probability has the density
    (n - 1) C(n-2, i-1) F^(i-1) (1-F)^(n-1-i); the firm sells all of its units wherever that is
    above its own. Gauss rules on halves of the intervals of f that have not settled.
    """
    n, r = market.firms, market.units
    d = np.arange(1, n * r + 1)
    rank = -(-d // r) - 1
    likely = np.zeros(n)
    np.add.at(likely, rank, market.demand)
    nodes, weights = np.polynomial.legendre.leggauss(14)

    def rule(low: Floats, high: Floats) -> Floats:
        # In the angle of F = sin(t)^2 the ends are as smooth as the middle.
        half = (high - low)[:, None] / 2
        t = low[:, None] + half * (1 + nodes)
        at = np.sin(t) ** 2
        density = (n - 1) * _mean(n - 2, at.ravel(), likely[1:])
        values = (quantile(at.ravel()) * density).reshape(at.shape) * np.sin(2 * t) * half
        return np.asarray(values @ weights)

    edges = np.arcsin(np.sqrt(f))
    low, high, place = edges[:-1], edges[1:], np.arange(len(f) - 1)
    whole, total = rule(low, high), np.zeros(len(f) - 1)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        left, right = rule(low, middle), rule(middle, high)
        scale = total.sum() + np.sum(left + right)
        open_ = np.abs(left + right - whole) > _SETTLED * scale
        np.add.at(total, place[~open_], (left + right)[~open_])
        low, high = (
            np.concatenate([low[open_], middle[open_]]),
            np.concatenate([middle[open_], high[open_]]),
        )
        place, whole = np.tile(place[open_], 2), np.concatenate([left[open_], right[open_]])
        if not len(low):
            break
    np.add.at(total, place, whole)
    return np.asarray(r * np.concatenate([np.cumsum(total[::-1])[::-1], [0.0]]))


def _mean(number: int, f: Floats, values: Floats) -> Floats:
    """Expectation (k,) of ``values`` (number + 1,) by the number of those below, each of them
    with probability f (k,)."""
    from scipy.special import betaln

    needed = np.flatnonzero(values)
    log_choose = -betaln(needed + 1, number - needed + 1) - np.log(number + 1)
    # 0^0 is 1: the smallest probability stands for none.
    log_f, log_g = np.log(np.maximum(f, _NONE)), np.log(np.maximum(1.0 - f, _NONE))
    found = np.empty(len(f))
    step = max(1, 200_000 // max(1, len(needed)))
    for start in range(0, len(f), step):
        rows = slice(start, start + step)
        logs = np.outer(log_f[rows], needed) + np.outer(log_g[rows], number - needed)
        found[rows] = np.exp(logs + log_choose) @ values[needed]
    return found
