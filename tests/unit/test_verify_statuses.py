"""Infeasible, unbounded and nonconvex problems, and the parts that the verdicts rest on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from optimodels.arrays import Floats
from optimodels.form import Cone, Form, QuadraticRow
from optimodels.result import Claim
from optimodels.verify import Testimony, dual_bound, judge
from optimodels.verify.bound import evaluate, settled
from optimodels.verify.cones import Cones
from optimodels.verify.convexity import as_convex, positive_semidefinite
from optimodels.verify.problem import Problem
from optimodels.verify.rational import proves_infeasible, proves_unbounded
from optimodels.verify.unbounded import ray_fault
from tests.unit.test_verify_makers import INF
from tests.unit.test_verify_makers import form_of as form_within

FREE = (-INF, INF)
NONE = np.zeros((0, 2))


def form_of(c: Any, rows: Any, low: Any, high: Any, bounds: Any = FREE, **more: Any) -> Form:
    return form_within(c, rows, low, high, *bounds, **more)


def infeasible_lp(seed: int) -> tuple[Form, Floats]:
    """Rows of which a hidden combination asks for more than the bounds give, and it."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 8)), int(rng.integers(2, 6))
    a = np.round(rng.normal(size=(m, n)) * 3, 1 if seed % 2 else 12)
    y = rng.integers(1, 4, m).astype(float)
    free = rng.random(n) < (0.5 if seed % 3 else 0.0)
    # Free columns vanish in the combination.
    a[-1, free] = np.round(-(y[:-1] @ a[:-1, free]) / y[-1], 12)
    lower, upper = np.where(free, -INF, -1.0), np.where(free, INF, 2.0)
    combined = np.where(free, 0.0, y @ a)
    most = float(np.where(combined > 0, 2 * combined, -combined).sum())
    low = a @ rng.normal(size=n)
    low[0] += (most + 0.5 - y @ low) / y[0]
    sense = "max" if seed % 2 else "min"
    return form_of(rng.normal(size=n), a, low, np.full(m, INF), (lower, upper), sense=sense), y


def test_infeasible_lps_are_proven() -> None:
    exact = 0
    for seed in range(175):
        form, _ = infeasible_lp(seed)
        assert linprog(form.linear, A_ub=-form.rows, b_ub=-form.row_lower,
                       bounds=np.stack([form.lower, form.upper], axis=1)).status == 2  # fmt: skip
        verdict = judge(form, Claim("infeasible")).verdict
        assert verdict.text == "verified by certificate: infeasibility", (seed, verdict)
        assert judge(form, Claim("unbounded")).verdict.status == "refuted", seed
        exact += verdict.checks[0].name in ("exact Farkas proof", "propagation")
    assert exact > 120


def test_no_farkas_proof_of_a_feasible_problem() -> None:
    rng = np.random.default_rng(0)
    for seed in range(60):
        form, y = infeasible_lp(seed)
        # The same rows around a point: whatever the multipliers, nothing is proven.
        x = np.clip(rng.normal(size=len(form.linear)), -1, 2)
        form = replace(form, row_lower=form.rows @ x)
        for farkas in (y, -y, rng.normal(size=len(y)), 1e9 * np.abs(rng.normal(size=len(y)))):
            claim = Claim("infeasible", farkas=farkas)
            assert judge(form, claim).verdict.status == "refuted", seed
            assert not proves_infeasible(form, farkas)


def test_farkas_of_the_solver_is_used_in_either_sign_and_not_believed() -> None:
    form, y = infeasible_lp(1)
    assert proves_infeasible(form, y)
    assert proves_infeasible(form, -y)
    assert not proves_infeasible(form, np.abs(y[::-1]) * [1, -1, *np.ones(len(y) - 2)])
    verdict = judge(form, Claim("infeasible", farkas=-np.ones(len(y)))).verdict
    assert verdict.status == "verified"


def test_infeasible_by_rounding_only_is_not_proven() -> None:
    """x + y = 1 and x + y = 1 + 1e-12, both free: sides that were computed may differ so."""
    form = form_of([1, 1], [[1, 1], [1, 1]], [1, 1 + 1e-12], [1, 1 + 1e-12])
    point = Claim("optimal", "optimal", x=np.array([0.5, 0.5]), objective=1.0)
    verdict = judge(form, Claim("infeasible", farkas=np.array([-1.0, 1.0]))).verdict
    assert verdict.status != "verified"
    assert "nine digits" in verdict.reason
    assert judge(form, point).verdict.status == "verified"
    apart = replace(form, row_lower=np.array([1, 1.001]), row_upper=np.array([1, 1.001]))
    assert judge(apart, Claim("infeasible")).verdict.status == "verified"
    either = Claim("infeasible", or_unbounded=True)
    assert judge(form, either).verdict.status == "unverified"


