"""Market clearing: closed forms, four ways to one price, ties, tie lines, wrong cases."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from optimodels.case import load_case, parse_case
from optimodels.errors import CaseError, DataError
from optimodels.explanation import Explained, explain
from optimodels.families.regulation.market.account import account, dual_bound
from optimodels.families.regulation.market.areas import Link, clear_areas
from optimodels.families.regulation.market.checks import EXACT, Point, agreement, checks
from optimodels.families.regulation.market.clearing import Market, clear
from optimodels.families.regulation.market.curves import Asymptotic, Ladder, Logistic, pieces
from optimodels.families.regulation.market.data import auction
from optimodels.families.regulation.market.thermostats import population
from optimodels.families.regulation.parameters import MarketClearing
from optimodels.model import Done, Solve
from optimodels.result import Result
from optimodels.study import Ledger, answer_stage, case_request, open_study, solve

CASES = Path(__file__).parents[2] / "cases" / "regulation"
SUPPLY = Asymptotic(15.0, 20.0, 1.5, 100.0, 1500.0)
DEMAND = Logistic(900.0, 200.0, 50.0, -2.0)


def bids(supply: Any, demand: Any, must_run: float = 0.0) -> Market:
    return Market(Ladder.of(supply, 1.0), Ladder.of(demand, -1.0), must_run)


def case(name: str, *settings: str) -> Result:
    return solve(load_case(CASES / f"{name}.yaml", list(settings)))


def test_logistic_demand_is_the_recovered_formula() -> None:
    """Q_U + Q_R / (1 + exp(2 eta (1 - p / P_A))), and eta at the mean price."""
    with mpmath.workdps(40):
        for p in (-20.0, 3.0, 50.0, 61.7, 400.0):
            exponent = 2 * mpmath.mpf(-2) * (1 - mpmath.mpf(p) / 50)
            exact = 900 + 200 / (1 + mpmath.exp(exponent))
            assert float(DEMAND.below(p)) == pytest.approx(float(exact), rel=1e-13)
            slope = mpmath.diff(
                lambda x: 200 / (1 + mpmath.exp(2 * mpmath.mpf(-2) * (1 - x / 50))), mpmath.mpf(p)
            )
            assert float(DEMAND.slope(p)) == pytest.approx(float(-1 / slope), rel=1e-9)
    # Q_R y has elasticity eta at P_A: dQ/dp p / (Q_R / 2).
    assert -1 / float(DEMAND.slope(50.0)) * 50 / 100 == pytest.approx(-2.0, rel=1e-12)
    assert float(DEMAND.marginal(DEMAND.below(61.7))) == pytest.approx(61.7, rel=1e-12)


def test_asymptotic_supply_and_its_integral() -> None:
    with mpmath.workdps(30):
        for q in (100.0, 101.0, 800.0, 1400.0, 1499.0):

            def price(x: Any) -> Any:
                return 15 + 20 * ((x - 100) / (1500 - x)) ** mpmath.mpf("1.5")

            assert float(SUPPLY.marginal(q)) == pytest.approx(
                float(price(mpmath.mpf(q))), rel=1e-12
            )
            cost = mpmath.quad(price, np.linspace(100, q, 9).tolist())
            assert float(SUPPLY.worth(q)) == pytest.approx(float(cost), rel=1e-10, abs=1e-10)
            if q > 100:
                p = float(SUPPLY.marginal(q))
                assert float(SUPPLY.upto(p)) == pytest.approx(q, rel=1e-12)
                slope = mpmath.diff(price, mpmath.mpf(q))
                assert float(SUPPLY.slope(p)) == pytest.approx(float(slope), rel=1e-8)
    # At c2 = 1 the integral is a logarithm.
    one = Asymptotic(0.0, 20.0, 1.0, 0.0, 1000.0)
    assert float(one.worth(600.0)) == pytest.approx(20 * (1000 * math.log(2.5) - 600), rel=1e-12)


def test_slopes_of_the_clearing_are_those_of_differences() -> None:
    found = clear(Market(SUPPLY, DEMAND))
    assert float(SUPPLY.marginal(found.quantity)) == pytest.approx(found.price, rel=1e-12)
    assert float(DEMAND.marginal(found.quantity)) == pytest.approx(found.price, rel=1e-10)
    # One more MW of must-run demand moves the price by R = R_S R_D / (R_S + R_D).
    up, down = (clear(Market(SUPPLY, DEMAND, step)).price for step in (1e-3, 0.0))
    r = found.supply_slope * found.demand_slope / (found.supply_slope + found.demand_slope)
    assert (up - down) / 1e-3 == pytest.approx(r, rel=1e-5)


def test_many_markets_at_once_are_each_cleared_as_alone() -> None:
    must, mean = np.linspace(0.0, 300.0, 7), np.linspace(30.0, 80.0, 7)
    many = clear(Market(SUPPLY, replace(DEMAND, mean_price=mean), must))
    for k in range(7):
        one = clear(Market(SUPPLY, replace(DEMAND, mean_price=mean[k]), must[k]))
        assert (many.quantity[k], many.price[k]) == pytest.approx(
            (one.quantity, one.price), rel=1e-13
        )


@pytest.mark.parametrize(
    ("supply", "demand", "must_run", "quantity", "low", "high"),
    [
        # A demand that ends on a flat offer; one on an end; a must-run on an end; both flat.
        ([[100, 10], [200, 30], [100, 50]], [[150, 60], [100, 30], [50, 20]], 0, 250, 30, 30),
        ([[100, 10], [200, 30], [100, 50]], [[300, 60], [100, 20]], 0, 300, 30, 50),
        ([[100, 10], [200, 30], [100, 50]], [[50, 60], [100, 20]], 350, 400, 50, 60),
        ([[100, 10], [50, 10]], [[40, 10], [60, 10]], 0, 100, 10, 10),
        ([[100, 10], [100, 40]], [[120, 25]], 0, 100, 25, 25),
        ([[100, -5]], [[40, 3]], 0, 40, -5, -5),
    ],
)
def test_bids_by_hand(
    supply: Any, demand: Any, must_run: float, quantity: float, low: float, high: float
) -> None:
    found = clear(bids(supply, demand, must_run))
    assert (found.quantity, found.lowest, found.highest) == (quantity, low, high)
    assert found.price == (low + high) / 2


def test_random_bids_against_enumeration_of_prices() -> None:
    """The clearing is the greatest welfare over every quantity at which a bid begins or ends."""
    rng = np.random.default_rng(3)
    for _ in range(60):
        supply = sorted(
            ([int(w), int(p)] for w, p in rng.integers(1, 30, (6, 2))), key=lambda b: b[1]
        )
        demand = sorted(([int(w), int(p)] for w, p in rng.integers(1, 30, (5, 2))),
                        key=lambda b: -b[1])  # fmt: skip
        offers = [p for w, p in supply for _ in range(w)]
        asks = [p for w, p in demand for _ in range(w)]
        gains = np.cumsum([b - a for a, b in zip(offers, asks, strict=False)])
        if gains.max() <= 0 and asks[0] < offers[0]:
            with pytest.raises(DataError, match="do not cross"):
                clear(bids(supply, demand))
            continue
        found = clear(bids(supply, demand))
        market = bids(supply, demand)
        welfare = float(market.demand.worth(found.quantity) - market.supply.worth(found.quantity))
        assert welfare == pytest.approx(float(max(gains.max(), 0)))
        assert found.quantity == sum(b >= a for a, b in zip(offers, asks, strict=False))


def test_must_run_of_all_the_capacity_has_no_highest_price() -> None:
    found = clear(bids([[100, 10], [200, 30]], [[50, 60], [100, 20]], 300.0))
    assert (found.price, found.highest) == (60.0, math.inf)


def test_wind_sets_no_price_below_its_cost() -> None:
    """Wind beyond the demand is curtailed at 0; up to c0 the demand sets the price."""
    curtailed = clear(Market(Asymptotic(15.0, 20.0, 1.5, 1200.0, 1500.0), DEMAND))
    assert curtailed.price == 0.0
    assert curtailed.quantity == pytest.approx(float(DEMAND.below(0.0)))
    between = clear(Market(Asymptotic(15.0, 20.0, 1.5, 1090.0, 1500.0), DEMAND))
    assert 0 < between.price < 15
    assert between.quantity == pytest.approx(1090.0, rel=1e-12)
    assert between.supply_slope == math.inf


def test_lines_equalise_prices_or_are_full() -> None:
    other = Market(Asymptotic(10.0, 10.0, 2.0, 0.0, 1000.0), Logistic(300.0, 100.0, 40.0, -1.0))
    far = Market(Asymptotic(5.0, 10.0, 1.0, 50.0, 900.0), Logistic(100.0, 100.0, 30.0, -1.0), 30.0)
    markets = [Market(SUPPLY, DEMAND), other, far]
    for limits in ((40.0, 1000.0), (1000.0, 20.0), (1000.0, 1000.0), (0.0, 15.0)):
        links = [Link(0, 1, limits[0]), Link(2, 1, limits[1])]
        found = clear_areas(markets, links)
        inflow = np.array([-found.flow[0], found.flow[0] + found.flow[1], -found.flow[1]])
        np.testing.assert_allclose(found.supplied + inflow, found.bought, rtol=1e-12)
        for link, flow in zip(links, found.flow, strict=True):
            gap = found.price[link.other] - found.price[link.one]
            if abs(flow) < link.limit:
                assert gap == 0.0
            else:
                assert abs(flow) == link.limit
                assert gap * flow >= 0
        made = account(markets, links, found.supplied, found.bought, found.price, found.flow)
        sum_of_gains = made.producers.sum() + made.consumers.sum() + made.rent.sum()
        assert sum_of_gains - made.inelastic.sum() == pytest.approx(made.welfare, rel=1e-12)
        # Duality: no other prices give a lower bound.
        bound = dual_bound(markets, links, found.price)
        assert bound == pytest.approx(made.welfare, rel=1e-10)
        for k in range(3):
            for step in (-0.5, 0.5):
                moved = found.price + step * (np.arange(3) == k)
                assert dual_bound(markets, links, moved) > bound


def test_checks_refute_what_is_not_a_clearing() -> None:
    system = auction(MarketClearing())
    root = system.root
    good = Point(root.supplied, root.bought, root.price, root.flow)
    assert all(c.passed for c in checks(system, good, EXACT))
    for wrong in (
        replace(good, price=good.price * (1 + 1e-7)),
        replace(good, supplied=good.supplied + 1e-5),
        replace(good, supplied=good.supplied - 1.0, bought=good.bought - 1.0),
    ):
        assert not all(c.passed for c in checks(system, wrong, EXACT))


@pytest.mark.parametrize(
    ("name", "ways"),
    [
        ("clearing-curves", ["root", "steps", "pieces", "cone"]),
        ("clearing-areas", ["root", "steps", "pieces", "cone"]),
        ("clearing-thermostats", ["root", "steps", "pieces"]),
        ("clearing-bids", ["root", "steps"]),
    ],
)
def test_ways_agree(name: str, ways: list[str]) -> None:
    result = case(name, "parameters.method=all")
    assert result.verdict.status == "verified", result.verdict
    rows = result.tables["ways"]
    assert [row["method"] for row in rows] == ways
    area = result.tables["areas"][0]
    for row in rows:
        assert row["quantity"] == pytest.approx(result.values["quantity"], rel=1e-5)
        assert area["lowest_price"] * (1 - 1e-5) <= row["price"]
        assert row["price"] <= area["highest_price"] * (1 + 1e-5)


@pytest.mark.parametrize("solver", ["{name: highs, via: pyomo}", "{name: clarabel}", "exact"])
@pytest.mark.parametrize("method", ["steps", "pieces"])
def test_solvers_find_the_root(method: str, solver: str) -> None:
    result = case("clearing-areas", f"parameters.method={method}", f"solver={solver}")
    root = case("clearing-areas", "parameters.method=root")
    assert result.verdict.status == "verified", result.verdict
    assert result.values["price"] == pytest.approx(root.values["price"], rel=1e-5)
    assert result.values["congestion_rent"] == pytest.approx(
        root.values["congestion_rent"], rel=1e-4
    )
    assert result.bound is not None
    assert result.objective is not None
    assert result.bound >= result.objective - 1e-6


def test_cone_by_its_own_algorithm() -> None:
    for name in ("clearing-curves", "clearing-areas"):
        result = case(name, "parameters.method=cone", "solver=exact")
        assert result.verdict.status == "verified", result.verdict


def test_cone_with_bids_beside_a_curve() -> None:
    """An area that bids in steps beside one with a logistic demand."""
    text = """model: regulation/market-clearing
