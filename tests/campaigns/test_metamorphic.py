"""Every metamorphic case drawn once, and that the campaign would see what it looks for."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest

import optimodels.families
from optimodels.model import Formulation
from optimodels.result import Solution, SolverUsed, Verdict
from tests.campaigns import metamorphic
from tests.campaigns.ledger import run
from tests.campaigns.metamorphic import QUICK, label
from tests.campaigns.tally import Tally

#: The two markets in contact: a seed that draws them, solved at once and without a network.
MARKETS = next(k for k, (name, _) in enumerate(QUICK) if name.endswith("equilibrium-quadratic"))

#: Columns of problems that were compared.
COMPARED = ("same matrices", "same optimum", "both infeasible")


@pytest.fixture(scope="module")
def solved() -> dict[int, Any]:
    """What seeds drew, for all trials of this file."""
    return {}


@pytest.fixture
def _drawn_once(solved: dict[int, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a seed draws is solved once."""
    honest = metamorphic.met

    def met(seed: int, tally: Tally) -> Any:
        if seed not in solved:
            solved[seed] = honest(seed, tally)
        return solved[seed]

    monkeypatch.setattr(metamorphic, "met", met)


@pytest.mark.usefixtures("_drawn_once")
@pytest.mark.parametrize(
    "trial", [metamorphic.transcriptions, metamorphic.orders, metamorphic.names]
)
def test_every_case_is_compared(trial: Any) -> None:
    tally = run(trial, range(len(QUICK)))
    assert not tally.broken
    compared = {row for row, column in tally.counts if column in COMPARED}
    told = {
        row for row, column in tally.counts if column in ("one transcription", "nothing to reorder")
    }
    assert compared | told == {label(which) for which in range(len(QUICK))}
    assert len(compared) >= len(QUICK) - 2


@pytest.mark.usefixtures("_drawn_once")
def test_every_problem_with_two_transcriptions_is_compared() -> None:
    families = optimodels.families
    modules = [
        import_module(m.name) for m in walk_packages(families.__path__, families.__name__ + ".")
    ]
    twice = {
        f"compared: {one.name}"
        for module in modules
        for one in vars(module).values()
        if isinstance(one, Formulation) and one.pyomo is not None and one.cvxpy is not None
    }
    tally = run(metamorphic.transcriptions, range(len(QUICK)))
    assert {*tally.noted} >= twice


def test_rows_of_cases_are_told_apart() -> None:
    assert len({label(which) for which in range(len(QUICK))}) == len(QUICK)


def test_draw_that_changes_nothing_is_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metamorphic, "drawn", lambda which, *_: metamorphic._shipped(which)[1])
    tally = run(metamorphic.transcriptions, range(MARKETS, MARKETS + 1))
    assert {column for _, column in tally.counts} == {"draws as shipped", "no draw"}
    assert len(tally.broken) == 1


def test_transcription_of_other_data_breaks_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    ((_, _, wrong, _),) = metamorphic.met(MARKETS + len(QUICK), Tally())[2]
    row, ((place, formulation, data, solution),) = metamorphic.met_anew(MARKETS, Tally())
    assert formulation.pyomo is not None
    stated = formulation.pyomo
    swapped = replace(formulation, pyomo=lambda _: stated(wrong))
    monkeypatch.setattr(
        metamorphic, "met_anew", lambda *_: (row, [(place, swapped, data, solution)])
    )
    tally = run(metamorphic.transcriptions, range(1))
    assert tally.counts == {(row, "another optimum"): 1}
    assert len(tally.broken) == 1


def test_case_that_is_not_only_reordered_breaks_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = metamorphic.reordered

    def wrong(draw: metamorphic.Draw) -> Any:
        found = honest(draw)
        assert found is not None
        # The order of one list alone.
        found.tree["parameters"]["machines"].reverse()
        return found

    monkeypatch.setattr(metamorphic, "reordered", wrong)
    tally = run(metamorphic.names, range(MARKETS, MARKETS + 1))
    assert tally.counts == {(label(MARKETS), "another optimum"): 1}


def _said(status: Any, stopped: Any = "optimal", objective: float | None = 1.0) -> Solution:
    used = SolverUsed("highs", "cvxpy", "1")
    return Solution(used, stopped, "optimal", Verdict(status), objective)


@pytest.mark.parametrize(
    ("first", "again", "column", "broken"),
    [
        (_said("verified"), _said("verified"), "same optimum", False),
        (_said("verified"), _said("verified", objective=1.0001), "another optimum", True),
        (_said("verified"), _said("verified", objective=math.nan), "another optimum", True),
        (_said("verified"), _said("refuted"), "refuted", True),
        (_said("unverified"), _said("verified"), "unverified", True),
        (_said("verified"), _said("verified", "infeasible", None), "another optimum", True),
        (
            _said("verified", "infeasible", None),
            _said("verified", "infeasible", None),
            "both infeasible",
            False,
        ),
    ],
)
def test_two_answers_are_the_same_or_break_a_promise(
    first: Solution, again: Solution, column: str, broken: bool
) -> None:
    tally = Tally()
    metamorphic._same("case", "place", first, again, tally)
    assert tally.counts == {("case", column): 1}
    assert bool(tally.broken) is broken
