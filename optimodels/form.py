"""The canonical form of an optimisation model: plain arrays, taken from either modelling language.

It is what is verified, fingerprinted and exported; no solver ever sees it, so that a mistake of
a solver's interface cannot hide in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from optimodels.arrays import Floats, Mask
from optimodels.expression import Expression, NonlinearRow

if TYPE_CHECKING:
    from scipy import sparse


@dataclass(frozen=True)
class Block:
    """A named array of columns (or rows): entries ``start .. start + size`` in C order."""

    name: str
    shape: tuple[int, ...]
    start: int

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=int))

    @property
    def stop(self) -> int:
        return self.start + self.size

    def place(self, index: int) -> tuple[int, ...]:
        """Return the position within the array of entry ``index`` of the whole form."""
        return tuple(int(k) for k in np.unravel_index(index - self.start, self.shape))

    def entry(self, index: int) -> str:
        """Return the name of entry ``index`` of the whole form, as "flow[2,13]"."""
        if not self.shape:
            return self.name
        return f"{self.name}[{','.join(map(str, self.place(index)))}]"


@dataclass(frozen=True)
class Cone:
    """``matrix @ x + offset`` lies in a cone.

    ``second-order``: entries (t, u) with ``t >= ||u||``. ``exponential``: three entries
    (x, y, z) with ``y exp(x / y) <= z``, y > 0, or its closure.
    """

    kind: Literal["second-order", "exponential"]
    matrix: sparse.csr_array
    offset: Floats
    name: str = ""


@dataclass(frozen=True)
class QuadraticRow:
    """``lower <= 1/2 x' matrix x + linear @ x <= upper`` with a symmetric matrix."""

    matrix: sparse.csr_array
    linear: Floats
    lower: float
    upper: float
    name: str = ""


