"""Smooth nonlinear expressions as plain lists of steps, evaluated and differentiated here.

A modelling language's expression becomes an ``Expression``, so that a nonlinear claim is judged by
arithmetic that neither the language nor a solver had a hand in.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from optimodels.arrays import Floats

#: Functions of one argument with their derivatives, for real and complex numbers.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "exp": (cmath.exp, cmath.exp),
    "log": (cmath.log, lambda v: 1 / v),
    "sqrt": (cmath.sqrt, lambda v: 0.5 / cmath.sqrt(v)),
    "sin": (cmath.sin, cmath.cos),
    "cos": (cmath.cos, lambda v: -cmath.sin(v)),
    "tan": (cmath.tan, lambda v: 1 / cmath.cos(v) ** 2),
    "asin": (cmath.asin, lambda v: 1 / cmath.sqrt(1 - v * v)),
    "acos": (cmath.acos, lambda v: -1 / cmath.sqrt(1 - v * v)),
    "atan": (cmath.atan, lambda v: 1 / (1 + v * v)),
    "sinh": (cmath.sinh, cmath.cosh),
    "cosh": (cmath.cosh, cmath.sinh),
    "tanh": (cmath.tanh, lambda v: 1 / cmath.cosh(v) ** 2),
}

#: The imaginary step of a derivative: its square is below any rounding.
_TINY = 1e-30


@dataclass(frozen=True)
class Step:
    """One operation: "column" and "number" carry a ``value``, others places of earlier steps."""

    operation: str
    places: tuple[int, ...] = ()
    value: float = 0.0


@dataclass(frozen=True)
class Expression:
    """A smooth expression of a form's columns; its value is that of the last step."""

    steps: tuple[Step, ...]

    def value(self, x: Floats) -> float:
        """Return the value at x (n,); NaN outside of where it is real."""
        try:
            found = self._values(x)[-1]
        except (ArithmeticError, ValueError):
            return math.nan
        return float(found.real) if abs(found.imag) <= 1e-12 * abs(found) else math.nan

    def gradient(self, x: Floats) -> Floats:
        """Return the gradient (n,) at x (n,)."""
        return np.real(self._gradient(x)).astype(np.float64)

    def hessian(self, x: Floats) -> Floats:
        """Return the Hessian (n, n) at x (n,): the gradient's derivative by an imaginary step."""
        used = sorted({int(s.value) for s in self.steps if s.operation == "column"})
        found = np.zeros((len(x), len(x)))
        for column in used:
            moved = x.astype(complex)
            moved[column] += 1j * _TINY
            found[:, column] = np.imag(self._gradient(moved)) / _TINY
        return (found + found.T) / 2

    def _values(self, x: npt.NDArray[Any]) -> list[complex]:
        values: list[complex] = []
        for step in self.steps:
            inside = [values[place] for place in step.places]
            values.append(_evaluate(step, inside, x))
        return values

    def _gradient(self, x: npt.NDArray[Any]) -> npt.NDArray[np.complex128]:
        """The reverse sweep: derivatives of the last step by every earlier one."""
        values = self._values(x)
        slopes = [0j] * len(values)
        slopes[-1] = 1 + 0j
        gradient = np.zeros(len(x), dtype=complex)
        for k in range(len(self.steps) - 1, -1, -1):
            step = self.steps[k]
            if step.operation == "column":
                gradient[int(step.value)] += slopes[k]
            for place, slope in zip(step.places, _slopes(step, values, k), strict=True):
                slopes[place] += slopes[k] * slope
        return gradient


@dataclass(frozen=True)
class NonlinearRow:
    """``lower <= expression(x) <= upper``; ``row`` is its place among the rows, empty there."""

    expression: Expression
    lower: float
    upper: float
    row: int
    name: str = ""


@dataclass
class Tape:
    """Builds an ``Expression`` step by step; equal steps are taken once."""

    steps: list[Step] = field(default_factory=list)
    _known: dict[Step, int] = field(default_factory=dict)

    def add(self, operation: str, places: Sequence[int] = (), value: float = 0.0) -> int:
        """Add a step and return its place."""
        step = Step(operation, tuple(places), float(value))
        if step not in self._known:
            self._known[step] = len(self.steps)
            self.steps.append(step)
        return self._known[step]

    def expression(self, last: int) -> Expression:
        """Return the expression whose value is that of the step at ``last``."""
        return Expression(tuple(self.steps[: last + 1]))


def _evaluate(step: Step, inside: Sequence[complex], x: npt.NDArray[Any]) -> complex:
    if step.operation == "column":
        return complex(x[int(step.value)])
    if step.operation == "number":
        return complex(step.value)
    if step.operation == "sum":
        return sum(inside, 0j)
    if step.operation == "product":
        return inside[0] * inside[1]
    if step.operation == "quotient":
        return inside[0] / inside[1]
    if step.operation == "power":
        return inside[0] ** inside[1]
    function, _ = FUNCTIONS[step.operation]
    return complex(function(inside[0]))


def _slopes(step: Step, values: Sequence[complex], k: int) -> list[complex]:
    """Return the derivatives of a step by each of its places."""
    inside = [values[place] for place in step.places]
    if step.operation in ("column", "number"):
        return []
    if step.operation == "sum":
        return [1 + 0j] * len(inside)
    if step.operation == "product":
        return [inside[1], inside[0]]
    if step.operation == "quotient":
        return [1 / inside[1], -values[k] / inside[1]]
    if step.operation == "power":
        base, exponent = inside
        by_base = exponent * base ** (exponent - 1) if exponent != 0 else 0j
        by_exponent = values[k] * cmath.log(base) if base != 0 else 0j
        return [by_base, by_exponent]
    _, derivative = FUNCTIONS[step.operation]
    return [complex(derivative(inside[0]))]