parameters:
  neighbours:
    - name: b
      supply: {bids: [[300, 20], [300, 70]]}
      demand: {bids: [[200, 90], [150, 30]]}
  lines: [{between: [study area, b], limit: 60}]
  method: all
"""
    result = solve(parse_case(text))
    assert result.verdict.status == "verified", result.verdict
    assert [row["method"] for row in result.tables["ways"]] == ["root", "steps", "pieces", "cone"]


def test_pieces_agree_with_the_curve_at_knots() -> None:
    ladder = pieces(SUPPLY, 50.0, 900.0, 20, True, 1.0, (0.0, 1e3))
    ends = 50.0 + np.cumsum(ladder.width)
    np.testing.assert_allclose(ladder.end[1:], SUPPLY.marginal(ends[1:]), rtol=1e-9)
    assert ladder.start[0] == ladder.end[0] == 0.0
    assert ladder.start[1] == pytest.approx(15.0, rel=1e-9)
    assert ladder.width.sum() == pytest.approx(850.0)


def test_many_houses_have_the_logistic_demand() -> None:
    """Utilities with a logistic spread: the population's curve tends to the paper's as 1 / n."""
    for n in (100, 4000):
        houses = population("h", n, 1.0, 2.0, 22.0, 26.0, 22.0, 0.5, 50.0, 10.0)
        width = 2.0 * 10.0 * 0.5 / (26.0 - 22.0)
        curve = Logistic(0.0, float(n), 50.0, -50.0 / (2 * width))
        for price in (40.0, 50.0, 53.0, 60.0):
            served = float(np.sum(houses.bid >= price))
            assert abs(served - float(curve.below(price))) <= 0.5 + 1e-9


def test_house_cools_where_it_is_as_warm_as_the_set_point() -> None:
    houses = population("h", 51, 0.003, 2.0, 22.0, 26.0, 23.0, 0.7, 50.0, 10.0)
    for price in (37.0, 50.0, 71.3):
        warm = houses.temperature > houses.set_point(price)
        np.testing.assert_array_equal(warm, houses.bid > price)
    # P_B = P_A + k P_D (T_a - T_D) / (T_M - T_D): k deviations above the mean at T_M.
    assert houses.set_point(50.0 + 2 * 10.0) == pytest.approx(26.0)


WRONG = [
    ("must_run_demand: 900", "supply: cannot meet the demand"),
    ("supply: {bids: [[10, 5]]}, must_run_demand: 20", "supply: cannot meet the demand"),
    (
        "neighbours: [{name: n, supply: {bids: [[10, 5]]}, demand: {bids: [[9, 20]]}, "
        "must_run_demand: 90}], lines: [{between: [study area, n], limit: 5}]",
        "neighbours.0.supply: area 'n', with what its lines bring, cannot meet",
    ),
    ("supply: {bids: [[10, 50]]}, demand: {bids: [[10, 40]]}", "curves do not cross"),
    ("supply: {bids: [[10, 50], [5, 20]]}", "bid 2 at 20 stands behind one at 50"),
    ("demand: {bids: [[10, 20], [5, 30]]}", "bid 2 at 30 stands behind one at 20"),
    ("supply: {bids: [[-10, 50]]}", "bid 1 is of -10 MW; it must be above 0"),
    ("supply: {form: asymptotic, c0: 1, c1: 1, c2: 1, q_w: 5}", "form needs q_m"),
    ("supply: {form: asymptotic, c0: 1, c1: 0, c2: 1, q_w: 0, q_m: 5}", "greater than 0"),
    ("supply: {form: asymptotic, c0: 1, c1: 1, c2: 1, q_w: 9, q_m: 5}", "q_w 9 must be below"),
    ("supply: {bids: [[1, 2]], c0: 3}", "c0: not a key of bids"),
    ("supply: {bids: [[1, 2]]}, demand: {bids: [[1, 3]]}, method: pieces", "needs a curve"),
    ("demand: {bids: [[1, 3]]}, method: cone", "needs a logistic demand"),
    ("lines: [{between: [study area, nowhere], limit: 1}]", "no area 'nowhere'"),
    ("lines: [{between: [study area, study area], limit: 1}]", "is joined with itself"),
    ("demand: {bids: [[1, 1.0e+13]]}", "bid 1 is at 1e+13 $/MWh, beyond 1e+09"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_wrong_cases_are_one_line_each(text: str, message: str) -> None:
    with pytest.raises(CaseError) as caught:
        solve(parse_case(f"model: regulation/market-clearing\nparameters: {{{text}}}\n"))
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("method", ["root", "steps"])
@pytest.mark.parametrize(
    ("limit", "lowest", "highest"), [(9, 100, 100), (10, None, 100), (11, 20, 20)]
)
def test_a_line_that_brings_all_that_an_area_takes(
    method: str, limit: float, lowest: float | None, highest: float
) -> None:
    """Area n takes 10 MW at any price up to 100, all over the line: no price is too low for it."""
    result = solve(parse_case(
        f"model: regulation/market-clearing\nparameters:\n  method: {method}\n"
        "  supply: {bids: [[100, 20]]}\n  demand: {bids: [[30, 50]]}\n"
        "  neighbours: [{name: n, supply: {bids: [[5, 200]]}, demand: {bids: [[10, 100]]}}]\n"
        f"  lines: [{{between: [study area, n], limit: {limit}}}]\n"
    ))  # fmt: skip
    assert result.verdict.status == "verified"
    row = result.tables["areas"][1]
    assert row["bought"] == pytest.approx(min(limit, 10))
    assert (row["lowest_price"], row["highest_price"]) == (lowest, highest)
    # No difference of prices that nothing forces.
    assert row["price"] == pytest.approx(100 if limit < 10 else 20)


@pytest.mark.parametrize(("line", "flow"), [("n, study area", 40), ("study area, n", -40)])
def test_who_gains_what_by_hand(line: str, flow: float) -> None:
    """Two areas of bids and a line that is full: 150 MW are bought at 40, 125 MW sold at 20 $/MWh
    or less; every surplus is a sum of bids' widths times their distance from the price."""
    result = solve(parse_case(
        "model: regulation/market-clearing\nparameters:\n  method: root\n  must_run_demand: 30\n"
        "  supply: {bids: [[100, 10], [100, 40]]}\n  demand: {bids: [[120, 60], [60, 35]]}\n"
        "  neighbours: [{name: n, supply: {bids: [[50, 12], [150, 20], [50, 25]]}, "
        "demand: {bids: [[80, 50]]}, must_run_demand: 5}]\n"
        f"  lines: [{{between: [{line}], limit: 40}}]\n"
    ))  # fmt: skip
    assert result.verdict.status == "verified", result.verdict
    names = ("supplied", "bought", "price", "producer_surplus", "consumer_surplus",
             "inelastic_payment")  # fmt: skip
    told = [[row[name] for name in names] for row in result.tables["areas"]]
    assert told[0] == [110, 150, 40, 100 * 30, 120 * 20, 30 * 40]
    assert told[1] == [125, 85, 20, 50 * 8, 80 * 30, 5 * 20]
    assert result.tables["lines"] == [{
        "line": line.replace(",", " -"), "flow": flow, "limit": 40,
        "price_difference": 20 if flow > 0 else -20, "congestion_rent": 40 * 20,
    }]  # fmt: skip
    values = result.values
    assert [values[name] for name in names[3:]] == [3400, 4800, 1300]
    assert values["congestion_rent"] == 800
    assert values["welfare"] == 120 * 60 + 80 * 50 - (100 * 10 + 10 * 40 + 50 * 12 + 75 * 20)
    assert values["welfare"] == 3400 + 4800 + 800 - 1300


