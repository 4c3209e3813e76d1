"""A case file as plain values, with the line and column of every key: YAML 1.2, read safely."""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from optimodels.errors import CaseError, Finding

# Pure-Python ruamel reads some 250 kB or 20,000 values per second. Long lists of numbers are read
# here, a hundred times faster; what else there is has the lower caps, so that no error takes long.
MOST_BYTES = 1 << 20
MOST_TEXT = 128 << 10
MOST_VALUES = 20_000
MOST_NUMBERS = 150_000
MOST_DEPTH = 64
MOST_DIGITS = 300
MOST_KEY = 200
MOST_FINDINGS = 100
_LONG = "write long profiles as lists [1, 2, ...] or put them into CSV files"
_TOO_DEEP = f"is nested deeper than {MOST_DEPTH} levels"

Place = tuple[int, int]
Keys = tuple[str, ...]

# YAML 1.2, core schema: yes, on, 1_000, 1:30 and dates are texts, 1e-6 is a number, 010 is ten.
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_DECIMAL = r"[-+]?(?:\.[0-9]++|[0-9]++(?:\.[0-9]*+)?+)(?:[eE][-+]?[0-9]++)?+"
_NUMBER = re.compile(rf"{_DECIMAL}|0o[0-7]++|0x[0-9a-fA-F]++")
_INTEGER = re.compile(r"[-+]?[0-9]++|0[ox].++")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

# A flow list of at least a hundred decimal numbers, with comments. No part can run over a "[",
# so that all searches together are linear in the text.
_GAP = r"(?:[ \t\n]|(?<=[ \t\n])#[^\[\n]*+\n)*+"
_LIST = re.compile(rf"\[{_GAP}(?:{_DECIMAL}{_GAP},{_GAP}){{100,}}+(?:{_DECIMAL}{_GAP})?+\]")
_ITEM = re.compile(rf"\n|#[^\n]*+|{_DECIMAL}")

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_BRACKETS = re.compile(rf"(?:[\[{{][ \t\n]*+){{{MOST_DEPTH + 1}}}")
_NO_SPACE = re.compile(r"[ \-{]*[A-Za-z_][\w.-]*(:)[^\s:/\\]")


@dataclass(frozen=True)
class Source:
    """A case's plain values and where they stand; ``file`` is named as the user wrote it.

    ``text`` is what stands in the file, ``settings`` what was set over it, as "key=value".
    """

    file: str
    value: dict[str, Any]
    places: Mapping[Keys, Place] = field(default_factory=dict, repr=False)
    set_keys: tuple[Keys, ...] = ()
    text: str = field(default="", repr=False, compare=False)
    settings: tuple[str, ...] = ()

    def place(self, path: Sequence[str | int]) -> Place:
        """Return line and column, from 1, of a key or list entry, or of its nearest ancestor.

        (0, 0) for what was set on the command line.
        """
        parts = tuple(map(str, path))
        if any(parts[: len(key)] == key for key in self.set_keys):
            return (0, 0)
        known = (parts[:length] for length in range(len(parts), -1, -1))
        return next((self.places[key] for key in known if key in self.places), (1, 1))


