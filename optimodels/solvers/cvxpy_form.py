"""How CVXPY's cone program maps to the canonical form, and a solver's answers back to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import replace
from itertools import chain
from typing import Any

import cvxpy as cp
import numpy as np
from cvxpy.constraints import SOC, ExpCone, NonNeg, Zero
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.errors import RunError
from optimodels.form import Block, Cone, Form, stack_blocks
from optimodels.model import Vectors


class Reading:
    """How the stuffed cone program maps to the canonical form and back."""

    def __init__(self, problem: cp.Problem, program: Any, exp_order: Any) -> None:
        parts = program.apply_parameters(quad_obj=program.P is not None)
        p = parts[0] if len(parts) == 5 else None
        c, d, matrix, offset = parts[-4:]
        n = int(program.x.size)
        self.constant = float(np.asarray(d).item())
        self._order, columns = _column_order(problem, program, n)
        rows = sparse.csr_array(matrix)[:, self._order]
        offset = np.asarray(offset, dtype=float).ravel()
        labels = {c.id: c.label for c in problem.constraints}
        lower, upper = _column_bounds(program, self._order, n)
        integer = np.zeros(n, dtype=bool)
        for places in (program.x.boolean_idx, program.x.integer_idx):
            integer[_positions(places)] = True
        integer = integer[self._order]

        self._rows: list[tuple[str, tuple[int, ...], Any, np.ndarray[Any, Any], bool]] = []
        cones: list[Cone] = []
        self._cones: list[tuple[int, np.ndarray[Any, Any]]] = []
        start = 0
        for number, constraint in enumerate(program.constraints):
            place = np.arange(start, start + constraint.size)
            start += constraint.size
            if isinstance(constraint, (Zero, NonNeg)):
                if constraint.id not in labels and isinstance(constraint, NonNeg):
                    place = _absorb_bounds(rows, offset, place, lower, upper)
                shape = tuple(constraint.shape)
                if len(place) == constraint.size and len(shape) > 1:
                    # CVXPY lays arrays out by columns, the canonical form by rows.
                    place = place.reshape(shape, order="F").ravel()
                name = labels.get(constraint.id) or f"unnamed{number}"
                if len(place):
                    kept = shape if len(place) == constraint.size else (len(place),)
                    equal = isinstance(constraint, Zero)
                    self._rows.append((name, kept, constraint.id, place, equal))
            else:
                name = labels.get(constraint.id) or ""
                pieces = _cone_places(constraint, place, program.formatted, exp_order)
                kind = _cone_kind(constraint)
                for piece, part in zip(pieces, _cut(rows, pieces), strict=True):
                    self._cones.append((constraint.id, piece))
                    cones.append(Cone(kind, part, offset[piece], name))
        if start != matrix.shape[0]:
            raise RunError("the cone program of CVXPY has rows that no constraint explains")
        self._rows.sort(key=lambda row: row[0])
        self._first_place = _first_places(program)
        picks = [place for *_, place, _ in self._rows]
        pick = np.concatenate(picks) if picks else np.zeros(0, dtype=int)
        is_equal = np.concatenate(
            [np.full(len(place), eq) for *_, place, eq in self._rows] or [np.zeros(0, bool)]
        ).astype(bool)
        # A x + b >= 0 is -A x <= b where the user wrote "lhs <= rhs", and A x >= -b where a
        # constant stands below; a formatted program negates its equalities as well, a raw one
        # holds them as lhs - rhs.
        below = {c.id for c in problem.constraints if _has_constant_below(c)}
        is_least = np.concatenate(
            [np.full(len(place), c in below) for _, _, c, place, _ in self._rows]
            or [np.zeros(0, bool)]
        ).astype(bool)
        self._turn = np.where(is_least, 1.0, -1.0)
        # The program's c, A and b.
        self.cost, self.matrix, self.offset = np.asarray(c, dtype=float).ravel(), matrix, offset
        flip = np.where(is_equal & (not program.formatted), 1.0, self._turn)
        body = sparse.csr_array(sparse.diags_array(flip) @ rows[pick])
        body.eliminate_zeros()
        self._pick, self._flip = pick, flip
        side = -flip * offset[pick]
        sign = -1.0 if isinstance(problem.objective, cp.Maximize) else 1.0
        quadratic = None
        if p is not None and p.nnz:
            full = sparse.csr_array(p)[self._order][:, self._order]
            full = sparse.triu(full) + sparse.triu(full, 1).T if not _symmetric(full) else full
            quadratic = sparse.csr_array(sign * full)
        self._multiplier_size = len(pick)
        self.form = Form(
            sense="max" if sign < 0 else "min",
            linear=sign * np.asarray(c, dtype=float).ravel()[self._order],
            quadratic=quadratic,
            constant=sign * self.constant,
            rows=body,
            row_lower=np.where(is_equal | is_least, side, -np.inf),
            row_upper=np.where(is_least, np.inf, side),
            lower=lower,
            upper=upper,
            integer=integer,
            columns=columns,
            row_blocks=stack_blocks((name, shape) for name, shape, *_ in self._rows),
            cones=tuple(cones),
            source="cvxpy",
        )

    def moved(self, vectors: Vectors) -> Reading:
        """Return the same reading of the program with these vectors in their places."""
        form, found = self.form, copy(self)
        linear, side = form.linear.copy(), form.row_lower.copy()
        found.cost, found.offset = self.cost.copy(), self.offset.copy()
        columns, rows = ({b.name: b for b in blocks} for blocks in (form.columns, form.row_blocks))
        for name, values in vectors.costs.items():
            place = slice(columns[name].start, columns[name].stop)
            # Without the sign of a zero, which fingerprints would see.
            linear[place] = np.ravel(values) + 0.0
            found.cost[self._order[place]] = form.sign * linear[place] + 0.0
        upper = form.row_upper.copy()
        for name, values in vectors.sides.items():
            place = slice(rows[name].start, rows[name].stop)
            if not np.array_equal(side[place], upper[place]):
                raise RunError(f"only equalities can be moved, and {name} is none")
            side[place] = upper[place] = np.ravel(values) + 0.0
            found.offset[self._pick[place]] = -self._flip[place] * side[place] + 0.0
        found.form = replace(form, linear=linear, row_lower=side, row_upper=upper)
        return found

    def point(self, x: Floats) -> Floats:
        """Reorder a whole solution vector of the cone program to the form's columns."""
        ordered: Floats = x[self._order]
        return ordered

    def row_multipliers(self, duals: Mapping[int, Any]) -> Floats | None:
        """Return multipliers of the form's rows from the duals by constraint, or None."""
        if not duals or not self._multiplier_size:
            return None
        pieces = []
        for _, _, identity, place, _ in self._rows:
            if duals.get(identity) is None:
                pieces.append(np.zeros(len(place)))
                continue
            values = np.asarray(duals[identity], dtype=float).ravel(order="F")
            pieces.append(values[place - self._first_place[identity]])
        # CVXPY's Lagrangian adds dual * (lhs - rhs); ours subtracts multiplier * row.
        multipliers: Floats = self._turn * np.concatenate(pieces)
        return multipliers

    def cone_multipliers(self, duals: Mapping[int, Any]) -> tuple[Floats, ...] | None:
        """Return one multiplier per cone, (t, u) or (x, y, z), or None where one is missing."""
        if not self._cones:
            return None
        taken: dict[int, int] = {}
        found = []
        plain: dict[int, Floats] = {}
        for identity, piece in self._cones:
            if duals.get(identity) is None:
                return None
            if identity not in plain:
                # One constraint holds thousands of cones, and a solver may give a list.
                plain[identity] = np.asarray(duals[identity], dtype=float).ravel(order="F")
            values = plain[identity]
            at = taken.get(identity, 0)
            taken[identity] = at + len(piece)
            found.append(values[at : at + len(piece)])
        return tuple(found)


