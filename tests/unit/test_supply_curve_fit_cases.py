"""What a curve fit takes: merit orders, points, every mistake; and its cases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from optimodels.case import load_case, parse_case
from optimodels.cli import main
from optimodels.families.supply import MODELS
from optimodels.families.supply.fit_parameters import Points
from optimodels.families.supply.fitting.points import merit_order
from optimodels.families.supply.fitting.rising import FORMULATION
from optimodels.model import Compute
from optimodels.study import solve


def test_merit_order() -> None:
    """Two classes of 3 and 1 of 4 on a wind of 2: middles of halves, weights of mean 1."""
    classes = [{"name": "peak", "share": 0.25, "price": [40.0, 80.0]},
               {"name": "base", "share": 0.75, "price": [10.0, 20.0]}]  # fmt: skip
    data = Points.model_validate({"classes": classes, "capacity": 4.0, "points_per_class": 2})
    x, y, weight, end = merit_order(data, 2.0)
    assert x.tolist() == [2.75, 4.25, 5.25, 5.75]
    assert y.tolist() == [12.5, 17.5, 50.0, 70.0]
    assert weight.tolist() == [1.5, 1.5, 0.5, 0.5]
    assert end == 6.0


ERRORS = {
    "forms: [asymptotic], data: {quantity: [1, 2], price: [1, 2]}, asymptote: 5":
        "asymptotic has 3 parameters; 2 points are too few",
    "data: {quantity: [1], price: [1]}": "has one quantity only",
    "data: {quantity: [1, 1], price: [1, 2]}": "has one quantity only",
    "data: {quantity: [1, 2, 3], price: [7, 7, 7]}": "give prices that differ",
    "data: {quantity: [1, 2], price: [1, 2], weights: [1, -1]}": "point 2: must be above 0, not -1",
    "data: {quantity: [1, 2], price: [1, 2], weights: [0, 1]}": "point 1: must be above 0, not 0",
    "data: {quantity: [1, x], price: [1, 2]}": 'data.quantity.1: must be a number, not "x"',
    "data: {quantity: [1, 2], price: [1]}": "different lengths: quantity 2, price 1",
    "data: {quantity: [1, 2]}": "must have classes, or quantity and price",
    "data: {quantity: a, price: [1, 2]}": "quantity must be a list of numbers",
    "data: {csv: p.csv, quantity: [1], price: b}": "quantity must be the name of a column",
    "data: {csv: p.csv, quantity: a, price: c}": "'p.csv' has no column 'c'; it has a, b",
    "data: {csv: p.csv, quantity: a, price: b}": "row 3: 'x' is no finite number",
    "data: {csv: none.csv, quantity: a, price: b}": "none.csv",
    "forms: [asymptotic], data: {quantity: [1, 2, 3, 4], price: [1, 2, 3, 5]}":
        "asymptotic needs parameters.asymptote",
    "forms: [asymptotic], data: {quantity: [1, 2, 3, 4], price: [1, 2, 3, 5]}, asymptote: 4":
        "needs quantities below the asymptote 4; there is 4",
    "forms: [asymptotic], data: {quantity: [1, 2, 3, 4], price: [1, 2, 3, 5]}, asymptote: 6, "
    "wind: 2": "starts at parameters.wind, 2; there is a quantity of 1",
    "forms: [power], data: {quantity: [-1, 2, 3], price: [1, 2, 3]}": "power needs quantities",
    "forms: [q-exponential], data: {quantity: [1, 2, 3], price: [-1, 2, 3]}": "needs prices of 0",
    "forms: [isotnic]": "did you mean 'isotonic'?",
    "forms: [power, power]": "a form stands twice",
    "bounds: {asymptotic: {c9: [0, 1]}}": "no parameter 'c9'",
    "bounds: {asymptotic: {c2: [3, 1]}}": "must be two numbers, [lowest, highest]",
    "bounds: {asymptotic: {c2: [-3, -1]}}": "c2: must be 0 or more, not [-3, -1]",
    "bounds: {asymptotic: {c2: [-3, 1]}}": "c2: must be 0 or more, not [-3, 1]",
    "bounds: {asymptotic: {c1: [1, 2], rise: [1, 2]}}":
        "bounds.asymptotic.rise: cannot be bounded beside c1: bound some of c0, c1, c2",
    "forms: [power], bounds: {exponential: {a: [0, 1]}}":
        "bounds.exponential: is not among parameters.forms",
    "forms: [exponential], data: {quantity: [1, 2, 3], price: [-1, 2, 3]}": "needs prices of 0",
    "forms: [power], data: {quantity: [1, 2, 3], price: [-1, 2, 3]}": "needs prices of 0",
    "forms: [asymptotic], data: {quantity: [1, 2, 3], price: [-1, 2, 3]}, asymptote: 4":
        "needs prices of 0 or more, unless a bound lets c0 below 0; there is -1",
    "bounds: {isotonic: {price: [0, 1]}}": "the parameters of this form take no bounds",
    "bounds: {asymptote: {c2: [0, 1]}}": "did you mean 'asymptotic'?",
    "huber: 0": "must be greater than 0",
    "knots: [2]": "knots.0: must lie within the quantities",
    "data: {classes: [{name: a, share: 0.5, price: [1, 2]}]}": "add up to 0.5, not to 1",
    "data: {classes: [{name: a, share: 1, price: [2, 1]}]}": "must be the lowest price, then",
}  # fmt: skip


@pytest.mark.parametrize("parameters", ERRORS)
def test_mistakes_are_one_line(
    parameters: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.csv").write_text("a,b\n1,2\n2,x\n")
    case = tmp_path / "c.yaml"
    case.write_text(f"model: supply/curve-fit\nsolver: exact\nparameters: {{{parameters}}}\n")
    assert main(["solve", str(case)]) == 2
    said = capsys.readouterr().err
    assert ERRORS[parameters] in said
    assert said.count("\n") == 1


def test_default_forms_are_those_that_have_a_curve() -> None:
    result = solve(
        parse_case(
            "model: supply/curve-fit\nsolver: exact\nparameters:\n  pieces: 2\n"
            "  data: {quantity: [-1, 0, 1, 2, 3], price: [1, 2, 2.5, 4, 7]}\n"
        )
    )
    assert {row["form"] for row in result.tables["forms"]} == {
        "exponential", "piecewise-linear", "isotonic"
    }  # fmt: skip
    assert sum(note.startswith("left out: ") for note in result.notes) == 3
    assert result.verdict.status == "verified"


def test_every_case(cases: Path) -> None:
    for file in sorted(cases.glob("supply/curve-fit-*.yaml")):
        case = load_case(file)
        result = solve(case)
        assert result.verdict.text == "verified by certificate: local optimum", file.stem
        assert len(result.tables["forms"]) == 6
        assert case.model.draw([result])["curves"].startswith(b"<?xml")


def test_truth_of_the_noisy_case(cases: Path) -> None:
    result = solve(load_case(cases / "supply" / "curve-fit-noisy.yaml"))
    rows = {(r["form"], r["parameter"]): r for r in result.tables["parameters"]}
    for name, truth in (("c0", 18.0), ("c1", 9.0), ("c2", 0.8)):
        row = rows["asymptotic", name]
        assert row["lower_95"] < truth < row["upper_95"]


def test_exported_curve_is_that_of_the_equilibrium(cases: Path) -> None:
    result = solve(load_case(cases / "supply" / "bidding-experiment-4.yaml"))
    lines = (cases / "supply" / "bidding-curve.csv").read_text().splitlines()[1:]
    points = np.array([line.split(",") for line in lines], dtype=float)
    prices = [row["expected_price"] for row in result.tables["supply_curve"]]
    assert points[:, 0].tolist() == [row["unit"] - 0.5 for row in result.tables["supply_curve"]]
    assert points[:, 1].tolist() == pytest.approx(prices, rel=1e-9)


def test_captions_and_equations() -> None:
    for model in MODELS.values():
        assert model.captions
        for stage in model.load_program().stages:
            if isinstance(stage, Compute):
                assert stage.equations
                assert max(map(len, stage.equations)) <= 76, stage.name
    assert max(map(len, FORMULATION.equations)) <= 72
