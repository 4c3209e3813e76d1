"""Counting and rates against whole numbers, high precision and sums over all states."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product
from pathlib import Path

import mpmath
import numpy as np
import pytest

from optimodels.case import load_case, parse_case
from optimodels.cli import main
from optimodels.errors import CaseError
from optimodels.families.thermodynamics import pictures
from optimodels.families.thermodynamics.counting import (
    binary_deficit,
    degeneracy,
    log_central,
    log_degeneracy,
    log_gaussian,
    log_ratio,
)
from optimodels.families.thermodynamics.rates import Pair
from optimodels.result import Result
from optimodels.study import solve


def counted(text: str = "") -> Result:
    return solve(parse_case(f"model: thermodynamics/degeneracy\nparameters: {{{text}}}\n"))


def rated(text: str = "") -> Result:
    return solve(parse_case(f"model: thermodynamics/deviation-rates\nparameters: {{{text}}}\n"))


def test_degeneracy_counts_arrangements() -> None:
    """Every arrangement of up to ten machines, listed one by one."""
    for n in range(1, 11):
        found: dict[int, int] = {}
        for modes in product((-1, 1), repeat=n):
            found[sum(modes)] = found.get(sum(modes), 0) + 1
        assert found == {k: degeneracy(n, k) for k in range(-n, n + 1, 2)}
    assert degeneracy(4, 1) == degeneracy(4, 6) == 0


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 19, 20, 21, 101, 2000])
def test_logarithms_of_whole_numbers(n: int) -> None:
    excess = np.arange(-n, n + 1, 2)
    exact = np.array([math.log(degeneracy(n, int(k))) for k in excess])
    # Roundings of numbers of the order of N log 2.
    np.testing.assert_allclose(log_degeneracy(n, excess / 2), exact, rtol=0, atol=4e-16 * n + 4e-15)


@pytest.mark.parametrize(
    ("n", "m"),
    [(10**8, 1), (10**8, 10_000), (2 * 10**8, 25_000), (10**12, 3), (10**12, 10**11),
     (10**15, 10**6), (10**15, 4 * 10**14), (1001, 300.5), (60, 29)],
)  # fmt: skip
def test_ratio_keeps_its_digits_where_log_gammas_lose_them(n: int, m: float) -> None:
    with mpmath.workdps(60):
        half = mpmath.mpf(n) / 2
        exact = 2 * mpmath.loggamma(half + 1) - mpmath.loggamma(half - m + 1)
        exact -= mpmath.loggamma(half + m + 1)
        error = abs((mpmath.mpf(float(log_ratio(n, m))) - exact) / exact)
    assert error < 1e-14


def test_a_plain_difference_of_doubles_would_lose_them() -> None:
    """Why the family does not use it: at N = 1e12 no digit of the ratio is right."""
    n, m = 10**12, 1
    plain = 2 * math.lgamma(n / 2 + 1) - math.lgamma(n / 2 - m + 1) - math.lgamma(n / 2 + m + 1)
    # g(N, 1) / g(N, 0) = (N/2) / (N/2 + 1).
    right = -math.log1p(2 / n)
    assert float(log_ratio(n, m)) == pytest.approx(right, rel=1e-14, abs=0)
    assert abs(plain - right) >= abs(right)


def test_binary_deficit_has_one_value_where_series_and_formula_meet() -> None:
    for x in (0.0999999, 0.1000001, 1e-9, 0.5, 0.999999, -0.3):
        with mpmath.workdps(60):
            y = mpmath.mpf(x)
            exact = float(((1 + y) * mpmath.log1p(y) + (1 - y) * mpmath.log1p(-y)) / 2)
        # Near 0.1 the direct formula loses x / (x^2 / 2) = 20 roundings.
        assert float(binary_deficit(x)) == pytest.approx(exact, rel=1e-14)
    assert float(binary_deficit(1.0)) == float(binary_deficit(-1.0)) == math.log(2)


def test_stirling_is_short_by_one_over_four_n() -> None:
    """g(N, 0) = 2^N sqrt(2 / (pi N)) (1 - 1/(4N) + O(1/N^2))."""
    for n in (100, 1000, 10_000):
        short = math.exp(float(log_gaussian(n, 0) - n * math.log(2) - log_central(n))) - 1
        assert short == pytest.approx(1 / (4 * n), rel=2 / n + 1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 41, 2000, 2001, 30_001, 10**8, 10**15])
def test_degeneracy_is_verified_for_every_size(n: int) -> None:
    result = counted(f"machines: {n}")
    assert result.verdict.status == "verified", result.verdict
    rows = result.tables["levels"]
    assert len(rows) <= 41
    assert all((row["excess"] - n) % 2 == 0 for row in rows)
    assert result.values["width"] == pytest.approx(math.sqrt(n) / 2)


@pytest.mark.parametrize("n", [1, 3, 101])
def test_gaussian_of_odd_systems_is_that_of_their_least_excess(n: int) -> None:
    result = counted(f"machines: {n}, excess: [1]")
    (row,) = result.tables["levels"]
    told = result.values["gaussian_over_exact_most"]
    assert told == pytest.approx(row["gaussian_over_exact"], rel=1e-12)


def test_small_systems_show_whole_numbers() -> None:
    result = counted("machines: 62, excess: [0, 2, -62, 62]")
    rows = {row["excess"]: row["degeneracy"] for row in result.tables["levels"]}
    assert rows == {-62: 1, 0: math.comb(62, 31), 2: math.comb(62, 32), 62: 1}
    assert result.values["states"] == 2**62
    assert "degeneracy" not in counted("machines: 63").tables["levels"][0]
    edge = counted("machines: 1000000000, excess: [1000000000]").tables["levels"][0]
    assert (edge["entropy"], edge["gaussian_over_exact"]) == (0, None)


def test_a_wrong_formula_would_be_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks see an error of a millionth in the logarithm."""
    from optimodels.families.thermodynamics import level_counts, rates

    monkeypatch.setattr(level_counts, "log_ratio", lambda n, m: (1 + 1e-6) * log_ratio(n, m))
    assert counted("machines: 100").verdict.status == "refuted"
    assert counted("machines: 100000").verdict.status == "refuted"
    monkeypatch.setattr(rates, "log_ratio", lambda n, m: (1 + 1e-6) * log_ratio(n, m))
    assert rated().verdict.status == "refuted"