def _column_order(
    problem: cp.Problem, program: Any, n: int
) -> tuple[np.ndarray[Any, Any], tuple[Block, ...]]:
    """Return the program's columns in the form's order: own variables by name, then the rest."""
    own = {v.name(): v for v in problem.variables()}
    if len(own) != len(problem.variables()):
        raise RunError("two variables of a CVXPY problem have one name")
    starts = {
        v.name(): (program.var_id_to_col[v.id], tuple(v.shape))
        for v in program.variables
        if v.name() in own
    }
    for name in sorted(own.keys() - starts.keys()):
        raise RunError(
            f"CVXPY compiles variable {name} away, as it does with symmetric, diagonal and "
            "semidefinite ones: state a plain one, and rows"
        )
    order, shapes = [], []
    for name in sorted(starts):
        start, shape = starts[name]
        place = np.arange(start, start + int(np.prod(shape, dtype=int)))
        order.append(place.reshape(shape, order="F").ravel())
        shapes.append((name, shape))
    taken = np.concatenate(order) if order else np.zeros(0, dtype=int)
    own_columns = np.zeros(n, dtype=bool)
    own_columns[taken] = True
    rest = np.flatnonzero(~own_columns)
    return np.concatenate([taken, rest]).astype(int), stack_blocks(shapes)


