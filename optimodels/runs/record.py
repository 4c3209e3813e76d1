"""What is stored of one run: a zip file of JSON and arrays that any tool can open."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from optimodels.result import Result, plain_json

#: To be raised when the meaning of what is stored changes.
FORMAT = 2
# Equal runs are equal files: no clock goes into the zip.
_EPOCH = (1980, 1, 1, 0, 0, 0)

#: What reading a zip of JSON raises where it is not whole.
BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    # What zipfile raises where flipped bits ask for a method or a password that it has not.
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    OSError,
)


class DamagedError(Exception):
    """A file of the store cannot be read; its text says why."""


@dataclass(frozen=True)
class Record:
    """One run: the result as JSON, or ``error``, the reason why there is none.

    ``seconds`` stands apart, so that two runs of one key are the same to the byte but for it.
    ``arrays`` by stage and name are read only when they are asked for.
    """

    key: str
    case: str
    model: str
    result: Mapping[str, Any] | None = None
    error: str = ""
    exit_code: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    arrays: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, key: str, result: Result) -> Record:
        """Return the record of a run that has a result."""
        whole = result.as_json()
        seconds = whole.pop("seconds")
        # The sweep's index has it once for all runs.
        del whole["asked"]
        return cls(
            key,
            result.case,
            result.model,
            result=whole,
            exit_code=result.exit_code,
            seconds=seconds,
            arrays=result.arrays,
        )

    @property
    def summary(self) -> dict[str, Any]:
        """Return what tables are made of: no tables, no checks, no arrays."""
        kept: dict[str, Any] = {
            "key": self.key,
            "case": self.case,
            "model": self.model,
            "error": self.error,
            "exit_code": self.exit_code,
            "seconds": dict(self.seconds),
        }
        if self.result is not None:
            names = ("solver", "stopped", "point", "objective", "objective_unit", "bound", "gap",
                     "message", "values", "paper")  # fmt: skip
            kept |= {name: self.result[name] for name in names}
            verdict = self.result["verdict"]
            kept["verdict"] = {name: verdict[name] for name in ("status", "by", "of", "reason")}
        return kept


def pack(record: Record) -> bytes:
    """Return the file of a record."""
    head = {
        "format": FORMAT,
        "key": record.key,
        "case": record.case,
        "model": record.model,
        "error": record.error,
        "exit_code": record.exit_code,
        "result": record.result,
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        add_entry(archive, "record.json", json_bytes(head))
        for stage, arrays in sorted(record.arrays.items()):
            for name, array in sorted(arrays.items()):
                ending, content = _content(array)
                add_entry(archive, f"arrays/{stage}/{name}{ending}", content)
        add_entry(archive, "seconds.json", json_bytes(record.seconds))
        add_entry(archive, "digest", _digest(archive))
    return stream.getvalue()


def packed(record: Record) -> tuple[bytes, str]:
    """Return the file of a record, and beside it its summary as JSON, as reading it would give."""
    return pack(record), json.dumps(record.summary)


def unpack(data: bytes) -> Record:
    """Return the record of a file; raises DamagedError where it is not whole."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            broken = archive.testzip()
            if broken is not None:
                raise DamagedError(f"{broken} is damaged")
            if archive.read("digest") != _digest(archive):
                raise DamagedError("its figures are not those that were verified")
            head = json.loads(archive.read("record.json"))
            seconds = json.loads(archive.read("seconds.json"))
            arrays: dict[str, dict[str, Any]] = {}
            for name in archive.namelist():
                if name.startswith("arrays/"):
                    _, stage, entry = name.split("/", 2)
                    base, _, ending = entry.rpartition(".")
                    content = archive.read(name)
                    loaded = (
                        json.loads(content)
                        if ending == "json"
                        else np.load(io.BytesIO(content), allow_pickle=False)
                    )
                    arrays.setdefault(stage, {})[base] = loaded
        if head.pop("format") != FORMAT:
            raise DamagedError("is of another format")
        return Record(**head, seconds=seconds, arrays=arrays)
    except BROKEN_ZIP as error:
        raise DamagedError(" ".join(str(error).split()) or type(error).__name__) from error


def _digest(archive: zipfile.ZipFile) -> bytes:
    """A verdict belongs to these figures alone: their checksums, seconds apart."""
    told = [f"{part.filename} {part.CRC:08x}" for part in archive.infolist()
            if part.filename not in ("seconds.json", "digest")]  # fmt: skip
    return hashlib.sha256("\n".join(told).encode()).hexdigest().encode()


def add_entry(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Put an entry without a clock into a zip."""
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content, compresslevel=1)


def json_bytes(value: Any) -> bytes:
    """Return strict JSON without spaces."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


def _content(value: Any) -> tuple[str, bytes]:
    """Numbers are kept as arrays; rows of a table, which a picture may want, as JSON."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        stream = io.BytesIO()
        np.save(stream, value, allow_pickle=False)
        return ".npy", stream.getvalue()
    return ".json", json_bytes(plain_json(value))
