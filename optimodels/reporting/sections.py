"""What a report is made of: sections of text, listings, tables and pictures, in any nesting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from optimodels.comparison import Table
from optimodels.result import MARKS


@dataclass(frozen=True)
class Listing:
    """Lines that are shown as they stand: equations, a case, a command.

    ``file`` is the name under which a reader can save it; without one it is not offered.
    """

    title: str
    text: str
    file: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture in the folder: its file's name there, its SVG, and the table of its data.

    ``data`` that is also a table of a section is linked, not repeated.
    """

    file: str
    svg: str
    caption: str
    data: Table | None = None


@dataclass(frozen=True)
class Badge:
    """A status beside a heading: "verified", "refuted" or "unverified", and the whole phrase."""

    status: str
    text: str

    @property
    def mark(self) -> str:
        return MARKS[self.status]


@dataclass(frozen=True)
class Section:
    """A part of a report, shown in the order of its fields; what is ``folded`` opens on demand.

    ``headline`` is what the list of contents says of a section besides its title.
    """

    title: str
    headline: str = ""
    badges: Sequence[Badge] = ()
    text: Sequence[str] = ()
    equations: Sequence[Listing] = ()
    listings: Sequence[Listing] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    parts: Sequence[Section] = ()
    folded: bool = False

    def words(self) -> Iterator[str]:
        """Yield what it says beside its figures, and what its parts say."""
        yield from (self.title, *self.text)
        for listing in (*self.equations, *self.listings):
            yield from (listing.title, listing.text)
        for table in self.tables:
            yield from (table.title, table.note)
        for picture in self.pictures:
            yield picture.caption
        for part in self.parts:
            yield from part.words()


@dataclass(frozen=True)
class Found:
    """What one source found in a folder: its sections, and what it left out and why."""

    sections: Sequence[Section] = ()
    left_out: Sequence[str] = ()


#: Looks into a folder for one kind of thing, such as stored sweeps.
Source = Callable[[Path], Found]


@dataclass(frozen=True)
class Page:
    """A whole report."""

    title: str
    sections: Sequence[Section]
    left_out: Sequence[str]
