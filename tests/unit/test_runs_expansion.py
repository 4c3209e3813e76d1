"""The runs of a sweep: lists, zips and grids, their order, and what is wrong with one."""

from __future__ import annotations

import pytest

from optimodels.case import parse_case
from optimodels.case.expansion import expand, size
from optimodels.errors import CallError, CaseError
from tests.unit.sweeps import HEAD


def test_list_zip_grid_and_order() -> None:
    case = parse_case(
        HEAD + "sweep:\n"
        "  list: [{parameters.cap: count}, {parameters.cap: load, network: case118}]\n"
        "  zip: {parameters.slack: [0, 1], parameters.slack_kind: [relative, absolute]}\n"
        "  grid: {parameters.aggregators: [2, 3]}\n"
    )
    runs = list(expand(case))
    assert size(case) == len(runs) == 8
    assert runs[0] == {
        "parameters.cap": "count",
        "parameters.slack": 0,
        "parameters.slack_kind": "relative",
        "parameters.aggregators": 2,
    }
    assert [run["parameters.aggregators"] for run in runs] == [2, 3] * 4
    assert [run["parameters.slack"] for run in runs] == [0, 0, 1, 1] * 2
    assert [run.get("network") for run in runs] == [None] * 4 + ["case118"] * 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sweep: {}", "must hold at least one of grid, zip, list, replicas"),
        ("sweep: {list: []}", "must hold at least one run"),
        ("sweep: {list: [{}]}", "each with at least one key"),
        ("sweep: {zip: {parameters.slack: [0], parameters.aggregators: [1, 2]}}",
         "lists of one length; parameters.slack has 1, parameters.aggregators has 2"),
        ("sweep: {list: [{parameters.slak: 1}]}", "did you mean 'slack'"),
        ("sweep: {grid: {parameters.slack: [0]}, zip: {parameters.slack: [1]}}",
         "is set by grid already"),
        ("sweep: {replicas: 3}", "has no parameters.seed"),
        ("sweep: {gird: {parameters.slack: [0]}}", "did you mean 'grid'"),
        ("sweep: {lists: []}", "did you mean 'list'"),
    ],
)  # fmt: skip
def test_mistakes_of_a_sweep(text: str, message: str) -> None:
    with pytest.raises(CaseError, match=message):
        parse_case(HEAD + text + "\n")


def test_more_than_a_million_runs_must_be_confirmed() -> None:
    values = list(range(1001))
    case = parse_case(
        HEAD + f"sweep: {{grid: {{parameters.slack: {values}, parameters.aggregators: {values}}}}}"
    )
    with pytest.raises(
        CallError, match="1002001 runs, more than 1000000; only 'optimodels sweep --large'"
    ):
        expand(case)
    assert next(expand(case, confirmed=True))["parameters.slack"] == 0
