"""Profiles from CSV files and from SimBench."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from optimodels.arrays import Floats
from optimodels.errors import DataError
from optimodels.grid.tables import csv_rows
from optimodels.parameters import sized


def read_csv_column(path: Path, column: str) -> Floats:
    """Return a column of a CSV file with a header row, separated by commas or semicolons.

    Raises DataError with the row where the file is no such table, or a number is not finite or
    not of a size that a case may name.
    """
    values = []
    for number, row in csv_rows(path, [column], "csv", "column"):
        word, wrong = row[column], "is no finite number"
        try:
            value = float(word)
        except ValueError:
            value = np.nan
        if np.isfinite(value):
            try:
                values.append(sized(value))
                continue
            except ValueError as error:
                wrong = str(error)
        raise DataError("csv", f"{path.name!r}, row {number}: {word!r} {wrong}")
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
