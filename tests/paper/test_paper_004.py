"""Paper 004 (a poster): each statement and printed figure, beside what the shipped cases give.

The network of the eight agents is drawn in the poster without its data; positions, endowments and
the reading of "group" are ours. Nothing is fitted, but for the case that says so in its name.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from printed import printed_figures

from optimodels.case import load_case
from optimodels.study import solve

ROOT = Path(__file__).parents[2]

#: Case, statement: how its word begins.
STATEMENTS = {
    ("eight-agents-ad-hoc", "trade of A4 and A5"): "reproduced",
    ("eight-agents-ad-hoc", "trade of A1 and A2"): "reproduced",
    ("eight-agents-ad-hoc", "left to sell by A1"): "reproduced",
    ("eight-agents-ad-hoc", "left to buy by A3"): "reproduced",
    ("eight-agents-ad-hoc", "left to buy by A4"): "reproduced",
    ("eight-agents-ad-hoc", "left to buy by A5"): "not reproduced: ours sells no more",
    ("eight-agents-ad-hoc", "left to buy by A7"): "reproduced",
    ("eight-agents-self-interested", "trade of A4 and A5"): "reproduced",
    ("eight-agents-self-interested", "trade of A1 and A2"): "reproduced",
    ("eight-agents-self-interested", "trade of A2 and A3"): "reproduced",
    ("eight-agents-self-interested", "left to buy by A4"): "reproduced",
    ("eight-agents-self-interested", "left to buy by A5"): "not reproduced: ours sells no more",
    ("eight-agents-self-interested", "left to buy by A7"): "reproduced",
    ("eight-agents-self-interested", "left to sell by A1"): "reproduced",
    ("eight-agents-cooperative", "trade of A1 and A2"): "reproduced",
    ("eight-agents-cooperative", "trade of A2 and A3"): "reproduced",
    ("eight-agents-cooperative", "part of A4's supply from A1"): "reproduced",
    ("eight-agents-cooperative", "part of A4's supply from the grid"): "reproduced",
    ("eight-agents-integrated", "trade of A1 and A2"): "not reproduced: with free transport",
    ("eight-agents-integrated", "trade of A2 and A3"): "reproduced",
    ("eight-agents-integrated", "supply of A4 from A1"): "reproduced",
    ("payments-without-core", "core_empty"): "not reproduced: whether supporting payments",
}


@cache
def words(name: str) -> dict[str, str]:
    result = solve(load_case(ROOT / f"cases/coalition/{name}.yaml"))
    assert result.verdict.status == "verified"
    return {row["figure"]: row["word"] for row in result.paper}


@pytest.mark.parametrize(("case", "statement"), STATEMENTS, ids=": ".join)
def test_statement_on_the_example(case: str, statement: str) -> None:
    assert words(case)[statement].startswith(STATEMENTS[case, statement])


def test_every_statement_has_a_test() -> None:
    named = {case for case, _ in STATEMENTS}
    assert {(case, figure) for case in named for figure in words(case)} == set(STATEMENTS)


#: Figures of the poster's table of losses that lie among our draws, by column: those without
#: private lines agree, the dense ones are printed dearer than any of our draws.
TABLE = {
    ("0", "ad-hoc"): "reproduced",
    ("0", "self-interested"): "reproduced",
    ("0", "cooperative"): "reproduced",
    ("0", "integrated"): "reproduced",
    ("1/n", "ad-hoc"): "among the draws",
    ("1/n", "self-interested"): "among the draws",
    ("1/n", "cooperative"): "among the draws",
    ("1/n", "integrated"): "among the draws",
    ("1/sqrt(n)", "ad-hoc"): "among the draws",
    ("1/sqrt(n)", "self-interested"): "not",
    ("1/sqrt(n)", "cooperative"): "not",
    ("1/sqrt(n)", "integrated"): "not",
    ("1/log(n)", "ad-hoc"): "not",
    ("1/log(n)", "self-interested"): "not",
    ("1/log(n)", "cooperative"): "not",
    ("1/log(n)", "integrated"): "not",
}


@cache
def table() -> dict[str, str]:
    """Words of the long sweep's report, by area, behaviour and density."""
    figures = printed_figures(ROOT / "reports")
    return {figure.figure: figure.word for figure in figures if figure.case == "table-300bus"}


@pytest.mark.parametrize("area", ["1", "100"])
@pytest.mark.parametrize(("density", "behaviour"), TABLE)
def test_table_of_losses(area: str, density: str, behaviour: str) -> None:
    word = table()[f"loss ({area}, {behaviour}, {density})"]
    assert word.startswith(TABLE[density, behaviour])


def test_every_figure_of_the_table_has_a_test() -> None:
    assert len(table()) == 2 * len(TABLE)
