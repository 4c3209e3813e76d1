"""A report as one HTML page that needs nothing else: no network, no script to be read."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, get_args
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from optimodels import __version__
from optimodels.comparison import Table
from optimodels.files import plain_stem
from optimodels.reporting.drawing import inline
from optimodels.reporting.formats import as_csv
from optimodels.reporting.sections import Page, Picture, Section
from optimodels.reporting.text import columns_of, number
from optimodels.result import MARKS, Stopped

#: Rows that are there at first; the script shows the others on demand.
_FIRST_ROWS = 100
#: Before anything is drawn: what the script will hide need not be laid out.
_FIRST_SCRIPT = 'document.documentElement.classList.add("js")'

#: What may stand in a link as it is; the rest of a CSV is percent-encoded.
_SAFE = ",;:/()=+-_.~!*@$"

_WEB = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:)\]]")
_INSTEAD = {f"{why} {mark}" for mark in MARKS.values() for why in get_args(Stopped)}
_INSTEAD |= {"error", "not run"}
_STATUS = {mark: status for status, mark in MARKS.items()}
_WITH_WORD = re.compile(rf"([{''.join(_STATUS)}]) (\w+)")
_AT_END = re.compile(rf"(.*) ([{''.join(_STATUS)}])", re.DOTALL)


def html_page(page: Page) -> str:
    """Return the page; equal pages are equal texts."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"linked": _linked, "data_text": _data_text}
    style, script = (Markup(_asset(name)) for name in ("page.css", "page.js"))
    rules = {
        "default-src": "'none'",
        "script-src": f"{_hash(_FIRST_SCRIPT)} {_hash(script)}",
        "style-src": _hash(style),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    shown = _Shown(page.sections)
    return environment.from_string(_asset("page.html")).render(
        title=page.title,
        version=__version__,
        policy="; ".join(f"{name} {value}" for name, value in rules.items()),
        left_out=page.left_out,
        sections=[shown.section(section) for section in page.sections],
        style=style,
        first=Markup(_FIRST_SCRIPT),
        script=script,
    ) + "\n"  # fmt: skip


@dataclass(frozen=True)
class _Column:
    name: str
    kind: Literal["n", "long", ""]
    meaning: str


@dataclass(frozen=True)
class _Table:
    """A table ready for the template: cells are made, ``csv`` is the whole as a link."""

    id: str
    title: str
    note: str
    columns: Sequence[_Column]
    bodies: Sequence[Sequence[Markup]]
    rows: int
    file: str
    csv: str


class _Shown:
    """Gives names to what is shown, and makes each table once."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self._number = 0
        self._tables: dict[int, _Table] = {}
        self._in_sections = {id(table) for table in _tables_in(sections)}

    def section(self, section: Section) -> dict[str, Any]:
        shown = {**vars(section), "id": self._name("part")}
        shown["tables"] = [self._table(table) for table in section.tables]
        shown["parts"] = [self.section(part) for part in section.parts]
        shown["pictures"] = [self._picture(picture) for picture in section.pictures]
        return shown

    def _picture(self, picture: Picture) -> dict[str, Any]:
        name = self._name("picture")
        own = picture.data is not None and id(picture.data) not in self._in_sections
        return {
            "id": name,
            "file": picture.file,
            "caption": picture.caption,
            "svg": Markup(inline(picture.svg, name, picture.caption)),
            "own": own,
            "data": self._table(picture.data) if picture.data is not None else None,
        }

    def _table(self, table: Table) -> _Table:
        if id(table) not in self._tables:
            self._tables[id(table)] = _table(table, self._name("table"))
        return self._tables[id(table)]

    def _name(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self._number}"


def _tables_in(sections: Sequence[Section]) -> Iterator[Table]:
    for section in sections:
        yield from section.tables
        yield from _tables_in(section.parts)


def _table(table: Table, name: str) -> _Table:
    columns = columns_of(table.rows)
    heads = [
        _Column(
            c.replace("_", " "), _kind([r.get(c) for r in table.rows]), table.meanings.get(c, "")
        )
        for c in columns
    ]
    # Texts that tell the rows apart are their names.
    first = [row.get(columns[0]) for row in table.rows] if columns else []
    named = all(isinstance(v, str) for v in first) and len(set(first)) == len(first)
    # Marks alone get their word, for those who hear the page.
    marks = "✓ verified" in table.note
    rows = list(_rows(table, columns, heads, named, marks))
    return _Table(
        name,
        table.title,
        table.note,
        heads,
        [part for part in (rows[:_FIRST_ROWS], rows[_FIRST_ROWS:]) if part],
        len(rows),
        f"{plain_stem(table.title)}.csv",
        "data:text/csv;charset=utf-8," + quote(as_csv(table), safe=_SAFE),
    )


def _rows(
    table: Table, columns: Sequence[str], heads: Sequence[_Column], named: bool, marks: bool
) -> Iterator[Markup]:
    kinds = [f' class="{head.kind}"' if head.kind else "" for head in heads]
    for row in table.rows:
        cells = []
        for k, column in enumerate(columns):
            content = _cell(number(row.get(column)), marks)
            if named and k == 0:
                cells.append(f'<th scope="row"{kinds[k]}>{content}</th>')
            else:
                cells.append(f"<td{kinds[k]}>{content}</td>")
        yield Markup("".join(cells))


def _cell(text: str, marks: bool) -> Markup:
    """Escape a cell's text; where it is or ends with a verdict's mark, colour it and say it."""
    if text in _STATUS:
        text = f"{text} {_STATUS[text]}"
    found = _WITH_WORD.fullmatch(text)
    if found and (found[2] in MARKS or found[2] in ("passed", "failed")):
        return Markup('<span class="badge {}">{}</span>').format(_STATUS[found[1]], text)
    found = _AT_END.fullmatch(text) if marks else None
    if found:
        status = _STATUS[found[2]]
        return Markup('{}<span class="badge {}">{}<span class="unseen"> {}</span></span>').format(
            f"{found[1]} ", status, found[2], status
        )
    return escape(text)


def _kind(values: Sequence[Any]) -> Literal["n", "long", ""]:
    """Numbers stand at the right, with their marks and with what stands in a number's place
    ("infeasible ✓"); sentences get room."""
    texts = [number(value) for value in values if value is not None and value != ""]
    if any(len(text) > 40 for text in texts):
        return "long"
    numbers = [re.match(r"[-+]?\.?\d[^,]*$", text) is not None for text in texts]
    others = {text for text, is_number in zip(texts, numbers, strict=True) if not is_number}
    return "n" if any(numbers) and others <= _INSTEAD else ""


def _linked(text: str) -> Markup:
    """Escape a text; addresses of the web in it become links, and nothing else does."""
    parts, at = [], 0
    for found in _WEB.finditer(text):
        link = Markup('<a rel="noreferrer" href="{0}">{0}</a>').format(found[0])
        parts += [escape(text[at : found.start()]), link]
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])


def _data_text(text: str) -> str:
    return "data:text/plain;charset=utf-8," + quote(text, safe=_SAFE)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _asset(name: str) -> str:
    return files("optimodels.reporting").joinpath("assets", name).read_text("utf-8")