@pytest.mark.parametrize("method", ["steps", "pieces"])
def test_how_far_a_way_is_from_the_root_is_said_of_all_areas(method: str) -> None:
    """The largest distance of any area, whose figures are those of the method's own answer."""
    result = case("clearing-areas", f"parameters.method={method}")
    root = case("clearing-areas", "parameters.method=root").tables["areas"]
    by_root, by_method = result.tables["ways"]
    assert by_root["from_root_mw"] == by_root["from_root_price"] == 0
    for name, column in (("from_root_mw", "bought"), ("from_root_price", "price")):
        apart = [abs(row[column] - other[column])
                 for row, other in zip(result.tables["areas"], root, strict=True)]  # fmt: skip
        assert by_method[name] == max(apart) > min(apart)


def test_steps_are_verified_where_there_is_no_highest_price() -> None:
    result = solve(parse_case(
        "model: regulation/market-clearing\nparameters:\n  method: steps\n"
        "  supply: {bids: [[10, 20]]}\n  demand: {bids: [[5, 10]]}\n  must_run_demand: 10\n"
    ))  # fmt: skip
    assert result.verdict.status == "verified"
    assert result.tables["areas"][0]["highest_price"] is None


def test_a_round_s_welfare_is_told_in_its_unit() -> None:
    """Of each round's own objective the unit leads back to $/h: the last one's is all of it."""
    case = parse_case(
        "model: regulation/market-clearing\nparameters: {method: steps, "
        "supply: {bids: [[10, 20]]}, demand: {bids: [[5, 60]]}}\n"
    )
    (stage,) = (one for one in explain(case).stages if isinstance(one, Explained))
    factor = float(stage.unit.removeprefix("x ").removesuffix(" $/h"))
    assert stage.objective is not None
    assert stage.objective * factor == pytest.approx(5 * (60 - 20))


