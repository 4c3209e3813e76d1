"""Reported figures of the flexibility models, from their tables, by enumeration and by hand."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from optimodels.case import load_case, parse_case
from optimodels.result import Result
from optimodels.study import solve


def run(model: str, parameters: str, profiles: str = "", solver: str = "exact") -> Result:
    text = f"model: flexibility/{model}\nnetwork: case33bw\nsolver: {solver}\n"
    text += f"parameters: {{{parameters}}}\n"
    result = solve(parse_case(text + (f"profiles: {{{profiles}}}\n" if profiles else "")))
    assert result.verdict.status == "verified", result.verdict
    return result


def test_a_fraction_is_rounded_to_the_nearest_of_whole_customers() -> None:
    """30 and 30 percent down, and 77.1 up, leave -0.57 of the third step: with n customers a bus
    can have (2 k - n) / n, of which the nearest is found by looking at all."""
    result = run("shiftable-loads", "power_flow: none", "load: [30, 30, 30, 77.1], "
                 "price: [10, 20, 30, 40]")  # fmt: skip
    power = np.array([30, 30, 30, 77.1]) * 37.15
    m = np.array([-1, -1, -0.57, 1])
    for row, size, state in zip(result.tables["hours"], power, m, strict=True):
        assert row["power_kw"] == pytest.approx(size)
        assert row["magnetisation"] == pytest.approx(state)
        assert row["flexed_power_kw"] == pytest.approx(size * (1 - state), abs=1e-9)
    whole = {}
    for row in result.tables["buses"]:
        n = row["customers"]
        steps = (2 * np.arange(n + 1) - n) / n
        nearest = steps[np.abs(steps + 0.57).argmin()]
        whole[row["bus"]] = nearest
        assert row["largest_rounding"] == pytest.approx(abs(nearest + 0.57), abs=1e-12)
        assert (row["realisable_steps"], row["unrealisable_steps"]) == (3, "3")
    # Of what is neither all nor nothing.
    rows = result.tables["realisability"]
    assert {row["bus"]: row["nearest_magnetisation"] for row in rows} == pytest.approx(whole)
    assert {(row["step"], row["realisable"]) for row in rows} == {(3, False)}
    assert result.values["realisable_in_every_hour"] == 0


def test_whole_customers_lose_what_enumeration_says() -> None:
    """Loads of 1, 2, 1 at prices of 1, 2, 4 would have m = -1, 0, 1: an odd number of customers
    has no 0. The best of all their states that keep the energy, and what it costs."""
    result = run("shiftable-loads", "power_flow: none", "load: [10, 20, 10], price: [1, 2, 4]")
    values, buses = result.values, result.tables["buses"]
    odd = [row for row in buses if row["customers"] % 2]
    assert values["realisable_in_every_hour"] == len(buses) - len(odd) > 0
    for row in buses:
        by = row["customers"] % 2
        assert (row["realisable_steps"], row["unrealisable_steps"]) == (3 - by, "2" * by)
    assert [row["realisable"] for row in result.tables["realisability"]] == [
        row["customers"] % 2 == 0 for row in buses
    ]
    # EUR of a bus by its kW: 10 percent of it at 1, 2 x 2 and 4 EUR/MWh.
    unit = 0.1 / 1000
    assert result.objective == pytest.approx(-3 * unit * 3715)
    whole = 0.0
    for row in result.tables["discrete"]:
        n = row["customers"]
        load = sum(bus["load_kw"] for bus in buses if bus["customers"] == n)
        up = [k for k in product(range(n + 1), repeat=3) if k[0] + 2 * k[1] + k[2] == 2 * n]
        best = -max(np.dot([1, 4, 4], (2 * np.array(k) - n) / n) for k in up) * unit * load
        assert row["objective"] == pytest.approx(best, rel=1e-9)
        assert row["welfare_lost"] == pytest.approx(best + 3 * unit * load, abs=1e-9)
        assert row["buses"] == sum(bus["customers"] == n for bus in buses)
        whole += best
    assert values["discrete_objective"] == pytest.approx(whole, rel=1e-9)
    assert values["welfare_lost_discrete"] == pytest.approx(whole - result.objective, rel=1e-9)
    assert whole > result.objective
    # One aggregator pays 0.80 of the real-time price to all buses.
    assert values["objective_buses"] == pytest.approx(0.8 * result.objective, rel=1e-9)


def test_loading_of_a_line_has_a_closed_form(tmp_path: Path) -> None:
    """A resistance alone: V = (1 + sqrt(1 - 4 r P)) / 2 at its end, where P / V flows; of a limit
    of 0.5 pu. 30 and 10 percent are flexed to 20 and 20, as the energy stays."""
    (tmp_path / "two.m").write_text(
        "function mpc = two\nmpc.version = '2';\nmpc.baseMVA = 10;\n"
        "mpc.bus = [\n1 3 0 0 0 0 1 1 0 20 1 1.1 0.9;\n2 1 10 0 0 0 1 1 0 20 1 1.1 0.9;\n];\n"
        "mpc.gen = [\n1 0 0 99 -99 1 10 1 99 0;\n];\n"
        "mpc.branch = [\n1 2 0.2 0 0 5 5 5 0 0 1 -360 360;\n];\n"
    )
    (tmp_path / "case.yaml").write_text(
        "model: flexibility/shiftable-loads\nnetwork: {file: two.m}\nsolver: exact\n"
        "parameters: {discrete: false}\nprofiles: {load: [30, 10], price: [2, 1]}\n"
    )
    result = solve(load_case(tmp_path / "case.yaml"))
    assert result.verdict.status == "verified"
    for row, loads in zip(result.tables["network"], [(0.3, 0.2), (0.1, 0.2)], strict=True):
        for when, power in zip(("before", "after"), loads, strict=True):
            end = (1 + np.sqrt(1 - 4 * 0.2 * power)) / 2
            flow = power / end
            loading = row[f"highest_loading_{when}_percent"]
            assert loading == pytest.approx(100 * flow / 0.5, rel=1e-6)
            assert row[f"lowest_voltage_{when}_pu"] == pytest.approx(end, rel=1e-6)
            assert row[f"losses_{when}_kw"] == pytest.approx(0.2 * flow**2 * 1e4, rel=1e-5)


def test_customers_who_move_mend_the_buses_that_are_named() -> None:
    """Odd numbers do not add up to 0; each move makes two of them even, or one by a full bus."""
    result = run("spin-assignment", "rewire: true, sense: min")
    rows = {row["bus"]: row for row in result.tables["buses"]}
    bad = [b for b, row in rows.items() if row["magnetisation"] == 0 and row["customers"] % 2]
    assert result.values["infeasible_bus_list"] == ", ".join(map(str, bad))
    assert result.values["infeasible_buses"] == len(bad) > 0
    for bus, row in rows.items():
        up = row["customers"] * (1 + row["magnetisation"]) // 2
        assert row["feasible"] is (bus not in bad)
        assert row["customers_up"] == (None if bus in bad else up)
    moves = result.tables["rewiring"]
    assert result.values["customers_moved"] == sum(row["customers"] for row in moves)
    for row in moves:
        rows[row["from_bus"]]["customers"] -= row["customers"]
        rows[row["to_bus"]]["customers"] += row["customers"]
    assert all(row["customers"] % 2 == 0 for row in rows.values() if row["magnetisation"] == 0)


@pytest.mark.parametrize(("most", "complete"), [(2, False), (3, True), (1000, True)])
def test_optima_are_said_to_be_all_where_they_are(most: int, complete: bool) -> None:
    """There are three: counted whether listed or not."""
    result = run("self-sustainability", f"power_flow: none, enumerate: true, most_optima: {most}")
    assert result.values["optima_complete"] is complete
    assert result.values["optima"] == 3
    assert [row["optimum"] for row in result.tables["optima"]] == [1, 2, 3][:most]


def test_aggregators_have_what_their_buses_bring() -> None:
    """At full flexibility each takes (price_a - price) of its buses' part of the load's value;
    prices are 0.7 + 0.2 (a - 1/2) / 3 of the real-time price, and buses get theirs."""
    result = run("aggregator-mapping", "aggregators: 3, slack: 0.1")
    values, rows, buses = result.values, result.tables["aggregators"], result.tables["buses"]
    base, part, paid = values["baseline_cost"], [], 0.0
    for a, row in enumerate(rows):
        held = [bus for bus in buses if bus["aggregator"] == a + 1]
        assert row["buses"] == len(held)
        assert row["load_kw"] == sum(bus["load_kw"] for bus in held)
        assert row["customers"] == sum(bus["customers"] for bus in held)
        price = 0.7 + 0.2 * (a + 0.5) / 3
        assert row["price_multiplier"] == pytest.approx(price, rel=1e-12)
        part.append((price - 1) * row["load_kw"] / 3715 * base)
        assert row["objective"] == pytest.approx(part[-1], rel=1e-9)
        paid += price * row["load_kw"] / 3715 * base
    assert sum(part) == pytest.approx(result.objective, rel=1e-9)
    assert values["normalised_objective"] == pytest.approx(result.objective / base, rel=1e-9)
    assert values["objective_aggregators"] == pytest.approx(result.objective, rel=1e-9)
    assert values["objective_buses"] == pytest.approx(-paid, rel=1e-9)
    assert values["cardinalities"] == ", ".join(str(row["buses"]) for row in rows)
    assert max(row["buses"] for row in rows) <= values["cap_buses"] == 11
