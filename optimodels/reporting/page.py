"""A report of all that a folder holds, as one HTML page and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from optimodels.errors import CallError
from optimodels.files import write_whole
from optimodels.papers import papers_in
from optimodels.reporting.raced import raced
from optimodels.reporting.sections import Page, Section, Source
from optimodels.reporting.single import solved
from optimodels.reporting.swept import swept

#: Who looks for what in a folder, in the order of the report.
SOURCES: tuple[Source, ...] = (solved, swept, raced)


def gather(folder: str | Path) -> Page:
    """Return the report of what is in a folder.

    Raises CallError where there is no such folder, or nothing in it that can be shown.
    """
    path = Path(folder)
    if not path.is_dir():
        raise CallError(
            f"no folder {str(folder)!r}; 'optimodels solve CASE.yaml --out DIR' makes one"
        )
    found = [source(path) for source in SOURCES]
    sections = [section for part in found for section in part.sections]
    left_out = [line for part in found for line in part.left_out]
    if not sections:
        reason = f"; left out: {'; '.join(left_out)}" if left_out else ""
        raise CallError(
            f"{str(folder)!r} holds no result, no sweep and no benchmark"
            f"{reason or '; solve, sweep or bench with --out'}"
        )
    return Page(f"Report on {path.resolve().name}", [*sections, *_papers(sections)], left_out)


def _papers(sections: Sequence[Section]) -> list[Section]:
    """A list of the papers that the words of sections name; none where they name none."""
    named = papers_in("\n".join(line for section in sections for line in section.words()))
    return [Section("Papers", text=[f"{paper}." for paper in named])] if named else []


def report(folder: str | Path) -> tuple[list[Path], Page]:
    """Write ``report.html`` and ``report.md`` into a folder, each whole or not at all.

    Returns the files and what they show. The same folder gives the same bytes.
    """
    from optimodels.reporting.html import html_page
    from optimodels.reporting.markdown import markdown_page

    page = gather(folder)
    texts = {"report.html": html_page(page), "report.md": markdown_page(page)}
    return [write_whole(Path(folder) / name, text) for name, text in texts.items()], page
