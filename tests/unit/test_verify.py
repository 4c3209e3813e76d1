"""The judge on problems that are not ours: true optima pass, planted faults are caught.

Claims come from SciPy, HiGHS and Clarabel called directly, so that nothing of the suite's own
solver interfaces takes part.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import clarabel
import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from optimodels.form import Cone, Form, QuadraticRow, stack_blocks
from optimodels.result import Claim
from optimodels.verify import judge

INF = np.inf
SEEDS = range(150)


def form_of(c: Any, rows: Any, low: Any, high: Any, lower: Any, upper: Any, **more: Any) -> Form:
    n = len(c)
    return Form(
        sense=more.pop("sense", "min"),
        linear=np.asarray(c, dtype=float),
        rows=sparse.csr_array(np.atleast_2d(np.asarray(rows, dtype=float)).reshape(-1, n)),
        row_lower=np.asarray(low, dtype=float),
        row_upper=np.asarray(high, dtype=float),
        lower=np.broadcast_to(np.asarray(lower, dtype=float), n).copy(),
        upper=np.broadcast_to(np.asarray(upper, dtype=float), n).copy(),
        integer=np.asarray(more.pop("integer", np.zeros(n)), dtype=bool),
        columns=stack_blocks([("x", (n,))]),
        **more,
    )


def random_lp(seed: int, sense: str = "min") -> tuple[Form, Claim]:
    """A feasible bounded LP with ranges, equalities and free columns, solved by SciPy."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 9)), int(rng.integers(1, 7))
    a = rng.normal(size=(m, n)) * (rng.random((m, n)) < 0.7) * 10.0 ** rng.integers(-2, 3, (m, 1))
    x0 = rng.uniform(-2, 2, n)
    value = a @ x0
    kind = rng.integers(0, 4, m)
    low = np.where(kind == 1, -INF, value - np.where(kind == 0, 0, rng.random(m)))
    high = np.where(kind == 2, INF, value + np.where(kind == 0, 0, rng.random(m)))
    lower, upper = x0 - rng.uniform(0, 3, n), x0 + rng.uniform(0, 3, n)
    c = rng.normal(size=n) * 10.0 ** rng.integers(-2, 3)
    form = form_of(c, a, low, high, lower, upper, sense=sense, constant=float(rng.normal()))
    sign = form.sign
    up, down = np.isfinite(high), np.isfinite(low)
    solved = linprog(
        sign * c,
        A_ub=np.vstack([a[up], -a[down]]),
        b_ub=np.concatenate([high[up], -low[down]]),
        bounds=np.stack([lower, upper], axis=1),
    )
    assert solved.status == 0
    y = np.zeros(m)
    y[up] += solved.ineqlin.marginals[: up.sum()]
    y[down] -= solved.ineqlin.marginals[up.sum() :]
    claim = Claim(
        "optimal", "optimal", x=solved.x, objective=form.objective(solved.x), row_multipliers=y
    )
    return form, claim


def random_qp(seed: int) -> tuple[Form, Claim]:
    """A convex QP, solved by Clarabel directly."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 7)), int(rng.integers(1, 4))
    root = rng.normal(size=(n, n)) * (rng.random((n, n)) < 0.7)
    q = root @ root.T + 0.1 * np.eye(n)
    c, a = rng.normal(size=n) * 3, rng.normal(size=(m, n))
    b = a @ rng.uniform(-1, 1, n) + rng.random(m)
    form = form_of(c, a, np.full(m, -INF), b, -5.0, 5.0, quadratic=sparse.csr_array(q))
    stacked = np.vstack([a, np.eye(n), -np.eye(n)])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    solution = clarabel.DefaultSolver(
        sparse.csc_matrix(np.triu(q)), c, sparse.csc_matrix(stacked),
        np.concatenate([b, np.full(2 * n, 5.0)]),
        [clarabel.NonnegativeConeT(m + 2 * n)], settings,
    ).solve()  # fmt: skip
    x = np.array(solution.x)
    return form, Claim(
        "optimal", "optimal", x=x, objective=form.objective(x),
        row_multipliers=-np.array(solution.z)[:m],
    )  # fmt: skip


def random_socp(seed: int) -> tuple[Form, Claim]:
    """Minimise over a random ellipsoid: c'x0 - ||R'c|| at x0 - R R'c / ||R'c||, by hand."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 6))
    root, x0, c = rng.normal(size=(n, n)) + 2 * np.eye(n), rng.normal(size=n), rng.normal(size=n)
    inverse = np.linalg.inv(root)
    cone = Cone(
        "second-order",
        sparse.csr_array(np.vstack([np.zeros(n), inverse])),
        np.concatenate([[1.0], -inverse @ x0]),
    )
    form = form_of(c, np.zeros((0, n)), [], [], -1e3, 1e3, cones=(cone,))
    slope = root.T @ c
    x = x0 - root @ slope / np.linalg.norm(slope)
    value = float(c @ x0 - np.linalg.norm(slope))
    return form, Claim("optimal", "optimal", x=x, objective=value)


