"""An explanation as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from optimodels.explanation import Computed, Explained, Explanation
from optimodels.papers import papers_in
from optimodels.reporting.text import counted, number, table_lines
from optimodels.result import Row

#: More rows than these are summed up by what they have in common.
_MOST_PRICES = 12


def explanation_text(explanation: Explanation, width: int) -> str:
    """Return the text of an explanation, no line longer than ``width`` (at least 60)."""
    width = max(60, width)
    lines = [f"{explanation.case}  ({explanation.model})"]
    lines += _wrapped(explanation.title, width, "  ")
    for stage in explanation.stages:
        if isinstance(stage, Computed):
            lines += ["", f"{stage.stage}: computed, not solved", ""]
            lines += _mathematics(stage.equations, width)
        else:
            lines += ["", *_stage(stage, explanation, width)]
    for paper in papers_in("\n".join(lines)):
        lines += ["", *_wrapped(paper, width, "")]
    return "\n".join(lines)


def _stage(stage: Explained, explanation: Explanation, width: int) -> list[str]:
    many = f"; {stage.number} problems, here that of {stage.shown}" if stage.number > 1 else ""
    lines = _wrapped(f"{stage.stage}: {stage.formulation} ({stage.problem_class}{many})", width, "")
    lines += [*_wrapped(stage.source, width, "  "), ""]
    lines += _mathematics(stage.equations, width)
    size = stage.size
    whole = f" ({size['integers']} whole)" if size["integers"] else ""
    curved = size["cones"] + size["quadratic_rows"]
    bent = f", {curved} curved" if curved else ""
    lines += [
        "",
        f"  {counted(size['columns'], 'variable')}{whole}, {counted(size['rows'], 'row')}{bent}, "
        f"{counted(size['nonzeros'], 'coefficient')}",
        "",
        *table_lines(stage.variables, width),
        "",
    ]
    for row in stage.rows:
        of = f", {row['of']}" if row["of"] else ""
        lines += _wrapped(f"{row['rows']}{of}: {row['the first of them']}", width, "  ")
    lines.append("")
    lines += _wrapped(_outcome(stage), width, "  ")
    if stage.stopped in ("infeasible", "unbounded") and stage.reason:
        lines += _wrapped(f"Why: {stage.reason}.", width, "  ")
    for row in stage.conflict or ():
        count = f"{row['needed']} of {counted(row['out of'], 'row')} {row['rows']}"
        lines += _wrapped(f"{count}, as {row['the first of them']}", width, "    ")
    for note in stage.notes:
        lines += _wrapped(note, width, "  ")
    if stage.prices:
        lines += ["", *_wrapped(explanation.convention, width, "  ")]
        shown = stage.prices if len(stage.prices) <= _MOST_PRICES else _summed(stage.prices)
        lines += table_lines(shown, width)
    return lines


def _outcome(stage: Explained) -> str:
    if stage.objective is None:
        return f"{stage.stopped}; {stage.verdict}"
    sense = "maximised" if stage.sense == "max" else "minimised"
    value = " ".join(filter(None, (number(stage.objective), stage.unit)))
    return f"objective {value} ({sense}); {stage.verdict}"


def _mathematics(equations: Sequence[str], width: int) -> list[str]:
    """Return equations as they stand; one that is too long goes on in the next line, indented."""
    lines = []
    for equation in equations:
        text = f"    {equation}".rstrip()
        # Spaces within a line set conditions and numbers apart: they stay where there is room.
        begin = " " * (len(text) - len(text.lstrip()))
        lines += (
            [text]
            if len(text) <= width
            else textwrap.wrap(
                " ".join(text.split()),
                width,
                initial_indent=begin,
                subsequent_indent=begin + "    ",
            )
        )
    return lines


def _summed(prices: list[Row]) -> list[Row]:
    """One line per kind of row: least and greatest price, and where they are."""
    kinds: dict[str, list[Row]] = {}
    for row in prices:
        kinds.setdefault(row["row"].partition("[")[0], []).append(row)
    table = []
    for kind, rows in kinds.items():
        ordered = sorted(rows, key=lambda r: r["shadow_price"])
        low, high = ordered[0], ordered[-1]
        table.append(
            {
                "rows": kind,
                "number": len(rows),
                "least": low["shadow_price"],
                "at": low["row"],
                "greatest": high["shadow_price"],
                "at ": high["row"],
            }
        )
    return table


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent + "  ")
