"""A study in one file: the case, the files that it names, what came out; to be repeated elsewhere.

The file is a zip that any tool opens: ``study.json`` and, in ``case/``, the case and its files.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from optimodels.case import Case, load_case
from optimodels.case.expansion import expand
from optimodels.errors import CallError, RunError
from optimodels.result import Row, worst
from optimodels.runs import Progress, Store, sweep
from optimodels.runs.key import paths_in
from optimodels.runs.record import BROKEN_ZIP, add_entry, json_bytes
from optimodels.study import environment, solve

__all__ = ["Repeated", "Run", "Study", "pack", "read_study", "repeat", "solved", "unpack"]

#: To be raised when the meaning of what is packed changes.
FORMAT = 1
#: Figures agree within this, relative to the larger one; nearer to 0 than the second all are 0.
#: Solvers promise 1e-6 to 1e-7, and processors differ in the last digits.
RELATIVE, ABSOLUTE = 1e-6, 1e-9
#: What a file from elsewhere may hold: entries, and bytes when unpacked.
MOST_ENTRIES, MOST_BYTES = 1000, 256 * 2**20
_FOLDER = "case/"


@dataclass(frozen=True)
class Run:
    """What one run is compared by, nothing that differs with time or machine; ``keys`` is what a
    sweep sets, ``error`` why there is no result."""

    keys: dict[str, Any]
    stopped: str = "error"
    verdict: str = "none"
    objective: float | None = None
    values: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    @classmethod
    def of(cls, keys: Mapping[str, Any], told: Mapping[str, Any]) -> Run:
        """Return the run of a result as JSON, or of a stored run's summary."""
        if told.get("error"):
            return cls(dict(keys), error=told["error"])
        verdict = told["verdict"]
        status = verdict["status"]
        said = f"{status} by {verdict['by']}: {verdict['of']}" if status == "verified" else status
        return cls(dict(keys), told["stopped"], said, told["objective"], dict(told["values"]))

    @property
    def figures(self) -> dict[str, Any]:
        whole = asdict(self)
        return {name: whole[name] for name in ("stopped", "verdict", "objective", "error")} | (
            self.values
        )


@dataclass(frozen=True)
class Study:
    """A case that was solved: its ``file``, ``files`` by path (the case's among them), its runs."""

    name: str
    model: str
    file: str
    settings: list[str]
    environment: Mapping[str, str]
    runs: list[Run]
    exit_code: int
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Repeated:
    """A study as it was packed and as it came out again."""

    packed: Study
    again: Study

    @property
    def figures(self) -> list[Row]:
        """Every figure of every run: run, figure, packed, again, agrees."""
        return list(_beside(self.packed, self.again))

    @property
    def exit_code(self) -> int:
        """1 where a figure does not agree, or a claim was refuted."""
        agrees = all(row["agrees"] for row in self.figures)
        return 1 if not agrees or self.again.exit_code == 1 else 0


def solved(case: Case, progress: Progress | None = None) -> Study:
    """Solve a case, or every run of its sweep, and return the study.

    Raises CallError where it names a file that a file for elsewhere cannot hold.
    """
    files = _files(case)
    if case.file.sweep is None:
        result = solve(case)
        if result.stopped == "interrupted":
            raise RunError(f"{case.name}: interrupted; nothing is packed")
        runs, code = [Run.of({}, result.as_json())], result.exit_code
    else:
        with tempfile.TemporaryDirectory() as folder:
            done = sweep(case, folder, progress=progress)
            kept = Store(Path(folder)).summaries(done.index.keys)
        runs = [
            Run.of(dict(zip(done.index.columns, values, strict=True)), kept[key])
            for key, values in zip(done.index.keys, done.index.values, strict=True)
        ]
        # Where the case stood says nothing elsewhere.
        told, own = case.source.file, Path(case.source.file).name
        runs = [replace(run, error=run.error.replace(told, own)) for run in runs]
        code = worst(done.exit_codes)
    file, settings = PurePosixPath(Path(case.source.file).name), [*case.source.settings]
    return Study(case.name, case.model.name, str(file), settings, environment(), runs, code, files)