@dataclass(frozen=True)
class Form:
    """Minimise or maximise ``1/2 x'Qx + linear @ x + constant + expression(x)``.

    Shapes: ``linear``, ``lower``, ``upper``, ``integer`` (n,); ``quadratic`` (n, n), symmetric,
    or None; ``rows`` (m, n) with ``row_lower``, ``row_upper`` (m,). Infinite sides are ``inf``.
    ``columns`` names the model's own variables, in the order of their names; columns behind
    them are auxiliary ones of the modelling language.
    """

    sense: Literal["min", "max"]
    linear: Floats
    rows: sparse.csr_array
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    integer: Mask
    columns: tuple[Block, ...]
    row_blocks: tuple[Block, ...] = ()
    quadratic: sparse.csr_array | None = None
    constant: float = 0.0
    cones: tuple[Cone, ...] = ()
    quadratic_rows: tuple[QuadraticRow, ...] = ()
    expression: Expression | None = None
    nonlinear_rows: tuple[NonlinearRow, ...] = ()
    source: str = field(default="", compare=False)

    @property
    def sign(self) -> float:
        """1 for a minimisation, -1 for a maximisation."""
        return 1.0 if self.sense == "min" else -1.0

    @property
    def size(self) -> dict[str, int]:
        """Numbers of columns, integer columns, rows, nonzeros, cones, quadratic rows and parts
        beyond them."""
        return {
            "columns": len(self.linear),
            "integers": int(self.integer.sum()),
            "rows": len(self.row_lower),
            "nonzeros": int(self.rows.nnz),
            "cones": len(self.cones),
            "quadratic_rows": len(self.quadratic_rows),
            "nonlinear": len(self.nonlinear_rows) + (self.expression is not None),
        }

    @property
    def steps(self) -> int:
        """Operations of all nonlinear parts."""
        found = [row.expression for row in self.nonlinear_rows]
        if self.expression is not None:
            found.append(self.expression)
        return sum(len(one.steps) for one in found)

    @property
    def is_nonlinear(self) -> bool:
        """Whether there are parts beyond quadratics and cones."""
        return self.expression is not None or bool(self.nonlinear_rows)

    @property
    def bounded(self) -> Mask:
        """Which columns (n,) have a bound."""
        return (self.lower > -np.inf) | (self.upper < np.inf)

    def objective(self, x: Floats) -> float:
        """Return the objective, in the model's own sense, at x (n,)."""
        value = float(self.linear @ x) + self.constant
        if self.quadratic is not None:
            value += 0.5 * float(x @ (self.quadratic @ x))
        return value if self.expression is None else value + self.expression.value(x)

    def named(self, x: Floats) -> dict[str, Floats]:
        """Split x (n,) into the model's own variables, each in its shape."""
        return {b.name: x[b.start : b.stop].reshape(b.shape) for b in self.columns}

    def vector(self, values: Mapping[str, npt.ArrayLike]) -> Floats:
        """Join values by variable name to x (n,); columns that no name covers are NaN."""
        x = np.full(len(self.linear), np.nan)
        for block in self.columns:
            if block.name in values:
                x[block.start : block.stop] = np.broadcast_to(
                    np.asarray(values[block.name], dtype=float), block.shape
                ).ravel()
        return x

    def row_vector(self, values: Mapping[str, npt.ArrayLike]) -> Floats:
        """Join multipliers by row name to (m,); rows that no name covers are 0."""
        y = np.zeros(len(self.row_lower))
        for block in self.row_blocks:
            if block.name in values:
                y[block.start : block.stop] = np.broadcast_to(
                    np.asarray(values[block.name], dtype=float), block.shape
                ).ravel()
        return y

    def named_rows(self, y: Floats) -> dict[str, Floats]:
        """Split row multipliers y (m,) by the names of the rows."""
        return {b.name: y[b.start : b.stop].reshape(b.shape) for b in self.row_blocks}

    def column_name(self, index: int) -> str:
        return _entry_name(self.columns, index, "auxiliary")

    def row_name(self, index: int) -> str:
        return _entry_name(self.row_blocks, index, "row")

    def rounded(self, x: Floats) -> Floats:
        """Return x (n,) with integer columns whole, as a point is verified."""
        return np.where(self.integer, np.rint(x), x)

    def relaxed(self) -> Form:
        """Return the same form without integrality."""
        return replace(self, integer=np.zeros_like(self.integer))

    def fingerprint(self) -> str:
        """Return a hash of everything that defines the problem."""
        digest = hashlib.sha256(self.sense.encode())
        matrices = [self.rows, *([self.quadratic] if self.quadratic is not None else [])]
        vectors = [self.linear, self.row_lower, self.row_upper, self.lower, self.upper]
        for cone in self.cones:
            digest.update(cone.kind.encode())
            matrices.append(cone.matrix)
            vectors.append(cone.offset)
        for row in self.quadratic_rows:
            matrices.append(row.matrix)
            vectors += [row.linear, np.array([row.lower, row.upper])]
        for matrix in matrices:
            ordered = matrix
            if not matrix.has_canonical_format:
                ordered = matrix.tocsr(copy=True)
                ordered.sum_duplicates()
            for part in (ordered.indptr, ordered.indices):
                digest.update(np.ascontiguousarray(part, dtype=np.int64).tobytes())
            vectors.append(ordered.data)
        for vector in [*vectors, np.array([self.constant])]:
            # Adding 0.0 makes -0.0 and 0.0 one number.
            digest.update((np.asarray(vector, dtype=np.float64) + 0.0).tobytes())
        digest.update(self.integer.tobytes())
        if self.expression is not None:
            digest.update(repr(self.expression).encode())
        for curved in self.nonlinear_rows:
            digest.update(repr((curved.expression, curved.lower, curved.upper)).encode())
        for block in (*self.columns, *self.row_blocks):
            digest.update(f"{block.name}{block.shape}".encode())
        return digest.hexdigest()


def stack_blocks(sizes: Iterable[tuple[str, tuple[int, ...]]]) -> tuple[Block, ...]:
    """Lay named arrays one behind the other."""
    blocks: list[Block] = []
    start = 0
    for name, shape in sizes:
        blocks.append(Block(name, shape, start))
        start = blocks[-1].stop
    return tuple(blocks)


def _entry_name(blocks: tuple[Block, ...], index: int, other: str) -> str:
    for block in blocks:
        if block.start <= index < block.stop:
            return block.entry(index)
    return f"{other}[{index}]"
