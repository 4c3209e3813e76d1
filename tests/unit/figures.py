"""A line that is kept, taken apart: words are compared to the letter, figures are not."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def words_and_figures(line: str) -> tuple[str, list[float]]:
    """Return the line with a "#" for every figure, and the figures."""
    return _NUMBER.sub("#", line), [float(figure) for figure in _NUMBER.findall(line)]
