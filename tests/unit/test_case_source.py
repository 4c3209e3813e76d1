"""Reading YAML: every mistake at its place, no input that hangs, explodes or traces back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from optimodels.case import source as module
from optimodels.case.settings import apply_settings
from optimodels.case.source import Source, parse_source, read_source
from optimodels.errors import CaseError

CASES = sorted((Path(__file__).parents[2] / "cases").rglob("*.yaml"))
LONG = ", ".join(str(k) for k in range(150))


@contextmanager
def ends() -> Iterator[None]:
    """No measure of speed: what grows with the square of a text would take minutes."""
    start = time.process_time()
    yield
    assert time.process_time() - start < 30


def message(text: str) -> str:
    with ends(), pytest.raises(CaseError) as caught:
        parse_source(text, "c.yaml")
    assert caught.value.exit_code == 2
    return str(caught.value)


def outcome(text: str) -> tuple[Any, Any]:
    """Values and places, or the mistakes; whatever else is raised fails the test."""
    said = []
    try:
        source = parse_source(text, "c.yaml")
    except CaseError as error:
        said = [str(finding) for finding in error.findings]
    assert all(line.startswith("c.yaml") and line.isprintable() for line in said)
    return (None, said) if said else (source.value, dict(source.places))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-6", 1e-6),
        ("1E+3", 1000.0),
        (".5", 0.5),
        ("-3.", -3.0),
        ("4.0", 4.0),
        ("010", 10),
        ("+7", 7),
        ("0o10", 8),
        ("0x1F", 31),
        ("9" * 300, int("9" * 300)),
        ("true", True),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("|\n  x\n  \ty\n", "x\n\ty\n"),
        (">-\n  x\n  y\n", "x y"),
    ],
)
def test_scalars_are_yaml_1_2(text: str, value: Any) -> None:
    read = parse_source(f"a: {text}", "c.yaml").value["a"]
    assert read == value
    assert type(read) is type(value)


def test_what_yaml_1_1_took_for_something_else_is_a_text() -> None:
    for text in ["yes", "on", "no", "tRUE", "1:30", "2026-01-01", "1_000", "0b1", "1e", "٣", "a:b"]:
        assert parse_source(f"a: {text}", "c.yaml").value == {"a": text}


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_shipped_cases_read_as_ruamel_reads_them_with_every_key_in_place(file: Path) -> None:
    source = read_source(file)
    assert source.value == YAML(typ="safe", pure=True).load(file)
    lines = file.read_text().split("\n")
    for path, (line, column) in source.places.items():
        holder: Any = source.value
        for part in path[:-1]:
            holder = holder[int(part)] if isinstance(holder, list) else holder[part]
        rest = lines[line - 1][column - 1 :].lstrip("\"'")
        if isinstance(holder, dict):
            assert not path or rest.startswith(path[-1])
        elif isinstance(item := holder[int(path[-1])], str):
            assert rest.startswith(item[:10])
        elif isinstance(item, (int, float)) and not isinstance(item, bool):
            assert float(re.match(r"[-+.\deE]+", rest)[0]) == item  # type: ignore[index]


def test_places_count_from_one() -> None:
    source = parse_source("# c\na: 1\nb:\n  - 2\n  - c: 3\n    'd': 4\n", "c.yaml")
    assert source.place(()) == (2, 1)
    assert source.place(("a",)) == (2, 1)
    assert source.place(("b", 0)) == (4, 5)
    assert source.place(("b", 1, "c")) == (5, 5)
    assert source.place(("b", "1", "d")) == (6, 5)
    assert source.place(("b", 1, "missing", 3)) == (5, 5)
    assert source.place(("b", 7)) == (3, 1)
    assert source.place(("missing",)) == (2, 1)


def test_places_do_not_depend_on_line_ends_or_a_byte_order_mark() -> None:
    text = "a: 1\nb: [é, 2]\n"
    plain = parse_source(text, "c.yaml")
    assert plain == parse_source("\ufeff" + text.replace("\n", "\r\n"), "c.yaml")
    assert plain.place(("b", 1)) == (2, 8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "c.yaml: is empty; 'optimodels new MODEL' prints a case to start from"),
        ("# only this\n", "c.yaml: is empty"),
        ("---\n", "c.yaml: is empty"),
        ("- 1\n", "c.yaml:1:1: must be a mapping of 'key: value'"),
        ("model:x\n", "c.yaml:1:1: must be a mapping of 'key: value' with a space after each ':'"),
        ("a: \x00", "c.yaml:1:4: control character U+0000"),
        ("a: \x1b[31m", "c.yaml:1:4: control character U+001B"),
        ("a: \ud800", "c.yaml:1:4: control character U+D800"),
        ('a: "x\\0y"', "c.yaml:1:4: a: control character U+0000"),
        ('a: "\\ud800"', "c.yaml:1:4: a: control character U+D800"),
        ("a: .inf", "c.yaml:1:4: a: .inf is not allowed; numbers must be finite"),
        ("a: {b: [1, .nan]}", "c.yaml:1:12: a.b.1: .nan is not allowed; numbers must be finite"),
        ("a: 1e999", "c.yaml:1:4: a: 1e999 is too large; numbers must be finite"),
        (f"a: {'9' * 5000}", "c.yaml:1:4: a: a number of more than 300 digits"),
        ("a: &x 1\nb: *x", "c.yaml:1:4: a: anchors and aliases are not allowed"),
        ("a: {<<: {b: 1}}", "c.yaml:1:5: a: merging (<<) is not allowed"),
        ("a: !!python/object:os.system x", "c.yaml:1:4: a: tags (tag:yaml.org,2002:python/object:"),
        ("a: !mine x", "c.yaml:1:4: a: tags (!mine) are not allowed"),
        ("1: a", 'c.yaml:1:1: a key must be a text; put it in quotes: "1"'),
        ("? [a]\n: b", "c.yaml:1:3: a key must be a text"),
        (f"{'k' * 201}: 1", "c.yaml:1:1: a key is longer than 200 characters"),
        ('"a\\nb": 1', "c.yaml:1:1: a key must be one line without invisible characters"),
        ("a: 1\n---\nb: 2\n", "c.yaml:2:1: a second document starts; a case must hold one"),
        ("%YAML 1.1\n---\na: 1\n", "cases are YAML 1.2"),
    ],
)
def test_what_a_case_must_not_hold(text: str, expected: str) -> None:
    said = message(text)
    assert expected in said.splitlines()[0]
    assert all(len(line) < 200 for line in said.splitlines())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1, 2\nb: 3\n", "c.yaml:1:4: this '[' is not closed; end it with ']'"),
        ("a: {x: 1\nb: 3\n", "c.yaml:1:4: this '{' is not closed; end it with '}'"),
        ("a: [1,\n", "c.yaml:2:1: the text ends inside brackets that are not closed"),
        ("a: {x: 1 y: 2}", "c.yaml:1:11: a ',' is missing here, or a closing bracket before"),
        ("a: [1,,2]", "c.yaml:1:7: a value or an opening bracket is missing before"),
        ("model:x\nname: y\n", "c.yaml:1:6: write a space after the ':'"),
        ("a: 1\nmodel:x\nname: y\n", "c.yaml:2:6: write a space after the ':'"),
        ("a: {b:1}", "c.yaml:1:5: a: write a space after the ':' in 'b:1'"),
        ("a: 1\n  b: 2\n", "c.yaml:2:4: the indentation does not fit the lines above"),
        ("a:\n  b: 1\n c: 2\n", "c.yaml:3:2: the indentation does not fit the lines above"),
        ("a: 1\n\tb: 2\n", "c.yaml:2:1: indent with spaces, not tabs"),
        ("a:\n  \tb: 2\n", "c.yaml:2:3: indent with spaces, not tabs"),
        ("a: b: c", "c.yaml:1:5: a second ':' in one line; put the text in quotes"),
        ("a: 1\nb\nc: 2\n", "c.yaml:2:1: a key needs a ':' and a value"),
        ("a: 'x\nb: 1\n", "c.yaml:1:4: this quotation mark is not closed"),
        ("a: 'it's'", "c.yaml:1:8: text behind the end of a value"),
        ("a: @x", "c.yaml:1:4: a value cannot start with this character"),
        ('a: "\\q"', "c.yaml:1:6: no such escape"),
        ('a: "\\U00110000"', "cannot be read as YAML from here on"),
        ("a: |x\n  y\n", "c.yaml:1:5: after '|' or '>' the text must start on the next line"),
    ],
)
def test_mistakes_of_syntax_say_where_and_what_to_do(text: str, expected: str) -> None:
    (said,) = message(text).splitlines()
    assert expected in said
    assert len(said) < 160


def test_json_that_is_indented_with_tabs_is_a_case() -> None:
    assert parse_source('{\n\t"a": 1,\n\t"b": [1, 2]\n}\n', "c.yaml").value == {"a": 1, "b": [1, 2]}


def test_all_mistakes_are_reported_at_once_in_file_order() -> None:
    said = message("a: 1\na: 2\nb: {x: .inf, x: &k 1}\nb: 2\na: 3\n1: x\nc: [\n").splitlines()
    assert said == [
        "c.yaml:2:1: a: stands twice, first in line 1, column 1",
        "c.yaml:3:8: b.x: .inf is not allowed; numbers must be finite",
        "c.yaml:3:14: b.x: stands twice, first in line 3, column 5",
        "c.yaml:3:17: b.x: anchors and aliases are not allowed; write the value out",
        "c.yaml:4:1: b: stands twice, first in line 3, column 1",
        "c.yaml:5:1: a: stands twice, first in line 1, column 1",
        'c.yaml:6:1: a key must be a text; put it in quotes: "1"',
        "c.yaml:8:1: the text ends inside brackets that are not closed",
    ]
    for text in ("a: \x01\n", "a: 1\n"):
        assert len(message(text * 500).splitlines()) == module.MOST_FINDINGS


def test_alias_bomb_is_refused() -> None:
    levels = (f"{b}: &{b} [{f'*{a}, ' * 9}]\n" for a, b in pairwise("abcdefghi"))
    assert "not allowed" in message("a: &a [x, x, x]\n" + "".join(levels))


def test_depth_is_capped() -> None:
    least = "[" * 63 + "]" * 63
    assert parse_source(f"a: {least}", "c.yaml").value["a"]
    too_deep = f"is nested deeper than {module.MOST_DEPTH} levels"
    for text in (
        f"a: [{least}]",
        "a: " + "[" * 20_000,
        "{" * 20_000,
        "[\n" * 20_000,
        "[{a: " * 10_000,
        "- " * 20_000,
        "".join(" " * k + "a:\n" for k in range(300)),
    ):
        assert too_deep in message(text)


def test_size_is_capped() -> None:
    big = module.MOST_TEXT
    for text, expected in [
        ("#" * (module.MOST_BYTES + 1), "c.yaml: is larger than 1 MiB"),
        (f"a: {'x ' * big}", "c.yaml: is longer than 128 KiB; write long profiles as lists"),
        ("a:\n" + "- 1\n" * 20_001, "holds more than 20000 values; write long profiles as lists"),
        (f"a: [{'1,' * 150_001}]", "c.yaml:1:4: holds more than 150000 numbers"),
    ]:
        assert expected in message(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: [" + "1,",
        "a: " + "[ #",
        "a: [ #\n",
        "a: !",
        "a: 'x",
        '"\\',
        "a: |\n ",
        "? ",
        "%A\n",
        "]",
    ],
)
def test_what_repeats_to_the_cap_is_read_or_refused_in_time(text: str) -> None:
    with ends():
        outcome((text + text[-4:] * module.MOST_TEXT)[: module.MOST_TEXT])


def test_a_year_of_quarter_hours_is_read_with_the_place_of_every_number() -> None:
    year = ",\n  ".join(f"{k % 97}.5" for k in range(35_136))
    text = f"a: [ # 1, 2]\n  {year},\n]\nb: {{c: [{LONG}], d: 1}}\n"
    source = parse_source(text, "c.yaml")
    assert source.value["a"][97:99] == [0.5, 1.5]
    assert source.place(("a", 35_135)) == (35_137, 3)
    assert source.value["b"] == {"c": list(range(150)), "d": 1}
    assert source.place(("b", "c", 10)) == (35_139, 8 + len("[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, "))
    assert source.place(("b", "d")) == (35_139, text.split("\n")[-2].index("d:") + 1)


LISTS = [
    f"a: [{LONG}]",
    f"a: {{b: [\n {LONG},\n], c: [{LONG}]}}",
    f"a: [{LONG} 1]",
    f"a: [.inf, {LONG}]",
    f"a: [{LONG}, 1e999, {'9' * 400}]",
    f"# [{LONG}]\na: [{LONG}]",
    f'a: "x [{LONG}] y"\nb: [{LONG}]',
    f"a: |\n  [{LONG}]\n  x\nb: [{LONG}]",
    f"a: [x, # [{LONG},\n{LONG}]\nb: [",
    f"[{LONG}]: x",
    f"a: [{LONG}]\na: 'x [{LONG}]",
    f"a: [{LONG.replace(', ', ' , # two')}]",
    f"a: [{LONG.replace(', ', ', # x [ ] y' + chr(10))}]",
]


@pytest.mark.parametrize("text", LISTS)
def test_long_lists_read_as_any_other_list(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = outcome(text)
    monkeypatch.setattr(module, "_LIST", re.compile("(?!)"))
    assert quick == outcome(text)


def test_files_that_are_none(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"a: 1\nb: \xe9\n")
    large = tmp_path / "large.yaml"
    large.write_bytes(b"a: 1\n" * 300_000)
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    (tmp_path / "utf16.yaml").write_bytes("a: 1\n".encode("utf-16"))
    for path, expected in [
        (tmp_path / "none.yaml", "cannot be read: no such file"),
        (tmp_path, "is a directory; name a file"),
        (pipe, "is no regular file"),
        (Path(os.devnull), "is no regular file"),
        (latin, "latin.yaml:2:4: is not UTF-8 text (byte 9); save it as UTF-8"),
        (tmp_path / "utf16.yaml", "utf16.yaml:1:1: is not UTF-8 text (byte 1)"),
        (large, "is larger than 1 MiB"),
        (loop, "cannot be read"),
        (latin / "below", "cannot be read: not a directory"),
        (tmp_path / ("n" * 300), "cannot be read"),
        (Path("a\0b"), "cannot be read"),
        (Path("a\udcff.yaml"), "a?.yaml: has a name that is not UTF-8; rename it"),
    ]:
        with pytest.raises(CaseError) as caught:
            read_source(path)
        assert expected in str(caught.value)


def test_settings_replace_and_create() -> None:
    source = parse_source("a: {b: 1, c: 2}\nd: [1, {x: 2}]\nsolver: highs\nn:\n", "c.yaml")
    changed = apply_settings(
        source,
        [
            *("a.b=[3]", "a.e.f=1e-3", "d.0=x", "d.1.y=3", "g=", "n.k = true"),
            *("solver.time_limit=5", "t=a=b", "u='1'", "v={w: yes}"),
        ],
    )
    assert changed.value == {
        "a": {"b": [3], "c": 2, "e": {"f": 1e-3}},
        "d": ["x", {"x": 2, "y": 3}],
        "solver": {"name": "highs", "time_limit": 5},
        "n": {"k": True},
        "g": None,
        "t": "a=b",
        "u": "1",
        "v": {"w": "yes"},
    }
    assert source.value["a"] == {"b": 1, "c": 2}
    assert source.value["d"] == [1, {"x": 2}]
    assert apply_settings(source, ["a.b=1", "a={k: 3}", "a.e=4"]).value["a"] == {"k": 3, "e": 4}


def test_places_of_what_was_set() -> None:
    source = parse_source("a: {b: 1, c: 2}\nd: [1, 2]\nsolver: highs\nnet: x\n", "c.yaml")
    changed = apply_settings(
        source, ["a.b={k: 1}", "e.f.g=1", "d.1=7", "solver.gap=0", "net.file=y", "a.5=1"]
    )
    for path in [("a", "b"), ("a", "b", "k"), ("e",), ("e", "f", "g"), ("d", 1), ("net",)]:
        assert changed.place(path) == (0, 0)
    assert changed.place(("a", 5)) == changed.place(("a", "5")) == (0, 0)
    assert changed.place(("solver", "gap")) == (0, 0)
    assert changed.place(("solver", "name")) == (3, 1)
    assert changed.place(("a", "c")) == (1, 11)
    assert changed.place(("d", 0)) == (2, 5)
    assert source.place(("a", "b")) == (1, 5)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("a", "--set a: write it as key=value"),
        ("a..b=1", "--set a..b=1: write it as key=value"),
        ("\x1b\n0=1", "--set ? 0=1: write it as key=value"),
        ("k" * 201 + "=1", "write it as key=value"),
        ("a" + ".a" * 20_000 + "=1", "write it as key=value"),
        ("d.7=1", "--set d.7=1: no entry '7' in a list of 1; they count from 0"),
        ("d.-1=1", "--set d.-1=1: no entry '-1'"),
        (f"d.{'9' * 190}=1", "no entry"),
        ("d.x.y=1", "no entry 'x'"),
        ("a=[1", "--set a=[1: this '[' is not closed; end it with ']'"),
        ("a=.inf", "--set a=.inf: a: .inf is not allowed; numbers must be finite"),
        ("a.b={c: 1, c: 2}", "--set a.b={c: 1, c: 2}: a.b.c: stands twice"),
        ("a=!!python/name:os.system x", "are not allowed"),
        ("a=" + "[" * 20_000, "--set a=...: is nested deeper than 64 levels"),
        ("a.b.c=" + "[" * 62 + "]" * 62, "is nested deeper than 64 levels"),
        ("a=" + "9" * 5000, "--set a=...: a: a number of more than 300 digits"),
        ("a=1\n--- 2", "a second document starts"),
    ],
)
def test_wrong_settings_are_named(setting: str, expected: str) -> None:
    source = parse_source("d: [1]\n", "c.yaml")
    with pytest.raises(CaseError) as caught:
        apply_settings(source, [setting])
    (said,) = str(caught.value).splitlines()
    assert said.startswith("--set ")
    assert expected in said


def test_all_wrong_settings_are_reported_at_once() -> None:
    with pytest.raises(CaseError) as caught:
        apply_settings(Source("c.yaml", {}), ["a=[", "b=1", "c", "d=.nan"])
    labels = [str(finding).split(":")[0] for finding in caught.value.findings]
    assert labels == ["--set a=[", "--set c", "--set d=.nan"]


def test_help_does_not_pay_for_yaml() -> None:
    code = "import sys, optimodels.case.source; assert 'ruamel.yaml' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


PIECES = st.sampled_from(
    [*"ab:[]{}-#'\"\n ,&*!|>%@`1.\t?~", ": ", "\n  ", "- ", "<<", "---\n", "\\", "\x00", "\ufeff"]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=60))
def test_any_text_is_a_source_or_a_case_error(text: str) -> None:
    outcome(text)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([file.read_text()[:1200] for file in CASES]),
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 4), PIECES | st.text(max_size=3)), max_size=4
    ),
)
def test_any_mutated_case_is_a_source_or_a_case_error(
    text: str, changes: list[tuple[float, int, str]]
) -> None:
    for where, removed, put in changes:
        at = int(where * len(text))
        text = text[:at] + put + text[at + removed :]
    outcome(text)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(LISTS), st.floats(0, 1), st.integers(0, 3), PIECES)
def test_mutated_long_lists_read_as_any_other_list(
    text: str, where: float, removed: int, put: str
) -> None:
    at = int(where * len(text))
    text = text[:at] + put + text[at + removed :]
    quick = outcome(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_LIST", re.compile("(?!)"))
        assert quick == outcome(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30) | st.lists(PIECES | st.sampled_from("=d"), max_size=20).map("".join))
def test_any_setting_is_applied_or_refused(setting: str) -> None:
    source = parse_source("d: [1, {a: b}]\nsolver: x\n", "c.yaml")
    said = ""
    try:
        apply_settings(source, [setting])
    except CaseError as error:
        said = str(error)
    assert all(line.startswith("--set") for line in said.splitlines())
