"""What stands in reports/ and solvers.md is what the code gives."""

from __future__ import annotations

import math
import re
from pathlib import Path

import gallery
import make
import printed
import pytest

from optimodels.benchmarking.entry import read_benchmark
from optimodels.case import load_case
from optimodels.families.supply.fitting.noise import ONCE_IN
from optimodels.reporting.solvers import solvers_page
from tests.unit.figures import words_and_figures

ROOT = Path(__file__).parents[2]
FAMILIES = sorted(path.name for path in (ROOT / "cases").iterdir() if path.is_dir())


@pytest.mark.parametrize("family", FAMILIES)
def test_cases_reports_are_in_step(family: str, tmp_path: Path) -> None:
    """Words and layout to the letter; figures as far as processors agree on them."""
    make.report_family(family, tmp_path)
    kept = ROOT / "reports" / family
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in kept.iterdir() if p.is_file()}
    linked = re.findall(r"\]\(([\w-]+/README\.md)\)", (kept / "README.md").read_text())
    assert all((kept / page).is_file() for page in linked), "run: python reports/make.py --long"
    new = (tmp_path / "README.md").read_text().splitlines()
    old = (kept / "README.md").read_text().splitlines()
    assert len(new) == len(old), "run: python reports/make.py"
    for one, other in zip(new, old, strict=True):
        (words, told), (kept_words, kept_so) = words_and_figures(one), words_and_figures(other)
        assert words == kept_words, "run: python reports/make.py"
        # Where a row tells how far apart two of its figures are, as sure as these.
        least = 1e-8 * max(10.0, *map(abs, kept_so)) if kept_so else 0.0
        for mine, theirs in zip(told, kept_so, strict=True):
            close = math.isclose(mine, theirs, rel_tol=1e-4, abs_tol=least)
            assert close, f"{one}\n{other}\nrun: python reports/make.py"


@pytest.mark.parametrize("family", FAMILIES)
def test_every_picture_has_a_caption_of_its_model(family: str) -> None:
    cases = {path.stem: load_case(path) for path in (ROOT / "cases" / family).glob("*.yaml")}
    drawn = list((ROOT / "reports" / family).rglob("*.svg"))
    assert drawn
    for picture in drawn:
        stem = max((s for s in cases if picture.stem.startswith(f"{s}-")), key=len)
        assert picture.stem.removeprefix(f"{stem}-") in cases[stem].model.captions, picture.name


def test_papers_figures_are_counted_in_step() -> None:
    figures = printed.printed_figures(ROOT / "reports")
    page = (ROOT / "reports" / "paper.md").read_text()
    assert page == printed.printed_page(figures), "run: python reports/make.py"
    assert {figure.paper for figure in figures} == set(printed.SUBJECTS)
    told = " ".join((ROOT / "README.md").read_text().split())
    assert f"{printed.count_in_words(figures)} {printed.NOISE}" in told
    unlike = [one for one in figures if one.counted in ("not reproduced", "lost in print")]
    assert [one for one in unlike if not one.why] == []


def test_noise_is_told_as_the_cases_take_it() -> None:
    assert f"once in {ONCE_IN:,} times" in printed.NOISE
    figures = printed.printed_figures(ROOT / "reports")
    noisy = {f.case for f in figures if "noise" in f.counted}
    assert noisy
    for name in noisy:
        case = load_case(ROOT / "cases" / "supply" / f"{name}.yaml")
        assert f"{case.parameters.draws:,} auctions" in printed.NOISE


def test_what_a_fitted_case_meets_is_counted_apart() -> None:
    def figure(word: str, fitted: bool, says: str = "1") -> printed.Printed:
        return printed.Printed("004", "case", "f", says, "1", word, "", "page", fitted)

    assert figure("reproduced", False).counted == "reproduced"
    for word in ("reproduced", "among the draws", "within 3 %"):
        assert figure(word, True).counted == printed.FITTED
    assert figure("not reproduced", True).counted == "not reproduced"
    assert not figure("reproduced", False, "-1.5e3").statement
    told = printed.count_in_words([figure("reproduced", True), figure("reproduced", False, "> 1")])
    assert "1 reproduced, 1 met on fitted data" in told
    assert "1 are statements in words, held against limits of ours; 1 of them hold" in told


def test_a_reason_is_the_row_s_own_or_the_column_s() -> None:
    """Below a table stand its source, the words counted, and the notes, each by its column."""
    below = "source: 1; a: 1 not among 3 draws; b: 2 reproduced; a: one draw; lost; b: b is c"
    row = {"n": "1", "a printed": "2", "a ours": "3", "a": "not among 3 draws",
           "b printed": "-", "b ours": "4", "b": "lost in print", "verdict": "v"}  # fmt: skip
    first, second = printed._figures(row, below)
    assert first == ("a (1)", "2", "3", "not among 3 draws", "not among 3 draws; one draw; lost")
    assert second == ("b (1)", "-", "4", "lost in print", "its row is printed without it")
    plain = {"figure": "f", "paper": "1", "ours": "2", "word": "not reproduced: r", "note": "r"}
    assert list(printed._figures(plain, "")) == [("f", "1", "2", "not reproduced", "r")]


def test_gallery_is_in_step() -> None:
    page = (ROOT / "reports" / "gallery.md").read_text()
    cases = gallery.shown_cases(ROOT / "cases", ROOT / "reports")
    assert page == gallery.gallery_page(cases), "run: python reports/make.py"
    shipped = make.shipped()
    assert [case.name for case in cases] == [case.name for case in shipped]
    for case in cases:
        # What was found in a report is not nothing, and no case is without a comment.
        assert case.asks[-1] in ".?"
        assert re.search("verified|refuted", case.verdict), case.name
    for link in re.findall(r"\]\(([^)#]+)", page):
        assert (ROOT / "reports" / link).is_file(), link


def test_gallery_has_a_case_that_no_report_tells_of(tmp_path: Path) -> None:
    cases, reports = tmp_path / "cases", tmp_path / "reports"
    for folder in (cases / "new", reports / "new"):
        folder.mkdir(parents=True)
    (cases / "new" / "one.yaml").write_text("# Who pays 0.5 of it?\n# Ours.\nmodel: a/b\n")
    (reports / "new" / "README.md").write_text("# Cases: new\n")
    page = gallery.gallery_page(gallery.shown_cases(cases, reports))
    assert "### [one](new/README.md#one)\n\nWho pays 0.5 of it?\n\n*not reported*" in page


def test_solvers_page_is_in_step() -> None:
    measured = read_benchmark(ROOT / "reports" / "benchmark")
    page = (ROOT / "solvers.md").read_text()
    assert page == solvers_page(measured), "run: python reports/make.py"


def test_page_on_solvers_tells_of_every_finding() -> None:
    from optimodels.solvers.registry import all_solvers

    page = solvers_page()
    for solver in all_solvers():
        assert f"| [{solver.name}]" in page
        assert all(why in page for _, why in solver.exclusions.values())
        assert all(finding in page for finding in solver.findings)