def test_exact_tail_is_hypergeometric() -> None:
    """P(|m_1| >= delta) of two small systems, in fractions."""
    pair = Pair(40, 24)
    whole = math.comb(64, 32)
    for delta in range(1, 13):
        far = sum(math.comb(40, 20 + k) * math.comb(24, 12 - k) for k in range(delta, 13))
        exact = math.log(Fraction(2 * far, whole))
        found = pair.log_exact_tail(delta)
        assert found is not None
        assert found == pytest.approx(exact, rel=1e-12)
    assert pair.normalisation_error() == pytest.approx(0, abs=1e-13)


def test_width_is_the_standard_deviation() -> None:
    """sqrt(N_1)/2 beside a reservoir, sqrt(N_1/8) between equals; the normal law's own spread."""
    assert Pair(10**4, 10**14).width == pytest.approx(50)
    assert Pair(800, 800).width == pytest.approx(10)
    pair = Pair(300, 500)
    k = np.arange(-150, 151)
    weight = np.exp(pair.log_exact_reduction(k))
    # A hypergeometric variance: N / (N - 1) above that of the Gaussian.
    assert (weight @ k**2) / weight.sum() == pytest.approx(pair.width**2 * 800 / 799)


def test_hundreds_of_orders_of_magnitude() -> None:
    result = rated("machines: [10000, 10000], deviation: 4000, more_deviations: []")
    row = result.tables["rates"][0]
    assert row["reduction"] is None
    assert row["days_to_event"] is None
    assert result.values["log10_reduction"] == pytest.approx(-6400 / math.log(10))
    logs = [math.log(math.comb(10_000, k)) for k in (9000, 5000)]
    exact = 2 * (logs[0] - logs[1]) / math.log(10)
    assert result.values["log10_reduction_exact"] == pytest.approx(exact, rel=1e-12)
    assert any("only as log10: reduction" in note for note in result.notes)
    assert result.verdict.status == "verified"
    edge = rated("machines: [10, 20], deviation: 5, more_deviations: []")
    assert edge.values["reduction_exact"] == pytest.approx(math.comb(20, 5) / 252 / 184756)


