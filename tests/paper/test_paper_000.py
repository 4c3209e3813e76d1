"""Paper 000: every printed figure and relation that can be computed, as a named test."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from optimodels.case import load_case
from optimodels.families.thermodynamics.counting import degeneracy
from optimodels.families.thermodynamics.rates import Pair
from optimodels.result import Result
from optimodels.study import solve

DEVIATIONS = (10_000, 15_000, 20_000, 25_000)


@pytest.fixture(scope="module")
def folder(cases: Path) -> Path:
    return cases / "thermodynamics"


@pytest.fixture(scope="module")
def table_1(folder: Path) -> Result:
    return solve(load_case(folder / "table-1-as-its-figures.yaml"))


@pytest.fixture(scope="module")
def as_printed(folder: Path) -> Result:
    return solve(load_case(folder / "table-1-as-printed.yaml"))


@pytest.mark.parametrize(
    ("row", "percent", "exponent", "reduction", "days", "half_a_digit"),
    [
        # What is printed, and the exponent of (7) that gives it: delta^2 4 / 1e8.
        (0, 0.010, 4, "2e-02", 2.3, 0.05),
        (1, 0.015, 9, "1e-04", 340, 5),
        (2, 0.020, 16, "1e-07", 1000 * 365.25, 50 * 365.25),
        (3, 0.025, 25, "1e-11", 8.2e6 * 365.25, 0.05e6 * 365.25),
    ],
)
def test_table_1(
    table_1: Result,
    row: int,
    percent: float,
    exponent: int,
    reduction: str,
    days: float,
    half_a_digit: float,
) -> None:
    """Reproduced with N_1 = N_2 = 1e8: to every digit that is printed."""
    found = table_1.tables["rates"][row]
    assert found["megawatts"] == DEVIATIONS[row] / 1000
    assert found["percent"] == pytest.approx(percent)
    assert found["reduction"] == pytest.approx(math.exp(-exponent), rel=1e-12)
    assert f"{found['reduction']:.0e}" == reduction
    assert found["days_to_event"] == pytest.approx(days, abs=half_a_digit)


def test_table_1_years(table_1: Result) -> None:
    """0.92, 1000 and 8.2e6 years: reproduced to every printed digit."""
    years = [row["years_to_event"] for row in table_1.tables["rates"]]
    assert [f"{years[1]:.2g}", f"{years[2]:.0e}", f"{years[3]:.1e}"] == ["0.92", "1e+03", "8.2e+06"]


def test_section_3_1_text(table_1: Result) -> None:
    """1.8e-2 and 1.4e-11; every two days; 25 MW is 150 % greater; 8 million years."""
    first, *_, last = table_1.tables["rates"]
    assert (f"{first['reduction']:.1e}", f"{last['reduction']:.1e}") == ("1.8e-02", "1.4e-11")
    assert round(first["days_to_event"]) == 2
    assert last["megawatts"] == pytest.approx(2.5 * first["megawatts"])
    assert f"{last['years_to_event']:.0e}" == "8e+06"


def test_table_1_as_printed_is_not_reproducible(as_printed: Result, table_1: Result) -> None:
    """N_1 = N_2 = 2e8 halves every exponent: exp(-2), not exp(-4); 0.005 %, not 0.01 %."""
    rows = as_printed.tables["rates"]
    for row, exponent in zip(rows, (2, 4.5, 8, 12.5), strict=True):
        assert row["reduction"] == pytest.approx(math.exp(-exponent))
    assert rows[0]["percent"] == pytest.approx(0.005)
    assert all(word["word"].startswith("not reproduced") for word in as_printed.paper)
    assert len(as_printed.paper) == len(table_1.paper) == 15


def test_what_the_paper_prints_stands_beside_ours(table_1: Result, folder: Path) -> None:
    assert {row["word"] for row in table_1.paper} == {"reproduced"}
    result = solve(load_case(folder / "degeneracy-8.yaml"))
    assert {row["word"] for row in result.paper} == {"reproduced"}


def test_height_of_the_peak_is_no_probability(table_1: Result) -> None:
    """The paper's rate is the height ratio; the two tails hold 3.9 to 9 times less."""
    for row in table_1.tables["rates"]:
        argument = row["deviation"] * math.sqrt(2 * 2e-8)
        assert row["tail_probability"] == pytest.approx(math.erfc(argument), rel=1e-9)
        assert 3.9 < row["reduction"] / row["tail_probability"] < 9.1
        # The exact sum begins half a step lower; a normal tail falls by less than z + 1/z of it.
        width = math.sqrt(1e8 / 8)
        z = row["deviation"] / width
        rounding = (z + 1 / z) / (2 * width)
        assert row["tail_probability_exact"] == pytest.approx(row["tail_probability"], rel=rounding)