def test_false_rays_prove_nothing() -> None:
    form = form_of([-1.0, 0.0], [[1.0, -1.0]], [-INF], [1.0], (0, INF))
    assert judge(form, Claim("unbounded")).verdict.text == "verified by certificate: unboundedness"
    assert not proves_unbounded(form, np.array([1.0, 0.0]))  # leaves the row
    assert not proves_unbounded(form, np.array([0.0, 1.0]))  # improves nothing
    assert not proves_unbounded(form, np.array([-1.0, -1.0]))  # leaves the bounds
    assert proves_unbounded(form, np.array([1.0, 1.0]))
    assert ray_fault(Problem(form), np.array([1.0, 1.0 - 1e-6])) > 1e-9
    bounded = replace(form, upper=np.array([1e9, INF]))
    claim = Claim("unbounded", ray=np.array([1.0, 1.0]), x=np.zeros(2))
    verdict = judge(bounded, claim).verdict
    assert verdict.status == "refuted"
    assert verdict.reason.startswith("bounded")


def test_unbounded_and_bounded_lps_are_told_apart() -> None:
    kinds = {"unbounded": 0, "bounded": 0}
    for seed in range(150):
        rng = np.random.default_rng(seed)
        n, m = int(rng.integers(2, 6)), int(rng.integers(1, 7))
        a, x = np.round(rng.normal(size=(m, n)), 2), rng.random(n)
        c = np.round(rng.normal(size=n), 2)
        form = form_of(c, a, a @ x - rng.random(m), np.full(m, INF), (0, INF))
        # With presolve HiGHS calls seed 83 infeasible: see the next test.
        solved = linprog(c, A_ub=-a, b_ub=-form.row_lower, options={"presolve": False})
        assert solved.status in (0, 3)
        unbounded = solved.status == 3
        kinds["unbounded" if unbounded else "bounded"] += 1
        verdict = judge(form, Claim("unbounded")).verdict
        assert verdict.status == ("verified" if unbounded else "refuted"), (seed, verdict)
        if unbounded:
            point = Claim("optimal", "optimal", x=x, objective=float(c @ x))
            assert judge(form, point).verdict.status == "refuted", seed
    assert min(kinds.values()) > 30


def test_feasible_lp_that_highs_calls_infeasible() -> None:
    """HiGHS 1.15.1 with presolve says infeasible; 0 is feasible, and the LP is unbounded."""
    rows = [[-0.42, -0.04, 0.39, -1.03], [1.19, 0.22, -0.53, -1.53]]
    low = [-1.6533424221634874, -1.0906215055712094]
    form = form_of([-0.52, 0.76, -0.2, 1.45], rows, low, [INF, INF], (0, INF))
    assert judge(form, Claim("infeasible")).verdict.status == "refuted"
    assert judge(form, Claim("unbounded")).verdict.status == "verified"
    either = Claim("infeasible", or_unbounded=True)
    assert judge(form, either).verdict.status == "unverified"


def test_unbounded_claims_beyond_the_lp() -> None:
    unbounded = Claim("unbounded")
    # 1/2 a^2 - b falls along b only where nothing bends there.
    flat = form_of([0, -1], NONE, [], [], quadratic=sparse.csr_array(np.diag([1.0, 0.0])))
    bent = replace(flat, quadratic=sparse.csr_array(np.diag([1.0, 1e-3])))
    assert judge(flat, unbounded).verdict.status == "verified"
    assert judge(bent, unbounded).verdict.status != "verified"
    saddle = replace(flat, quadratic=sparse.csr_array(np.diag([1.0, -1.0])), linear=np.zeros(2))
    along = replace(unbounded, ray=np.array([0.0, 1.0]))
    assert judge(saddle, along).verdict.status == "verified"
    # a <= ||b||-cone: t grows along the cone, -t does not.
    cone = Cone("second-order", sparse.csr_array(np.eye(2)), np.zeros(2))
    up = form_of([-1, 0], NONE, [], [], cones=(cone,))
    assert judge(up, unbounded).verdict.status == "verified"
    assert judge(replace(up, linear=np.array([1.0, 0.5])), unbounded).verdict.status != "verified"
    disc = QuadraticRow(sparse.csr_array(2 * np.eye(2)), np.zeros(2), -INF, 1.0, "disc")
    assert judge(replace(flat, quadratic_rows=(disc,)), unbounded).verdict.status != "verified"


