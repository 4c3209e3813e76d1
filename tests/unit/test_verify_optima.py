"""Continuous problems: true optima of every class pass, planted faults are caught."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pytest
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.form import Cone, Form, QuadraticRow
from optimodels.result import Claim
from optimodels.verify import dual_bound, judge
from tests.unit.test_verify_makers import INF, MAKERS, by_clarabel, form_of, random_lp

SEEDS = 150
#: What HiGHS 1.15.1 calls the optimum of highs-qp-wrong.json.
HIGHS_POINT = (
    -63.82102252145199,
    1.8359796607369336,
    98.75015501841669,
    17.24032482072628,
    40.67196124025207,
)


each_class = pytest.mark.parametrize("kind", MAKERS)


@each_class
def test_true_optima_raise_no_alarm(kind: str) -> None:
    for seed in range(SEEDS):
        form, claim = MAKERS[kind](seed)
        judged = judge(form, claim)
        verdict = judged.verdict
        assert verdict.text == "verified by certificate: global optimum", (seed, verdict)
        assert judged.bound == pytest.approx(claim.objective, rel=1e-5, abs=1e-5)
        assert judged.row_multipliers is not None


@each_class
def test_true_optima_are_verified_on_the_point_alone(kind: str) -> None:
    for seed in range(SEEDS):
        form, claim = MAKERS[kind](seed)
        bare = replace(claim, row_multipliers=None, cone_multipliers=None, objective=None)
        assert judge(form, bare).verdict.status == "verified", (seed, judge(form, bare).verdict)


@each_class
def test_wrong_multipliers_neither_harm_a_true_optimum_nor_are_reported(kind: str) -> None:
    rng = np.random.default_rng(0)
    for seed in range(30):
        form, claim = MAKERS[kind](seed)
        wrong = 100 * rng.normal(size=len(form.row_lower))
        judged = judge(form, replace(claim, row_multipliers=wrong))
        assert judged.verdict.status == "verified", (seed, judged.verdict)
        assert not np.array_equal(judged.row_multipliers, wrong)


@each_class
def test_bound_of_one_flipped_multiplier_proves_nothing(kind: str) -> None:
    flipped = 0
    for seed in range(100):
        form, claim = MAKERS[kind](seed)
        if kind == "exponential":
            # One row only, so turned it would be the other sign convention: two halves of it.
            form = split_row(form)
            claim = replace(claim, row_multipliers=np.repeat(claim.row_multipliers / 2, 2))
        y, z = claim.row_multipliers.copy(), claim.cone_multipliers
        i = int(np.argmax(np.abs(y)))
        if np.sum(np.abs(y) > 1e-2) < 2 or form.quadratic_rows:
            continue
        assert dual_bound(form, claim.x, y, z).proves(claim.objective), seed
        assert dual_bound(form, claim.x, -y, z).proves(claim.objective), seed
        y[i] = -y[i]
        assert not dual_bound(form, claim.x, y, z).proves(claim.objective), seed
        flipped += 1
    # The multipliers of quadratic rows are no part of a claim.
    assert flipped > 10 or kind == "QCQP"


def split_row(form: Form) -> Form:
    """Write the only row of a form twice."""
    rows = sparse.csr_array(sparse.vstack([form.rows, form.rows]))
    sides = {"row_lower": np.repeat(form.row_lower, 2), "row_upper": np.repeat(form.row_upper, 2)}
    return replace(form, rows=rows, **sides)


def inward(form: Form, claim: Claim) -> Floats:
    """A feasible point beside the optimum: most of the way back from where the cost drives."""
    backward = replace(form, linear=-form.linear, quadratic=None)
    other = by_clarabel(backward)[1].x
    return claim.x + 0.3 * (other - claim.x)


@each_class
def test_feasible_point_short_of_the_optimum_is_refuted(kind: str) -> None:
    refuted = 0
    for seed in range(25):
        form, claim = MAKERS[kind](seed)
        if not np.isfinite(form.lower).all() and kind != "exponential":
            continue
        x = inward(form, claim) if kind != "exponential" else _less_entropy(form, claim)
        value = form.objective(x)
        short = form.sign * (value - claim.objective) / max(1.0, abs(value))
        if not short > 1e-4:
            continue
        judged = judge(form, replace(claim, x=x, objective=value))
        assert judged.verdict.status == "refuted", (seed, judged.verdict)
        refuted += 1
        late = Claim("time", "feasible", x=x, objective=value)
        assert judge(form, late).verdict.status == "unverified"
        assert "the point is feasible" in judge(form, late).verdict.reason
    assert refuted > 10


def _less_entropy(form: Form, claim: Claim) -> Floats:
    n = len(form.linear) // 2
    p = np.full(n, 0.1 / (n - 1))
    p[0] = 0.9
    return np.concatenate([p, -p * np.log(p)])


@each_class
def test_changed_coordinate_is_never_verified(kind: str) -> None:
    rng = np.random.default_rng(1)
    changed = 0
    for seed in range(60):
        form, claim = MAKERS[kind](seed)
        j = int(rng.integers(len(claim.x)))
        x = claim.x.copy()
        x[j] += 1e-2 * max(1.0, abs(x[j])) * rng.choice([-1, 1])
        value = form.objective(x)
        if abs(value - claim.objective) < 1e-4 * max(1.0, abs(value)):
            continue
        status = judge(form, replace(claim, x=x, objective=value)).verdict.status
        assert status != "verified", seed
        assert judge(form, replace(claim, x=x)).verdict.status == "refuted", seed
        changed += 1
    assert changed > 15


@each_class
def test_binding_row_that_was_dropped_is_noticed(kind: str) -> None:
    noticed = 0
    for seed in range(40):
        form, claim = MAKERS[kind](seed)
        i = int(np.argmax(np.abs(claim.row_multipliers)))
        if abs(claim.row_multipliers[i]) < 0.1 or np.isinf(form.lower).any():
            continue
        low, high = form.row_lower.copy(), form.row_upper.copy()
        low[i], high[i] = -INF, INF
        status, without = by_clarabel(replace(form, row_lower=low, row_upper=high))
        activity = float((form.rows @ without.x)[i])
        off = max(form.row_lower[i] - activity, activity - form.row_upper[i])
        if status != "Solved" or off < 1e-3 * max(1.0, abs(activity)):
            continue
        verdict = judge(form, without).verdict
        assert verdict.status == "refuted", (seed, verdict)
        assert "row[" in verdict.reason
        noticed += 1
    assert noticed > 5 or kind == "exponential"


@each_class
def test_swapped_bounds_wrong_value_and_missing_numbers_are_refuted(kind: str) -> None:
    for seed in range(30):
        form, claim = MAKERS[kind](seed)
        off = 1e-3 * max(1.0, abs(claim.objective))
        for objective in (claim.objective + off, np.nan):
            verdict = judge(form, replace(claim, objective=objective)).verdict
            assert verdict.status == "refuted"
            assert "the objective is" in verdict.reason
        x = claim.x.copy()
        x[-1] = np.nan
        assert "not a number" in judge(form, replace(claim, x=x)).verdict.reason
        assert judge(form, replace(claim, x=claim.x[:-1])).verdict.status == "refuted"
        # The solver was told the bounds of the column with its sign turned.
        swapped = replace(form, lower=claim.x + 1.0, upper=claim.x + 2.0)
        assert "outside its bounds" in judge(swapped, claim).verdict.reason


@each_class
def test_wrong_status_is_never_verified(kind: str) -> None:
    for seed in range(15):
        form, _ = MAKERS[kind](seed)
        for claim in (Claim("infeasible"), Claim("unbounded")):
            verdict = judge(form, claim).verdict
            assert verdict.status != "verified", (seed, verdict)
            if "LP" in kind:
                assert verdict.status == "refuted", (seed, verdict)


def test_answer_that_the_solver_calls_inaccurate_is_refuted_by_nobody() -> None:
    form, claim = random_lp(0)
    off = replace(claim, point="feasible", x=claim.x + 1e-3, objective=None)
    verdict = judge(form, off).verdict
    assert verdict.status == "unverified"
    assert "inaccurate" in verdict.reason
    assert judge(form, replace(claim, point="feasible")).verdict.status == "verified"


def test_stopped_run_says_how_far_it_is_at_most() -> None:
    form = form_of([1.0, 1.0], [[1.0, 1.0]], [1.0], [INF], 0.0, 10.0)
    late = Claim("time", "feasible", x=np.array([1.0, 1.0]), objective=2.0)
    judged = judge(form, late)
    assert judged.verdict.reason == (
        "stopped at its time limit; the point is feasible, gap at most 50 %"
    )
    assert judged.bound == pytest.approx(1.0)
    best = replace(late, x=np.array([0.5, 0.5]), objective=1.0)
    assert judge(form, best).verdict.text == "verified by certificate: global optimum"
    assert judge(form, replace(late, x=np.zeros(2), objective=0.0)).verdict.status == "refuted"
    assert judge(form, Claim("memory")).verdict.reason.startswith("stopped at its memory limit")


def highs_wrong() -> tuple[Form, dict[str, Any]]:
    data = json.loads((Path(__file__).parents[1] / "data" / "highs-qp-wrong.json").read_text())

    def side(name: str, missing: float) -> Floats:
        return np.array([missing if v is None else v for v in data[name]], dtype=float)

    form = form_of(
        data["c"],
        data["A"],
        side("row_lower", -INF),
        side("row_upper", INF),
        side("lower", -INF),
        side("upper", INF),
        quadratic=sparse.csr_array(np.array(data["H"])),
    )
    return form, data


def by_highs(form: Form) -> tuple[str, Floats, float, Floats]:
    """Solve a QP by HiGHS directly: its status, point, objective and row duals."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    model = highspy.HighsModel()
    lp, rows = model.lp_, sparse.csc_array(form.rows)
    lp.num_row_, lp.num_col_ = rows.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = form.linear, form.lower, form.upper
    lp.row_lower_, lp.row_upper_ = form.row_lower, form.row_upper
    lp.a_matrix_.start_, lp.a_matrix_.index_ = rows.indptr, rows.indices
    lp.a_matrix_.value_ = rows.data
    lower = sparse.csc_array(sparse.tril(form.quadratic))
    hessian = model.hessian_
    hessian.dim_, hessian.format_ = rows.shape[1], highspy.HessianFormat.kTriangular
    hessian.start_, hessian.index_, hessian.value_ = lower.indptr, lower.indices, lower.data
    highs.passModel(model)
    highs.run()
    solution = highs.getSolution()
    status = highs.modelStatusToString(highs.getModelStatus())
    value = highs.getInfo().objective_function_value
    return status, np.array(solution.col_value), value, np.array(solution.row_dual)