def test_explain_shows_the_round_that_its_figures_are_of() -> None:
    case = parse_case("model: regulation/market-clearing\nparameters: {method: pieces}\n")
    request, ledger = case_request(case), Ledger()
    program, data = open_study(case, request, ledger)
    stage = next(one for one in program.stages if isinstance(one, Solve))
    answered = answer_stage(stage, stage.instances(data, Done()), case, request, ledger)[""]
    assert answered.instance.number > 1
    (shown,) = (one for one in explain(case).stages if isinstance(one, Explained))
    assert shown.unit == answered.instance.unit
    assert shown.objective == pytest.approx(answered.objective)


def test_lines_must_be_a_tree() -> None:
    side = "supply: {bids: [[1, 2]]}, demand: {bids: [[1, 3]]}"
    areas = f"neighbours: [{{name: b, {side}}}, {{name: c, {side}}}]"
    ab, bc, ca = (
        f"{{between: [{x}], limit: 1}}" for x in ("study area, b", "b, c", "c, study area")
    )
    for lines, message in ((f"{ab}, {bc}, {ca}", "closes a loop"), (ab, "no line leads from")):
        with pytest.raises(CaseError, match=message):
            parse_case(
                f"model: regulation/market-clearing\nparameters: {{{areas}, lines: [{lines}]}}\n"
            )


