"""Write the pages that are read from the code into docs/made: families, API, solvers, notebook.

conf.py runs it before every build, so that no page drifts from what it tells of.
"""

from __future__ import annotations

import json
import pkgutil
import shutil
import types
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from readings import ROOT, Reached, Shown, checking, computing, is_named, key_of, shown, stages

import optimodels
from optimodels.families import family, family_names
from optimodels.files import write_whole
from optimodels.model import Compute, Model, Solve
from optimodels.papers import papers_in
from optimodels.reporting.solvers import solvers_page

MADE = Path(__file__).resolve().parent / "made"
#: Longer defaults are cut: the case that `optimodels new` prints has them whole.
_LONGEST = 60
#: What a reader of the verdicts, or an author of a family or a solver, needs beside the families.
_MACHINERY = (
    "optimodels.model",
    "optimodels.result",
    "optimodels.parameters",
    "optimodels.form",
    "optimodels.errors",
    "optimodels.solvers.registry",
)


def main() -> None:
    pages = dict(_pages())
    MADE.mkdir(exist_ok=True)
    for old in MADE.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        path = MADE / name
        # An unchanged page need not be read again by the build.
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_whole(path, text)


def _pages() -> Iterator[tuple[str, str]]:
    for name in own_families():
        page = Family(name)
        yield f"{name}.md", page.text
        yield f"api-{name}.md", _api(f"Functions: {name}", page.modules, page.private)
    machinery = {module: import_module(module) for module in _MACHINERY}
    yield "api-declaring.md", _api("Declarations, results and solvers", machinery.values())
    verify = import_module("optimodels.verify")
    yield "api-verify.md", _api("Verification", [verify, *_inside(verify)])
    yield "api-python.md", _public()
    yield "solvers.md", _solvers()
    yield "tutorial.md", _tutorial()
    yield "notebook.md", _notebook()


def own_families() -> list[str]:
    """Return the families of the package itself, whatever else is installed."""
    return [n for n in family_names() if (ROOT / "optimodels" / "families" / n).is_dir()]


