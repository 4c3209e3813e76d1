"""Continuous problems with their claims, from SciPy and Clarabel called directly.

Nothing of the suite's own interfaces to solvers takes part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import clarabel
import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from optimodels.arrays import Floats
from optimodels.form import Cone, Form, QuadraticRow, stack_blocks
from optimodels.result import Claim

INF = np.inf


def form_of(c: Any, rows: Any, low: Any, high: Any, lower: Any, upper: Any, **more: Any) -> Form:
    n = len(c)
    matrix = sparse.csr_array(np.asarray(rows, dtype=float).reshape(-1, n))
    return Form(
        sense=more.pop("sense", "min"),
        linear=np.asarray(c, dtype=float),
        rows=matrix,
        row_lower=np.asarray(low, dtype=float),
        row_upper=np.asarray(high, dtype=float),
        lower=np.broadcast_to(np.asarray(lower, dtype=float), n).copy(),
        upper=np.broadcast_to(np.asarray(upper, dtype=float), n).copy(),
        integer=np.broadcast_to(np.asarray(more.pop("integer", False), dtype=bool), n).copy(),
        columns=stack_blocks([("x", (n,))]),
        row_blocks=stack_blocks([("row", (matrix.shape[0],))]),
        **more,
    )


def by_clarabel(form: Form) -> tuple[str, Claim]:
    """Solve any convex form by Clarabel, its rows, bounds, cones in this order: Ax + s = b."""
    n = len(form.linear)
    body = sparse.vstack([form.rows, sparse.eye_array(n)], format="csr")
    low = np.concatenate([form.row_lower, form.lower])
    high = np.concatenate([form.row_upper, form.upper])
    equal = low == high
    up, down = np.isfinite(high) & ~equal, np.isfinite(low) & ~equal
    blocks = [body[equal], body[up], -body[down]]
    right = [high[equal], high[up], -low[down]]
    kinds: list[Any] = [
        clarabel.ZeroConeT(int(equal.sum())),
        clarabel.NonnegativeConeT(int(up.sum() + down.sum())),
    ]
    for cone in form.cones:
        blocks.append(-cone.matrix)
        right.append(cone.offset)
        soc = cone.kind == "second-order"
        kinds.append(
            clarabel.SecondOrderConeT(len(cone.offset)) if soc else clarabel.ExponentialConeT()
        )
    for row in form.quadratic_rows:
        # 1/2 x'Px + q'x <= u is ||(F x, s - 1/2)|| <= s + 1/2 with P = F'F, s = u - q'x.
        values, vectors = np.linalg.eigh(row.matrix.toarray())
        factor = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
        q = row.linear[None, :]
        blocks.append(sparse.csr_array(np.vstack([q, -factor, q])))
        right.append(np.concatenate([[row.upper + 0.5], np.zeros(n), [row.upper - 0.5]]))
        kinds.append(clarabel.SecondOrderConeT(n + 2))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    q = sparse.csc_array((n, n)) if form.quadratic is None else form.sign * form.quadratic
    solution = clarabel.DefaultSolver(
        sparse.csc_matrix(sparse.triu(q)),
        form.sign * form.linear,
        sparse.csc_matrix(sparse.vstack(blocks)),
        np.concatenate(right),
        kinds,
        settings,
    ).solve()
    z = np.asarray(solution.z)
    y = np.zeros(len(low))
    parts = np.split(z, np.cumsum([len(part) for part in right])[:-1])
    y[equal] = -parts[0]
    y[up] -= parts[1]
    y[down] += parts[2]
    x = np.asarray(solution.x)
    claim = Claim(
        "optimal",
        "optimal",
        x=x,
        objective=form.objective(x),
        row_multipliers=y[: len(form.row_lower)],
        cone_multipliers=tuple(parts[3 : 3 + len(form.cones)]) or None,
    )
    return str(solution.status), claim


def random_rows(rng: Any, n: int, x: Floats) -> tuple[Floats, Floats, Floats]:
    """Rows that x (n,) satisfies: equalities, one-sided ones, ranges, over some scales."""
    m = int(rng.integers(1, 7))
    a = rng.normal(size=(m, n)) * (rng.random((m, n)) < 0.7) * 10.0 ** rng.integers(-2, 3, (m, 1))
    value, kind = a @ x, rng.integers(0, 4, m)
    low = np.where(kind == 1, -INF, value - (kind != 0) * rng.random(m))
    high = np.where(kind == 2, INF, value + (kind != 0) * rng.random(m))
    return a, low, high


def random_lp(seed: int) -> tuple[Form, Claim]:
    """By SciPy's simplex; every other one is a maximisation, every third has free columns."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    x = rng.uniform(-2, 2, n)
    a, low, high = random_rows(rng, n, x)
    # The cost is a combination of rows and bounds, so that free columns leave it bounded.
    free = (rng.random(n) < 0.4) & (seed % 3 == 0)
    y = np.where(np.isinf(low), -1, np.where(np.isinf(high), 1, rng.choice([-1, 1], len(low))))
    c = a.T @ (y * rng.random(len(low))) + ~free * rng.normal(size=n)
    lower = np.where(free, -INF, x - rng.uniform(0, 3, n))
    upper = np.where(free, INF, x + rng.uniform(0, 3, n))
    sense = "max" if seed % 2 else "min"
    c = (-c if seed % 2 else c) * 10.0 ** rng.integers(-2, 3)
    form = form_of(c, a, low, high, lower, upper, sense=sense, constant=float(rng.normal()))
    up, down = np.isfinite(high), np.isfinite(low)
    solved = linprog(
        form.sign * c,
        A_ub=np.vstack([a[up], -a[down]]),
        b_ub=np.concatenate([high[up], -low[down]]),
        bounds=np.stack([lower, upper], axis=1),
    )
    assert solved.status == 0
    y = np.zeros(len(low))
    y[up] += solved.ineqlin.marginals[: up.sum()]
    y[down] -= solved.ineqlin.marginals[up.sum() :]
    value = form.objective(solved.x)
    return form, Claim("optimal", "optimal", x=solved.x, objective=value, row_multipliers=y)


