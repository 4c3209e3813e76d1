"""Participation: closed form, limits, every solver, prices, wrong cases."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from optimodels.case import load_case, parse_case
from optimodels.errors import CaseError, DataError
from optimodels.families.regulation.sharing.allocation import FORMULATION
from optimodels.families.regulation.sharing.water_filling import participation
from optimodels.result import Result
from optimodels.solvers import able_solvers
from optimodels.study import solve

CASE = Path(__file__).parents[2] / "cases" / "regulation" / "participation-cap.yaml"


def solved(text: str, solver: str = "exact") -> Result:
    return solve(
        parse_case(f"model: regulation/participation\nparameters: {{{text}}}\nsolver: {solver}\n")
    )


def test_two_resources_have_the_paper_s_factors() -> None:
    """rho_S = R_D / (R_S + R_D), rho_D = R_S / (R_S + R_D), dP = R dQ."""
    r_s, r_d, change = 0.04, 0.12, 30.0
    found = participation(change, [r_s, r_d])
    np.testing.assert_allclose(
        found.response / change, np.array([r_d, r_s]) / (r_s + r_d), rtol=1e-15
    )
    r = r_s * r_d / (r_s + r_d)
    assert float(found.price) == pytest.approx(r * change, rel=1e-14)
    assert float(found.cost) == pytest.approx(r * change**2 / 2, rel=1e-14)
    result = solved("change: 30, slopes: {supply: 0.04, demand: 0.12}")
    assert result.values["price"] == pytest.approx(r * change, rel=1e-9)
    assert result.values["cost"] == pytest.approx(r * change**2 / 2, rel=1e-9)


def test_limits_against_enumeration_of_which_are_full() -> None:
    """The cheapest of all ways of filling some limits and sharing the rest."""
    rng = np.random.default_rng(5)
    for _ in range(100):
        n = int(rng.integers(1, 6))
        slope, limit = rng.uniform(0.01, 1.0, n), rng.uniform(0.0, 20.0, n)
        change = float(rng.uniform(0.05, 0.98) * limit.sum())
        best = np.inf
        for full in product([True, False], repeat=n):
            at = np.array(full)
            rest = change - limit[at].sum()
            x = np.where(at, limit, 0.0)
            if (~at).any():
                x[~at] = rest / slope[~at] / np.sum(1 / slope[~at])
            if abs(x.sum() - change) < 1e-9 and (x >= -1e-12).all() and (x <= limit + 1e-12).all():
                best = min(best, float(slope @ x**2) / 2)
        found = participation(change, slope, limit)
        assert float(found.cost) == pytest.approx(best, rel=1e-9)
        assert found.response.sum() == pytest.approx(change, rel=1e-12)
        # One price: R_i x_i and the price of the limit.
        np.testing.assert_allclose(
            slope * found.response + found.limit_price, float(found.price), rtol=1e-9
        )


def test_price_is_the_derivative_of_cost() -> None:
    slope, limit = [0.2, 0.15, 0.05], [10.0, np.inf, 12.0]
    for change in (-60.0, -20.0, 5.0, 30.0, 44.0):
        up, down = (participation(change + h, slope, limit).cost for h in (1e-4, -1e-4))
        price = float(participation(change, slope, limit).price)
        assert float(up - down) / 2e-4 == pytest.approx(price, rel=1e-6)


def test_many_changes_at_once() -> None:
    changes, slope, limit = np.linspace(-20.0, 20.0, 9), np.array([0.2, 0.05]), [np.inf, 6.0]
    many = participation(changes, slope, limit)
    slopes = participation(changes, np.outer(np.linspace(1, 2, 9), slope), limit)
    for k, change in enumerate(changes):
        one = participation(change, slope, limit)
        np.testing.assert_array_equal(many.response[k], one.response)
        np.testing.assert_allclose(slopes.response[k], one.response, rtol=1e-13, atol=1e-13)
        assert many.price[k] == one.price


@pytest.mark.parametrize("solver", able_solvers(FORMULATION), ids=lambda s: f"{s.via}-{s.name}")
def test_every_solver_finds_the_closed_form(solver: object) -> None:
    name, via = solver.name, solver.via  # type: ignore[attr-defined]
    result = solve(load_case(CASE, [f"solver={{name: {name}, via: {via}}}"]))
    best = participation(30.0, [0.2, 0.15, 0.05], [10.0, np.inf, 12.0])
    assert result.verdict.status == "verified", result.verdict
    # What a gap of 1e-6 leaves of a strongly convex objective: its root.
    assert result.objective == pytest.approx(float(best.cost), rel=1e-5)
    # The price is that of all open shares together: errors of single shares cancel.
    assert result.values["price"] == pytest.approx(float(best.price), rel=1e-5)
    for row, response in zip(result.tables["resources"], best.response, strict=True):
        assert row["response"] == pytest.approx(response, rel=1e-5)


def test_case_by_hand() -> None:
    """Demand response full at 12 MW; 18 MW by 1/0.2 and 1/0.15, the ramp leaves 10 MW."""
    result = solve(load_case(CASE))
    price = 18 / (1 / 0.2 + 1 / 0.15)
    rows = {row["resource"]: row for row in result.tables["resources"]}
    assert result.values["price"] == pytest.approx(price, rel=1e-6)
    assert rows["demand response"]["response"] == pytest.approx(12.0)
    assert rows["demand response"]["cap_dual"] == pytest.approx(price - 0.05 * 12, rel=1e-6)
    assert rows["supply"]["response"] == pytest.approx(price / 0.2, rel=1e-6)
    assert rows["supply"]["limit"] == 10.0
    assert rows["supply"]["cap_dual"] == 0.0
    # Without limits all three share 30 MW at R dQ, R one over the sum of one over each slope.
    combined = 1 / (1 / 0.2 + 1 / 0.15 + 1 / 0.05)
    assert result.values["combined_slope"] == pytest.approx(combined, rel=1e-12)
    assert result.values["price_without_limits"] == pytest.approx(30 * combined, rel=1e-12)
    for row in rows.values():
        assert row["share_without_limits"] == pytest.approx(combined / row["slope"], rel=1e-12)
        assert row["marginal_price"] == pytest.approx(row["slope"] * row["response"], rel=1e-12)
        assert row["share"] == pytest.approx(row["response"] / 30, rel=1e-12)


@pytest.mark.parametrize("change", [-30.0, 0.0, 22.0])
def test_sign_and_no_change(change: float) -> None:
    text = f"change: {change}, slopes: {{a: 0.2, b: 0.05}}, caps: {{b: 12, a: 18}}"
    for solver in ("exact", "highs"):
        result = solved(text, solver)
        assert result.verdict.status == "verified", result.verdict
        assert sum(r["response"] for r in result.tables["resources"]) == pytest.approx(change)
        assert np.sign(result.values["price"]) == np.sign(change)


def test_all_limits_full_is_still_a_point() -> None:
    result = solved("change: 30, slopes: {a: 0.2, b: 0.05}, caps: {a: 18, b: 12}")
    assert result.verdict.status == "verified", result.verdict
    assert [r["response"] for r in result.tables["resources"]] == pytest.approx([18.0, 12.0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slopes: {a: 0, b: 1}", "'a' has the slope 0; it must be above 0"),
        ("change: 30, slopes: {a: 1, b: 1}, caps: {a: 5}, ramps: {b: 2}",
         "resources give 15 MW of the 30 MW needed: a 5 MW (cap), b 10 MW (ramp)"),
        ("slopes: {supply: 1}, caps: {suply: 5}", "caps: no resource 'suply'; did you mean"),
        ("slopes: {a: 1}, caps: {a: -5}", "caps.a: must be at least 0, not -5"),
    ],
)  # fmt: skip
def test_wrong_cases_are_one_line_each(text: str, message: str) -> None:
    with pytest.raises(CaseError) as caught:
        solved(text)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_limits_that_cannot_give_a_change_are_refused_by_the_function() -> None:
    with pytest.raises(DataError, match="give 3 MW of the 4 MW needed"):
        participation([1.0, -4.0], [0.1, 0.2], [1.0, 2.0])
    with pytest.raises(DataError, match="above 0"):
        participation(1.0, [0.1, 0.0])


def test_picture_of_one_result_only() -> None:
    case = load_case(CASE)
    result = solve(case)
    assert list(case.model.draw([result])) == ["participation"]
    assert case.model.draw([result, result]) == {}
