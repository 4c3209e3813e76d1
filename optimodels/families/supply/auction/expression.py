"""Densities written as arithmetic in x: a small set of Python's own grammar, nothing else."""

from __future__ import annotations

import ast
from typing import Any, cast

#: Longer texts, and deeper nesting than this, are no density that a person wrote.
MOST_CHARACTERS = 500
_MOST_DEPTH = 40

FUNCTIONS = ("abs", "exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "minimum", "maximum")
_TWO = ("minimum", "maximum")
_CONSTANTS = ("x", "pi", "e")
_KNOWN = f"numbers, {', '.join(_CONSTANTS)}, + - * / **, brackets and {', '.join(FUNCTIONS)}"
_OPERATORS: dict[type[ast.operator | ast.unaryop], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "float_power",
    ast.USub: "negative",
    ast.UAdd: "positive",
}


def parse(text: str) -> ast.expr:
    """Return the tree of an expression in x; raises ValueError with what is not arithmetic.

    Known are numbers, x, pi, e, + - * / **, brackets and ``FUNCTIONS``.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"is longer than {MOST_CHARACTERS} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{_short(text)} is no arithmetic expression in x: {_KNOWN}") from error
    _check(tree, 0)
    return tree


def evaluate(tree: ast.expr, x: Any) -> Any:
    """Return the values of a checked expression at an array x; what overflows is inf or NaN."""
    import numpy as np

    def value(node: Any) -> Any:
        if isinstance(node, ast.Constant):
            return np.float64(cast(float, node.value))
        if isinstance(node, ast.Name):
            return x if node.id == "x" else np.float64(getattr(np, node.id))
        if isinstance(node, ast.BinOp):
            operator = getattr(np, _OPERATORS[type(node.op)])
            return operator(value(node.left), value(node.right))
        if isinstance(node, ast.UnaryOp):
            return getattr(np, _OPERATORS[type(node.op)])(value(node.operand))
        return getattr(np, node.func.id)(*map(value, node.args))

    with np.errstate(all="ignore"):
        return np.broadcast_to(value(tree), np.shape(x))


def _check(node: ast.AST, depth: int) -> None:
    if depth > _MOST_DEPTH:
        raise ValueError(f"is nested more than {_MOST_DEPTH} deep")
    inner: list[ast.expr] = []
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            float(value)
        except OverflowError as error:
            raise ValueError("has a number that is too large") from error
    elif isinstance(node, ast.Name) and node.id in _CONSTANTS:
        pass
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        inner = [node.left, node.right]
    elif isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        inner = [node.operand]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        name, number = node.func.id, 2 if node.func.id in _TWO else 1
        if name not in FUNCTIONS:
            raise ValueError(f"knows no function {name!r}; there are {', '.join(FUNCTIONS)}")
        if len(node.args) != number:
            raise ValueError(f"{name} takes {number} argument{'s' * (number > 1)}")
        inner = node.args
    else:
        raise ValueError(f"{_short(ast.unparse(node))} is no arithmetic in x: {_KNOWN}")
    for child in inner:
        _check(child, depth + 1)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 40 else f"{line[:37]}...")
