"""The dual bound: what any multipliers prove about the optimum, by weak duality.

Minimise f(x) over L <= Ax <= U, Gx + h in K, l <= x <= u, convex g(x) <= 0. For multipliers y, z in
the dual cone and w, and any point p, f and g lie above their tangents at p, so every feasible x has

    f(x) >= f(p) - f'(p) p + y+ L + y- U - z h + ... + r x,   r = f'(p) - A'y - G'z - ...

and r x is least at a bound of each column. Where that bound is missing, r is a residual.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.form import Form
from optimodels.result import Check
from optimodels.verify.problem import Problem, quadratic_terms
from optimodels.verify.tolerances import (
    CANCELLATION,
    DUAL_CONE,
    GAP,
    GAP_WITH_RESIDUALS,
    ROUNDING,
    STATIONARITY,
    TANGENT_REACH,
)

#: Ridges, times the largest curvature, that keep flat directions from running away.
_RIDGES = (1e-13, 1e-10, 1e-7)


@dataclass(frozen=True)
class Bound:
    """What multipliers prove about the optimum.

    ``value`` is in the model's own sense, ``residual`` what residuals could take from it within
    |x_j - claimed x_j| <= max(1, |x_j|). ``stationarity`` and ``dual_cone`` are relative, as in
    the table of tolerances. ``proven`` is False where the problem is not proven convex: then the
    value only says whether the point is stationary. Multipliers belong to the minimisation of
    sign * objective: ``rows`` (m,), ``cones`` one vector per cone, ``tangents`` (k,) for the
    quadratic rows.
    """

    value: float
    residual: float
    stationarity: float
    dual_cone: float
    terms: float
    sign: float
    proven: bool
    rows: Floats = field(repr=False)
    cones: Floats = field(repr=False)
    tangents: Floats = field(repr=False)
    #: Where the smooth parts were replaced by their tangents (n,).
    at: Floats = field(repr=False)
    #: What is left of the objective on each column (n,), and where the bound takes that column.
    reduced: Floats = field(repr=False)
    reference: Floats = field(repr=False)

    @property
    def low(self) -> float:
        """The bound of the minimisation, residuals left out."""
        return self.sign * self.value

    @property
    def safe(self) -> float:
        """The bound, in the model's own sense, with everything the residuals could take."""
        return self.sign * self.safe_low

    @property
    def safe_low(self) -> float:
        return self.low - self.residual

    def checks(self, objective: float) -> tuple[Check, ...]:
        """Test whether the bound proves an objective, in the model's own sense, optimal."""
        size = max(1.0, abs(objective), abs(self.value))
        gap = abs(objective - self.value)
        return (
            Check.of("dual cone", self.dual_cone, DUAL_CONE),
            Check.of("stationarity", self.stationarity, STATIONARITY),
            Check.of("gap", gap / size, GAP),
            Check.of("gap with residuals", (gap + self.residual) / size, GAP_WITH_RESIDUALS),
            Check.of("cancellation", self.terms / max(1.0, abs(objective)), CANCELLATION),
        )

    def proves(self, objective: float) -> bool:
        return all(check.passed for check in self.checks(objective))


def dual_bound(
    form: Form,
    x: Floats,
    row_multipliers: Floats | None,
    cone_multipliers: tuple[Floats, ...] | None = None,
) -> Bound:
    """Return the best bound that the given multipliers prove, taken with either sign.

    ``x`` (n,) is the point where smooth parts are linearised; where that leaves something to
    gain, the tangent is moved to the minimiser of the Lagrangian. Missing or unusable
    multipliers count as zero. The sign is the one that the dual cone asks for: where bounds alone
    prove the optimum, multipliers of the wrong sign, dropped, would do as well but for rounding.
    """
    problem = Problem(form)
    rows, cones = usable(problem, row_multipliers, cone_multipliers)
    return max(
        (settled(problem, x, evaluate(problem, x, y, z)) for y, z in with_signs(rows, cones)),
        key=lambda bound: (bound.dual_cone <= DUAL_CONE, bound.safe_low),
    )


