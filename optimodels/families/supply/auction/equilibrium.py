"""The symmetric mixed equilibrium and its expected supply curve, to machine accuracy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import log

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.supply.auction.market import Market

#: Nodes of a panel's Gauss rule.
_ORDER = 20
#: Width of the first panels in standard deviations of an order statistic, which is 1 / sqrt(n)
#: for all of them in the angle t with F = sin(t / 2)^2.
_DEVIATIONS = 3.0
#: The last coefficients of a panel's Legendre series, beside its integral, where it has settled.
_TAIL = 2e-14
#: Firms' bids below this probability change no expected price in double precision.
_NEVER = 1e-20
#: Entries of a block of nodes by firms: what fits a processor's cache.
_BLOCK = 100_000
#: Terms of a sum that are so far below its largest, in logarithms, are not worth an exponential:
#: 10^4 of them add up to less than a rounding error.
_NEGLIGIBLE = 46.0


@dataclass(frozen=True)
class Equilibrium:
    """The bid's quantile function p(F), on panels in the angle t of F = sin(t / 2)^2 up to a half
    (``upper`` 0) and of 1 - F = sin(t / 2)^2 above (``upper`` 1): both ends at full accuracy.

    log((p - c) / (cap - c)) = -H; ``series`` (P, 21) are the Legendre coefficients of H on the
    panels ``low`` .. ``high`` (P,). ``weight`` (P, 20) are those of the nodes ``angle`` for
    integrals over F.
    """

    market: Market
    upper: Floats
    low: Floats
    high: Floats
    series: Floats
    angle: Floats
    weight: Floats
    free: bool

    @property
    def profit(self) -> float:
        """Expected profit of a firm: at the cap it sells what the others cannot."""
        marginal = marginal_units(self.market)[0]
        return self.market.margin * float(marginal[-1])

    def decay(self, f: Floats, upper: Floats | None = None) -> Floats:
        """Return H at probabilities F (k,), or at 1 - F where ``upper`` is true."""
        above = f > 0.5 if upper is None else upper.astype(bool)
        near = np.where(above, 1.0 - f, f) if upper is None else f
        t = 2.0 * np.arcsin(np.sqrt(near))
        found = np.empty_like(t)
        for side in (0, 1):
            mine = above == bool(side)
            if not mine.any():
                continue
            panels = np.flatnonzero(self.upper == side)
            panels = panels[np.argsort(self.low[panels])]
            at = np.searchsorted(self.low[panels], t[mine], side="right") - 1
            chosen = panels[at]
            low, high = self.low[chosen], self.high[chosen]
            x = (2.0 * t[mine] - low - high) / (high - low)
            found[mine] = np.polynomial.legendre.legval(x, self.series[chosen].T, tensor=False)
        if self.free:
            found[(near == 0) & ~above] = np.inf
        return found

    def above(self, f: Floats) -> Floats:
        """Return p(F) - c at probabilities F (k,): to all digits, however near to the cost."""
        return self.market.margin * np.exp(-self.decay(f))

    def quantile(self, f: Floats) -> Floats:
        """Return the bids p(F) at probabilities F (k,)."""
        return self.market.cost + self.above(f)

    def rate(self, f: Floats) -> Floats:
        """Return -dH/dF = d log(p - c) / dF at 0 < F < 1 (k,): the bids' density is 1 / (p - c)
        over it."""
        return _rates(self.market, np.log(f), np.log1p(-f), 1.0 / f, 1.0 / (1.0 - f))


def marginal_units(market: Market) -> tuple[Floats, Floats]:
    """Return S (n,) and R (n,): with j firms below, what the marginal firm is expected to sell,
    and what it is expected to leave unsold where it is marginal.

    S_j = sum_d pi_d s, R_j = sum_d pi_d (r - s) over demands d = j r + s, 1 <= s <= r.
    """
    by_firm = market.demand.reshape(market.firms, market.units)
    sold = np.arange(1, market.units + 1)
    return by_firm @ sold, by_firm @ (market.units - sold)


def solve(market: Market) -> Equilibrium:
    """Return the symmetric mixed equilibrium (002, (2.5); with r units each it is ours).

    H = integral of B / A from F to 1 with A = sum_j C(n-1, j) F^j (1-F)^(n-1-j) S_j and
    B = sum_j C(n-1, j) F^j (1-F)^(n-1-j) [(n-1-j) S_j / (1-F) + j R_j / F]: A and B over each
    other are an average with weights that add up to 1. Panels are halved until the integrand's
    Legendre series has settled on each.
    """
    size = min(_DEVIATIONS / np.sqrt(market.firms), np.pi / 8)
    number = int(np.ceil(np.pi / 2 / size))
    edges = np.linspace(0.0, np.pi / 2, number + 1)
    low, high = np.tile(edges[:-1], 2), np.tile(edges[1:], 2)
    upper = np.repeat([0.0, 1.0], number)
    kept: list[tuple[Floats, ...]] = []
    while len(low):
        angle = low[:, None] + (high - low)[:, None] / 2 * (1 + _nodes()[0])
        values = _integrand(market, angle, upper)
        series = values @ _nodes()[2] * ((high - low) / 2)[:, None]
        tail = np.abs(series[:, -2:]).sum(axis=1)
        done = tail <= _TAIL * np.maximum(1.0, 2.0 * np.abs(series[:, 0]))
        # What nobody ever bids needs no accuracy; where bids reach down to the cost, H has none.
        done |= (upper == 0) & (market.firms * np.sin(high / 2) ** 2 < _NEVER) & (low == 0)
        done |= high - low <= 1e-15 * high
        kept.append((upper[done], low[done], high[done], series[done], angle[done]))
        upper, low, high = upper[~done], low[~done], high[~done]
        middle = (low + high) / 2
        upper = np.tile(upper, 2)
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
    upper, low, high, series, angle = (np.concatenate(part) for part in zip(*kept, strict=True))
    # From F = 1 downwards: the upper side by rising angles, the lower one by falling angles.
    order = np.lexsort((np.where(upper == 1, low, -low), -upper))
    upper, low, high, series, angle = (a[order] for a in (upper, low, high, series, angle))
    return Equilibrium(
        market=market,
        upper=upper,
        low=low,
        high=high,
        series=_integrated(series, upper),
        angle=angle,
        weight=np.sin(angle) / 2 * (high - low)[:, None] / 2 * _nodes()[1],
        free=_free(market),
    )


def expected_prices(solved: Equilibrium) -> tuple[Floats, Floats]:
    """Return E[p_(k)] and log((E[p_(k)] - c) / (cap - c)), (n,): the firms' bids in order.

    E[p_(k)] - c = (cap - c) integral of exp(-H) n C(n-1, k-1) F^(k-1) (1-F)^(n-k) dF, summed in
    logarithms: the lowest bids of a thousand firms are far below what a double can hold.
    """
    market = solved.market
    n = market.firms
    j = np.arange(n)
    log_f, log_g = _logs(solved.angle, solved.upper)
    bids = -_at_nodes(solved) + np.log(solved.weight) + log(n)
    nodes = np.stack([log_f.ravel(), log_g.ravel(), bids.ravel(), np.ones(bids.size)], axis=1)
    firms = np.stack([j, n - 1.0 - j, np.ones(n), log_binomials(n - 1)])
    blocks = list(_blocks(len(nodes), n))
    peaks = np.array([(nodes[rows] @ firms).max(axis=0) for rows in blocks])
    shift = peaks.max(axis=0)
    total = np.zeros(n)
    for rows, peak in zip(blocks, peaks, strict=True):
        near = np.flatnonzero(peak > shift - _NEGLIGIBLE)
        total[near] += np.exp(nodes[rows] @ firms[:, near] - shift[near]).sum(axis=0)
    # Rounding must not put a bid above the cap where all of them are there.
    logs = np.minimum(shift + np.log(total), 0.0)
    return market.cost + market.margin * np.exp(logs), logs


@lru_cache(maxsize=4)
def log_binomials(n: int) -> Floats:
    """Return log C(n, k) for k = 0 .. n, each rounded once: from whole numbers, as differences
    of log-gammas lose four digits at n = 10^4."""
    found = np.zeros(n + 1)
    value = 1
    for k in range(1, n // 2 + 1):
        value = value * (n - k + 1) // k
        found[k] = found[n - k] = log(value)
    return found


@lru_cache(maxsize=1)
def _nodes() -> tuple[Floats, Floats, Floats]:
    """Gauss-Legendre nodes and weights (20,), and the matrix from values to coefficients."""
    x, w = np.polynomial.legendre.leggauss(_ORDER)
    degree = np.arange(_ORDER)
    matrix = np.polynomial.legendre.legvander(x, _ORDER - 1) * w[:, None] * (degree + 0.5)
    return x, w, matrix


def _free(market: Market) -> bool:
    """Whether bids reach down to the cost: the fewest firms that are ever needed need not sell
    all of their units, so that a rival can always gain by bidding less."""
    s, left = marginal_units(market)
    first = int(np.argmax(s > 0))
    return bool(first > 0 and left[first] > 0)


def _logs(angle: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """log F and log(1 - F) at angles (P, m) of the panels' sides (P,)."""
    near = 2 * np.log(np.sin(angle / 2))
    far = 2 * np.log(np.cos(angle / 2))
    side = upper[:, None] == 1
    return np.where(side, far, near), np.where(side, near, far)


