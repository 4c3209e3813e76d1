"""Where power flows leave the network's own limits, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optimodels.case import load_case
from optimodels.grid import Network, read_network
from optimodels.grid.limits import limits_broken
from optimodels.grid.powerflow import PowerFlow, solve_power_flow
from optimodels.study import solve


@pytest.fixture(scope="module")
def network() -> Network:
    return read_network("case33bw")


def flow(network: Network, loading: float | None = None, **vm: float) -> PowerFlow:
    """A flow of 1 pu but at the buses named."""
    voltages = np.ones(len(network.node))
    for name, value in vm.items():
        voltages[int(name.removeprefix("bus")) - 1] = value
    return PowerFlow(voltages, 0 * voltages, 0.0, loading, 1, True, 0.0)


def test_limits_are_those_of_the_network(network: Network) -> None:
    """IEEE 33: 1 pu at the substation, 0.9 to 1.1 pu elsewhere."""
    assert (network.bus_vm_low[0], network.bus_vm_high[0]) == (1.0, 1.0)
    assert {*network.bus_vm_low[1:]} == {0.9}
    assert {*network.bus_vm_high[1:]} == {1.1}


def test_what_is_within_or_on_a_limit_is_not_said(network: Network) -> None:
    flows = [flow(network, 100.0), flow(network, bus5=0.9), flow(network, bus5=1.1)]
    assert limits_broken(network, flows, "now") == []
    assert limits_broken(network, [], "now") == []


def test_farthest_of_all_is_said_with_how_many(network: Network) -> None:
    flows = [flow(network, bus5=0.89), flow(network, bus7=1.15, bus9=0.88), flow(network)]
    (said,) = limits_broken(network, flows, "now")
    assert said.startswith(
        "now, voltages leave the network's own limits in 2 of 3 power flows, farthest at bus 7: "
        "1.15 pu, limit 1.1 pu;"
    )
    (said,) = limits_broken(network, flows[:1], "now")
    assert said.startswith("now, voltages leave the network's own limits, farthest at bus 5: 0.89")


def test_what_was_not_solved_or_has_no_limit_is_not_said(network: Network) -> None:
    wrong = flow(network, bus5=0.5)
    assert limits_broken(network, [replace(wrong, converged=False)], "now") == []
    none = np.full(len(network.node), np.nan)
    free = replace(network, bus_vm_low=none, bus_vm_high=none)
    assert limits_broken(free, [wrong], "now") == []
    only_low = replace(network, bus_vm_high=none)
    assert limits_broken(only_low, [flow(network, bus5=2.0)], "now") == []
    (said,) = limits_broken(only_low, [wrong], "now")
    assert "limit 0.9 pu" in said
    isolated = flow(network, bus5=float("nan"), bus6=0.8)
    (said,) = limits_broken(network, [isolated], "now")
    assert "bus 6" in said


def test_loads_above_a_rating_are_said(network: Network) -> None:
    (said,) = limits_broken(network, [flow(network, 131.0), flow(network, 90.0)], "now")
    assert "loaded above its limit in 1 of 2 power flows, up to 131 %" in said


def test_what_a_study_says_is_what_its_table_shows() -> None:
    case = load_case(Path(__file__).parents[2] / "cases/flexibility/shiftable-33bus.yaml")
    result = solve(case)
    low = [row for row in result.tables["network"] if row["lowest_voltage_after_pu"] < 0.9]
    (said,) = [note for note in result.notes if "own limits" in note]
    assert f"as flexed, voltages leave the network's own limits in {len(low)} of 24 " in said
    assert f"{result.values['lowest_voltage_after_pu']:.4g} pu, limit 0.9 pu" in said


def test_loads_of_the_network_itself_keep_its_limits(network: Network) -> None:
    own = solve_power_flow(network, network.load_kw, network.load_kvar)
    assert limits_broken(network, [own], "now") == []
    twice = solve_power_flow(network, 2 * network.load_kw, 2 * network.load_kvar)
    assert len(limits_broken(network, [twice], "now")) == 1