def test_infeasible_cones_are_proven_by_tangents_or_the_solver_s_ray() -> None:
    """||(a, b)|| <= 1 and a + b >= 2: sqrt(2) is the most that a + b can be."""
    cone = Cone("second-order", sparse.csr_array(np.vstack([[0, 0], np.eye(2)])), np.eye(3)[0])
    form = form_of([1, 0], [[1, 1]], [2], [INF], cones=(cone,))
    assert judge(form, Claim("infeasible")).verdict.text == "verified by certificate: infeasibility"
    given = Claim("infeasible", farkas=np.ones(1), cone_multipliers=(np.array([1.5, -1, -1]),))
    assert judge(form, given).verdict.status == "verified"
    disc = QuadraticRow(sparse.csr_array(2 * np.eye(2)), np.zeros(2), -INF, 1.0, "disc")
    curved = replace(form, cones=(), quadratic_rows=(disc,))
    assert judge(curved, Claim("infeasible")).verdict.status == "verified"
    for feasible in (form, curved):
        touched = replace(feasible, row_lower=np.array([1.4]))
        assert judge(touched, Claim("infeasible")).verdict.status != "verified"
        assert judge(touched, replace(given, farkas=np.ones(1))).verdict.status != "verified"


def test_rotated_cone_is_recognised_as_convex() -> None:
    """Least v + w with u = 2, u^2 <= v w, v, w >= 0: 4 at v = w = 2."""
    matrix = np.array([[2.0, 0, 0], [0, 0, -1], [0, -1, 0]])
    row = QuadraticRow(sparse.csr_array(matrix), np.zeros(3), -INF, 0.0, "loss")
    form = form_of([0, 1, 1], [[1, 0, 0]], [2], [2], ([-INF, 0, 0], INF), quadratic_rows=(row,))
    claim = Claim("optimal", "optimal", x=np.array([2.0, 2, 2]), objective=4.0)
    assert judge(form, claim).verdict.text == "verified by certificate: global optimum"
    worse = replace(claim, x=np.array([2.0, 1, 4]), objective=5.0)
    assert judge(form, worse).verdict.status == "refuted"
    # The same the other way round, and with an offset: v >= -1.
    turned = QuadraticRow(-row.matrix, np.array([0, 0, 1.0]), 0.0, INF, "loss")
    moved = replace(form, lower=np.array([-INF, -1, 0]), quadratic_rows=(turned,))
    assert isinstance(as_convex(moved, turned), Cone)
    # Without bounds both halves of the double cone are left.
    open_ends = replace(form, lower=np.full(3, -INF))
    assert as_convex(open_ends, row) is None
    assert judge(open_ends, claim).verdict.text != "verified by certificate: global optimum"
    both = replace(row, lower=-1.0)
    assert as_convex(form, both) is None


def test_nonconvex_points_are_at_most_local() -> None:
    """min -a^2 on [-1, 2]: -1 is a local minimum, 2 the global one, 0 a maximum."""
    form = form_of([0.0], np.zeros((0, 1)), [], [], (-1, 2), quadratic=sparse.csr_array([[-2.0]]))

    def at(x: float, **more: Any) -> Claim:
        return Claim("optimal", "optimal", x=np.array([x]), objective=-(x**2), **more)

    local = judge(form, at(-1))
    assert local.verdict.text == "verified by certificate: local optimum"
    assert local.verdict.reason == "the objective is not convex"
    assert local.bound is None
    assert local.undecided
    assert judge(form, at(0)).verdict.status == "refuted"
    assert judge(form, at(1)).verdict.status == "refuted"
    proven = Testimony("second solver", "branch and bound", "optimal", -4.0, -4.0)
    assert judge(form, at(2), [proven]).verdict.text == "verified by second solver: global optimum"
    denied = judge(form, at(-1), [proven]).verdict
    assert denied.status == "unverified"
    assert "branch and bound claims -4" in denied.reason
    point = replace(proven, x=np.array([2.0]))
    assert judge(form, at(-1), [point]).verdict.status == "refuted"
    # A local solver's word is no bound.
    local_word = replace(proven, objective=-1.0, bound=None)
    assert judge(form, at(-1), [local_word]).verdict.of == "local optimum"