def _integrand(market: Market, angle: Floats, upper: Floats) -> Floats:
    """B / A dF/dt at angles (P, m) of the panels' sides (P,)."""
    log_f, log_g = _logs(angle, upper)
    # dF/dt = sin(t) / 2 = sin(t/2) cos(t/2); 1/F times it would overflow where F^2 underflows.
    sine, cosine = np.sin(angle / 2), np.cos(angle / 2)
    side = upper[:, None] == 1
    by_f = np.where(side, sine / cosine, cosine / sine)
    by_g = np.where(side, cosine / sine, sine / cosine)
    flat = _rates(market, log_f.ravel(), log_g.ravel(), by_f.ravel(), by_g.ravel())
    return flat.reshape(angle.shape)


def _rates(market: Market, log_f: Floats, log_g: Floats, by_f: Floats, by_g: Floats) -> Floats:
    """Average of (n-1-j) by_g + (R_j / S_j) j by_f with weights C(n-1, j) F^j (1-F)^(n-1-j) S_j."""
    s, left = marginal_units(market)
    j = np.flatnonzero(s > 0)
    n = market.firms
    firms = np.stack([j, n - 1.0 - j, log_binomials(n - 1)[j] + np.log(s[j])])
    nodes = np.stack([log_f, log_g, np.ones(len(log_f))], axis=1)
    factors = np.stack([n - 1.0 - j, left[j] / s[j] * j], axis=1)
    found = np.empty(len(log_f))
    for rows in _blocks(len(log_f), len(j)):
        terms = nodes[rows] @ firms
        terms -= terms.max(axis=1, keepdims=True)
        near = np.flatnonzero(terms.max(axis=0) > -_NEGLIGIBLE)
        weights = np.exp(terms[:, near])
        averages = (weights @ factors[near]) / weights.sum(axis=1, keepdims=True)
        found[rows] = averages[:, 0] * by_g[rows] + averages[:, 1] * by_f[rows]
    return found


def _integrated(series: Floats, upper: Floats) -> Floats:
    """Turn series of B / A dF/dt on the panels, in order from F = 1, into those of H."""
    inner = np.polynomial.legendre.legint(series, lbnd=-1, axis=1)
    whole = inner.sum(axis=1)
    after = np.concatenate([[0.0], np.cumsum(whole)[:-1]])
    # The angle rises with H on the upper side and falls with it on the lower one.
    falling = upper == 0
    inner[falling] *= -1
    inner[:, 0] += after + np.where(falling, whole, 0.0)
    return np.asarray(inner, dtype=float)


def _at_nodes(solved: Equilibrium) -> Floats:
    """H at the nodes of all panels (P, 20)."""
    vandermonde = np.polynomial.legendre.legvander(_nodes()[0], _ORDER)
    return np.asarray(solved.series @ vandermonde.T)


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    step = max(1, _BLOCK // max(1, columns))
    for start in range(0, rows, step):
        yield slice(start, start + step)
