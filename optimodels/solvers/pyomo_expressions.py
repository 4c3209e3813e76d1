"""Pyomo's nonlinear expressions, taken over node by node."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pyomo.environ as pyo
from pyomo.core.expr import (
    DivisionExpression,
    NegationExpression,
    PowExpression,
    ProductExpression,
    SumExpressionBase,
    UnaryFunctionExpression,
)

from optimodels.errors import RunError
from optimodels.expression import FUNCTIONS, Expression, Tape


def expression_of(expression: Any, place: Mapping[int, int]) -> Expression:
    """Return an expression of Pyomo's as one of ours.

    ``place`` is the column of a variable by its ``id``. Raises RunError where it holds something
    that is not smooth.
    """
    tape = Tape()
    return tape.expression(_walk(expression, place, tape))


def _walk(node: Any, place: Mapping[int, int], tape: Tape) -> int:
    if not hasattr(node, "is_potentially_variable") or not node.is_potentially_variable():
        return tape.add("number", value=float(pyo.value(node)))
    if node.is_variable_type():
        if node.fixed:
            return tape.add("number", value=float(node.value))
        return tape.add("column", value=place[id(node)])
    inside = [_walk(argument, place, tape) for argument in node.args]
    if isinstance(node, SumExpressionBase):
        return tape.add("sum", inside)
    if isinstance(node, NegationExpression):
        return tape.add("product", [tape.add("number", value=-1.0), *inside])
    if isinstance(node, ProductExpression):
        return tape.add("product", inside)
    if isinstance(node, DivisionExpression):
        return tape.add("quotient", inside)
    if isinstance(node, PowExpression):
        return tape.add("power", inside)
    if isinstance(node, UnaryFunctionExpression):
        name = node.getname()
        if name == "log10":
            ten = tape.add("number", value=1.0 / math.log(10.0))
            return tape.add("product", [ten, tape.add("log", inside)])
        if name in FUNCTIONS:
            return tape.add(name, inside)
    if len(inside) == 1 and node.is_named_expression_type():
        return inside[0]
    raise RunError(f"no canonical form for {type(node).__name__} in a nonlinear expression")