def random_milp(seed: int) -> tuple[Form, Claim]:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 7)), int(rng.integers(1, 4))
    a = rng.integers(-5, 9, (m, n)).astype(float)
    b = np.floor(a @ rng.integers(0, 4, n)) + rng.integers(0, 3, m)
    c = -rng.integers(1, 9, n).astype(float)
    form = form_of(c, a, np.full(m, -INF), b, 0.0, 4.0, integer=np.ones(n))
    solved = milp(c, constraints=LinearConstraint(a, ub=b), integrality=np.ones(n),
                  bounds=Bounds(0, 4), options={"mip_rel_gap": 0})  # fmt: skip
    return form, Claim("optimal", "optimal", x=solved.x, objective=float(solved.fun))


MAKERS: dict[str, Callable[[int], tuple[Form, Claim]]] = {
    "LP": random_lp,
    "LP maximised": lambda seed: random_lp(seed + 1000, "max"),
    "QP": random_qp,
    "SOCP": random_socp,
    "MILP": random_milp,
}


@pytest.mark.parametrize("kind", MAKERS)
def test_no_false_alarm_on_true_optima(kind: str) -> None:
    for seed in SEEDS:
        form, claim = MAKERS[kind](seed)
        verdict = judge(form, claim).verdict
        assert (verdict.status, verdict.of) == ("verified", "global optimum"), (seed, verdict)


@pytest.mark.parametrize("kind", MAKERS)
def test_optimum_is_verified_without_the_solver_s_multipliers(kind: str) -> None:
    for seed in range(40):
        form, claim = MAKERS[kind](seed)
        verdict = judge(form, replace(claim, row_multipliers=None)).verdict
        assert verdict.status == "verified", (seed, verdict)


def wrong_objective(form: Form, claim: Claim) -> Claim:
    return replace(claim, objective=claim.objective + 0.1 + 0.01 * abs(claim.objective))


def changed_coordinate(form: Form, claim: Claim) -> Claim:
    """Move towards the middle of the box: most often feasible, never optimal unless told so."""
    middle = (form.lower + form.upper) / 2
    x = np.where(form.integer, np.rint(middle), claim.x + 0.3 * (middle - claim.x))
    return replace(claim, x=x, objective=form.objective(x))


def not_a_number(form: Form, claim: Claim) -> Claim:
    x = claim.x.copy()
    x[0] = np.nan
    return replace(claim, x=x)


def outside_its_bound(form: Form, claim: Claim) -> Claim:
    x = claim.x.copy()
    x[0] = form.upper[0] + 1.0
    return replace(claim, x=x, objective=form.objective(x))


@pytest.mark.parametrize(
    "fault", [wrong_objective, changed_coordinate, not_a_number, outside_its_bound]
)
@pytest.mark.parametrize("kind", MAKERS)
def test_planted_faults_are_refuted(kind: str, fault: Any) -> None:
    for seed in range(60):
        form, claim = MAKERS[kind](seed)
        planted = fault(form, claim)
        same = abs(form.objective(np.nan_to_num(planted.x)) - claim.objective) <= 1e-5 * max(
            1.0, abs(claim.objective)
        )
        if fault is changed_coordinate and same:
            continue  # another optimum
        verdict = judge(form, planted).verdict
        assert verdict.status == "refuted", (seed, verdict)


def test_wrong_multipliers_do_not_harm_a_true_optimum() -> None:
    """Others are proposed: a solver with wrong duals and a right point is right about the point."""
    for seed in range(40):
        form, claim = random_lp(seed)
        y = np.random.default_rng(seed).normal(size=len(form.row_lower)) * 100
        assert judge(form, replace(claim, row_multipliers=y)).verdict.status == "verified"


def test_dropped_row_is_noticed() -> None:
    """Solved without a row that binds: the point violates it, or it is refuted as optimum."""
    caught = 0
    for seed in range(120):
        form, claim = random_lp(seed)
        worse = replace(form, row_upper=np.where(np.isfinite(form.row_upper),
                                                 form.rows @ claim.x - 0.5, INF))  # fmt: skip
        if np.any(worse.row_upper < worse.row_lower) or not np.isfinite(worse.row_upper).any():
            continue
        caught += 1
        assert judge(worse, claim).verdict.status == "refuted"
    assert caught > 10


