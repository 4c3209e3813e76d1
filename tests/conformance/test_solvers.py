"""Every installed solver on every problem of the classes that it claims, through its language."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optimodels.errors import UnavailableError
from optimodels.model import Formulation
from optimodels.solvers import Limits, Request, catalogue, choose, open_problem
from optimodels.study.judgement import solve_and_judge
from optimodels.verify.judge import ON_ITS_WORD

from .problems import PROBLEMS, Problem

#: Solver, language, problem: why the claim is not expected to be right.
EXCLUSIONS: dict[tuple[str, str, str], str] = {}

PAIRS = [
    pytest.param(solver, problem, id=f"{solver.via}:{solver.name}-{problem.name}")
    for solver in catalogue()
    if solver.installed
    for problem in PROBLEMS
    if problem.problem_class in solver.classes
    and (solver.name, solver.via, problem.name) not in EXCLUSIONS
]


@pytest.mark.parametrize(("solver", "problem"), PAIRS)
def test_known_answer_is_found_and_verified(solver: Any, problem: Problem) -> None:
    request = Request(solver.name, solver.via)
    solution = solve_and_judge(problem.formulation, None, request, "full")
    assert solution.stopped == problem.stopped, solution.message
    if problem.objective is not None:
        assert solution.objective == pytest.approx(problem.objective, rel=1e-6, abs=1e-6)
    if not problem.provable:
        assert solution.verdict.text == f"unverified: {ON_ITS_WORD}"
        return
    assert solution.verdict.status == "verified", solution.verdict
    if problem.objective is not None:
        assert solution.bound == pytest.approx(problem.objective, rel=1e-5, abs=1e-5)


def test_both_languages_have_solvers_of_every_class_of_problem() -> None:
    covered = {(p.values[0].via, p.values[1].name) for p in PAIRS}  # type: ignore[attr-defined]
    for problem in PROBLEMS:
        assert {"pyomo", "cvxpy"} <= {via for via, name in covered if name == problem.name}


@pytest.mark.parametrize("problem", [p for p in PROBLEMS if p.problem_class in ("LP", "MILP")],
                         ids=lambda p: p.name)  # fmt: skip
def test_two_transcriptions_have_one_canonical_form(problem: Problem) -> None:
    ours, theirs = (open_problem(problem.formulation, None, via).form for via in ("pyomo", "cvxpy"))
    assert ours.fingerprint() == theirs.fingerprint()
    np.testing.assert_array_equal(ours.rows.toarray(), theirs.rows.toarray())


def test_unknown_solver_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UnavailableError, match="no solver 'higs'; did you mean 'highs'"):
        choose(Request("higs"), PROBLEMS[0].formulation)


def test_solver_of_the_wrong_class_is_refused_before_building() -> None:
    def explode(_: Any) -> Any:
        raise AssertionError("built")

    formulation: Formulation[Any] = Formulation("blp", "MILP", "", pyomo=explode, cvxpy=explode)
    with pytest.raises(UnavailableError, match="clarabel cannot take a problem of class MILP"):
        choose(Request("clarabel"), formulation)


def test_solver_that_is_not_installed_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "optimodels.solvers.registry.find_spec",
        lambda name: None if name == "pyscipopt" else object(),
    )
    with pytest.raises(UnavailableError, match="scip is not installed: pip install pyscipopt"):
        choose(Request("scip"), PROBLEMS[0].formulation)


def test_limit_that_a_solver_does_not_keep_is_refused() -> None:
    with pytest.raises(UnavailableError, match="keeps no threads limit"):
        choose(Request("scipy", limits=Limits(threads=2)), PROBLEMS[0].formulation)


@pytest.mark.parametrize("solver", [s for s in catalogue() if s.installed and "MILP" in s.classes],
                         ids=lambda s: f"{s.via}:{s.name}")  # fmt: skip
def test_time_limit_keeps_what_was_found(solver: Any) -> None:
    """A hard equality knapsack cannot be closed in a blink: no claim of optimality may follow."""
    from .hard import market_split

    solution = solve_and_judge(
        market_split(), None, Request(solver.name, solver.via, Limits(time=0.5)), "certificate"
    )
    assert solution.stopped in ("time", "iterations")
    assert solution.verdict.status != "verified"


@pytest.mark.parametrize("name", ["highs", "scip"])
def test_an_asked_gap_is_no_lie(name: str) -> None:
    """A point within the gap that the user asked for is unverified at worst, never refuted."""
    knapsack = next(p for p in PROBLEMS if p.name == "knapsack")
    for gap in (0.5, 0.9):
        request = Request(name, limits=Limits(gap=gap))
        solution = solve_and_judge(knapsack.formulation, None, request, "full")
        assert solution.verdict.status != "refuted"
        assert solution.objective is not None
        assert solution.objective >= 21 * (1 - gap)
