"""A result as text for a terminal: the verdict beside the figures, tables that fit its width."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optimodels.result import Result, Row

#: Longer tables are cut in the terminal; files and --json always hold every row.
MOST_ROWS = 40
#: What a table needs to be one.
_NARROWEST = 40
#: Letters of a value beside which its meaning may stand, and of the least room for meanings.
_LONG, _ROOM = 16, 28
_COLOURS = {"verified": "32", "refuted": "31", "unverified": "33"}


def result_text(
    result: Result,
    width: int,
    meaning: Callable[[str], str] = lambda name: "",
    *,
    colour: bool = False,
) -> str:
    """Return the text of a result, no line longer than ``width`` (at least 40).

    ``meaning`` says of a value what it is, in which unit; "" where nobody does.
    """
    width = max(_NARROWEST, width)
    title = textwrap.wrap(f"{result.case}  ({result.model})", width, subsequent_indent="  ")
    lines = [_bold(line, colour) for line in title]
    mark = f"{result.verdict.mark} {result.verdict.text}"
    lines += _wrapped(mark, width, "  ", colour, _COLOURS[result.verdict.status])
    lines += _wrapped(_summary(result), width, "  ")
    lines += _wrapped(_solver(result), width, "  ")
    if result.message:
        lines += _wrapped(result.message, width, "  ")
    if result.values:
        lines += ["", *_values(result.values, width, meaning, colour)]
    for name, table in result.tables.items():
        if table:
            lines += ["", *_table(name, table, width, MOST_ROWS)]
    if result.paper:
        lines += ["", *_table("beside the paper", _paper_rows(result), width, len(result.paper))]
    for note in result.notes:
        lines += _wrapped(f"note: {note}", width, "  ")
    return "\n".join(lines)


def number(value: Any) -> str:
    """Return a value as a reader wants it: whole numbers whole, others to six digits."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if value == 0:
            return "0"
        if abs(value) >= 1e15:
            return f"{value:.6g}"
        if value.is_integer():
            return str(int(value))
        return f"{value:.2f}" if abs(value) >= 10_000 else f"{value:.6g}"
    return str(value)


def columns_of(rows: Sequence[Row]) -> list[str]:
    """Return the columns of a table in the order in which they first appear."""
    return list(dict.fromkeys(key for row in rows for key in row))


def is_numeric(rows: Sequence[Row], column: str) -> bool:
    """Whether a column holds numbers and gaps alone, which stand at the right."""
    values = [row.get(column) for row in rows]
    return all(
        value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
        for value in values
    )


