"""The report of a folder: what it holds, in HTML and Markdown alike, and nothing that can harm."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import pickle
import re
import shlex
import shutil
from contextlib import suppress
from dataclasses import replace
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from matplotlib.backend_bases import GraphicsContextBase, RendererBase

from optimodels.benchmarking import Benchmark, Entry, Settings
from optimodels.benchmarking.entry import Status
from optimodels.case import load_case
from optimodels.cli import main
from optimodels.comparison import Table, compare
from optimodels.errors import CallError
from optimodels.model import Model
from optimodels.papers import PAPERS
from optimodels.reporting.asked import again, question
from optimodels.reporting.drawing import inline
from optimodels.reporting.formats import as_csv
from optimodels.reporting.html import html_page
from optimodels.reporting.markdown import markdown_line, markdown_page
from optimodels.reporting.page import gather, report
from optimodels.reporting.sections import Listing, Page, Picture, Section
from optimodels.reporting.text import number, result_text
from optimodels.runs import Store, sweep
from optimodels.runs.record import unpack
from optimodels.runs.store import Index
from optimodels.study import solve
from tests.unit.imports import imported_by
from tests.unit.page_reading import Read

CASES = Path(__file__).parents[2] / "cases" / "flexibility"
SOLVED = "aggregator-mapping-33bus"
SWEPT = "mapping-surface-33bus"
GRID = "sweep={grid: {parameters.slack: [0, 0.5], parameters.aggregators: [2, 4, 5]}}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a result that was set by hand, and a sweep of six runs."""
    folder = tmp_path_factory.mktemp("made") / "results"
    solve = ["solve", str(CASES / f"{SOLVED}.yaml"), "--set", "parameters.slack=0.5"]
    assert main([*solve, "--solver", "exact", "--out", str(folder)]) == 0
    swept = ["sweep", str(CASES / f"{SWEPT}.yaml"), "--set", GRID, "--out", str(folder)]
    assert main(swept) == 0
    report(folder)
    return folder


def read(folder: Path) -> Read:
    return Read((folder / "report.html").read_text("utf-8"))


def tables_of_markdown(text: str) -> list[tuple[str, list[str], list[list[str]]]]:
    found, title, fenced = [], "", ""
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = "" if line == fenced else fenced or line
        elif fenced:
            continue
        elif line.startswith("**"):
            title = plain(line.strip("*"))
        elif line.startswith("| "):
            cells = [plain(c.strip()) for c in re.split(r"(?<!\\)\|", line)[1:-1]]
            if title:
                found.append((title, cells, []))
                title = ""
            elif set(cells) != {"---"}:
                found[-1][2].append(cells)
    return found


def plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


# --- what the page says


def test_both_pages_hold_every_table_with_the_same_cells(made: Path) -> None:
    html = read(made).tables
    markdown = tables_of_markdown((made / "report.md").read_text("utf-8"))
    assert [title for title, _, _ in html] == [title for title, _, _ in markdown]
    assert len(html) > 8
    for (title, heads, rows), (_, other_heads, other_rows) in zip(html, markdown, strict=True):
        assert heads == [head.replace("_", " ") for head in other_heads], title
        # What is only read aloud is the word of a mark that stands alone.
        said = [[re.sub(r"(?<=\S [✓✗?]) \w+$", "", cell) for cell in row] for row in rows]
        assert said == other_rows, title


def test_csv_of_a_table_is_the_one_that_solve_wrote(made: Path) -> None:
    links = {
        attributes["download"]: attributes["href"]
        for tag, attributes in read(made).tags
        if tag == "a" and "download" in attributes
    }
    written = (made / f"{SOLVED}-buses.csv").read_text("utf-8")
    head, _, content = str(links["Buses.csv"]).partition(",")
    assert head == "data:text/csv;charset=utf-8"
    assert unquote(content) == written
    runs = list(csv.DictReader(io.StringIO(unquote(str(links["All-runs.csv"]).partition(",")[2]))))
    stored = list(csv.DictReader((made / f"{SWEPT}.csv").open(encoding="utf-8")))
    assert [row["objective"] for row in runs] == [row["objective"] for row in stored]
    case = (CASES / f"{SOLVED}.yaml").read_text("utf-8")
    assert unquote(str(links[f"{SOLVED}.yaml"]).partition(",")[2]) == case


