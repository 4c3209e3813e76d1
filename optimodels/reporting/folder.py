"""A result as files: JSON, one CSV per table, pictures; each whole or not there."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimodels.files import BENCHMARK_FILE, file_stem, make_folder, write_whole
from optimodels.model import Model
from optimodels.reporting.formats import csv_text
from optimodels.result import Result
from optimodels.runs import Store, Sweep

if TYPE_CHECKING:
    from optimodels.benchmarking import Benchmark
    from optimodels.case import Case


def save(result: Result, model: Model, folder: Path) -> list[Path]:
    """Write a result into a folder and return the files, named after the case.

    What an earlier result of the case left there and this one has not is removed.
    """
    stem = file_stem(result.case)
    before = _tables_of(folder / f"{stem}.json")
    text = json.dumps(result.as_json(), indent=1, allow_nan=False, ensure_ascii=False)
    written = [write_whole(folder / f"{stem}.json", text + "\n")]
    for name, table in result.tables.items():
        if table:
            written.append(write_whole(folder / f"{stem}-{name}.csv", csv_text(table)))
    for name, picture in model.draw([result]).items():
        written.append(write_whole(folder / f"{stem}-{name}.svg", picture))
    left = [folder / f"{stem}-{name}.csv" for name in before]
    for path in (*left, *picture_files(folder, stem, of_sweep=False)):
        if path not in written:
            path.unlink(missing_ok=True)
    return written


def asked_of(path: Path, what: str = "keys") -> Any:
    """Return what was asked of a stored result, in full or of which file; None where there is
    none."""
    try:
        return json.loads(path.read_text("utf-8"))["asked"][what]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def of_another_file(case: Case, folder: Path) -> str:
    """Return the file of a stored sweep of the case's name, where that is another one; else ""."""
    before = asked_of(folder / "sweeps" / f"{file_stem(case.name)}.json", "file")
    return str(before) if before not in (None, case.source.file) else ""


def _tables_of(path: Path) -> list[str]:
    """Return the names of the tables of a result that is stored already; none, if it is none."""
    try:
        return list(json.loads(path.read_text("utf-8"))["tables"])
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _names_file(folder: Path, stem: str) -> Path:
    return folder / "sweeps" / f"{stem}.pictures"


def _drawn_by_sweep(folder: Path, stem: str) -> dict[str, str] | None:
    """Return the pictures of the case's last sweep with their digests; None if there was none.

    A solve of the same case may have put its own in their place.
    """
    with suppress(FileNotFoundError, ValueError):
        lines = _names_file(folder, stem).read_text("utf-8").splitlines()
        return dict(line.split("\t") for line in lines)
    return None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def save_sweep(sweep: Sweep, model: Model, store: Store, folder: Path) -> list[Path]:
    """Write a sweep's table and the model's pictures of all its results, and return the files."""
    stem = file_stem(sweep.index.case)
    table = folder / f"{stem}.csv"
    # What was drawn the last time, so that a picture that is missing is known to be.
    names = _names_file(folder, stem)
    text = csv_text(sweep.rows)
    before = _drawn_by_sweep(folder, stem)
    if before is not None and table.is_file() and table.read_bytes() == text.encode():
        files = {folder / name: digest for name, digest in before.items()}
        if all(_digest(file) == digest for file, digest in files.items()):
            # Nothing has changed: the pictures are those of these runs.
            return [table, *files]
    # The table comes last: who finds it finds its pictures, whenever this was interrupted.
    table.unlink(missing_ok=True)
    records = (store.read(key) for key in sweep.index.keys) if model.pictures else ()
    results = [
        Result.from_json({**record.result, "seconds": record.seconds}, record.arrays)
        for record in records
        if record is not None and record.result is not None
    ]
    drawn = model.draw(results) if results else {}
    pictures = [write_whole(folder / f"{stem}-{name}.svg", svg) for name, svg in drawn.items()]
    for name, digest in (before or {}).items():
        gone = folder / name
        if gone not in pictures and _digest(gone) == digest:
            gone.unlink()
    make_folder(names.parent)
    write_whole(names, "".join(f"{file.name}\t{_digest(file)}\n" for file in pictures))
    return [write_whole(table, text), *pictures]


def picture_files(folder: Path, stem: str, *, of_sweep: bool) -> list[Path]:
    """Return the pictures in a folder that belong to a case by its file's stem, those of its sweep
    or the others; of two cases whose stems fit, the longer one counts."""
    drawn = _drawn_by_sweep(folder, stem) or {}
    found = (*folder.glob("*.json"), *(folder / "sweeps").glob("*.json"))
    others = tuple(f"{path.stem}-" for path in found if path.stem.startswith(f"{stem}-"))
    own = folder.glob(f"{stem}-*.svg")
    fit = (path for path in own if not path.name.startswith(others))
    return sorted(p for p in fit if (drawn.get(p.name) == _digest(p)) == of_sweep)


def save_benchmark(benchmark: Benchmark, folder: Path) -> list[Path]:
    """Write a benchmark: everything as JSON, its entries as CSV, its pictures."""
    from optimodels.benchmarking.pictures import PICTURES, draw
    from optimodels.benchmarking.tables import entry_rows

    written = [
        write_whole(folder / BENCHMARK_FILE, benchmark.as_json()),
        write_whole(folder / "bench.csv", csv_text(entry_rows(benchmark))),
    ]
    for name, content in draw(benchmark).items():
        written.append(write_whole(folder / f"bench-{name}.svg", content))
    for name in PICTURES:
        path = folder / f"bench-{name}.svg"
        if path not in written:
            path.unlink(missing_ok=True)
    return written