def counted(number: int, what: str) -> str:
    """Return "1 row", "2 rows"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def table_lines(table: Sequence[Row], width: int) -> list[str]:
    """Lay a table out in columns, no line longer than ``width`` (at least 40); where it is too
    wide, in parts that repeat its first column.

    A cell that is wider than the terminal goes on in the next line.
    """
    columns = columns_of(table)
    if not columns:
        return []
    width = max(_NARROWEST, width)
    cells = {c: [number(row.get(c)) for row in table] for c in columns}
    right = {c: is_numeric(table, c) for c in columns}
    heads = {c: _head(c, max(map(len, cells[c]))) for c in columns}
    sizes = {c: max(map(len, (*heads[c], *cells[c]))) for c in columns}
    # Every part repeats the first column: another beside it gets what that one leaves.
    first = min(sizes[columns[0]], width - 4 if len(columns) == 1 else max(12, width - 34))
    sizes = {c: min(size, width - first - 4) for c, size in sizes.items()} | {columns[0]: first}
    lines: list[str] = []
    for part in _parts(columns, sizes, width):
        if lines:
            lines.append("")
        height = max(len(heads[c]) for c in part)
        for level in range(height):
            line = "  ".join(
                _cell(heads[c][level - height + len(heads[c])]
                      if level >= height - len(heads[c]) else "", sizes[c], right[c])
                for c in part
            )  # fmt: skip
            lines.append(f"  {line}".rstrip())
        lines.append("  " + "  ".join("-" * sizes[c] for c in part))
        for k in range(len(table)):
            broken = {c: textwrap.wrap(cells[c][k], sizes[c]) or [""] for c in part}
            for level in range(max(map(len, broken.values()))):
                line = "  ".join(
                    _cell(broken[c][level] if level < len(broken[c]) else "", sizes[c], right[c])
                    for c in part
                )
                lines.append(f"  {line}".rstrip())
    return lines


def _summary(result: Result) -> str:
    if result.objective is None:
        # A model that only computes has nothing that could stop early.
        return "computed" if result.stopped == "optimal" else f"stopped: {result.stopped}"
    unit = f" {result.objective_unit}" if result.objective_unit else ""
    sense = {"min": " (minimised)", "max": " (maximised)"}.get(result.objective_sense, "")
    text = f"objective {number(result.objective)}{unit}{sense}"
    if result.bound is not None:
        # What no verdict proves may be the solver's own word.
        proven = "proven bound" if result.verdict.status == "verified" else "bound"
        text += f", {proven} {number(result.bound)}"
    if result.stopped != "optimal":
        text += f", stopped: {result.stopped}"
    return text


def _solver(result: Result) -> str:
    used = result.solver
    through = f" through {used.via}" if used.via != "exact" else ""
    seconds = ", ".join(f"{k} {v:.2f}" for k, v in result.seconds.items() if v >= 0.005)
    return f"{used.name} {used.version}{through}; seconds: {seconds or 'none'}"


def _values(
    values: Mapping[str, Any], width: int, meaning: Callable[[str], str], colour: bool
) -> list[str]:
    """Lay values out, what each is beside it where the terminal has room for that."""
    name_size = max(map(len, values))
    value_size = max((len(t) for t in map(number, values.values()) if len(t) <= _LONG), default=0)
    left = 2 + name_size + 2 + value_size + 2
    lines = []
    for name, value in values.items():
        shown = number(value)
        told = textwrap.wrap(meaning(name), width - left) if width - left >= _ROOM else []
        if len(shown) > value_size or not told:
            lines += textwrap.wrap(
                f"{name:<{name_size}}  {shown}",
                width,
                initial_indent="  ",
                subsequent_indent=" " * min(name_size + 4, width // 2),
            )
            continue
        heads = [f"  {name:<{name_size}}  {shown:<{value_size}}  "]
        heads += [" " * left] * (len(told) - 1)
        lines += [head + _dim(text, colour) for head, text in zip(heads, told, strict=True)]
    return lines


def _table(name: str, table: Sequence[Row], width: int, most: int) -> list[str]:
    shown = table[:most]
    lines = [
        f"  {name.replace('_', ' ')} ({counted(len(table), 'row')})",
        *table_lines(shown, width),
    ]
    if len(shown) < len(table):
        lines.append(f"  ... {len(table) - len(shown)} more rows: --json or --out")
    return lines


def _paper_rows(result: Result) -> list[Row]:
    rows = []
    for row in result.paper:
        shown = {key: row[key] for key in ("figure", "paper", "ours", "word")}
        rows.append({**shown, "verdict": result.verdict.mark})
    return rows


def _parts(columns: list[str], sizes: Mapping[str, int], width: int) -> list[list[str]]:
    parts: list[list[str]] = []
    part = columns[:1]
    for column in columns[1:]:
        if 2 + sum(sizes[c] + 2 for c in (*part, column)) - 2 > width and len(part) > 1:
            parts.append(part)
            part = columns[:1]
        part = [*part, column]
    return [*parts, part]


def _head(name: str, room: int) -> list[str]:
    """Break a column's name at its words where its cells are narrower."""
    return textwrap.wrap(
        name.replace("_", " "), max(room, 8), break_long_words=False, break_on_hyphens=False
    )


def _cell(text: str, size: int, right: bool) -> str:
    return text.rjust(size) if right else text.ljust(size)


def _wrapped(text: str, width: int, indent: str, colour: bool = False, code: str = "") -> list[str]:
    lines = textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent + "  ")
    return [f"\033[{code}m{line}\033[0m" for line in lines] if colour and code else lines


def _dim(text: str, colour: bool) -> str:
    return f"\033[2m{text}\033[0m" if colour else text


def _bold(text: str, colour: bool) -> str:
    return f"\033[1m{text}\033[0m" if colour else text
