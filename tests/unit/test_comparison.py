"""Stored sweeps side by side."""

from __future__ import annotations

import csv
import html
import io
import math
import shutil
import statistics
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas
import pytest
from scipy import stats

from optimodels.case import load_case
from optimodels.cli import main, parser
from optimodels.comparison import Choice, Table, compare, tables_of
from optimodels.comparison.cells import cell, half_width
from optimodels.comparison.stored import stored_runs
from optimodels.comparison.table import STATISTICS
from optimodels.errors import CallError, CaseError
from optimodels.reporting.formats import WRITERS, latex
from optimodels.runs import Store, sweep
from optimodels.runs.store import Index
from optimodels.study import solve
from optimodels.study.paper import beside_paper

CASE = Path(__file__).parents[2] / "cases" / "flexibility" / "mapping-surface-33bus.yaml"
# The case as it stands is none of these runs: no figure of a paper is beside them.
GRID = (
    "sweep={grid: {parameters.slack: [0, 0.5], parameters.aggregators: [2, 6], "
    "solver: [exact, 'pyomo:highs']}}"
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    sweep(load_case(CASE, [GRID]), folder, workers=2)
    return folder


def test_wide_table_in_stable_order(stored: Path) -> None:
    (table,) = compare([stored])
    assert [(row["slack"], row["aggregators"]) for row in table.rows] == [
        (0, 2), (0, 6), (0.5, 2), (0.5, 6)
    ]  # fmt: skip
    assert list(table.rows[0]) == ["slack", "aggregators", "solver=exact", "solver=pyomo:highs"]
    first = table.rows[0]
    assert first["solver=exact"] == first["solver=pyomo:highs"]
    assert first["solver=exact"].endswith(" ✓")
    assert table.rows[1]["solver=exact"] == "infeasible ✓"
    assert compare([stored]) == [table]


def test_rows_columns_and_value_are_the_user_s(stored: Path) -> None:
    choice = Choice(["aggregators"], ["slack"], "cap_buses", "mean")
    (table,) = compare([stored], choice)
    # Two solvers share a cell; both found the same.
    assert table.rows[0] == {"aggregators": 2, "slack=0": "16 ✓", "slack=0.5": "24 ✓"}
    assert table.note.startswith("mean over solver of cap_buses")
    # A key that was asked for in the rows is not the columns' as well.
    (table,) = compare([stored], Choice(rows=["solver", "slack"]))
    assert list(table.rows[0]) == ["solver", "slack", "aggregators=2", "aggregators=6"]
    assert len(table.rows) == 4
    assert not table.note.startswith("interval")
    (table,) = compare([stored], Choice(columns=[], times=True))
    assert set(table.rows[0]) == {"slack", "aggregators", "solver", "objective", "seconds"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "objective, EUR; ✓"),
        ("cap_buses", "cap_buses: most buses that an aggregator may hold; ✓"),
        ("seconds", "seconds; ✓"),
    ],
)
def test_note_says_what_a_table_shows_in_which_unit(stored: Path, value: str, said: str) -> None:
    (table,) = compare([stored], Choice(value=value))
    assert table.note.removeprefix("interval of ").startswith(said)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice(rows=["slak"]), "no key 'slak'; did you mean 'slack'"),
        (Choice(columns=["solvers"]), "no key 'solvers'; did you mean 'solver'"),
        (Choice(value="objectiv"), "no value 'objectiv'; did you mean 'objective'"),
        (Choice(statistic="medain"), "no statistic 'medain'; did you mean 'median'"),
    ],
)
def test_mistakes_are_told(stored: Path, choice: Choice, message: str) -> None:
    with pytest.raises(CallError, match=message):
        compare([stored], choice)


def test_folder_that_is_no_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(tmp_path)]) == 2
    assert "is no folder of runs" in capsys.readouterr().err
    Store(tmp_path / "empty")
    assert main(["compare", str(tmp_path / "empty")]) == 2
    assert "holds no sweep" in capsys.readouterr().err