def test_tails_too_long_to_sum_are_said() -> None:
    result = rated("machines: [1000000000000000, 1000000000000000], deviation: 1000000")
    assert result.values["tail_probability_exact"] is None
    assert result.values["log10_tail_probability_exact"] is None
    assert any("four million" in note for note in result.notes)


@pytest.mark.parametrize(
    ("model", "parameters", "said"),
    [
        ("degeneracy", "machines: -3", "machines: must be at least 1, not -3"),
        ("degeneracy", "machines: 2.5", "machines: must be a whole number, not 2.5"),
        ("degeneracy", "machines: 8, excess: [2, 3]", "excess.1: must be even, as the 8"),
        ("degeneracy", "machines: 7, excess: [2]", "excess.0: must be odd, as the 7"),
        ("degeneracy", "machines: 8, excess: [10]", "excess.0: must lie within -8 to 8"),
        ("deviation-rates", "machines: [10]", "machines: must have at least 2 entries"),
        ("deviation-rates", "machines: [100, 101], deviation: 5",
         "machines.1: must be even, not 101"),
        ("deviation-rates", "machines: [10, 20], deviation: 6",
         "deviation: must be at most 5, half of the"),
        ("deviation-rates", "machines: [100, 100], deviation: 5, more_deviations: [7, 60]",
         "more_deviations.1: must be at most 50, half"),
        ("deviation-rates", "deviation: 0", "deviation: must be at least 1"),
        ("contact-equilibrium", "machines: [10], unit_value: [1]",
         "machines: must have at least 2 entries"),
        ("contact-equilibrium", "machines: [10, -2]", "machines.1: must be at least 1, not -2"),
        ("contact-equilibrium", "machines: [10, 2.5]", "machines.1: must be a whole number"),
        ("contact-equilibrium", "machines: [10, 20, 30]",
         "unit_value has 2 entries for 3 systems"),
        ("contact-equilibrium", "unit_value: [0, 1]", "unit_value.0: must be greater than 0"),
        ("contact-equilibrium", "total_value: 80",
         "total_value: must lie strictly between -80 and 80 EUR"),
        ("contact-equilibrium", "total_value: -101, mobile: true",
         "total_value: must lie strictly between -100 and 100 EUR"),
        ("contact-equilibrium", "entropy: binary", "entropy: must be 'quadratic' or 'exact'"),
    ],
)  # fmt: skip
def test_wrong_cases_are_one_line_each(
    model: str, parameters: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(f"model: thermodynamics/{model}\nparameters: {{{parameters}}}\n")
    solver = ["--solver", "clarabel"] if "mobile" in parameters else []
    assert main(["solve", str(file), *solver]) == 2
    error = capsys.readouterr().err
    assert said in error
    lines = error.strip().splitlines()
    assert all(line.startswith(f"{file}:") for line in lines)
    # Two mistakes of one key are two lines; no more than that, and no traceback.
    assert len(lines) <= 2


def test_a_mistake_of_one_key_is_one_finding() -> None:
    with pytest.raises(CaseError) as error:
        counted("machines: 8, excess: [10]")
    assert len(error.value.findings) == 1


@pytest.mark.parametrize("text", ["machines: 8", "machines: 100000"])
def test_degeneracy_is_drawn(text: str) -> None:
    assert b"The peak" in pictures.degeneracy([counted(text)])["degeneracy"]


def test_sweeps_are_drawn_over_n(cases: Path) -> None:
    one = [counted(f"machines: {n}") for n in (10, 100)]
    assert b"N = 100" in pictures.degeneracy(one)["sharpness"]
    assert pictures.degeneracy(one[:1] * 2) == {}
    case = load_case(cases / "thermodynamics" / "sharpness-over-n.yaml")
    two = [
        solve(case.with_values({"parameters.machines": [n, n], "parameters.deviation": n // 100}))
        for n in (1000, 100_000)
    ]
    assert list(pictures.deviation_rates(two)) == ["sharpness"]
    # (7) at a fixed part of the machines: the logarithm grows with N.
    first, second = (r.values["log10_reduction"] for r in two)
    assert second == pytest.approx(100 * first)
    assert list(pictures.deviation_rates(two[:1])) == ["rates"]


@pytest.mark.parametrize("name", ["degeneracy", "deviation-rates"])
def test_what_is_computed_is_explained(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", f"thermodynamics/{name}"]) == 0
    text = capsys.readouterr().out
    # Nothing is solved, so no solver is offered.
    assert "solver" not in text
    file = tmp_path / "new.yaml"
    file.write_text(text)
    assert main(["solve", str(file)]) == 0
    assert "\n  computed\n" in capsys.readouterr().out
    assert main(["explain", str(file)]) == 0
    said = capsys.readouterr().out
    assert "computed, not solved" in said
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("n", [2, 8, 40])
def test_reported_logarithms_are_those_of_binomials(n: int) -> None:
    """g(N, m) = N! / ((N/2 + m)! (N/2 - m)!), beside 2^N sqrt(2 / (pi N)) exp(-2 m^2 / N)."""
    result = counted(f"machines: {n}")
    most = math.comb(n, n // 2)
    expected = {
        "states": 2**n,
        "degeneracy_most": most,
        "log10_states": n * math.log10(2),
        "log10_degeneracy_most": math.log10(most),
        "entropy_most": math.log(most),
        "gaussian_over_exact_most": 2**n * math.sqrt(2 / (math.pi * n)) / most,
        "width": math.sqrt(n) / 2,
        "relative_width": 1 / math.sqrt(n),
    }
    assert {name: result.values[name] for name in expected} == pytest.approx(expected, rel=1e-12)
    for row in result.tables["levels"]:
        g, m = math.comb(n, (n + row["excess"]) // 2), row["excess"] / 2
        gauss = 2**n * math.sqrt(2 / (math.pi * n)) * math.exp(-2 * m**2 / n)
        assert (row["m"], row["degeneracy"]) == (m, g)
        assert row["entropy"] == pytest.approx(math.log(g), rel=1e-12)
        assert row["log10_degeneracy"] == pytest.approx(math.log10(g), rel=1e-12)
        assert row["log10_gaussian"] == pytest.approx(math.log10(gauss), abs=1e-12)
        assert row["gaussian_over_exact"] == pytest.approx(gauss / g, rel=1e-11)


def test_days_are_waited_by_either_probability() -> None:
    """One over cycles a day by exp(-2 d^2 (1/N_1 + 1/N_2)), or by the erfc of the same's root."""
    result = rated("machines: [400, 100], deviation: 20, more_deviations: [], cycles_per_day: 6")
    power = 2 * 20**2 * (1 / 400 + 1 / 100)
    expected = {
        "percent": 5.0,
        "reduction": math.exp(-power),
        "tail_probability": math.erfc(math.sqrt(power)),
        "days_to_event": math.exp(power) / 6,
        "years_to_event": math.exp(power) / 6 / 365.25,
        "days_to_event_tail": 1 / math.erfc(math.sqrt(power)) / 6,
    }
    (row,) = result.tables["rates"]
    assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-12)
    (row,) = result.tables["logarithms"]
    for name in set(expected) - {"percent"}:
        assert row[f"log10_{name}"] == pytest.approx(math.log10(expected[name]), rel=1e-12)
        assert result.values[f"log10_{name}"] == row[f"log10_{name}"]
    width = math.sqrt(400 * 100 / 500) / 2
    assert result.values["width"] == pytest.approx(width, rel=1e-12)
    assert result.values["width_per_machine"] == pytest.approx(width / 400, rel=1e-12)