def test_wrong_qp_of_highs_is_refuted_and_the_optimum_verified() -> None:
    """Strongly convex; HiGHS 1.15.1 says optimal with 152151.42, the optimum is 22826.47."""
    form, _ = highs_wrong()
    x = np.array(HIGHS_POINT)
    claim = Claim("optimal", "optimal", x=x, objective=form.objective(x))
    assert claim.objective == pytest.approx(152151.42, abs=0.01)
    verdict = judge(form, claim).verdict
    assert (verdict.status, verdict.reason[:11]) == ("refuted", "not optimal"), verdict
    # Right point, wrong number; wrong point, right number; and what CVXPY hands on.
    true = by_clarabel(form)[1]
    assert true.objective == pytest.approx(22826.47, abs=0.01)
    assert judge(form, replace(true, objective=152151.42)).verdict.status == "refuted"
    assert judge(form, replace(claim, objective=true.objective)).verdict.status == "refuted"
    assert judge(form, replace(claim, x=x * np.nan)).verdict.status == "refuted"
    assert judge(form, true).verdict.text == "verified by certificate: global optimum"


def test_whatever_highs_says_on_that_qp_now_gets_the_right_verdict() -> None:
    form, _ = highs_wrong()
    status, x, value, duals = by_highs(form)
    claim = Claim("optimal", "optimal", x=x, objective=value, row_multipliers=duals)
    right = abs(value - 22826.47) < 0.01
    assert status == "Optimal"
    assert judge(form, claim).verdict.status == ("verified" if right else "refuted")