def test_false_infeasible_and_false_unbounded_are_refuted() -> None:
    for seed in range(60):
        form, _ = random_lp(seed)
        for stopped in ("infeasible", "unbounded"):
            verdict = judge(form, Claim(stopped)).verdict
            assert verdict.status == "refuted", (seed, stopped, verdict)


def test_false_infeasible_of_an_integer_problem_is_refuted() -> None:
    for seed in range(40):
        form, _ = random_milp(seed)
        assert judge(form, Claim("infeasible")).verdict.status == "refuted"


def test_infeasible_lps_are_proved_exactly() -> None:
    """Random rows plus their sum, asked to be more than it can be."""
    for seed in range(80):
        form, claim = random_lp(seed)
        total = form.rows.sum(axis=0)
        most = float(np.maximum(total * form.lower, total * form.upper).sum())
        rows = sparse.csr_array(np.vstack([form.rows.toarray(), total]))
        wrong = replace(
            form,
            rows=rows,
            row_lower=np.append(form.row_lower, most + 1.0),
            row_upper=np.append(form.row_upper, INF),
        )
        judged = judge(wrong, Claim("infeasible")).verdict
        assert (judged.status, judged.by, judged.of) == (
            "verified", "certificate", "infeasibility",
        ), (seed, judged)  # fmt: skip
        point = judge(wrong, claim).verdict
        assert point.status == "refuted"


def test_unbounded_lp_needs_a_ray_and_gets_one() -> None:
    form = form_of([-1.0, 0.0], [[1.0, -1.0]], [-INF], [1.0], 0.0, INF)
    assert judge(form, Claim("unbounded")).verdict.of == "unboundedness"
    assert judge(form, Claim("unbounded", ray=np.array([0.0, 1.0]))).verdict.status == "verified"
    assert judge(form, Claim("infeasible")).verdict.status == "refuted"
    empty = replace(form, row_lower=np.array([2.0]), row_upper=np.array([1.0]))
    assert judge(empty, Claim("unbounded")).verdict.status == "refuted"


def test_parity_proves_integer_infeasibility() -> None:
    form = form_of([1, 1], [[2, 4]], [7], [7], -1e6, 1e6, integer=[1, 1])
    verdict = judge(form, Claim("infeasible")).verdict
    assert (verdict.status, verdict.by) == ("verified", "certificate")


def test_clarabel_s_solved_lp_with_a_recession_ray_is_not_verified() -> None:
    """Multipliers of 1e10 pass row and gap tests; unscaled stationarity does not let them."""
    form = form_of([1.0, -1.0], [[1.0, -1.0 + 1e-9]], [-INF], [0.0], -INF, INF)
    claim = Claim(
        "optimal", "optimal", x=np.array([-1e8, -1e8]), objective=0.0,
        row_multipliers=np.array([-1e10]),
    )  # fmt: skip
    assert judge(form, claim).verdict.status != "verified"


def test_highs_wrong_qp_is_refuted_and_the_optimum_verified() -> None:
    """A strongly convex QP on which HiGHS 1.15.1 claims 152151.42; the optimum is 22826.47."""
    data = json.loads((Path(__file__).parent.parent / "data" / "highs-qp-wrong.json").read_text())

    def side(name: str, missing: float) -> Any:
        return np.array([missing if v is None else v for v in data[name]], dtype=float)

    form = form_of(
        data["c"], data["A"], side("row_lower", -INF), side("row_upper", INF),
        side("lower", -INF), side("upper", INF), quadratic=sparse.csr_array(np.array(data["H"])),
    )  # fmt: skip
    solver_says = Claim("optimal", "optimal", x=feasible_point(form), objective=152151.42)
    wrong = replace(solver_says, objective=form.objective(solver_says.x))
    assert judge(form, solver_says).verdict.status == "refuted"
    assert judge(form, wrong).verdict.status == "refuted"
    n, m = len(form.linear), len(form.row_lower)
    blocks = [form.rows.toarray(), np.eye(n)]
    low = np.concatenate([form.row_lower, form.lower])
    high = np.concatenate([form.row_upper, form.upper])
    a = np.vstack(blocks)
    up, down = np.isfinite(high), np.isfinite(low)
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    solution = clarabel.DefaultSolver(
        sparse.csc_matrix(np.triu(form.quadratic.toarray())), form.linear,
        sparse.csc_matrix(np.vstack([a[up], -a[down]])),
        np.concatenate([high[up], -low[down]]),
        [clarabel.NonnegativeConeT(int(up.sum() + down.sum()))], settings,
    ).solve()  # fmt: skip
    x = np.array(solution.x)
    z = np.array(solution.z)
    y = np.zeros(m + n)
    y[up] -= z[: up.sum()]
    y[down] += z[up.sum() :]
    true = Claim("optimal", "optimal", x=x, objective=form.objective(x), row_multipliers=y[:m])
    judged = judge(form, true)
    assert form.objective(x) == pytest.approx(22826.47, abs=0.01)
    assert judged.verdict.status == "verified"


