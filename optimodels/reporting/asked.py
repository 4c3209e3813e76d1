"""The question of a report: the case as it was given, its mathematics, how to ask it again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from optimodels.comparison import Table
from optimodels.errors import CallError, OptimodelsError
from optimodels.families import find_model
from optimodels.model import Model, Solve
from optimodels.reporting.drawing import drawing_in
from optimodels.reporting.folder import picture_files
from optimodels.reporting.sections import Listing, Picture, Section
from optimodels.result import Row

#: Longer lists of values are cut in the table of keys; the case's text has them whole.
_MOST_ITEMS = 8


def known_model(name: str) -> Model | None:
    """Return the model, or None where its family is not installed here."""
    try:
        return find_model(name)
    except CallError:
        return None


def question(name: str, asked: Mapping[str, Any], columns: Sequence[str] = ()) -> Section:
    """Return what was asked of a model; ``columns`` are keys that a sweep sets by run."""
    model = known_model(name)
    title = [f"{model.title}.", f"Source: {model.source}."] if model else []
    if not asked:
        return Section("What was asked", text=[*title, "The case itself was not kept."])
    keys = [{"key": key, "value": value} for key, value in _flat(asked["keys"])]
    for row in keys:
        # A run may set the key itself, a part of it, or the mapping that it is in.
        at = f"{row['key']}."
        if any(c.startswith(at) or at.startswith(f"{c}.") for c in columns):
            row["value"] = "see the runs"
    text = Section(
        f"The case's text, {Path(asked['file']).name}",
        listings=[Listing("as it stands in the file", asked["text"], Path(asked["file"]).name)],
        folded=True,
    )
    over = f"Set over the file: {'; '.join(asked['settings'])}." if asked["settings"] else ""
    return Section(
        "What was asked",
        text=[*title, *([over] if over else [])],
        tables=[Table("The case in full", keys, "with every default")],
        parts=[text] if asked["text"] else [],
    )


def _flat(tree: Mapping[str, Any], head: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{head}{key}.")
        elif isinstance(value, list):
            shown = ", ".join(map(str, value[:_MOST_ITEMS]))
            more = f", ... ({len(value)} values)" if len(value) > _MOST_ITEMS else ""
            yield f"{head}{key}", f"[{shown}{more}]"
        elif value is not None:
            yield f"{head}{key}", value


def mathematics(name: str, asked: Mapping[str, Any]) -> Section | None:
    """Return what the stages of a model state in mathematics for the parameters that were asked
    for, or None where there is nothing."""
    model = known_model(name)
    if model is None:
        return None
    given = asked.get("keys", {}).get("parameters", {})
    try:
        parameters = model.parameters_class().model_validate_json(json.dumps(given))
        program = model.load_program(parameters)
    except (ValueError, OptimodelsError) as error:
        said = f"Not shown: what was asked cannot be asked here: {reason_of(error)}."
        return Section("The mathematics", text=[said])
    equations = []
    for stage in program.stages:
        if not isinstance(stage, Solve):
            if stage.equations:
                equations.append(Listing(stage.name, "\n".join(stage.equations)))
        elif stage.formulation.equations:
            stated = stage.formulation
            title = f"{stage.name}: {stated.name} ({stated.problem_class}); {stated.source}"
            equations.append(Listing(title, "\n".join(stated.equations)))
    return Section("The mathematics", equations=equations) if equations else None


def reason_of(error: Exception) -> str:
    """Return why something that was stored cannot be read, in one line."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place}: {first['msg']}" if place else first["msg"]
    return " ".join(str(getattr(error, "strerror", None) or error).split())


def again(command: str, asked: Mapping[str, Any], folder: Path) -> Section | None:
    """Return the command that does the same once more, from where it was first done."""
    if not asked:
        return None
    words = ["optimodels", command, asked["file"]]
    for setting in asked["settings"]:
        words += ["--set", setting]
    words += ["--allow-outside"] if asked["outside"] else []
    words += ["--out", folder.resolve().name]
    return Section(
        "How to run it again",
        text=["From where it was first run, or with the case's text above saved under that name."],
        listings=[Listing("command", shlex.join(words))],
    )


def pictures(
    folder: Path,
    stem: str,
    model: Model | None,
    data: Mapping[str, Table],
    left_out: list[str],
    *,
    of_sweep: bool,
) -> list[Picture]:
    """Return the pictures in a folder that belong to a case by its file's stem, or to its sweep.

    ``data`` are the case's tables by name, under "" that of a sweep's runs; ``left_out`` is told
    of files that are no pictures.
    """
    found = []
    captions = model.captions if model else {}
    for path in picture_files(folder, stem, of_sweep=of_sweep):
        drawing = drawing_in(path, left_out)
        if drawing is None:
            continue
        name = path.stem.removeprefix(f"{stem}-")
        caption = captions.get(name)
        table = data.get(caption.table if caption else name)
        text = caption.text if caption else name.replace("_", " ").replace("-", " ")
        found.append(Picture(path.name, drawing, text, table))
    return found


def facts(title: str, values: Mapping[str, Any], head: tuple[str, str]) -> Table:
    """Return a table of two columns."""
    rows: list[Row] = [{head[0]: name, head[1]: value} for name, value in values.items()]
    return Table(title, rows)
