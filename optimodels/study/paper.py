"""What a publication printed, beside what we find."""

from __future__ import annotations

import re
from typing import Any

from optimodels.case.schema import Claim, Paper
from optimodels.result import Result, Row

#: Farther from the printed figure than this part of it is not reproduced.
_NEAR = 0.05

_CELL = re.compile(r"(?P<table>\w+)\.(?P<column>\w+)\[(?P<row>\d+)\]")


def beside_paper(paper: Paper | None, result: Result) -> tuple[Row, ...]:
    """Return a row per printed figure: what it says, ours, the difference, and a word.

    The word is "reproduced" (within the stated tolerance), "within x %" (five at most), "not
    reproduced" with the reason that the case gives, or "lost in print" where there is nothing to
    compare with.
    """
    if paper is None:
        return ()
    return tuple(
        _row(name, value if isinstance(value, Claim) else Claim(says=value), paper.source, result)
        for name, value in paper.values.items()
    )


def _row(name: str, claim: Claim, source: str, result: Result) -> Row:
    ours = _ours(claim.ours or name, result)
    word, difference = _word(claim, ours)
    return {
        "figure": name,
        "paper": claim.says,
        "ours": ours,
        "difference": difference,
        "word": word,
        "note": claim.note,
        "source": source,
    }


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
