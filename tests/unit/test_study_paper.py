"""What a publication printed, read from a case and from its table."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest

from optimodels.case import load_case
from optimodels.case.schema import Claim, Paper, PrintedColumn
from optimodels.errors import CaseError
from optimodels.study import paper, solve

CASE = (
    "model: flexibility/shiftable-loads\n"
    "profiles: {load: [50, 100], price: [20, 40]}\n"
    "parameters: {power_flow: none, discrete: false}\n"
    "paper: {source: a, table: {csv: t.csv, rows: {kw: parameters.kilowatts_per_customer},"
    " figures: {least: {ours: objective}}}}\n"
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "paper.table.csv: 't.csv' is empty"),
        ("kw,least\n13,nan\n", "'t.csv', row 2: 'nan' is no figure of a table"),
        ("kw,least\n13,1\n13,1e300\n", "'t.csv', row 3: '1e300' is no figure of a table"),
        ("kw,least\n13," + "x" * 300 + "\n", "is no figure of a table"),
        ("kw\n13\n", "paper.table: 't.csv' has no column 'least'"),
    ],
)
def test_printed_table_that_is_none_is_one_line_before_the_work(
    text: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("solved first")

    monkeypatch.setattr("optimodels.study.run_stages", fail)
    (tmp_path / "t.csv").write_text(text)
    (tmp_path / "c.yaml").write_text(CASE)
    with pytest.raises(CaseError) as caught:
        solve(load_case(tmp_path / "c.yaml"))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["\ufeffkw,least\n13,7\n", "kw; least\n13; 7\n", "kw,least\n13,7,\n"]
)
def test_printed_table_is_read_as_any_other_file(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    (tmp_path / "c.yaml").write_text(CASE)
    (((cells, claims)),) = paper.printed_rows(load_case(tmp_path / "c.yaml"))
    assert (cells["kw"], claims["least"]) == ("13", Claim(says=7.0, ours="objective"))


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("> 1e-3", "reproduced"),
        ("< 2.5E+1", "reproduced"),
        (">1", "not reproduced"),
        ("< .4", "not reproduced"),
        # A text like any other.
        ("> 1.2.3", "not reproduced"),
        ("> .", "not reproduced"),
    ],
)
def test_statements_with_any_number(statement: str, word: str) -> None:
    case = SimpleNamespace(paper=Paper(source="a", values={"x": statement}))
    ours = SimpleNamespace(values={"x": 0.5}, tables={})
    (row,) = paper.beside_paper(case, ours)  # type: ignore[arg-type]
    assert row["word"] == word


def test_what_was_fitted_stands_with_the_source() -> None:
    case = SimpleNamespace(paper=Paper(source="a, table 2", fitted="the loads", values={"x": 1}))
    ours = SimpleNamespace(values={"x": 1.0}, tables={})
    (row,) = paper.beside_paper(case, ours)  # type: ignore[arg-type]
    assert (row["word"], row["source"]) == ("reproduced", "a, table 2; fitted: the loads")


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.8, 1.6, "within noise"),
        (0.8, 1.7, "within wide noise"),
        # It has both signs, or comes as near to 0 as you like.
        (-1.2, 1.2, "within wide noise"),
        (0.0, 1.1, "within wide noise"),
        (1.1, 1.2, "not reproduced: differs by 100 %"),
    ],
)
def test_a_wide_band_of_noise_has_a_word_of_its_own(low: float, high: float, word: str) -> None:
    figure = PrintedColumn(ours="x", noise=["low", "high"])
    ours = SimpleNamespace(values={"x": 2.0, "low": low, "high": high}, tables={})
    row = paper._row("x", Claim(says=1.0, ours="x"), ours)  # type: ignore[arg-type]
    assert paper._explained(figure, row, ours)["word"] == word  # type: ignore[arg-type]
    # What holds for figures above 0 holds for their negatives.
    ours = SimpleNamespace(values={"x": -2.0, "low": -high, "high": -low}, tables={})
    row = paper._row("x", Claim(says=-1.0, ours="x"), ours)  # type: ignore[arg-type]
    assert paper._explained(figure, row, ours)["word"] == word  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("says", "tolerance", "ours", "word"),
    [
        (100.0, 0.0, 100.0, "reproduced"),
        (100.0, 0.0, 102.0, "within 2 %"),
        (100.0, 0.0, 105.0, "within 5 %"),
        (100.0, 0.0, 106.0, "not reproduced: differs by 6 %"),
        (-100.0, 0.0, -104.0, "within 4 %"),
        # Of nothing there is no part; a difference counts by itself.
        (0.0, 0.0, 0.03, "within 3 %"),
        (100.0, 0.02, 102.0, "reproduced"),
        (100.0, 0.02, 98.0, "reproduced"),
        (100.0, 0.02, 103.0, "within 3 %"),
        (100.0, 0.25, 120.0, "reproduced"),
        (100.0, 0.25, 130.0, "not reproduced: differs by 30 %"),
    ],
)
def test_a_word_by_how_far_ours_is(says: float, tolerance: float, ours: float, word: str) -> None:
    claim = Claim(says=says, tolerance=tolerance)
    found = SimpleNamespace(values={"x": ours}, tables={})
    row = paper._row("x", claim, found)  # type: ignore[arg-type]
    assert (row["word"], row["difference"]) == (word, ours - says)


@pytest.mark.parametrize(
    ("better", "ours", "word"),
    [
        ("lower", 1.0, "better than printed"),
        ("lower", 3.0, "not reproduced: differs by 50 %"),
        ("higher", 1.0, "not reproduced: differs by 50 %"),
        ("higher", 3.0, "better than printed"),
        (None, 1.0, "not reproduced: differs by 50 %"),
    ],
)
def test_better_than_printed_is_what_the_case_says_is_better(
    better: Literal["lower", "higher"] | None, ours: float, word: str
) -> None:
    figure = PrintedColumn(ours="x", better=better)
    found = SimpleNamespace(values={"x": ours}, tables={})
    row = paper._row("x", Claim(says=2.0), found)  # type: ignore[arg-type]
    assert paper._explained(figure, row, found)["word"] == word  # type: ignore[arg-type]
