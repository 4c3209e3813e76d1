"""Run the system over a grid of times: exact between events, whatever the step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats, Ints, Mask
from optimodels.errors import DataError, RunError
from optimodels.families.regulation.physics import disturbances
from optimodels.families.regulation.physics.discretisation import Step, step
from optimodels.families.regulation.physics.system import StateSpace

#: Of no power or frequency, per unit; squares of it are numbers still.
_MOST = 1e100
#: Equal steps that are worth arranging in blocks.
_BLOCKS = 64
#: A limit's crossing is found within 2^-this of a step.
_HALVINGS = 30
#: More crossings of a limit than these within one step are no response of a load.
_MOST_CROSSINGS = 50


@dataclass(frozen=True)
class Inputs:
    """Values of every input at the beginning and at the end of every step, (k, m) each."""

    begin: Floats
    end: Floats


@dataclass(frozen=True)
class Run:
    """States (k + 1, n) at the times of the grid.

    ``modes`` (k + 1, 2) says which limit each area's demand response stands at: 1, -1, 0 none.
    """

    states: Floats
    modes: Ints


class Steps:
    """The steps of one system, by their length; equal ones are made once."""

    def __init__(self, a: Floats, b: Floats) -> None:
        self._a, self._b = a, b
        self._made: dict[float, Step] = {}

    def of(self, length: float) -> Step:
        if length not in self._made:
            self._made[length] = step(self._a, self._b, length)
        return self._made[length]


# What grows without bounds is told in words.
@np.errstate(over="ignore", invalid="ignore")
def linear(space: StateSpace, grid: Floats, given: Inputs) -> Floats:
    """Return the states (k + 1, n, ...) of the linear system, which begins at rest.

    Inputs of shape (k, m, s) are s scenarios at once: the states have that axis as well.
    """
    steps = Steps(space.a, space.b)
    lengths = disturbances.lengths(grid)
    shape = given.begin.shape[2:]
    x = np.zeros((len(grid), len(space.a), *shape))
    phis = {}
    for h in np.unique(lengths).tolist():
        here, one = lengths == h, steps.of(h)
        phis[h] = one.phi
        change = given.end[here] - given.begin[here]
        x[1:][here] = np.einsum("nm,km...->kn...", one.held, given.begin[here])
        x[1:][here] += np.einsum("nm,km...->kn...", one.rising, change)
    _recur(phis, lengths, x)
    return _bounded(x)


def _recur(phis: dict[float, Floats], lengths: Floats, x: Floats) -> None:
    """Turn x, its rows but the first holding what each step adds, into the states."""
    ends = [*(np.flatnonzero(np.diff(lengths)) + 1), len(lengths)]
    first = 0
    for last in ends:
        # In turn where steps are few, or many scenarios make each a product of matrices anyway.
        if x.ndim > 2 or last - first < _BLOCKS:
            for k in range(first, last):
                x[k + 1] += phis[lengths[k]] @ x[k]
        else:
            _in_blocks(phis[lengths[first]], x[first : last + 1])
        first = last


def _bounded(x: Floats) -> Floats:
    """Return the states, or raise DataError where an unstable system has left all bounds."""
    if not np.abs(x).max() < _MOST:
        raise DataError(
            "parameters",
            f"unstable: the run grows beyond {_MOST:g}; shorten it to see how it begins",
        )
    return x


def _in_blocks(phi: Floats, x: Floats) -> None:
    """Turn x (k + 1, n), its rows but the first holding what each step adds, into the states.

    The same recursion x_(k+1) = Phi x_k + f_k: within blocks first, all blocks side by side, then
    from block to block, so that products of matrices take the place of k products with a vector.
    """
    count, n = len(x) - 1, x.shape[1]
    size = int(np.sqrt(count))
    whole = size * (count // size)
    parts = x[1 : whole + 1].reshape(-1, size, n)
    powers = [phi]
    for j in range(1, size):
        parts[:, j] += parts[:, j - 1] @ phi.T
        powers.append(phi @ powers[-1])
    carried = np.empty((len(parts), n))
    now = x[0]
    for block, part in enumerate(parts):
        carried[block] = now
        now = powers[-1] @ now + part[-1]
    for j, power in enumerate(powers):
        parts[:, j] += carried @ power.T
    for k in range(whole, count):
        x[k + 1] += phi @ x[k]


@dataclass(frozen=True)
class Switching:
    """What makes a run piecewise linear: samples of ACE, and limits of demand response.

    ``at`` (k + 1,) marks the times of a sample, ``held`` (a,) the states that hold it, and rows
    ``measured`` (a,) of C what is sampled. ``responses`` (2, n) gives each area's response from
    the states, positive as power, and ``limits`` (2,) how far it can go either way.
    """

    at: Mask
    held: Ints
    measured: Ints
    responses: Floats
    limits: Floats

    def modes(self, x: Floats) -> tuple[int, int]:
        power = self.responses @ x
        beyond = np.where(np.abs(power) > self.limits, np.sign(power), 0.0)
        return int(beyond[0]), int(beyond[1])


@np.errstate(over="ignore", invalid="ignore")
def switched(
    make: Callable[[tuple[int, int]], StateSpace], grid: Floats, given: Inputs, how: Switching
) -> Run:
    """Run a system that samples and saturates; ``make`` returns it for areas at their limits.

    Between samples and crossings it is linear and its step exact; a crossing is found by halving
    the step. A crossing and its return within one step are not seen: the step must be shorter
    than a response. Raises RunError where limits are crossed without end.
    """
    made: dict[tuple[int, int], tuple[StateSpace, Steps]] = {}

    def of(mode: tuple[int, int]) -> tuple[StateSpace, Steps]:
        if mode not in made:
            space = make(mode)
            made[mode] = space, Steps(space.a, space.b)
        return made[mode]

    n = len(make((0, 0)).a)
    x, modes = np.zeros((len(grid), n)), np.zeros((len(grid), 2), dtype=np.int64)
    lengths = disturbances.lengths(grid).tolist()
    for k in range(len(grid)):
        if k:
            begin, end = given.begin[k - 1], given.end[k - 1]
            x[k] = _across(of, how, x[k - 1], lengths[k - 1], begin, end)
        mode = how.modes(x[k])
        if how.at[k]:
            space, _ = of(mode)
            now = given.begin[min(k, len(given.begin) - 1)]
            x[k, how.held] = (space.c @ x[k] + space.d @ now)[how.measured]
        modes[k] = mode
    return Run(_bounded(x), modes)


def _across(
    of: Callable[[tuple[int, int]], tuple[StateSpace, Steps]],
    how: Switching,
    x: Floats,
    length: float,
    begin: Floats,
    end: Floats,
) -> Floats:
    """Return the state one step on, through every crossing of a limit in it."""
    done, slope = 0.0, (end - begin) / length
    for _ in range(_MOST_CROSSINGS):
        mode = how.modes(x)
        steps = of(mode)[1]

        def ahead(h: float, x: Floats = x, done: float = done, steps: Steps = steps) -> Floats:
            one = steps.of(h)
            now: Floats = one.phi @ x + one.held @ (begin + done * slope)
            return now + one.rising @ (h * slope)

        left = length - done
        there = ahead(left)
        if how.modes(there) == mode:
            return there
        # The longest part, in halves of halves, after which no limit is crossed, and a bit more.
        for j in range(1, _HALVINGS + 1):
            part = length / 2**j
            if done + part >= length:
                continue
            there = ahead(part, x, done)
            if how.modes(there) == mode:
                x, done = there, done + part
        last = min(length / 2**_HALVINGS, length - done)
        x, done = ahead(last, x, done), done + last
        if done >= length:
            return x
    raise RunError(f"limits of demand response are crossed {_MOST_CROSSINGS} times in {length:g} s")