def test_csv_of_runs_side_by_side_is_numbers(tmp_path: Path) -> None:
    """The link is the one of ``compare --format csv``: a column per number, no cell of words."""
    grid = "sweep={grid: {parameters.density: [0, 1/n]}, replicas: 3}"
    swept = [str(CASES.parent / "coalition" / "table-33bus.yaml"), "--set", grid]
    assert main(["sweep", *swept, "--out", str(tmp_path)]) == 0
    report(tmp_path)
    links = [a for tag, a in read(tmp_path).tags if tag == "a" and "download" in a]
    (wide, *_) = compare(tmp_path)
    linked = [unquote(str(a["href"]).partition(",")[2]) for a in links]
    assert as_csv(wide) in linked
    (row, _) = csv.DictReader(io.StringIO(as_csv(wide)))
    assert float(row["objective half width"]) > 0.0


def test_a_key_that_a_sweep_sets_is_not_shown_as_fixed() -> None:
    """Neither the key itself, nor parts of a mapping that is set, nor what holds a part."""
    keys = {"solver": {"name": "highs"}, "parameters": {"demand": {"form": "logistic", "at": 1},
            "demands": 3, "agents": [1, 2]}}  # fmt: skip
    asked = {"keys": keys, "file": "c.yaml", "text": "", "settings": []}
    columns = ["solver", "parameters.demand", "parameters.agents.0"]
    shown = {r["key"]: r["value"] for r in question("f/m", asked, columns).tables[0].rows}
    assert {key for key, value in shown.items() if value == "see the runs"} == {
        "solver.name", "parameters.demand.form", "parameters.demand.at", "parameters.agents",
    }  # fmt: skip
    assert shown["parameters.demands"] == 3


def test_page_says_what_was_asked_found_and_shown(made: Path) -> None:
    page = read(made)
    sections = [title for level, title in page.headings if level == 2]
    assert sections == [SOLVED, SWEPT, "Papers"]
    assert f"001: {PAPERS['001']}." in page.text
    parts = [title for level, title in page.headings if level == 3]
    assert set(parts) >= {
        "What was asked", "The mathematics", "The answer", "Pictures", "Side by side", "Runs",
        "How it was checked", "Environment and times", "How to run it again",
    }  # fmt: skip
    assert "Set over the file: solver=exact; parameters.slack=0.5." in page.text
    assert "sum_a w_ba = 1" in page.text
    tables = {title: rows for title, _, rows in page.tables}
    asked = dict(row for row in tables["The case in full"] if row[0] == "parameters.slack")
    assert asked == {"parameters.slack": "see the runs"}  # the sweep's; the last of that title
    paper = tables[f"{SWEPT}: beside the paper"]
    assert [row[3:7] for row in paper] == [["infeasible", "infeasible", "-", "reproduced"]]
    # Six runs, five slack values of one infeasible: marks have their words beside them.
    assert len(tables["All runs"]) == 6
    assert all("✓ verified" in row for row in tables["All runs"])
    assert sum(row[-1] == "5" for row in tables["Verdicts"]) == 1
    assert "6 of 6 runs verified" in page.text


def test_values_and_columns_say_what_they_are(made: Path) -> None:
    """In both pages beside every value, in HTML over every column of a result's tables."""
    meaning = load_case(CASES / f"{SOLVED}.yaml").model.meaning
    told = {title: rows for title, _, rows in tables_of_markdown((made / "report.md").read_text())}
    assert told["Values"]
    assert all(what == meaning(name) != "" for name, _, what in told["Values"])
    page = (made / "report.html").read_text("utf-8")
    for row in told["Values"]:
        assert row[2] in unescape(page)
    assert f'title="{meaning("customers", "aggregators")}"' in unescape(page)


def test_values_in_a_terminal_say_what_they_are_where_there_is_room() -> None:
    case = load_case(CASES / f"{SOLVED}.yaml", ["solver=exact"])
    result = solve(case)
    name = "normalised_objective"
    wide = result_text(result, 120, case.model.meaning)
    (line,) = (one for one in wide.splitlines() if one.strip().startswith(name))
    assert line.split(None, 2)[2] == case.model.meaning(name)
    for width in range(40, 121, 8):
        text = result_text(result, width, case.model.meaning)
        assert max(map(len, text.splitlines())) <= width
        assert ("over baseline_cost" in " ".join(text.split())) == (width >= 72), width


