"""Regulation's cost against closed forms, sums by hand and a simulation of another kind."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from optimodels.case import parse_case
from optimodels.errors import CaseError
from optimodels.families.regulation.physical_parameters import RegulationCost
from optimodels.families.regulation.physics import cost
from optimodels.families.regulation.physics.cost import CAUSES, PAID, Hour, Regulated
from optimodels.families.regulation.physics.cost_checks import checks
from optimodels.model import Inputs
from optimodels.result import Result
from optimodels.study import solve


def run(text: str = "") -> Result:
    return solve(parse_case(f"model: regulation/regulation-cost\nparameters: {{{text}}}\n"))


def hour(**parameters: object) -> tuple[Hour, Regulated]:
    read = cost.read_hour(Inputs(RegulationCost(**parameters)))
    return read, cost.regulate(read)


def test_the_market_clears_where_both_curves_meet() -> None:
    """The root by another method, and slopes from the derivatives written out."""
    cleared = hour(intervals=1, demand_response=0.11)[1].dispatches

    def excess(p: float) -> float:
        u = ((p - 15) / 20) ** (1 / 1.5)
        return 100 + 1520 * u / (1 + u) - 945 - 110 / (1 + math.exp(-4 * (1 - p / 50)))

    p = brentq(excess, 16, 200, xtol=1e-12)
    assert cleared.price[0] == pytest.approx(p, rel=1e-9)
    u = ((p - 15) / 20) ** (1 / 1.5)
    supply = 20 * 1.5 * u**0.5 * (1 + u) ** 2 / 1520
    part = 1 / (1 + math.exp(-4 * (1 - p / 50)))
    demand = 12.5 / (110 * part * (1 - part))
    assert cleared.slope[0] == pytest.approx(supply * demand / (supply + demand), rel=1e-9)
    assert cleared.demand_share[0] == pytest.approx(supply / (supply + demand), rel=1e-9)


def test_what_the_exports_take_in_the_end() -> None:
    """A loss elsewhere is made good there: until then the area exports loss s / K_I in all."""
    values = {r["cause"]: r for r in run("intervals: 8").tables["causes"]}
    # 0.01 of 1000 MW for 100 s.
    assert values["exports over tielines"]["energy_mwh"] == pytest.approx(10 * 100 / 3600, rel=1e-9)
    assert values["the area's own deviations"]["energy_mwh"] == 0


def test_demand_response_gives_its_energy_back() -> None:
    rows = {r["resource"]: r for r in run("intervals: 12").tables["resources"]}
    assert abs(rows["demand response"]["energy_mwh"]) < 1e-12
    assert rows["demand response"]["cost"] > 0


@pytest.mark.parametrize("needed", ["ace", "response"])
def test_payments_are_sums_of_price_and_energy(needed: str) -> None:
    """Every four seconds, by trapezia over a simulation a hundred times as fine."""
    coarse, found = hour(intervals=1, needed=needed)
    _, fine = hour(intervals=1, regulation_s=0.04, needed=needed)
    size = coarse.megawatts
    n = len(found.space.a) - len(PAID) - len(CAUSES)
    power = size * fine.states @ fine.space.a[n : n + 3].T
    each = np.array([np.trapezoid(power[100 * j : 100 * j + 101], dx=0.04 / 3600, axis=0)
                     for j in range(75)])  # fmt: skip
    whole = size * (fine.states[::100] @ fine.space.a[n : n + 3].sum(axis=0))
    ace = fine.ace[::100]
    price = found.dispatches.slope[0] * (-ace if needed == "ace" else whole[:-1])
    np.testing.assert_allclose(found.price, price, atol=1e-9 * np.abs(price).max())
    for k, name in enumerate(PAID):
        expected = price @ each[:, k]
        turned = np.abs(price) @ np.abs(each[:, k])
        assert found.paid(name) == pytest.approx(expected, abs=1e-5 * turned)


def test_the_dispatch_price_adds_its_energy() -> None:
    """With P_C in it, the price pays P_C for all energy on top."""
    _, without = hour(intervals=2)
    _, included = hour(intervals=2, price_includes_dispatch=True)
    energy = sum(without.energy[name].sum() for name in PAID)
    assert included.total - without.total == pytest.approx(
        without.dispatches.price[0] * energy, rel=1e-9
    )


def test_cost_scales_with_the_square_of_a_loss() -> None:
    """Prices and energies are both proportional to it; the clearing does not see it elsewhere."""
    small, large = (
        run(f"intervals: 2, disturbance: {{shape: step, size: {size}}}").values["total_cost"]
        for size in (0.005, 0.02)
    )
    assert large == pytest.approx(16 * small, rel=1e-9)


def test_a_loss_at_home_is_dispatched_at_the_next_clearing() -> None:
    """What is lost in minute one is bought in the market of minute five; regulation is off then."""
    text = "intervals: 4, disturbance: {shape: step, size: 0.0002, area: study, start: 60}"
    result = run(text)
    quantity = [row["quantity_mw"] for row in result.tables["dispatches"]]
    assert quantity[1] > quantity[0]
    assert quantity[1] == pytest.approx(quantity[2], rel=1e-12)
    owed = {row["cause"]: row["energy_mwh"] for row in result.tables["causes"]}
    # 20 MW for four minutes, and what the decay of 0.2 s leaves.
    expected = 20 * (240 + 0.2) / 3600
    assert owed["the area's own deviations"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "demand_response: 0",
        "demand_follows: 0.3, dispatch_decay: 2.5",
        "load_profile: [1, 1.02, 0.99], intervals: 3",
        "needed: response, regulation_s: 1, intervals: 2",
        "disturbance: [{shape: noise, size: 0.0002, every: 4, area: study}, "
        "{shape: noise, size: 0.002, every: 3, correlation: 60}], intervals: 3",
        "disturbance: {shape: step, size: 0}",
        "reset_time: 0.5, fleet: {hydro: 1}, demand_response: 0.01, intervals: 1",
    ],
)
def test_every_kind_is_verified(text: str) -> None:
    result = run(text)
    assert result.verdict.status == "verified", [c for c in result.verdict.checks if not c.passed]


@pytest.mark.parametrize("name", ["agc", "native"])
def test_a_wrong_meter_would_be_refuted(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """One meter that runs a millionth fast does not pass."""
    right = cost._metered

    def wrong(*args: object) -> object:
        space = right(*args)  # type: ignore[arg-type]
        k = space.names.index(f"energy of {name}")
        space.a[k] *= 1 + 1e-6
        space.b[k] *= 1 + 1e-6
        return space

    monkeypatch.setattr(cost, "_metered", wrong)
    read, found = hour(intervals=1, disturbance=[{"shape": "step", "size": 0.001, "area": "study"}])
    assert not all(check.passed for check in checks(read, found))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("regulation_s: 7", "multiple of regulation_s"),
        ("agc: false", "needs agc: true"),
        ("intervals: 2016, regulation_s: 0.1", "more than 200000 prices"),
        ("load_profile: [0.01, 1]", "interval 1 has a load of 10 MW, not above half of the 100 MW"),
        ("disturbance: {shape: step, size: 1, of: exports}", "must be of loss"),
        ("elasticity: 1", "parameters.elasticity"),
        ("supply: {form: asymptotic, c0: 15, c1: 20, c2: 1.5, q_w: 1200, q_m: 1600}",
         "has no slope where interval 1 clears"),
        ("supply: {bids: [[2000, 40]]}", "has no slope where interval 1 clears"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(text: str, said: str) -> None:
    with pytest.raises(CaseError) as error:
        run(text)
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) == 1
