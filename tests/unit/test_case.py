"""Cases: the schema, the models' parameters, every mistake at once with a suggestion."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

import jsonschema
import pytest
from ruamel.yaml import YAML

from optimodels.case import load_case, parse_case
from optimodels.case.expansion import expand
from optimodels.case.json_schema import case_schema
from optimodels.case.template import choices, new_case
from optimodels.errors import CallError, CaseError, DataError
from optimodels.families import find_model, model_names

HEAD = "model: flexibility/shiftable-loads\n"


def mistakes(text: str) -> list[str]:
    with pytest.raises(CaseError) as caught:
        parse_case(text, "c.yaml")
    return str(caught.value).splitlines()


def test_all_mistakes_come_at_once_with_suggestions() -> None:
    text = (
        HEAD + "solvr: highs\n"
        "solver: {name: higs, tmie_limit: 3}\n"
        "parameters:\n  kilowatts_per_custmer: 3\n  discrete: 1\n  hours_per_step: -1\n"
        "profiles:\n  laod: [1]\n"
    )
    assert mistakes(text) == [
        "c.yaml:2:1: solvr: unknown key; did you mean 'solver'?",
        "c.yaml:3:10: solver.name: no solver 'higs'; did you mean 'highs'?",
        "c.yaml:3:22: solver.tmie_limit: unknown key; did you mean 'time_limit'?",
        "c.yaml:5:3: parameters.kilowatts_per_custmer: unknown key; "
        "did you mean 'kilowatts_per_customer'?",
        "c.yaml:6:3: parameters.discrete: must be true or false, not 1",
        "c.yaml:7:3: parameters.hours_per_step: must be greater than 0, not -1.0",
        "c.yaml:9:3: profiles.laod: no such profile; did you mean 'load'?",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("solver: highs\n", "model: is missing"),
        ("model: flexibility/shiftable-load\n", "did you mean 'flexibility/shiftable-loads'?"),
        ("model: 3\n", "model: must be a text, not 3"),
        (HEAD + "network: {fil: x.json}\n", "network: must be the name of a network"),
        (HEAD + "network: {file: none.json}\n", "network.file: no file 'none.json'"),
        (
            HEAD + "profiles: {load: {values: [1], unit: eur_per_mwh}}\n",
            "profiles.load.unit: must be 'percent' or 'kw', not 'eur_per_mwh'",
        ),
        (
            HEAD + "profiles: {price: {values: [1], unit: percent}}\n",
            "profiles.price.unit: must be 'eur_per_mwh', not 'percent'",
        ),
        (
            HEAD + "profiles: {price: {csv: ../x.csv, column: a}}\n",
            "leads out of the case's folder",
        ),
        (HEAD + "profiles: {price: 3}\n", "profiles.price: must be a list of numbers"),
        (HEAD + "profiles: {price: [1, x]}\n", 'profiles.price.1: must be a number, not "x"'),
        (HEAD + "profiles: {price: []}\n", "profiles.price: must have at least 1 entries"),
        (HEAD + "solver: {name: highs, time_limit: 0}\n", "time_limit: must be greater than 0"),
        (HEAD + "solver: {name: highs, threads: 1.5}\n", "threads: must be a whole number"),
        (HEAD + "solver: julia:highs\n", "no modelling language 'julia'"),
        (HEAD + "sweep: {grid: {}}\n", "must name at least one key"),
        (HEAD + "sweep: {grid: {parameters.discret: [true]}}\n", "did you mean 'discrete'?"),
        (
            HEAD + "profiles: {price: [1, 2]}\nsweep: {grid: {profiles.price.2: [3, 4]}}\n",
            "sweep.grid.profiles.price.2: no entry '2' in a list of 2; they count from 0",
        ),
        (
            HEAD + "paper: {source: a, values: {b: {says: [1]}}}\n",
            "c.yaml:2:33: paper.values.b.says: must be a number or a text",
        ),
        (HEAD + f"network: {{file: {'é' * 199}}}\n", "éé': File name too long"),
    ],
)
def test_single_mistakes(text: str, expected: str) -> None:
    (line,) = mistakes(text)
    assert expected in line
    assert line.startswith("c.yaml:")


@pytest.mark.parametrize("name", model_names())
def test_no_place_is_named_in_the_validator_s_own_words(name: str) -> None:
    """Whatever stands at a key, the place is one of the file: keys and positions, nothing else."""
    good = json.loads(json.dumps(YAML(typ="safe").load(new_case(find_model(name)))))
    for key in good["parameters"]:
        for wrong in (None, True, -1, 1e300, "", "x", [], [None], ["x"], {}, {"": 1}, [{}]):
            changed = good | {"parameters": good["parameters"] | {key: wrong}}
            try:
                parse_case(json.dumps(changed))
            except CaseError as error:
                for found in error.findings:
                    assert re.fullmatch(r"parameters(\.\w*)*", found.key)


def test_every_file_that_is_not_there_is_named_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "ring.csv").symlink_to("ring.csv")
    (tmp_path / "c.yaml").write_text(
        HEAD
        + "profiles:\n  load: {csv: ring.csv, column: a, unit: kw}\n"
        + "  price: {csv: b.csv, column: a}\n"
        + "paper: {source: s, table: {csv: c.csv, rows: {}, figures: {}}}\n"
    )
    with pytest.raises(CaseError) as caught:
        load_case(tmp_path / "c.yaml")
    assert [str(line).split(": ", 1)[1] for line in caught.value.findings] == [
        "profiles.load.csv: cannot read 'ring.csv': its links lead in a ring",
        "profiles.price.csv: no file 'b.csv' beside the case",
        "paper.table.csv: no file 'c.csv' beside the case",
    ]


def test_place_of_an_error_of_the_data_may_be_any_text() -> None:
    case = parse_case(HEAD + "profiles:\n  price: [1, 2]\n")
    for key in ("profiles.²", "profiles.007"):
        (found,) = case.located(DataError(key, "is odd")).findings
        assert str(found) == f"case.yaml:2:1: {key}: is odd"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("1.1e15", "is beyond 1e+15"),
        ("-1e300", "is beyond 1e+15"),
        ("9" * 40, "is beyond 1e+15"),
        ("1e-31", "is nearer to 0 than 1e-30; say 0"),
    ],
)
def test_sizes_that_nothing_has_are_refused(value: str, told: str) -> None:
    text = f"model: thermodynamics/contact-equilibrium\nparameters: {{total_value: {value}}}\n"
    with pytest.raises(CaseError) as raised:
        parse_case(text)
    assert str(raised.value) == f"case.yaml:2:14: parameters.total_value: {told}"


def test_whole_valued_float_is_an_integer() -> None:
    case = parse_case("model: flexibility/aggregator-mapping\nparameters: {aggregators: 4.0}\n")
    assert case.parameters.aggregators == 4


@pytest.mark.parametrize("name", model_names())
def test_new_prints_a_valid_case_of_defaults(name: str) -> None:
    model = find_model(name)
    text = new_case(model)
    case = parse_case(text)
    assert case.parameters == model.parameters_class()()
    for profile, values in case.file.profiles.items():
        assert list(values) == [pytest.approx(v) for v in model.profiles[profile].values]
    assert all(len(line) <= 100 for line in text.splitlines())


def test_new_says_which_words_a_key_takes() -> None:
    lines = new_case(find_model("ising/decorrelation")).splitlines()
    told = " ".join(line.strip(" #") for line in lines[: lines.index("  start: random")])
    assert told.endswith("one of: up, down, random, feasible")
    # Where the description names them all they are not said twice.
    assert choices(Literal["cone", "any"], "cone, or any other") == ""
    assert choices(Literal["cone", "any"] | None, "cone: tight") == "one of: cone, any"
    assert choices(float | Literal["1/n", "1/log(n)"], "density") == "as words: 1/n, 1/log(n)"
    assert choices(float | None, "density") == choices(Literal["one"], "") == ""


def test_unknown_model_is_refused_with_a_suggestion() -> None:
    with pytest.raises(CallError, match="did you mean 'flexibility/spin-assignment'"):
        find_model("flexibility/spin-asignment")


def test_shipped_cases_are_valid_and_fit_the_editor_schema(cases: Path) -> None:
    schema = case_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    files = sorted(cases.rglob("*.yaml"))
    assert files
    for file in files:
        load_case(file)
        jsonschema.validate(YAML(typ="safe").load(file), schema)


@pytest.mark.parametrize("name", model_names())
def test_editor_schema_keeps_step_with_the_reader(name: str) -> None:
    """What the reader refuses the schema refuses, and the template passes both."""
    schema = case_schema()
    good = YAML(typ="safe").load(new_case(find_model(name)))
    jsonschema.validate(good, schema)
    for wrong in (
        good | {"parameters": {"nonsense": 1}},
        good | {"extra": 1},
        good | {"profiles": {"nonsense": [1]}},
        good | {"solver": {"name": "highs", "time_limit": -1}},
        {"name": "x"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
        with pytest.raises(CaseError):
            parse_case(json.dumps(wrong))


def test_fingerprint_follows_data_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("eur\n1\n2\n")
    text = HEAD + "profiles: {price: {csv: p.csv, column: eur}, load: [1, 2]}\n"
    (tmp_path / "c.yaml").write_text(text)
    first = load_case(tmp_path / "c.yaml").fingerprint()
    assert load_case(tmp_path / "c.yaml", ["solver=scip"]).fingerprint() == first
    changed = load_case(tmp_path / "c.yaml", ["parameters.kilowatts_per_customer=7"])
    assert changed.fingerprint() != first
    (tmp_path / "p.csv").write_text("eur\n1\n3\n")
    assert load_case(tmp_path / "c.yaml").fingerprint() != first


def test_fingerprint_follows_the_network(tmp_path: Path) -> None:
    """By its name and, of a file, by what is in it; the model's own is the same, said or not."""
    (tmp_path / "c.yaml").write_text(HEAD)
    (tmp_path / "net.json").write_text("{}")
    own = find_model("flexibility/shiftable-loads").network
    said = ["network=case69", "network=case118", "network={file: net.json}", f"network={own}"]
    told = [load_case(tmp_path / "c.yaml", [one]).fingerprint() for one in said]
    assert len(set(told)) == 4
    assert load_case(tmp_path / "c.yaml").fingerprint() == told[-1]
    (tmp_path / "net.json").write_text("[]")
    assert load_case(tmp_path / "c.yaml", [said[2]]).fingerprint() not in told


