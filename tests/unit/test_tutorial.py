"""The tutorial as it is written: its files, its commands, what it shows, in an empty folder."""

from __future__ import annotations

import math
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from optimodels.cli import main
from tests.unit.figures import words_and_figures

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "tutorial.md"
FILES = ("matlab", "csv", "yaml")
_BLOCK = re.compile(r"(?ms)^```(\w+)\n(.*?)^```$")


def blocks() -> Iterator[tuple[str, str, str]]:
    """Yield kind, text and, of a file, the name that stands last in backquotes before it."""
    page = PAGE.read_text()
    for found in _BLOCK.finditer(page):
        names = re.findall(r"`([\w-]+\.\w+)`", page[: found.start()])
        yield found[1], found[2], names[-1] if found[1] in FILES else ""


def run(text: str, capfd: pytest.CaptureFixture[str]) -> str:
    """Run a block and return what it says, with the exit code where that is not 0."""
    lines = text.splitlines()
    if all(line.startswith("optimodels ") for line in lines):
        for line in lines:
            words, _, file = line.partition(" > ")
            if file:
                with open(file, "w") as target, redirect_stdout(target):
                    code = main(shlex.split(words)[1:])
            else:
                code = main(shlex.split(words)[1:])
    else:
        # What is more than the tool's own words is a shell's.
        tool = f'optimodels() {{ "{sys.executable}" -m optimodels "$@"; }}\n'
        code = subprocess.run(["bash", "-ec", tool + text], env=os.environ).returncode
    said = capfd.readouterr()
    return said.out + said.err + (f"exit code {code}\n" if code else "")


def shown_in(shown: str, said: str) -> None:
    """Compare line by line: words to the letter, figures to what is printed of them; "..." stands
    for what is left out."""
    rest = [line.rstrip() for line in said.splitlines()]
    skip = False
    for line in shown.splitlines():
        if line == "...":
            skip = True
            continue
        at = next((k for k, other in enumerate(rest) if alike(line, other)), None)
        assert at is not None, f"not said: {line}\n{said}"
        assert skip or at == 0, f"left out before {line!r}: {rest[:at]}"
        rest, skip = rest[at + 1 :], False
    assert skip or not any(rest), f"not shown: {rest}"


def alike(line: str, other: str) -> bool:
    """Whether two lines have the same words and, to a unit of the last digit, figures."""
    start, left_out, _ = line.partition(" ...") if line.endswith("; ...") else (line, "", "")
    other = other[: len(start)] if left_out else other
    (words, mine), (other_words, theirs) = words_and_figures(start), words_and_figures(other)
    if words != other_words:
        return False
    return all(math.isclose(a, b, rel_tol=2e-5) for a, b in zip(mine, theirs, strict=True))


def test_tutorial_is_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OPTIMODELS_CACHE", str(tmp_path / "cache"))
    said, kinds = "", []
    for kind, text, name in blocks():
        if kind in FILES:
            Path(name).write_text(text)
        elif kind == "sh":
            said = run(text, capfd)
        elif kind == "python":
            exec(compile(text, str(PAGE), "exec"), {})
        else:
            assert kind == "text"
            shown_in(text, said)
        kinds.append(kind)
    assert {*FILES, "sh", "text", "python"} == set(kinds)
    made = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    page = PAGE.read_text()
    named = re.findall(r"`(?:\w+/)?([\w-]+\.(?:m|csv|yaml|svg|tex|html|md|zip))`", page)
    assert set(named) <= made


def test_what_is_shown_is_compared() -> None:
    said = "one 1.5\ntwo 2\n\nthree 3 s\n"
    shown_in("one 1.50001\n...\n", said)
    for wrong in ("one 1.6\n...\n", "two 2\n...\n", "one 1.5\n", "...\nfour\n...\n"):
        with pytest.raises(AssertionError):
            shown_in(wrong, said)
