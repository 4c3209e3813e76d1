"""Integer problems: exact points, bounds by duality and steps, enumeration, testimony."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linear_sum_assignment, milp

from optimodels.form import Cone, Form, QuadraticRow
from optimodels.result import Claim
from optimodels.verify import Testimony, judge
from optimodels.verify.integers import enumerate_box, integer_rows, propagate
from optimodels.verify.rational import common_step, exact_low, rational, rounded_up
from tests.unit.test_verify_makers import INF, form_of

ON_ITS_WORD = "feasible; optimal on the solver's word"


def whole_form(c: Any, rows: Any, low: Any, high: Any, lower: Any, upper: Any, **more: Any) -> Form:
    return form_of(c, rows, low, high, lower, upper, **{"integer": True} | more)


def by_milp(form: Form) -> Claim:
    """Solve by SciPy, to the last unit."""
    solved = milp(
        form.sign * form.linear,
        integrality=form.integer.astype(int),
        bounds=Bounds(form.lower, form.upper),
        constraints=LinearConstraint(form.rows, form.row_lower, form.row_upper),
        options={"mip_rel_gap": 0},
    )
    if solved.x is None:
        return Claim("infeasible")
    return Claim("optimal", "optimal", x=solved.x, objective=form.objective(solved.x))


def random_milp(seed: int) -> Form:
    """Few columns with few values, so that enumeration decides where duality does not."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 7)), int(rng.integers(1, 4))
    a = rng.integers(-5, 9, (m, n))
    b = a @ rng.integers(0, 4, n) + rng.integers(0, 3, m)
    c = rng.integers(-9, 10, n) * (1.0 if seed % 3 else np.pi)
    sense = "max" if seed % 2 else "min"
    return whole_form(c, a, np.full(m, -INF), b, 0, 4, sense=sense)


def assignment(seed: int) -> Form:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(3, 7))
    rows = np.vstack([np.kron(np.eye(k), np.ones(k)), np.kron(np.ones(k), np.eye(k))])
    return whole_form(rng.random(k * k), rows, np.ones(2 * k), np.ones(2 * k), 0, 1)


def mixed(seed: int) -> Form:
    """Lots with set-up: x_j <= 1000 u_j, sum x = demand; u whole, x continuous."""
    rng = np.random.default_rng(seed)
    k = 5
    rows = np.vstack(
        [np.hstack([np.eye(k), -1000 * np.eye(k)]), np.append(np.ones(k), np.zeros(k))]
    )
    demand = float(rng.uniform(500, 3500))
    c = np.append(rng.random(k), rng.integers(50, 300, k))
    return whole_form(
        c,
        rows,
        np.append(np.full(k, -INF), demand),
        np.append(np.zeros(k), demand),
        0.0,
        np.append(np.full(k, INF), np.ones(k)),
        integer=np.arange(2 * k) >= k,
    )


def test_true_integer_optima_raise_no_alarm() -> None:
    by = []
    for seed in range(150):
        form = random_milp(seed)
        verdict = judge(form, by_milp(form)).verdict
        assert verdict.status == "verified", (seed, verdict)
        assert verdict.of == "global optimum"
        by.append(verdict.by)
    assert by.count("exact") > 20
    assert by.count("certificate") > 20


def test_relaxation_that_is_tight_is_a_certificate() -> None:
    for seed in range(50):
        form = assignment(seed)
        judged = judge(form, by_milp(form))
        assert judged.verdict.text == "verified by certificate: global optimum", seed
        # Prices of the relaxation are none of the integer problem.
        assert judged.row_multipliers is None
        k = int(len(form.linear) ** 0.5)
        cost = form.linear.reshape(k, k)
        least = cost[linear_sum_assignment(cost)].sum()
        assert judged.bound == pytest.approx(least, rel=1e-6)


