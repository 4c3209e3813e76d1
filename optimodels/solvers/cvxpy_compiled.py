"""What CVXPY compiled, kept for instances that differ in right-hand sides and costs alone.

CVXPY's own way, parameters, needs memory of their number times that of the columns: gigabytes for
the injections of nine thousand buses, and ten seconds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any

import cvxpy as cp
import numpy as np

from optimodels.model import Vectors
from optimodels.solvers.cvxpy_form import Reading

#: Compiled programmes that are kept; one of 9,241 buses has some 30 MB.
_KEPT = 4


@dataclass
class Compiled:
    """A problem as a solver of CVXPY's gets it: ``data`` by its chain of reductions."""

    problem: cp.Problem
    data: dict[str, Any]
    chain: Any
    inverse: Any

    @cached_property
    def reading(self) -> Reading:
        order = getattr(self.chain.solver, "EXP_CONE_ORDER", None) or [0, 1, 2]
        return Reading(self.problem, self.data["param_prob"], order)

    def moved(self, vectors: Vectors) -> Compiled:
        """Return the same with other vectors."""
        reading = self.reading.moved(vectors)
        found = replace(self, data={**self.data, "c": reading.cost, "b": reading.offset})
        found.reading = reading
        return found

    @cached_property
    def plain(self) -> bool:
        """Whether a solver gets the program's (c, A, b) as they are, in its order of rows."""
        own = {"c": self.reading.cost, "b": self.reading.offset}
        matrix = self.data.get("A")
        return (
            all(np.array_equal(self.data.get(name, ()), own[name]) for name in own)
            and matrix is not None
            and matrix.shape == self.reading.matrix.shape
            and (matrix + self.reading.matrix).count_nonzero() == 0
        )

    def holds(self, vectors: Vectors) -> bool:
        """Whether it was compiled with these vectors."""
        own = self.moved(vectors).data
        return self.plain and all(np.array_equal(self.data[name], own[name]) for name in ("c", "b"))


class Shelf:
    """The last few programmes, by what they were compiled from."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Any, ...], tuple[Compiled, Vectors]] = OrderedDict()

    def served(
        self, kind: tuple[Any, ...], vectors: Vectors, anew: Callable[[], Compiled]
    ) -> Compiled:
        """Return a kept programme with these vectors, or compile one and keep it."""
        key = (*kind, _digest(vectors.rest))
        known = self._kept.pop(key, None)
        # A solver that takes its data in another shape than (c, b) gets them compiled anew.
        if known is not None and known[0].holds(known[1]):
            self._kept[key] = known
            return known[0].moved(vectors)
        found = anew()
        self._kept[key] = found, vectors
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found


def _digest(rest: Any) -> bytes:
    whole = blake2b(digest_size=32)
    for piece in _pieces(rest):
        whole.update(piece)
    return whole.digest()


def _pieces(value: Any) -> Iterator[bytes]:
    """Yield everything that a value is made of, each with its kind and size."""
    if is_dataclass(value):
        yield f"{type(value).__qualname__} ".encode()
        for field in fields(value):
            yield f"{field.name} ".encode()
            yield from _pieces(getattr(value, field.name))
    elif isinstance(value, (tuple, list)):
        yield f"{len(value)} ".encode()
        for part in value:
            yield from _pieces(part)
    elif isinstance(value, np.ndarray) and value.dtype != object:
        yield f"{value.dtype} {value.shape} ".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif value is None or isinstance(value, (bool, int, float, str)):
        yield f"{type(value).__name__} {value!r} ".encode()
    else:
        raise TypeError(f"no digest of a {type(value).__name__}")
