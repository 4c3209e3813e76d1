"""What a verdict on the physics of regulation refuses: forged figures, one at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimodels.case import load_case, parse_case
from optimodels.errors import CaseError
from optimodels.families.regulation.physical_parameters import FrequencyResponse, RegulationCost
from optimodels.families.regulation.physics import checks as response_checks
from optimodels.families.regulation.physics import cost, cost_checks, pictures
from optimodels.families.regulation.physics.data import read_response
from optimodels.families.regulation.physics.modes import modes
from optimodels.families.regulation.physics.response import Extreme, Simulated, extreme, simulate
from optimodels.families.regulation.physics.system import state_space
from optimodels.model import Inputs
from optimodels.result import Check, Result
from optimodels.study import solve

LINEAR: dict[str, Any] = {"duration": 60.0}
SAMPLED: dict[str, Any] = {"duration": 20.0, "ace_sampling": 4.0}
OPEN: dict[str, Any] = {
    "duration": 60.0,
    "loop": "open",
    "disturbance": [
        {"shape": "step", "of": "frequency", "size": 0.02},
        {"shape": "step", "of": "exports", "size": 0.001, "start": 20.0},
    ],
}


def run(text: str = "", model: str = "frequency-response") -> Result:
    return solve(parse_case(f"model: regulation/{model}\nparameters: {{{text}}}\n"))


def refused(made: tuple[Check, ...]) -> list[str]:
    return [check.name for check in made if not check.passed]


def bent(values: Any, by: float) -> Any:
    """The same values, one of them off by a part of the largest."""
    out = np.array(values)
    k = len(out) // 2
    out[k] = out[k] + by * np.abs(out).max()
    return out


def part(name: str) -> Callable[[Simulated, float], Simulated]:
    return lambda found, by: replace(
        found, parts={**found.parts, name: bent(found.parts[name], by)}
    )


def summed(place: int) -> Callable[[Simulated, float], Simulated]:
    def forge(found: Simulated, by: float) -> Simulated:
        integrals = found.integrals.copy()
        integrals[:, place] = bent(integrals[:, place], by)
        return replace(found, integrals=integrals)

    return forge


def eigenvalue(found: Simulated, by: float) -> Simulated:
    values = found.modes.values.copy()
    values[0] += by * abs(values[0])
    return replace(found, modes=replace(found.modes, values=values))


def multiplier(found: Simulated, by: float) -> Simulated:
    assert found.multiplier is not None
    return replace(found, multiplier=found.multiplier + by)


FORGERIES = {
    **{name: part(name) for name in ("droop", "agc", "load", "exports", "ace")},
    "integral of frequency": summed(0),
    "integral of exports": summed(1),
    "integral of ace": summed(2),
    "frequency": lambda found, by: replace(found, frequency=bent(found.frequency, by)),
    "eigenvalue": eigenvalue,
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_response_is_refused(name: str) -> None:
    """A millionth in one figure of a linear run."""
    response = read_response(Inputs(FrequencyResponse(**LINEAR)))
    found = simulate(response)
    assert refused(response_checks.checks(response, found)) == []
    assert refused(response_checks.checks(response, FORGERIES[name](found, 1e-6)))


@pytest.mark.parametrize("name", [*(n for n in FORGERIES if n != "frequency"), "multiplier"])
def test_a_forged_sampled_response_is_refused(name: str) -> None:
    response = read_response(Inputs(FrequencyResponse(**SAMPLED)))
    found = simulate(response)
    assert refused(response_checks.checks(response, found)) == []
    forge = {**FORGERIES, "multiplier": multiplier}[name]
    assert refused(response_checks.checks(response, forge(found, 1e-3)))


@pytest.mark.parametrize("name", ["droop", "agc", "load", "exports", "ace", "eigenvalue"])
def test_a_forged_open_loop_is_refused(name: str) -> None:
    response = read_response(Inputs(FrequencyResponse(**OPEN)))
    found = simulate(response)
    assert refused(response_checks.checks(response, found)) == []
    assert refused(response_checks.checks(response, FORGERIES[name](found, 1e-6)))


def test_a_forged_nadir_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    response = read_response(Inputs(FrequencyResponse(**LINEAR)))
    found = simulate(response)

    def forged(*args: Any) -> Extreme:
        right = extreme(*args)
        return replace(right, value=1.0001 * right.value)

    monkeypatch.setattr(response_checks, "extreme", forged)
    assert "nadir of the frequency, residues" in refused(response_checks.checks(response, found))


def swapped(found: cost.Regulated) -> cost.Regulated:
    """A thousandth of what droop gives, and is paid, is demand response's: sums stay the same."""
    energy, money = dict(found.energy), dict(found.money)
    for each in (energy, money):
        moved = 1e-3 * each["droop"]
        each["droop"], each["demand"] = each["droop"] - moved, each["demand"] + moved
    return replace(found, energy=energy, money=money)


