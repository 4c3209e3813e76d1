"""Every flexibility case through every solver that can take it, in both languages: one optimum."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from optimodels.case import load_case
from optimodels.solvers import Solver, able_solvers
from optimodels.study import solve

CASES = sorted(Path(__file__).parents[2].glob("cases/flexibility/*.yaml"))


def capable(case: Path) -> list[Solver]:
    program = load_case(case).model.load_program()
    main = next(stage for stage in program.stages if stage.name == program.main)
    return able_solvers(main.formulation)  # type: ignore[union-attr]


PAIRS = [
    pytest.param(case, solver, id=f"{case.stem}-{solver.via}:{solver.name}")
    for case in CASES
    for solver in capable(case)
]


@cache
def by_exact(case: Path) -> tuple[str, float | None]:
    """How it ends, and at which optimum, by the family's own algorithm, which shares nothing with
    any solver."""
    result = solve(load_case(case, ["solver=exact"]))
    assert result.verdict.status == "verified"
    assert result.stopped in ("optimal", "infeasible")
    assert (result.objective is None) == (result.stopped == "infeasible")
    return result.stopped, result.objective


@pytest.mark.parametrize(("case", "solver"), PAIRS)
def test_every_capable_solver_finds_the_same_optimum(case: Path, solver: Solver) -> None:
    settings = [f"solver={{name: {solver.name}, via: {solver.via}}}"]
    result = solve(load_case(case, settings))
    stopped, objective = by_exact(case)
    assert result.stopped == stopped
    # What verification lets an interior point be short of the optimum.
    near = None if objective is None else pytest.approx(objective, rel=1e-6)
    assert result.objective == near
    assert result.verdict.status == "verified"
    assert (result.solver.name, result.solver.via) == (solver.name, solver.via)


def test_both_languages_are_among_them() -> None:
    for case in CASES:
        assert {"pyomo", "cvxpy"} <= {solver.via for solver in capable(case)}
