"""The flexibility family against closed forms, identities and its own two transcriptions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from optimodels.case import parse_case
from optimodels.errors import DataError
from optimodels.families.flexibility import (
    aggregator_mapping,
    discrete_shift,
    self_sustainability,
    shiftable_loads,
    spin_assignment,
)
from optimodels.families.flexibility.agents import Trade, cancellation, evaluate, objectives
from optimodels.families.flexibility.data import read, whole_weights
from optimodels.families.flexibility.lattice import customer_lattice
from optimodels.families.flexibility.parameters import PROFILES, AggregatorMapping, ShiftableLoads
from optimodels.families.flexibility.results import rewiring
from optimodels.grid import read_network
from optimodels.model import Inputs, Profile
from optimodels.solvers import Request, open_problem
from optimodels.study import solve
from optimodels.study.judgement import solve_and_judge


def data_of(parameters: Any = None, network: str = "case33bw", **profiles: Profile) -> Any:
    return read(
        Inputs(parameters or ShiftableLoads(), read_network(network), {**PROFILES, **profiles})
    )


def random_trade(rng: np.random.Generator, buses: int, steps: int, aggregators: int) -> Trade:
    return Trade(
        magnetisation=rng.uniform(-1, 1, (buses, steps)),
        purchase=rng.uniform(0, 2, (buses, steps)),
        aggregator=rng.integers(0, aggregators, buses),
        bus_price=rng.uniform(10, 60, (aggregators, steps)),
        aggregator_price=rng.uniform(10, 60, (aggregators, steps)),
        load_price=rng.uniform(10, 60, steps),
        price=rng.uniform(10, 60, steps),
    )


@pytest.mark.parametrize("seed", range(20))
def test_transfers_between_agents_cancel(seed: int) -> None:
    """001, (27)-(28): the agents' objectives add up to -sum price P sum p m, whatever prices."""
    rng = np.random.default_rng(seed)
    trade = random_trade(rng, 12, 8, 3)
    share = rng.dirichlet(np.ones(12))
    energy = rng.uniform(1, 5, 8)
    values = objectives(trade, share, energy)
    assert cancellation(values).passed
    welfare = -np.sum(trade.price * energy * (share @ trade.magnetisation))
    assert values["objective_welfare"] == pytest.approx(welfare)


def test_what_balances_in_whole_loads_leaves_no_rounding() -> None:
    """Of balanced whole states every agent has 0 to the last digit, whatever the prices."""
    rng = np.random.default_rng(3)
    load = np.array([100, 90, 190, 45, 45, 60])
    m = np.array([1, 1, -1, 1, -1, 0])
    data = replace(
        data_of(), load=load, share=load / load.sum(), price=rng.uniform(10, 60, 24),
        power_kw=rng.uniform(1e3, 4e3, 24),
    )  # fmt: skip
    assert set(evaluate(data, m).values.values()) == {0.0}
    # Full flexibility does not balance; that the DSO sells on at its price leaves it nothing.
    assert evaluate(data, np.ones(6)).values["objective_dso"] == 0.0


def test_homogeneous_prices_and_self_sustainability_leave_nothing() -> None:
    """001, section 5, limit (1): one price for all and (22) make the aggregation objective 0."""
    rng = np.random.default_rng(1)
    trade = random_trade(rng, 10, 6, 3)
    share = rng.dirichlet(np.ones(10))
    m = trade.magnetisation - share @ trade.magnetisation / (share @ share) * share[:, None]
    np.testing.assert_allclose(share @ m, 0, atol=1e-12)
    one = np.tile(trade.bus_price[:1], (3, 1))
    flat = replace(
        trade,
        magnetisation=m,
        purchase=np.zeros_like(m),
        bus_price=one,
        aggregator_price=np.tile(trade.price, (3, 1)),
    )
    assert objectives(flat, share, np.ones(6))["objective_aggregators"] == pytest.approx(
        0, abs=1e-9
    )


def test_stationary_prices_and_shiftable_loads_leave_nothing() -> None:
    """001, section 5, limit (2): prices that do not change and (23) make it 0."""
    rng = np.random.default_rng(2)
    trade = random_trade(rng, 10, 6, 3)
    energy = rng.uniform(1, 3, 6)
    m = trade.magnetisation - np.outer(trade.magnetisation @ energy / (energy @ energy), energy)
    np.testing.assert_allclose(m @ energy, 0, atol=1e-12)
    still = replace(
        trade,
        magnetisation=m,
        purchase=np.zeros_like(m),
        bus_price=np.repeat(trade.bus_price[:, :1], 6, axis=1),
        aggregator_price=np.full((3, 6), 40.0),
    )
    share = rng.dirichlet(np.ones(10))
    assert objectives(still, share, energy)["objective_aggregators"] == pytest.approx(0, abs=1e-9)