class Told:
    """A run as a cell sees it."""

    def __init__(self, value: Any, verdict: str = "verified", state: str = "optimal") -> None:
        self._value, self.verdict, self.state = value, verdict, state

    def value(self, _: str) -> Any:
        return self._value


def test_statistics_of_a_cell_against_scipy() -> None:
    draws = [1.0, 2.5, 2.0, 4.0, 3.5]
    runs: list[Any] = [Told(v) for v in draws]
    interval = stats.t.interval(0.95, 4, statistics.fmean(draws), stats.sem(draws))
    half = half_width(statistics.stdev(draws), 5)
    assert half == pytest.approx((interval[1] - interval[0]) / 2, rel=1e-12)
    said = {name: cell(runs, Choice(statistic=name)) for name in STATISTICS}
    assert said == {
        "mean": "2.6 ✓",
        "median": "2.5 ✓",
        "spread": f"2.6 ± {statistics.stdev(draws):.2g} (sd, n = 5) ✓",
        "interval": f"2.6 ± {half:.2g} (95 %, n = 5) ✓",
        "count": "5 ✓",
    }


def test_cell_carries_the_weakest_verdict_and_what_is_missing() -> None:
    mixed: list[Any] = [Told(1.0), Told(3.0, "refuted"), Told(None, "verified", "infeasible")]
    assert cell(mixed, Choice(statistic="mean")) == "2 (1 of 3 infeasible) ✗"
    ends: list[Any] = [Told(2.0), Told(None, "verified", "infeasible"), Told(None, "", "error")]
    assert cell([*ends, ends[-1]], Choice()) == "2 (1 of 4 infeasible, 2 of 4 error) ✓"
    failed: list[Any] = [Told(None, "", "error")]
    assert cell(failed, Choice()) == "error"
    assert cell([], Choice()) == ""