def test_worse_points_of_integer_problems_are_refuted_or_open() -> None:
    for seed in range(60):
        form = random_milp(seed)
        claim = by_milp(form)
        rng = np.random.default_rng(seed)
        for _ in range(5):
            x = np.rint(claim.x) + rng.integers(-1, 2, len(claim.x))
            judged = judge(form, replace(claim, x=x, objective=form.objective(x)))
            if abs(form.objective(x) - claim.objective) > 1e-9:
                assert judged.verdict.status == "refuted", (seed, judged.verdict)
        half = claim.x + 0.5
        assert judge(form, replace(claim, x=half)).verdict.status == "refuted"
        assert judge(form, Claim("infeasible")).verdict.status == "refuted"
        assert judge(form, Claim("unbounded")).verdict.status == "refuted"


def test_mixed_points_are_judged_after_rounding() -> None:
    """A set-up of 1e-7 instead of 0 lets 1e-4 through: the rounded point shows it."""
    proven = 0
    for seed in range(40):
        form = mixed(seed)
        claim = by_milp(form)
        verdict = judge(form, claim).verdict
        assert verdict.status != "refuted", (seed, verdict)
        noisy = claim.x + np.where(form.integer, 1e-9, 0.0)
        assert judge(form, replace(claim, x=noisy)).verdict.status == verdict.status
        others = Testimony("second solver", "other", "optimal", claim.objective, claim.objective)
        judged = judge(form, claim, [others])
        assert judged.verdict.status == "verified"
        proven += judged.verdict.by == "second solver"
    assert proven > 10
    cheap = whole_form([1.0, 100.0], [[1.0, -1e6]], [-INF], [0], [1.0, 0], [1.0, 1],
                       integer=np.array([False, True]))  # fmt: skip
    trickle = Claim("optimal", "optimal", x=np.array([1.0, 1e-6]), objective=1.0001)
    assert judge(cheap, trickle).verdict.status == "refuted"


