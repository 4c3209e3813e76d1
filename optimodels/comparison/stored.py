"""The stored runs of a sweep as tables see them: by short keys, each with its values and end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optimodels.runs.store import Index

SEED = "seed"
#: Characters of a key's value that stand in a table.
_LABEL = 18


@dataclass(frozen=True)
class StoredRun:
    keys: Mapping[str, Any]
    summary: Mapping[str, Any] | None

    def value(self, name: str) -> Any:
        if self.summary is None or self.summary["error"]:
            return None
        if name in ("objective", "bound", "gap", "stopped"):
            return self.summary[name]
        if name.startswith("seconds."):
            return self.summary["seconds"].get(name.removeprefix("seconds."))
        if name == "seconds":
            return sum(self.summary["seconds"].values())
        return self.summary["values"].get(name)

    @property
    def state(self) -> str:
        if self.summary is None:
            return "not run"
        return "error" if self.summary["error"] else str(self.summary["stopped"])

    @property
    def reason(self) -> str:
        """Why it has no answer, where it broke."""
        if self.summary is None or self.state != "error":
            return ""
        return str(self.summary["error"] or self.summary["message"])

    @property
    def verdict(self) -> str:
        answered = self.summary is not None and not self.summary["error"]
        return self.summary["verdict"]["status"] if answered and self.summary else ""


def stored_runs(index: Index, summaries: Mapping[str, Mapping[str, Any]]) -> Iterator[StoredRun]:
    names = [column.removeprefix("parameters.") for column in index.columns]
    columns = [
        _short(_shown_all(name, column))
        for name, column in zip(names, zip(*index.values, strict=True), strict=True)
    ]
    for number, key in enumerate(index.keys):
        shown = [column[number] for column in columns]
        yield StoredRun(dict(zip(names, shown, strict=True)), summaries.get(key))


def _shown_all(name: str, column: Sequence[Any]) -> list[Any]:
    """The values of a key; models of one family without its name."""
    families = {str(value).partition("/")[0] for value in column}
    if name == "model" and len(families) == 1:
        return [str(value).partition("/")[2] for value in column]
    return [_shown(value) for value in column]


def _short(column: Sequence[Any]) -> Sequence[Any]:
    """Cut long texts of a column where what is left still tells them apart."""
    cut = {v: f"{v[: _LABEL - 3]}..." if isinstance(v, str) and len(v) > _LABEL else v
           for v in column}  # fmt: skip
    return [cut[v] for v in column] if len(set(cut.values())) == len(cut) else column


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return " ".join(f"{key}={inner}" for key, inner in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else value
