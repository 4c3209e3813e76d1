"""Random numbers that depend on (seed, stream, replica, proposal) alone: SplitMix64 by counter.

The n-th number of the stream with key k is mix(k + n gamma) (Steele, Lea and Flood 2014), so that
it can be computed for any replica and any proposal, in any order and in any batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Unsigned = npt.NDArray[np.uint64]

GAMMA = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


def mixed(numbers: Unsigned) -> Unsigned:
    """Return the SplitMix64 finaliser of 64-bit numbers (any shape)."""
    z = (numbers ^ (numbers >> _30)) * FIRST
    z = (z ^ (z >> _27)) * SECOND
    return z ^ (z >> _31)


def keys(seed: int, stream: Sequence[int], kind: int, count: int) -> Unsigned:
    """Return the keys (count,) of the streams number 0, 1, .. of one kind.

    A key depends on the seed, the stream, the kind and its own number, not on ``count``. The
    seed goes through SeedSequence, so that streams of neighbouring seeds have nothing in common.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(*stream, kind))
    first, second = sequence.generate_state(2, np.uint64)
    numbers = np.arange(1, count + 1, dtype=np.uint64)
    return mixed(mixed(first + numbers * GAMMA) ^ second)


def drawn(stream_keys: Unsigned, numbers: Unsigned) -> Unsigned:
    """Return the random word (64 bits) of that number of each stream, shapes broadcast."""
    return mixed(stream_keys + numbers * GAMMA)


def site_and_rest(words: Unsigned, sites: int) -> tuple[npt.NDArray[np.int64], Unsigned]:
    """Return a site in 0..sites-1 and a uniform 32-bit number from each 64-bit word.

    The upper 64 bits of the product of the word with the number of sites: the probability of a
    site is exact to 2^-64 sites, that of the rest to 2^-32.
    """
    count = np.uint64(sites)
    upper = (words >> _32) * count + (((words & _LOW) * count) >> _32)
    return (upper >> _32).astype(np.int64), upper & _LOW