def test_command_of_the_page_gives_the_same_answer(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [part for part in gather(made).sections[0].parts if "again" in part.title]
    command = shlex.split(listed[0].listings[0].text)
    assert command[0] == "optimodels"
    monkeypatch.chdir(tmp_path)
    assert main(command[1:]) == 0
    first, second = (
        json.loads((folder / f"{SOLVED}.json").read_text("utf-8"))
        for folder in (made, tmp_path / "results")
    )
    assert first.pop("seconds").keys() == second.pop("seconds").keys()
    assert first == second


def test_command_of_the_page_has_all_that_was_said(tmp_path: Path) -> None:
    asked = {"file": "my case.yaml", "settings": ["name=a b", "x=1"], "outside": True}
    for outside, word in ((True, "--allow-outside "), (False, "")):
        section = again("sweep", {**asked, "outside": outside}, tmp_path / "results")
        assert section is not None
        assert section.listings[0].text == (
            f"optimodels sweep 'my case.yaml' --set 'name=a b' --set x=1 {word}--out results"
        )
    assert again("sweep", {}, tmp_path) is None


def test_what_was_asked_is_kept_once_and_does_not_travel(made: Path) -> None:
    path = CASES / f"{SWEPT}.yaml"
    case = load_case(path, [GRID])
    asked = case.asked()
    assert asked["text"] == path.read_text("utf-8")
    assert asked["settings"] == [GRID]
    assert asked["keys"] == {k: v for k, v in case.resolved().items() if k != "paper"}
    other = case.with_values({"parameters.slack": 0.25})
    assert load_case(path, other.asked()["settings"]).resolved() == other.resolved()
    index = json.loads((made / "sweeps" / f"{SWEPT}.json").read_text("utf-8"))
    assert index["asked"] == asked
    assert asked["text"].encode() not in pickle.dumps(case.alone())
    runs = [unpack(file.read_bytes()) for file in (made / "runs").rglob("*.run")]
    assert len(runs) == 6
    assert not any("asked" in (run.result or {}) for run in runs)


def test_result_of_an_older_time_has_a_page_without_the_question(
    made: Path, tmp_path: Path
) -> None:
    whole = json.loads((made / f"{SOLVED}.json").read_text("utf-8"))
    del whole["asked"]
    (tmp_path / "old.json").write_text(json.dumps(whole), "utf-8")
    report(tmp_path)
    page = read(tmp_path)
    assert "The case itself was not kept." in page.text
    assert "How to run it again" not in [title for _, title in page.headings]


def badges(folder: Path) -> list[tuple[str, str]]:
    section = gather(folder).sections[0]
    return [(badge.status, badge.text) for badge in section.badges]


def test_badges_of_a_benchmark_count_its_answers(tmp_path: Path) -> None:
    ends: list[Status] = ["solved", "refuted", "time", "unverified", "solved", "solved", "refuted"]
    entries = tuple(Entry("one", f"s{number}", end) for number, end in enumerate(ends))
    (tmp_path / "bench.json").write_text(Benchmark(Settings(), {}, entries).as_json(), "utf-8")
    assert badges(tmp_path) == [
        ("verified", "3 of 7 answers verified"),
        ("refuted", "2 of 7 answers refuted"),
        ("unverified", "1 of 7 answers unverified"),
    ]


def test_badges_of_a_sweep_count_all_its_runs(tmp_path: Path) -> None:
    """Of 60 aggregators for 32 buses there is no answer; one more run is taken away."""
    grid = "sweep={grid: {parameters.aggregators: [2, 4, 60]}}"
    done = sweep(load_case(CASES / f"{SWEPT}.yaml", [grid]), tmp_path)
    (tmp_path / "runs" / done.index.keys[1][:2] / f"{done.index.keys[1]}.run").unlink()
    assert badges(tmp_path) == [
        ("verified", "1 of 3 runs verified"),
        ("unverified", "1 of 3 runs failed: no answer"),
        ("unverified", "1 of 3 runs not run"),
    ]


@pytest.mark.parametrize(
    ("columns", "values", "heads"),
    [
        (["slack", "aggregators"], [[0, 2], [0, 3], [1, 2], [1, 3], [2, 2], [2, 3]],
         ["slack", "aggregators=2", "aggregators=3"]),
        (["aggregators", "slack"], [[2, 0], [2, 1], [2, 2], [3, 0], [3, 1], [3, 2]],
         ["slack", "aggregators=2", "aggregators=3"]),
        # Of two that are as narrow, the later one; a key of one value, or a seed, is neither.
        (["slack", "aggregators"], [[0, 2], [0, 3], [1, 2], [1, 3]],
         ["slack", "aggregators=2", "aggregators=3"]),
        (["cap", "slack", "aggregators", "seed"], [["x", 0, 2, 1], ["x", 1, 3, 2], ["x", 2, 3, 2]],
         ["cap", "slack", "aggregators=2", "aggregators=3"]),
    ],
)  # fmt: skip
def test_runs_stand_side_by_side_in_the_narrowest_table(
    columns: list[str], values: list[list[Any]], heads: list[str], tmp_path: Path
) -> None:
    keys = [f"k{number}" for number in range(len(values))]
    index = Index("c", "f/m", [f"parameters.{name}" for name in columns], keys, values)
    Store(tmp_path).write_index(index)
    section = gather(tmp_path).sections[0]
    (wide,) = (part for part in section.parts if part.title == "Side by side")
    assert list(wide.tables[0].rows[0]) == heads


@pytest.mark.parametrize(
    ("slacks", "which", "stopped"),
    [
        ("1, 0", "the case as it stands", "infeasible"),
        ("0.1, 1", "the first run that is optimal", "optimal"),
        ("0.1", "the first run that is infeasible", "infeasible"),
    ],
)
def test_checks_of_a_sweep_are_those_of_one_run_that_is_named(
    slacks: str, which: str, stopped: str, tmp_path: Path
) -> None:
    """Of 6 aggregators of 32 buses: without slack, and with a tenth, they hold 5 each, 30."""
    settings = [f"sweep={{grid: {{parameters.slack: [{slacks}]}}}}", "parameters.aggregators=6"]
    sweep(load_case(CASES / f"{SWEPT}.yaml", settings), tmp_path)
    section = gather(tmp_path).sections[0]
    (checked,) = (part for part in section.parts if "checked" in part.title)
    assert checked.title == f"How it was checked: {which}"
    assert f"Environment and times: {which}" in [part.title for part in section.parts]
    stage, *_ = checked.tables[0].rows
    assert stage["stopped"] == stopped


# --- its form


def test_headings_tables_and_names_are_in_order(made: Path) -> None:
    page = read(made)
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    names = [str(a["id"]) for _, a in page.tags if "id" in a]
    assert len(names) == len(set(names))
    tags = [tag for tag, _ in page.tags]
    assert tags.count("caption") == tags.count("table") == len(page.tables)
    assert all("scope" in a for tag, a in page.tags if tag == "th")
    for _, attributes in page.tags:
        for key in ("aria-labelledby", "aria-describedby"):
            assert set(str(attributes.get(key, "")).split()) <= set(names)
    pictures = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(pictures) == 2
    assert all(a["role"] == "img" and a["aria-labelledby"] for a in pictures)


def test_nothing_is_loaded_and_only_own_scripts_may_run(made: Path) -> None:
    page = read(made)
    names = {f"#{a['id']}" for _, a in page.tags if "id" in a}
    for tag, attributes in page.tags:
        for key, value in attributes.items():
            assert not key.startswith("on")
            assert key not in ("src", "srcset", "action", "style", "xlink:href")
            if key == "href":
                good = value in names or str(value).startswith("data:")
                assert good or (tag == "a" and str(value).startswith("https://"))
    (policy,) = (
        str(a["content"]) for tag, a in page.tags
        if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )  # fmt: skip
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for tag in ("script", "style"):
        hashes = [base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
                  for content in page.inline[tag]]  # fmt: skip
        assert rules[f"{tag}-src"].split() == [f"'sha256-{value}'" for value in hashes]
    assert "http" not in "".join(page.inline["style"] + page.inline["script"])


def test_same_folder_same_bytes_wherever_it_lies(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [made / name for name in ("report.html", "report.md")]
    before = [file.read_bytes() for file in files]
    report(made)
    assert [file.read_bytes() for file in files] == before
    copy = tmp_path / "results"
    shutil.copytree(made, copy)
    (copy / "table.sqlite").unlink()
    monkeypatch.chdir(copy)
    report(".")
    assert [(copy / file.name).read_bytes() for file in files] == before


HOSTILE = "<script>alert('x')</script> & \"q\" | `code` *b* [l](javascript:alert(1)) </script>"


def hostile_page() -> Page:
    rows = [{HOSTILE: HOSTILE, "plain_name": 1.0, "verdict": "?"}]
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0"/></svg>'
    section = Section(
        HOSTILE,
        HOSTILE,
        text=[HOSTILE, "# not a heading", "see https://example.org/a?b=1&c=2, or ftp://x.y"],
        listings=[Listing(HOSTILE, f"{HOSTILE}\n```\n", HOSTILE)],
        tables=[Table(HOSTILE, rows, HOSTILE)],
        pictures=[Picture(HOSTILE, svg, HOSTILE, Table(HOSTILE, rows))],
    )
    return Page(HOSTILE, [section], [HOSTILE])


def test_texts_of_a_user_are_only_texts() -> None:
    page = Read(html_page(hostile_page()))
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert page.headings[0] == (1, HOSTILE)
    assert page.tables[0][0] == HOSTILE
    assert page.tables[0][1:] == ([HOSTILE.replace("_", " "), "plain name", "verdict"],
                                  [[HOSTILE, "1", "? unverified"]])  # fmt: skip
    links = [str(a["href"]) for tag, a in page.tags if tag == "a"]
    foreign = [link for link in links if not link.startswith(("#", "data:"))]
    assert foreign == ["https://example.org/a?b=1&c=2"]
    markdown = markdown_page(hostile_page())
    for line in markdown.replace("\n```\n", "\n").splitlines():
        if line != HOSTILE:  # which stands so in the listing, inside a longer fence
            assert not re.search(r"(?<!\\)<", line)
    assert f"\n````\n{HOSTILE}\n```\n````\n" in markdown
    assert "\n\\# not a heading\n" in markdown


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a_b and _c_", r"a_b and \_c\_"),
        ("1. x", r"1\. x"),
        ("-525.67", "-525.67"),
        ("- x\ny", r"\- x y"),
        ("a|b<c&d", r"a\|b\<c\&d"),
        ("+", r"\+"),
        ("## x", r"\## x"),
        ("===", r"\==="),
    ],
)
def test_markdown_reads_a_text_as_it_is(text: str, escaped: str) -> None:
    assert markdown_line(text) == escaped


