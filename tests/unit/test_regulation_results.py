"""Reported figures of regulation, from the tables of the same result, or in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optimodels.case import parse_case
from optimodels.result import Result
from optimodels.study import solve


def run(text: str, model: str = "frequency-response") -> Result:
    result = solve(parse_case(f"model: regulation/{model}\nparameters: {{{text}}}\n"))
    assert result.verdict.status == "verified", result.verdict
    return result


def columns(result: Result, table: str) -> dict[str, Any]:
    """Each column of a table as an array."""
    rows = result.tables[table]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def test_spread_of_ace_on_straight_lines_in_closed_form() -> None:
    """An area alone whose exports are given has these as its ACE: up to 10 %, through zero within
    a step, down to -40 %, and a jump to -30 %; means are integrals of each straight piece."""
    found = run(
        "loop: open, agc: false, demand_response: 0, duration: 40, time_step: 10, disturbance: ["
        "{shape: ramp, of: exports, size: 0.001, rise: 10}, "
        "{shape: ramp, of: exports, size: -0.005, rise: 20, start: 10}, "
        "{shape: step, of: exports, size: 0.001, start: 30}]"
    ).values
    t = np.array([0.0, 10.0, 14.0, 30.0, 30.0, 40.0])
    ace = np.array([0.0, 10.0, 0.0, -40.0, -30.0, -30.0])
    mean = np.trapezoid(ace, t) / 40
    begin, end = ace[:-1] - mean, ace[1:] - mean
    # Simpson's rule, exact for squares of straight lines.
    square = np.diff(t) @ (begin**2 + (begin + end) ** 2 + end**2) / 6 / 40
    assert found["ace_mean_percent"] == pytest.approx(mean, rel=1e-12)
    assert found["ace_mean_absolute_percent"] == pytest.approx(
        np.trapezoid(np.abs(ace), t) / 40, rel=1e-12
    )
    assert found["ace_deviation_percent"] == pytest.approx(np.sqrt(square), rel=1e-12)
    # Lowest before the jump, where the table has what is after it.
    assert found["ace_largest_percent"] == pytest.approx(40, rel=1e-12)
    assert found["exports_lowest_percent"] == pytest.approx(-40, rel=1e-12)
    assert found["exports_highest_percent"] == pytest.approx(10, rel=1e-12)


@pytest.mark.parametrize("loop", ["closed", "open"])
def test_exports_are_what_is_generated_less_what_is_used(loop: str) -> None:
    """Generation, less responsive load, less damping by D, less what is lost; and in the end it is
    units on ACE that have made good what the area has lost."""
    lost = "{size: 0.0005, area: study, start: 20}"
    other = {"closed": "{size: 0.01}", "open": "{size: -0.02, of: frequency, end: 30}"}[loop]
    found = run(
        f"loop: {loop}, damping: 2, duration: 600, time_step: 0.5, disturbance: [{other}, {lost}]"
    )
    each = columns(found, "trajectory")
    used = each["load_percent"] + 2 * 100 * (each["frequency_hz"] / 60 - 1)
    used += 5 * (each["time_s"] >= 20)
    np.testing.assert_allclose(
        each["exports_percent"], each["generation_percent"] - used, rtol=0, atol=1e-11
    )
    assert each["agc_percent"][-1] == pytest.approx(5, abs=0.02)
    assert each["time_s"].tolist() == np.arange(0, 600.5, 0.5).tolist()


def test_extremes_are_those_of_the_trajectory() -> None:
    """Largest and lowest of each column and its time; of what is gained instead of lost they are
    the mirror image, as the system is linear."""
    size = "[{{size: {}}}, {{size: {}, area: study, start: 20}}], duration: 150"
    found = run(f"disturbance: {size.format(0.01, 0.00001)}")
    mirror = run(f"disturbance: {size.format(-0.01, -0.00001)}").values
    values, each = found.values, columns(found, "trajectory")
    time, load = each["time_s"], each["load_percent"]
    assert values["nadir_hz"] == pytest.approx(each["frequency_hz"].min(), abs=1e-4)
    assert values["nadir_hz"] <= each["frequency_hz"].min()
    assert values["nadir_time_s"] == pytest.approx(time[each["frequency_hz"].argmin()], abs=0.1)
    assert values["peak_hz"] == each["frequency_hz"].max() == 60
    assert mirror["peak_hz"] - 60 == pytest.approx(60 - values["nadir_hz"], rel=1e-9)
    for name in ("exports_percent", "generation_percent", "load_percent", "ace_percent"):
        assert np.abs(each[name]).max() > 0.2
    assert values["exports_highest_percent"] == pytest.approx(each["exports_percent"].max())
    assert values["exports_lowest_percent"] == pytest.approx(each["exports_percent"].min())
    assert values["ace_largest_percent"] == pytest.approx(np.abs(each["ace_percent"]).max())
    assert values["generation_peak_percent"] == pytest.approx(each["generation_percent"].max())
    assert values["load_peak_percent"] == pytest.approx(load.min())
    top = load.argmin()
    assert values["load_peak_time_s"] == pytest.approx(time[top])
    back = np.flatnonzero((time > time[top]) & (np.abs(load) <= 0.05 * -load[top]))[0]
    assert values["load_recovery_time_s"] == pytest.approx(time[back])
    for name in ("generation_peak_percent", "load_peak_percent"):
        assert mirror[name] == pytest.approx(-values[name], rel=1e-9)
    assert mirror["exports_lowest_percent"] == pytest.approx(
        -values["exports_highest_percent"], rel=1e-9
    )


def test_modes_are_described_by_their_eigenvalues() -> None:
    """-Re / |.|, 1/e after -1 / Re, a turn in 2 pi / Im; the least damped is the one of all."""
    found = run("fleet: {hydro: 1}, reset_time: 0.5, demand_response: 0, duration: 30")
    modes = columns(found, "modes")
    value = modes["real_per_s"] + 1j * modes["imaginary_per_s"]
    np.testing.assert_allclose(modes["damping"], -value.real / np.abs(value), rtol=1e-12)
    np.testing.assert_allclose(np.exp(value.real * modes["time_constant_s"]), 1 / np.e, rtol=1e-12)
    for row, one in zip(found.tables["modes"], value, strict=True):
        if one.imag:
            assert np.exp(1j * one.imag * row["period_s"]) == pytest.approx(1, abs=1e-12)
            assert one.imag * row["period_s"] < 7
        else:
            assert row["period_s"] is None
    least = modes["damping"].argmin()
    assert found.values["least_damping"] == modes["damping"][least] < 0
    assert found.values["least_damped_mode"] == modes["mode"][least] != modes["mode"][-1]
    assert found.values["largest_real_eigenvalue"] == value.real.max()
    assert found.values["dominant_mode"] == modes["mode"][value.real.argmax()]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("duration: 150", ["smaller", "less", "within two minutes"]),
        ("duration: 30", ["smaller", "less", "later"]),
        # Three times 1 / K_L until a twentieth is left, as the frequency stays low.
        (
            "agc: false, load_recovery_gain: 0.01, duration: 400, time_step: 1",
            ["smaller", "less", "later"],
        ),
        # The area's own loss is made good by its own units, whatever its load does before.
        (
            "duration: 200, disturbance: {size: 0.002, area: study}",
            ["smaller", "not less", "within two minutes"],
        ),
        ("duration: 20, disturbance: {size: 0}", ["not smaller", "not less", "later"]),
    ],
)
def test_what_demand_response_changes_is_seen_without_it(text: str, words: list[str]) -> None:
    """The same case solved with none of it, and each word from the two."""
    beside, bare = run(text), run(f"{text}, demand_response: 0")
    ours, theirs = beside.values, bare.values
    for name in ("nadir_hz", "generation_peak_percent"):
        assert ours[f"{name}_without"] == pytest.approx(theirs[name], rel=1e-12, abs=1e-12)
        assert f"{name}_without" not in theirs
    exports = [columns(one, "trajectory")["exports_percent"] for one in (beside, bare)]
    moved, most = np.abs(exports[0] - exports[1]).max(), np.abs(exports[1]).max()
    # Its peak may be the last moment before a change, which the table does not have.
    assert ours["exports_moved_percent_of_peak"] == pytest.approx(
        100 * moved / most if most else 0, rel=1e-9
    )
    away = [max(60 - one["nadir_hz"], one["peak_hz"] - 60) for one in (ours, theirs)]
    generation = [abs(one["generation_peak_percent"]) for one in (ours, theirs)]
    begins, ends = ours["load_peak_time_s"], ours["load_recovery_time_s"]
    soon = None not in (begins, ends) and ends - begins <= 120
    told = [ours[name] for name in ("excursion", "generation", "load_back")]
    assert told == words
    assert told == [
        "smaller" if away[0] < away[1] else "not smaller",
        "less" if generation[0] < generation[1] else "not less",
        "within two minutes" if soon else "later",
    ]
    if "agc: false" not in text:
        name = "exports_integral_total_percent_s"
        assert ours["total_exports"] == "the same"
        assert ours[name] == pytest.approx(theirs[name], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "disturbance: [{size: -0.02, of: frequency}, {size: 0.001, of: exports, start: 10}]",
            ["smaller", "smaller"],
        ),
        (
            "disturbance: [{size: -0.02, of: frequency, start: 5}, {size: 0.00002, of: exports}]",
            ["smaller", "not smaller"],
        ),
        # Load that is back at once leaves a bias that counts on it.
        (
            "agc: false, load_recovery_gain: 1, disturbance: {size: -0.02, of: frequency}",
            ["not smaller", "smaller"],
        ),
    ],
)
def test_what_demand_response_does_to_ace_is_seen_without_it(text: str, words: list[str]) -> None:
    ours = run(f"loop: open, duration: 20, {text}").values
    theirs = run(f"loop: open, duration: 20, {text}, demand_response: 0").values
    for name, told, word in zip(
        ("ace_mean_absolute_percent", "ace_deviation_percent"),
        ("ace_magnitude", "ace_variance"),
        words,
        strict=True,
    ):
        assert ours[f"{name}_without"] == pytest.approx(theirs[name], rel=1e-12)
        assert ours[told] == word == ("smaller" if ours[name] < theirs[name] else "not smaller")


def test_what_regulation_costs_is_the_sum_of_its_prices() -> None:
    """Three dispatches after losses at home and elsewhere: every figure from the tables of prices,
    dispatches and resources, and what is compared with from a case of its own."""
    lost = (
        "[{size: 0.002}, {size: 0.0001, area: study, start: 60}, "
        "{shape: ramp, size: -0.0002, rise: 100, area: study, start: 350}]"
    )
    text = f"intervals: 3, disturbance: {lost}"
    found = run(text, "regulation-cost")
    other = run(f"{text}, demand_response: 0.01, reference: null", "regulation-cost")
    values, price = found.values, columns(found, "prices")
    dispatch, given = columns(found, "dispatches"), columns(found, "resources")
    # 75 prices of 4 s in each interval, which weigh the same.
    assert price["time_s"].tolist() == np.arange(0, 900, 4).tolist()
    assert price["dispatch_price"].tolist() == np.repeat(dispatch["dispatch_price"], 75).tolist()
    supply, demand = dispatch["supply_slope"], dispatch["demand_slope"]
    slope = supply * demand / (supply + demand)
    np.testing.assert_allclose(price["regulation_price"], -np.repeat(slope, 75) * price["ace_mw"])
    np.testing.assert_allclose(dispatch["participation_demand"], supply / (supply + demand))
    each = price["regulation_price"].reshape(3, 75)
    np.testing.assert_allclose(dispatch["price_deviation"], each.std(axis=1))
    paid = np.append(0.0, price["paid_until_then"])
    np.testing.assert_allclose(dispatch["cost"], np.diff(paid[::75]), atol=1e-12)
    cost = dict(zip(given["resource"], given["cost"], strict=True))
    expected = {
        "total_cost": paid[-1],
        "cost_per_hour": paid[-1] / 0.25,
        "cost_droop": cost["supply on droop"],
        "cost_agc": cost["supply on ACE"],
        "cost_demand": cost["demand response"],
        "mean_dispatch_price": dispatch["dispatch_price"].mean(),
        "mean_slope": slope.mean(),
        "mean_participation_demand": dispatch["participation_demand"].mean(),
        "demand_follows": dispatch["participation_demand"].mean(),
        "regulation_price_largest": np.abs(each).max(),
        "ace_mean_percent": price["ace_mw"].mean() / 10,
        "ace_root_mean_square_percent": np.sqrt((price["ace_mw"] ** 2).mean()) / 10,
        "share_demand_percent": 100 * cost["demand response"] / paid[-1],
        "reference_total_cost": other.values["total_cost"],
        "reference_mean_slope": other.values["mean_slope"],
        "reference_share_demand_percent": other.values["share_demand_percent"],
        # The reference earns by it: paying for it is more, not less.
        "cost_change_percent": 100 * (1 + paid[-1] / -other.values["total_cost"]),
        "slope_change_percent": 100 * (slope.mean() / other.values["mean_slope"] - 1),
    }
    assert other.values["total_cost"] < 0 < paid[-1]
    assert {name: values[name] for name in expected} == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(given["share_percent"], 100 * given["cost"] / given["cost"].sum())
    theirs = columns(other, "resources")
    for name in ("cost", "share_percent"):
        np.testing.assert_allclose(given[f"reference_{name}"], theirs[name], rtol=1e-9)
    # Who makes the deviations owes what is paid; only what is owed at home is collected.
    owed = columns(found, "causes")
    assert owed["owes"].sum() == pytest.approx(paid[-1], abs=1e-9)
    assert owed["owes"][owed["collected"]] == pytest.approx(price["owed_until_then"][-1:])
    assert owed["cause"][owed["collected"]] == ["the area's own deviations"]


def test_frequency_and_ace_that_are_paid_for_are_those_of_the_response() -> None:
    """Of a loss elsewhere, which no dispatch of the study area takes up."""
    paid = run("intervals: 1, demand_follows: 0.2", "regulation-cost")
    response = run("duration: 300, demand_follows: 0.2, time_step: 4")
    price, each = columns(paid, "prices"), columns(response, "trajectory")
    np.testing.assert_allclose(price["frequency_hz"], each["frequency_hz"][:-1], rtol=1e-12)
    np.testing.assert_allclose(price["ace_mw"], 10 * each["ace_percent"][:-1], atol=1e-9)
    assert paid.values["nadir_hz"] == pytest.approx(each["frequency_hz"].min(), rel=1e-12)