def test_sweep_expands_in_a_stable_order() -> None:
    case = parse_case(
        "model: flexibility/aggregator-mapping\n"
        "sweep: {grid: {parameters.slack: [0, 1], parameters.aggregators: [2, 3]}}\n"
    )
    order = [tuple(keys.values()) for keys in expand(case)]
    assert order == [(0, 2), (0, 3), (1, 2), (1, 3)]
    with pytest.raises(CallError, match="has no sweep"):
        list(expand(parse_case(HEAD)))
    many = parse_case(
        "model: ising/decorrelation\nparameters: {steps: 10}\n"
        "sweep: {grid: {parameters.steps: [1, 2]}, replicas: 1000000}\n"
    )
    with pytest.raises(CallError, match="only 'optimodels sweep --large' takes so many"):
        expand(many)


def test_value_of_a_run_is_not_said_to_be_of_the_command_line() -> None:
    with pytest.raises(CaseError) as caught:
        parse_case(HEAD, "c.yaml").with_values({"parameters.hours_per_step": -1})
    assert str(caught.value).startswith("c.yaml (as set): parameters.hours_per_step: must be")


def test_a_family_s_name_lists_its_models() -> None:
    with pytest.raises(CallError, match="no model 'ising'; of this family: ising/decorrelation, "):
        find_model("ising")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("parameters:\n  hours_per_step:3\n", "a space follows the colon of a key"),
        ("parameters: {hours_per_step: '0,5'}\n", "decimals take a point"),
        ("profiles: {load: {csv: p.csv, column: a}}\n",
         "profiles.load: a column needs unit: percent or unit: kw"),
    ],
)  # fmt: skip
def test_slips_of_the_pen_are_named(given: str, said: str) -> None:
    (line,) = mistakes(HEAD + given)
    assert said in line
