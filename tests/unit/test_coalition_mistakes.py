"""What a coalition case may get wrong: one line each, at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimodels.case import load_case, parse_case
from optimodels.errors import CaseError
from optimodels.study import solve


@pytest.mark.parametrize(
    ("network", "given", "message"),
    [
        ("case33bw", "export_price: 2", "export_price 2 is above import_price 1"),
        ("case33bw", "sell_tariff: 2", "sell_tariff 2 is above buy_tariff 1"),
        ("case33bw", "agents: [40]", "case33bw has no bus 40, only 1 to 33"),
        ("case33bw", "private: {edges: [{from: 3, to: 3}]}", "leads from bus 3 to itself"),
        ("case33bw", "private: {edges: [{from: 3, to: 99}]}", "there is no bus 99"),
        ("case33bw", "private: {edges: [{from: 3, to: 1}]}", "bus 1 is no agent"),
        (
            "case33bw",
            "private: {edges: [{from: 3, to: 4, resistance: -1}]}",
            "edges.0.resistance: must be greater than 0, not -1",
        ),
        ("case33bw", "density: 2", "parameters.density: must be at most 1, not 2"),
        (
            "case33bw",
            "density: 0.5, private: {nearest: 3}",
            "parameters: density 0.5 is of random private branches, and private says",
        ),
        ("case33bw", "density: 1/m", "parameters.density: must be '1/n^2', '1/n'"),
        ("case33bw", "private: {nearest: 0}", "private.nearest: must be at least 1, not 0"),
        ("case33bw", "private: all", "parameters.private: must be 'random', not \"all\""),
        (
            "case33bw",
            "public_resistance: [{from: 1, to: 2, resistance: -1}]",
            "public_resistance.0.resistance: must be at least 0",
        ),
        ("case33bw", "private_resistance: 0, resistance_per_km: 0, density: 1", "no resistance"),
        ("case33bw", "private_resistance: -1", "must be at least 0"),
        ("case33bw", "endowment: {uniform: [2, 1]}", "must rise"),
        ("case33bw", "endowment: {}", "must be a mapping with one of"),
        ("case33bw", "public_resistance: [{from: 1, to: 9, resistance: 1}]", "no public branch"),
        ("case9241pegase", "density: 0", "75 public branches of negative resistance"),
    ],
)
def test_bad_input_is_one_clear_line(network: str, given: str, message: str) -> None:
    text = f"model: coalition/self-interested\nnetwork: {network}\nparameters: {{{given}}}\n"
    with pytest.raises(CaseError) as caught:
        solve(parse_case(text))
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("private", "from,to\n3,x\n", "row 2: to must be the number of a bus, not 'x'"),
        ("private", "from,to\n3,2.5\n", "row 2: to must be the number of a bus, not '2.5'"),
        ("private", "from,to\n3\n", "row 2: to must be the number of a bus, not ''"),
        ("private", "from,to,km\n3,4,-1\n", "row 2: km must be 0 or more, not '-1'"),
        ("private", "from,to,resistance\n3,4,0\n", "row 2: resistance must be above 0, not '0'"),
        ("private", "from,to\n3,99\n", "row 2: there is no bus 99"),
        ("endowment", "bus,generation_mw\n3,-1\n", "row 2: generation_mw must be 0 or more"),
        ("endowment", "bus,generation_mw\n99,1\n", "row 2: case33bw has no bus 99"),
    ],
)
def test_bad_rows_of_a_table_are_told_with_their_place(
    key: str, text: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text(text)
    case = tmp_path / "case.yaml"
    case.write_text(
        f"model: coalition/ad-hoc\nnetwork: case33bw\nparameters: {{{key}: {{csv: rows.csv}}}}\n"
    )
    with pytest.raises(CaseError) as caught:
        solve(load_case(case))
    place = 3 + len("parameters: {") + len(key) + 1
    assert f"case.yaml:3:{place}: parameters.{key}.csv: {message}" in str(caught.value)