def _positions(places: Any) -> np.ndarray[Any, Any]:
    """Turn CVXPY's list of one-tuples into an array."""
    return np.fromiter(chain.from_iterable(places or ()), dtype=np.int64)


def _column_bounds(program: Any, order: np.ndarray[Any, Any], n: int) -> tuple[Floats, Floats]:
    lower = np.full(n, -np.inf) if program.lower_bounds is None else program.lower_bounds
    upper = np.full(n, np.inf) if program.upper_bounds is None else program.upper_bounds
    lower, upper = np.array(lower, dtype=float), np.array(upper, dtype=float)
    binary = _positions(program.x.boolean_idx)
    lower[binary] = np.maximum(lower[binary], 0.0)
    upper[binary] = np.minimum(upper[binary], 1.0)
    return lower[order], upper[order]


def _has_constant_below(constraint: Any) -> bool:
    """Whether it was written as "expression >= constant", which CVXPY turns round."""
    if not isinstance(constraint, cp.constraints.Inequality):
        return False
    low, high = constraint.args
    return bool(low.is_constant() and not high.is_constant())


def _absorb_bounds(
    rows: sparse.csr_array,
    offset: Floats,
    place: np.ndarray[Any, Any],
    lower: Floats,
    upper: Floats,
) -> np.ndarray[Any, Any]:
    """Turn the rows that CVXPY makes of variable bounds back into bounds; return the others."""
    counts = np.diff(rows.indptr)[place]
    single = place[counts == 1]
    for row in single:
        j = int(rows.indices[rows.indptr[row]])
        factor = float(rows.data[rows.indptr[row]])
        edge = -offset[row] / factor
        if factor > 0:
            lower[j] = max(lower[j], edge)
        else:
            upper[j] = min(upper[j], edge)
    others: np.ndarray[Any, Any] = place[counts != 1]
    return others


def _cone_kind(constraint: Any) -> Any:
    if isinstance(constraint, SOC):
        return "second-order"
    if isinstance(constraint, ExpCone):
        return "exponential"
    raise RunError(f"no canonical form for a constraint of type {type(constraint).__name__}")


def _cone_places(
    constraint: Any, place: np.ndarray[Any, Any], formatted: bool, order: Any
) -> list[np.ndarray[Any, Any]]:
    """Return the rows of each elementary cone of a vectorised cone constraint, (t, u) or (x, y, z).

    A formatted program holds one cone behind the other, exponential ones in the solver's order;
    before that all first entries stand in front.
    """
    if isinstance(constraint, SOC):
        sizes = constraint.cone_sizes()
        if formatted:
            return list(np.split(place, np.cumsum(sizes)[:-1]))
        count, width = len(sizes), sizes[0] - 1
        body = place[count:]
        columns = (
            body.reshape((width, count), order="F")
            if constraint.axis == 0
            else body.reshape((count, width), order="F").T
        )
        return [np.concatenate([[top], columns[:, k]]) for k, top in enumerate(place[:count])]
    if isinstance(constraint, ExpCone):
        third = len(place) // 3
        if formatted:
            return [place[3 * k : 3 * k + 3][np.argsort(order)] for k in range(third)]
        return [place[[k, third + k, 2 * third + k]] for k in range(third)]
    _cone_kind(constraint)
    return []


def _cut(rows: sparse.csr_array, pieces: list[np.ndarray[Any, Any]]) -> Iterator[sparse.csr_array]:
    """Yield the rows of each piece: thousands of cones, which SciPy's indexing takes a
    millisecond each for."""
    if not pieces:
        return
    joined = rows[np.concatenate(pieces)]
    joined.sort_indices()
    start = 0
    for piece in pieces:
        ends = joined.indptr[start : start + len(piece) + 1]
        inside = slice(ends[0], ends[-1])
        parts = (joined.data[inside], joined.indices[inside], ends - ends[0])
        yield sparse.csr_array(parts, shape=(len(piece), rows.shape[1]))
        start += len(piece)


def _first_places(program: Any) -> dict[int, int]:
    first, start = {}, 0
    for constraint in program.constraints:
        first[constraint.id] = start
        start += constraint.size
    return first


def _symmetric(matrix: sparse.csr_array) -> bool:
    difference = abs(matrix - matrix.T)
    return bool(difference.nnz == 0 or difference.max() == 0)