def degenerate_lp(seed: int) -> tuple[Form, Claim]:
    """Transport from three places to four, all numbers small and whole: many ties."""
    rng = np.random.default_rng(seed)
    need = rng.integers(1, 4, 4)
    rows = np.vstack([np.kron(np.eye(3), np.ones(4)), np.kron(np.ones(3), np.eye(4))])
    high = np.concatenate([np.full(3, float(need.sum())), need])
    low = np.concatenate([np.full(3, -INF), need])
    form = form_of(rng.integers(1, 4, 12), rows, low, high, 0.0, INF)
    return form, by_clarabel(form)[1]


def scaled_lp(seed: int) -> tuple[Form, Claim]:
    """Columns in units from 1e-3 to 1e3, rows likewise: an interior point's answer."""
    rng = np.random.default_rng(seed)
    form, _ = random_lp(seed)
    units = 10.0 ** rng.integers(-3, 4, len(form.linear))
    rows = sparse.csr_array(form.rows.multiply(units[None, :]))
    form = replace(form, rows=rows, linear=form.linear * units)
    form = replace(form, lower=form.lower / units, upper=form.upper / units)
    return form, by_clarabel(form)[1]


def random_qp(seed: int) -> tuple[Form, Claim]:
    """Convex, of full or of deficient rank, every other one a maximisation; by Clarabel."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    root = rng.normal(size=(n, n if seed % 3 else max(1, n - 2))) * 10.0 ** rng.integers(-1, 2)
    a, low, high = random_rows(rng, n, rng.uniform(-1, 1, n))
    sign = -1.0 if seed % 2 else 1.0
    form = form_of(
        sign * rng.normal(size=n) * 3,
        a,
        low,
        high,
        -5.0,
        5.0,
        sense="max" if seed % 2 else "min",
        quadratic=sparse.csr_array(sign * (root @ root.T)),
    )
    return form, by_clarabel(form)[1]


def random_qcqp(seed: int) -> tuple[Form, Claim]:
    """Ellipsoids around a point as quadratic rows, with a quadratic or linear objective."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 6))
    centre = rng.normal(size=n)
    a, low, high = random_rows(rng, n, centre)
    quads = []
    for i in range(int(rng.integers(1, 4))):
        root = rng.normal(size=(n, n if i else max(1, n - 1)))
        p, q = root @ root.T, rng.normal(size=n) * 0.3
        level = 0.5 * centre @ p @ centre + q @ centre
        reach = float(rng.uniform(0.2, 2))
        quads.append(QuadraticRow(sparse.csr_array(p), q, -INF, float(level) + reach, f"q{i}"))
    root = rng.normal(size=(n, n))
    bent = None if seed % 2 else sparse.csr_array(root @ root.T)
    form = form_of(
        rng.normal(size=n) * 2,
        a,
        low,
        high,
        centre - 3,
        centre + 3,
        quadratic=bent,
        quadratic_rows=tuple(quads),
    )
    return form, by_clarabel(form)[1]


def random_socp(seed: int) -> tuple[Form, Claim]:
    """Norms of affine parts below affine parts, with rows; by Clarabel, with its multipliers."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 6))
    x = rng.normal(size=n)
    a, low, high = random_rows(rng, n, x)
    cones = []
    for _ in range(int(rng.integers(1, 4))):
        g = rng.normal(size=(int(rng.integers(2, 5)), n))
        offset = rng.normal(size=len(g))
        inside = g @ x + offset
        offset[0] += np.linalg.norm(inside[1:]) - inside[0] + rng.random()
        cones.append(Cone("second-order", sparse.csr_array(g), offset))
    form = form_of(rng.normal(size=n), a, low, high, x - 5, x + 5, cones=tuple(cones))
    return form, by_clarabel(form)[1]


def random_exponential(seed: int) -> tuple[Form, Claim]:
    """Maximise entropy less cost over the simplex: p_j proportional to exp(-cost_j).

    Columns p (n), t (n): t_j <= -p_j log p_j is (t_j, p_j, 1) in the exponential cone.
    """
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 6))
    cost = rng.normal(size=n) * 2
    cones = []
    for j in range(n):
        g = np.zeros((3, 2 * n))
        g[0, n + j] = g[1, j] = 1
        cones.append(Cone("exponential", sparse.csr_array(g), np.array([0.0, 0.0, 1.0])))
    form = form_of(
        np.concatenate([-cost, np.ones(n)]),
        np.concatenate([np.ones(n), np.zeros(n)]),
        [1],
        [1],
        np.concatenate([np.zeros(n), np.full(n, -INF)]),
        INF,
        sense="max",
        cones=tuple(cones),
    )
    _, claim = by_clarabel(form)
    assert claim.objective == pytest.approx(np.log(np.exp(-cost).sum()), rel=1e-6, abs=1e-6)
    return form, claim


MAKERS: dict[str, Callable[[int], tuple[Form, Claim]]] = {
    "LP": random_lp,
    "degenerate LP": degenerate_lp,
    "badly scaled LP": scaled_lp,
    "QP": random_qp,
    "QCQP": random_qcqp,
    "SOCP": random_socp,
    "exponential": random_exponential,
}


@pytest.mark.parametrize("kind", MAKERS)
def test_the_same_seed_makes_the_same_problem(kind: str) -> None:
    first, again, other = (MAKERS[kind](seed)[0].fingerprint() for seed in (1, 1, 2))
    assert first == again != other