def test_csv_and_frame_hold_numbers_that_pandas_reads(
    stored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a user computes on: floats in full, verdicts and ends in columns of their own."""
    assert main(["compare", str(stored), "--format", "csv"]) == 0
    read = pandas.read_csv(io.StringIO(capsys.readouterr().out))
    assert list(read.columns) == ["slack", "aggregators"] + [
        f"solver={solver}{what}"
        for solver in ("exact", "pyomo:highs")
        for what in ("", " verdict", " missing")
    ]
    own = {
        (row["slack"], row["aggregators"]): row["objective"]
        for row in sweep(load_case(CASE, [GRID]), stored).rows
        if row["solver"] == "exact"
    }
    for column in ("solver=exact", "solver=pyomo:highs"):
        assert read[column].dtype == float
        told = dict(zip(zip(read["slack"], read["aggregators"], strict=True), read[column],
                        strict=True))  # fmt: skip
        for at, objective in own.items():
            # The exact algorithm's to the last digit; a solver's as far as both are proved.
            if objective is None:
                assert math.isnan(told[at])
            else:
                rel = 0.0 if column == "solver=exact" else 1e-6
                assert told[at] == pytest.approx(objective, rel=rel, abs=0.0)
        assert set(read[f"{column} verdict"]) == {"verified"}
        missing = read.set_index(["slack", "aggregators"])[f"{column} missing"]
        assert missing[0.0, 6] == "infeasible"
        assert missing.isna().sum() == 3
    (table,) = compare([stored])
    assert table.frame["solver=exact"].dtype == float


def test_csv_of_several_seeds_against_scipy(tmp_path: Path) -> None:
    case = load_case(
        CASE.parents[1] / "coalition" / "table-33bus.yaml",
        ["sweep={grid: {parameters.density: [0, 1/n]}, replicas: 4}"],
    )
    sweep(case, tmp_path, workers=2)
    every = Store(tmp_path).indexes()[0]
    by_key = Store(tmp_path).summaries()
    for statistic in STATISTICS:
        (table, *_) = compare([tmp_path], Choice(statistic=statistic))
        for row in table.frame.to_dict("records"):
            draws = [
                by_key[key]["objective"]
                for key, values in zip(every.keys, every.values, strict=True)
                if values[0] == row["density"]
            ]
            assert row["objective n"] == len(draws) == 4
            want = {"median": np.median(draws), "count": 4}.get(statistic, np.mean(draws))
            assert row["objective"] == pytest.approx(want, rel=1e-12)
            if statistic == "spread":
                assert row["objective sd"] == pytest.approx(np.std(draws, ddof=1), rel=1e-12)
            if statistic == "interval":
                low, high = stats.t.interval(0.95, 3, np.mean(draws), stats.sem(draws))
                assert row["objective half width"] == pytest.approx((high - low) / 2, rel=1e-9)


def test_a_cell_of_one_run_beside_others_counts_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the text as in the CSV, and where every cell is of one run."""
    runs = "{parameters.slack: 0}, {parameters.slack: 0.5, solver: 'pyomo:highs'}"
    settings = ["solver=exact", "parameters.aggregators=4"]
    for last, counts in (("", [1, 1]), (", {parameters.slack: 0.5}", [1, 2])):
        sweep(load_case(CASE, [f"sweep={{list: [{runs}{last}]}}", *settings]), tmp_path)
        (table, *_) = compare(tmp_path, Choice(["slack"], [], statistic="count"))
        assert [row["objective"] for row in table.rows] == [f"{n} ✓" for n in counts]
        assert table.frame["objective"].tolist() == counts
        assert table.note.startswith("count over solver of objective")


def test_several_tables_are_one_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("first", "second"):
        sweep(load_case(CASE, [f"name={name}", GRID]), tmp_path)
    assert main(["compare", str(tmp_path), "--format", "csv"]) == 0
    read = pandas.read_csv(io.StringIO(capsys.readouterr().out))
    assert read["table"].nunique() == 2
    assert len(read) == 8
    assert read["solver=exact"].notna().sum() == 6


def test_a_run_that_broke_says_why_below_the_table(tmp_path: Path) -> None:
    grid = "sweep={grid: {parameters.slack: [0, 0.5], parameters.aggregators: [2, 60]}}"
    sweep(load_case(CASE, [grid, "solver=exact"]), tmp_path)
    (table,) = compare(tmp_path)
    assert [row["aggregators=60"] for row in table.rows] == ["error", "error"]
    assert "; 2 x error: " in table.note
    assert "60 aggregators for 32 load buses" in table.note
    assert [row["aggregators=60 missing"] for row in table.numbers or ()] == ["error", "error"]


def ended(objective: float | None = None, *, error: str = "", **seconds: float) -> dict[str, Any]:
    """What a store keeps of a run."""
    answer = {"objective": objective, "stopped": "optimal", "verdict": {"status": "verified"},
              "values": {}, "message": ""}  # fmt: skip
    return {"error": error, "seconds": seconds, "paper": [], **({} if error else answer)}


def test_seconds_of_a_row_are_those_of_all_its_runs_and_stations() -> None:
    index = Index(
        "c", "f/m", ["parameters.n", "solver"], ["a", "b", "c", "d"],
        [[1, "exact"], [1, "highs"], [2, "exact"], [2, "highs"]],
    )  # fmt: skip
    known = {
        "a": ended(1.0, solve=1.5, verify=0.5),
        "b": ended(1.0, build=0.25, solve=4.0),
        "c": ended(2.0, solve=8.0),
        "d": ended(error="no licence", build=16.0),
    }
    (table,) = tables_of(index, known, Choice(times=True))
    assert [row["seconds"] for row in table.rows] == [6.25, 8.0]
    assert [row["seconds"] for row in table.numbers or ()] == [6.25, 8.0]
    (table,) = tables_of(index, known, Choice())
    assert "seconds" not in table.rows[0]


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ("", ""),
        ("a", "; 1 x error: a"),
        ("abbccc", "; 3 x error: c; 2 x error: b; 1 x error: a"),
        ("abbcccde", "; 3 x error: c; 2 x error: b; 1 x error: a; 2 other reasons"),
        ("abbcccd", "; 3 x error: c; 2 x error: b; 1 x error: a; 1 other reason"),
    ],
)
def test_most_frequent_reasons_stand_below_a_table(errors: str, told: str) -> None:
    runs = [ended(1.0), *(ended(error=reason) for reason in errors)]
    keys = [f"k{number}" for number in range(len(runs))]
    index = Index("c", "f/m", ["parameters.n"], keys, [[k] for k in range(len(runs))])
    (table,) = tables_of(index, dict(zip(keys, runs, strict=True)), Choice())
    assert table.note.partition("✗ refuted")[2] == told


