"""The bidding equilibrium against closed forms, mpmath, and the auction's rules."""

from __future__ import annotations

from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta

from optimodels import explain, export
from optimodels.case import load_case, parse_case
from optimodels.errors import CallError, CaseError
from optimodels.families.supply.auction.best_response import best_response, density_off
from optimodels.families.supply.auction.equilibrium import expected_prices, log_binomials, solve
from optimodels.families.supply.auction.market import Market
from optimodels.reporting.explanation import explanation_text
from optimodels.result import Result
from optimodels.runs.key import Keys
from optimodels.study import solve as solve_case


def market(
    demand: object, firms: int, units: int = 1, cost: float = 0.0, cap: float = 100.0
) -> Market:
    weights = np.asarray(demand, dtype=float)
    return Market(firms, units, cost, cap, weights / weights.sum(), 0, 1)


def solved(parameters: str, *settings: str) -> Result:
    return solve_case(parse_case(f"model: supply/bidding-equilibrium\n{parameters}"))


@pytest.mark.parametrize("n", [2, 3, 28, 200, 1000])
def test_uniform_demand_against_kummer(n: int) -> None:
    """p(F) = p_max exp(-(n-1)(1-F)), E[p_(k)] = p_max exp(-(n-1)) M(k, n+1, n-1)."""
    equilibrium = solve(market(np.ones(n), n))
    f = np.linspace(0.0, 1.0, 23)
    assert equilibrium.decay(f) == pytest.approx((n - 1) * (1 - f), abs=1e-12 * n)
    _, logs = expected_prices(equilibrium)
    for k in sorted({1, 2, n // 3 + 1, n // 2 + 1, n - 1, n}):
        with mp.workdps(30):
            exact = mp.log(mp.hyp1f1(k, n + 1, n - 1)) - (n - 1)
        # A difference of logarithms is a relative one of prices.
        assert logs[k - 1] == pytest.approx(float(exact), abs=1e-11)


def test_ten_thousand_firms() -> None:
    """Kummer's series, summed term by term in logarithms, at n = 10^4."""
    n = 10_000
    _, logs = expected_prices(solve(market(np.ones(n), n)))
    for k in (1, 10_000):
        with mp.workdps(25):
            term, total = mp.mpf(1), mp.mpf(1)
            for i in range(60_000):
                term *= mp.mpf(k + i) / (n + 1 + i) * (n - 1) / (i + 1)
                total += term
                if i > n and term < total * mp.mpf(10) ** -20:
                    break
            exact = mp.log(total) - (n - 1)
        assert logs[k - 1] == pytest.approx(float(exact), abs=1e-9)


DEMANDS = {
    "rising": ([1, 2, 3, 4], 4, 1, 0.0),
    "falling": ([16, 9, 4, 1], 4, 1, 0.0),
    "gap": ([1, 0, 0, 2, 1], 5, 1, 3.0),
    "two units": ([1, 2, 0, 1, 3, 1, 2, 1], 4, 2, 10.0),
    "free": ([0, 0, 2, 1, 1, 1], 3, 2, 0.0),
}


@pytest.mark.parametrize("name", DEMANDS)
def test_against_quadrature_in_mpmath(name: str) -> None:
    """A and B as the differential equation states them, demand by demand, in thirty digits."""
    weights, n, r, cost = DEMANDS[name]
    given = market(weights, n, r, cost)
    pi = [mp.mpf(w) / sum(weights) for w in weights]

    def rate(f: mp.mpf) -> mp.mpf:
        a = b = mp.mpf(0)
        for d, p in enumerate(pi, start=1):
            j, s = divmod(d - 1, r)
            s += 1
            a += p * mp.binomial(n - 1, j) * f**j * (1 - f) ** (n - 1 - j) * s
            if n - 2 >= j:
                b += p * mp.binomial(n - 2, j) * f**j * (1 - f) ** (n - 2 - j) * s
            if j >= 1:
                b += p * mp.binomial(n - 2, j - 1) * f ** (j - 1) * (1 - f) ** (n - 1 - j) * (r - s)
        return (n - 1) * b / a

    equilibrium = solve(given)
    with mp.workdps(30):

        def bid(f: mp.mpf) -> mp.mpf:
            return cost + (100 - cost) * mp.exp(-mp.quad(rate, [f, (1 + f) / 2, 1]))

        for f in (0.05, 0.4, 0.9, 0.999):
            assert equilibrium.quantile(np.array([f]))[0] == pytest.approx(
                float(bid(mp.mpf(f))), rel=1e-12
            )
    prices, _ = expected_prices(equilibrium)
    for k in (1, n):
        exact, _ = quad(
            lambda f, k=k: equilibrium.quantile(np.array([f]))[0] * beta.pdf(f, k, n - k + 1),
            0, 1, epsabs=0, epsrel=1e-11, limit=200,
        )  # fmt: skip
        assert prices[k - 1] == pytest.approx(exact, rel=1e-9)


def test_bids_reach_down_to_the_cost_where_rivals_can_always_undercut() -> None:
    given = market(DEMANDS["free"][0], 3, 2, cost=7.0)
    assert solve(given).quantile(np.array([0.0]))[0] == 7.0
    # With a demand that a single firm may meet alone there is a lowest bid above the cost.
    assert solve(market([1, 0, 2, 1, 1, 1], 3, 2, cost=7.0)).quantile(np.array([0.0]))[0] > 7.0


@pytest.mark.parametrize(
    ("weights", "n", "r"),
    [
        ([0] * 19 + [1], 20, 1),
        ([1] + [0] * 18 + [1e-12], 20, 1),
        ([1] + [0] * 17 + [1, 1e-200], 20, 1),
        ([1] * 400 + [0] * 400 + [1] * 200, 1000, 1),
        ([1e-100, 1e-100] + [1] * 38, 20, 2),
        (np.random.default_rng(3).random(60).tolist(), 12, 5),
    ],
    ids=["always all", "rarely all", "all but never", "gap", "two scales", "five units"],
)
def test_no_bid_is_better_and_consumers_pay_what_firms_earn(
    weights: list[float], n: int, r: int
) -> None:
    given = market(weights, n, r, cost=2.0)
    equilibrium = solve(given)
    heard = best_response(given, equilibrium.above)
    assert max(heard.residual, heard.gain) < 1e-9
    prices, _ = expected_prices(equilibrium)
    d = np.arange(1, n * r + 1)
    paid = float((d * given.demand) @ np.repeat(prices - 2.0, r))
    assert paid == pytest.approx(n * equilibrium.profit, rel=1e-9)


@pytest.mark.parametrize("weights", [[1, 1, 1, 1, 1, 1], [1, 4, 0, 2, 2, 3]])
def test_what_is_paid_by_the_table_of_prices(weights: list[float]) -> None:
    """Three firms of two units: d units are paid the price of the d-th; less their cost that is
    what three firms earn. Every bid in the table earns the same, to what the residual says."""
    result = solved(
        f"parameters: {{firms: 3, units_per_firm: 2, cost: 5, background: {{demand: {weights}}}}}"
    )
    assert result.verdict.status == "verified"
    values = result.values
    chance = np.array(weights) / sum(weights)
    d, price = (
        np.array([row[name] for row in result.tables["supply_curve"]])
        for name in ("unit", "expected_price")
    )
    assert values["price_per_unit"] == pytest.approx(chance @ (d * price) / (chance @ d), rel=1e-9)
    profit = chance @ (d * (price - 5)) / 3
    assert values["expected_profit"] == pytest.approx(profit, rel=1e-9)
    # At the cap nobody bids higher: a firm sells what the other two, four units, leave.
    left = np.maximum(d - 4, 0)
    assert values["expected_profit"] == pytest.approx(95 * (chance @ left), rel=1e-9)
    earned = np.array([row["profit"] for row in result.tables["bids"]])
    most = np.abs(earned / values["expected_profit"] - 1).max()
    assert most <= values["best_response_residual"] + 1e-15 < 1e-9


def test_everybody_bids_the_cap_where_everybody_is_needed() -> None:
    prices, _ = expected_prices(solve(market([0, 0, 0, 1], 4)))
    assert prices == pytest.approx(100.0, abs=1e-12)


def test_best_response_of_two_firms_by_hand() -> None:
    """An other who bids uniformly on [0, 100]: paid the own bid alone, or the higher of both."""
    given = market([3, 2], 2)
    heard = best_response(given, lambda f: 100 * f, points=9)
    b = heard.above
    alone = 0.6 * b * (1 - b / 100)
    both = 0.4 * (b * b / 100 + (100**2 - b**2) / 200)
    assert heard.profit == pytest.approx(alone + both, rel=1e-12)


def test_density_is_held_against_the_bids() -> None:
    """p = 100 F^2: the density is 1 / (200 F); one that is off by a thousandth is seen."""
    f = np.array([1e-9, 0.01, 0.5, 0.99, 1 - 1e-6])
    assert density_off(lambda at: 100 * at**2, f, 1 / (200 * f)) <= 1e-8
    for k in range(len(f)):
        wrong = 1 / (200 * f)
        wrong[k] *= 1.001
        assert density_off(lambda at: 100 * at**2, f, wrong) == pytest.approx(1e-3, rel=0.01)


def test_best_response_by_playing_the_auction() -> None:
    """Units sorted, the first d dispatched, all paid the d-th lowest bid; seeded."""
    n, r, cost = 3, 2, 5.0
    demand = np.array([1, 2, 1, 3, 2, 1]) / 10
    given = Market(n, r, cost, 100.0, demand, 0, 1)
    heard = best_response(given, lambda f: 15 + 80 * f**2, points=5)
    rng = np.random.default_rng(8)
    others = 20 + 80 * rng.random((40_000, n - 1)) ** 2
    for bid, profit in zip(heard.above + cost, heard.profit, strict=True):
        earned = np.zeros(len(others))
        for d, probability in enumerate(demand, start=1):
            bids = np.column_stack([np.full(len(others), bid), others])
            order = np.argsort(bids, axis=1, kind="stable")
            units = np.repeat(order, r, axis=1)[:, :d]
            price = np.take_along_axis(bids, units[:, -1:], axis=1)[:, 0]
            earned += probability * (units == 0).sum(axis=1) * (price - cost)
        error = earned.std() / np.sqrt(len(earned))
        # An other's bid is a tie with probability zero but at the lowest of all.
        assert abs(earned.mean() - profit) <= 5 * error + 1e-9


@pytest.mark.parametrize(
    "wrong",
    [
        lambda true, f: true(f) ** 1.001,
        lambda true, f: true(f) * 0.999,
        lambda true, f: np.maximum(true(f), 5.0),
        lambda true, f: 100 * f,
    ],
    ids=["power", "scaled", "cut", "linear"],
)
def test_best_response_refutes_what_is_no_equilibrium(wrong: object) -> None:
    given = market(np.ones(10), 10)
    true = solve(given).above
    heard = best_response(given, lambda f: wrong(true, f))  # type: ignore[operator]
    assert max(heard.residual, heard.gain) > 1e-5


def test_binomials_are_rounded_once() -> None:
    found = log_binomials(1000)
    with mp.workdps(40):
        for k in (0, 1, 333, 500, 999, 1000):
            assert found[k] == float(mp.log(mp.binomial(1000, k)))


@pytest.mark.parametrize(
    ("named", "written"),
    [
        ("uniform", "1"),
        ("increasing", "3*x**2"),
        ("decreasing", "3*(1 - x)**2"),
        ("{pieces: [1, 3]}", "1 + 1e9*maximum(0, minimum(2e-9, (x - 0.5)*1e9))"),
        ("{pieces: [2, 2, 2]}", "exp(0)*pi/pi"),
    ],
)
def test_backgrounds_that_are_one(named: str, written: str) -> None:
    one = solved(f"parameters: {{background: {named}, firms: 7}}\n")
    other = solved(f"parameters: {{background: {{expression: '{written}'}}, firms: 7}}\n")
    prices = [[row["expected_price"] for row in r.tables["supply_curve"]] for r in (one, other)]
    assert prices[0] == pytest.approx(prices[1], rel=1e-8)
    assert {one.verdict.text, other.verdict.text} == {"verified by invariants: equilibrium"}


def test_density_with_a_pole_that_integrates() -> None:
    """The integral of x^(-1/2) over a cell: 2 (sqrt(b) - sqrt(a))."""
    result = solved("parameters: {background: {expression: 1/sqrt(x)}, firms: 5}\n")
    root = np.sqrt(np.arange(6) / 5)
    given = ", ".join(f"{w:.17g}" for w in np.diff(root))
    other = solved(f"parameters: {{background: {{demand: [{given}]}}, firms: 5}}\n")
    assert result.values["median_bid"] == pytest.approx(other.values["median_bid"], rel=1e-9)


def test_samples_are_counted_by_the_units_that_meet_them() -> None:
    seen = solved("parameters: {background: {samples: [0, 0.25, 0.26, 0.5, 1]}, firms: 4}\n")
    counted = solved("parameters: {background: {demand: [2, 2, 0, 1]}, firms: 4}\n")
    assert seen.tables["supply_curve"] == counted.tables["supply_curve"]
    assert "5 observations" in seen.notes[0]


def test_samples_from_a_file_are_part_of_fingerprint_and_key(tmp_path: Path) -> None:
    text = (
        "model: supply/bidding-equilibrium\n"
        "parameters: {background: {csv: seen.csv, column: part}, firms: 4}\n"
    )
    (tmp_path / "case.yaml").write_text(text)
    marks = []
    for rows in ("0\n0.25\n0.26\n0.5\n1\n", "0\n0.25\n0.26\n0.5\n0.9\n"):
        (tmp_path / "seen.csv").write_text(f"part\n{rows}")
        case = load_case(tmp_path / "case.yaml")
        marks.append((case.fingerprint(), Keys(case).key({})))
        result = solve_case(case)
    assert len({m[0] for m in marks}) == len({m[1] for m in marks}) == 2
    inline = solved("parameters: {background: {samples: [0, 0.25, 0.26, 0.5, 0.9]}, firms: 4}\n")
    assert result.tables == inline.tables


def test_one_background_has_one_key() -> None:
    texts = ("uniform", "{shape: uniform}")
    cases = [
        parse_case(f"model: supply/bidding-equilibrium\nparameters: {{background: {text}}}\n")
        for text in texts
    ]
    assert len({case.fingerprint() for case in cases}) == 1
    assert len({Keys(case).key({}) for case in cases}) == 1


WRONG = {
    "firms: 1": "parameters.firms: must be at least 2",
    "cost: 100": "cost 100 must be below price_cap 100",
    "background: triangular": "must be 'uniform', 'increasing' or 'decreasing'",
    "background: {demand: [1, 2]}": "background.demand has 2 probabilities for 3 units",
    "background: {demand: [1, 2, 0]}": "has no such equilibrium",
    "background: {demand: [1, -2, 1]}": "background.demand.1: must be at least 0",
    "background: {demand: [0, 0, 0]}": "must not be all zero",
    "background: {pieces: [1, 1, 0]}": "has no such equilibrium",
    "background: {pieces: [1], shape: uniform}": "must be uniform, increasing, decreasing, or",
    "background: {peices: [1]}": "did you mean 'pieces'?",
    "background: {samples: [0.5, 1.2]}": "background.samples.1: must be at most 1",
    "background: {samples: [0.5, 0.6]}": "has no such equilibrium",
    "background: {csv: none.csv}": "csv and column belong together",
    "background: {csv: none.csv, column: a}": "no file 'none.csv' beside the case",
    "background: {expression: 1/x}": "has no finite integral over [0, 1]",
    "background: {expression: x - 0.5}": "is negative at x = ",
    "background: {expression: sqrt(x - 1)}": "is not finite at x = ",
    "background: {expression: 0*x}": "is zero everywhere",
    "background: {expression: 'x.real'}": "'x.real' is no arithmetic in x",
    "background: {expression: '__import__(1)'}": "knows no function '__import__'",
    "background: {expression: '(lambda: 1)()'}": "is no arithmetic in x",
    "background: {expression: 'exp(x, out=x)'}": "is no arithmetic in x",
    "background: {expression: 'exp(x, x)'}": "exp takes 1 argument",
    "background: {expression: 'True + x'}": "'True' is no arithmetic in x",
    "background: {expression: 'x +'}": "'x +' is no arithmetic expression in x: numbers, x, pi",
    "background: {expression: 9**9**9**9}": "is not finite at x = ",
    "units_per_firm: 1000, firms: 11": "at most 10000 units",
}


@pytest.mark.parametrize("parameters", WRONG)
def test_what_is_wrong_is_one_line_at_its_place(parameters: str) -> None:
    given = parameters if "firms" in parameters else f"firms: 3, {parameters}"
    with pytest.raises(CaseError) as caught:
        solved(f"parameters: {{{given}}}\n")
    (finding,) = caught.value.findings
    assert WRONG[parameters] in str(finding)
    assert finding.line == 2
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "text", ["x" * 501, "(" * 400 + "x" + ")" * 60, "-" * 300 + "x", "1e999*x"]
)
def test_expressions_are_capped(text: str) -> None:
    with pytest.raises(CaseError):
        solved(f"parameters: {{background: {{expression: '{text}'}}}}\n")


def test_a_file_with_numbers_that_are_no_parts(tmp_path: Path) -> None:
    (tmp_path / "seen.csv").write_text("part\n0.5\n1.5\n")
    (tmp_path / "case.yaml").write_text(
        "model: supply/bidding-equilibrium\nparameters:\n"
        "  background: {csv: seen.csv, column: part}\n"
    )
    with pytest.raises(CaseError, match=r"row 3: a demand must be a part of the capacity"):
        solve_case(load_case(tmp_path / "case.yaml"))


def test_monte_carlo_is_seeded_and_near(cases: Path) -> None:
    case = load_case(cases / "supply/bidding-uniform.yaml", ["parameters.draws=4000"])
    one, again = solve_case(case), solve_case(case)
    other = solve_case(case.with_values({"parameters.seed": 2}))
    assert one.tables["supply_curve"] == again.tables["supply_curve"]
    assert one.tables["supply_curve"] != other.tables["supply_curve"]
    assert one.verdict.text == "verified by invariants: equilibrium"
    # Of the upper half of the curve, whose bids are not heavy-tailed.
    for row in one.tables["supply_curve"][5:]:
        away = abs(row["monte_carlo_mean"] - row["expected_price"])
        assert 0 < away < 5 * row["standard_error"]


def test_every_case_is_verified(cases: Path) -> None:
    for file in sorted(cases.glob("supply/bidding-*.yaml")):
        result = solve_case(load_case(file))
        assert result.verdict.text == "verified by invariants: equilibrium", file.stem
        drawn = load_case(file).model.draw([result])
        assert drawn["bids"].startswith(b"<?xml")


def test_what_computes_is_explained_by_its_equations(cases: Path, tmp_path: Path) -> None:
    case = load_case(cases / "supply/bidding-uniform.yaml")
    assert "p(F) = c + (p_max - c)" in explanation_text(explain(case), 80)
    with pytest.raises(CallError, match="no problem that could be written"):
        export(case, "mps", tmp_path)