def test_mapping_objective_is_the_aggregators_own() -> None:
    """(38) at full flexibility is what (11) gives for the mapping found."""
    data = data_of(AggregatorMapping())
    mapping = aggregator_mapping.instance(data)
    solution = solve_and_judge(aggregator_mapping.FORMULATION, mapping, Request("exact"), "full")
    chosen = np.argmax(solution.arrays["assigned"], axis=1)
    outcome = evaluate(data, np.ones(32), chosen, aggregator_mapping.multipliers(data))
    assert outcome.values["objective_aggregators"] == pytest.approx(solution.objective)


@pytest.mark.parametrize(
    ("formulation", "instance"),
    [
        (shiftable_loads.FORMULATION, lambda: shiftable_loads.instance(data_of())),
        (discrete_shift.FORMULATION, lambda: discrete_shift.instances(data_of())[7]),
        (
            self_sustainability.FORMULATION,
            lambda: self_sustainability.Balance(data_of().load, "max"),
        ),
        (spin_assignment.FORMULATION, lambda: spin_assignment.Spins(8, 0)),
        (
            aggregator_mapping.FORMULATION,
            lambda: aggregator_mapping.instance(data_of(AggregatorMapping(bounds="both"))),
        ),
    ],
    ids=lambda f: getattr(f, "name", ""),
)
def test_two_transcriptions_are_one_problem(formulation: Any, instance: Any) -> None:
    data = instance()
    one, two = (open_problem(formulation, data, via).form for via in ("pyomo", "cvxpy"))
    assert one.columns == two.columns
    assert one.row_blocks == two.row_blocks
    np.testing.assert_allclose(one.rows.toarray(), two.rows.toarray(), rtol=1e-12)
    np.testing.assert_allclose(one.linear, two.linear, rtol=1e-12)
    for side in ("row_lower", "row_upper", "lower", "upper", "integer"):
        np.testing.assert_allclose(getattr(one, side), getattr(two, side), rtol=1e-12)
    assert one.constant == pytest.approx(two.constant)


def test_loads_are_exact_in_the_coarsest_unit() -> None:
    assert data_of().unit_kw == 1
    data = data_of(network="case118")
    assert data.unit_kw == 1000
    assert int(data.load_kw.sum()) == 4_242_000


def test_loads_without_supply_are_refused() -> None:
    """Customers whom nobody supplies cannot be flexible, and may not be lost without a word."""
    network = read_network("case33bw")
    node = network.node.copy()
    node[[3, 5]] = -1
    said = r"network: 2 buses \(4, 6\) with a load of 180 kW in all out of service or on an island"
    with pytest.raises(DataError, match=said):
        read(Inputs(ShiftableLoads(), replace(network, node=node), PROFILES))


def test_the_example_day_is_said_where_it_stands_in() -> None:
    own = Profile(PROFILES["price"].values, "eur_per_mwh")
    assert "no profile of load and price given: the example day's, which is ours" in data_of().notes
    assert "no profile of load given: the example day's, which is ours" in data_of(price=own).notes
    load = Profile(PROFILES["load"].values, "percent")
    assert not [n for n in data_of(price=own, load=load).notes if "no profile" in n]


def test_buses_without_positive_load_are_left_out_and_said() -> None:
    data = data_of(network="case300")
    assert len(data.buses) == 191
    assert "no customers on 109 buses without a load" in data.notes


@pytest.mark.parametrize(
    ("values", "weights"),
    [
        ([40, 38, 36], [20, 19, 18]),
        ([0.1, 0.2, 0.35], [2, 4, 7]),
        ([1486.0, 1411.7], [20, 19]),
    ],
)
def test_whole_weights_keep_exact_proportions(values: list[float], weights: list[int]) -> None:
    found, rounding = whole_weights(values)
    assert found.tolist() == weights
    assert rounding == 0


def test_whole_weights_of_measured_loads_are_rounded_and_said() -> None:
    values = np.random.default_rng(0).uniform(10, 30, 25)
    found, rounding = whole_weights(values)
    assert found.sum() % 2 == 0
    assert 0 < rounding <= 1.5e-3
    np.testing.assert_allclose(found / found.max(), values / values.max(), atol=2e-3)


def test_lattice_regions_are_contiguous_and_of_the_right_size() -> None:
    customers = data_of().customers
    square = customer_lattice(customers)
    assert square.shape == (17, 17)
    np.testing.assert_array_equal(np.bincount(square.ravel()), customers)
    for bus in range(len(customers)):
        sites = {tuple(s) for s in np.argwhere(square == bus)}
        reached = {next(iter(sites))}
        while True:
            more = {
                (i + di, j + dj)
                for i, j in reached
                for di, dj in ((0, 1), (1, 0), (0, -1), (-1, 0))
            } & sites - reached
            if not more:
                break
            reached |= more
        assert reached == sites


