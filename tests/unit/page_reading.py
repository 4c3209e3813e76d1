"""What stands in an HTML page, read by the standard library's parser."""

from __future__ import annotations

import re
from html.parser import HTMLParser


class Read(HTMLParser):
    """What stands in a page: tags with attributes, tables, headings, inline scripts and styles."""

    VOID = frozenset(("meta", "link", "br", "img", "input"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[tuple[str, list[str], list[list[str]]]] = []
        self.headings: list[tuple[int, str]] = []
        self.inline: dict[str, list[str]] = {"script": [], "style": []}
        self.open: list[str] = []
        self.text = ""
        self._cell: list[str] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag in self.VOID:
            return
        self.open.append(tag)
        if tag == "table":
            self.tables.append(("", [], []))
        elif tag == "tr" and "tbody" in self.open:
            self.tables[-1][2].append([])
        elif tag in ("td", "th", "caption", "h1", "h2", "h3", "h4"):
            self._cell = []

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.inline:
            self.inline[self.open[-1]].append(data)
        else:
            self.text += data
        if self._cell is not None:
            self._cell.append(data)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"
        said = "".join(self._cell or [])
        if tag in ("td", "th"):
            cells = self.tables[-1][2][-1] if "tbody" in self.open else self.tables[-1][1]
            cells.append(said)
        elif tag == "caption":
            self.tables[-1] = (said, *self.tables[-1][1:])
        elif re.fullmatch("h[1-4]", tag):
            self.headings.append((int(tag[1]), said))
        else:
            return
        self._cell = None
