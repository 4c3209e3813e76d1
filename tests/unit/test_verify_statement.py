"""A compiler that is wrong: the model's own expressions refute what is right of the form alone."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

import cvxpy as cp
import numpy as np
import pyomo.environ as pyo
import pytest
from scipy import sparse

from optimodels.errors import RunError, UnavailableError
from optimodels.form import Block, Form
from optimodels.model import Formulation
from optimodels.result import Claim, Stated
from optimodels.solvers import Request, cvxpy_language, open_problem
from optimodels.solvers.cvxpy_squares import wrongly_squared
from optimodels.study.judgement import solve_and_judge
from optimodels.verify import judge

#: Of rank 3. Bunch and Kaufman's elimination ends with a pivot of -4e-30 beside a column of 7e14.
SINGULAR = np.array(
    [
        [17.0, -7, 17, 14, -1, 3, 5],
        [-7, 14, -7, -1, 2, -6, -16],
        [17, -7, 17, 14, -1, 3, 5],
        [14, -1, 14, 14, -1, 0, -2],
        [-1, 2, -1, -1, 2, 0, -2],
        [3, -6, 3, 0, 0, 3, 7],
        [5, -16, 5, -2, -2, 7, 19],
    ]
)
#: Solvers of CVXPY's that get squares in place of a quadratic objective.
SQUARES = ["cvxopt", "ecos", "scip"]


def singular(_: Any) -> cp.Problem:
    x = cp.Variable(7, name="x", bounds=[-5.0, 5.0])
    aim = cp.quad_form(x, cp.psd_wrap(SINGULAR)) / 2 - np.array([3.0, 1, 4, 1, 5, 9, 2]) @ x
    return cp.Problem(cp.Minimize(aim))


def within_an_ellipse(_: Any) -> cp.Problem:
    """The farthest point of x^2 + 4 y^2 <= 1 along (1, 1): sqrt(5) / 2."""
    x = cp.Variable(2, name="x")
    inside = cp.quad_form(x, np.diag([1.0, 4.0])) <= 1
    inside.set_label("ellipse")
    return cp.Problem(cp.Maximize(cp.sum(x)), [inside])


QP = Formulation("singular", "QP", "", cvxpy=singular)
ELLIPSE = Formulation("ellipse", "SOCP", "", cvxpy=within_an_ellipse)


@pytest.mark.parametrize("solver", SQUARES)
def test_matrix_whose_root_cvxpy_takes_wrongly_is_refused(solver: str) -> None:
    with pytest.raises(UnavailableError, match="takes the root of a quadratic form wrongly"):
        solve_and_judge(QP, None, Request(solver, "cvxpy"), "certificate")


@pytest.mark.parametrize("solver", SQUARES)
def test_what_follows_from_a_wrong_root_is_refuted(
    solver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All checks of the form pass: it is the optimum of another problem."""
    right = solve_and_judge(QP, None, Request("clarabel"), "certificate")
    assert right.verdict.status == "verified"
    monkeypatch.setattr(cvxpy_language, "wrongly_squared", lambda *_: 0.0)
    wrong = solve_and_judge(QP, None, Request(solver, "cvxpy"), "certificate")
    assert wrong.verdict.status == "refuted"
    assert wrong.verdict.reason.startswith("the model's own objective is")
    assert [c.name for c in wrong.verdict.checks if not c.passed] == ["stated objective"]


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_constraint_that_was_compiled_too_wide_is_refuted(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    canonical = import_module("cvxpy.reductions.dcp2cone.canonicalizers.quad_form_canon")
    root = canonical.decomp_quad

    def shortened(matrix: Any) -> Any:
        scale, plus, minus = root(matrix)
        return scale, share * plus, share * minus

    monkeypatch.setattr(canonical, "decomp_quad", shortened)
    solution = solve_and_judge(ELLIPSE, None, Request("clarabel"), "certificate")
    if share == 1.0:
        assert solution.verdict.status == "verified"
        assert solution.objective == pytest.approx(np.sqrt(5) / 2, rel=1e-6)
    else:
        assert solution.verdict.status == "refuted"
        # x^2 + 4 y^2 is 4 on the ellipse that is twice as wide.
        assert solution.verdict.reason == "constraint ellipse of the model itself is violated by 3"


def form(**changed: Any) -> Form:
    """Minimise 2 x + t, t >= 0 a column of the compiler's, over x >= 3."""
    whole = Form(
        sense="min",
        linear=np.array([2.0, 1.0]),
        rows=sparse.csr_array([[1.0, 0.0]]),
        row_lower=np.array([3.0]),
        row_upper=np.array([np.inf]),
        lower=np.array([-np.inf, 0.0]),
        upper=np.full(2, np.inf),
        integer=np.zeros(2, dtype=bool),
        columns=(Block("x", (), 0),),
        row_blocks=(Block("floor", (), 0),),
    )
    return replace(whole, **changed)


def claim(t: float, stated: Stated | None, stopped: Any = "optimal") -> Claim:
    return Claim(
        stopped,
        "optimal" if stopped == "optimal" else "feasible",
        x=np.array([3.0, t]),
        objective=6.0 + t,
        row_multipliers=np.array([2.0]),
        stated=stated,
    )


@pytest.mark.parametrize(
    ("t", "stopped", "stated", "status", "reason"),
    [
        (0.0, "optimal", None, "verified", ""),
        (0.0, "optimal", Stated(6.0, {"floor": 0.0}), "verified", ""),
        # Within the sixth digit, on either side.
        (0.0, "optimal", Stated(6.00005, {"floor": 2e-6}), "verified", ""),
        (0.0, "optimal", Stated(5.99995, {}), "verified", ""),
        (0.0, "optimal", Stated(5.9, {}), "refuted", "own objective is 5.9 at the point, not 6"),
        (0.0, "optimal", Stated(6.1, {}), "refuted", "own objective is 6.1 at the point, not 6"),
        (0.0, "optimal", Stated(np.nan, {}), "refuted", "own objective is nan"),
        (0.0, "optimal", Stated(6.0, {"floor": 0.1}), "refuted", "constraint floor of the model"),
        (0.0, "optimal", Stated(6.0, {"": np.inf}), "refuted", "a constraint of the model itself"),
        (0.0, "optimal", Stated(6.0, {"": np.nan}), "refuted", "violated by nan"),
        (0.0, "optimal", Stated(6.0, {"a": np.nan, "b": 0.0}), "refuted", "constraint a of the"),
        # Room in the compiler's column is no mistake before the optimum.
        (1.0, "time", Stated(6.0, {}), "unverified", "stopped at its time limit"),
        (1.0, "time", Stated(7.1, {}), "refuted", "own objective is 7.1 at the point, not 7"),
    ],
)
def test_point_is_held_against_the_model(
    t: float, stopped: str, stated: Stated | None, status: str, reason: str
) -> None:
    verdict = judge(form(), claim(t, stated, stopped)).verdict
    assert verdict.status == status, verdict
    assert reason in verdict.reason
    assert any(c.name == "stated objective" for c in verdict.checks) is (stated is not None)


def test_answer_that_its_solver_calls_inaccurate_is_no_lie() -> None:
    halfway = replace(claim(0.0, Stated(6.1, {})), point="feasible")
    verdict = judge(form(), halfway).verdict
    assert verdict.status == "unverified"
    assert verdict.reason.startswith("the solver itself calls its answer inaccurate; the model")


def test_maximum_is_held_against_the_model_with_its_sign() -> None:
    upside = form(sense="max", linear=np.array([-2.0, -1.0]))
    for own, status in ((-6.0, "verified"), (-5.0, "refuted"), (-7.0, "refuted")):
        told = replace(claim(0.0, Stated(own, {})), objective=-6.0)
        assert judge(upside, told).verdict.status == status


def test_languages_evaluate_what_was_stated() -> None:
    """Each constraint by its name, by how much it is violated; nothing of it from the form."""

    def in_pyomo(_: Any) -> pyo.ConcreteModel:
        m = pyo.ConcreteModel()
        m.x = pyo.Var([0, 1], bounds=(None, 9))
        m.cap = pyo.Constraint([0, 1], rule=lambda m, i: m.x[i] ** 2 <= 4 + i)
        m.even = pyo.Constraint(expr=m.x[0] - m.x[1] == 0)
        m.root = pyo.Constraint(expr=pyo.sqrt(m.x[1]) >= 0)
        m.aim = pyo.Objective(expr=m.x[0] * m.x[1] + 1, sense=pyo.maximize)
        return m

    def in_cvxpy(_: Any) -> cp.Problem:
        x = cp.Variable(2, name="x")
        rows = [cp.square(x) <= np.array([4, 5]), x[0] == x[1], cp.SOC(x[0], x[1:])]
        for row, name in zip(rows, ("cap", "even", "cone"), strict=True):
            row.set_label(name)
        return cp.Problem(cp.Maximize(-cp.sum_squares(x) + 1), rows)

    at = np.array([3.0, -4.0])
    problem = open_problem(Formulation("p", "NLP", "", pyomo=in_pyomo), None, "pyomo")
    said = problem.stated(at)
    assert said == Stated(-11.0, {"cap": 11.0, "even": 7.0, "root": np.inf})
    problem = open_problem(Formulation("p", "QP", "", cvxpy=in_cvxpy), None, "cvxpy")
    whole = np.append(at, np.zeros(len(problem.form.linear) - 2))
    said = problem.stated(whole)
    assert said.objective == -24.0
    # The distance of (3, 4) from the cone: along the diagonal.
    assert said.outside == pytest.approx({"cap": 11.0, "even": 7.0, "cone": 1 / np.sqrt(2)})


def test_variable_without_columns_of_its_own_is_said_to_be_compiled_away() -> None:
    def symmetric(_: Any) -> cp.Problem:
        y = cp.Variable((2, 2), symmetric=True, name="y")
        return cp.Problem(cp.Minimize(cp.sum_squares(y)), [y[0, 1] >= 2])

    with pytest.raises(RunError, match="compiles variable y away"):
        solve_and_judge(
            Formulation("p", "QP", "", cvxpy=symmetric), None, Request("clarabel"), "full"
        )


def _squared(matrix: Any, *, in_objective: bool = True) -> cp.Problem:
    x = cp.Variable(matrix.shape[0])
    value = cp.quad_form(x, cp.psd_wrap(matrix))
    if in_objective:
        return cp.Problem(cp.Minimize(value))
    return cp.Problem(cp.Minimize(0), [value <= 1])


@pytest.mark.parametrize("kind", [np.asarray, sparse.csc_array], ids=["dense", "sparse"])
def test_roots_are_held_against_their_matrices(kind: Any) -> None:
    wrong = kind(SINGULAR)
    assert wrongly_squared(_squared(wrong), keeps_objective=False) > 0.1
    assert wrongly_squared(_squared(wrong), keeps_objective=True) == 0.0
    assert wrongly_squared(_squared(wrong, in_objective=False), keeps_objective=True) > 0.1
    # What is small beside the rest is dropped, and has no cost then.
    dropped = _squared(kind(np.diag([1e6, 1e-5])))
    assert wrongly_squared(dropped, keeps_objective=False) == pytest.approx(1e-5)
    rounding = np.array([[1.0, 1e-16], [1e-16, 1e-16]])
    for right in (np.diag([1.0, 0.0, 2.0]), np.zeros((2, 2)), -np.eye(3), 1e-9 * rounding):
        assert wrongly_squared(_squared(kind(right)), keeps_objective=False) == 0.0


@pytest.mark.parametrize("kind", [np.asarray, sparse.csc_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("seed", range(20))
def test_roots_of_definite_matrices_are_taken_to_be_right(kind: Any, seed: int) -> None:
    draw = np.random.default_rng(seed)
    n = int(draw.integers(1, 60))
    half = draw.normal(size=(n, n + 5))
    scale = 10.0 ** draw.uniform(-3, 3)
    assert wrongly_squared(_squared(kind(scale * (half @ half.T))), keeps_objective=False) == 0.0
