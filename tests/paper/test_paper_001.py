"""Paper 001: every printed figure of the static half that can be recovered, as a named test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from optimodels.case import load_case
from optimodels.result import Result
from optimodels.runs import sweep
from optimodels.study import solve


@pytest.fixture(scope="module")
def folder(cases: Path) -> Path:
    return cases / "flexibility"


def solved(folder: Path, name: str, *settings: str) -> Result:
    return solve(load_case(folder / f"{name}.yaml", settings))


@pytest.mark.parametrize("solver", ["highs", "scip", "exact", "pyomo:scip"])
def test_figure_5_customers_by_state(folder: Path, solver: str) -> None:
    """289 customers; 132 up, 125 down, 32 neutral; total 7 (maximised)."""
    result = solved(folder, "self-sustainability-33bus-max", f"solver={solver}")
    assert result.verdict.status == "verified"
    assert result.objective == 16
    values = result.values
    assert (values["customers"], values["imbalance_kw"]) == (289, 0)
    assert (
        values["customers_up"],
        values["customers_down"],
        values["customers_neutral"],
        values["total_magnetisation"],
    ) == (132, 125, 32, 7)


def test_figure_5_minimisation_mirrors(folder: Path) -> None:
    result = solved(folder, "self-sustainability-33bus-min")
    assert result.objective == -16
    assert result.values["customers_up"] == 125
    assert result.values["customers_down"] == 132
    assert result.values["total_magnetisation"] == -7


def test_figure_5_holds_for_every_optimum(folder: Path) -> None:
    """The paper's counts do not depend on which of the optima a solver returns."""
    result = solved(folder, "self-sustainability-33bus-max")
    assert result.values["optima"] == len(result.tables["optima"]) == 3
    for row in result.tables["optima"]:
        counts = (row["customers_up"], row["customers_down"], row["customers_neutral"])
        assert counts == (132, 125, 32)


def test_figure_5_buses_without_a_spin_solution(folder: Path) -> None:
    """Exactly the buses with m = 0 and an odd number of customers."""
    result = solved(folder, "spin-assignment-33bus")
    rows = result.tables["buses"]
    for row in rows:
        odd = row["magnetisation"] == 0 and row["customers"] % 2 == 1
        assert row["feasible"] is not odd
        assert row["verdict"] == "verified"
    assert result.values["infeasible_buses"] == sum(not row["feasible"] for row in rows) == 2


def test_figure_3_peaks(folder: Path) -> None:
    """Flexibility is needed at 10-13 and 18-21 h; one hour is fractional, no bus realises it."""
    hours = solved(folder, "shiftable-33bus").tables["hours"]
    full = [row["step"] for row in hours if row["magnetisation"] > 1 - 1e-6]
    assert full == [10, 11, 12, 13, 18, 19, 20, 21]
    fractional = [row for row in hours if abs(row["magnetisation"]) < 1 - 1e-6]
    assert [row["step"] for row in fractional] == [14]
    assert fractional[0]["realisable_buses"] == 0
    assert all(row["realisable_buses"] == 32 for row in hours if row["step"] != 14)


def test_figure_7_surface(folder: Path, tmp_path: Path) -> None:
    """At zero slack N_A = 5 has no mapping; more aggregators pay; slack never hurts."""
    (printed,) = solved(folder, "mapping-surface-33bus").paper
    assert (printed["paper"], printed["word"]) == ("infeasible", "reproduced")
    grid = "{parameters.slack: [0, 0.25, 1], parameters.aggregators: [1, 2, 4, 5, 8, 16, 32]}"
    case = load_case(folder / "mapping-surface-33bus.yaml", [f"sweep={{grid: {grid}}}"])
    done = sweep(case, tmp_path, workers=2)
    assert (done.failed, {row["verdict"] for row in done.rows}) == (0, {"✓"})
    table = {(r["slack"], r["aggregators"]): r for r in done.rows}
    stopped = {
        key[1] for key, row in table.items() if row["stopped"] == "infeasible" and not key[0]
    }
    assert stopped == {5}
    assert "5 aggregators of at most 6 buses hold 30 of 32 buses" in table[(0, 5)]["message"]

    def objective(slack: float, aggregators: int) -> Any:
        return table[(slack, aggregators)]["objective"]

    assert objective(0, 1) > objective(0, 2) > objective(0, 4) > objective(0, 8)
    for aggregators in (1, 2, 4, 8, 16, 32):
        line = [objective(slack, aggregators) for slack in (1, 0.25, 0)]
        known = [value for value in line if value is not None]
        assert known == sorted(known)


@pytest.mark.parametrize("network", ["case33bw", "case118", "case300", "case1354pegase"])
def test_balance_is_exact_on_real_networks(folder: Path, network: str) -> None:
    """Whole kW on every network, and one optimum from three solvers."""
    objectives = {}
    for solver in ("highs", "scip", "exact"):
        result = solved(
            folder,
            "self-sustainability-33bus-max",
            f"network={network}",
            f"solver={solver}",
            "parameters.enumerate=false",
            "parameters.power_flow=none",
        )
        assert result.verdict.status == "verified", (solver, result.verdict)
        assert result.values["imbalance_kw"] == 0
        objectives[solver] = result.objective
    assert len(set(objectives.values())) == 1, objectives


def test_what_the_paper_prints_stands_beside_ours(folder: Path) -> None:
    result = solved(folder, "self-sustainability-33bus-max")
    assert {row["word"] for row in result.paper} == {"reproduced"}
    result = solved(folder, "aggregator-mapping-33bus")
    assert [row["word"] for row in result.paper] == ["lost in print"]
