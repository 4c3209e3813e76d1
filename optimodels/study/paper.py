"""What a publication printed, beside what we find."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from optimodels.case import Case
from optimodels.case.schema import Claim, PrintedColumn, PrintedTable
from optimodels.errors import DataError
from optimodels.grid.tables import csv_rows
from optimodels.result import Result, Row

#: Farther from the printed figure than this part of it is not reproduced.
_NEAR = 0.05

#: A statement such as "> 1": it is reproduced where ours keeps it.
_COMPARED = re.compile(r"(?P<sign>[<>]) *(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")

_CELL = re.compile(r"(?P<table>\w+)\.(?P<column>\w+)\[(?P<row>\d+)\]")


#: A row of a printed table: its cells by column, and what those say that are figures.
PrintedRow = tuple[Mapping[str, str], Mapping[str, Claim]]


def printed_rows(case: Case) -> list[PrintedRow]:
    """Return the rows of a case's printed table, none where it has no table.

    Raises DataError where the file is no such table; to be called before the work.
    """
    table = case.paper.table if case.paper is not None else None
    if table is None:
        return []
    path = case.path(table.csv, "paper.table.csv")
    columns = (*table.rows, *table.figures)
    found: list[PrintedRow] = []
    for number, cells in csv_rows(path, columns, "paper.table.csv", "paper.table"):
        claims = {}
        for column, figure in table.figures.items():
            cell = cells[column]
            try:
                claims[column] = Claim(
                    says=_number(cell) if cell else None,
                    ours=figure.ours,
                    tolerance=figure.tolerance,
                    note=figure.note,
                )
            except ValidationError as error:
                told = f"{table.csv!r}, row {number}: {cell[:40]!r} is no figure of a table"
                raise DataError("paper.table.csv", told) from error
        found.append((cells, claims))
    return found


def beside_paper(case: Case, result: Result, printed: Sequence[PrintedRow] = ()) -> tuple[Row, ...]:
    """Return a row per printed figure: what it says, ours, the difference, and a word.

    The word is "reproduced" (within the stated tolerance), "within noise" where the result says
    what the noise of the printed figure is ("within wide noise" where that spans more than a
    factor of 2), "better than printed" where the case says which way is better, "within x %" (five
    at most), "not reproduced" with the reason that the case gives, or "lost in print" where there
    is nothing to compare with.
    """
    paper = case.paper
    if paper is None:
        return ()
    rows = [
        _row(name, value if isinstance(value, Claim) else Claim(says=value), result)
        for name, value in paper.values.items()
    ]
    if paper.table is not None:
        rows += _of_table(case, paper.table, printed, result)
    # Who sees "reproduced" sees what it rests on.
    source = f"{paper.source}; fitted: {paper.fitted}" if paper.fitted else paper.source
    return tuple({**row, "source": source} for row in rows)


def _row(name: str, claim: Claim, result: Result) -> Row:
    ours = _ours(claim.ours or name, result)
    word, difference = _word(claim, ours)
    return {
        "figure": name,
        "paper": claim.says,
        "ours": ours,
        "difference": difference,
        "word": word,
        "note": claim.note,
        "of": "case",
    }


def _of_table(
    case: Case, table: PrintedTable, printed: Sequence[PrintedRow], result: Result
) -> Iterator[Row]:
    """Return the figures of the printed row that belongs to this run."""
    keys = case.resolved()
    wanted = {column: _label(_at(keys, key)) for column, key in table.rows.items()}
    for cells, claims in printed:
        if any(_label(_number(cells[column])) != value for column, value in wanted.items()):
            continue
        for column, claim in claims.items():
            row = _row(column, claim, result)
            if row["difference"] is not None and row["word"] != "reproduced":
                row = _explained(table.figures[column], row, result)
            yield {**row, "of": "run"}


def _explained(figure: PrintedColumn, row: Row, result: Result) -> Row:
    """Say so where the printed figure lies within its own noise, or ours is better than it."""
    if figure.noise is not None:
        low, high = (result.values.get(name) for name in figure.noise)
        if low is not None and high is not None:
            row = {**row, "noise_low": low, "noise_high": high}
            if low <= row["paper"] <= high:
                # Which lies in such a range has not been told much by it.
                wide = high - low > min(abs(low), abs(high))
                return {**row, "word": "within wide noise" if wide else "within noise", "note": ""}
    if figure.better is not None and (row["difference"] < 0) == (figure.better == "lower"):
        return {**row, "word": "better than printed"}
    return row


def _at(tree: Mapping[str, Any], key: str) -> Any:
    value: Any = tree
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _label(value: Any) -> str:
    """What stands in a table for a value: of {pieces: [...]} the word."""
    if isinstance(value, Mapping):
        named = [name for name, inner in value.items() if inner is not None]
        return named[0] if len(named) == 1 else str(dict(value))
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _ours(place: str, result: Result) -> Any:
    """Find "objective", a value by name, or "table.column[row]" (rows count from 1)."""
    cell = _CELL.fullmatch(place)
    if cell is not None:
        rows = result.tables.get(cell["table"], [])
        number = int(cell["row"]) - 1
        return rows[number].get(cell["column"]) if 0 <= number < len(rows) else None
    if place in ("objective", "stopped"):
        return getattr(result, place)
    return result.values.get(place)


def _word(claim: Claim, ours: Any) -> tuple[str, float | None]:
    if claim.says is None:
        return "lost in print", None
    if ours is None:
        return "not found in our result", None
    compared = _COMPARED.fullmatch(str(claim.says))
    if compared is not None and not isinstance(ours, str):
        above = float(ours) - float(compared["number"])
        holds = above > 0 if compared["sign"] == ">" else above < 0
        return ("reproduced" if holds else _not_so(claim)), above
    if isinstance(claim.says, str) or isinstance(ours, str):
        return ("reproduced" if str(claim.says) == str(ours) else _not_so(claim)), None
    difference = float(ours) - float(claim.says)
    scale = abs(float(claim.says)) or 1.0
    part = abs(difference) / scale
    if part <= max(claim.tolerance, 1e-9):
        return "reproduced", difference
    if part <= _NEAR:
        return f"within {100 * part:.2g} %", difference
    return _not_so(claim, f"differs by {100 * part:.3g} %"), difference


def _not_so(claim: Claim, otherwise: str = "") -> str:
    reason = claim.note or otherwise
    return f"not reproduced: {reason}" if reason else "not reproduced"
