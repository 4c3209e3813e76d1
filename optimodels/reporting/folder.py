"""A result as files: JSON, one CSV per table, pictures; each whole or not there."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from optimodels.files import BENCHMARK_FILE, file_stem, write_whole
from optimodels.model import Model
from optimodels.result import Result, Row, plain_json
from optimodels.runs import Store, Sweep

if TYPE_CHECKING:
    from optimodels.benchmarking import Benchmark


def save(result: Result, model: Model, folder: Path) -> list[Path]:
    """Write a result into a folder and return the files, named after the case."""
    stem = file_stem(result.case)
    text = json.dumps(result.as_json(), indent=1, allow_nan=False, ensure_ascii=False)
    written = [write_whole(folder / f"{stem}.json", text + "\n")]
    for name, table in result.tables.items():
        if table:
            written.append(write_whole(folder / f"{stem}-{name}.csv", csv_text(table)))
    for name, picture in model.draw([result]).items():
        written.append(write_whole(folder / f"{stem}-{name}.svg", picture))
    return written


def save_sweep(sweep: Sweep, model: Model, store: Store, folder: Path) -> list[Path]:
    """Write a sweep's table and the model's pictures of all its results."""
    stem = file_stem(sweep.index.case)
    table = folder / f"{stem}.csv"
    text = csv_text(sweep.rows)
    if table.exists() and table.read_bytes() == text.encode():
        # Nothing has changed: the pictures are those of these runs.
        return [table, *sorted(folder.glob(f"{stem}-*.svg"))]
    written = [write_whole(table, text)]
    records = (store.read(key) for key in sweep.index.keys) if model.pictures else ()
    results = [
        Result.from_json({**record.result, "seconds": record.seconds}, record.arrays)
        for record in records
        if record is not None and record.result is not None
    ]
    if results:
        for picture, content in model.draw(results).items():
            written.append(write_whole(folder / f"{stem}-{picture}.svg", content))
    return written


def save_benchmark(benchmark: Benchmark, folder: Path) -> list[Path]:
    """Write a benchmark: everything as JSON, its entries as CSV, its pictures."""
    from optimodels.benchmarking.pictures import draw
    from optimodels.benchmarking.tables import entry_rows

    written = [
        write_whole(folder / BENCHMARK_FILE, benchmark.as_json()),
        write_whole(folder / "bench.csv", csv_text(entry_rows(benchmark))),
    ]
    for name, content in draw(benchmark).items():
        written.append(write_whole(folder / f"bench-{name}.svg", content))
    return written


def csv_text(table: Sequence[Row]) -> str:
    """Return a table as CSV with a header row."""
    columns = list(dict.fromkeys(key for row in table for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(plain_json(list(table)))
    return text.getvalue()
