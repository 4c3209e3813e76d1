"""What a case of frequency response may say, and what the command line answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimodels.case import parse_case
from optimodels.cli import main
from optimodels.errors import CaseError
from optimodels.result import Result
from optimodels.study import solve


def run(text: str = "") -> Result:
    return solve(parse_case(f"model: regulation/frequency-response\nparameters: {{{text}}}\n"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("inertia: -1", "parameters.inertia"),
        ("fleet: {hydro: 0.5, reheat: 0.4}", "fractions add up to 0.9, not to 1"),
        ("fleet: {hydro: -0.2}", "parameters.fleet.hydro"),
        ("droop: 0", "parameters.droop"),
        ("agc_share: 0", "leaves no unit to follow ACE"),
        ("agc: false, ace_sampling: 4", "ace_sampling needs agc"),
        ("agc: false, demand_follows: 0.1", "demand_follows needs agc"),
        ("time_step: 400", "longer than duration"),
        ("time_step: 0.001", "more than 200000 steps"),
        ("ace_sampling: 0.05", "shorter than time_step"),
        ("disturbance: {shape: step}", "a step needs size"),
        ("disturbance: {shape: step, size: 1, every: 2}", "a step has no every"),
        ("disturbance: {shape: noise, size: -1, every: 2}", "standard deviation"),
        ("disturbance: {shape: step, size: 1, start: 5, end: 5}", "end must be after 5 s"),
        ("disturbance: {shape: step, size: 1, start: 300}", "not before the end"),
        ("disturbance: {shape: step, size: 1, of: frequency}", "set loop: open"),
        ("disturbance: {shape: noise, size: 1, every: 0.0001}", "makes more than"),
        ("disturbance: {shape: recorded, csv: none.csv, column: a, every: 1}", "none.csv"),
        ("saturation: 2", "parameters.saturation"),
        (
            "fleet: {hydro: 1}, reset_time: 0.5, demand_response: 0, duration: 20000, time_step: 1",
            "the run grows beyond 1e+100",
        ),
        ("saturation: 0.1, time_step: 1", "needs a time_step of at most 0.5 s"),
        ("governor_time: 0.000001", "parameters.governor_time"),
        ("disturbance: []", "parameters.disturbance"),
    ],
)
def test_bad_input_is_one_line(text: str, said: str) -> None:
    with pytest.raises(CaseError) as error:
        run(text)
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_command_line_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "case.yaml"
    file.write_text("model: regulation/frequency-response\nparameters: {duration: 20}\n")
    assert main(["solve", str(file), "--out", str(tmp_path / "out")]) == 0
    assert "nadir_hz" in capsys.readouterr().out
    assert (tmp_path / "out" / "case-response.svg").read_text().startswith("<?xml")