def usable(
    problem: Problem, rows: Floats | None, cones: tuple[Floats, ...] | None
) -> tuple[Floats, Floats]:
    """Return multipliers as (m,) and (k,); zeros for those that are missing or not numbers."""
    m, k = len(problem.form.row_lower), len(problem.cones.offset)
    y = np.zeros(m)
    if rows is not None and rows.shape == (m,) and np.isfinite(rows).all():
        y = rows.astype(float)
    z = np.zeros(k)
    if cones:
        own = np.concatenate([np.asarray(part, dtype=float).ravel() for part in cones])
        if len(own) == len(problem.own_cones.offset) and np.isfinite(own).all():
            z[: len(own)] = own
    return y, z


def with_signs(rows: Floats, cones: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Yield multipliers with either sign: interfaces differ in it."""
    yield rows, cones
    if rows.any():
        yield -rows, cones
    if cones.any():
        yield rows, -cones
        yield -rows, -cones


def evaluate(
    problem: Problem,
    x: Floats,
    rows: Floats,
    cones: Floats,
    tangents: Floats | None = None,
    at: Floats | None = None,
) -> Bound:
    """Evaluate the bound of multipliers: rows (m,), cones (k,), tangents of quadratic rows (q,).

    ``x`` (n,) is the claimed point, against which residuals are measured; ``at`` (n,) is where
    smooth parts are linearised, ``x`` itself where it is not given. Multipliers outside the dual
    cone are moved into it first.
    """
    form, at = problem.form, x if at is None else at
    quads = problem.quadratic_rows
    given = np.zeros(len(quads)) if tangents is None else tangents
    y = _sided(rows, form.row_lower, form.row_upper)
    w_lower = np.array([row.lower for row in quads])
    w_upper = np.array([row.upper for row in quads])
    w = _sided(given, w_lower, w_upper)
    z = problem.cones.to_dual(cones) if len(cones) else cones
    largest = max((float(np.abs(v).max(initial=0.0)) for v in (y, w, z)), default=0.0)
    moved = max(
        (float(np.abs(a - b).max(initial=0.0)) for a, b in ((y, rows), (w, given), (z, cones))),
        default=0.0,
    )

    gradient = problem.gradient(at)
    reduced = gradient - form.rows.T @ y
    sizes = np.abs(gradient) + abs(form.rows).T @ np.abs(y)
    summed = 1.0 + np.bincount(form.rows.indices, minlength=len(x))
    if len(z):
        reduced = reduced - problem.cones.matrix.T @ z
        sizes += abs(problem.cones.matrix).T @ np.abs(z)
        summed += np.bincount(problem.cones.matrix.indices, minlength=len(x))
    constant = problem.constant
    curved = gradient - problem.linear
    constant -= 0.5 * float(at @ curved)
    sides = y * taken(y, form.row_lower, form.row_upper)
    terms = float(np.abs(sides).sum()) + float(np.abs(problem.cones.offset * z).sum())
    constant += float(sides.sum()) - float(problem.cones.offset @ z)
    if w.any():
        used = np.flatnonzero(w)
        chosen = tuple(quads[i] for i in used)
        values, gradients = quadratic_terms(chosen, at)
        weights = w[used]
        # g(x) >= its tangent g(p) + g'(p)(x - p) where it is convex.
        level = taken(weights, w_lower[used], w_upper[used]) - values + gradients @ at
        reduced = reduced - gradients.T @ weights
        sizes += np.abs(gradients).T @ np.abs(weights)
        summed += len(weights)
        constant += float(weights @ level)
        terms += float(np.abs(weights * level).sum())

    reference, missing = _reference(form, x, reduced, gradient, problem.linear, curved)
    part = reduced * reference
    low = constant + float(part.sum())
    left = np.where(missing, np.abs(reduced), 0.0)
    norm = max(1.0, _peak(problem.linear), _peak(curved))
    terms = max(terms + float(np.abs(part).sum()), float(np.abs(gradient * x).sum()))
    terms += float(np.abs(at * curved).sum())
    reach = np.maximum(1.0, np.abs(x))
    # Reduced costs are sums themselves: beside multipliers of 1e16 a one is lost. A sum of k
    # products is off by k eps / 2 of its terms at the most.
    far = np.maximum(reach, np.abs(reference))
    lost = float(np.finfo(float).eps / 2 * summed * sizes @ far)
    if not np.isfinite(low) or np.any(np.abs(at - x) > TANGENT_REACH * reach):
        low = -np.inf
    return Bound(
        value=form.sign * low,
        residual=float(left @ reach) + ROUNDING * terms + lost,
        stationarity=_peak(left) / norm,
        dual_cone=moved / max(1.0, largest),
        terms=terms,
        sign=form.sign,
        proven=problem.convex,
        rows=y,
        cones=z,
        tangents=w,
        at=at,
        reduced=reduced,
        reference=np.where(missing, np.nan, reference),
    )


def _reference(
    form: Form, x: Floats, reduced: Floats, gradient: Floats, linear: Floats, curved: Floats
) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return where the bound takes each column, and which columns have no bound to go to.

    A reduced cost that is only rounding counts as a residual at the claimed point and not times
    the way to a bound that is far off.
    """
    side = np.where(reduced > 0, form.lower, form.upper)
    small = STATIONARITY * max(1.0, _peak(linear), _peak(curved))
    with np.errstate(invalid="ignore"):
        far = np.abs(side - x) > np.maximum(1.0, np.abs(x))
    missing = (reduced != 0) & (~np.isfinite(side) | (far & (np.abs(reduced) <= small)))
    return np.where(missing | (reduced == 0), x, side), missing


def settled(problem: Problem, x: Floats, bound: Bound) -> Bound:
    """Move the tangent point to the minimiser of the Lagrangian where that improves the bound.

    At a point that is off by e the bound of its own tangent is off by e; at the minimiser of the
    Lagrangian it is off by e^2. Two Newton steps on the columns that no bound holds.
    """
    weighted = np.flatnonzero(bound.tangents)
    if not problem.convex or (problem.quadratic is None and not len(weighted)):
        return bound
    n = len(x)
    hessian = sparse.csr_array((n, n)) if problem.quadratic is None else problem.quadratic
    for i in weighted:
        hessian = hessian - bound.tangents[i] * problem.quadratic_rows[i].matrix
    diagonal = hessian.diagonal()
    best = bound
    for _ in range(2):
        far = np.abs(best.reference - x) > 1e-7 * np.maximum(1.0, np.abs(x))
        free = np.flatnonzero((np.isnan(best.reference) | far) & (diagonal > 0))
        reach = TANGENT_REACH * np.maximum(1.0, np.abs(x))[free] - np.abs(best.at - x)[free]
        step = _newton(sparse.csr_array(hessian), best.reduced, free, reach)
        if step is None:
            return best
        at = best.at.copy()
        at[free] += step
        moved = evaluate(problem, x, bound.rows, bound.cones, bound.tangents, at)
        if not moved.safe_low > best.safe_low:
            return best
        best = moved
    return best


def _newton(
    hessian: sparse.csr_array,
    reduced: Floats,
    free: np.ndarray[tuple[int], np.dtype[np.int64]],
    reach: Floats,
) -> Floats | None:
    """Return the step on the free columns, of least ridge among those that stay within reach."""
    if not len(free):
        return None
    block = sparse.csc_array(hessian[free][:, free])
    size = float(block.diagonal().max())
    for ridge in _RIDGES:
        whole = block + ridge * size * sparse.eye_array(len(free), format="csc")
        step = solve_sparse(sparse.csc_array(whole), -reduced[free])
        if step is not None and np.all(np.abs(step) <= reach):
            return step
    return None


def solve_sparse(matrix: sparse.csc_array, right: Floats) -> Floats | None:
    """Solve a square sparse system, or return None where it is singular."""
    from scipy.sparse.linalg import splu

    try:
        found: Floats = splu(sparse.csc_array(matrix)).solve(right)
    except RuntimeError:
        return None
    return found if bool(np.isfinite(found).all()) else None


def raised(bound: Bound, low: float) -> Bound:
    """The same bound with a better value of the minimisation, proven without residual."""
    return replace(bound, value=bound.sign * low, residual=0.0, stationarity=0.0)


def _sided(multipliers: Floats, lower: Floats, upper: Floats) -> Floats:
    """Drop multipliers of sides that a row does not have."""
    absent = ((multipliers > 0) & ~np.isfinite(lower)) | ((multipliers < 0) & ~np.isfinite(upper))
    return np.where(absent, 0.0, multipliers)


def taken(multipliers: Floats, lower: Floats, upper: Floats) -> Floats:
    """Return the sides that multipliers take: lower ones above zero, upper ones below, else 0."""
    return np.where(multipliers > 0, lower, np.where(multipliers < 0, upper, 0.0))


def _peak(vector: Floats) -> float:
    return float(np.abs(vector).max(initial=0.0))