def shares(seed: int = 0) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Loads in kW that sum to about 3e8, and -1, 0, 1 with an imbalance of 70 kW."""
    rng = np.random.default_rng(seed)
    load = 10.0 * rng.integers(1, 2_000_000, 60)
    x = np.ones(60)
    x[30:] = -1
    # The first takes up the imbalance but for 70 kW.
    load[0] += 70 - load @ x
    if load[0] < 0:
        load[0], load[30] = 10.0, load[30] + 10.0 - load[0]
    return load, x


def test_normalised_balance_hides_70_kw_that_the_exact_check_finds() -> None:
    load, x = shares()
    assert load @ x == 70
    assert load.min() > 0
    assert load.sum() > 2e8
    share = load / load.sum()
    # Within every relative tolerance of the normalised row ...
    assert abs(share @ x) < 1e-6
    in_kw = whole_form(np.ones(60), load, [0], [0], -1, 1, sense="max")
    normalised = whole_form(np.ones(60), share, [0], [0], -1, 1, sense="max")
    for form, unit in ((in_kw, 1.0), (normalised, load.sum())):
        verdict = judge(form, Claim("optimal", "optimal", x=x, objective=0.0)).verdict
        assert verdict.status == "refuted"
        exact = next(check for check in verdict.checks if check.name == "integer rows")
        assert exact.value * unit == pytest.approx(70.0)
        assert "exactly" in verdict.reason
        # ... and a balanced point passes.
        balanced = Claim("time", "feasible", x=np.zeros(60), objective=0.0)
        assert judge(form, balanced).verdict.status == "unverified"
    # Shares of the paper's own loads: whole numbers over 3715.
    paper = np.array([100.0, 90, 120, 60, 3345]) / 3715
    rows = integer_rows(whole_form(np.ones(5), paper, [0], [0], -1, 1))
    assert rows.factor.tolist() == pytest.approx([743.0])


def test_rows_that_are_no_whole_multiples_are_left_to_the_tolerance() -> None:
    rng = np.random.default_rng(0)
    form = whole_form(np.ones(6), rng.random((4, 6)), np.zeros(4), np.ones(4), 0, 1)
    assert not len(integer_rows(form).index)
    decimals = whole_form([1, 1], [[0.1, 0.2], [0.25, 3]], [0.3, 0], [0.3, 9], 0, 9)
    rows = integer_rows(decimals)
    assert rows.factor.tolist() == [10.0, 100.0]
    assert rows.check(decimals, np.array([1.0, 1.0]))[0].passed
    assert not rows.check(decimals, np.array([2.0, 1.0]))[0].passed
    # Beyond 2^53 doubles would lose the unit.
    huge = whole_form([1, 1], [[2.0**52 + 1, 2.0**52]], [0], [0], -9, 9)
    check, _ = integer_rows(huge).check(huge, np.array([3.0, -3.0]))
    assert check.value == 3.0


def test_bound_is_lifted_to_the_next_value_of_the_objective() -> None:
    """max 3a + 3b, 2a + 2b <= 7: the relaxation says 10.5, multiples of three say 9."""
    form = whole_form([3, 3], [[2, 2]], [-INF], [7], 0, 1000, sense="max", constant=0.5)
    judged = judge(form, Claim("optimal", "optimal", x=np.array([3.0, 0.0]), objective=9.5))
    assert judged.verdict.text == "verified by certificate: global optimum"
    assert judged.bound == pytest.approx(9.5)
    assert common_step(np.array([0.3, -0.45, 0.6])) == Fraction(3, 20)
    assert common_step(np.array([1.0, np.pi])) is None
    assert exact_low(form, np.array([-1.5])) == Fraction(-21, 2)
    assert rounded_up(Fraction(-21, 2), Fraction(3)) == -9
    assert rounded_up(Fraction(9), Fraction(3)) == 9
    assert rational(0.1) == Fraction(1, 10)


def test_bound_over_a_cone_is_lifted_by_no_more_than_a_step() -> None:
    """min -a - b, whole, |(a, b)| <= 5/2: the relaxation says -5/2 sqrt 2 = -3.54, so -3 at the
    least; of the 21 whole points of the disc (2, 1) has it."""
    disc = [(a, b) for a in range(-2, 3) for b in range(-2, 3) if 4 * (a * a + b * b) <= 25]
    assert (len(disc), min(-a - b for a, b in disc)) == (21, -3)
    within = sparse.csr_array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    cone = Cone("second-order", within, np.array([2.5, 0.0, 0.0]))
    form = whole_form([-1, -1], np.zeros((0, 2)), [], [], -9, 9, cones=(cone,))
    # -a - b = z'(5/2, a, b) - 5/2 sqrt 2 with z = (sqrt 2, -1, -1) on the dual cone's side.
    price = (np.array([np.sqrt(2.0), -1.0, -1.0]),)
    for x in disc:
        value = -float(sum(x))
        claim = Claim("optimal", "optimal", "", np.array(x, dtype=float), value)
        for said in (claim, replace(claim, cone_multipliers=price)):
            judged = judge(form, said)
            assert judged.verdict.status != "verified" or value == -3, (x, judged.verdict)
            assert judged.bound is None or judged.bound <= -3 + 1e-9, (x, judged.bound)
        if value == -3:
            assert judged.verdict.text == "verified by certificate: global optimum"


def test_bound_of_a_sum_too_large_for_rational_numbers_is_lifted_as_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """max 3a + 3b, 2a + 2b <= 7 in doubles: 10.5 is lowered to 9, not to 6."""
    monkeypatch.setattr("optimodels.verify.rational.EXACT_NONZEROS", 1)
    form = whole_form([3, 3], [[2, 2]], [-INF], [7], 0, 10**6, sense="max", constant=0.5)
    assert exact_low(form, np.array([-1.5])) is None
    for x, status in (((3.0, 0.0), "verified"), ((2.0, 0.0), "unverified")):
        judged = judge(form, Claim("optimal", "optimal", x=np.array(x), objective=3 * sum(x) + 0.5))
        assert judged.verdict.status == status, judged.verdict
        assert judged.bound == pytest.approx(9.5)


def hard() -> tuple[Form, Claim]:
    """Too many points to enumerate, no common step, and a gap that duality leaves open."""
    rng = np.random.default_rng(5)
    weights = 2 * rng.integers(50, 99, 30)
    room = int(weights.sum()) // 2 | 1
    value = weights + rng.random(30)
    form = whole_form(value, weights, [-INF], [room], 0, 1, sense="max")
    return form, by_milp(form)


def test_what_nothing_proves_rests_on_the_solver_s_word() -> None:
    form, claim = hard()
    judged = judge(form, claim)
    assert judged.verdict.text == f"unverified: {ON_ITS_WORD}"
    assert judged.undecided
    assert judged.bound is not None
    assert judged.bound >= claim.objective
    # A user's gap is no claim of optimality.
    own = replace(claim, bound=claim.objective * 1.01)
    assert "the solver itself leaves a gap" in judge(form, own).verdict.reason


def test_testimony_verifies_refutes_or_is_named() -> None:
    form, claim = hard()
    value = claim.objective
    said = Testimony("second solver", "other through here", "optimal", value, value)
    exact = replace(said, by="exact", who="exact algorithm")
    assert judge(form, claim, [said]).verdict.by == "second solver"
    assert judge(form, claim, [said, exact]).verdict.by == "exact"
    assert judge(form, claim, [exact]).bound == value
    # Words against words decide nothing, whoever says them.
    for other in (
        replace(said, objective=value + 5, bound=value + 5),
        replace(exact, objective=value + 5, bound=value + 5),
        replace(said, objective=value - 5, bound=value - 5),
        Testimony("second solver", "other through here", "infeasible", None, None),
    ):
        verdict = judge(form, claim, [exact, other]).verdict
        assert verdict.status == "unverified"
        assert other.who in verdict.reason
    # A weak bound beside the same objective is no contradiction, and no proof.
    weak = replace(said, bound=value * 1.1)
    assert judge(form, claim, [weak]).verdict.text == f"unverified: {ON_ITS_WORD}"
    # A better point does, if it is one.
    x = np.rint(claim.x)
    x[np.flatnonzero(x)[0]] = 0
    short = replace(claim, x=x, objective=form.objective(x))
    better = replace(said, x=claim.x)
    assert judge(form, short, [better]).verdict.status == "refuted"
    assert judge(form, short, [replace(said, x=claim.x + 1)]).verdict.status == "unverified"
    # Within the gap that the claim leaves open it contradicts nothing.
    open_gap = replace(short, bound=value * 1.01)
    assert judge(form, open_gap, [better]).verdict.status == "unverified"
    late = replace(short, stopped="time", point="feasible")
    verdict = judge(form, late, [better]).verdict
    assert verdict.status == "unverified"
    assert "time limit; the point is feasible" in verdict.reason


def test_enumeration_is_exact_within_its_size() -> None:
    form = whole_form([1, -2], [[1, 1]], [-INF], [3], [-1, 0], [2, 5])
    found = enumerate_box(form)
    assert found is not None
    assert found.x is not None
    assert found.x.tolist() == [-1, 4]
    assert found.value == -9
    assert enumerate_box(replace(form, upper=np.array([2.0**20, 5]))) is None
    assert enumerate_box(replace(form, integer=np.array([True, False]))) is None
    # A square objective that is not convex, and a circle of whole points.
    bent = replace(
        form,
        quadratic=sparse.csr_array(-2.0 * np.eye(2)),
        quadratic_rows=(QuadraticRow(sparse.csr_array(2.0 * np.eye(2)), np.zeros(2), 5, 5, "c"),),
    )
    found = enumerate_box(bent)
    assert found is not None
    assert found.x is not None
    assert found.x.tolist() == [-1, 2]
    verdict = judge(
        bent, Claim("optimal", "optimal", x=np.array([-1.0, 2.0]), objective=-10.0)
    ).verdict
    assert verdict.text == "verified by exact: global optimum"
    assert judge(
        bent, Claim("optimal", "optimal", x=np.array([1.0, 2.0]), objective=-8.0)
    ).verdict.status == "refuted"  # fmt: skip


INFEASIBLE = {
    # Whole numbers of even weight cannot make an odd sum.
    "parity": whole_form([1, 1], [[2, 4]], [7], [7], -1e6, 1e6),
    # Six places, seven to seat.
    "counting": whole_form(np.ones(42), np.vstack([np.kron(np.eye(7), np.ones(6)),
                           np.kron(np.ones(7), np.eye(6))]), np.append(np.ones(7), np.zeros(6)),
                           np.ones(13), 0, 1),
    # a + b = 1 and a = b: the relaxation has the point 1/2, 1/2.
    "two rows": whole_form([1, 1], [[1, 1], [1, -1]], [1, 0], [1, 0], 0, 1),
    # 0.5 to 0.9 holds no whole number.
    "bounds": whole_form([1], np.zeros((0, 1)), [], [], 0.5, 0.9),
    "row above its most": whole_form([1, 1], [[1, 1]], [3], [3], 0, 1),
    "sides crossed": whole_form([1, 1], [[1, 1]], [3], [2], 0, 9),
    "paper's per-bus spins": whole_form(np.ones(9), 2.0 * np.ones(9), [9], [9], 0, 1),
    "shares without a whole sum": whole_form([1, 1, 1], np.array([[2, 4, 6]]) / 12.3, [1 / 12.3],
                                             [1 / 12.3], -9, 9),
    # 6a + 10b + 15c = 1 with a, b, c in 0..2: only the enumeration sees it.
    "no combination": whole_form([1, 1, 1], [[6, 10, 15]], [23], [23], 0, 2),
}  # fmt: skip


#: Those of which only the enumeration knows.
ENUMERATED = ("no combination", "two rows", "shares without a whole sum")


@pytest.mark.parametrize("name", INFEASIBLE)
def test_integer_infeasibility_is_proven(name: str) -> None:
    form = INFEASIBLE[name]
    assert by_milp(form).stopped == "infeasible"
    verdict = judge(form, Claim("infeasible")).verdict
    assert (verdict.status, verdict.of) == ("verified", "infeasibility"), verdict
    assert verdict.by == ("exact" if name in ENUMERATED else "certificate")
    assert judge(form, Claim("unbounded")).verdict.status == "refuted"


def test_feasible_integer_problem_that_is_called_infeasible_is_refuted() -> None:
    for seed in range(40):
        assert judge(random_milp(seed), Claim("infeasible")).verdict.status == "refuted", seed


def test_propagation_never_loses_a_point() -> None:
    for seed in range(150):
        form = random_milp(seed)
        assert propagate(form) == "", seed
        assert propagate(mixed(seed)) == "", seed


def test_integer_infeasibility_without_proof_needs_a_second_voice() -> None:
    rng = np.random.default_rng(2)
    # A market split: no whole numbers meet both rows, no bound or divisor says so.
    a = rng.integers(1, 100, (4, 30))
    form = whole_form(np.ones(30), a, a.sum(axis=1) // 2, a.sum(axis=1) // 2, 0, 1)
    claim = Claim("infeasible")
    first = judge(form, claim)
    assert first.verdict.status == "unverified"
    assert first.undecided
    agrees = Testimony("second solver", "other", "infeasible", None, None)
    assert judge(form, claim, [agrees]).verdict.text == ("verified by second solver: infeasibility")
    exact = replace(agrees, by="exact")
    assert judge(form, claim, [agrees, exact]).verdict.by == "exact"
    denies = Testimony("second solver", "third", "optimal", 12.0, 12.0)
    verdict = judge(form, claim, [exact, denies]).verdict
    assert verdict.status == "unverified"
    assert "third" in verdict.reason


def test_unbounded_integer_problem_needs_a_whole_point() -> None:
    form = whole_form([1, 1], [[1, -1]], [1], [1], 0, INF, sense="max")
    assert judge(form, Claim("unbounded")).verdict.text == "verified by certificate: unboundedness"
    even = whole_form([1, 1], [[2, -2]], [1], [1], 0, INF, sense="max")
    assert judge(even, Claim("unbounded")).verdict.status == "refuted"
