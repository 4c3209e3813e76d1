"""Problems whose answer is known before anything solves them: planted optima, rays and conflicts.

An optimum is planted by its KKT conditions: a point, multipliers and slacks are drawn first, in
whole numbers, and the costs and sides follow from them. What has no optimum is planted by the
proof of that: a row that contradicts a combination of others, a ray that every row lets pass.
Whole-number problems are enumerated (``enumerated``). No solver takes part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.form import Cone, Form, QuadraticRow
from optimodels.model import ProblemClass
from optimodels.result import Claim
from tests.campaigns.enumerated import milp, miqp
from tests.campaigns.truth import Planted, form_of

INF = np.inf


@dataclass
class Parts:
    """Linear parts of a planted optimum: at ``x`` all hold, and ``pull`` = A'y + z."""

    x: Floats
    rows: Floats
    low: Floats
    high: Floats
    lower: Floats
    upper: Floats
    y: Floats
    pull: Floats


def _sides(rng: Any, value: Floats, tight: Any, room: int) -> tuple[Floats, Floats, Floats]:
    """Sides around values, and multipliers of their signs: + at a lower side, - at an upper one.

    ``tight`` says which may push. Every fifth side that pushes is an equality.
    """
    size = len(value)
    at_lower = rng.random(size) < 0.5
    gap, far = np.where(rng.random((2, size)) < 0.5, INF, rng.integers(1, room + 1, (2, size)))
    both = tight & (rng.random(size) < 0.2)
    low = np.where(tight, np.where(at_lower, value, value - far), value - far)
    high = np.where(tight, np.where(at_lower, value + gap, value), value + gap)
    low, high = np.where(both, value, low), np.where(both, value, high)
    push = rng.integers(0, 6, size).astype(float) * tight
    return low, high, np.where(at_lower, push, -push)


def _parts(rng: Any, n: int, m: int, degenerate: bool) -> Parts:
    x = rng.integers(-5, 6, n).astype(float)
    rows = (rng.integers(-6, 7, (m, n)) * (rng.random((m, n)) < 0.7)).astype(float)
    if degenerate and m > 1:
        rows[1:] = np.where(rng.random((m - 1, 1)) < 0.5, rows[0], rows[1:])
    empty = ~rows.any(axis=1)
    rows[empty, rng.integers(0, n, int(empty.sum()))] = 1.0
    crowd = 0.9 if degenerate else 0.5
    low, high, y = _sides(rng, rows @ x, rng.random(m) < crowd, 6)
    lower, upper, z = _sides(rng, x, rng.random(n) < crowd, 6)
    if degenerate:
        y, z = y * (rng.random(m) < 0.4), z * (rng.random(n) < 0.4)
    return Parts(x, rows, low, high, lower, upper, y, rows.T @ y + z)


def _size(rng: Any) -> tuple[int, int]:
    return int(rng.integers(1, 9)), int(rng.integers(0, 9))


def _optimum(
    kind: str, problem_class: ProblemClass, form: Form, parts: Parts, w: Any = ()
) -> Planted:
    value = form.objective(parts.x)
    claim = Claim(
        "optimal",
        "optimal",
        x=parts.x,
        objective=value,
        row_multipliers=parts.y,
        cone_multipliers=tuple(w) or None,
    )
    return Planted(kind, problem_class, form, "optimal", value, claim)


def _linear(parts: Parts, c: Any, **more: Any) -> Form:
    p = parts
    return form_of(c, p.rows, p.low, p.high, p.lower, p.upper, **more)


def lp(rng: Any) -> Planted:
    parts = _parts(rng, *_size(rng), degenerate=False)
    return _optimum("LP", "LP", _linear(parts, parts.pull), parts)


def degenerate_lp(rng: Any) -> Planted:
    parts = _parts(rng, *_size(rng), degenerate=True)
    return _optimum("degenerate LP", "LP", _linear(parts, parts.pull), parts)


def scaled_lp(rng: Any) -> Planted:
    """Rows and columns in units of powers of two from 1/1024 to 1024: still exact."""
    parts = _parts(rng, *_size(rng), degenerate=False)
    by_row = 2.0 ** rng.integers(-10, 11, len(parts.y))
    by_column = 2.0 ** rng.integers(-10, 11, len(parts.x))
    scaled = Parts(
        parts.x / by_column,
        parts.rows * by_row[:, None] * by_column,
        parts.low * by_row,
        parts.high * by_row,
        parts.lower / by_column,
        parts.upper / by_column,
        parts.y / by_row,
        parts.pull * by_column,
    )
    return _optimum("scaled LP", "LP", _linear(scaled, scaled.pull), scaled)