class Family:
    """The page of one family: its table of equations and functions, then model by model."""

    def __init__(self, name: str) -> None:
        self.package = import_module(f"optimodels.families.{name}")
        self.modules = [self.package, *_inside(self.package)]
        # Functions that are linked to although their names say that nobody else calls them.
        self.private: dict[str, set[str]] = {}
        self._own = {module.__name__ for module in self.modules}
        told = shown(name)
        models = [(model, stages(model)) for model in family(name).values()]
        title = (self.package.__doc__ or name).strip().rstrip(".")
        lines = [f"# {name.capitalize()}", "", f"{title}.", ""]
        lines += self._table(models)
        for model, reached in models:
            lines += self._model(model, reached, told.get(model.name, Shown()))
        named = papers_in("\n".join(lines))
        lines += ["## Papers", ""] if named else []
        lines += [f"- {_cell(paper)}" for paper in named]
        self.text = "\n".join([*lines, ""])

    def _table(self, models: list[tuple[Model, list[Reached]]]) -> list[str]:
        lines = [
            "## From stage to function",
            "",
            "Every stage of every model: its equations with their source, the functions that state "
            "them, what solves them exactly, and what checks them. A stage that stands under a "
            "choice of parameters says which.",
            "",
            "| model, stage | equations | Pyomo | CVXPY | exact, or computed by | checked by |",
            "|---|---|---|---|---|---|",
        ]
        for model, reached in models:
            for number, one in enumerate(reached):
                cells = self._row(model, one, number)
                lines.append("| " + " | ".join(cells) + " |")
        return [*lines, ""]

    def _row(self, model: Model, one: Reached, number: int) -> list[str]:
        stage = one.stage
        where = "<br>".join(f"`{key}: {_plain(value)}`" for key, value in one.where.items())
        head = f"[{model.name.partition('/')[2]}](#{_anchor(model, None)})<br>{stage.name}"
        if where:
            head += f"<br>{where}"
        at = f"#{_anchor(model, number)}"
        if isinstance(stage, Solve):
            problem = stage.formulation
            return [
                head,
                f"[{problem.name}]({at}), {problem.problem_class}<br>{_cell(problem.source)}"
                f"{self._room(problem.cvxpy or problem.pyomo)}",
                self._link(problem.pyomo),
                self._link(problem.cvxpy),
                self._link(problem.exact),
                "[the verifier](../verification.md)",
            ]
        run = computing(stage.run)
        equations = f"[{_count(stage)}]({at})" if stage.equations else "-"
        found = checking(stage.run)
        checks = "<br>".join(
            "in the same function" if one is run else self._link(one) for one in found
        )
        equations += f"<br>{_cell(model.source)}{self._room(run or stage.run)}"
        return [head, equations, "-", "-", self._link(run or stage.run), checks or "-"]

    def _room(self, function: Callable[..., Any] | None) -> str:
        """Say in which module of the family a stage's functions stand."""
        module = getattr(function, "__module__", "")
        short = module.removeprefix(f"{self.package.__name__}.")
        return f"<br>in {{py:mod}}`{short} <{module}>`"

    def _link(self, function: Callable[..., Any] | None) -> str:
        """Link to a function's entry, or to its module where it has no name of its own."""
        if function is None:
            return "-"
        if not isinstance(function, types.FunctionType) or not is_named(function):
            module = getattr(function, "__module__", "")
            return f"{{py:mod}}`{module.rpartition('.')[2]} <{module}>`"
        name, module = function.__qualname__, function.__module__
        if name.startswith("_") and module in self._own:
            self.private.setdefault(module, set()).add(name)
        return f"{{py:func}}`{name} <{module}.{name}>`"

    def _model(self, model: Model, reached: list[Reached], told: Shown) -> list[str]:
        lines = [
            f"({_anchor(model, None)})=",
            f"## {model.name}",
            "",
            f"{model.title}. Source: {model.source}.",
            "",
        ]
        lines += _picture(model, told)
        lines += [f"A case to start from: `optimodels new {model.name}`."]
        if told.cases:
            lines += ["Shipped cases: " + ", ".join(f"`{case}`" for case in told.cases) + "."]
        for number, one in enumerate(reached):
            lines += self._equations(model, one, number)
        lines += ["", "### Parameters", "", *_parameters(model)]
        if told.values:
            lines += ["", "### Values of a result", ""]
            lines += ["| `result.values` | unit, meaning | for example | in the case |"]
            lines += ["|---|---|---|---|"]
            for name, (value, case) in told.values.items():
                lines.append(f"| `{name}` | {_cell(model.meaning(name))} | {value} | {case} |")
        if told.tables:
            lines += ["", "### Tables of a result", ""]
            lines += ["| `result.tables` | column | unit, meaning |", "|---|---|---|"]
            for title, (columns, _) in told.tables.items():
                table = key_of(title)
                for k, name in enumerate(columns):
                    head = "" if k else f"`{table}`"
                    lines.append(f"| {head} | `{name}` | {_cell(model.meaning(name, table))} |")
        return [*lines, ""]

    def _equations(self, model: Model, one: Reached, number: int) -> list[str]:
        stage = one.stage
        if not stage_equations(stage):
            return []
        lines = ["", f"({_anchor(model, number)})=", f"### Stage {stage.name}", ""]
        if one.where:
            choice = ", ".join(f"`{key}: {_plain(value)}`" for key, value in one.where.items())
            lines += [f"With {choice}.", ""]
        if isinstance(stage, Solve):
            problem = stage.formulation
            lines += [f"{problem.name} ({problem.problem_class}). Source: {problem.source}.", ""]
        return [*lines, "```text", *stage_equations(stage), "```"]


def _picture(model: Model, told: Shown) -> Iterator[str]:
    """The first picture that the model has a caption for, or the first that its cases have."""
    named = [
        (caption.text, f"{case}-{name}.svg")
        for name, caption in model.captions.items()
        for case in told.cases
    ]
    files = told.pictures.values()
    found = [one for one in named if one[1] in files] or list(told.pictures.items())
    for text, file in found[:1]:
        path = f"../../reports/{model.name.partition('/')[0]}/{file}"
        yield from (
            f"```{{figure}} {path}",
            f":alt: {json.dumps(text)}",
            "",
            _cell(text),
            "```",
            "",
        )