def test_solved_lp_with_a_recession_ray_is_not_verified() -> None:
    """Clarabel's kind of answer: small residuals, multipliers of 1e10, a ray that improves."""
    form = form_of([1.0, -1.0], [[1.0, -1.0 + 1e-9]], [-INF], [0.0], -INF, INF)
    claim = Claim(
        "optimal",
        "optimal",
        x=np.array([-1e8, -1e8]),
        objective=0.0,
        row_multipliers=np.array([-1e10]),
    )
    assert judge(form, claim).verdict.status != "verified"
    # The same with multipliers of the solver: whatever it says, no bound may prove it.
    for seed in range(40):
        rng = np.random.default_rng(seed)
        n, m = 4, 6
        ray = rng.normal(size=n)
        a = rng.normal(size=(m, n))
        a -= np.outer((a @ ray) / (ray @ ray), ray)
        c = rng.normal(size=n)
        c -= (c @ ray + 1e-3 * rng.random()) / (ray @ ray) * ray
        open_end = form_of(c, a, np.full(m, -INF), rng.random(m), -INF, INF)
        status, said = by_clarabel(open_end)
        assert judge(open_end, said).verdict.status != "verified", (seed, status)
        far = replace(said, row_multipliers=said.row_multipliers * 1e10)
        assert judge(open_end, far).verdict.status != "verified", (seed, status)