def read_source(path: Path) -> Source:
    """Read a case file; raises CaseError where it is no file, no text or no YAML mapping."""
    file = str(path)
    try:
        # Results name their case: in JSON, tables and pictures, which are UTF-8.
        file.encode()
    except UnicodeEncodeError:
        raise form_error(one_line(file), "has a name that is not UTF-8; rename it") from None
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            folder = stat.S_ISDIR(status.st_mode)
            raise form_error(
                file, f"is {'a directory' if folder else 'no regular file'}; name a file"
            )
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error).lower()
        raise form_error(one_line(file), f"cannot be read: {reason}") from None
    if len(data) > MOST_BYTES:
        raise form_error(file, f"is larger than {MOST_BYTES >> 20} MiB; {_LONG}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        message = f"is not UTF-8 text (byte {error.start + 1}); save it as UTF-8"
        raise form_error(file, message, _place(before, len(before))) from None
    return parse_source(text, file)


def parse_source(text: str, file: str) -> Source:
    """Parse the text of a case; raises CaseError with every mistake of form at its place."""
    reader = read_value(text, file, ())
    if not isinstance(reader.value, dict):
        message = "must be a mapping of 'key: value' with a space after each ':'"
        if () not in reader.places:
            message = "is empty; 'optimodels new MODEL' prints a case to start from"
        raise form_error(file, message, reader.places.get((), (0, 0)))
    return Source(file, reader.value, reader.places, text=text)


def read_value(text: str, file: str, path: Keys) -> _Reader:
    """Read the text of a value that will stand at ``path``."""
    if len(text) > MOST_BYTES:
        raise form_error(file, f"is larger than {MOST_BYTES >> 20} MiB; {_LONG}")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if odd := list(_CONTROL.finditer(text))[:MOST_FINDINGS]:
        raise CaseError(
            Finding(file, *_place(text, match.start()), "", _not_allowed(match)) for match in odd
        )
    lists = {match.start(): match for match in _LIST.finditer(text)}
    reader = _Reader(text, file, lists, path)
    while unmet := [offset for offset in reader.lists if offset < reader.stopped]:
        # They stand in comments or in quotes, where nothing must be emptied.
        lists = {offset: match for offset, match in lists.items() if offset not in unmet}
        reader = _Reader(text, file, lists, path)
    if reader.findings:
        raise CaseError(reader.findings[:MOST_FINDINGS])
    return reader


class _Event(NamedTuple):
    """A step of the parser, named as ruamel's events are, and what is wrong with it in a case."""

    kind: str
    at: Place
    offset: int
    text: str = ""
    plain: bool = False
    refused: str = ""


class _StopError(Exception):
    """Reading ends here; holds the message, the place to look at and the index in the text."""


def _events(text: str) -> Iterator[_Event]:
    """Yield the events of a YAML text; the last is "StreamEnd". Raises _StopError."""
    # Imported here because it takes longer than everything else that --help needs.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    at, offset = (1, 1), 0
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            mark = event.start_mark
            at, offset = (mark.line + 1, mark.column + 1), mark.index
            kind, refused = type(event).__name__.removesuffix("Event"), _refused(event)
            if kind not in ("StreamStart", "DocumentEnd"):
                plain = kind == "Scalar" and not event.style and not refused
                yield _Event(kind, at, offset, getattr(event, "value", ""), plain, refused)
    except MarkedYAMLError as error:
        raise _explained(text, error) from None
    except Exception as error:
        # ruamel lets several kinds through, such as ValueError for "\U00110000" in quotes.
        message = f"cannot be read as YAML from here on: {one_line(str(error))[:100]}"
        raise _StopError(message, at, offset) from None


def _refused(event: Any) -> str:
    """Say what YAML has but a case must not."""
    if getattr(event, "anchor", None) is not None:
        return "anchors and aliases are not allowed; write the value out"
    if getattr(event, "tag", None) is not None:
        return f"tags ({one_line(str(event.tag))[:40]}) are not allowed; leave it out"
    if getattr(event, "version", None) not in (None, (1, 2)):
        return "cases are YAML 1.2; leave out the %YAML line"
    return ""


class _Reader:
    """Turns events into plain values, collecting places and mistakes."""

    def __init__(self, text: str, file: str, lists: dict[int, re.Match[str]], path: Keys) -> None:
        self.value: Any = None
        self.places: dict[Keys, Place] = {}
        self.findings: list[Finding] = []
        self.lists = dict(lists)  # those that were not met yet
        self.stopped = len(text)
        self._file, self._count = file, 0
        try:
            self._read(text, path)
        except _StopError as stop:
            message, at, self.stopped = stop.args
            self._say(at, (), message)

    def _read(self, text: str, path: Keys) -> None:
        if len(text) - sum(len(match.group()) for match in self.lists.values()) > MOST_TEXT:
            raise _StopError(f"is longer than {MOST_TEXT >> 10} KiB; {_LONG}", (0, 0), 0)
        text = _LIST.sub(self._emptied, text)
        if run := _BRACKETS.search(text):
            raise _StopError(_TOO_DEEP, _place(text, run.start()), 0)
        self._events = _events(text)
        start = self._next()
        if start.kind == "StreamEnd":
            return
        self._say(start.at, path, start.refused)
        first = self._next()
        if first.text or not first.plain:
            self.places[path] = first.at
            self.value = self._value(first, path)
        again = self._next()
        if again.kind == "DocumentStart":
            raise _StopError(
                "a second document starts; a case must hold one document", again.at, again.offset
            )

    def _emptied(self, match: re.Match[str]) -> str:
        """Blank what is in a list, leaving every line and column as it is."""
        if match.start() not in self.lists:
            return match.group()
        return "[" + re.sub(r"[^\n]", " ", match.group()[1:-1]) + "]"

    def _next(self) -> _Event:
        event = next(self._events)
        self._count += not event.kind.endswith("End")
        if self._count > MOST_VALUES:
            raise _StopError(
                f"holds more than {MOST_VALUES} values; {_LONG}", event.at, event.offset
            )
        return event

    def _value(self, event: _Event, path: Keys) -> Any:
        self._say(event.at, path, event.refused)
        if event.kind in ("Scalar", "Alias"):
            return self._scalar(event, path)
        if len(path) >= MOST_DEPTH:
            raise _StopError(_TOO_DEEP, event.at, event.offset)
        if event.kind == "MappingStart":
            return self._mapping(path)
        if event.offset in self.lists:
            return self._numbers(event, path)
        found: list[Any] = []
        while (item := self._next()).kind != "SequenceEnd":
            inner = (*path, str(len(found)))
            self.places[inner] = item.at
            found.append(self._value(item, inner))
        return found

    def _numbers(self, event: _Event, path: Keys) -> list[Any]:
        match = self.lists.pop(event.offset)
        if len(self.places) + match.group().count(",") > MOST_NUMBERS:
            raise _StopError(f"holds more than {MOST_NUMBERS} numbers; {_LONG}", event.at, 0)
        self._next()  # the end of the emptied list
        line, start = event.at[0], event.offset - event.at[1]
        found: list[Any] = []
        for item in _ITEM.finditer(match.string, match.start(), match.end()):
            text = item.group()
            if text == "\n":
                line, start = line + 1, item.start()
            elif text[0] != "#":
                inner, at = (*path, str(len(found))), (line, item.start() - start)
                self.places[inner] = at
                found.append(self._scalar(_Event("Scalar", at, 0, text, plain=True), inner))
        return found

    def _mapping(self, path: Keys) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (event := self._next()).kind != "MappingEnd":
            key, inner, wrong = event.text, (*path, event.text), event.refused or _wrong_key(event)
            if wrong:
                self._say(event.at, path, wrong)
                inner = (*path, "?")
                if event.kind != "Scalar":
                    self._value(event, inner)
            elif key in found:
                line, column = self.places[inner]
                self._say(event.at, inner, f"stands twice, first in line {line}, column {column}")
            else:
                self.places[inner] = event.at
            item = self._next()
            if event.plain and ":" in key and item.plain and not item.text:
                self._say(event.at, path, f"write a space after the ':' in {key[:40]!r}")
            value = self._value(item, inner)
            if not wrong:
                found[key] = value
        return found

    def _scalar(self, event: _Event, path: Keys) -> Any:
        if odd := _CONTROL.search(event.text):
            self._say(event.at, path, _not_allowed(odd))
        if not event.plain:
            return event.text
        try:
            return _plain(event.text)
        except ValueError as error:
            self._say(event.at, path, str(error))
            return None

    def _say(self, at: Place, path: Keys, message: str) -> None:
        if message:
            self.findings.append(Finding(self._file, *at, ".".join(path), message))


def _plain(text: str) -> Any:
    """Return what a text without quotes means; raises ValueError for what is no number."""
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not allowed; numbers must be finite")
    if not _NUMBER.fullmatch(text):
        return text
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number of more than {MOST_DIGITS} digits")
    if _INTEGER.fullmatch(text):
        return int(text, 0 if text[1:2] in ("o", "x") else 10)
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large; numbers must be finite")
    return value


def _wrong_key(event: _Event) -> str:
    """Say what is wrong with a key, or ""."""
    key = event.text
    if event.kind != "Scalar":
        return "a key must be a text"
    if len(key) > MOST_KEY:
        return f"a key is longer than {MOST_KEY} characters"
    if not key.isprintable():
        return "a key must be one line without invisible characters"
    if event.plain and key == "<<":
        return "merging (<<) is not allowed; write the keys out"
    if event.plain and (key in _WORDS or _NUMBER.fullmatch(key) or _NOT_FINITE.fullmatch(key)):
        return f'a key must be a text; put it in quotes: "{key}"'
    return ""


#: What ruamel says (its context, a bar, its problem), whether the mistake is where the construct
#: starts (or where ruamel stopped), and what the user is told.
_HINTS = [
    (r"found character '\\t'", False, "indent with spaces, not tabs"),
    (r" tag\b|tag handle", False, "tags (!name) are not allowed; leave it out or use quotes"),
    (r" alias| anchor", False, "aliases and anchors are not allowed; leave it out or use quotes"),
    (r"directive|incompatible YAML", False, "lines that start with % are not allowed"),
    (r"scanning a quoted", True, "this quotation mark is not closed"),
    (r"scanning a double-quoted", False, "no such escape; write \\\\ for \\, or use single quotes"),
    (r"scanning a block", False, "after '|' or '>' the text must start on the next line"),
    (r"sequence\|expected ','.*stream end", True, "this '[' is not closed; end it with ']'"),
    (r"mapping\|expected ','.*stream end", True, "this '{' is not closed; end it with '}'"),
    (r"expected ','", False, "a ',' is missing here, or a closing bracket before"),
    (r"cannot start any", False, "a value cannot start with this character; put it in quotes"),
    (r"flow node.*stream end", False, "the text ends inside brackets that are not closed"),
    (r"(content|end>), but found '[]},]", False, "a value or an opening bracket is missing before"),
    (r"sequence entries are not", False, "a list entry ('- ') must start on its own line"),
    (r"expected ':'", True, "a key needs a ':' and a value"),
]


def _explained(text: str, error: Any) -> _StopError:
    """Say in the user's words what ruamel could not read, and where to look."""
    mark = error.problem_mark or error.context_mark
    opened = error.context_mark or mark
    at = (mark.line + 1, mark.column + 1)
    lines = [*text.split("\n"), ""]
    before = lines[mark.line][: mark.column].strip()
    problem = one_line(f"{error.context}|{error.problem}")
    if "expected ','" in problem and mark.line > opened.line:
        problem += " (stream end)"
    message = "the indentation does not fit the lines above, or a ':' is missing there"
    if re.search(r"expected ':'|mapping values|document start|block end", problem):
        # A key without a space behind its ':' is noticed where the next key starts.
        above = next((k for k in range(mark.line - 1, -1, -1) if lines[k].strip()), mark.line)
        for number in (opened.line, above, mark.line):
            if missing := _NO_SPACE.match(lines[number]):
                place = (number + 1, missing.start(1) + 1)
                return _StopError("write a space after the ':'", place, mark.index)
        if "mapping values" in problem and re.search(r":\s", before):
            message = "a second ':' in one line; put the text in quotes"
        elif before and "mapping values" not in problem:
            message = "text behind the end of a value; put all of it in one pair of quotes"
    for pattern, at_start, hint in _HINTS:
        if re.search(pattern, problem):
            place = (opened.line + 1, opened.column + 1) if at_start else at
            return _StopError(hint, place, mark.index)
    return _StopError(message, at, mark.index)


def _place(text: str, index: int) -> Place:
    """Return line and column, from 1, of a position in a text."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _not_allowed(match: re.Match[str]) -> str:
    return f"control character U+{ord(match.group()):04X}; leave it out"


def one_line(text: str) -> str:
    return _CONTROL.sub("?", " ".join(text.split()))


def form_error(file: str, message: str, at: Place = (0, 0)) -> CaseError:
    return CaseError([Finding(file, *at, "", message)])