def stage_equations(stage: Solve | Compute) -> tuple[str, ...]:
    """Return the equations of a stage, as `explain` prints them."""
    return stage.formulation.equations if isinstance(stage, Solve) else stage.equations


def _count(stage: Compute) -> str:
    n = len(stage.equations)
    return f"{n} lines" if n > 1 else "1 line"


def _anchor(model: Model, number: int | None) -> str:
    name = model.name.replace("/", "-")
    return name if number is None else f"{name}-stage-{number}"


def _parameters(model: Model) -> Iterator[str]:
    fields = model.parameters_class().model_fields
    yield "| `parameters` | default | unit, meaning |"
    yield "|---|---|---|"
    for name, field in fields.items():
        default = _plain(field.get_default(call_default_factory=True))
        short = default if len(default) <= _LONGEST else f"{default[: _LONGEST - 4]} ..."
        yield f"| `{field.alias or name}` | {_cell(short)} | {_cell(field.description or '')} |"


def _plain(value: Any) -> str:
    """Return a value as YAML would have it on one line."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    if isinstance(value, list):
        value = [v.model_dump(mode="json") if hasattr(v, "model_dump") else v for v in value]
    return value if isinstance(value, str) else json.dumps(value)


def _cell(text: str) -> str:
    """Keep Markdown from reading a text of a table's cell: a bar, a star, an underscore."""
    return "".join(f"\\{c}" if c in "|*_`<>[]{}$\\" else c for c in text)


def _inside(package: types.ModuleType) -> list[types.ModuleType]:
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [import_module(entry.name) for entry in found]


def _api(
    title: str, modules: Iterable[types.ModuleType], private: dict[str, set[str]] | None = None
) -> str:
    """A page of Sphinx's own entries, module by module."""
    lines = [f"# {title}", ""]
    for module in modules:
        name = module.__name__
        short = name.removeprefix("optimodels.").removeprefix("families.")
        lines += [f"## {short}", "", "```{eval-rst}", f".. automodule:: {name}", "   :members:"]
        named = sorted((private or {}).get(name, ()))
        lines += ["", *(f".. autofunction:: {name}.{one}" for one in named), "```", ""]
    return "\n".join(lines)


def _public() -> str:
    lines = [
        "# Python",
        "",
        "What `import optimodels` offers; the commands of the same names do nothing else.",
        "",
        "```{eval-rst}",
    ]
    for name in optimodels.__all__:
        value = getattr(optimodels, name)
        if isinstance(value, type):
            error = issubclass(value, Exception)
            lines += [f".. auto{'exception' if error else 'class'}:: optimodels.{name}"]
            lines += ["   :members:", ""]
        elif callable(value):
            lines += [f".. autofunction:: optimodels.{name}", ""]
    return "\n".join([*lines, "```", ""])


def _solvers() -> str:
    text = solvers_page()
    generated = "Generated by `python reports/make.py`; a test keeps it in step with the catalogue."
    return text.replace(generated, "Read from the registry, installed here or not.")


def _tutorial() -> str:
    text = (ROOT / "tutorial.md").read_text(encoding="utf-8")
    # Links lead to other pages here, and CSV is no language that is coloured.
    return text.replace("](README.md)", "](../index.md)").replace("```csv", "```text")


def _notebook() -> str:
    """The notebook as a page: its prose and its code, which a test runs."""
    notebook = json.loads((MADE.parent / "notebook.ipynb").read_text(encoding="utf-8"))
    lines: list[str] = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        lines += (
            [source, ""] if cell["cell_type"] == "markdown" else [f"```python\n{source}\n```", ""]
        )
    return "\n".join(lines)


if __name__ == "__main__":
    if MADE.exists():
        shutil.rmtree(MADE)
    main()