def test_indefinite_box_qps_are_never_verified_as_global() -> None:
    local = refuted = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        n = 4
        q = rng.normal(size=(n, n))
        q = q + q.T
        if np.linalg.eigvalsh(q)[0] > 0:
            continue
        form = form_of(rng.normal(size=n), np.zeros((0, n)), [], [], (-1, 1),
                       quadratic=sparse.csr_array(q))  # fmt: skip
        x = rng.uniform(-1, 1, n)
        for _ in range(2000):
            x = np.clip(x - 0.02 * (q @ x + form.linear), -1, 1)
        verdict = judge(form, Claim("optimal", "optimal", x=x, objective=form.objective(x))).verdict
        local += verdict.of == "local optimum"
        refuted += verdict.status == "refuted"
        assert verdict.text != "verified by certificate: global optimum", seed
        other = np.clip(rng.normal(size=n), -1, 1)
        claim = Claim("optimal", "optimal", x=other, objective=form.objective(other))
        assert judge(form, claim).verdict.status != "verified", seed
    assert local > 40


def test_semidefiniteness() -> None:
    def psd(matrix: Any) -> bool:
        return positive_semidefinite(sparse.csr_array(np.asarray(matrix, dtype=float)))

    assert psd([[2, -1], [-1, 2]])
    assert psd([[1, 1], [1, 1]])
    assert psd(np.zeros((3, 3)))
    assert not psd([[1, 1.1], [1.1, 1]])
    assert not psd([[0, 1], [1, 0]])
    assert not psd([[1, 0], [0, -1e-6]])
    assert not psd([[np.nan]])
    # Blocks, one of them bad; and a chain too long for dense eigenvalues.
    good, bad = [[2, 1], [1, 2]], [[1, 2], [2, 1]]
    blocks = [sparse.csr_array(good)] * 500
    assert positive_semidefinite(sparse.csr_array(sparse.block_diag(blocks)))
    blocks.append(sparse.csr_array(bad))
    assert not positive_semidefinite(sparse.csr_array(sparse.block_diag(blocks)))
    n = 20_000
    chain = sparse.diags_array([-np.ones(n - 1), 2 * np.ones(n), -np.ones(n - 1)],
                               offsets=[-1, 0, 1])  # fmt: skip
    whole = sparse.csr_array(chain @ chain)
    assert positive_semidefinite(whole)
    assert not positive_semidefinite(sparse.csr_array(whole - 1e-3 * sparse.eye_array(n)))


def test_duals_of_cones_stay_duals() -> None:
    """z in the dual cone: z @ v >= 0 for every v of the cone; normals and projections alike."""
    rng = np.random.default_rng(0)
    soc = Cone("second-order", sparse.csr_array(np.eye(4)), np.zeros(4), "soc")
    exp = Cone("exponential", sparse.csr_array(np.eye(4)[:3]), np.zeros(3), "exp")
    for cone in (soc, exp):
        cones = Cones.of((cone,), 4)
        members = []
        for _ in range(120):
            v = rng.normal(size=4) * 10.0 ** rng.integers(-2, 2)
            if cone is soc:
                v[0] = np.linalg.norm(v[1:]) + rng.choice([0, 1]) * rng.random()
            else:
                v[1] = abs(v[1]) + 1e-3
                v[0] = np.clip(v[0], -20 * v[1], 20 * v[1])
                v[2] = v[1] * np.exp(v[0] / v[1]) + rng.choice([0, 1]) * rng.random()
            assert cones.violation(v)[0] < 1e-9
            members.append(v[: len(cone.offset)])
        for _ in range(80):
            z = rng.normal(size=len(cone.offset)) * 3
            dual = cones.to_dual(z)
            for a in (dual, cones.normals(z), *cones.corner_normals(np.zeros(len(z)))):
                least = min(float(a @ v) / (np.linalg.norm(a) + 1e-300) / np.linalg.norm(v)
                            for v in members)  # fmt: skip
                assert least >= -1e-12, (cone.kind, z, a)
            np.testing.assert_allclose(cones.to_dual(dual), dual, rtol=1e-9, atol=1e-12)


def test_membership_of_the_exponential_cone() -> None:
    exp = Cones.of((Cone("exponential", sparse.csr_array(np.eye(3)), np.zeros(3)),), 3)
    for inside in ([0, 1, 1], [1, 1, np.e], [-1, 0, 0], [-5, 0, 2], [-1, 1e-12, 0], [-800, 1, 0]):
        assert exp.violation(np.array(inside, dtype=float))[0] <= 1e-9, inside
    for outside in ([1, 1, 2.7], [1, 0, 5], [0, -1, 1], [0, 1, 0.9], [-1, 0, -1], [800, 1, 1e9]):
        assert exp.violation(np.array(outside, dtype=float))[0] > 1e-3, outside


