"""The documentation: its pages build without a warning, and what they show runs as it stands."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import optimodels
from optimodels.families import find_model, model_names
from optimodels.model import Solve
from optimodels.papers import PAPERS, papers_in
from tests.unit.packages import install

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(
    r"^```(?:\{code-block\} \w+\n:caption: (?P<file>\S+)(?P<below> \(below\))?\n\n|sh\n)"
    r"(?P<text>.*?)^```$",
    re.M | re.S,
)
_ROLE = re.compile(r'(?<!>)<code class="xref[^>]*>.*?</code>', re.S)


def test_the_readme_lists_the_papers_that_sources_name() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| (\d{3}) \| (.*) \|$", readme, re.M)) == PAPERS


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("002, section 3; 003, (4)", ["002", "003"]),
        ("papers 000 and 001.", ["000", "001"]),
        ("001's algorithm (004)", ["001", "004"]),
        ("0.001, 2,000, 45 000, 1e-003, run_001, 0010, 001.5", []),
    ],
)
def test_a_paper_is_told_from_a_number(text: str, named: list[str]) -> None:
    assert papers_in(text) == [f"{number}: {PAPERS[number]}" for number in named]


def needs(*modules: str) -> pytest.MarkDecorator:
    missing = [module for module in modules if find_spec(module) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs the extra docs: {missing}")


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
            install_project(folder)
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


def install_project(folder: Path) -> None:
    """What `pip install -e .` does for the entry points, without a network."""
    path = folder / "pyproject.toml"
    if not path.exists():
        return
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    lines: list[str] = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    install(folder, project["name"], "\n".join(lines), project["version"])


def test_a_family_and_its_second_formulation_run_as_written(tmp_path: Path) -> None:
    follow("add-a-family.md", tmp_path)
    follow("add-a-formulation.md", tmp_path)


def test_a_solver_runs_as_written(tmp_path: Path) -> None:
    follow("add-a-solver.md", tmp_path)


def test_the_readme_s_formulation_and_solver_run_as_written(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    part = text.partition("## Formulations and solvers of one's own\n")[2].partition("\n## ")[0]
    formulation, said, solver, project = re.findall(r"^```\w*\n(.*?)^```$", part, re.M | re.S)
    assert run(["-c", formulation], tmp_path) == said
    (tmp_path / "mine.py").write_text(solver, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    install_project(tmp_path)
    listed = run(["-m", "optimodels", "solvers"], tmp_path, str(tmp_path))
    assert "clarabel-tight" in listed
    case = tmp_path / "day.yaml"
    case.write_text("model: flexibility/shiftable-loads\nparameters: {discrete: false}\n")
    solve = ["-m", "optimodels", "solve", "day.yaml", "--solver", "clarabel-tight"]
    assert "verified by certificate: global optimum" in run(solve, tmp_path, str(tmp_path))


def test_every_figure_of_a_result_has_a_unit_or_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    readings, pages = import_module("readings"), import_module("make_pages")
    for family in pages.own_families():
        for name, told in readings.shown(family).items():
            model = find_model(name)
            assert told.values, name
            silent = [value for value in told.values if not model.meaning(value)]
            for title, (columns, _) in told.tables.items():
                table = readings.key_of(title)
                silent += [f"{table}.{c}" for c in columns if not model.meaning(c, table)]
            assert not silent, name


@needs("sphinx", "myst_parser", "furo")
def test_pages_build_without_a_warning_and_show_every_stage(tmp_path: Path) -> None:
    run(["-m", "sphinx", "-q", "-W", "-d", str(tmp_path / "trees"), str(DOCS), str(tmp_path)], ROOT)
    pages = {path.stem: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")}
    for name in model_names():
        model, family = find_model(name), name.partition("/")[0]
        shown = html.unescape(re.sub(r"<[^>]*>", "", pages[family]))
        assert set(model.parameters_class().model_fields) <= set(re.findall(r"\w+", shown))
        for stage in model.load_program().stages:
            problem = stage.formulation if isinstance(stage, Solve) else None
            for equation in (problem or stage).equations:  # type: ignore[union-attr]
                assert equation.rstrip() in shown, name
            if problem is not None:
                assert problem.source in shown
        # What the tables link to is there, and each model has values or tables of a shipped case.
        assert not _ROLE.findall(pages[family])
        part = pages[family].partition(f'id="{name.replace("/", "-")}"')[2].partition("<h2>")[2]
        assert "Tables of a result" in part.partition("<h2>")[0], name

    # Links are for readers; what a page loads lies beside it.
    loaded = re.compile(
        r'<(?:script|img|iframe)[^>]*src="(?:https?:)?//|<link[^>]*href="(?:https?:)?//'
    )
    assert not any(loaded.search(text) for text in pages.values())
    styles = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.css")]
    assert not any(re.search(r"(?:@import\s|url\()[\s'\"]*(?:https?:)?//", text) for text in styles)


@needs("nbclient", "nbformat", "ipykernel")
def test_the_notebook_runs_and_is_kept_without_outputs() -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(DOCS / "notebook.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    # Its kernel uses this checkout, whatever is installed.
    kept = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), kept]))
    try:
        # A busy machine hands a printed line over in pieces, each an output of its own.
        NotebookClient(
            notebook, timeout=600, coalesce_streams=True, resources={"metadata": {"path": DOCS}}
        ).execute()
    finally:
        if kept is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = kept
    said = json.dumps([output for cell in code for output in cell.outputs])
    assert said.count("verified by certificate: global optimum") == 2
    assert "infeasible | verified by certificate: infeasibility" in said
    assert "did you mean 'aggregators'?" in said
    assert "image/png" in said


def test_the_citation_is_of_this_version_and_licence() -> None:
    cited = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert cited["version"] == optimodels.__version__
    assert cited["license"] == project["license"]
    assert cited["title"] == project["name"]
    assert cited["authors"] == project["authors"]
