"""Claims that only their scale makes look right, or wrong: huge points, tiny costs, far bounds.

Every optimum here is read off by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from scipy import sparse
from scipy.optimize import linprog

from optimodels.form import Cone, Form, QuadraticRow
from optimodels.result import Claim
from optimodels.solvers.pyomo_language import PyomoProblem
from optimodels.verify import Testimony, dual_bound, judge
from tests.campaigns.planted import form_of

INF = np.inf


def box(c: Any, lower: Any, upper: Any, **more: Any) -> Form:
    """Return a form without rows."""
    return form_of(c, np.zeros((0, len(c))), [], [], lower, upper, **more)


def square(matrix: Any) -> sparse.csr_array:
    return sparse.csr_array(np.asarray(matrix, dtype=float))


def at(form: Form, *x: float, **more: Any) -> Claim:
    point = np.array(x, dtype=float)
    return Claim("optimal", "optimal", x=point, objective=form.objective(point), **more)


def status(form: Form, claim: Claim, *testimonies: Testimony) -> str:
    return judge(form, claim, testimonies).verdict.status


def smooth() -> Form:
    """Least -a with exp a <= 1/2."""

    def build() -> pyo.ConcreteModel:
        m = pyo.ConcreteModel()
        m.x = pyo.Var(range(1), bounds=(-9, 9))
        m.o = pyo.Objective(expr=-m.x[0])
        m.c = pyo.Constraint(expr=pyo.exp(m.x[0]) <= 0.5)
        return m

    return PyomoProblem(build).form


#: Least -a where something is 1/2 at most, and the a at which it is that.
HALVES: dict[str, tuple[Form, Callable[[float], float]]] = {
    "rows": (form_of([-1], [[1]], [-INF], [0.5], [-9], [9]), float),
    "bounds": (box([-1], [-9], [0.5]), float),
    "cones": (box([-1], [-9], [9], cones=(Cone("second-order", square([[0], [1]]),
              np.array([0.5, 0.0])),)), float),
    "quadratic rows": (box([-1], [-9], [9], quadratic_rows=(QuadraticRow(
                       square([[2]]), np.zeros(1), -INF, 0.5),)), np.sqrt),
    "nonlinear rows": (smooth(), np.log),
}  # fmt: skip


@pytest.mark.parametrize("kind", HALVES)
def test_a_point_may_be_off_by_a_millionth_and_no_more(kind: str) -> None:
    form, place = HALVES[kind]
    for off, passes in ((0.0, True), (5e-7, True), (2e-6, False), (5e-4, False)):
        verdict = judge(form, at(form, place(0.5 + off))).verdict
        assert (verdict.status == "verified") is passes, (off, verdict)
        assert [c.name for c in verdict.checks if not c.passed] == [kind] * (not passes)
        assert (verdict.status == "refuted") is not passes


def test_a_whole_number_may_be_off_by_a_hundred_thousandth_and_no_more() -> None:
    form = box([0], [0], [3], integer=np.ones(1, dtype=bool))
    for off, passes in ((5e-6, True), (2e-5, False), (0.2, False)):
        for x in (1 + off, 1 - off):
            assert status(form, at(form, x)) == ("verified" if passes else "refuted"), x


def test_a_bound_that_is_left_over_from_large_terms_proves_nothing() -> None:
    """Least s a - s b with a >= b over the square: 0. At (1, 1) it is s - s, which in doubles may
    stand for 1e-16 s: of six digits of 1 nothing else is left at 2e6 or more."""
    for size, passes in ((4e5, True), (2e6, False), (4e7, False)):
        form = form_of([size, -size], [[1, -1]], [0], [INF], [0, 0], [1, 1])
        for claim in (at(form, 1, 1), at(form, 1, 1, row_multipliers=np.array([size]))):
            assert status(form, claim) == ("verified" if passes else "unverified"), size
        assert status(form, at(form, 0, 0)) == "verified"


@pytest.mark.parametrize("curved", ["", "cone", "objective"])
def test_a_value_better_than_any_point_s_is_refuted(curved: str) -> None:
    """Least a with a + b - c >= 0.3, b = c = 3.5e5: 0.3. Beside 3.5e5, 0 misses it by little."""
    if curved == "cone":
        body = square([[1, 1, -1], [0, 0, 0]])
        cone = Cone("second-order", body, np.array([0.0, 0.3]))
        form = box([1, 0, 0], [0, 3.5e5, 3.5e5], [INF, 3.5e5, 3.5e5], cones=(cone,))
    else:
        form = form_of(
            [1, 0, 0], [[1, 1, -1]], [0.3], [INF], [0, 3.5e5, 3.5e5], [INF, 3.5e5, 3.5e5]
        )
    if curved == "objective":
        form = replace(form, quadratic=square(np.diag([1.0, 0, 0])))
    for claim in (
        at(form, 0, 3.5e5, 3.5e5),
        at(form, 0, 3.5e5, 3.5e5, row_multipliers=np.zeros(1)),
    ):
        verdict = judge(form, claim).verdict
        assert verdict.status == "refuted"
        assert "no point has such an objective" in verdict.reason
    assert status(form, at(form, 0.3, 3.5e5, 3.5e5)) == "verified"


def test_huge_multipliers_that_cancel_prove_nothing() -> None:
    """Half x >= 0 and -half x >= 0, each with the same weight: what is left of them is rounding."""
    half = np.array([[0.3, -1.4, 1.2], [-0.9, 1.7, -0.7]])
    rows, sides = np.vstack([half, -half]), np.zeros(4)
    costs, upper = np.array([1.5, -2.9, -0.9]), np.array([1e3, 1e3, 10])
    best = linprog(costs, A_eq=half, b_eq=sides[:2], bounds=[(0, top) for top in upper])
    form = form_of(costs, rows, sides, sides + INF, np.zeros(3), upper)
    rng = np.random.default_rng(0)
    for power in (0, 3, 15, 16, 17, 18):
        for _ in range(200):
            y = np.tile(10.0**power * rng.random(2), 2)
            bound = dual_bound(form, best.x, y)
            assert bound.safe_low <= best.fun + 1e-7, (y, bound)


@pytest.mark.parametrize("upper", [INF, 1e12, 1e3])
@pytest.mark.parametrize("costs", [[1.0, -1e-7], [0.0, -1e-7], [1e6, -1e-4]])
def test_a_small_cost_counts_as_far_as_its_column_goes(costs: list[float], upper: float) -> None:
    """b falls by 1e-7 a unit, without end or over a long way: 0 is not its place."""
    form = box(costs, [0, 0], [INF, upper])
    assert status(form, at(form, 0, 0)) == "refuted"
    assert status(replace(form, integer=np.ones(2, dtype=bool)), at(form, 0, 0)) != "verified"
    # Rounding of the multipliers is no cost: 0.1 + 0.2 is 0.3.
    even = form_of([0.3, 0.0], [[0.1, 0], [0.2, 0]], [0, 0], [INF, INF], [-INF, 0], [INF, upper])
    assert status(even, at(even, 0, 0, row_multipliers=np.ones(2))) == "verified"


@pytest.mark.parametrize(
    "bent", [np.diag([1e9, -0.5]), np.array([[1e9, 1], [1, -0.5]])], ids=["apart", "coupled"]
)
def test_a_large_curvature_hides_no_small_one(bent: Any) -> None:
    """-1/4 b^2 over |b| <= 1000 is -250,000 at its ends, whatever bends upwards beside it."""
    form = box([0, 0], [-1, -1e3], [1, 1e3], quadratic=square(bent))
    assert status(form, at(form, 0, 0)) == "refuted"
    row = QuadraticRow(square(bent), np.array([2.0, 0]), -INF, 0.0)
    # Most a with 2 a <= 1/4 b^2 - a^2 / 2 ...: more than 0.
    rowed = box([-1, 0], [-1, -1e3], [1, 1e3], quadratic_rows=(row,))
    assert status(rowed, at(rowed, 0, 0)) != "verified"
    # Of rank one in units of 1e6 and 1e-6 it is convex as ever.
    root = np.array([1e6, 1e-6])
    convex = replace(form, quadratic=square(np.outer(root, root)))
    assert judge(convex, at(convex, 0, 0)).verdict.text == "verified by certificate: global optimum"


def test_a_large_side_hides_no_curvature_of_its_row() -> None:
    """Most a with 1000 a^2 - 1/2 b^2 <= 1e9, |b| <= 1e6: beyond 22,000, and 1,000 at b = 0."""
    row = QuadraticRow(square(np.diag([2e3, -1])), np.zeros(2), -INF, 1e9)
    form = box([-1, 0], [-INF, -1e6], [INF, 1e6], quadratic_rows=(row,))
    assert judge(form, at(form, 1e3, 0)).verdict.status != "verified"


def test_a_small_curvature_downwards_over_a_long_way_is_no_minimum() -> None:
    form = box([0], [-1e6], [1e6], quadratic=square([[-1e-7]]))
    assert status(form, at(form, 0)) == "refuted"


@pytest.mark.parametrize("curved", ["row", "entry", "objective", "quadratic row", "cone"])
def test_a_small_coefficient_ends_a_ray(curved: str) -> None:
    """Most a where something grows by 1e-10 a unit of it: 1e10 or so, and not without end."""
    tiny = 1e-10
    more: dict[str, Any] = {}
    rows = {"row": [[tiny, 0.0]], "entry": [[tiny, 1.0]]}.get(curved, np.zeros((0, 2)))
    if curved == "objective":
        more["quadratic"] = square([[tiny, 0], [0, 0]])
    elif curved == "quadratic row":
        more["quadratic_rows"] = (QuadraticRow(square([[tiny, 0], [0, 0]]), np.zeros(2), -INF, 1),)
    elif curved == "cone":
        more["cones"] = (Cone("second-order", square([[0, 0], [tiny, 0]]), np.array([1.0, 0])),)
    m = len(rows)
    form = form_of([-1, 0], rows, [-INF] * m, [1] * m, [0, 0], [INF, 1], **more)
    claim = Claim("unbounded", "feasible", x=np.zeros(2), ray=np.array([1.0, 0]))
    assert status(form, claim) != "verified"
    zero = form_of([-1, 0], 0 * np.asarray(rows), [-INF] * m, [1] * m, [0, 0], [INF, 1])
    assert status(zero, claim) == "verified"


def test_a_small_coefficient_is_no_rounding_of_a_farkas_proof() -> None:
    """1e-10 a >= 1 has the point 1e10."""
    rows = form_of([1], [[1e-10]], [1], [INF], [-INF], [INF])
    cone = Cone("second-order", square([[1e-10], [0]]), np.array([0.0, 1]))
    for form in (rows, box([1], [-INF], [INF], cones=(cone,))):
        for claim in (
            Claim("infeasible"),
            Claim("infeasible", farkas=np.ones(len(form.rows.indptr) - 1)),
        ):
            assert status(form, claim) != "verified"


@pytest.mark.parametrize(("side", "text"), [
    (1e-4, "unverified"), (0.05, "unverified"), (10.0, "for all |x| up to 1e+11"),
])  # fmt: skip
def test_a_farkas_proof_holds_as_far_as_numbers_go(side: float, text: str) -> None:
    """a - b >= s and (1 - 1e-10) a <= b leave 1e-10 a >= s: beyond a = 1e10 s there are points."""
    rows = [[1, -1], [1 - 1e-10, -1]]
    form = form_of([0, 0], rows, [side, -INF], [INF, 0], [-INF, -INF], [INF, INF])
    far = 2e10 * side
    point = np.array([far, far - 1.5 * side])
    assert point[0] - point[1] > 1.2 * side
    assert (1 - 1e-10) * point[0] < point[1]
    for farkas in (None, np.array([1.0, -1.0])):
        verdict = judge(form, Claim("infeasible", farkas=farkas)).verdict
        assert text in (verdict.status, verdict.reason)


@pytest.mark.parametrize("entry", [2.0, np.nan])
def test_a_quadratic_row_without_a_number_is_violated(entry: float) -> None:
    """a^2 <= 1 at 1e200 overflows."""
    form = box(
        [0], [-INF], [INF], quadratic_rows=(QuadraticRow(square([[entry]]), np.zeros(1), -INF, 1),)
    )
    with np.errstate(over="ignore", invalid="ignore"):
        assert status(form, at(form, 1e200)) == "refuted"


def test_enumeration_sums_whole_numbers_exactly() -> None:
    """1e9 a + 2e9 b >= 3e9 + 1/2 has 4e9 as its least; 3e9 misses it by 1/2."""
    form = form_of(
        [1, 2], [[1e9, 2e9]], [3e9 + 0.5], [INF], [0, 0], [2, 2], integer=np.ones(2, dtype=bool)
    )
    for x in ((0, 2), (2, 1)):
        assert status(form, at(form, *x)) == "verified"
    assert status(form, at(form, 1, 1)) == "refuted"


def test_one_array_may_hold_both_sides() -> None:
    """a - b / 2 = 0 has the point 0, whether or not its two sides lie in one place."""
    side = np.zeros(1)
    form = form_of([0, 0], [[1, -0.5]], side, side, [0, 0], [4, 2])
    assert form.row_lower is form.row_upper
    assert status(form, Claim("infeasible")) == "refuted"


def test_sides_of_whole_numbers_carry_the_rounding_of_doubles() -> None:
    """a / 1e9 + b at whole numbers of nine digits has more digits than its side can hold."""
    rng = np.random.default_rng(0)
    for a, b in rng.integers(1, 10**9, (100, 2)):
        side = float(f"{b}.{a:09d}")
        form = form_of(
            [0, 0], [[1e-9, 1]], [-INF], [side], [0, 0], [1e9, 1e9], integer=np.ones(2, dtype=bool)
        )
        assert status(form, at(form, a, b)) == "verified", (a, b)


def priced(point: list[float]) -> tuple[Form, Claim, Testimony]:
    """Least 100 a + c with a + b >= 1, b + 5e-7 c <= 1, whole c >= 1: 1.00005, and a point."""
    form = form_of(
        [100, 0, 1],
        [[1, 1, 0], [0, 1, 5e-7]],
        [1, -INF],
        [INF, 1],
        [0, 0, 1],
        [9, 9, 2],
        integer=np.array([False, False, True]),
    )
    x = np.array(point)
    said = Testimony("second solver", "another", "optimal", form.objective(x), None, x)
    return form, at(form, 5e-7, 1 - 5e-7, 1), said


def test_a_price_times_the_tolerance_beats_no_point() -> None:
    form, claim, said = priced([0.0, 1 - 5e-7, 1.0])
    assert status(form, claim, said) != "refuted"
    worse = at(form, 1e-2, 1.0 - 5e-7, 1)
    assert status(form, worse, said) == "refuted"


def test_a_far_point_that_gains_what_it_is_outside_is_none() -> None:
    """The costs are 512 times the first row, but for columns at their bounds: on that row all is
    one. At 1e15 a point is outside by 3e-5, beside terms as large, and gains 0.01 by that."""
    row = [-(2.0**-13), -0.125, 0.75 * 2.0**-10, -16, 12, -(2.0**-14) * 0.625, 0]
    rows = [
        row,
        [-(2.0**-10), -3, 0, -128, -160, -0.375 * 2.0**-10, 32],
        [0.375, 0, 2.5, 0, 49152, -0.125, 0],
    ]
    price = np.array([512.0000000000316, 6.626769159463038e-11, -6.627540939212350e-11])
    costs = 512 * np.array(row) - [0, 20, 0, 0, 0, 0.0029296875, 0]
    form = form_of(
        costs, rows, [0.1015625, -4.125, -INF], [0.1015625, INF, 928],
        [-INF, -INF, -64, -0.0048828125, -INF, 0, -INF], [INF, 0.25, 320, INF, INF, 1024, INF],
    )  # fmt: skip
    x = [-1805881.09684074, 0.25, 128, 24.11706847, 0, 1024, 111.0297115]
    x[4] = (0.1015625 - float(np.delete(row, 4) @ np.delete(x, 4))) / 12
    claim = at(form, *x, row_multipliers=price)
    assert status(form, claim) == "verified"
    # Of columns that cost less than the row is worth there is no best point.
    cheaper = replace(form, linear=form.linear - [1e-4, 0, 0, 0, 0, 0, 0])
    assert status(cheaper, at(cheaper, *x, row_multipliers=price)) == "refuted"


def test_a_point_that_leans_on_its_size_denies_no_infeasibility() -> None:
    """(a - b)^2 >= 9 with |a - b| <= 2 has no point; beside 1e7 a difference of 2.5 passes."""
    row = QuadraticRow(square([[2, -2], [-2, 2]]), np.zeros(2), 9, INF)
    form = form_of([0, 0], [[1, -1]], [-2], [2], [-INF, -INF], [INF, INF], quadratic_rows=(row,))
    said = Testimony("second solver", "another", "optimal", 0.0, None, np.array([1e7, 1e7 - 2.5]))
    assert status(form, Claim("infeasible"), said) == "unverified"
    near = replace(form, quadratic_rows=(replace(row, lower=1.0),))
    assert status(near, Claim("infeasible"), replace(said, x=np.array([1.5, 0]))) == "refuted"


@pytest.mark.parametrize("kind", ["-a^3", "a^3"])
def test_flat_to_the_second_order_is_no_minimum(kind: str) -> None:
    def build() -> pyo.ConcreteModel:
        m = pyo.ConcreteModel()
        m.x = pyo.Var(range(2), bounds=(-1, 1))
        m.o = pyo.Objective(expr=m.x[0] ** 3 if kind == "a^3" else -(m.x[0] ** 3))
        m.c = pyo.Constraint(expr=m.x[0] + m.x[1] == 0)
        return m

    form = PyomoProblem(build).form
    assert status(form, at(form, 0, 0)) == "refuted"


def test_flat_to_the_second_order_may_be_a_minimum() -> None:
    def build() -> pyo.ConcreteModel:
        m = pyo.ConcreteModel()
        m.x = pyo.Var(range(2), bounds=(-1, 1))
        m.o = pyo.Objective(expr=m.x[0] ** 4 + m.x[1])
        return m

    form = PyomoProblem(build).form
    assert judge(form, at(form, 0, -1)).verdict.text == "verified by certificate: local optimum"


def test_what_a_constant_leaves_of_the_figure_is_said() -> None:
    """At x = 1 the claim is off by 12.5 of 12.5; beside 1e12 nobody sees it, and the verdict says
    so."""
    form = box([12.5], [0], [2], constant=1e12)
    told = "verified by certificate: global optimum, to 1e+06; all but 12.5 of the objective is"
    assert judge(form, at(form, 1)).verdict.text == f"{told} constant"
    beside = box([12.5], [1], [2], constant=-1e4)
    assert judge(beside, at(beside, 1)).verdict.text == "verified by certificate: global optimum"
    assert status(box([12.5], [0], [2], constant=-1e4), at(beside, 1)) != "verified"


def test_a_sum_of_squares_is_not_called_constant() -> None:
    """(x - 100)^2: the constant 1e4 is all but cancelled by the rest, and nothing is hidden."""
    form = box([-200], [-INF], [INF], constant=1e4, quadratic=square([[2]]))
    assert judge(form, at(form, 100)).verdict.text == "verified by certificate: global optimum"


@pytest.mark.parametrize("stopped", ["optimal", "time"])
def test_bound_near_the_point_alone_is_no_bound(stopped: Any) -> None:
    """The optimum is -10 at (0, 100); at the origin a reduced cost of 0.1 is all that is left, and
    it counts for as far as one could go, not for one unit."""
    form = form_of([1000, -0.1], [[0, 1]], [-INF], [100], [0, -INF], [INF, INF])
    judged = judge(form, replace(at(form, 0, 0), stopped=stopped))
    assert judged.verdict.status == ("refuted" if stopped == "optimal" else "unverified")
    assert judged.bound is None or judged.bound <= -10
    assert "gap at most" not in judged.verdict.text or judged.bound is not None
