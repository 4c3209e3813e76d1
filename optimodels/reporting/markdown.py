"""A report as Markdown, the pictures as links to their files beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from optimodels import __version__
from optimodels.reporting.formats import markdown_text, table_markdown
from optimodels.reporting.sections import Listing, Page, Section

# What makes lists and headings where a line begins with it.
_BEGIN = re.compile(r"^(\d*)([#>+.)-]|=+)(?= |$|#)")


def markdown_page(page: Page) -> str:
    """Return the page as Markdown (GitHub's, for its tables)."""
    lines = [
        f"# {markdown_text(page.title)}",
        "",
        f"Made by optimodels {__version__}. No number without a verdict: ✓ verified is checked by "
        "code that shares nothing with the solver, ? unverified rests on the solver's word, "
        "✗ refuted is shown to be wrong.",
        "",
    ]
    if page.left_out:
        lines += ["## Left out", "", *(f"- {markdown_line(line)}" for line in page.left_out), ""]
    for section in page.sections:
        lines += _section(section, 2)
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(section: Section, level: int) -> Iterator[str]:
    yield f"{'#' * level} {markdown_text(section.title)}"
    yield ""
    if section.headline:
        yield from (f"*{markdown_text(section.headline)}*", "")
    for badge in section.badges:
        yield f"- **{markdown_text(f'{badge.mark} {badge.text}')}**"
    if section.badges:
        yield ""
    for line in section.text:
        yield from (markdown_line(line), "")
    for listing in (*section.equations, *section.listings):
        yield from _listing(listing)
    for table in section.tables:
        yield from (f"**{markdown_text(table.title)}**", "", *table_markdown(table), "")
    for picture in section.pictures:
        yield f"![{markdown_text(picture.caption)}]({quote(picture.file)})"
        yield ""
        data = f" Data: table {picture.data.title}." if picture.data is not None else ""
        yield from (markdown_line(f"{picture.caption}{data}"), "")
    for part in section.parts:
        yield from _section(part, min(level + 1, 6))


def _listing(listing: Listing) -> Iterator[str]:
    """A fence is longer than any that stands in the text."""
    longest = max((len(run) for run in re.findall("`+", listing.text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{markdown_line(listing.title)}:", "", fence, listing.text.rstrip("\n"), fence, "")


def markdown_line(text: str) -> str:
    """Return a text that stands at the beginning of a line."""
    return _BEGIN.sub(r"\g<1>\\\g<2>", markdown_text(text))
