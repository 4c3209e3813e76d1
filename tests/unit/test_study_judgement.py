"""What a claim is judged by: the claim, the level, the gap that was asked, a second solver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

from optimodels.model import Formulation
from optimodels.result import Claim, Solution
from optimodels.solvers import Limits, Request, open_problem
from optimodels.solvers.in_process import Attempt
from optimodels.study import judgement
from optimodels.study.judgement import solve_and_judge
from optimodels.verify.judge import ON_ITS_WORD
from tests.conformance.problems import PROBLEMS

KNAPSACK = next(p for p in PROBLEMS if p.name == "knapsack").formulation
BY_ANOTHER = "verified by second solver: global optimum"


def whole_pair(_: Any) -> cp.Problem:
    """max a + b + c, 2a + 2b <= 3, a and b whole, c <= 1: 2, as a + b is at most 1.

    Of any numbers it is 5/2. c is not whole and has a price: nothing is enumerated or rounded.
    """
    pair = cp.Variable(2, name="pair", integer=True, bounds=[0, 9])
    c = cp.Variable(name="c", bounds=[0, 1])
    return cp.Problem(cp.Maximize(cp.sum(pair) + c), [2 * cp.sum(pair) <= 3])


PAIR = Formulation[Any]("whole pair", "MILP", "", cvxpy=whole_pair)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Solution]:
    """Judge what a solver says of the knapsack: this point, and that it is the optimum."""
    form = open_problem(KNAPSACK, None, "cvxpy").form

    def tell(x: Sequence[float], gap: float | None = None) -> Solution:
        point = np.array(x, dtype=float)
        claim = Claim("optimal", "optimal", "", point, form.objective(point))
        monkeypatch.setattr(judgement, "attempt", lambda *_: Attempt(form, claim, {}))
        request = Request("highs", "cvxpy", Limits(gap=gap))
        return solve_and_judge(KNAPSACK, None, request, "certificate")

    return tell


def test_another_claim_about_the_same_problem_is_judged_anew(told: Callable[..., Solution]) -> None:
    """Values 10 13 7 8, weights 5 6 3 4, room 10: 13 + 8 is the most, 10 + 7 is not."""
    best, short = (0, 1, 0, 1), (1, 0, 1, 0)
    assert [told(x).verdict.status for x in (best, short, best)] == [
        "verified", "refuted", "verified"
    ]  # fmt: skip


def test_level_that_asks_nobody_answers_for_none_that_does() -> None:
    """Nor the other way round."""
    request = Request("scip", "cvxpy")
    for level, text in (
        ("certificate", f"unverified: {ON_ITS_WORD}"),
        ("full", BY_ANOTHER),
        ("certificate", f"unverified: {ON_ITS_WORD}"),
    ):
        solution = solve_and_judge(PAIR, None, request, level)
        assert solution.objective == pytest.approx(2.0)
        assert solution.verdict.text == text


@pytest.mark.parametrize(("columns", "text"), [(3, BY_ANOTHER), (2, f"unverified: {ON_ITS_WORD}")])
def test_second_solver_is_asked_up_to_a_size(
    columns: int, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judgement, "SECOND_SOLVER_COLUMNS", columns)
    solution = solve_and_judge(PAIR, None, Request("scip", "cvxpy"), "full")
    assert solution.verdict.text == text


def test_answer_to_an_asked_gap_is_a_point_and_no_optimum(told: Callable[..., Solution]) -> None:
    """As the solver stands by no more; a gap no wider than its own leaves its word as it is."""
    best = (0, 1, 0, 1)
    points = [told(best, gap).point for gap in (None, 0.0, 1e-9, 1e-3, 0.5)]
    assert points == ["optimal", "optimal", "optimal", "feasible", "feasible"]
    assert told(best, 0.5).verdict.text == "verified by exact: global optimum"


def test_point_within_an_asked_gap_is_no_lie(told: Callable[..., Solution]) -> None:
    """17 of 21 is within the half that the solver was asked for; asked for none, it lies."""
    short = (1, 0, 1, 0)
    assert told(short).verdict.status == "refuted"
    assert told(short, 0.5).verdict.text == "unverified: feasible; a gap of 0.5 was asked for"
    # What enumeration proves, not what the gap allows.
    assert told(short, 0.5).bound == 21
    # 17 / 0.85 is 20.
    assert told(short, 0.15).verdict.status == "refuted"


def test_asked_gap_excuses_no_point_outside(told: Callable[..., Solution]) -> None:
    """All four weigh 18 of 10."""
    assert told((1, 1, 1, 1), 0.5).verdict.status == "refuted"
