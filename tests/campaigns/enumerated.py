"""Problems in whole numbers whose answer is known because every point is tried."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.form import Form
from optimodels.model import ProblemClass
from optimodels.result import Claim
from tests.campaigns.truth import Planted, form_of

INF = np.inf


def _boxed(rng: Any, most: int) -> tuple[Form, Floats]:
    """Up to so many whole numbers from at most five values each, and every point of their box."""
    n, m = int(rng.integers(2, most + 1)), int(rng.integers(1, 5))
    width = 1 if rng.random() < 0.4 else int(rng.integers(1, 5 if n < 6 else 4))
    lower = rng.integers(-2, 2, n).astype(float)
    rows = rng.integers(-9, 10, (m, n)).astype(float)
    inside = lower + rng.integers(0, width + 1, n)
    value = rows @ inside
    # Sides around a point; every third problem's are moved off it, so that some have none.
    move = rng.integers(-8, 9, m) * (rng.random() < 0.33)
    kind = rng.integers(0, 3, m)
    low = np.where(kind == 1, -INF, value + move - (kind == 2) * rng.integers(0, 4, m))
    high = np.where(kind == 2, INF, value + move + (kind == 1) * rng.integers(0, 4, m))
    c = rng.integers(-9, 10, n).astype(float)
    form = form_of(c, rows, low, high, lower, lower + width, integer=np.ones(n, dtype=bool))
    return form, np.array(list(product(range(width + 1), repeat=n))) + lower


def _enumerated(kind: str, problem_class: ProblemClass, form: Form, points: Floats) -> Planted:
    """The best of these points (k, n) that lie inside; all sums are of halves, and exact."""
    sums = points @ form.rows.toarray().T
    good = ((sums >= form.row_lower) & (sums <= form.row_upper)).all(axis=1)
    good &= ((points >= form.lower) & (points <= form.upper)).all(axis=1)
    if not good.any():
        return Planted(kind, problem_class, form, "infeasible")
    best = min(points[good], key=form.objective)
    value = form.objective(best)
    claim = Claim("optimal", "optimal", x=best, objective=value)
    return Planted(kind, problem_class, form, "optimal", value, claim)


def milp(rng: Any) -> Planted:
    """Every point tried."""
    return _enumerated("MILP", "MILP", *_boxed(rng, 6))


def miqp(rng: Any) -> Planted:
    """The same with a convex cost."""
    form, points = _boxed(rng, 5)
    n = len(form.linear)
    root = rng.integers(-2, 3, (int(rng.integers(1, n + 1)), n)).astype(float)
    bent = replace(form, quadratic=sparse.csr_array(root.T @ root))
    return _enumerated("MIQP", "MIQP", bent, points)


def mixed_milp(rng: Any) -> Planted:
    """Fractions y beside whole numbers x, each y as low as the lines a'x + b below it let it be
    (or as high as those above it): known at every x, and every x is tried."""
    whole, points = _boxed(rng, 4)
    n, k = len(whole.linear), int(rng.integers(1, 4))
    rows, low, sides, fractions = [], [], [], []
    signs = rng.choice([-1.0, 1.0], k)
    for j, sign in enumerate(signs):
        count = int(rng.integers(1, 4))
        slopes, starts = rng.integers(-6, 7, (count, n)) / 2, rng.integers(-6, 7, count) / 2
        value = (points @ slopes.T + starts).max(axis=1)
        floor = float(rng.choice(value)) if rng.random() < 0.4 else -INF
        value = np.maximum(value, floor)
        cap = float(rng.choice(value)) + float(rng.integers(0, 3)) if rng.random() < 0.5 else INF
        rows.append(np.hstack([-slopes, sign * np.tile(np.eye(k)[j], (count, 1))]))
        low.append(starts)
        sides.append((floor, cap) if sign > 0 else (-cap, -floor))
        fractions.append(sign * value)
    linked, lower, upper = np.concatenate(low), *np.array(sides).T
    form = form_of(
        np.append(whole.linear, signs * rng.integers(1, 6, k)),
        np.vstack([np.hstack([whole.rows.toarray(), np.zeros((len(whole.row_lower), k))]), *rows]),
        np.append(whole.row_lower, linked),
        np.append(whole.row_upper, np.full(len(linked), INF)),
        np.append(whole.lower, lower),
        np.append(whole.upper, upper),
        integer=np.arange(n + k) < n,
    )
    return _enumerated("mixed MILP", "MILP", form, np.column_stack([points, *fractions]))
