"""What disturbs the system: power lost, or given frequency, over a time that it says itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats

#: Times closer than this, s, are one.
_SAME = 1e-9


@dataclass(frozen=True)
class Signal:
    """A signal by its nodes: straight from ``after`` of one node to ``before`` of the next.

    ``times`` (k,), rising; where ``before`` (k,) and ``after`` (k,) differ it jumps. Before the
    first node it is 0, and after the last it stays as ``after`` says.
    """

    times: Floats
    before: Floats
    after: Floats

    def within(self, grid: Floats) -> tuple[Floats, Floats]:
        """Return its values at the beginning and at the end of every step of a grid (k + 1,).

        Exact where the nodes are on the grid.
        """
        middle = (grid[1:] + grid[:-1]) / 2
        k = np.searchsorted(self.times, middle) - 1
        found = []
        for t in (grid[:-1], grid[1:]):
            here, then = np.maximum(k, 0), np.minimum(k + 1, len(self.times) - 1)
            span = self.times[then] - self.times[here]
            part = np.where(span > 0, (t - self.times[here]) / np.where(span > 0, span, 1.0), 0.0)
            straight = self.after[here] + part * (self.before[then] - self.after[here])
            last = k >= len(self.times) - 1
            value = np.where(last, self.after[-1], straight)
            found.append(np.where(k < 0, 0.0, value))
        return found[0], found[1]


def step(size: float, start: float, end: float | None = None) -> Signal:
    """Return ``size`` from ``start`` on, until ``end`` where there is one."""
    times, after = [start], [size]
    if end is not None:
        times.append(end)
        after.append(0.0)
    return Signal(np.array(times), np.array([0.0, size][: len(times)]), np.array(after))


def ramp(size: float, start: float, rise: float, end: float | None = None) -> Signal:
    """Return a straight rise to ``size`` in ``rise`` s, and as long a fall from ``end`` on."""
    times, values = [start, start + rise], [0.0, size]
    if end is not None:
        times += [end, end + rise]
        values += [size, 0.0]
    nodes = np.array(values)
    return Signal(np.array(times), nodes, nodes)


def held(values: Floats, every: float, start: float = 0.0) -> Signal:
    """Return values that each hold for ``every`` seconds, and then 0."""
    times: Floats = start + every * np.arange(len(values) + 1, dtype=float)
    after = np.append(values, 0.0)
    return Signal(times, np.append(0.0, values), after)


def straight(values: Floats, every: float, start: float = 0.0) -> Signal:
    """Return straight lines between values ``every`` seconds apart; the last one stays."""
    times: Floats = start + every * np.arange(len(values), dtype=float)
    before = values.copy()
    before[0] = 0.0
    return Signal(times, before, values)


def noise(
    size: float, every: float, correlation: float, duration: float, seed: int, start: float = 0.0
) -> Signal:
    """Return normal noise of standard deviation ``size``, held for ``every`` seconds each.

    ``correlation`` is the time in which its memory falls to 1/e; 0: none. Stationary from the
    start; the same for a seed on every machine.
    """
    count = max(1, int(np.ceil((duration - start) / every - _SAME)))
    drawn = np.random.default_rng(seed).standard_normal(count)
    keep = float(np.exp(-every / correlation)) if correlation > 0 else 0.0
    values = np.empty(count)
    values[0] = drawn[0]
    for k in range(1, count):
        values[k] = keep * values[k - 1] + np.sqrt(1 - keep**2) * drawn[k]
    return held(size * values, every, start)


def grid(duration: float, length: float, events: Floats) -> Floats:
    """Return the times of a simulation: every ``length`` seconds, the end, and the events between.

    Times that differ by rounding alone are one.
    """
    count = int(np.floor(duration / length + _SAME))
    regular = length * np.arange(count + 1)
    inside = events[(events > 0) & (events < duration)]
    every = np.sort(np.concatenate([regular, inside, [duration]]))
    apart = np.concatenate([[True], np.diff(every) > _SAME * max(1.0, duration)])
    return np.asarray(every[apart])


def lengths(grid: Floats) -> Floats:
    """Return the steps (k,) of a grid; those that differ by the rounding of its times are one."""
    found = np.diff(grid)
    order = np.argsort(found)
    rising = found[order]
    group = np.cumsum(np.append(0, np.diff(rising) > _SAME * rising[1:]))
    mean = np.bincount(group, rising) / np.bincount(group)
    same = np.empty_like(found)
    same[order] = mean[group]
    return same
