"""What a Monte Carlo curve instead of the exact one would make of a fit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.supply.auction.equilibrium import Equilibrium
from optimodels.families.supply.fitting.stationarity import Written

#: A figure of a Monte Carlo curve lies outside of its range once in so many times on either side:
#: of a hundred rows hardly one does by chance.
ONCE_IN = 20_000
#: Sets of bids for their covariance, and curves drawn with it, in so many blocks.
_SETS, _CURVES, _BLOCKS = 10_000, 40_000, 10
#: Fewer repetitions have means that are not yet normal; more units, a covariance too large.
LEAST_DRAWS, MOST_UNITS = 1_000, 500


def errors(solved: Equilibrium, repetitions: int, seed: int) -> Iterator[Floats]:
    """Yield errors (k, n r) of each unit's mean price over so many repetitions, curve by curve.

    Normal, with the covariance of sets of bids; the same for a seed whatever the machine.
    """
    market = solved.market
    rng = np.random.default_rng(seed)
    covariance = np.zeros((market.firms, market.firms))
    some = _SETS // _BLOCKS
    for _ in range(_BLOCKS):
        ordered = np.sort(rng.random((some, market.firms)), axis=1)
        bids = solved.quantile(ordered.ravel()).reshape(some, market.firms)
        covariance += np.cov(bids.T) / _BLOCKS
    values, vectors = np.linalg.eigh(covariance / repetitions)
    # The one root that is symmetric: eigenvectors have the signs that a processor gives them.
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    for _ in range(_BLOCKS):
        drawn = rng.standard_normal((_CURVES // _BLOCKS, market.firms)) @ root
        yield np.repeat(drawn, market.units, axis=1)


def ranges(
    solved: Equilibrium, written: Written, x: Floats, left: Floats, repetitions: int, seed: int
) -> dict[str, float]:
    """Return the lowest and the highest figure that a fit to a Monte Carlo curve would give.

    ``written`` is the fit to the exact curve at x (m,), ``left`` (m,) what it misses there. To
    first order: the parameters follow the errors by least squares, and the sum of squares is that
    of what stays. Figures are the parameters, exp of those that are logarithms, and "objective".
    """
    root, triangle = np.linalg.qr(written.tangent(x, written.point))
    found: dict[str, list[Floats]] = {}
    for noise in errors(solved, repetitions, seed):
        along = noise @ root
        moves = np.linalg.solve(triangle, along.T)
        stays = noise - along @ root.T + left
        for name, at, moved in zip(written.names, written.point, moves, strict=True):
            short = name.removeprefix("log ")
            figure = at + moved if short == name else np.exp(at + moved)
            found.setdefault(short, []).append(figure)
        found.setdefault("objective", []).append((stays**2).sum(axis=1))
    sides = 1.0 / ONCE_IN, 1.0 - 1.0 / ONCE_IN
    told: dict[str, float] = {}
    for name, parts in found.items():
        low, high = np.quantile(np.concatenate(parts), sides).tolist()
        told |= {f"noise_{name}_low": low, f"noise_{name}_high": high}
    return told
