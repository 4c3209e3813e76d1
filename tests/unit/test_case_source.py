"""Reading YAML: every mistake at its place, no input that hangs, explodes or traces back."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimodels.case.source import apply_settings, parse_source, read_source
from optimodels.errors import CaseError


def message(text: str) -> str:
    with pytest.raises(CaseError) as caught:
        parse_source(text, "c.yaml")
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-6", 1e-6),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("~", None),
        ("'12'", "12"),
        ("-3.", -3.0),
        ("1_000", "1_000"),
    ],
)
def test_scalars_are_yaml_1_2(text: str, value: Any) -> None:
    read = parse_source(f"a: {text}", "c.yaml").value["a"]
    assert read == value
    assert type(read) is type(value)


def test_places_count_from_one() -> None:
    source = parse_source("a: 1\nb:\n  - 2\n  - c: 3\n", "c.yaml")
    assert source.place(("a",)) == (1, 1)
    assert source.place(("b", 1, "c")) == (4, 5)
    assert source.place(("b", 0)) == (3, 5)
    assert source.place(("b", 1, "missing")) == (4, 5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "c.yaml: is empty"),
        ("# only this\n", "c.yaml: is empty"),
        ("- 1\n", "c.yaml:1:1: must be a mapping"),
        ("a: 1\n\tb: 2\n", "c.yaml:2:1: indent with spaces, not tabs"),
        ("a: \x00", "c.yaml:1:4: control character U+0000"),
        ("a: .inf", "c.yaml:1:4: a: .inf is not allowed; numbers must be finite"),
        ("a: {b: [1, .nan]}", "c.yaml:1:12: a.b.1: .nan is not allowed"),
        ("a: 1e999", "too large"),
        ("a: &x 1\nb: *x", "c.yaml:1:4: a: anchors and aliases are not allowed"),
        ("a: {<<: {b: 1}}", "merging (<<) is not allowed"),
        ("a: !!python/object:os.system x", "tags are not allowed"),
        ("a: !mine x", "tags (!mine) are not allowed"),
        ("1: a", "c.yaml:1:1: 1: a key must be a text"),
        ("? [a]\n: b", "a key must be a text"),
        ("a: 1\n---\nb: 2\n", "must hold one document"),
        ("a: [1, 2\nb: 3\n", "is not closed; end the list with ']'"),
        ("a: b: c", "c.yaml:1:5: a ':' where none can be"),
        ("a: 'x", "a quotation mark is not closed"),
        (f"a: {'9' * 5000}", "c.yaml:1:4: a: a number of more than 300 digits"),
        (f"{'k' * 201}: 1", "a key is longer than 200 characters"),
        ("a: " + "[" * 20_000, "is nested deeper than 64 levels"),
        ("a: " + "- " * 20_000, "is nested deeper than 64 levels"),
    ],
)
def test_mistakes_are_one_clear_line(text: str, expected: str) -> None:
    said = message(text)
    assert expected in said.splitlines()[0]
    assert all(len(line) < 200 for line in said.splitlines())


def test_all_duplicate_keys_are_reported_at_once() -> None:
    said = message("a: 1\na: 2\nb: 1\nb: 2\n").splitlines()
    assert said == [
        "c.yaml:2:1: a: stands twice, first in line 1",
        "c.yaml:4:1: b: stands twice, first in line 3",
    ]


def test_alias_bomb_is_refused() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for level in "bcdefghi":
        before = chr(ord(level) - 1)
        lines.append(f"{level}: &{level} [{', '.join([f'*{before}'] * 9)}]")
    assert "not allowed" in message("\n".join(lines))


def test_files_that_are_none(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"a: 1\nb: \xe9\n")
    large = tmp_path / "large.yaml"
    large.write_bytes(b"a: 1\n" * 300_000)
    for path, expected in [
        (tmp_path / "none.yaml", "no such file"),
        (tmp_path, "is a directory"),
        (pipe, "is no regular file"),
        (latin, "latin.yaml:2:1: is not UTF-8 text (byte 9)"),
        (large, "is larger than 1 MiB"),
        (tmp_path / ("n" * 300), "cannot be read"),
    ]:
        with pytest.raises(CaseError) as caught:
            read_source(path)
        assert expected in str(caught.value)


def test_settings_replace_and_create() -> None:
    source = parse_source("a: {b: 1, c: 2}\nd: [1, 2]\nsolver: highs\n", "c.yaml")
    changed = apply_settings(
        source, ["a.b=[3]", "a.e.f=1e-3", "d.1=x", "g=", "solver.time_limit=5"]
    )
    assert changed.value["a"] == {"b": [3], "c": 2, "e": {"f": 1e-3}}
    assert changed.value["d"] == [1, "x"]
    assert changed.value["g"] is None
    assert changed.value["solver"] == {"name": "highs", "time_limit": 5}
    assert changed.place(("a", "b")) == (0, 0)
    assert source.value["a"] == {"b": 1, "c": 2}


def test_a_mapping_that_is_set_replaces() -> None:
    source = parse_source("a: {b: 1, c: 2}\n", "c.yaml")
    assert apply_settings(source, ["a={d: 3}"]).value == {"a": {"d": 3}}


@pytest.mark.parametrize("setting", ["a", "=1", "a..b=1", "d.7=1", "a=[1", "a=.inf"])
def test_wrong_settings_are_named(setting: str) -> None:
    source = parse_source("d: [1]\n", "c.yaml")
    with pytest.raises(CaseError, match="--set"):
        apply_settings(source, [setting])


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:[]{}-#'\"\n ,&*!|>%@`1.\t?"), max_size=60))
def test_any_text_is_a_source_or_a_case_error(text: str) -> None:
    with contextlib.suppress(CaseError):
        assert isinstance(parse_source(text, "c.yaml").value, dict)