def test_optimum_over_an_ellipsoid_by_hand() -> None:
    """Least c'x over x0 + R u, |u| <= 1: c'x0 - |R'c| at x0 - R R'c / |R'c|."""
    for seed in range(100):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 6))
        root, x0, c = (
            rng.normal(size=(n, n)) + 2 * np.eye(n),
            rng.normal(size=n),
            rng.normal(size=n),
        )
        inverse = np.linalg.inv(root)
        cone = Cone(
            "second-order",
            sparse.csr_array(np.vstack([np.zeros(n), inverse])),
            np.concatenate([[1.0], -inverse @ x0]),
        )
        form = form_of(c, np.zeros((0, n)), [], [], -1e3, 1e3, cones=(cone,))
        slope = root.T @ c
        x = x0 - root @ slope / np.linalg.norm(slope)
        claim = Claim("optimal", "optimal", x=x, objective=float(c @ x0 - np.linalg.norm(slope)))
        assert judge(form, claim).verdict.of == "global optimum", seed
        inside = replace(claim, x=x0 + 0.9 * (x - x0))
        inside = replace(inside, objective=form.objective(inside.x))
        assert judge(form, inside).verdict.status == "refuted", seed


def test_optimum_over_a_disc_by_hand() -> None:
    disc = QuadraticRow(sparse.csr_array(2 * np.eye(2)), np.zeros(2), -INF, 1.0)
    form = form_of([-1, -1], np.zeros((0, 2)), [], [], -2.0, 2.0, quadratic_rows=(disc,))
    half = np.sqrt(0.5)
    claim = Claim("optimal", "optimal", x=np.array([half, half]), objective=-2 * half)
    assert judge(form, claim).verdict.of == "global optimum"
    off = np.array([np.cos(0.9), np.sin(0.9)])
    assert judge(form, replace(claim, x=off, objective=-off.sum())).verdict.status == "refuted"


def test_large_lp_is_judged_at_once() -> None:
    rng = np.random.default_rng(0)
    n, m = 100_000, 60_000
    rows = sparse.random_array((m, n), density=4 / n, rng=rng, format="csr")
    x = rng.random(n) * (rng.random(n) < 0.5)
    y = rng.random(m) * (rng.random(m) < 0.5)
    c = rows.T @ y + np.where(x > 0, 0.0, rng.random(n))
    low = rows @ x - np.where(y > 0, 0.0, 1.0)
    form = replace(form_of(c, np.zeros((0, n)), [], [], 0.0, INF), rows=rows, row_lower=low,
                   row_upper=np.full(m, INF))  # fmt: skip
    claim = Claim("optimal", "optimal", x=x, objective=float(c @ x), row_multipliers=y)
    assert judge(form, claim).verdict.status == "verified"
    # Too large for multipliers of our own: then nothing is proven.
    assert judge(form, replace(claim, row_multipliers=None)).verdict.status == "unverified"