def infeasible_lp(rng: Any) -> Planted:
    """One more row, that asks a combination of the others to be beyond what they allow."""
    n, m = _size(rng)
    parts = _parts(rng, n, max(m, 1), degenerate=False)
    weight = rng.integers(1, 4, len(parts.y)).astype(float)
    # Each row pushes from a side that it has.
    from_low = np.isfinite(parts.low) & (~np.isfinite(parts.high) | (rng.random(len(weight)) < 0.5))
    side = np.where(from_low, parts.low, parts.high)
    usable = np.isfinite(side)
    y = np.where(usable, np.where(from_low, weight, -weight), 0.0)
    if not (y @ parts.rows).any():
        side[0] = parts.high[0] = parts.rows[0] @ parts.x
        usable[0], y = True, -np.eye(1, len(y))[0]
    least = float(np.where(usable, side, 0.0) @ y)
    # y'A x >= least for all points of the rows; the last row asks for less.
    gap = float(rng.integers(1, 5))
    rows = np.vstack([parts.rows, y @ parts.rows])
    low, high = np.append(parts.low, -INF), np.append(parts.high, least - gap)
    form = form_of(rng.integers(-5, 6, n).astype(float), rows, low, high, parts.lower, parts.upper)
    claim = Claim("infeasible", farkas=np.append(y, -1.0))
    return Planted("infeasible LP", "LP", form, "infeasible", claim=claim)


def unbounded_lp(rng: Any, least: int = 1) -> Planted:
    """A ray along which the cost falls, every side open where the ray leaves."""
    n, m = _size(rng)
    parts = _parts(rng, max(n, least), m, degenerate=False)
    n = len(parts.x)
    ray = rng.integers(-3, 4, n).astype(float)
    ray[rng.integers(n)] = float(rng.choice([-2, -1, 1, 2]))
    along = parts.rows @ ray
    low, high = np.where(along < 0, -INF, parts.low), np.where(along > 0, INF, parts.high)
    lower, upper = np.where(ray < 0, -INF, parts.lower), np.where(ray > 0, INF, parts.upper)
    c = rng.integers(-5, 6, n).astype(float)
    fall = float(c @ ray)
    # Turned until the ray falls, by at least one.
    j = int(np.argmax(np.abs(ray)))
    c[j] -= np.sign(ray[j]) * max(0.0, np.ceil((fall + 1) / abs(ray[j])))
    form = form_of(c, parts.rows, low, high, lower, upper)
    claim = Claim("unbounded", "feasible", x=parts.x, objective=form.objective(parts.x), ray=ray)
    return Planted("unbounded LP", "LP", form, "unbounded", claim=claim)


def qp(rng: Any) -> Planted:
    """Convex, every other one of deficient rank: c = A'y + z - Qx."""
    parts = _parts(rng, *_size(rng), degenerate=bool(rng.random() < 0.3))
    n = len(parts.x)
    root = rng.integers(-3, 4, (int(rng.integers(1, n + 1)), n)).astype(float)
    square = root.T @ root
    form = _linear(parts, parts.pull - square @ parts.x, quadratic=sparse.csr_array(square))
    return _optimum("QP", "QP", form, parts)


def infeasible_qp(rng: Any) -> Planted:
    one = infeasible_lp(rng)
    form = replace(one.form, quadratic=sparse.csr_array(np.eye(len(one.form.linear))))
    return replace(one, kind="infeasible QP", problem_class="QP", form=form)


def _across(rng: Any, ray: Floats, count: int) -> Floats:
    """Rows (count, n), n above one, whose value stays the same along a ray."""
    rows = np.zeros((count, len(ray)))
    for row in rows:
        i, j = rng.choice(len(ray), 2, replace=False)
        row[[i, j]] = (ray[j], -ray[i]) if ray[i] or ray[j] else rng.integers(1, 4, 2)
    return rows


def unbounded_qp(rng: Any) -> Planted:
    """The cost falls along a ray on which its curvature is none."""
    one = unbounded_lp(rng, 2)
    x, ray = one.truth.x, one.truth.ray
    assert x is not None
    assert ray is not None
    root = _across(rng, ray, int(rng.integers(1, len(x) + 1)))
    form = replace(one.form, quadratic=sparse.csr_array(root.T @ root))
    claim = replace(one.truth, objective=form.objective(x))
    return replace(one, kind="unbounded QP", problem_class="QP", form=form, claim=claim)


def unbounded_milp(rng: Any) -> Planted:
    """Point and ray of an LP in whole numbers: what is whole stays so."""
    one = unbounded_lp(rng)
    integer = rng.random(len(one.form.linear)) < 0.6
    integer[rng.integers(len(integer))] = True
    form = replace(one.form, integer=integer)
    return replace(one, kind="unbounded MILP", problem_class="MILP", form=form)


