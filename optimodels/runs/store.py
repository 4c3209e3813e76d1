"""A folder of runs: one immutable file each, and a table view that can be thrown away.

Files are written aside and renamed: a run is there and whole, or not there, whenever a process
dies. The view (SQLite) holds the summaries of the files that it has seen and is made again from
them where it is missing, damaged or behind.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optimodels.errors import CallError
from optimodels.files import STORE_FILE, file_stem, write_whole
from optimodels.runs.record import FORMAT, DamagedError, Record, unpack

_END = ".run"
_VIEW = "table.sqlite"


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
    """The runs in a folder; ``damaged`` names the files that were set aside."""

    def __init__(self, folder: Path, *, create: bool = True) -> None:
        self.folder = folder
        self.damaged: list[str] = []
        mark = folder / STORE_FILE
        if not mark.exists():
            if not create:
                raise CallError(
                    f"{str(folder)!r} is no folder of runs; 'optimodels sweep' makes one"
                )
            (folder / "runs").mkdir(parents=True, exist_ok=True)
            write_whole(mark, json.dumps({"format": FORMAT}) + "\n")
        try:
            found = json.loads(mark.read_text()).get("format")
        except (ValueError, AttributeError, OSError):
            found = None
        if found != FORMAT:
            raise CallError(
                f"{str(folder)!r} holds runs of format {found}, this version writes {FORMAT}; "
                "name another folder with --out"
            )

    def keys(self) -> set[str]:
        """Return the keys of all runs that are there."""
        return {path.name.removesuffix(_END) for path in self._entries()}

    def write(self, key: str, content: bytes) -> None:
        """Keep the file of a run."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Against a dying process a rename is enough; a sync would cost more than a small run.
        write_whole(path, content, sync=False)

    def read(self, key: str) -> Record | None:
        """Return a run, or None where it is not there; a damaged file is set aside and named."""
        path = self._path(key)
        try:
            record = unpack(path.read_bytes())
            if record.key != key:
                raise DamagedError("holds another run")
        except FileNotFoundError:
            return None
        except (DamagedError, OSError) as error:
            self._set_aside(path, str(error))
            return None
        return record

    def summaries(self, keys: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """Return the summaries of runs by key: of all, or of those that are named and there."""
        present = {}
        for entry in self._entries():
            status = entry.stat()
            stamp = f"{status.st_size} {status.st_mtime_ns}"
            present[entry.name.removesuffix(_END)] = stamp
        with closing(self._view()) as view:
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
                with view:
                    view.executemany("insert or replace into runs values (?, ?, ?)", fresh)
                    view.executemany("delete from runs where key = ?", gone)
            except sqlite3.OperationalError:
                # Another process writes the view, or it cannot be written: this call does without.
                pass
            rows = dict(view.execute("select key, summary from runs"))
        rows |= {key: summary for key, _, summary in fresh}
        wanted = rows.keys() if keys is None else keys
        return {key: json.loads(rows[key]) for key in wanted if key in rows and key in there}

    def write_index(self, sweep: Index) -> None:
        """Keep a sweep's runs in their order, so that its table has it."""
        folder = self.folder / "sweeps"
        folder.mkdir(exist_ok=True)
        write_whole(folder / f"{file_stem(sweep.case)}.json", json.dumps(vars(sweep)) + "\n")

    def indexes(self) -> list[Index]:
        """Return the sweeps of the store by name; one that cannot be read is set aside."""
        found = []
        for path in sorted((self.folder / "sweeps").glob("*.json")):
            try:
                found.append(Index(**json.loads(path.read_text())))
            except (ValueError, TypeError) as error:
                self._set_aside(path, str(error))
        return found

    def _path(self, key: str) -> Path:
        return self.folder / "runs" / key[:2] / f"{key}{_END}"

    def _entries(self) -> Iterator[os.DirEntry[str]]:
        try:
            shards = [entry.path for entry in os.scandir(self.folder / "runs") if entry.is_dir()]
        except FileNotFoundError:
            return
        for shard in shards:
            yield from (entry for entry in os.scandir(shard) if entry.name.endswith(_END))

    def _set_aside(self, path: Path, reason: str) -> None:
        folder = self.folder / "damaged"
        folder.mkdir(exist_ok=True)
        try:
            os.replace(path, folder / path.name)
        except FileNotFoundError:
            return
        self.damaged.append(f"{path}: {reason}; set aside in {folder}")

    def _view(self) -> sqlite3.Connection:
        path = self.folder / _VIEW
        try:
            return _opened(path)
        except sqlite3.OperationalError:
            # It cannot be written here, or is busy: this call does without.
            return _opened(":memory:")
        except sqlite3.DatabaseError:
            path.unlink(missing_ok=True)
            return _opened(path)


def _opened(path: Path | str) -> sqlite3.Connection:
    view = sqlite3.connect(path, timeout=5)
    view.execute("pragma synchronous = off")
    view.execute("create table if not exists runs (key text primary key, stamp text, summary text)")
    view.execute("select count(*) from runs").fetchone()
    return view
