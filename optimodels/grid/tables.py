"""Reading CSV files: what every family may expect of a table that a user wrote."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from optimodels.errors import DataError, suggestion

_MOST_BYTES = 64 * 2**20


def csv_rows(
    path: Path, columns: Collection[str], key: str, column_key: str = ""
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Return the number and the cells of every row below the header, by column.

    Separated by commas or semicolons; cells come without the blanks around them, and those that a
    row lacks are empty. Raises DataError at ``key`` where the file is no such table, and at
    ``column_key``, by default the same, where it has not each of ``columns`` once.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(key, f"{path.name!r} is larger than 64 MiB")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(key, f"cannot read {path.name!r}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(key, f"{path.name!r} is not UTF-8 text") from error
    number = 1
    try:
        for number, row in enumerate(_reader(path.name, text, columns, key, column_key), start=2):
            # A comma in a number, which would be cut short.
            if any(cell.strip() for cell in row.get(None, ())):
                raise DataError(key, f"{path.name!r}, row {number}: has more cells than the header")
            yield number, {name: (cell or "").strip() for name, cell in row.items() if name}
    except csv.Error as error:
        raise DataError(key, f"{path.name!r}, row {number + 1}: {error}") from error
    if number == 1:
        raise DataError(key, f"{path.name!r} has no rows below its header")


def _reader(
    file: str, text: str, columns: Collection[str], key: str, column_key: str
) -> csv.DictReader[str]:
    """Return a reader behind the header, which has all that is asked for."""
    lines = text.rstrip().splitlines()
    if not lines:
        raise DataError(key, f"{file!r} is empty")
    # The reader would leave them out, and what follows would come too early.
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            raise DataError(key, f"{file!r}, row {number}: is empty")
    separator = ";" if ";" in lines[0] else ","
    reader = csv.DictReader(lines, delimiter=separator, skipinitialspace=True)
    names = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = names
    for column in columns:
        if column not in names:
            hint = suggestion(column, names) or f"; it has {', '.join(names)}"
            raise DataError(column_key or key, f"{file!r} has no column {column!r}{hint}")
        if names.count(column) > 1:
            raise DataError(column_key or key, f"{file!r} has more than one column {column!r}")
    return reader
