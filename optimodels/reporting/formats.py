"""Tables as Markdown, CSV, LaTeX and HTML."""

from __future__ import annotations

import csv
import html
import io
import re
import textwrap
from collections.abc import Callable, Sequence

from optimodels.comparison import Table
from optimodels.reporting.text import columns_of, is_numeric, number, table_lines
from optimodels.result import Row, plain_json

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": "$<$", ">": "$>$", "|": "$|$", "[": "{[}",
    "✓": r"\checkmark{}", "✗": r"$\times$", "±": r"$\pm$",
}  # fmt: skip


#: The sign of a number that stands by itself.
_SIGN = re.compile(r"(?<![\w.)-])-(?=\d)")

# An underscore inside a word is only itself.
_MARKDOWN = re.compile(r"[\\`*<&|\[\]]|(?<!\w)_|_(?!\w)")


def as_text(table: Table, width: int = 10**6) -> str:
    """Return a table as a terminal of ``width`` columns shows it, its note below."""
    note = textwrap.wrap(table.note, width, initial_indent="  ", subsequent_indent="  ")
    # The runs of a sweep are named by all of their keys.
    lines = [
        *textwrap.wrap(table.title, width, subsequent_indent="  "),
        *table_lines(table.rows, width),
        *note,
    ]
    return "\n".join(lines) + "\n"


def as_markdown(table: Table) -> str:
    """Return a table in Markdown, its title as a heading."""
    return "\n".join([f"### {markdown_text(table.title)}", "", *table_markdown(table)]) + "\n"


def table_markdown(table: Table) -> list[str]:
    """Return the lines of a table without its title."""
    columns = columns_of(table.rows)

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(map(markdown_text, cells)) + " |"

    body = [line([number(row.get(c)) for c in columns]) for row in table.rows]
    rule = "| " + " | ".join(["---"] * len(columns)) + " |"
    note = ["", f"*{markdown_text(table.note)}*"] if table.note else []
    return [line(columns), rule, *body, *note]


def markdown_text(text: str) -> str:
    """Return a text, within a line, in which Markdown and HTML have nothing to read as theirs."""
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(text.split()))


def csv_text(table: Sequence[Row]) -> str:
    """Return a table as CSV with a header row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns_of(table), lineterminator="\n")
    writer.writeheader()
    writer.writerows(plain_json(list(table)))
    return text.getvalue()


def as_csv(table: Table) -> str:
    """For who computes: numbers in full, verdicts and reasons in columns of their own."""
    return csv_text(table.computable)


def csv_of(tables: Sequence[Table]) -> str:
    """Return tables as one CSV file; of several the first column names a row's table."""
    if len(tables) == 1:
        return as_csv(tables[0])
    return csv_text([{"table": table.title, **row} for table in tables for row in table.computable])


def as_latex(table: Table) -> str:
    """Return a table as a float of LaTeX's, its title as the caption."""
    columns = columns_of(table.rows)

    def line(cells: Sequence[str]) -> str:
        return " & ".join(map(latex, cells)) + r" \\"

    rules = ["r" if is_numeric(table.rows, column) else "l" for column in columns]
    return "\n".join(
        [
            r"% needs \usepackage{amssymb} for \checkmark",
            r"\begin{table}", r"  \centering", rf"  \caption{{{latex(table.title)}}}",
            rf"  \begin{{tabular}}{{{''.join(rules)}}}", r"    \hline",
            f"    {line(columns)}", r"    \hline",
            *(f"    {line([number(row.get(c)) for c in columns])}" for row in table.rows),
            r"    \hline", r"  \end{tabular}",
            *([rf"  \par\small {latex(table.note)}"] if table.note else []),
            r"\end{table}",
        ]
    ) + "\n"  # fmt: skip


def as_html(table: Table) -> str:
    """Return a table as a fragment of HTML in ASCII, to stand in somebody's page."""
    columns = columns_of(table.rows)
    heads = "".join(f'<th scope="col">{html.escape(c)}</th>' for c in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(number(row.get(c)))}</td>" for c in columns) + "</tr>\n"
        for row in table.rows
    )
    note = f"<p>{html.escape(table.note)}</p>\n" if table.note else ""
    page = (
        f"<table>\n<caption>{html.escape(table.title)}</caption>\n<thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{body}</tbody>\n</table>\n{note}"
    )
    # A part of somebody's page, which may be of any encoding.
    return page.encode("ascii", "xmlcharrefreplace").decode()


def latex(text: str) -> str:
    """Return a text in which LaTeX, in any font encoding, has nothing to read as its own; a
    number's sign is a minus, not a hyphen."""
    return _SIGN.sub("$-$", "".join(_LATEX.get(c, c) for c in " ".join(text.split())))


WRITERS: dict[str, Callable[[Table], str]] = {
    "text": as_text,
    "markdown": as_markdown,
    "csv": as_csv,
    "latex": as_latex,
    "html": as_html,
}