def test_picture_keeps_what_draws_and_nothing_else() -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'width="20pt" height="10pt" onload="alert(1)"><script>alert(1)</script>'
        "<style>*{fill:red}</style><foreignObject><p>x</p></foreignObject>"
        '<defs><path id="p" d="M0 0L1 1"/><clipPath id="c"><rect width="1" height="1"/></clipPath>'
        '</defs><use xlink:href="#p" style="fill: #00f; behavior: url(http://x)"/>'
        '<g clip-path="url(#c)" id="unused"><image xlink:href="http://x/y.png"/>'
        '<image xlink:href="data:image/png;base64,AA=="/>'
        '<rect fill="url(http://x)" onclick="alert(1)"/><a href="javascript:alert(1)">'
        "<text>t &lt; u</text></a></g></svg>"
    )
    page = Read(made_inline := inline(svg, "n", "a < b"))
    assert not re.search("alert|http|script|style|foreign|unused|behavior", made_inline)
    root = page.tags[0][1]
    assert root["viewbox"] == "0 0 20 10"
    assert root["role"] == "img"
    ids = {a["id"] for _, a in page.tags if "id" in a}
    assert ids == {"n-title", "n-p", "n-c"}
    assert {"href": "#n-p", "fill": "#00f"} in [a for tag, a in page.tags if tag == "use"]
    assert [a.get("href") for tag, a in page.tags if tag == "image"] == [
        None, "data:image/png;base64,AA=="
    ]  # fmt: skip
    assert "a < b" in page.text
    for wrong in ("<svg", "<p/>", '<!DOCTYPE a [<!ENTITY b "c">]><a/>'):
        with pytest.raises(ValueError, match=r"."):
            inline(wrong, "n", "t")


