"""Curves that do not fall, given by their prices at knots: isotonic regression and straight pieces.

A convex problem in either loss, so any solver of quadratic ones can be swapped in, and the
certificate shows a global optimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.supply.fitting.forms import RisingForm
from optimodels.families.supply.fitting.sample import Sample
from optimodels.model import ExactAnswer, Formulation

if TYPE_CHECKING:
    import cvxpy as cp
    import pyomo.environ as pyo
    import scipy.sparse as sp

#: A robust loss is reweighted until no price moves by more than this part, or so many times.
_SETTLED, _REWEIGHTED = 1e-14, 2_000
#: A derivative of this part of the largest is rounding errors.
_ZERO = 1e-14


@dataclass(frozen=True)
class Rising:
    """Points, and the ``knots`` (K,) between which the curve is straight; at every quantity:
    isotonic."""

    sample: Sample
    knots: Floats

    @property
    def isotonic(self) -> bool:
        return np.array_equal(self.knots, np.unique(self.sample.x))

    def hats(self) -> sp.csr_array:
        """The curve at the points by the prices at the knots, (m, K)."""
        import scipy.sparse as sp

        x, knots = self.sample.x, self.knots
        k = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)
        part = (x - knots[k]) / (knots[k + 1] - knots[k])
        rows = np.tile(np.arange(len(x)), 2)
        entries = (np.concatenate([1.0 - part, part]), (rows, np.concatenate([k, k + 1])))
        found = sp.csr_array(entries, shape=(len(x), len(knots)))
        found.eliminate_zeros()
        return found


def instance(form: RisingForm, sample: Sample) -> Rising:
    """Return the problem of a form for these points."""
    return Rising(sample, form.knots(sample.x))


def in_pyomo(data: Rising) -> pyo.ConcreteModel:
    """State it in Pyomo."""
    import pyomo.environ as pyo

    sample, hats = data.sample, data.hats()
    m, n = hats.shape
    model = pyo.ConcreteModel("rising-curve")
    model.knot = pyo.RangeSet(0, n - 1)
    model.step = pyo.RangeSet(0, n - 2)
    model.point = pyo.RangeSet(0, m - 1)
    model.price = pyo.Var(model.knot)
    model.residual = pyo.Var(model.point)
    root, y = np.sqrt(sample.weight).tolist(), sample.y.tolist()
    misfit = pyo.quicksum(model.residual[i] ** 2 for i in model.point)
    if sample.robust:
        model.above = pyo.Var(model.point, domain=pyo.NonNegativeReals)
        model.below = pyo.Var(model.point, domain=pyo.NonNegativeReals)
        misfit += pyo.quicksum(
            2 * sample.threshold * root[i] ** 2 * (model.above[i] + model.below[i])
            for i in model.point
        )

    def misses(model: Any, i: int) -> Any:
        row = slice(hats.indptr[i], hats.indptr[i + 1])
        parts = zip(hats.data[row].tolist(), hats.indices[row].tolist(), strict=True)
        left = sum(part * model.price[k] for part, k in parts)
        if sample.robust:
            left = left - model.above[i] + model.below[i]
        return root[i] * left - model.residual[i] == root[i] * y[i]

    model.misses = pyo.Constraint(model.point, rule=misses)
    model.misfit = pyo.Objective(expr=misfit)
    model.rising = pyo.Constraint(
        model.step, rule=lambda model, k: model.price[k] - model.price[k + 1] <= 0
    )
    return model


def in_cvxpy(data: Rising) -> cp.Problem:
    """State it in CVXPY."""
    import cvxpy as cp

    sample = data.sample
    hats = data.hats()
    root, m = np.sqrt(sample.weight), len(sample.x)
    price = cp.Variable(hats.shape[1], name="price")
    residual = cp.Variable(m, name="residual")
    left, cost = hats @ price, cp.sum_squares(residual)
    if sample.robust:
        above = cp.Variable(m, name="above", bounds=[0, None])
        below = cp.Variable(m, name="below", bounds=[0, None])
        left = left - above + below
        cost = cost + 2 * sample.threshold * (sample.weight @ (above + below))
    misses = cp.multiply(root, left) - residual == root * sample.y
    rising = price[:-1] - price[1:] <= 0
    misses.set_label("misses")
    rising.set_label("rising")
    return cp.Problem(cp.Minimize(cost), [misses, rising])


def exact(data: Rising) -> ExactAnswer:
    """Pool adjacent violators (Ayer et al. 1955), or non-negative steps between the knots
    (Lawson and Hanson 1974), with weights that are renewed for a robust loss."""
    sample, hats = data.sample, data.hats()
    prices = pooled(sample) if data.isotonic else _stepped(sample, hats)
    fitted = np.asarray(hats @ prices)
    left = fitted - sample.y
    root = np.sqrt(sample.weight)
    bounded = root * np.clip(left, -sample.threshold, sample.threshold)
    values = {"price": prices, "residual": bounded}
    if sample.robust:
        values["above"] = np.maximum(left - sample.threshold, 0.0)
        values["below"] = np.maximum(-left - sample.threshold, 0.0)
    # Each knot's derivative is what the row above it takes over from the row below.
    taken = np.cumsum(hats.T @ (2 * sample.pull(fitted)))[:-1]
    duals = {"rising": np.minimum(taken, 0.0), "misses": -2 * bounded}
    return ExactAnswer(values, objective=sample.loss(fitted), duals=duals)


def pooled(sample: Sample) -> Floats:
    """Return the isotonic regression at each quantity (K,): neighbours that fall are pooled at
    their best level, all runs of them at once, until none fall."""
    _, begins = np.unique(sample.x, return_index=True)
    count = len(begins)
    places = begins
    known = np.array([_level(sample, slice(*pair)) for pair in _pairs(begins, sample)])
    while (known[:-1] >= known[1:]).any():
        rises = np.concatenate([[True], known[:-1] < known[1:]])
        first = np.flatnonzero(rises)
        alone = np.diff([*first, len(known)]) == 1
        begins = begins[first]
        known = known[first]
        pairs = _pairs(begins, sample)
        for k in np.flatnonzero(~alone):
            known[k] = _level(sample, slice(*pairs[k]))
    return np.repeat(known, np.diff([*np.searchsorted(places, begins), count]))


def _pairs(begins: Ints, sample: Sample) -> list[tuple[int, int]]:
    """Where blocks begin and end."""
    return list(pairwise([*begins.tolist(), len(sample.x)]))


def _level(sample: Sample, block: slice) -> float:
    """The one price that a block of points is nearest to; the middle where there are several."""
    y, weight = sample.y[block], sample.weight[block]
    if len(y) == 1:
        return float(y[0])
    if not sample.robust:
        return float(weight @ y / weight.sum())
    # Half the derivative by the level rises, and is straight between these.
    ends = np.concatenate([y - sample.threshold, y + sample.threshold])
    order = np.argsort(ends)
    bends, whole = ends[order], sample.threshold * float(weight.sum())
    steep = np.cumsum(np.concatenate([weight, -weight])[order])
    left = np.concatenate([[0.0], np.cumsum(steep[:-1] * np.diff(bends))]) - whole
    zero = bends[np.abs(left) <= _ZERO * whole]
    if len(zero):
        return float(zero[0] + zero[-1]) / 2
    after = int(np.argmax(left > 0))
    part = -left[after - 1] / (left[after] - left[after - 1])
    return float(bends[after - 1] + part * (bends[after] - bends[after - 1]))


def _stepped(sample: Sample, hats: sp.csr_array) -> Floats:
    """The prices at the knots (K,): a first one of any sign, and steps that are not negative."""
    from scipy.optimize import nnls

    later = np.asarray(np.cumsum(hats.toarray()[:, ::-1], axis=1)[:, ::-1])
    signed = np.hstack([-later[:, :1], later])
    weight, prices = sample.weight, np.zeros(later.shape[1])
    for _ in range(_REWEIGHTED):
        root = np.sqrt(weight)
        steps = nnls(signed * root[:, None], sample.y * root)[0]
        before, prices = prices, np.cumsum([steps[1] - steps[0], *steps[2:]])
        if not sample.robust:
            break
        weight = sample.reweighted(hats @ prices)
        if np.abs(prices - before).max() <= _SETTLED * np.abs(sample.y).max():
            break
    return prices


def distinct(sample: Sample) -> float:
    """By how much two prices at knots must differ to be two: 1e-6 of what the points span, as
    solvers leave that much."""
    return 1e-6 * float(np.ptp(sample.y))


def levels(prices: Floats, sample: Sample) -> int:
    """Return how many prices at knots differ: the curve's degrees of freedom (Meyer and Woodroofe
    2000)."""
    return 1 + int(np.count_nonzero(np.diff(prices) > distinct(sample)))


FORMULATION = Formulation(
    name="rising-curve",
    problem_class="QP",
    source="003, section 3.1 asks for a curve of unit classes; isotonic regression: Barlow et "
    "al. 1972; knots and robust loss: ours",
    pyomo=in_pyomo,
    cvxpy=in_cvxpy,
    exact=exact,
    axes={
        "price": ("knot",), "rising": ("knot",), "residual": ("point",), "misses": ("point",),
        "above": ("point",), "below": ("point",),
    },
    equations=(
        "Points i of quantity x_i, price y_i and weight w_i; f, never falling, is",
        "straight between its prices p_k (price) at knots k = 1..K, or has one at",
        "every quantity (isotonic). M: threshold of Huber's loss (huber).",
        "",
        "minimise    sum_i [r_i^2 + 2 M w_i (above_i + below_i)]      price^2",
        "subject to  r_i = sqrt(w_i) (f(x_i) - y_i - above_i + below_i) misses",
        "            p_k <= p_k+1                      for k < K        rising",
        "            above_i, below_i >= 0; both 0 by squares (huber: null)",
        "with        r_i = residual_i",
    ),
)  # fmt: skip