def test_thermostats_and_pictures() -> None:
    result = case("clearing-thermostats", "parameters.method=root")
    rows = result.tables["thermostats"]
    price = result.values["price"]
    for row in rows:
        assert row["cooling"] + row["bid_at_the_price"] <= row["houses"]
        assert row["lowest_bid"] <= price <= row["highest_bid"]
    # By the i-th house's quantile (i - 1/2) / n of the logistic spread, and the bid of paper 003.
    given = load_case(CASES / "clearing-thermostats.yaml").parameters.demand
    served, part = [], 0.0
    for row, one in zip(rows, given.thermostats, strict=True):
        quantile = (np.arange(one.houses) + 0.5) / one.houses
        warm = one.temperature + one.spread * np.log(quantile / (1 - quantile)) - one.desired
        rise = one.comfort * given.price_deviation / (one.maximum - one.desired)
        bid = given.mean_price + rise * warm
        at = np.isclose(bid, price, rtol=1e-9, atol=0)
        assert row["houses"] == one.houses
        assert row["cooling"] == ((bid > price) & ~at).sum() < one.houses / 2 + 2
        assert row["bid_at_the_price"] == at.sum()
        assert row["highest_bid"] == pytest.approx(bid.max(), rel=1e-12)
        assert row["lowest_bid"] == pytest.approx(bid.min(), rel=1e-12)
        assert row["set_point"] == pytest.approx(one.desired + (price - 50) / rise, rel=1e-12)
        served.append(row["cooling"] * one.kilowatts / 1000)
        part += row["bid_at_the_price"] * one.kilowatts / 1000
    # The one house that bids the price is served in part.
    assert 0 < result.values["quantity"] - 1.6 - sum(served) < part < 0.006
    model = load_case(CASES / "clearing-thermostats.yaml").model
    assert list(model.draw([result])) == ["clearing"]
    assert model.draw([result, result]) == {}