def test_whole_picture_of_matplotlib_comes_through(made: Path) -> None:
    original = (made / f"{SWEPT}-surface.svg").read_text("utf-8")
    kept = inline(original, "n", "t")
    for tag in ("<path", "<use", "<text", "<clipPath"):
        assert kept.count(tag) == original.count(tag)
    texts = re.findall(r"<text[^>]*>([^<]*)<", original)
    assert texts
    assert re.findall(r"<text[^>]*>([^<]*)<", kept) == texts


def test_picture_s_data_are_linked_where_the_page_has_them() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'
    shared, own = Table("shared", [{"a": 1}]), Table("own", [{"b": 2}])
    pictures = [Picture("a.svg", svg, "A", shared), Picture("b.svg", svg, "B", own)]
    # The table comes after its picture, and is still there only once.
    sections = [Section("s", pictures=pictures), Section("t", tables=[shared])]
    page = Read(html_page(Page("p", sections, [])))
    assert sorted(title for title, _, _ in page.tables) == ["own", "shared"]
    assert "Data: table shared" in page.text


# --- what is wrong in a folder


def test_damaged_files_are_named_and_the_page_is_made(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "results"
    shutil.copytree(made, copy)
    (copy / "cut.json").write_text('{"case": "x"', "utf-8")
    (copy / "other.json").write_text('{"a": 1}', "utf-8")
    whole = json.loads((made / f"{SOLVED}.json").read_text("utf-8"))
    wrong: dict[str, Any] = {**whole, "tables": {"buses": ["no row"]}}
    (copy / "wrong.json").write_text(json.dumps(wrong), "utf-8")
    (copy / f"{SOLVED}-extra.svg").write_text("<svg", "utf-8")
    runs = sorted((copy / "runs").rglob("*.run"))
    runs[0].write_bytes(b"no zip")
    (copy / "sweeps" / "bad.json").write_text("{}", "utf-8")
    assert main(["report", str(copy)]) == 0
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1].strip() for line in said] == [
        "cut.json", "other.json", "wrong.json", f"{SOLVED}-extra.svg", f"damaged/{runs[0].name}",
        "damaged/bad.json",
    ]  # fmt: skip
    page = read(copy)
    assert all(line.removeprefix("left out: ") in page.text for line in said)
    assert "1 of 6 runs not run" in page.text
    first = (copy / "report.html").read_bytes()
    report(copy)
    assert (copy / "report.html").read_bytes() == first


