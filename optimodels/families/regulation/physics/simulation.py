"""Run the system over a grid of times: exact between events, whatever the step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats, Ints, Mask
from optimodels.errors import RunError
from optimodels.families.regulation.physics.discretisation import Step, step
from optimodels.families.regulation.physics.system import StateSpace

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
        # Differences of a grid's times differ by rounding; a relative 1e-12 is below its effect.
        key = float(f"{length:.12g}")
        if key not in self._made:
            self._made[key] = step(self._a, self._b, key)
        return self._made[key]


def linear(space: StateSpace, grid: Floats, given: Inputs, start: Floats | None = None) -> Floats:
    """Return the states (k + 1, n, ...) of the linear system from ``start``, by default at rest.

    Inputs of shape (k, m, s) are s scenarios at once: the states have that axis as well.
    """
    steps = Steps(space.a, space.b)
    lengths = np.array([float(f"{h:.12g}") for h in np.diff(grid)])
    shape = given.begin.shape[2:]
    x = np.zeros((len(grid), len(space.a), *shape))
    if start is not None:
        x[0] = start
    phis = {}
    for h in np.unique(lengths):
        here, one = lengths == h, steps.of(float(h))
        phis[h] = one.phi
        change = given.end[here] - given.begin[here]
        x[1:][here] = np.einsum("nm,km...->kn...", one.held, given.begin[here])
        x[1:][here] += np.einsum("nm,km...->kn...", one.rising, change)
    for k, h in enumerate(lengths):
        x[k + 1] += phis[h] @ x[k]
    return x


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
    for k in range(len(grid)):
        if k:
            x[k] = _across(of, how, x[k - 1], grid[k] - grid[k - 1],
                           given.begin[k - 1], given.end[k - 1])  # fmt: skip
        mode = how.modes(x[k])
        if how.at[k]:
            space, _ = of(mode)
            now = given.begin[min(k, len(given.begin) - 1)]
            x[k, how.held] = (space.c @ x[k] + space.d @ now)[how.measured]
        modes[k] = mode
    return Run(x, modes)


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