def test_exact_degeneracies_bear_the_gaussian_out(table_1: Result) -> None:
    """At these sizes (7) is within 1e-8 of the exact ratio: x^4 / 12 of 2e8 machines."""
    for row in table_1.tables["rates"]:
        assert row["reduction_exact"] == pytest.approx(row["reduction"], rel=3e-7)


def test_section_2_1_states(folder: Path) -> None:
    """Eight machines: 256 states, 9 of them distinguishable; 1, N, N(N-1)/2."""
    result = solve(load_case(folder / "degeneracy-8.yaml"))
    assert (result.values["states"], result.values["levels"]) == (256, 9)
    for n in (8, 50, 1001):
        assert [degeneracy(n, n - 2 * k) for k in range(3)] == [1, n, n * (n - 1) // 2]


def test_section_2_3_width(folder: Path) -> None:
    """10,000 units: a relative width of 1/100, of the excess 2m/N; in m it is half of it."""
    result = solve(load_case(folder / "sharpness-of-one-system.yaml"))
    assert result.values["relative_width"] == pytest.approx(0.01)
    words = {row["figure"]: row["word"] for row in result.paper}
    assert words["relative_width"] == words["gaussian_over_exact_most"] == "reproduced"
    assert words["standard deviation of m"].startswith("not reproduced: sqrt(N) by (8)")
    # The slip: the print's sqrt(N_1) against a reservoir is sqrt(N_1)/2 for m_1.
    assert Pair(10_000, 10**12).width == pytest.approx(50, rel=1e-6)


def test_equation_2_with_its_second_degeneracy() -> None:
    """g(N, m) = sum g_1(N_1, m_1) g_2(N_2, m - m_1); with g_1 twice, as printed, it is none."""
    first, second = 6, 10
    for excess in range(-16, 17, 2):
        parts = range(-first, first + 1, 2)
        assert degeneracy(16, excess) == sum(
            degeneracy(first, k) * degeneracy(second, excess - k) for k in parts
        )


def test_equation_4_with_its_second_number() -> None:
    """The maximum of -2 m_1^2/N_1 - 2 (m - m_1)^2/N_2 is at m_1/N_1 = m_2/N_2 (5); with N_1 twice,
    as printed, it would be at m/2."""
    n_1, n_2, m = 300.0, 700.0, 40.0
    m_1 = np.linspace(0, m, 40_001)
    right = m_1[np.argmax(-2 * m_1**2 / n_1 - 2 * (m - m_1) ** 2 / n_2)]
    printed = m_1[np.argmax(-2 * m_1**2 / n_1 - 2 * (m - m_1) ** 2 / n_1)]
    assert right / n_1 == pytest.approx((m - right) / n_2, rel=1e-3)
    assert printed == pytest.approx(m / 2)


def test_equations_17_and_18(folder: Path) -> None:
    """1/tau = -U/((eps P)^2 N); mu - mu(0) = -(eps P)^2/(2 tau) = U/(2N): needs N^2, not N."""
    result = solve(load_case(folder / "equilibrium-quadratic.yaml"))
    for row in result.tables["systems"]:
        u, n, a = row["value"], row["machines"], row["unit_value"] ** 2
        tau = row["activity"]
        assert 1 / tau == pytest.approx(-u / (a * n))
        assert row["potential_value"] == pytest.approx(-a / (2 * tau))
        assert row["potential_value"] == pytest.approx(u / (2 * n))
        # (d sigma / dN)_U of -U^2 / (2 a N), by differences.
        step = 1e-3
        slope = (-(u**2) / (2 * a * (n + step)) + u**2 / (2 * a * (n - step))) / (2 * step)
        assert -row["potential_value"] / tau == pytest.approx(slope, rel=1e-6)


def test_section_4_has_no_interior_optimum_without_mixing(folder: Path) -> None:
    """mu_1 = mu_2 and tau_1 = tau_2 contradict (18) where (eps P)^2 differ."""
    corner = solve(load_case(folder / "equilibrium-mobile-corner.yaml"))
    assert corner.verdict.status == "verified"
    machines = [row["machines"] for row in corner.tables["systems"]]
    assert machines == pytest.approx([0, 0, 1000], abs=0.5)
    inside = solve(load_case(folder / "equilibrium-mobile.yaml"))
    assert all(row["machines"] > 200 for row in inside.tables["systems"])
