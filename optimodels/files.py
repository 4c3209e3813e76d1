"""Writing files whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from optimodels.errors import CallError, RunError

#: Files that say what a folder holds: a store of runs, a benchmark. Known here so that a report
#: need not load either to look.
STORE_FILE = "store.json"
BENCHMARK_FILE = "bench.json"
#: No case may take their names, nor those of what stands beside them.
_TAKEN = {Path(name).stem for name in (STORE_FILE, BENCHMARK_FILE)}

#: Bytes of a file's name, with room for what is put behind it.
_MOST_STEM = 160


def output_folder(path: Path) -> Path:
    """Make a folder for results; raises CallError where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise CallError(f"--out: cannot write to {str(path)!r}: {said_of(error)}") from error
    return path


def make_folder(path: Path) -> None:
    """Make a folder that results go into by themselves; raises RunError where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot write {path}: {said_of(error)}") from error


def said_of(error: OSError) -> str:
    """Return what went wrong with a file, without its name."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return "the disk is full" if full else error.strerror or str(error)


def plain_stem(name: str) -> str:
    """Return a name with nothing in it that a file system minds; two names may become one."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip(".") or "case"


def file_stem(name: str) -> str:
    """Return a name that every file system takes; a case's name may hold anything."""
    stem = plain_stem(name)
    if stem != name or len(stem.encode()) > _MOST_STEM or stem.lower() in _TAKEN:
        # Two names must not become one file.
        mark = hashlib.sha256(name.encode()).hexdigest()[:8]
        short = stem.encode()[: _MOST_STEM - 9].decode(errors="ignore")
        stem = f"{short}-{mark}"
    return stem


def spare_inputs(folder: Path, stem: str, inputs: Iterable[Path]) -> None:
    """Raise CallError where results of this stem in a folder may replace what they come from."""
    home = folder.resolve()
    for path in inputs:
        own = path.stem == stem or path.name.startswith(f"{stem}-")
        if own and path.suffix in (".json", ".csv", ".svg") and path.resolve().parent == home:
            raise CallError(
                f"--out: results in {str(folder)!r} may replace {path.name!r}, which the case "
                "reads; name another folder"
            )


def write_whole(path: Path, content: str | bytes, *, sync: bool = True) -> Path:
    """Write a file aside and rename it, so that nothing half-written is ever seen.

    Without ``sync`` it outlives a dying process, but perhaps not a dying machine. What a link
    points to is written, and the link stays.
    Raises RunError where the disk is full or the file cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    target = Path(os.path.realpath(path))
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        if target.exists() and not target.is_file():
            # A rename would put a file in the place of a device.
            raise RunError(f"cannot write {path}: it is no file")
        with aside.open("xb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        os.replace(aside, target)
    except BaseException as error:
        with suppress(OSError):
            aside.unlink()
        if isinstance(error, OSError):
            raise RunError(f"cannot write {path}: {said_of(error)}") from error
        raise
    return path
