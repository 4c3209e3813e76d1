"""Standard output as this program keeps it: its own words, in marks that any terminal gets."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def let_marks_through() -> None:
    """Write UTF-8 where the terminal's encoding has no marks: a "?" in their place would say
    another verdict. What cannot be written, as bytes of a folder's name, is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = stream.encoding
            try:
                "✓✗±²".encode(encoding)
            except UnicodeEncodeError:
                encoding = "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


@contextmanager
def own_output() -> Iterator[None]:
    """Keep standard output for what this program says: solvers' native code, which prints there
    too (GLPK's refusals, live logs), is heard on standard error."""
    stdout = sys.stdout
    plain = stdout is sys.__stdout__ and sys.stderr is not None
    if not plain or not isinstance(stdout, io.TextIOWrapper):
        yield
        return
    stdout.flush()
    ours = io.TextIOWrapper(
        os.fdopen(os.dup(1), "wb"),
        encoding=stdout.encoding,
        errors=stdout.errors,
        line_buffering=stdout.line_buffering,
    )
    sys.stdout = ours
    os.dup2(2, 1)
    try:
        yield
        ours.flush()
    finally:
        os.dup2(ours.fileno(), 1)
        sys.stdout = stdout
        with suppress(OSError):
            ours.close()
