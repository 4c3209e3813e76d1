"""What a sweep leaves beside its runs: a table and pictures, made again where they are missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from optimodels.cli import main
from optimodels.model import Model
from optimodels.reporting.folder import picture_files

CASE = """model: flexibility/aggregator-mapping
name: surface
solver: exact
sweep: {grid: {parameters.slack: [0, 0.5], parameters.aggregators: [2, 5]}}
"""


def test_picture_that_is_missing_is_drawn_again_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "case.yaml").write_text(CASE)
    out = tmp_path / "out"
    words = ["sweep", str(tmp_path / "case.yaml"), "--out", str(out)]
    assert main(words) == 0
    told = capsys.readouterr().out
    (picture,) = out.glob("*.svg")
    whole = picture.read_bytes()
    picture.unlink()
    assert main(words) == 0
    assert picture.read_bytes() == whole
    # A store of before, which does not say what was drawn.
    (out / "sweeps" / "surface.pictures").unlink()
    assert main(words) == 0
    assert picture.read_bytes() == whole

    def refuses(*_: Any) -> Any:
        raise AssertionError("drawn although nothing has changed")

    monkeypatch.setattr(Model, "draw", refuses)
    capsys.readouterr()
    assert main(words) == 0
    wrote = [line for line in told.splitlines() if line.startswith("  wrote")]
    assert len(wrote) == 2
    assert [line for line in capsys.readouterr().out.splitlines() if "wrote" in line] == wrote


SOLVED = """model: flexibility/aggregator-mapping
name: mapping
solver: exact
"""


def test_what_an_earlier_result_left_goes_with_it(tmp_path: Path) -> None:
    case, out = tmp_path / "case.yaml", tmp_path / "out"
    case.write_text(SOLVED)
    assert main(["solve", str(case), "--out", str(out)]) == 0
    assert (out / "mapping-buses.csv").exists()
    (out / "mapping-notes.csv").write_text("the user's own\n")
    (out / "mapping-two-map.svg").write_text("of another case\n")
    (out / "mapping-two.json").write_text("{}\n")
    case.write_text(SOLVED + "parameters: {aggregators: 5, slack: 0}\n")  # infeasible
    assert main(["solve", str(case), "--out", str(out)]) == 3
    left = {path.name for path in out.iterdir()}
    assert left == {"mapping.json", "mapping-notes.csv", "mapping-two-map.svg", "mapping-two.json"}


def test_pictures_of_a_sweep_outlive_a_single_answer(tmp_path: Path) -> None:
    case, out = tmp_path / "case.yaml", tmp_path / "out"
    case.write_text(CASE)
    assert main(["sweep", str(case), "--out", str(out)]) == 0
    drawn = {path.name for path in out.glob("*.svg")}
    assert main(["solve", str(case), "--out", str(out)]) == 0
    assert drawn
    assert drawn <= {path.name for path in out.glob("*.svg")}


def test_two_cases_of_one_name_do_not_replace_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, out = tmp_path / "a.yaml", tmp_path / "b.yaml", tmp_path / "out"
    first.write_text(SOLVED)
    second.write_text(SOLVED + "parameters: {aggregators: 5}\n")
    assert main(["solve", str(first), str(second), str(first), "--out", str(out)]) == 2
    told = capsys.readouterr().err.splitlines()
    assert told == [
        f"{second}: {first} is named 'mapping' too, and its files would be replaced; "
        "give one of them another `name:`"
    ]
    assert main(["solve", str(first), str(second)]) == 0


def test_inputs_are_spared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case, table = tmp_path / "day.yaml", tmp_path / "day.csv"
    table.write_text("price\n" + "30\n" * 24)
    case.write_text(
        CASE.replace("name: surface\n", "") + "profiles: {price: {csv: day.csv, column: price}}\n"
    )
    for words in (["sweep"], ["solve"]):
        assert main([*words, str(case), "--out", str(tmp_path)]) == 2
        assert "may replace 'day.csv', which the case reads" in capsys.readouterr().err
    assert main(["pack", str(case), "--out", str(case)]) == 2
    assert "is read by the case" in capsys.readouterr().err
    assert table.read_text().startswith("price")
    assert case.read_text().startswith("model:")


def test_a_picture_is_of_who_drew_it(tmp_path: Path) -> None:
    """A sweep and an answer of one case may draw pictures of one name."""
    case, out = tmp_path / "case.yaml", tmp_path / "out"
    case.write_text(
        "model: regulation/frequency-response\nname: fr\n"
        "sweep: {grid: {parameters.demand_response: [0.1, 0.2]}}\n"
    )
    words = ["sweep", str(case), "--out", str(out)]
    assert main(words) == 0
    drawn = {path.name: path.read_bytes() for path in out.glob("*.svg")}
    assert {path.name for path in picture_files(out, "fr", of_sweep=True)} == set(drawn)
    assert main(["solve", str(case), "--out", str(out)]) == 0
    both = [name for name in drawn if (out / name).read_bytes() != drawn[name]]
    assert both
    assert not {path.name for path in picture_files(out, "fr", of_sweep=True)} & set(both)
    assert main(words) == 0
    assert all((out / name).read_bytes() == drawn[name] for name in drawn)
    # Without an answer nothing is left to be shown.
    case.write_text(case.read_text().replace("[0.1, 0.2]", "[[1], [2]]"))
    assert main(words) == 2
    assert not list(out.glob("*.svg"))


def test_what_was_asked_otherwise_is_not_replaced_without_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case, out = tmp_path / "case.yaml", tmp_path / "out"
    case.write_text(SOLVED)
    words = ["solve", str(case), "--out", str(out)]
    assert main(words) == 0
    assert main(words) == 0
    assert capsys.readouterr().err == ""
    assert main([*words, "--set", "parameters.aggregators=2"]) == 0
    assert "which was asked otherwise" in capsys.readouterr().err


def test_a_sweep_of_another_file_is_not_replaced_without_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(CASE)
    out = ["--out", str(tmp_path / "out")]
    for _ in range(2):
        assert main(["sweep", str(tmp_path / "a.yaml"), *out]) == 0
    assert capsys.readouterr().err == ""
    assert main(["sweep", str(tmp_path / "b.yaml"), *out]) == 0
    assert f"replaces the table and pictures of {tmp_path / 'a.yaml'}" in capsys.readouterr().err