def random_curves(seed: int) -> MarketClearing:
    """Curves of sizes and prices over decades, flat, steep, and often beside the other's size."""
    rng = np.random.default_rng(seed)
    q_m = float(10 ** rng.uniform(-2, 4))
    q_w = q_m * float(rng.choice([0.0, rng.random(), 10 ** rng.uniform(-5, -1)]))
    c0, c1 = float(rng.choice([0.0, rng.uniform(0, 60)])), float(10 ** rng.uniform(-2, 3))
    c2 = float(rng.choice([0.05, 1.0, rng.uniform(0.3, 3)]))
    size = q_m * float(rng.uniform(0.1, 0.9))
    part = float(rng.uniform(0.1, 1.0))
    return MarketClearing(
        supply={"form": "asymptotic", "c0": c0, "c1": c1, "c2": c2, "q_w": q_w, "q_m": q_m},
        demand={"form": "logistic", "unresponsive": size * (1 - part), "responsive": size * part,
                "mean_price": float(10 ** rng.uniform(0, 2.5)),
                "elasticity": -float(10 ** rng.uniform(-1, 1.5))},
        method="all",
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_random_curves_clear_in_four_ways_as_by_hand(seed: int) -> None:
    """Against a bisection of 50 digits: the root to 1e-9, solvers to 1e-5, cones among them."""
    given = random_curves(seed)
    s, d = given.supply, given.demand
    assert None not in (s.c0, s.c1, s.c2, s.q_w, s.q_m)
    with mpmath.workdps(50):

        def offered(p: Any) -> Any:
            if p <= s.c0:
                return mpmath.mpf(s.q_w)
            u = ((p - s.c0) / mpmath.mpf(s.c1)) ** (1 / mpmath.mpf(s.c2))
            return s.q_w + (mpmath.mpf(s.q_m) - s.q_w) * u / (1 + u)

        def asked(p: Any) -> Any:
            exponent = 2 * mpmath.mpf(d.elasticity) * (1 - p / mpmath.mpf(d.mean_price))
            return d.unresponsive + d.responsive / (1 + mpmath.exp(exponent))

        low, high = mpmath.mpf(0), mpmath.mpf(10) ** 9
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (low, middle) if offered(middle) >= asked(middle) else (middle, high)
        price, quantity = float(high), float(asked(high))
    text = f"model: regulation/market-clearing\nparameters: {given.model_dump_json()}\n"
    result = solve(parse_case(text))
    cones = result.verdict.status == "verified"
    # What the cones' solver cannot reach is said, and of them alone.
    assert cones or "cone" in result.verdict.reason
    # An answer has all four; without one only where the cones' solver leaves no point at all.
    rows = result.tables["ways"] if cones or result.tables else []
    assert len(rows) == (4 if rows or cones else 0)
    for row in rows:
        limit = 1e-9 if row["method"] == "root" else 1e-5
        if cones or row["method"] != "cone":
            assert abs(row["price"] - price) <= limit * max(1.0, price)
            assert abs(row["quantity"] - quantity) <= limit * max(1.0, quantity)


def test_a_window_without_width_has_no_pieces() -> None:
    """Doubles that are next to each other are no knots: slopes between them were not a number."""
    demand = Logistic(0.0, 0.6, 34.0, -600.0)
    q = float(demand.below(30.0))
    for high in (q, float(np.nextafter(q, 1.0)), q + 1e-15):
        ladder = pieces(demand, q, high, 48, True, -1.0, (0.0, 1e3))
        assert np.all(ladder.width > 0)
        assert np.all(ladder.end <= ladder.start)


def test_a_demand_far_longer_than_supply_is_cut_to_the_trade() -> None:
    """2250 MW of bids beside 0.04 MW of wind: pieces had slopes of 1e20, and solvers failed."""
    for method in ("steps", "pieces"):
        result = solve(parse_case(
            "model: regulation/market-clearing\nparameters:\n"
            "  supply: {form: asymptotic, c0: 0.76, c1: 1263, c2: 0.05, q_w: 0.0413, q_m: 37.9}\n"
            "  demand: {bids: [[890, 145.18], [430, 139], [140, 52.31], [790, 22.54]]}\n"
            f"  method: {method}\n"
        ))  # fmt: skip
        assert result.verdict.status == "verified", result.verdict
        assert result.values["price"] == pytest.approx(145.18, rel=1e-5)
        assert result.values["quantity"] == pytest.approx(0.0413, rel=1e-5)


@pytest.mark.parametrize("name", ["clearing-curves", "clearing-areas"])
def test_forged_answers_are_refuted(name: str) -> None:
    """Each figure of an answer, moved by four tolerances."""
    system = load_case(CASES / f"{name}.yaml")
    given = auction(MarketClearing(**system.parameters.model_dump(exclude_none=True)))
    root = given.root
    good = Point(root.supplied, root.bought, root.price, root.flow)
    assert all(c.passed for c in agreement(given, good))
    for k in range(len(given.markets)):
        at = np.arange(len(given.markets)) == k
        for sign in (-4e-5, 4e-5):
            step = at * (1 + sign) + ~at
            for wrong in (
                replace(good, price=good.price * step),
                replace(good, supplied=good.supplied * step),
                replace(good, bought=good.bought * step),
                replace(good, supplied=good.supplied * step, bought=good.bought * step),
            ):
                assert not all(c.passed for c in agreement(given, wrong))
    if len(root.flow):
        wrong = replace(good, flow=good.flow * (1 + 4e-5))
        assert not all(c.passed for c in agreement(given, wrong))