def _in_second_order(rng: Any) -> tuple[Floats, Floats]:
    """A point of the cone and a multiplier beside it: inside, on the wall, or at the apex."""
    size = int(rng.integers(1, 4))
    u = rng.integers(-4, 5, size).astype(float)
    norm = float(np.linalg.norm(u))
    where = rng.integers(0, 4)
    if where == 0:
        return np.append(norm + float(rng.integers(1, 4)), u), np.zeros(size + 1)
    if where == 1:
        v = rng.integers(-3, 4, size).astype(float)
        return np.zeros(size + 1), np.append(np.linalg.norm(v) + float(rng.integers(0, 3)), v)
    push = float(rng.integers(0, 4))
    return np.append(norm, u), push * np.append(norm, -u)


def _in_exponential(rng: Any) -> tuple[Floats, Floats]:
    """A point (x, y, z) of y exp(x / y) <= z and a multiplier: the wall's inner normal, or none."""
    ratio, y = float(rng.integers(-4, 5)) / 2, float(rng.integers(1, 5)) / 2
    z = y * np.exp(ratio)
    if rng.random() < 0.3:
        return np.array([ratio * y, y, z + float(rng.integers(1, 4))]), np.zeros(3)
    push = float(rng.integers(1, 4))
    normal = np.array([-np.exp(ratio), -np.exp(ratio) * (1 - ratio), 1.0])
    return np.array([ratio * y, y, z]), push * normal


def _conic(rng: Any, kind: str, problem_class: ProblemClass, cone: Any, draw: Any) -> Planted:
    parts = _parts(rng, int(rng.integers(1, 7)), int(rng.integers(0, 5)), degenerate=False)
    cones, pushes, pull = [], [], parts.pull.copy()
    for k in range(int(rng.integers(1, 4))):
        inside, push = draw(rng)
        g = rng.integers(-3, 4, (len(inside), len(parts.x))).astype(float)
        cones.append(Cone(cone, sparse.csr_array(g), inside - g @ parts.x, f"cone{k}"))
        pushes.append(push)
        pull += g.T @ push
    return _optimum(kind, problem_class, _linear(parts, pull, cones=tuple(cones)), parts, pushes)


def socp(rng: Any) -> Planted:
    return _conic(rng, "SOCP", "SOCP", "second-order", _in_second_order)


def exponential(rng: Any) -> Planted:
    return _conic(rng, "exponential", "EXP", "exponential", _in_exponential)


def infeasible_socp(rng: Any) -> Planted:
    """t >= ||u|| with t = -1 - w'u of a w shorter than one, at every x."""
    parts = _parts(rng, int(rng.integers(1, 7)), int(rng.integers(0, 4)), degenerate=False)
    size = int(rng.integers(1, 4))
    w = rng.integers(-4, 5, size) / 8 / np.sqrt(size)
    g = rng.integers(-3, 4, (size, len(parts.x))).astype(float)
    offset = rng.integers(-3, 4, size).astype(float)
    body = np.vstack([-w @ g, g])
    gap = float(rng.integers(1, 4))
    cone = Cone(
        "second-order", sparse.csr_array(body), np.append(-gap - w @ offset, offset), "cone0"
    )
    form = _linear(parts, parts.pull, cones=(cone,))
    return Planted("infeasible SOCP", "SOCP", form, "infeasible")


def qcqp(rng: Any) -> Planted:
    """Ellipsoids through or around the point: 1/2 x'Px + q'x <= u, pushed by a multiplier."""
    parts = _parts(rng, int(rng.integers(1, 6)), int(rng.integers(0, 4)), degenerate=False)
    n, pull, rows = len(parts.x), parts.pull.copy(), []
    for k in range(int(rng.integers(1, 4))):
        root = rng.integers(-2, 3, (int(rng.integers(1, n + 1)), n)).astype(float)
        p, q = root.T @ root, rng.integers(-3, 4, n).astype(float)
        tight = bool(rng.random() < 0.6)
        side = float(0.5 * parts.x @ p @ parts.x + q @ parts.x)
        side += 0.0 if tight else float(rng.integers(1, 5))
        rows.append(QuadraticRow(sparse.csr_array(p), q, -INF, side, f"q{k}"))
        pull -= tight * float(rng.integers(0, 4)) * (p @ parts.x + q)
    bent = None
    if rng.random() < 0.5:
        root = rng.integers(-2, 3, (n, n)).astype(float)
        square = root.T @ root
        pull, bent = pull - square @ parts.x, sparse.csr_array(square)
    form = _linear(parts, pull, quadratic=bent, quadratic_rows=tuple(rows))
    return replace(_optimum("QCQP", "QCQP", form, parts), claim=_without_duals(form, parts))