def dearer(found: cost.Regulated) -> cost.Regulated:
    """All prices and all money a thousandth higher: what is paid is still owed."""
    money = {name: 1.001 * each for name, each in found.money.items()}
    return replace(found, price=1.001 * found.price, money=money)


def passed_on(found: cost.Regulated) -> cost.Regulated:
    """One resource's pay is another's."""
    money = {**found.money, "droop": found.money["demand"], "demand": found.money["droop"]}
    return replace(found, money=money)


@pytest.mark.parametrize(
    "forge", [swapped, dearer, passed_on, lambda found: replace(found, ace=bent(found.ace, 1e-6))]
)
@pytest.mark.parametrize("needed", ["ace", "response"])
def test_a_forged_payment_is_refused(
    forge: Callable[[cost.Regulated], cost.Regulated], needed: str
) -> None:
    hour = cost.read_hour(Inputs(RegulationCost(intervals=1, needed=needed)))
    found = cost.regulate(hour)
    assert refused(cost_checks.checks(hour, found)) == []
    assert refused(cost_checks.checks(hour, forge(found)))


def test_without_simple_modes_a_cost_is_integrated_again() -> None:
    """What is dispatched decays as one of the system's own modes does: that pole is there twice,
    and has no residue. What is forged is refused by the integration as well."""
    given: dict[str, Any] = {
        "intervals": 2,
        "interval_s": 60.0,
        "disturbance": [{"shape": "step", "size": 0.0002, "area": "study"}],
    }
    space = state_space(cost.read_hour(Inputs(RegulationCost(**given))).system)
    found = modes(space.a, space.names)
    slow = found.values[found.names.index("study ACE filter")]
    assert slow.imag == 0
    given["dispatch_decay"] = -1 / float(slow.real)
    hour = cost.read_hour(Inputs(RegulationCost(**given)))
    regulated = cost.regulate(hour)
    made = cost_checks.checks(hour, regulated)
    assert refused(made) == []
    again = [check.name for check in made if check.name.endswith(", Dormand-Prince to 120 s")]
    assert len(again) == 5
    assert not any("residues" in check.name for check in made)
    for forge in (dearer, passed_on):
        assert set(again) & set(refused(cost_checks.checks(hour, forge(regulated))))


@pytest.mark.parametrize(
    ("text", "stable"),
    [
        ("ace_sampling: 4, demand_follows: 0.4, fleet: {hydro: 1}, duration: 240", False),
        ("ace_sampling: 4, demand_follows: 0.2, duration: 240", True),
    ],
)
def test_stable_is_said_of_the_sampled_system(text: str, stable: bool) -> None:
    """What is stable in continuous time may grow when sampled: by so much in each turn."""
    result = run(f"{text}, time_step: 4")
    assert result.verdict.status == "verified"
    assert result.values["stable"] is stable
    assert result.values["largest_real_eigenvalue"] < 0
    assert any(note.startswith("unstable") for note in result.notes) is not stable
    size = np.array([abs(row["ace_percent"]) for row in result.tables["trajectory"]])
    if not stable:
        # The growing mode has all to itself in the end, whatever its sign or turn.
        grown = (size[-9:-1].max() / size[-17:-9].max()) ** (1 / 8)
        assert grown == pytest.approx(result.values["multiplier_per_sample"], rel=0.05)


def test_what_is_neither_stable_nor_unstable_is_said_to_be_neither() -> None:
    """Without droop, damping and load the frequency falls by loss / M for ever."""
    result = run("agc: false, damping: 0, firm_generation: 0, demand_response: 0, duration: 30")
    assert result.verdict.status == "verified"
    assert result.values["stable"] is None
    assert result.values["final_hz"] == pytest.approx(60 * (1 - 0.01 / 10 * 30), rel=1e-12)
    assert any(note.startswith("neither stable nor unstable") for note in result.notes)
    assert "plateau_hz" not in result.values
    # Responsive load alone recovers, and the loss goes on: a mode at zero with the load in it.
    result = run("agc: false, damping: 0, firm_generation: 0, duration: 30")
    assert result.verdict.status == "verified"
    assert result.values["stable"] is None


