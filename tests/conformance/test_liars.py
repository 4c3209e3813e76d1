"""Whatever a solver gets wrong, in whichever case: it is shown as wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from optimodels.case import load_case
from optimodels.model import Solve
from optimodels.result import Result
from optimodels.solvers import registry
from optimodels.study import solve

from . import liars

CLASSES = liars.liar(liars.false_infeasible).classes


#: Networks on which second opinions take longer than a test should wait.
LARGE = ("case300", "case1354pegase")
#: Of five aggregators for 32 buses there is no mapping without slack, and who says so is right.
FEASIBLE = {"mapping-surface-33bus": ["parameters.slack=0.5"]}


def can_be_lied_about(path: Path) -> bool:
    """Whether a case states a problem that the liars take; others are computed, or nonlinear."""
    case = load_case(path)
    if case.file.network in LARGE:
        return False
    stages = case.model.load_program(case.parameters).stages
    stated = [s.formulation for s in stages if isinstance(s, Solve) and s.solver is None]
    return bool(stated) and all(f.problem_class in CLASSES and f.cvxpy is not None for f in stated)


CASES = [
    path
    for path in sorted(Path(__file__).parents[2].glob("cases/*/*.yaml"))
    if can_be_lied_about(path)
]


#: How a process ends has nothing to do with the data: one case of each model.
ONE_EACH = list({load_case(path).model.name: path for path in CASES}.values())
#: The smaller cases; the Ising dynamics begin at flexibility's problems, and take their time.
STATED = [path for path in reversed(CASES) if path.parent.name != "ising"]
FIRST_EACH = list({load_case(path).model.name: path for path in STATED}.values())


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Solve a case by a liar, set in the catalogue for the length of a test."""

    def tell(
        lie: Callable[..., Any], case: Path, *limits: str, isolate: bool | None = None
    ) -> Result:
        known = registry.all_solvers()
        monkeypatch.setattr(registry, "all_solvers", lambda: (*known, liars.liar(lie)))
        chosen = ", ".join(["name: liar", *limits])
        settings = [f"solver={{{chosen}}}", *FEASIBLE.get(case.stem, ())]
        return solve(load_case(case, settings), isolate=isolate)

    return tell


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.stem)
@pytest.mark.parametrize(
    "lie",
    [
        liars.wrong_objective,
        liars.infeasible_point,
        liars.false_optimal,
        liars.false_infeasible,
        liars.false_unbounded,
    ],
    ids=lambda lie: lie.__name__,
)
def test_wrong_claim_is_refuted_in_every_case(
    told: Callable[..., Result], lie: Any, case: Path
) -> None:
    result = told(lie, case)
    assert result.verdict.status == "refuted", result.verdict
    assert result.verdict.reason
    assert result.exit_code == 1


@pytest.mark.parametrize("case", ONE_EACH, ids=lambda c: c.stem)
def test_solver_that_hangs_is_ended_at_the_time_limit(
    told: Callable[..., Result], case: Path
) -> None:
    result = told(liars.hangs, case, "time_limit: 0.3")
    assert (result.stopped, result.point, result.exit_code) == ("time", "none", 4)
    assert "ended from outside" in result.message
    assert result.verdict.status == "unverified"


@pytest.mark.parametrize("case", ONE_EACH, ids=lambda c: c.stem)
def test_solver_that_eats_memory_is_ended_at_its_limit(
    told: Callable[..., Result], case: Path
) -> None:
    result = told(liars.eats_memory, case, "memory_limit: 1")
    assert (result.stopped, result.point, result.exit_code) == ("memory", "none", 4)
    assert result.message == "ended from outside at 1 GiB"


@pytest.mark.parametrize("case", ONE_EACH, ids=lambda c: c.stem)
def test_solver_that_crashes_takes_only_its_own_process_along(
    told: Callable[..., Result], case: Path
) -> None:
    result = told(liars.crashes, case, isolate=True)
    assert (result.stopped, result.exit_code) == ("error", 5)
    assert "SIGSEGV" in result.message


def test_no_family_of_convex_problems_is_left_out() -> None:
    assert {path.parent.name for path in CASES} >= {
        "coalition",
        "flexibility",
        "supply",
        "thermodynamics",
    }


@pytest.mark.parametrize("case", FIRST_EACH, ids=lambda c: c.stem)
def test_honest_half_of_the_liars_passes_where_they_do_not(
    told: Callable[..., Result], case: Path
) -> None:
    """The control: what is refuted is the lie, and not the answer that it was made from."""
    result = told(liars.nothing_but_the_truth, case)
    assert (result.verdict.status, result.exit_code) == ("verified", 0), result.verdict
