"""The report in a real browser: by keyboard, on a phone, in the dark, on paper, without scripts."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_core_python.selenium import Axe
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from optimodels.cli import main
from optimodels.comparison import Table
from optimodels.reporting.html import html_page
from optimodels.reporting.page import report as write_report
from optimodels.reporting.sections import Badge, Listing, Page, Section

CASES = Path(__file__).parents[2] / "cases" / "flexibility"
GRID = (
    "sweep={grid: {parameters.slack: [0, 0.1, 0.5, 1], parameters.aggregators: [2, 4, 5, 6, 7, 8]}}"
)
LONG = 10_000


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page of a result and of a sweep of 24 runs."""
    folder = tmp_path_factory.mktemp("report")
    case = str(CASES / "aggregator-mapping-33bus.yaml")
    assert main(["solve", case, "--solver", "exact", "--out", str(folder)]) == 0
    case = str(CASES / "mapping-surface-33bus.yaml")
    assert main(["sweep", case, "--set", GRID, "--out", str(folder)]) == 0
    (page, _), _ = write_report(folder)
    return page.as_uri()


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page with every kind of badge and a table of ten thousand rows."""
    # Multiplied by a number that shares no factor with LONG, so each value comes once.
    rows = [{"row": k, "value": (k * 7919) % LONG / 8, "name": f"n{k % 10}"} for k in range(LONG)]
    rows[5]["value"] = None
    section = Section(
        "<script>document.title = 'stolen'</script>",
        badges=[Badge(s, f"{s}: reason") for s in ("verified", "refuted", "unverified")],
        listings=[Listing("wide", "x" * 400)],
        tables=[Table("Many", rows), Table("Wide", [{f"column {k}": k for k in range(40)}])],
        parts=[Section("Folded", text=["hidden at first"], folded=True)],
    )
    file = tmp_path_factory.mktemp("long") / "report.html"
    file.write_text(html_page(Page("Long", [section], ["a.json: broken"])), "utf-8")
    return file.as_uri()


@pytest.fixture(autouse=True)
def _as_it_was(browser: Chrome) -> Iterator[None]:
    show(browser)
    yield
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def show(browser: Chrome, width: int = 1280, scheme: str = "light", media: str = "") -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def sheet(browser: Chrome, title: str) -> WebElement:
    path = f"//div[@class='sheet'][.//caption[normalize-space()='{title}']]"
    return browser.find_element(By.XPATH, path)


def column(table: WebElement, number: int) -> list[str]:
    rows = "[...arguments[0].querySelectorAll('tbody tr')]"
    cells = f"return {rows}.map(row => row.cells[{number}].textContent)"
    found: list[str] = table.parent.execute_script(cells, table)
    return found


def count(table: WebElement) -> str:
    return table.find_element(By.CSS_SELECTOR, ".count").text


def test_nothing_is_asked_of_the_network_and_nothing_is_wrong(browser: Chrome, report: str) -> None:
    for kind in ("performance", "browser"):
        browser.get_log(kind)
    browser.get(report)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {
        event["params"]["request"]["url"].split(",")[0]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert report in asked
    assert all(url == report or url.startswith("data:") for url in asked)
    assert browser.get_log("browser") == []


def test_policy_stops_what_is_not_the_page_s_own(browser: Chrome, long: str) -> None:
    browser.get(long)
    assert browser.title == "Long"
    browser.get_log("browser")
    browser.execute_script(
        "const s = document.createElement('script'); s.textContent = 'document.title = \"no\"';"
        "document.body.append(s);"
    )
    assert browser.title == "Long"
    assert any(
        "Content Security Policy" in entry["message"] for entry in browser.get_log("browser")
    )


def test_sorting_by_keyboard(browser: Chrome, report: str) -> None:
    browser.get(report)
    runs = sheet(browser, "All runs")
    before = column(runs, 2)
    head = runs.find_elements(By.CSS_SELECTOR, "thead th")[2]
    button = head.find_element(By.TAG_NAME, "button")
    assert button.text == "objective"
    assert head.get_attribute("aria-sort") is None
    button.send_keys(Keys.ENTER)
    assert head.get_attribute("aria-sort") == "ascending"
    known = sorted((value for value in before if value != "-"), key=float)
    missing = ["-"] * before.count("-")
    assert missing
    assert column(runs, 2) == known + missing
    button.send_keys(Keys.SPACE)
    assert head.get_attribute("aria-sort") == "descending"
    assert column(runs, 2) == known[::-1] + missing
    assert browser.switch_to.active_element == button
    button.send_keys(Keys.ENTER)
    assert head.get_attribute("aria-sort") is None
    assert column(runs, 2) == before


def test_filtering_by_keyboard(browser: Chrome, report: str) -> None:
    browser.get(report)
    runs = sheet(browser, "All runs")
    words = runs.find_element(By.CSS_SELECTOR, "input")
    words.send_keys("infeasible verified")
    stopped = column(runs, 3)
    assert stopped
    assert set(stopped) == {"infeasible"}
    assert count(runs) == f"{len(stopped)} of 24 rows"
    assert runs.find_element(By.CSS_SELECTOR, ".count").get_attribute("role") == "status"
    # A word begins where a word begins: "verified" is not "unverified".
    words.clear()
    words.send_keys("feasible")
    assert column(runs, 3) == []
    words.clear()
    words.send_keys(">= 0.5", Keys.TAB)
    chosen = browser.switch_to.active_element
    assert chosen.tag_name == "select"
    chosen.send_keys("slack")
    assert sorted(set(column(runs, 0))) == ["0.5", "1"]
    assert count(runs) == "12 of 24 rows"


def test_the_first_key_leads_to_the_content(browser: Chrome, report: str) -> None:
    browser.get(report)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    link = browser.switch_to.active_element
    assert link.text == "Skip to the content"
    assert link.rect["x"] >= 0
    link.send_keys(Keys.ENTER)
    assert browser.switch_to.active_element.get_attribute("id") == "content"
    # Wherever the keyboard leads, it can be seen.
    for _ in range(12):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        assert browser.switch_to.active_element.value_of_css_property("outline-style") == "solid"


def test_ten_thousand_rows_are_shown_in_parts(browser: Chrome, long: str) -> None:
    browser.get(long)
    many = sheet(browser, "Many")
    assert len(column(many, 0)) == 100
    assert count(many) == f"first 100 of {LONG} rows"
    many.find_element(By.CSS_SELECTOR, ".more").click()
    assert len(column(many, 0)) == 600
    buttons = many.find_elements(By.CSS_SELECTOR, "thead button")
    buttons[1].click()
    # 0, 0.125, 0.25, ... without the one that is missing.
    gone = (5 * 7919) % LONG / 8
    expected = [k / 8 for k in range(101) if k / 8 != gone][:100]
    assert [float(value) for value in column(many, 1)] == expected
    many.find_element(By.CSS_SELECTOR, "input").send_keys("n3")
    assert count(many) == "first 100 of 1000 of 10000 rows"
    assert set(column(many, 2)) == {"n3"}


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
@pytest.mark.parametrize("which", ["report", "long"])
def test_no_width_makes_the_page_scroll_sideways(
    which: str, width: int, browser: Chrome, request: pytest.FixtureRequest
) -> None:
    show(browser, width)
    browser.get(request.getfixturevalue(which))
    wide: list[Any] = browser.execute_script(
        "for (const d of document.querySelectorAll('details')) d.open = true;"
        "const boxes = [...document.querySelectorAll('.scroll')];"
        "return [document.documentElement.scrollWidth, innerWidth,"
        " Math.max(...boxes.map(box => box.scrollWidth - box.clientWidth))]"
    )
    assert wide[0] <= wide[1] == width
    if which == "long":
        assert wide[2] > 0  # the wide table scrolls in its own box


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("which", ["report", "long"])
def test_axe_finds_nothing(
    which: str, width: int, scheme: str, browser: Chrome, request: pytest.FixtureRequest
) -> None:
    """Contrast, names, roles, landmarks, tables: whatever axe knows to test."""
    show(browser, width, scheme)
    browser.get(request.getfixturevalue(which))
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true;")
    found = Axe().run(browser)
    assert len(found["passes"]) > 20
    assert "color-contrast" in {rule["id"] for rule in found["passes"]}
    assert [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in found["violations"]] == []


def test_dark_page_has_its_pictures_on_white(browser: Chrome, report: str) -> None:
    backs = []
    for scheme in ("light", "dark"):
        show(browser, scheme=scheme)
        browser.get(report)
        body = browser.find_element(By.TAG_NAME, "body")
        backs.append(colour(body.value_of_css_property("background-color")))
        drawing = browser.find_element(By.CSS_SELECTOR, ".drawing")
        assert colour(drawing.value_of_css_property("background-color")) == (255, 255, 255)
    assert min(backs[0]) > 240
    assert max(backs[1]) < 40


def colour(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def test_print_is_whole_and_leaves_the_page_as_it_was(browser: Chrome, report: str) -> None:
    browser.get(report)
    folded = "document.querySelectorAll('details:not([open])').length"
    before = browser.execute_script(
        f"addEventListener('beforeprint', () => {{ window.closed_then = {folded}; }});"
        f"return {folded}"
    )
    assert before > 0
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    pdf = base64.b64decode(printed["data"])
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 3  # one to begin with, one a case
    assert browser.execute_script("return window.closed_then") == 0
    assert browser.execute_script(f"return {folded}") == before


def test_paper_has_no_controls_and_nothing_folded(browser: Chrome, long: str) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    show(browser, scheme="dark", media="print")
    browser.get(long)
    controls = browser.find_elements(By.CSS_SELECTOR, ".skip, a[download]")
    assert len(controls) > 2
    assert not any(control.is_displayed() for control in controls)
    hidden = browser.find_element(By.XPATH, "//p[.='hidden at first']")
    assert browser.execute_script("return arguments[0].checkVisibility()", hidden)
    show(browser)
    assert not browser.execute_script("return arguments[0].checkVisibility()", hidden)
    show(browser, scheme="dark", media="print")
    body = browser.find_element(By.TAG_NAME, "body")
    assert colour(body.value_of_css_property("background-color")) == (255, 255, 255)


def test_without_scripts_everything_is_there(browser: Chrome, report: str, long: str) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.get(long)
    many = sheet(browser, "Many")
    assert len(column(many, 0)) == LONG
    assert many.find_elements(By.CSS_SELECTOR, "tbody.rest")[0].is_displayed()
    assert browser.find_elements(By.CSS_SELECTOR, "input, select, button") == []
    # What is folded opens without a script.
    summary = browser.find_element(By.TAG_NAME, "summary")
    summary.send_keys(Keys.ENTER)
    assert browser.find_element(By.XPATH, "//p[.='hidden at first']").is_displayed()
    browser.get(report)
    assert len(column(sheet(browser, "All runs"), 0)) == 24
    assert len(browser.find_elements(By.CSS_SELECTOR, "figure svg path")) > 20


def test_link_to_what_is_folded_opens_it(browser: Chrome, long: str) -> None:
    browser.get(long)
    folded = browser.find_element(By.TAG_NAME, "details")
    assert folded.get_attribute("open") is None
    browser.get(f"{long}#{folded.get_attribute('id')}")
    assert browser.find_element(By.TAG_NAME, "details").get_attribute("open") is not None


def test_data_of_a_table_can_be_saved(browser: Chrome, report: str, tmp_path: Path) -> None:
    browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    browser.get(report)
    link = sheet(browser, "Buses").find_element(By.CSS_SELECTOR, "a[download]")
    link.send_keys(Keys.ENTER)
    file = tmp_path / "Buses.csv"
    wait_for(file)
    written = Path(report.removeprefix("file://")).with_name("aggregator-mapping-33bus-buses.csv")
    assert file.read_bytes() == written.read_bytes()


def wait_for(file: Path) -> None:
    for _ in range(200):
        if file.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{file.name} was not saved")