def test_the_nadir_is_found_where_no_sample_is_low() -> None:
    """A deep dip between two samples, and a shallow one with a sample in it."""
    lost = (
        "disturbance: [{shape: step, size: 0.01}, {shape: step, size: 0.004, start: 148}], "
        "duration: 200"
    )
    coarse, fine = run(f"{lost}, time_step: 50"), run(f"{lost}, time_step: 0.05")
    assert coarse.values["nadir_hz"] == pytest.approx(fine.values["nadir_hz"], abs=1e-6)
    assert coarse.values["nadir_time_s"] == pytest.approx(fine.values["nadir_time_s"], abs=0.01)


@pytest.mark.parametrize(
    "text",
    [
        "inertia: 0.001, time_step: 10",
        "droop: 1000",
        "agc_share: 1, damping: 0",
        "demand_response: 1, demand_follows: 1",
        "firm_generation: 0, agc_share: 1",
        "study_share: 0.999",
        "duration: 0.1",
        "duration: 86400, time_step: 60",
        "duration: 1000000, time_step: 1000",
        "ace_filter: 0.001",
        "high_pressure_fraction: 1",
        "temporary_droop: 0.05",
        "fleet: {hydro: 1}, reset_time: 0.5",
        "load_time_constant: 0.3, demand_follows: 0.2",
        "load_time_constant: 0.20000001, demand_follows: 0.2",
        "load_recovery_gain: 1000",
        "disturbance: {shape: ramp, size: 0.01, rise: 0.000000001}",
        "disturbance: {shape: step, size: 0.01, start: 299.9999999999}",
        "disturbance: {shape: noise, size: 0.001, every: 1000}",
    ],
)
def test_extremes_are_verified_without_a_warning(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = run(text)
    assert result.verdict.status == "verified", refused(result.verdict.checks)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("loop: open", "a loss in the rest does nothing in an open loop"),
        ("agc_gain: 1000", "the run grows beyond 1e+100"),
        ("agc_gain: 1.0e+30", "parameters.agc_gain"),
        ("damping: 1.0e+30", "parameters.damping"),
        ("ace_filter: 0", "parameters.ace_filter"),
        ("nominal_hz: 1.0e+300", "parameters.nominal_hz"),
        ("disturbance: {shape: step, size: 1.0e+300}", "parameters.disturbance.0.size"),
        ("duration: 1000000, time_step: 10000", "parameters.time_step"),
    ],
)
def test_beyond_all_bounds_is_one_line(text: str, said: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CaseError) as error:
            run(text)
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_linear_model_says_where_it_means_nothing() -> None:
    assert any("the model is linear" in n for n in run("disturbance: {shape: step, size: 1}").notes)
    assert not any("the model is linear" in n for n in run().notes)


def test_a_legend_names_what_differs() -> None:
    runs = [run(f"duration: 5, inertia: {m}") for m in (4, 8)]
    assert pictures._labels(runs) == ("inertia", ["4", "8"])
    runs = [run(f"duration: 5, demand_response: {share}") for share in (0.0, 0.05)]
    assert pictures._labels(runs) == ("demand response", ["0 % of load", "5 % of load"])


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("second,lost\n0,0.01\n4,0.01\n12,0\n", "row 4 is 8 s after the one before, not 4 s"),
        ("second,lost\n0,0.01\n\n4,0.01\n", "row 3: is empty"),
        ("second,lost\n0,0.01\n4,\n", "row 3"),
        ("second,lost\n0,nan\n", "no finite number"),
    ],
)
def test_a_record_with_a_gap_is_one_line(tmp_path: Path, record: str, said: str) -> None:
    (tmp_path / "record.csv").write_text(record)
    (tmp_path / "case.yaml").write_text(
        "model: regulation/frequency-response\nparameters: {duration: 30, disturbance: "
        "{shape: recorded, csv: record.csv, column: lost, times: second, every: 4}}\n"
    )
    with pytest.raises(CaseError) as error:
        solve(load_case(tmp_path / "case.yaml"))
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) == 1