def test_a_run_that_a_solver_broke_says_what_it_said() -> None:
    broken = {**ended(None), "stopped": "error", "message": "numerical trouble"}
    (table,) = tables_of(Index("c", "f/m", ["n"], ["k"], [[1]]), {"k": broken}, Choice())
    assert table.note.endswith("; 1 x error: numerical trouble")


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (["eighteen-letters-a", "short"], ["eighteen-letters-a", "short"]),
        (["one-of-many-letters", "two-of-many-letters"],
         ["one-of-many-let...", "two-of-many-let..."]),
        # Cut, they would be one.
        (["many-letters-of-one", "many-letters-of-two"],
         ["many-letters-of-one", "many-letters-of-two"]),
        # One text in several runs does not collide with itself.
        (["many-letters-of-one", "many-letters-of-one", 3],
         ["many-letters-of...", "many-letters-of...", 3]),
    ],
)  # fmt: skip
def test_long_labels_are_cut_where_that_keeps_them_apart(
    values: list[Any], shown: list[Any]
) -> None:
    keys = [f"k{number}" for number in range(len(values))]
    index = Index("c", "f/m", ["parameters.of"], keys, [[value] for value in values])
    assert [run.keys["of"] for run in stored_runs(index, {})] == shown


def test_formats_hold_the_same_cells_and_escape_their_own() -> None:
    table = Table("a_b & c", [{"x|y": "1 < 2", "p %": 0.5}, {"x|y": "ok ✓", "p %": None}], "note_1")
    markdown = WRITERS["markdown"](table)
    assert r"| x\|y | p % |" in markdown
    assert "| ok ✓ | - |" in markdown
    assert next(csv.DictReader(io.StringIO(WRITERS["csv"](table)))) == {
        "x|y": "1 < 2", "p %": "0.5"
    }  # fmt: skip
    tex = WRITERS["latex"](table)
    assert r"\caption{a\_b \& c}" in tex
    assert r"\begin{tabular}{lr}" in tex
    assert r"ok \checkmark{} & - \\" in tex
    assert r"\usepackage{amssymb}" in tex
    # A minus before a number, a hyphen within a name or a range, nothing else.
    assert latex("-1.5 ✓, 1e-05, 2-3, case-33, -") == (
        r"$-$1.5 \checkmark{}, 1e-05, 2-3, case-33, -"
    )
    page = WRITERS["html"](table)
    assert "<td>1 &lt; 2</td>" in page
    # A part of a page of any encoding, as of a file that states none.
    assert page.isascii()
    assert "<td>ok ✓</td>" in html.unescape(page)
    assert "<caption>a_b &amp; c</caption>" in page
    assert latex("50 % ~^\\") == r"50 \% \textasciitilde{}\textasciicircum{}\textbackslash{}"
    assert latex("[1, 2] <= x | y\n\nz > 0") == r"{[}1, 2] $<$= x $|$ y z $>$ 0"


def test_paper_stands_beside_ours(tmp_path: Path) -> None:
    case = CASE.with_name("self-sustainability-33bus-max.yaml")
    sweep(load_case(case, ["sweep={grid: {solver: [highs, exact]}}"]), tmp_path)
    wide, paper = compare([tmp_path])
    assert [row["objective"] for row in wide.rows] == ["16 ✓", "16 ✓"]
    # What the paper printed stands beside the case as it is, not beside every run of the sweep.
    assert {row["solver"] for row in paper.rows} == {"highs"}
    assert {row["word"] for row in paper.rows} <= {"reproduced", "lost in print"} | {
        row["word"] for row in paper.rows if row["word"].startswith(("within", "not reproduced"))
    }
    assert all(row["verdict"] == "✓" for row in paper.rows)
    assert paper.note.startswith("source: ")


