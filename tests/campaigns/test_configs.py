"""That the campaign of mutated cases would see what it looks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from optimodels.case import Case, parse_case
from optimodels.errors import CaseError, DataError, Finding
from tests.campaigns import configs
from tests.campaigns.configs import CHANGES, VALUES, Mutated, mutated, quick, texts
from tests.campaigns.ledger import run
from tests.campaigns.tally import Tally

SHIPPED = """model: a/b
parameters:
  one: 1
  many: [
    1, 2,
    3,
  ]

  two: 2
solver: highs
"""


def test_every_mutated_case_is_another() -> None:
    for chosen, changes, most in ((texts(), CHANGES, 3), (quick(), VALUES, 1)):
        for seed in range(300):
            case = mutated(seed, chosen, changes, most)
            assert case.text != case.shipped
            if case.line:
                before, now = case.shipped.split("\n"), case.text.split("\n")
                differs = [k for k in range(len(now)) if now[k] != before[k]]
                assert differs == [case.line - 1]


@pytest.mark.parametrize(
    ("line", "now", "near"),
    [
        (3, "  one: x", {3, 4, 2}),
        (3, "one: 1", {3, 4, 2}),
        (6, "    x,", {6, 7, 8, 9, 5, 4, 2}),
        (7, "  [", {7, 8, 9, 6, 4, 2}),
        (3, '  one: "', {*range(2, 12)}),
        (1, "model: a/c", {*range(1, 12)}),
    ],
)
def test_mistakes_are_near_the_line_its_block_and_what_holds_it(
    line: int, now: str, near: set[int]
) -> None:
    lines = SHIPPED.split("\n")
    lines[line - 1] = now
    case = Mutated("", "\n".join(lines), Path(), line, SHIPPED)
    assert {k for k in range(1, 12) if case.told_near(k)} == near


def _telling(place: Callable[[Finding], Finding]) -> Callable[..., Any]:
    def parse(*asked: Any) -> Any:
        try:
            return parse_case(*asked)
        except CaseError as error:
            raise CaseError(map(place, error.findings)) from None

    return parse


def test_reader_that_tells_another_place_breaks_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configs, "open_study", lambda *_: None)
    for place, told in (
        (lambda one: replace(one, line=1, column=1), "was changed"),
        (lambda one: replace(one, line=0, column=0), "no place"),
        (lambda one: replace(one, message="two\nlines"), "more than a line"),
    ):
        monkeypatch.setattr(configs, "parse_case", _telling(place))
        tally = run(configs.reading, range(40))
        assert sum(told in one for one in tally.broken) > 5, told
        assert tally.counts.total() == 40


@pytest.mark.parametrize(
    ("message", "two_values", "broken"),
    [
        ("is wrong", False, True),
        ("is wrong", True, False),
        ("stands twice, first in line 2, column 3", False, False),
        ("stands twice, first in line 21, column 3", False, True),
        ("the indentation does not fit the lines above", False, False),
    ],
)
def test_mistake_told_elsewhere_must_lead_back(
    message: str, two_values: bool, broken: bool
) -> None:
    tally = Tally()
    error = CaseError([Finding("case.yaml", 9, 3, "x", message)])
    shipped = "".join(f"key{k}: 1\n" for k in range(1, 12))
    case = configs.Mutated("a case", shipped.replace("key2: 1", "key2: 2"), Path(), 2, shipped)
    assert configs._placed(error, case, 7, tally, two_values) == "refused elsewhere"
    assert bool(tally.broken) == broken
    assert tally.first == ({f"told at another value: {message}": [7]} if two_values else {})


def test_data_refused_without_a_place_break_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that only the command line could have set stands in no line."""

    def refuse(*_: Any) -> None:
        raise DataError("parameters.x", "is wrong")

    monkeypatch.setattr(configs, "open_study", refuse)
    monkeypatch.setattr(
        Case, "located", lambda *_: CaseError([Finding("case.yaml", 0, 0, "x", "wrong")])
    )
    tally = run(configs.reading, range(80))
    refused = sum(n for (_, column), n in tally.counts.items() if column.startswith("data"))
    assert sum("no place" in one for one in tally.broken) >= refused > 3


def test_refuted_answer_breaks_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = SimpleNamespace(status="refuted", reason="no point")
    monkeypatch.setattr(configs, "solve", lambda _: SimpleNamespace(verdict=verdict))
    monkeypatch.setattr(configs, "_warm", lambda: None)
    tally = run(configs.solving, range(40))
    refuted = sum(n for (_, column), n in tally.counts.items() if column == "refuted")
    assert len(tally.broken) == refuted > 3


def test_traceback_breaks_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise KeyError("x")

    monkeypatch.setattr(configs, "parse_case", fail)
    tally = run(configs.reading, range(3))
    assert len(tally.broken) == sum(tally.counts.values()) == 3
