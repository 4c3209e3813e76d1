"""A result as files: JSON, one CSV per table, pictures; each whole or not there."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from optimodels.files import write_whole
from optimodels.model import Model
from optimodels.result import Result, Row, plain_json
from optimodels.runs import Run


def save(result: Result, model: Model, folder: Path) -> list[Path]:
    """Write a result into a folder and return the files, named after the case."""
    stem = _stem(result.case)
    text = json.dumps(result.as_json(), indent=1, allow_nan=False, ensure_ascii=False)
    written = [write_whole(folder / f"{stem}.json", text + "\n")]
    for name, table in result.tables.items():
        if table:
            written.append(write_whole(folder / f"{stem}-{name}.csv", csv_text(table)))
    for name, picture in model.draw([result]).items():
        written.append(write_whole(folder / f"{stem}-{name}.svg", picture))
    return written


def save_sweep(
    name: str, runs: Sequence[Run], table: Sequence[Row], model: Model, folder: Path
) -> list[Path]:
    """Write a sweep's table and the model's pictures of all its results."""
    stem = _stem(name)
    written = [write_whole(folder / f"{stem}.csv", csv_text(table))]
    results = [run.result for run in runs if run.result is not None]
    if results:
        for picture, content in model.draw(results).items():
            written.append(write_whole(folder / f"{stem}-{picture}.svg", content))
    return written


def csv_text(table: Sequence[Row]) -> str:
    """Return a table as CSV with a header row."""
    columns = list(dict.fromkeys(key for row in table for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(plain_json(list(table)))
    return text.getvalue()


def _stem(name: str) -> str:
    """A case's name may hold anything; a file's name may not."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip(".") or "case"
