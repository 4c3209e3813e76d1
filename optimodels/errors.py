"""What a user is told when something is wrong: one clear line each, with an exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


class OptimodelsError(Exception):
    """Anything that a user can cause or has to know; its text is complete as it stands."""

    exit_code = 5


class CallError(OptimodelsError):
    """The call (an argument, a path, a name on the command line) is wrong."""

    exit_code = 2


class DataError(OptimodelsError):
    """A value of the case is wrong for a reason that only the data reveal.

    ``key`` names the place in the case ("profiles.load"), so that the reader of the case
    can add the file, the line and the column.
    """

    exit_code = 2

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}" if key else message)
        self.key = key
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is pickled by its text alone, which is not how this one is made.
        return type(self), (self.key, self.message)


class UnavailableError(DataError):
    """A solver or an optional package is not installed, or cannot take the problem."""


class RunError(OptimodelsError):
    """It could not be run: a solver broke, the disk is full."""

    exit_code = 5


@dataclass(frozen=True, order=True)
class Finding:
    """One mistake in a case file, at its place (line and column count from 1)."""

    file: str
    line: int
    column: int
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class CaseError(OptimodelsError):
    """A case is wrong; ``findings`` holds every mistake that was found, in file order."""

    exit_code = 2

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: Sequence[Finding] = tuple(sorted(set(findings)))
        super().__init__("\n".join(map(str, self.findings)))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.findings,)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the known word nearest to ``word``, or ""."""
    from difflib import get_close_matches

    words = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), list(words), n=1, cutoff=0.6)
    return f"; did you mean {words[near[0]]!r}?" if near else ""
