"""Paper 002: every row of its four tables beside the exact curve's fit, with the evidence.

The paper fits Monte Carlo means, from a number of repetitions that its print lost. With ten
thousand of them (assumed), their noise moves q and the squared error by as much as is computed
here from the bids' covariance: a row is *reproduced* where q is within one percent and both are
within that noise, *within noise* where only the latter holds, and a *better optimum than printed*
where the printed error is more than noise can give: the random search stopped short.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from printed import printed_figures

from optimodels.case import load_case
from optimodels.families.supply.auction.equilibrium import expected_prices, solve
from optimodels.families.supply.fitting.curves import Q_EXPONENTIAL, curve_at
from optimodels.families.supply.fitting.least_squares import fit, polish
from optimodels.families.supply.fitting.q_exponential import points
from optimodels.runs import sweep
from optimodels.study import solve as solve_case
from tests.unit.backgrounds import in_a_case, market

REPETITIONS = 10_000  # assumed: the paper's number is lost
#: On either side, so that of 96 rows with two figures each hardly one is outside by chance.
CHANCE = 5e-5
ROWS = list(
    csv.DictReader(
        (Path(__file__).parents[2] / "cases/supply/paper-002-tables.csv").read_text().splitlines()
    )
)
NAMES = [f"table-{row['table']}-n-{row['firms']}" for row in ROWS]


@dataclass(frozen=True)
class Found:
    """Our optimum, and what Monte Carlo noise makes of it: means and quantiles."""

    q: float
    objective: float
    q_low: float
    q_high: float
    objective_low: float
    objective_high: float


@cache
def found(background: str, firms: int) -> Found:
    """Fit the exact curve, and propagate the noise of the means to first order (the fits are all
    but linear in their parameters at this noise: see the test of that)."""
    solved = solve(market(background, firms))
    prices, _ = expected_prices(solved)
    x, y = points(prices, 1)
    best = fit(Q_EXPONENTIAL, x, y)
    values = Q_EXPONENTIAL.parameters(x, best.theta, best.linear)
    at = np.array([values["q"], values["anchor_price"], values["anchor_rate"]])
    columns = []
    for k in range(3):
        step = np.zeros(3)
        step[k] = 1e-6 * max(1.0, abs(at[k]))
        columns.append((curve_at(x, *(at + step)) - curve_at(x, *(at - step))) / (2 * step[k]))
    tangent = np.stack(columns, axis=1)
    noise = draws_of_noise(background, firms, 40_000)
    moves = np.linalg.lstsq(tangent, noise.T, rcond=None)[0]
    q = values["q"] + moves[0]
    left = (y - best.values)[:, None] + noise.T - tangent @ moves
    objective = (left**2).sum(axis=0)
    low, high = CHANCE, 1 - CHANCE
    return Found(values["q"], best.objective, *np.quantile(q, [low, high]),
                 *np.quantile(objective, [low, high]))  # fmt: skip


@cache
def draws_of_noise(background: str, firms: int, number: int) -> np.ndarray:
    """Errors of the paper's means, (number, firms): normal, with the bids' covariance."""
    solved = solve(market(background, firms))
    rng = np.random.default_rng(firms)
    bids = solved.quantile(np.sort(rng.random((10_000, firms)), axis=1).ravel())
    covariance = np.cov(bids.reshape(10_000, firms).T) / REPETITIONS
    return rng.multivariate_normal(np.zeros(firms), covariance, size=number, method="eigh")


def word(row: dict[str, str]) -> str:
    ours = found(row["background"], int(row["firms"]))
    q, error = float(row["q"]), float(row["squared_error"])
    if error > ours.objective_high:
        return "better optimum than printed"
    if not ours.q_low <= q <= ours.q_high or error < ours.objective_low:
        return "not reproduced"
    return "reproduced" if abs(ours.q / q - 1) <= 0.01 else "within noise"


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_row(row: dict[str, str]) -> None:
    """Every row of tables 1 to 3 is one of the three; table 4's density is approximate."""
    ours = found(row["background"], int(row["firms"]))
    if row["background"] == "pieces":
        # The reading of a lost figure: q within 0.02 of the printed one in all rows.
        assert ours.q == pytest.approx(float(row["q"]), abs=0.02)
        return
    assert word(row) in ("reproduced", "within noise", "better optimum than printed")
    if word(row) == "better optimum than printed":
        # Not by a little: no fit of a noisy curve comes near, and ours of the exact one is less.
        assert ours.objective < ours.objective_high < float(row["squared_error"])


def test_words_by_table() -> None:
    """Where the paper's search stopped short it was for many firms, where a is next to nothing."""
    words = {(row["background"], int(row["firms"])): word(row) for row in ROWS}
    short = {key for key, said in words.items() if said == "better optimum than printed"}
    assert {("uniform", 27), ("uniform", 28), ("increasing", 27)} <= short
    assert all(
        firms >= 20 for background, firms in short if background in ("uniform", "increasing")
    )
    # The approximate density of table 4 explains its rows as well as the others explain theirs.
    for background in ("uniform", "increasing", "decreasing", "pieces"):
        counts = Counter(said for (name, _), said in words.items() if name == background)
        assert counts["not reproduced"] == 0
        assert counts["reproduced"] >= 10


