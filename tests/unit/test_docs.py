"""The documentation: its pages build without a warning, and what they show runs as it stands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

import optimodels

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(
    r"^```(?:\{code-block\} \w+\n:caption: (?P<file>\S+)(?P<below> \(below\))?\n\n|sh\n)"
    r"(?P<text>.*?)^```$",
    re.M | re.S,
)
needs_sphinx = pytest.mark.skipif(
    find_spec("myst_parser") is None or find_spec("furo") is None, reason="needs the extra docs"
)


def run(command: list[str], folder: Path, path: str = "") -> str:
    """Run Python with this checkout and further folders to import from; it must succeed."""
    found = os.pathsep.join(filter(None, [path, str(ROOT), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": found},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def follow(page: str, folder: Path) -> None:
    """Do what a page says, in its order: write its files, install its package, run its commands."""
    blocks = list(_BLOCK.finditer((DOCS / page).read_text(encoding="utf-8")))
    assert any(block["file"] is None for block in blocks)
    for block in blocks:
        if block["file"] is None:
            install(folder)
            for line in block["text"].splitlines():
                words, _, file = line.partition(" > ")
                name, *arguments = words.split()
                assert name == "optimodels"
                said = run(["-m", "optimodels", *arguments], folder, str(folder))
                if file:
                    (folder / file).write_text(said, encoding="utf-8")
            continue
        path = folder / block["file"]
        path.parent.mkdir(exist_ok=True)
        before = path.read_text(encoding="utf-8") + "\n\n" if block["below"] else ""
        path.write_text(before + block["text"], encoding="utf-8")
    run(["-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)], folder, str(folder))


def install(folder: Path) -> None:
    """What `pip install -e .` does for the entry points, without a network."""
    path = folder / "pyproject.toml"
    if not path.exists():
        return
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    lines: list[str] = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    about = folder / f"{project['name']}-{project['version']}.dist-info"
    about.mkdir(exist_ok=True)
    (about / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (about / "METADATA").write_text(head, encoding="utf-8")


def test_a_family_and_its_second_formulation_run_as_written(tmp_path: Path) -> None:
    follow("add-a-family.md", tmp_path)
    follow("add-a-formulation.md", tmp_path)


def test_a_solver_runs_as_written(tmp_path: Path) -> None:
    follow("add-a-solver.md", tmp_path)