def infeasible_qcqp(rng: Any) -> Planted:
    """The contradicting row of an infeasible LP, with a square that only makes it worse."""
    one = infeasible_lp(rng)
    form, n = one.form, len(one.form.linear)
    root = rng.integers(-2, 3, (int(rng.integers(1, n + 1)), n)).astype(float)
    p, centre = root.T @ root, rng.integers(-3, 4, n).astype(float)
    dense = form.rows.toarray()
    side = float(form.row_upper[-1] - 0.5 * centre @ p @ centre)
    bent = QuadraticRow(sparse.csr_array(p), dense[-1] - p @ centre, -INF, side, "q0")
    form = form_of(
        form.linear, dense[:-1], form.row_lower[:-1], form.row_upper[:-1], form.lower, form.upper,
        quadratic_rows=(bent,),
    )  # fmt: skip
    return Planted("infeasible QCQP", "QCQP", form, "infeasible")


def infeasible_exponential(rng: Any) -> Planted:
    """z is below a tangent of y exp(x / y), at every point."""
    parts = _parts(rng, int(rng.integers(1, 7)), int(rng.integers(0, 4)), degenerate=False)
    inner = rng.integers(-3, 4, (2, len(parts.x))).astype(float)
    offset = rng.integers(-3, 4, 2).astype(float)
    ratio, gap = float(rng.integers(-4, 5)) / 2, float(rng.integers(1, 4))
    tangent = np.exp(ratio) * np.array([1.0, 1.0 - ratio])
    body = np.vstack([inner, tangent @ inner])
    ends = np.append(offset, tangent @ offset - gap)
    cone = Cone("exponential", sparse.csr_array(body), ends, "cone0")
    form = _linear(parts, parts.pull, cones=(cone,))
    normal = np.append(-tangent, 1.0)
    claim = Claim("infeasible", farkas=np.zeros(len(parts.y)), cone_multipliers=(normal,))
    return Planted("infeasible exponential", "EXP", form, "infeasible", claim=claim)


def unbounded_socp(rng: Any) -> Planted:
    """Along the ray of an LP every cone's u stays and its t does not fall."""
    one = unbounded_lp(rng, 2)
    x, ray = one.truth.x, one.truth.ray
    assert x is not None
    assert ray is not None
    cones = []
    for k in range(int(rng.integers(1, 4))):
        inside, _ = _in_second_order(rng)
        top = rng.integers(-3, 4, len(x)).astype(float)
        body = np.vstack([top * (1 if top @ ray >= 0 else -1), _across(rng, ray, len(inside) - 1)])
        cones.append(Cone("second-order", sparse.csr_array(body), inside - body @ x, f"cone{k}"))
    form = replace(one.form, cones=tuple(cones))
    return replace(one, kind="unbounded SOCP", problem_class="SOCP", form=form)


def _without_duals(form: Form, parts: Parts) -> Claim:
    return Claim("optimal", "optimal", x=parts.x, objective=form.objective(parts.x))


def maximised(one: Planted) -> Planted:
    """The same problem as a maximisation of the negative."""
    form = replace(
        one.form,
        sense="max",
        linear=-one.form.linear,
        quadratic=None if one.form.quadratic is None else -one.form.quadratic,
    )
    claim = one.claim
    if claim is not None and claim.objective is not None:
        claim = replace(claim, objective=-claim.objective)
    value = None if one.objective is None else -one.objective
    return replace(one, form=form, objective=value, claim=claim)


Maker = Callable[[Any], Planted]

#: Of these every truth is one that the verifier proves.
LINEAR: tuple[Maker, ...] = (
    lp, degenerate_lp, scaled_lp, infeasible_lp, unbounded_lp, qp, infeasible_qp,
)  # fmt: skip
WHOLE: tuple[Maker, ...] = (milp, unbounded_milp, miqp)
#: With the QP without end: solvers take three times as long over it as over linear problems.
CURVED: tuple[Maker, ...] = (
    socp, infeasible_socp, qcqp, exponential, infeasible_exponential, unbounded_socp,
    unbounded_qp,
)  # fmt: skip


def planted(makers: tuple[Maker, ...], seed: int) -> Planted:
    """The problem of a seed: the makers in turn, every other round as a maximisation."""
    one = makers[seed % len(makers)](np.random.default_rng([seed, len(makers)]))
    return maximised(one) if seed // len(makers) % 2 else one