@pytest.mark.parametrize("abscissa", [0.0, 1.0])
def test_points_are_at_half_units(abscissa: float) -> None:
    """x_k = k - 1/2 is recovered from the printed a and b: with k or k - 1 the printed curves of
    table 1 are far from the expected prices."""

    def misses(shift: float) -> list[float]:
        missed = []
        for row in ROWS:
            if row["background"] != "uniform" or not row["a"] or int(row["firms"]) > 15:
                continue
            prices, _ = expected_prices(solve(market("uniform", int(row["firms"]))))
            x = np.arange(len(prices)) + shift
            k, a, b = 1 - float(row["q"]), float(row["a"]), float(row["b"])
            printed = a * np.exp(np.log1p(k * b * x) / k)
            missed.append(float(np.abs(printed[-1] / prices[-1] - 1)))
        return missed

    assert max(misses(0.5)) < 0.02
    assert min(misses(abscissa)) > 0.2


@pytest.mark.parametrize(("background", "firms"), [("uniform", 20), ("decreasing", 12)])
def test_noise_is_linear(background: str, firms: int) -> None:
    """The first-order noise of q is that of fits to noisy curves, one by one."""
    prices, _ = expected_prices(solve(market(background, firms)))
    x, y = points(prices, 1)
    best = fit(Q_EXPONENTIAL, x, y)
    noisy = []
    for error in draws_of_noise(background, firms, 150):
        one = polish(Q_EXPONENTIAL, x, y + error, best.theta)
        noisy.append(Q_EXPONENTIAL.parameters(x, one.theta, one.linear)["q"])
    ours = found(background, firms)
    # A range of 3.89 standard deviations either side; of 150 fits the spread is known to 6 %.
    assert np.std(noisy) == pytest.approx((ours.q_high - ours.q_low) / 7.78, rel=0.25)


def test_q_tends_to_one_for_the_first_two_backgrounds_only(cases: Path, tmp_path: Path) -> None:
    """Section 4's claim for all backgrounds: it fails for the third, where q settles above 1."""
    firms = (
        "{parameters.background: [uniform, increasing, decreasing], parameters.firms: [28, 300]}"
    )
    case = load_case(cases / "supply/q-exponential-trend.yaml", [f"sweep={{grid: {firms}}}"])
    done = sweep(case, tmp_path)
    assert (done.failed, {row["verdict"] for row in done.rows}) == (0, {"✓"})
    q = {(row["background"], row["firms"]): row["q"] for row in done.rows}
    for background in ("uniform", "increasing"):
        assert abs(q[background, 300] - 1) < 0.1 * abs(q[background, 28] - 1)
    assert q["decreasing", 300] > q["decreasing", 28] > 1.09


def test_case_of_table_1(cases: Path) -> None:
    result = solve_case(load_case(cases / "supply/q-exponential-uniform.yaml"))
    assert result.verdict.status == "verified"
    words = {row["figure"]: row["word"] for row in result.paper}
    assert words == {
        "q": "reproduced",
        "a": "within wide noise",
        "b": "within noise",
        "squared_error": "within wide noise",
    }


@cache
def reported() -> dict[str, str]:
    """Words of the sweep's report, by figure, background and number of firms."""
    found = printed_figures(Path(__file__).parents[2] / "reports")
    return {one.figure: one.word for one in found if one.case == "q-exponential-tables"}


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_every_figure_of_a_row(row: dict[str, str]) -> None:
    """q, a, b and the error: near, within the noise or, of an error, better; a is lost in some."""
    shape = "pieces=" if row["background"] == "pieces" else row["background"]
    at = [one for one in reported() if f"({shape}" in one and one.endswith(f", {row['firms']})")]
    words = {one.partition(" ")[0]: reported()[one] for one in at}
    agree = {"reproduced", "within noise", "within wide noise"}
    assert words["b"] in agree
    assert words["a"] in agree if row["a"] else words["a"] == "lost in print"
    assert words["squared_error"] in {*agree, "better than printed"}
    # Beyond the quantile by more than 40,000 draws leave it uncertain.
    if (
        float(row["squared_error"])
        > 1.35 * found(row["background"], int(row["firms"])).objective_high
    ):
        assert words["squared_error"] == "better than printed"
    near = words["q"] in ("reproduced", "within noise")
    assert near or (words["q"].startswith("within") and words["squared_error"] not in agree)


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row["firms"] in ("8", "17", "27")],
    ids=[name for name, row in zip(NAMES, ROWS, strict=True) if row["firms"] in ("8", "17", "27")],
)
def test_case_says_the_same_word(row: dict[str, str], cases: Path) -> None:
    """The case's own ranges, from another stream of draws and other parameters, are these."""
    given = in_a_case(row["background"])
    at = [f"parameters.background={given}", f"parameters.firms={row['firms']}"]
    case = load_case(cases / "supply/q-exponential-tables.yaml", at)
    result = solve_case(case)
    assert result.verdict.status == "verified", result.verdict
    ours = found(row["background"], int(row["firms"]))
    wide = ours.q_high - ours.q_low
    # Of 40,000 draws the quantile that 2 are beyond is known to a tenth of the range.
    assert result.values["noise_q_low"] == pytest.approx(ours.q_low, abs=0.1 * wide)
    assert result.values["noise_q_high"] == pytest.approx(ours.q_high, abs=0.1 * wide)
    assert result.values["noise_objective_high"] == pytest.approx(ours.objective_high, rel=0.35)
    if row["background"] == "pieces":
        return
    words = {figure["figure"]: figure["word"] for figure in result.paper}
    expected = word(row)
    if expected == "better optimum than printed":
        assert words["squared_error"] == "better than printed"
    else:
        assert words["q"] == expected
        # Of the errors' own two quantiles one is far above the other.
        assert ours.objective_high > 2 * ours.objective_low
        assert words["squared_error"] in ("reproduced", "within wide noise")
