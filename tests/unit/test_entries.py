"""What other packages offer and is not there: one line that names the package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from optimodels.errors import RunError
from optimodels.model import load
from tests.unit.packages import install

SOLVER = """
from optimodels.solvers.registry import Options, Solver
SOLVERS = [Solver("guess", "pyomo", frozenset({%s}), "guess", Options(), driver="%s")]
"""


def run(folder: Path, code: str, entry: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "mine.py").write_text(code)
    install(folder, "mine", entry)
    return subprocess.run(
        [sys.executable, "-m", "optimodels", *arguments], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "entry", "arguments", "said"),
    [
        ("", "[optimodels.families]\nmine = mine:MODELS\n", ["models"], "mine = 'mine:MODELS'"),
        ("", "[optimodels.families]\nmine = ours:MODELS\n", ["models"], "No module named 'ours'"),
        ("", "[optimodels.solvers]\nmine = mine:SOLVERS\n", ["solvers"], "no attribute 'SOLVERS'"),
        (SOLVER % ("'LPP'", ""), "[optimodels.solvers]\nmine = mine:SOLVERS\n", ["solvers"],
         "no class of problems LPP; known: LP, QP"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_one_line(
    tmp_path: Path, code: str, entry: str, arguments: list[str], said: str
) -> None:
    ran = run(tmp_path, code, entry, *arguments)
    assert ran.returncode == 5
    assert said in ran.stderr
    assert "mine offers optimodels." in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_driver_that_is_not_there_is_one_line(tmp_path: Path, cases: Path) -> None:
    case = str(cases / "flexibility" / "shiftable-33bus.yaml")
    ran = run(
        tmp_path, SOLVER % ("'LP'", "mine.gessing:solve"),
        "[optimodels.solvers]\nmine = mine:SOLVERS\n", "solve", case, "--solver", "guess",
    )  # fmt: skip
    assert ran.returncode == 5
    assert "'mine.gessing:solve' cannot be loaded: " in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("text", ["optimodels.nothing:x", "nobody.nothing:x", "optimodels.form:x"])
def test_references_to_nothing(text: str) -> None:
    with pytest.raises(RunError, match="cannot be loaded"):
        load(text)
