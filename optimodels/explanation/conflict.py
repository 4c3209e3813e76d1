"""Why a problem has no point: a smallest set of its constraints that contradict one another.

Nothing is asked of a solver. Whether a set of constraints is contradictory is decided by the same
proofs that verify the claim "infeasible", so that every conflict shown is a proved one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from optimodels.arrays import Mask
from optimodels.form import Form
from optimodels.result import Claim
from optimodels.verify.infeasible import search
from optimodels.verify.problem import Problem

#: Above this many constraints the search would take minutes; the elastic relaxation remains.
MOST = 2_000


@dataclass(frozen=True)
class Conflict:
    """``rows`` (and cones, quadratic rows, by position) that cannot all hold within the bounds:
    none of them where the bounds alone leave a column no value.

    ``irreducible``: without any one of them the rest is not proved contradictory any more.
    ``bounds`` are the columns whose bounds take part, ``whole`` whether integrality does.
    ``violation`` is the least sum of violations of the rows, in their own units, and ``bent``
    the rows that it bends, by how much; None where the problem is not linear.
    """

    rows: tuple[int, ...]
    cones: tuple[int, ...] = ()
    quadratic_rows: tuple[int, ...] = ()
    bounds: tuple[int, ...] = ()
    whole: bool = False
    irreducible: bool = True
    violation: float | None = None
    bent: tuple[tuple[int, float], ...] = ()

    @property
    def size(self) -> int:
        return len(self.rows) + len(self.cones) + len(self.quadratic_rows)


def find_conflict(form: Form) -> Conflict | None:
    """Return a conflict of an infeasible problem, or None where infeasibility is not proved."""
    parts = _Parts(form)
    if parts.contradict([]):
        # No constraint is needed: there are columns that no value is left for.
        crossed = form.lower > form.upper
        empty = crossed | (form.integer & (np.ceil(form.lower) > np.floor(form.upper)))
        return Conflict((), bounds=_positions(empty), whole=not crossed.any())
    violation, bent = _elastic(form)
    if parts.count > MOST or not parts.contradict(parts.all):
        if not bent:
            return None
        rows = tuple(row for row, _ in bent)
        return Conflict(rows, irreducible=False, violation=violation, bent=bent)
    whole = bool(form.integer.any()) and not _Parts(form.relaxed()).contradict(parts.all)
    if not whole:
        parts = _Parts(form.relaxed())
    kept = _quickxplain(parts, [], list(_groups(form, parts)), False)
    # Whole blocks first, then their rows: a conflict is often of few kinds of rows.
    kept = _quickxplain(parts, [], [[k] for group in kept for k in group], False)
    chosen = sorted(k for group in kept for k in group)
    m, c = len(form.row_lower), len(form.cones)
    bounds = _bounds(parts, chosen)
    return Conflict(
        rows=tuple(k for k in chosen if k < m),
        cones=tuple(k - m for k in chosen if m <= k < m + c),
        quadratic_rows=tuple(k - m - c for k in chosen if k >= m + c),
        bounds=bounds,
        whole=whole,
        violation=violation,
        bent=bent,
    )


class _Parts:
    """Sub-problems of a form by the constraints that they keep."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.count = len(form.row_lower) + len(form.cones) + len(form.quadratic_rows)
        self.all = list(range(self.count))

    def contradict(self, kept: Sequence[int], free: Mask | None = None) -> bool:
        """Whether it is proved that the kept constraints cannot all hold; ``free`` (n,) marks
        columns without bounds."""
        form = self.form
        m, c = len(form.row_lower), len(form.cones)
        chosen = np.array(sorted(kept), dtype=int)
        rows = chosen[chosen < m]
        lower, upper = form.lower, form.upper
        if free is not None:
            lower, upper = np.where(free, -np.inf, lower), np.where(free, np.inf, upper)
        sub = replace(
            form,
            rows=form.rows[rows],
            row_lower=form.row_lower[rows],
            row_upper=form.row_upper[rows],
            row_blocks=(),
            lower=lower,
            upper=upper,
            cones=tuple(form.cones[k - m] for k in chosen if m <= k < m + c),
            quadratic_rows=tuple(form.quadratic_rows[k - m - c] for k in chosen if k >= m + c),
            # Nothing is optimised here.
            linear=np.zeros_like(form.linear),
            quadratic=None,
        )
        return search(Problem(sub), Claim("infeasible")).proof is not None


def _groups(form: Form, parts: _Parts) -> list[list[int]]:
    groups = [list(range(b.start, b.stop)) for b in form.row_blocks]
    named = {k for group in groups for k in group}
    rest = [k for k in parts.all if k not in named]
    return [*filter(None, groups), *([k] for k in rest)]


def _quickxplain(
    parts: _Parts, kept: list[list[int]], open_: list[list[int]], changed: bool
) -> list[list[int]]:
    """Return the groups of ``open_`` that an irreducible conflict beside ``kept`` needs.

    Junker (2004): halve the candidates, and find what each half needs beside the other; about
    k log(n / k) tests for a conflict of k among n.
    """
    if changed and parts.contradict([k for group in kept for k in group]):
        return []
    if len(open_) <= 1:
        return open_
    half = len(open_) // 2
    first, second = open_[:half], open_[half:]
    needed = _quickxplain(parts, [*kept, *first], second, bool(first))
    also = _quickxplain(parts, [*kept, *needed], first, bool(needed))
    return [*also, *needed]


def _bounds(parts: _Parts, rows: Sequence[int]) -> tuple[int, ...]:
    """Return the columns of the rows' whose bounds the conflict needs, or () where none is."""
    form = parts.form
    used = np.zeros(len(form.linear), dtype=bool)
    m = len(form.row_lower)
    used[form.rows[[k for k in rows if k < m]].indices] = True
    bounded = used & form.bounded
    if not bounded.any() or parts.contradict(rows, bounded):
        return ()
    return _positions(bounded)


def _positions(columns: Mask) -> tuple[int, ...]:
    return tuple(np.flatnonzero(columns).tolist())


def _elastic(form: Form) -> tuple[float | None, tuple[tuple[int, float], ...]]:
    """Bend the rows as little as possible: the least sum of violations, and the rows bent."""
    if form.cones or form.quadratic_rows or not len(form.row_lower):
        return None, ()
    n, m = len(form.linear), len(form.row_lower)
    # Of a large problem only the relaxation: what it needs is needed all the more in whole numbers.
    integer = form.integer if n <= MOST else np.zeros(n, dtype=bool)
    unit = sparse.eye_array(m)
    # Bent one way and the other, each row by columns of its own.
    found = milp(
        np.concatenate([np.zeros(n), np.ones(2 * m)]),
        integrality=np.concatenate([integer, np.zeros(2 * m)]).astype(int),
        bounds=Bounds(
            np.concatenate([form.lower, np.zeros(2 * m)]),
            np.concatenate([form.upper, np.full(2 * m, np.inf)]),
        ),
        constraints=LinearConstraint(
            sparse.hstack([form.rows, unit, -unit], format="csr"), form.row_lower, form.row_upper
        ),
        options={"node_limit": 1_000},
    )
    if found.status != 0:
        return None, ()
    # What is whole is whole but for the solver's tolerance; what the rows give then is counted.
    body = form.rows @ np.where(integer, np.rint(found.x[:n]), found.x[:n])
    by = np.maximum(np.maximum(form.row_lower - body, body - form.row_upper), 0.0)
    scale = 1e-6 * max(1.0, float(by.max(initial=0.0)))
    bent = tuple((int(k), float(by[k])) for k in np.flatnonzero(by > scale))
    return float(by.sum()), bent
