"""Curve fits that tests share: points as a case has them, and what is found of them."""

from __future__ import annotations

from optimodels.arrays import Floats
from optimodels.case import parse_case
from optimodels.result import Result
from optimodels.study import solve


def solved(parameters: str, solver: str = "exact") -> Result:
    text = f"model: supply/curve-fit\nsolver: '{solver}'\nparameters: {{{parameters}}}\n"
    return solve(parse_case(text))


def given(x: Floats, y: Floats, weight: Floats | None = None) -> str:
    """Points as they stand in a case, to the last digit."""
    weights = "" if weight is None else f", weights: {weight.tolist()}"
    return f"data: {{quantity: {x.tolist()}, price: {y.tolist()}{weights}}}"
