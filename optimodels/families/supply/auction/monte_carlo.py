"""The expected supply curve by repetition, as the paper took it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.supply.auction.equilibrium import Equilibrium

#: Bids drawn at a time.
_BLOCK = 500_000


@dataclass(frozen=True)
class Simulated:
    """Means and standard errors of the firms' bids in order, (n,)."""

    mean: Floats
    error: Floats


def simulate(solved: Equilibrium, draws: int, seed: int) -> Simulated:
    """Draw all firms' bids ``draws`` times, sort them, and average.

    The same for a seed whatever the machine; the standard errors are those of independent
    repetitions, and too small where the lowest bids have heavy tails.
    """
    n = solved.market.firms
    rng = np.random.default_rng(seed)
    done, mean, spread = 0, np.zeros(n), np.zeros(n)
    while done < draws:
        some = min(draws - done, max(1, _BLOCK // n))
        # A larger probability is a larger bid: sorted before they are turned into bids.
        drawn = np.sort(rng.random((some, n)), axis=1)
        bids = solved.quantile(drawn.ravel()).reshape(some, n)
        here = bids.mean(axis=0)
        moved = here - mean
        spread += ((bids - here) ** 2).sum(axis=0) + moved**2 * (done * some / (done + some))
        mean += moved * (some / (done + some))
        done += some
    error = np.sqrt(spread / (draws - 1) / draws) if draws > 1 else np.full(n, np.nan)
    return Simulated(mean, error)