def test_words_beside_a_printed_figure() -> None:
    from optimodels.case.schema import Paper

    class Ours:
        objective, stopped, values, tables = 100.0, "optimal", {"name": "b"}, {}

    paper = Paper.model_validate(
        {
            "source": "000",
            "values": {
                "objective": 100.0,
                "near": {"says": 98.0, "ours": "objective"},
                "far": {"says": 50.0, "ours": "objective", "note": "their data are lost"},
                "other": {"says": 10.0, "ours": "objective"},
                "name": "a",
                "lost": {"says": None, "ours": "objective"},
            },
        }
    )
    case = SimpleNamespace(paper=paper)
    words = {row["figure"]: row["word"] for row in beside_paper(case, Ours())}  # type: ignore[arg-type]
    assert words == {
        "objective": "reproduced",
        "near": "within 2 %",
        "far": "not reproduced: their data are lost",
        "other": "not reproduced: differs by 900 %",
        "name": "not reproduced",
        "lost": "lost in print",
    }


def test_rows_of_a_printed_table_stand_beside_their_runs(tmp_path: Path) -> None:
    """An even split of 32 buses with a slack of 0.1 leaves room for 17, 11 and 8 of them."""
    (tmp_path / "printed.csv").write_text(
        "aggregators,objective,cap\n2,-1000,19\n3,-1,11\n4,,8.8\n9,-1,1\n"
    )
    (tmp_path / "case.yaml").write_text(
        "model: flexibility/aggregator-mapping\nnetwork: case33bw\nsolver: exact\n"
        "parameters: {cap: count, slack: 0.1}\n"
        "sweep: {grid: {parameters.aggregators: [2, 3, 4]}}\n"
        "paper:\n  source: '001'\n  table:\n    csv: printed.csv\n"
        "    rows: {aggregators: parameters.aggregators}\n"
        "    figures:\n      objective: {ours: objective, better: lower}\n"
        "      cap: {ours: cap_buses, tolerance: 0.1}\n"
    )
    sweep(load_case(tmp_path / "case.yaml"), tmp_path / "out")
    (_, paper) = compare([tmp_path / "out"])
    assert [row["aggregators"] for row in paper.rows] == [2, 3, 4]
    words = ["not reproduced", "better than printed", "lost in print"]
    assert [row["objective"] for row in paper.rows] == words
    assert [row["cap ours"] for row in paper.rows] == [17, 11, 8]
    # 2 of 19 are more than a tenth, 0.8 of 8.8 are less.
    assert [row["cap"] for row in paper.rows] == ["not reproduced", "reproduced", "reproduced"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("csv: other.csv", "no file 'other.csv' beside the case"),
        ("csv: printed.csv, figures: {nothing: {ours: objective}}", "has no column 'nothing'"),
        ("csv: ../printed.csv", "leads out of the case's folder"),
    ],
)
def test_printed_table_that_cannot_be_read_is_one_line(
    change: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "printed.csv").write_text("aggregators,objective\n2,-1000\n")
    figures = "" if "figures" in change else ", figures: {objective: {ours: objective}}"
    (tmp_path / "case.yaml").write_text(
        "model: flexibility/aggregator-mapping\nnetwork: case33bw\nsolver: exact\n"
        f"paper: {{source: '001', table: {{rows: {{aggregators: parameters.aggregators}}, {change}"
        f"{figures}}}}}\n"
    )
    with pytest.raises(CaseError, match=says) as caught:
        solve(load_case(tmp_path / "case.yaml"))
    assert "case.yaml:4:" in str(caught.value)