def test_no_multipliers_prove_more_than_the_optimum() -> None:
    """The core of it all: over any multipliers and tangent points no bound exceeds the optimum.

    Least 1/2 x'Qx + c'x over a box and a disc, Q of deficient rank; optimum by projected steps.
    """
    over = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        n = 3
        root = rng.normal(size=(n, 2)) * 10.0 ** rng.integers(-1, 2)
        disc = QuadraticRow(sparse.csr_array(2 * np.eye(n)), np.zeros(n), -INF, 1.0, "disc")
        form = form_of(
            rng.normal(size=n),
            rng.normal(size=(2, n)),
            [-INF, -5],
            [5, INF],
            quadratic=sparse.csr_array(root @ root.T),
            quadratic_rows=(disc,),
        )
        points = rng.normal(size=(1500, n))
        points /= np.maximum(1.0, np.linalg.norm(points, axis=1))[:, None]
        activity = points @ form.rows.T.toarray()
        points = points[(activity[:, 0] <= 5) & (activity[:, 1] >= -5)]
        values = [form.objective(x) for x in points]
        x, best = points[int(np.argmin(values))], min(values)
        problem = Problem(form)
        for _ in range(30):
            size = 10.0 ** rng.integers(-3, 10)
            y, w = size * rng.normal(size=2), size * rng.normal(size=1)
            at = x + rng.normal(size=n) * 10.0 ** rng.integers(-6, 3)
            bound = settled(problem, x, evaluate(problem, x, y, np.zeros(0), w, at))
            assert not bound.safe_low > best + 1e-9, (seed, bound)
            over += bound.safe_low > -INF
    assert over > 600


def test_bound_in_the_sense_of_the_model() -> None:
    """max 3a + 2b, a + b <= 4, a + 3b <= 6, a <= 3: prices 2 and 0, and 1 on a's bound."""
    form = form_of([3, 2], [[1, 1], [1, 3]], [-INF, -INF], [4, 6], (0, [3, INF]), sense="max")
    bound = dual_bound(form, np.array([3.0, 1.0]), np.array([-2.0, 0.0]))
    assert bound.value == pytest.approx(11.0)
    assert bound.proves(11.0)
    assert [check.name for check in bound.checks(11.0)] == [
        "dual cone",
        "stationarity",
        "gap",
        "gap with residuals",
        "cancellation",
    ]
    none = dual_bound(form, np.array([3.0, 1.0]), None)
    assert not none.proves(11.0)
    assert none.stationarity > 1e-6


def test_huge_multipliers_are_seen_by_three_tests() -> None:
    """An unscaled stationarity: terms of 1e10 hide nothing."""
    form = form_of([1.0, -1.0], [[1.0, -1.0 + 1e-9]], [-INF], [0.0])
    bound = dual_bound(form, np.array([-1e8, -1e8]), np.array([-1e10]))
    failed = {check.name for check in bound.checks(0.0) if not check.passed}
    assert {"stationarity", "gap with residuals", "cancellation"} <= failed


@pytest.mark.parametrize("curved", ["rows", "cone", "quadratic row"])
def test_a_point_that_passes_beside_its_large_terms_only_is_refuted_by_a_proof(
    curved: str,
) -> None:
    """x - y = 3 and x - y <= 0 contradict each other however large x and y are."""
    difference, large = sparse.csr_array([[1.0, -1.0]]), 6e6
    more: dict[str, Any] = {}
    if curved == "cone":
        inside = sparse.csr_array([[-1.0, 1.0], [0.0, 0.0]])
        more["cones"] = (Cone("second-order", inside, np.zeros(2)),)
    elif curved == "quadratic row":
        square = sparse.csr_array([[2.0, -2.0], [-2.0, 2.0]])
        row = QuadraticRow(square, difference.toarray()[0], -INF, 0.0)
        more["quadratic_rows"] = (row,)
    rows = [[1.0, -1.0]] * (2 if curved == "rows" else 1)
    low, high = ([3.0, -INF], [3.0, 0.0]) if curved == "rows" else ([3.0], [3.0])
    x = np.array([large, large - 1.5])
    apart = form_of([0.0, 0.0], rows, low, high, **more)
    for stopped in ("optimal", "unbounded"):
        claim = Claim(stopped, x=x, objective=0.0 if stopped == "optimal" else None)
        assert judge(apart, claim).verdict.status == "refuted", stopped
    near = form_of(
        [0.0, 0.0], rows, [b - 3.0 for b in low], [max(b - 3.0, 0.0) for b in high], **more
    )
    assert judge(near, Claim("optimal", x=x, objective=0.0)).verdict.status == "verified"