def feasible_point(form: Form) -> Any:
    equal = form.row_lower == form.row_upper
    solved = linprog(
        np.zeros(len(form.linear)),
        A_eq=form.rows.toarray()[equal], b_eq=form.row_lower[equal],
        A_ub=-form.rows.toarray()[~equal], b_ub=-form.row_lower[~equal],
        bounds=np.stack([form.lower, form.upper], axis=1),
    )  # fmt: skip
    return solved.x


def test_normalised_balance_hides_an_imbalance_that_whole_rows_show() -> None:
    """70 kW of 74 GW: within any relative tolerance of a normalised row, none of a whole one."""
    load = np.array([40_000_000, 34_000_070, 74_000_000], dtype=float)
    whole = form_of([-1, -1, 0], [load * [1, 1, -1]], [0], [0], -1.0, 1.0, integer=[1, 1, 1])
    claim = Claim("optimal", "optimal", x=np.array([1.0, 1.0, 1.0]), objective=-2.0)
    assert judge(whole, claim).verdict.reason == "row row[0] is violated by exactly 70"


def test_nonconvex_stationary_point_is_at_most_a_local_optimum() -> None:
    form = form_of([0.0], np.zeros((0, 1)), [], [], -1.0, 2.0, quadratic=sparse.csr_array([[-2.0]]))
    at_minus_one = Claim("optimal", "optimal", x=np.array([-1.0]), objective=-1.0)
    verdict = judge(form, at_minus_one).verdict
    assert (verdict.status, verdict.of) == ("verified", "local optimum")


def test_limit_with_a_point_is_unverified_and_says_how_far() -> None:
    form, claim = random_lp(3)
    middle = (claim.x + feasible_by(form)) / 2
    late = Claim("time", "feasible", x=middle, objective=form.objective(middle))
    verdict = judge(form, late).verdict
    assert verdict.status == "unverified"
    assert verdict.reason.startswith("stopped at its time limit; the point is feasible")


def feasible_by(form: Form) -> Any:
    up, down = np.isfinite(form.row_upper), np.isfinite(form.row_lower)
    a = form.rows.toarray()
    return linprog(
        -form.sign * form.linear, A_ub=np.vstack([a[up], -a[down]]),
        b_ub=np.concatenate([form.row_upper[up], -form.row_lower[down]]),
        bounds=np.stack([form.lower, form.upper], axis=1),
    ).x  # fmt: skip


def test_exponential_cone_against_its_closed_form() -> None:
    """Maximise the entropy of three probabilities: log 3 at a third each."""
    # Columns p (3), t (3): t_i <= -p_i log p_i is (t_i, p_i, 1) in the cone.
    cones = []
    for i in range(3):
        matrix = np.zeros((3, 6))
        matrix[0, 3 + i], matrix[1, i] = 1, 1
        cones.append(Cone("exponential", sparse.csr_array(matrix), np.array([0.0, 0.0, 1.0])))
    form = form_of(
        [0, 0, 0, 1, 1, 1], [[1, 1, 1, 0, 0, 0]], [1], [1], [0, 0, 0, -5, -5, -5],
        [1, 1, 1, 5, 5, 5], sense="max", cones=tuple(cones),
    )  # fmt: skip
    third, best = 1 / 3, np.log(3) / 3
    x = np.array([third] * 3 + [best] * 3)
    claim = Claim("optimal", "optimal", x=x, objective=3 * best)
    assert judge(form, claim).verdict.status == "verified"
    less = np.array([0.5, 0.25, 0.25, *(-p * np.log(p) for p in (0.5, 0.25, 0.25))])
    worse = replace(claim, x=less, objective=form.objective(less))
    assert judge(form, worse).verdict.status == "refuted"


def test_quadratic_rows_by_a_disc() -> None:
    disc = QuadraticRow(sparse.csr_array(2 * np.eye(2)), np.zeros(2), -INF, 1.0)
    form = form_of([-1, -1], np.zeros((0, 2)), [], [], -2.0, 2.0, quadratic_rows=(disc,))
    half = np.sqrt(0.5)
    claim = Claim("optimal", "optimal", x=np.array([half, half]), objective=-2 * half)
    assert judge(form, claim).verdict.of == "global optimum"
    off = np.array([np.cos(0.9), np.sin(0.9)])
    assert judge(form, replace(claim, x=off, objective=-off.sum())).verdict.status == "refuted"