def test_command_prints_every_format(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind in WRITERS:
        assert main(["compare", str(stored), "--format", kind]) == 0
        assert "infeasible" in capsys.readouterr().out
    assert main(["compare", str(stored), "--rows", "parameters.slack", "--columns", ""]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80


def test_choices_of_the_command_line_are_all_there_are() -> None:
    assert parser.STATISTICS == STATISTICS
    assert tuple(WRITERS) == parser.FORMATS


def test_damaged_files_are_named_below_the_tables(stored: Path, tmp_path: Path) -> None:
    """A cell that says "not run" is not all that is known of it."""
    shutil.copytree(stored, tmp_path / "out")
    path = sorted((tmp_path / "out" / "runs").rglob("*.run"))[0]
    path.write_bytes(b"no zip")
    (table,) = compare([tmp_path / "out"])
    assert sum(cell == "not run" for row in table.rows for cell in row.values()) == 1
    assert f"{path}: File is not a zip file; set aside in" in table.note
    index = next((tmp_path / "out" / "sweeps").iterdir())
    index.write_text("{")
    with pytest.raises(CallError, match=rf"holds no sweep; .*{index.name}: .*; set aside in"):
        compare([tmp_path / "out"])


def test_index_of_another_time_is_set_aside(stored: Path, tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "old.json").write_text('{"case": "old"}')
    store.write_index(Index("new", "m", [], [], []))
    assert [index.case for index in store.indexes()] == ["new"]
    assert len(store.damaged) == 1


def test_models_that_only_compute_are_told_by_their_first_value(
    cases: Path, tmp_path: Path
) -> None:
    small = "sweep={grid: {parameters.firms: [2, 3]}}"
    case = load_case(cases / "supply/bidding-uniform.yaml", [small, "parameters.draws=0"])
    done = sweep(case, tmp_path)
    assert done.headline == "lowest_bid"
    (table,) = compare(tmp_path)
    assert table.note.startswith("lowest_bid")
    assert list(table.rows[0]) == ["firms", "lowest_bid"]
    assert all("-" not in str(value) for row in table.rows for value in row.values())


def test_a_printed_row_beside_the_draws_of_its_run() -> None:
    """Several seeds are one row: mean, spread and median, and whether the figure is among them."""

    def figure(ours: float) -> dict[str, Any]:
        return {"figure": "loss", "paper": 2.0, "ours": ours, "word": "x", "note": "", "of": "run",
                "source": "s"}  # fmt: skip

    def summaries(values: list[float]) -> dict[str, Any]:
        return {
            f"k{i}": {
                "error": "", "paper": [figure(value)], "objective": value, "stopped": "optimal",
                "values": {}, "seconds": {}, "verdict": {"status": "verified"},
            }
            for i, value in enumerate(values)
        }  # fmt: skip

    def tables(values: list[float]) -> Table:
        keys = [f"k{i}" for i in range(len(values))]
        runs = [[1, seed] for seed in range(len(values))]
        index = Index("c", "f/m", ["parameters.n", "parameters.seed"], keys, runs, "", {})
        _, beside = tables_of(index, summaries(values), Choice())
        return beside

    def told(values: list[float]) -> dict[str, Any]:
        (row,) = tables(values).rows
        return dict(row)

    def plain(values: list[float]) -> dict[str, Any]:
        (row,) = tables(values).numbers or ()
        return dict(row)

    row = told([1.0, 2.5, 4.0])
    assert row == {
        "n": 1, "loss printed": 2.0, "loss ours": "2.5 ± 1.5", "loss median": 2.5,
        "loss": "among the draws", "verdict": "✓",
    }  # fmt: skip
    numbers = plain([1.0, 2.5, 4.0])
    assert (numbers["loss ours"], numbers["loss ours sd"]) == (2.5, 1.5)
    assert (numbers["loss median"], numbers["verdict"]) == (2.5, "verified")
    assert told([3.0, 4.0])["loss"] == "not among 2 draws"
    assert told([3.0])["loss ours"] == 3.0