def test_picture_belongs_to_the_longer_name_whatever_kind_it_is_of(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A result and a sweep whose names begin alike."""
    copy = tmp_path / "results"
    shutil.copytree(made, copy)
    (tmp_path / "mapping.yaml").write_text(
        (CASES / f"{SWEPT}.yaml").read_text("utf-8").replace(f"name: {SWEPT}", "name: mapping")
    )
    solved = ["solve", str(tmp_path / "mapping.yaml"), "--set", "parameters.aggregators=4"]
    assert main([*solved, "--out", str(copy)]) == 0
    shown = {
        section.title: [p.file for part in section.parts for p in part.pictures]
        for section in gather(copy).sections
    }
    assert shown["mapping"] == ["mapping-map.svg"]
    assert shown[SWEPT] == [f"{SWEPT}-surface.svg"]
    swept = ["sweep", str(tmp_path / "mapping.yaml"), "--set", GRID, "--out", str(copy)]
    for _ in range(2):
        capsys.readouterr()
        assert main(swept) == 0
        assert f"{SWEPT}-surface.svg" not in capsys.readouterr().out


def test_pictures_are_drawn_where_a_sweep_was_left_before_them(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "results"
    shutil.copytree(made, copy, ignore=shutil.ignore_patterns("*.svg", "*.csv"))
    swept = ["sweep", str(CASES / f"{SWEPT}.yaml"), "--set", GRID, "--out", str(copy)]
    with monkeypatch.context() as patch:
        patch.setattr(Model, "draw", interrupted)
        with suppress(KeyboardInterrupt):
            main(swept)
    assert not list(copy.glob("*.svg"))
    assert main(swept) == 0
    for name in (f"{SWEPT}-surface.svg", f"{SWEPT}.csv"):
        assert (copy / name).read_bytes() == (made / name).read_bytes()


def interrupted(*_: Any) -> Any:
    raise KeyboardInterrupt


def test_what_was_asked_of_another_version_is_still_shown(made: Path, tmp_path: Path) -> None:
    whole = json.loads((made / f"{SOLVED}.json").read_text("utf-8"))
    whole["asked"]["keys"]["parameters"]["of_old"] = 3
    (tmp_path / f"{SOLVED}.json").write_text(json.dumps(whole), "utf-8")
    report(tmp_path)
    text = read(tmp_path).text
    assert "Not shown: what was asked cannot be asked here: of_old: Extra inputs are not" in text
    assert "parameters.of_old" in text


def test_damaged_picture_of_a_benchmark_is_named(tmp_path: Path) -> None:
    entries = (Entry("one", "exact", "solved", verdict="verified", seconds=[{"solve": 1.0}]),)
    (tmp_path / "bench.json").write_text(Benchmark(Settings(), {}, entries).as_json(), "utf-8")
    (tmp_path / "bench-cactus.svg").write_text("<svg", "utf-8")
    _, page = report(tmp_path)
    assert page.sections[0].headline == "1 instance, 1 solver"
    (line,) = page.left_out
    assert line.startswith("bench-cactus.svg: is no picture: ")


def test_pictures_of_another_answer_are_not_shown(made: Path, tmp_path: Path) -> None:
    copy = tmp_path / "results"
    shutil.copytree(made, copy, ignore=shutil.ignore_patterns("runs", "sweeps", "store.json"))
    impossible = ["--set", "parameters.slack=0", "--set", "parameters.aggregators=5"]
    assert main(["solve", str(CASES / f"{SOLVED}.yaml"), *impossible, "--out", str(copy)]) == 3
    section = gather(copy).sections[0]
    assert "Pictures" not in [part.title for part in section.parts]
    assert "infeasible" in section.headline


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none", "no folder"),
        ("empty", "holds no result, no sweep and no benchmark"),
        ("broken", "holds no result, no sweep and no benchmark; left out: a.json"),
        ("format", "left out: store.json: the runs are of another format"),
    ],
)
def test_folder_with_nothing_to_show_is_one_line(
    name: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / name
    if name != "none":
        folder.mkdir()
    if name == "broken":
        (folder / "a.json").write_text("[]", "utf-8")
    if name == "format":
        (folder / "store.json").write_text('{"format": 0}', "utf-8")
    assert main(["report", str(folder)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.rglob("report.*"))
    with pytest.raises(CallError):
        gather(folder)


def test_report_loads_no_modelling_library(made: Path) -> None:
    loaded = imported_by("report", str(made))
    assert "jinja2" in loaded
    assert not loaded & {"pyomo", "cvxpy", "matplotlib", "scipy", "pandas", "pandapower"}


def test_long_table_is_whole_in_the_page() -> None:
    rows = [{"row": k, "value": k / 7} for k in range(10_000)]
    page = Read(html_page(Page("p", [Section("s", tables=[Table("long", rows)])], [])))
    assert page.tables[0][2] == [[str(k), number(k / 7)] for k in range(10_000)]
    # The script hides what is in the second part.
    assert [a.get("class") for tag, a in page.tags if tag == "tbody"] == [None, "rest"]


def test_picture_is_the_same_whoever_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """pandapower's plotting gives all renderers another graphics context when it is imported."""
    case = load_case(CASES / f"{SOLVED}.yaml", ["solver=exact"])
    result = solve(case)
    before = case.model.draw([result])

    class Rounded(GraphicsContextBase):
        def __init__(self) -> None:
            super().__init__()
            self.set_capstyle("round")

    monkeypatch.setattr(RendererBase, "new_gc", lambda _: Rounded())
    assert case.model.draw([result]) == before


def test_a_bound_is_called_proven_by_a_verdict_alone() -> None:
    result = solve(load_case(CASES / f"{SOLVED}.yaml", ["solver=exact"]))
    assert ", proven bound " in result_text(result, 80)
    doubted = replace(result, verdict=replace(result.verdict, status="unverified"))
    assert ", bound " in result_text(doubted, 80)
