"""Profiles from CSV files and from SimBench."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from optimodels.arrays import Floats
from optimodels.errors import DataError, suggestion

_MOST_BYTES = 64 * 2**20


def read_csv_column(path: Path, column: str) -> Floats:
    """Return a column of a CSV file with a header row, separated by commas or semicolons.

    Raises DataError with the row where the file is no such table or a number is not finite.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError("csv", f"{path.name!r} is larger than 64 MiB")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError("csv", f"cannot read {path.name!r}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError("csv", f"{path.name!r} is not UTF-8 text") from error
    lines = text.rstrip().splitlines()
    if not lines:
        raise DataError("csv", f"{path.name!r} is empty")
    # The reader would leave them out, and what follows would come too early.
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            raise DataError("csv", f"{path.name!r}, row {number}: is empty")
    separator = ";" if ";" in lines[0] else ","
    reader = csv.DictReader(lines, delimiter=separator, skipinitialspace=True)
    names = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = names
    if column not in names:
        hint = suggestion(column, names) or f"; it has {', '.join(names)}"
        raise DataError("column", f"{path.name!r} has no column {column!r}{hint}")
    values = []
    for number, row in enumerate(reader, start=2):
        word = (row[column] or "").strip()
        try:
            value = float(word)
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            raise DataError("csv", f"{path.name!r}, row {number}: {word!r} is no finite number")
        values.append(value)
    if not values:
        raise DataError("csv", f"{path.name!r} has no rows below its header")
    return np.array(values)


def simbench_profile(code: str, kind: str, start: int, steps: int) -> Floats:
    """Return the whole active load of a SimBench grid, kW per quarter of an hour (steps,).

    ``start`` counts quarters from the beginning of the grid's year. Raises DataError where the
    year ends before, UnavailableError where SimBench is not installed.
    """
    table = _yearly_load(code)
    if start + steps > len(table):
        raise DataError(
            kind, f"the SimBench year has {len(table)} quarters of an hour; asked for "
            f"{start} to {start + steps}"
        )  # fmt: skip
    return np.asarray(table[start : start + steps], dtype=float)


def _yearly_load(code: str) -> Floats:
    """Return the grid's whole load of a year, kW by quarter of an hour, from the cache or anew."""
    from optimodels.grid import cache
    from optimodels.grid.reading import identity
    from optimodels.grid.sources import open_net, quiet

    source = ("simbench", code)
    key = f"yearly load {identity(source)[0]}"
    kept = cache.load_arrays(key)
    if kept is not None and "load_kw" in kept:
        return np.asarray(kept["load_kw"], dtype=float)
    import simbench

    net = open_net(source)
    with quiet():
        values = simbench.get_absolute_values(net, profiles_instead_of_study_cases=True)
    load = values[("load", "p_mw")].to_numpy(dtype=float).sum(axis=1) * 1000.0
    cache.store_arrays(key, {"load_kw": load})
    return np.asarray(load, dtype=float)
