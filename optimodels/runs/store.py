"""A folder of runs: one immutable file each, and a table view that can be thrown away.

Files are written aside and renamed: a run is there and whole, or not there, whenever a process
dies; what was being written then stays behind under a hidden name, at most one small file for each
process that was killed, and is never read. The view (SQLite) holds the summaries of the files that
it has seen and is made again from them where it is missing, damaged or behind.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optimodels.errors import CallError, RunError
from optimodels.files import STORE_FILE, file_stem, make_folder, said_of, write_whole
from optimodels.runs.record import FORMAT, DamagedError, Record, unpack

_END = ".run"
_VIEW = "table.sqlite"
#: Files written until their summaries go into the view.
_BATCH = 200


@dataclass(frozen=True)
class Index:
    """The runs of a sweep in order: the ``columns`` that it sets, and by run its key and values.

    ``own`` is the key of the case as it stands: what a paper printed belongs to that run alone.
    ``asked`` is the case as it was given and in full (``Case.asked``).
    """

    case: str
    model: str
    columns: list[str]
    keys: list[str]
    values: list[list[Any]]
    own: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)


class Store:
    """The runs in a folder; ``damaged`` names the files that are, and were set aside.

    One that is not to ``create`` is there to be read: the view is left as it is, and a file is
    moved only where it is damaged, into the folder ``damaged``, so that nobody takes it for a run.
    Raises CallError where the folder is no store, or one of another format; every method
    RunError where a file cannot be read or written.
    """

    def __init__(self, folder: Path, *, create: bool = True) -> None:
        self.folder = folder
        self.damaged: list[str] = []
        # Of files just written: key, stamp, summary.
        self._seen: list[tuple[str, str, str]] = []
        self._writes = create
        mark = folder / STORE_FILE
        if not mark.exists():
            if not create:
                raise CallError(
                    f"{str(folder)!r} is no folder of runs; 'optimodels sweep' makes one"
                )
            make_folder(folder / "runs")
            write_whole(mark, json.dumps({"format": FORMAT}) + "\n")
        try:
            found = json.loads(_content(mark)).get("format")
        except (ValueError, AttributeError):
            found = None
        if found != FORMAT:
            raise CallError(
                f"{str(folder)!r} holds runs of format {found}, this version writes {FORMAT}; "
                "name another folder with --out"
            )

    def keys(self) -> set[str]:
        """Return the keys of all runs that are there."""
        return {path.name.removesuffix(_END) for path in self._entries()}

    def write(self, key: str, content: bytes, summary: str = "") -> None:
        """Keep the file of a run; with its summary, as JSON, it need not be read again for that."""
        path = self._path(key)
        make_folder(path.parent)
        # Against a dying process a rename is enough; a sync would cost more than a small run.
        write_whole(path, content, sync=False)
        if summary:
            # Another process may have set it aside since.
            with suppress(FileNotFoundError):
                self._seen.append((key, _stamp(path.stat()), summary))
            if len(self._seen) >= _BATCH:
                self._note()

    def read(self, key: str) -> Record | None:
        """Return a run, or None where it is not there; a damaged file is set aside and named."""
        path = self._path(key)
        try:
            record = unpack(_content(path))
            if record.key != key:
                raise DamagedError("holds another run")
        except FileNotFoundError:
            return None
        except DamagedError as error:
            self._set_aside(path, str(error))
            return None
        return record

    def summaries(self, keys: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """Return the summaries of runs by key: of all, or of those that are named and there."""
        present = {}
        for entry in self._entries():
            # Another process may have set it aside since.
            with suppress(FileNotFoundError):
                present[entry.name.removesuffix(_END)] = _stamp(entry.stat())
        self._note()
        try:
            rows = self._rows(present, self._address)
        except sqlite3.DatabaseError as error:
            # Where it is busy, not there or cannot be written here, this call does without; a
            # damaged one is thrown away, and the next sweep makes another.
            if self._writes and not isinstance(error, sqlite3.OperationalError):
                with suppress(OSError):
                    (self.folder / _VIEW).unlink()
            rows = self._rows(present, ":memory:")
        wanted = rows.keys() if keys is None else keys
        return {key: json.loads(rows[key]) for key in wanted if key in rows}

    @property
    def _address(self) -> str:
        """The view's, which is written only by those who write runs."""
        view = (self.folder / _VIEW).absolute()
        return f"{view.as_uri()}?mode={'rwc' if self._writes else 'ro'}"

    def _note(self) -> None:
        """Put the summaries of files just written into the view; where that cannot be, they are
        read from the files when they are asked for."""
        seen, self._seen = self._seen, []
        if seen:
            with suppress(sqlite3.DatabaseError), _opened(self._address) as view:
                _put(view, seen)

    def _rows(self, present: Mapping[str, str], path: str) -> dict[str, str]:
        """Return the summaries, as JSON, of the files that are ``present`` (a stamp by key) and
        whole, by way of the view at ``path``, which is brought up to date if it may be written."""
        with _opened(path) as view:
            known = dict(view.execute("select key, stamp from runs"))
            fresh: list[tuple[str, str, str]] = []
            broken: set[str] = set()
            for key, stamp in present.items():
                if known.get(key) != stamp:
                    record = self.read(key)
                    if record is None:
                        broken.add(key)
                    else:
                        fresh.append((key, stamp, json.dumps(record.summary)))
            there = present.keys() - broken
            gone = [(key,) for key in known.keys() - there]
            try:
                _put(view, fresh)
                with view:
                    view.executemany("delete from runs where key = ?", gone)
            except sqlite3.OperationalError:
                # Another process writes it, or it cannot be written: it stays behind.
                pass
            rows = dict(view.execute("select key, summary from runs"))
        rows |= {key: summary for key, _, summary in fresh}
        return {key: summary for key, summary in rows.items() if key in there}

    def write_index(self, sweep: Index) -> None:
        """Keep a sweep's runs in their order, so that its table has it."""
        folder = self.folder / "sweeps"
        make_folder(folder)
        write_whole(folder / f"{file_stem(sweep.case)}.json", json.dumps(vars(sweep)) + "\n")

    def indexes(self) -> list[Index]:
        """Return the sweeps of the store by name; one that cannot be read is set aside."""
        found = []
        for path in sorted((self.folder / "sweeps").glob("*.json")):
            try:
                found.append(Index(**json.loads(_content(path))))
            except (ValueError, TypeError) as error:
                self._set_aside(path, str(error))
        return found

    def _path(self, key: str) -> Path:
        return self.folder / "runs" / key[:2] / f"{key}{_END}"

    def _entries(self) -> Iterator[os.DirEntry[str]]:
        runs = self.folder / "runs"
        if not runs.exists():
            return
        try:
            for shard in [entry.path for entry in os.scandir(runs) if entry.is_dir()]:
                yield from (entry for entry in os.scandir(shard) if entry.name.endswith(_END))
        except OSError as error:
            raise RunError(f"cannot read {error.filename or runs}: {said_of(error)}") from error

    def _set_aside(self, path: Path, reason: str) -> None:
        folder = self.folder / "damaged"
        try:
            folder.mkdir(exist_ok=True)
            os.replace(path, folder / path.name)
            then = f"set aside in {folder}"
        except FileNotFoundError:
            return
        except OSError as error:
            then = f"it cannot be set aside: {said_of(error)}"
        line = f"{path}: {reason}; {then}"
        if line not in self.damaged:
            self.damaged.append(line)


@contextmanager
def _opened(address: str) -> Iterator[sqlite3.Connection]:
    """Open a view, which is made where it is not there."""
    with closing(sqlite3.connect(address, timeout=5, uri=True)) as view:
        view.execute("pragma synchronous = off")
        view.execute(
            "create table if not exists runs (key text primary key, stamp text, summary text)"
        )
        yield view


def _put(view: sqlite3.Connection, rows: Iterable[tuple[str, str, str]]) -> None:
    with view:
        view.executemany("insert or replace into runs values (?, ?, ?)", rows)


def _stamp(status: os.stat_result) -> str:
    """What of a file changes with its content."""
    return f"{status.st_size} {status.st_mtime_ns}"


def _content(path: Path) -> bytes:
    """Return what stands in a file; a file that may not be read is not a damaged one.

    Raises FileNotFoundError where it is not there, RunError where it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RunError(f"cannot read {path}: {said_of(error)}") from error