def test_rewiring_makes_every_bus_feasible() -> None:
    data = data_of()
    m = np.zeros(32, dtype=np.int64)
    m[0] = 1
    bad = [b for b in range(1, 32) if data.customers[b] % 2]
    customers = data.customers.copy()
    for move in rewiring(data, m, bad):
        customers[np.flatnonzero(data.buses + 1 == move["from_bus"])] -= move["customers"]
        customers[np.flatnonzero(data.buses + 1 == move["to_bus"])] += move["customers"]
    assert customers.sum() == data.customers.sum()
    assert all(customers[b] % 2 == 0 for b in range(1, 32))


def test_caps_are_floors_of_exact_fractions() -> None:
    """(1 + 0.1) 30 / 3 is 11, not 10.999999999999998."""
    for aggregators, slack, cap in [(3, 0.1, 11), (4, 0.25, 10), (5, 0.0, 6), (3, 0.03125, 11)]:
        data = data_of(AggregatorMapping(aggregators=aggregators, slack=slack))
        assert aggregator_mapping.instance(data).upper == cap
    data = data_of(AggregatorMapping(aggregators=5, slack=0.6, slack_kind="absolute"))
    assert aggregator_mapping.instance(data).upper == int(Fraction(32, 5) + Fraction("0.6"))


def test_load_based_cap_is_kept_in_kw() -> None:
    case = parse_case(
        "model: flexibility/aggregator-mapping\n"
        "parameters: {cap: load, slack: 0.05, bounds: both}\nsolver: highs\n"
    )
    result = solve(case)
    assert result.verdict.status == "verified"
    even = 3715 / 3
    for row in result.tables["aggregators"]:
        assert 0.95 * even - 1 <= row["load_kw"] <= 1.05 * even
    # Loads are multiples of 5 kW.
    assert result.values["cap_kw"] == 5 * int(1.05 * even / 5) == 1300


@pytest.mark.parametrize("solver", ["highs", "scip", "exact", "pyomo:highs", "clarabel", "scipy"])
def test_shiftable_loads_by_every_solver(solver: str) -> None:
    """The optimum is a weighted median: computed here once more, by hand of the definition."""
    case = parse_case(
        f"model: flexibility/shiftable-loads\nparameters: {{power_flow: none}}\nsolver: {solver}\n"
    )
    result = solve(case)
    load = np.array(PROFILES["load"].values) * 37.15
    price = np.array(PROFILES["price"].values)
    order = np.argsort(-price)
    m = -np.ones(24)
    room = load.sum() / 2
    for t in order:
        step = min(1.0, room / load[t])
        m[t] = 2 * step - 1
        room -= step * load[t]
    assert abs(m @ load) < 1e-9
    assert result.objective == pytest.approx(-(price * load / 1000) @ m, rel=1e-6)
    assert result.values["price_of_shifting"] == pytest.approx(-38.45, rel=1e-4)
    assert result.verdict.status == "verified"
    assert [r["magnetisation"] for r in result.tables["hours"]] == pytest.approx(m, abs=1e-5)


def test_at_no_load_nothing_is_lost() -> None:
    """A feeder without shunts whose buses all take nothing: losses are 0, not rounding."""
    result = solve(parse_case(
        "model: flexibility/shiftable-loads\nparameters: {discrete: false}\n"
        "profiles: {load: [20, 20], price: [1, 2]}\n"
    ))  # fmt: skip
    idle = result.tables["network"][1]
    assert idle["losses_after_kw"] == 0.0
    assert idle["lowest_voltage_after_pu"] == 1.0


def test_a_flow_that_is_not_found_leaves_the_network_s_state_unverified() -> None:
    """Five times its load is more than the feeder can carry."""
    result = solve(parse_case(
        "model: flexibility/shiftable-loads\nparameters: {discrete: false}\n"
        "profiles: {load: [500, 500], price: [1, 2]}\n"
    ))  # fmt: skip
    assert result.values["unsolved_power_flows"] == 3
    assert result.verdict.status == "unverified"
    assert "power flows without a solution" in result.verdict.reason


def test_prices_and_steps_scale_as_they_must() -> None:
    """Half-hour steps halve the energy; twice the price doubles the welfare."""
    base = "model: flexibility/shiftable-loads\nparameters: {power_flow: none, discrete: false"
    one = solve(parse_case(base + "}\n"))
    half = solve(parse_case(base + ", hours_per_step: 0.5}\n"))
    assert half.objective == pytest.approx(one.objective / 2)
    assert half.values["price_of_shifting"] == pytest.approx(one.values["price_of_shifting"])


def test_magnetisation_that_no_bus_realises_is_said() -> None:
    case = parse_case(
        "model: flexibility/shiftable-loads\nprofiles: {load: [10, 20, 30], price: [1, 2, 3]}\n"
        "parameters: {power_flow: none, kilowatts_per_customer: 60}\n"
    )
    result = solve(case)
    # m = (-1, -1, 1) keeps 10 + 20 = 30: every bus realises it with whole customers.
    assert [r["realisable_buses"] for r in result.tables["hours"]] == [32, 32, 32]
    assert result.values["discrete_objective"] == pytest.approx(result.objective)