def repeat(packed: Study, progress: Progress | None = None) -> Repeated:
    """Solve a study again from its own files alone, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in packed.files.items():
            path = Path(folder, name)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            except OSError as error:
                # A name that is too long here, or a file's as well as a folder's.
                reason = error.strerror or error
                raise CallError(f"{packed.name}: cannot unpack {name!r}: {reason}") from error
        # No path out of that folder is allowed, whatever was allowed where it was packed.
        case = load_case(Path(folder, packed.file), packed.settings)
        again = solved(case, progress)
    if len(packed.runs) != len(again.runs):
        raise CallError(
            f"{packed.name}: tells of {len(packed.runs)} runs; its case has {len(again.runs)}"
        )
    return Repeated(packed, again)


def pack(study: Study) -> bytes:
    """Return the file of a study; equal studies are equal files."""
    head = asdict(study)
    head["files"] = {name: _digest(content) for name, content in study.files.items()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        add_entry(archive, "study.json", json_bytes({"format": FORMAT, **head}))
        for name, content in sorted(study.files.items()):
            add_entry(archive, _FOLDER + name, content)
    return stream.getvalue()


def read_study(path: Path) -> Study:
    """Read a study's file; raises CallError, in one line, where it cannot be or is none."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise CallError(f"{path}: larger than {MOST_BYTES >> 20} MiB")
        data = path.read_bytes()
    except OSError as error:
        raise CallError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        return unpack(data)
    except CallError as error:
        raise CallError(f"{path}: {error}") from error
    except BROKEN_ZIP as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise CallError(f"{path}: not a file of 'optimodels pack', or damaged: {said}") from error


def unpack(data: bytes) -> Study:
    """Return the study of a file's bytes. Nothing in them is trusted: neither names nor sizes."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        # Other programs also write an entry for a folder by itself.
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        names = [entry.filename for entry in entries]
        if len(entries) > MOST_ENTRIES or len(set(names)) < len(names):
            raise CallError(f"holds more than {MOST_ENTRIES} files, or one twice")
        # No more than the size that an entry claims is ever unpacked of it.
        if sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise CallError(f"unpacks to more than {MOST_BYTES >> 20} MiB")
        for name in names:
            if not (_stays(name) and _everywhere(name)):
                raise CallError(f"holds a path that leads elsewhere: {name!r}")
        head = json.loads(archive.read("study.json"))
        if not isinstance(head, dict) or head.pop("format", None) != FORMAT:
            raise CallError(f"not a study of format {FORMAT}, which this version reads")
        files = {name.removeprefix(_FOLDER): archive.read(name)
                 for name in names if name.startswith(_FOLDER)}  # fmt: skip
    if head.pop("files", None) != {name: _digest(content) for name, content in files.items()}:
        raise CallError("its files are not those that were packed")
    try:
        # The words and numbers that it must hold; what else there is, is not looked at.
        study = TypeAdapter(Study).validate_python({**head, "files": files})
    except ValidationError as error:
        raise CallError("its study.json is not one of 'optimodels pack'") from error
    if study.file not in files:
        raise CallError("its case is not in it")
    return study


def _stays(name: str) -> bool:
    """Whether a name of an archive stays in the folder it is unpacked to."""
    return all(part not in ("", ".", "..") for part in name.split("/"))


def _everywhere(name: str) -> bool:
    """Whether every system takes the name as it is; ":" and backslashes may lead elsewhere."""
    return not set(name) & set('\\:\0*?"<>|')


def _files(case: Case) -> dict[str, bytes]:
    trees = [case.resolved_with(values) for values in (expand(case) if case.file.sweep else [{}])]
    own = Path(case.source.file).name
    files = {own: case.source.text.encode()}
    for text in (own, *sorted({text for one in trees for text in paths_in(one)})):
        name = Path(text).as_posix()
        if not _stays(name):
            raise CallError(
                f"{case.source.file}: {text!r} leads out of the case's folder; to pack it, move "
                "the file there and name it from there"
            )
        if not _everywhere(name):
            raise CallError(
                f"{case.source.file}: no file is called {text!r} on every system; to pack it, "
                "rename it"
            )
        if name in files:
            continue
        try:
            files[name] = (case.folder / text).read_bytes()
        except OSError as error:
            raise CallError(f"{case.source.file}: {text!r}: {error.strerror or error}") from error
    # study.json is one more.
    if len(files) >= MOST_ENTRIES or sum(map(len, files.values())) > MOST_BYTES:
        raise CallError(
            f"{case.source.file}: its files are more than {MOST_ENTRIES - 1}, or than "
            f"{MOST_BYTES >> 20} MiB"
        )
    return files


def _beside(packed: Study, again: Study) -> Iterator[Row]:
    # Of an honest file the case is the same, so its runs are: in number and in order.
    for before, after in zip(packed.runs, again.runs, strict=True):
        keys = before.keys.items()
        run = ", ".join(f"{key.removeprefix('parameters.')}={value}" for key, value in keys)
        old, new = before.figures, after.figures
        for figure in dict.fromkeys([*old, *new]):
            one, other = old.get(figure), new.get(figure)
            row = {"figure": figure, "packed": one, "again": other, "agrees": _agree(one, other)}
            yield {"run": run, **row} if run else row


def _agree(one: Any, other: Any) -> bool:
    if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (one, other)):
        return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return bool(one == other)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
