"""A case file as plain values, with the line and column of every key: YAML 1.2, read safely."""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from optimodels.errors import CaseError, Finding

#: Caps that are checked before anything is parsed.
MOST_BYTES = 1 << 20
MOST_DEPTH = 64
MOST_DIGITS = 300
MOST_KEY = 200

Place = tuple[str | int, ...]

# YAML 1.2, core schema: yes, on and 1:30 are texts, 1e-6 is a number.
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True)
class Source:
    """A case's values and where they stand; lines and columns count from 1."""

    file: str
    value: dict[str, Any]
    places: dict[Place, tuple[int, int]] = field(default_factory=dict)

    def place(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Return line and column of a key or list entry, or of its nearest ancestor.

        (0, 0) where the key was set on the command line.
        """
        for length in range(len(path), 0, -1):
            known = self.places.get(tuple(path[:length]))
            if known is not None:
                return known
        return (1, 1)


def read_source(path: Path) -> Source:
    """Read a case file; raises CaseError where it is no file, no text or no YAML mapping."""
    file = str(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise _error(file, "is a directory; name a case file in it")
        if not stat.S_ISREG(status.st_mode):
            raise _error(file, "is no regular file")
        if status.st_size > MOST_BYTES:
            raise _error(file, f"is larger than {MOST_BYTES >> 20} MiB; put long profiles into CSV")
        data = path.read_bytes()
    except FileNotFoundError:
        raise _error(file, "no such file") from None
    except (OSError, ValueError) as error:
        raise _error(file, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _error(file, f"is not UTF-8 text (byte {error.start + 1})", line) from None
    return parse_source(text, file)


def parse_source(text: str, file: str) -> Source:
    """Parse the text of a case; raises CaseError with every mistake of form at its place."""
    _check_text(text, file)
    node = _compose(text, file)
    reader = _Reader(file)
    value = reader.value(node, ())
    if reader.findings:
        raise CaseError(reader.findings)
    if not isinstance(value, dict):
        raise _error(file, "must be a mapping of keys to values, such as 'model: ...'", 1)
    return Source(file, value, reader.places)


def apply_settings(source: Source, settings: Sequence[str]) -> Source:
    """Return the source with "key.sub=VALUE" set; VALUE is YAML and replaces what was there.

    Keys need not stand in the file; numbers in a key are positions in a list, from 0.
    """
    for setting in settings:
        key, equals, text = setting.partition("=")
        label = f"--set {key}"
        path: list[str | int] = [int(p) if p.isdigit() else p for p in key.strip().split(".")]
        if not equals or not all(str(p) for p in path):
            raise CaseError([Finding(f"--set {setting}", 0, 0, "", "write it as key=value")])
        _check_text(text, label, allow_empty=True)
        reader = _Reader(label)
        node = _compose(text, label) if text.strip() else None
        value = None if node is None else reader.value(node, ())
        if reader.findings:
            raise CaseError(reader.findings)
        changed = _put(source.value, path, value, label)
        stale = {p for p in source.places if p[: len(path)] == tuple(path)}
        places = {p: at for p, at in source.places.items() if p not in stale}
        places[tuple(path)] = (0, 0)
        source = replace(source, value=changed, places=places)
    return source


def _put(holder: Any, path: Sequence[str | int], value: Any, label: str) -> Any:
    """Return a copy of nested mappings and lists with the value at the path."""
    if not path:
        return value
    first = path[0]
    if isinstance(holder, list):
        if not isinstance(first, int) or first >= len(holder):
            raise CaseError(
                [Finding(label, 0, 0, "", f"no entry {first} in a list of {len(holder)}")]
            )
        return [
            _put(item, path[1:], value, label) if k == first else item
            for k, item in enumerate(holder)
        ]
    # A mapping takes the place of a text or number: solver: highs becomes {time_limit: ...}.
    known = holder if isinstance(holder, dict) else {}
    if isinstance(holder, str) and first != "name":
        known = {"name": holder}
    return {**known, str(first): _put(known.get(str(first)), path[1:], value, label)}


def _check_text(text: str, file: str, *, allow_empty: bool = False) -> None:
    """Refuse in one pass what a YAML parser would choke on or misread."""
    if len(text) > MOST_BYTES:
        raise _error(file, "is too long")
    bare = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    if not bare and not allow_empty:
        raise _error(file, "is empty; optimodels new MODEL prints a case to start from")
    findings = []
    for number, line in enumerate(text.split("\n"), start=1):
        blank = line[: len(line) - len(line.lstrip())]
        if "\t" in blank:
            findings.append(
                Finding(file, number, blank.index("\t") + 1, "", "indent with spaces, not tabs")
            )
        odd = re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]", line)
        if odd:
            code = f"U+{ord(odd.group()):04X}"
            findings.append(Finding(file, number, odd.start() + 1, "", f"control character {code}"))
        if len(findings) >= 20:
            break
    if findings:
        raise CaseError(findings)
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth = max(0, depth - 1)
    # Each "- " or "? " in a row opens a level, and so may each two columns of indentation.
    rungs = re.search(rf"(?:[-?:] +){{{MOST_DEPTH}}}", text)
    indent = max((len(line) - len(line.lstrip()) for line in bare), default=0)
    if deepest > MOST_DEPTH or rungs or indent > 8 * MOST_DEPTH:
        raise _error(file, f"is nested deeper than {MOST_DEPTH} levels")


def _compose(text: str, file: str) -> Node:
    yaml = YAML(typ="safe", pure=True)
    # YAML 1.2 whatever a %YAML line says: the scalars are resolved here, not by the parser.
    try:
        nodes = list(_documents(yaml, text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        raise CaseError([Finding(file, line, column, "", _human(error))]) from None
    except (YAMLError, ValueError, RecursionError, AttributeError, IndexError) as error:
        raise _error(file, f"is no YAML: {' '.join(str(error).split())[:120]}") from None
    if len(nodes) != 1 or nodes[0] is None:
        raise _error(file, "must hold one document" if nodes else "is empty")
    return nodes[0]


def _documents(yaml: Any, text: str) -> Iterator[Node]:
    yield from yaml.compose_all(text)


def _human(error: MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context or "is no YAML").split())
    hints = {
        "mapping values are not allowed": "a ':' where none can be; quote the text, or check the "
        "indentation",
        "expected ',' or ']'": "a '[' is not closed; end the list with ']'",
        "expected ',' or '}'": "a '{' is not closed; end the mapping with '}'",
        "found unexpected end of stream": "a quotation mark is not closed",
        "could not find expected ':'": "a key without ':' and a space behind it",
        "found undefined alias": "aliases (*name) are not allowed; write the value out",
        "found duplicate anchor": "anchors (&name) are not allowed; write the value out",
        "expected <block end>": "the indentation does not fit the lines above",
        "cannot start any token": "a character that YAML reserves; put the text in quotes",
    }
    return next((text for start, text in hints.items() if start in problem), problem[:120])


class _Reader:
    """Turns nodes into plain values, collecting places and mistakes."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self.places: dict[Place, tuple[int, int]] = {}
        self._seen: set[int] = set()

    def value(self, node: Node, path: Place) -> Any:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        self.places.setdefault(path, (line, column))
        if node.anchor is not None or id(node) in self._seen:
            self._say(node, path, "anchors and aliases are not allowed; write the value out")
            return None
        self._seen.add(id(node))
        if len(path) > MOST_DEPTH:
            self._say(node, path[:3], f"is nested deeper than {MOST_DEPTH} levels")
            return None
        tag = str(node.tag or "")
        if tag and not tag.startswith("tag:yaml.org,2002:"):
            self._say(node, path, f"tags ({tag[:40]}) are not allowed")
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, k)) for k, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        if tag.startswith("tag:yaml.org,2002:python"):
            self._say(node, path, "tags are not allowed")
            return None
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            at = key_node.start_mark
            if not isinstance(key_node, ScalarNode):
                self._say(key_node, path, "a key must be a text")
                continue
            key = str(key_node.value)
            if key == "<<":
                self._say(key_node, (*path, key), "merging (<<) is not allowed; write it out")
                continue
            if key_node.style is None and not isinstance(self._plain(key), str):
                self._say(key_node, (*path, key), "a key must be a text")
                continue
            if len(key) > MOST_KEY:
                self._say(key_node, path, f"a key is longer than {MOST_KEY} characters")
                continue
            if key in found:
                first = self.places[(*path, key)]
                self._say(key_node, (*path, key), f"stands twice, first in line {first[0]}")
                continue
            self.places[(*path, key)] = (at.line + 1, at.column + 1)
            found[key] = self.value(value_node, (*path, key))
        return found

    def _scalar(self, node: ScalarNode, path: Place) -> Any:
        text = str(node.value)
        if node.style is not None:
            return text
        value = self._plain(text)
        if isinstance(value, str) and _NOT_FINITE.fullmatch(text):
            self._say(node, path, f"{text} is not allowed; numbers must be finite")
            return None
        if value is _TOO_LONG:
            self._say(node, path, f"a number of more than {MOST_DIGITS} digits")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self._say(node, path, f"{text[:40]} is too large for a number")
            return None
        return value

    @staticmethod
    def _plain(text: str) -> Any:
        if text in _WORDS:
            return _WORDS[text]
        if len(text) > MOST_DIGITS and text.strip("+-").replace(".", "", 1).isdigit():
            return _TOO_LONG
        if _INTEGER.fullmatch(text):
            return int(text)
        if _BASED.fullmatch(text):
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            return float(text)
        return text

    def _say(self, node: Node, path: Place, message: str) -> None:
        mark = node.start_mark
        key = ".".join(map(str, path))
        self.findings.append(Finding(self.file, mark.line + 1, mark.column + 1, key, message))


_TOO_LONG = object()


def _error(file: str, message: str, line: int = 0) -> CaseError:
    return CaseError([Finding(file, line, 1 if line else 0, "", message)])
