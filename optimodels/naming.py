"""What the entries of variables and rows are called, for people and for files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

if TYPE_CHECKING:
    from optimodels.form import Block, Form

#: GLPK reads names of 255 characters in LP files and CBC of 159 in MPS files; a number that sets
#: two of one name apart comes behind.
_LONGEST = 128


@dataclass(frozen=True)
class Names:
    """Names of entries by what their dimensions are.

    ``axes`` names the dimensions of each variable and row, ``labels`` the entries of an axis in
    order; an axis without labels counts from 1.
    """

    axes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def column(self, form: Form, index: int) -> str:
        """Return the name of a column, as "magnetisation[bus 7, hour 13]"."""
        return self._entry(form.columns, index, "auxiliary")

    def row(self, form: Form, index: int) -> str:
        """Return the name of a row."""
        return self._entry(form.row_blocks, index, "row")

    def shape(self, block: Block) -> str:
        """Return what an array is of, as "bus (32) x hour (24)"."""
        axes = self._axes(block.name, len(block.shape))
        pairs = zip(block.shape, axes, strict=True)
        return " x ".join(f"{axis} ({size})".strip() for size, axis in pairs)

    def symbol(self, name: str, place: Sequence[int | str]) -> str:
        """Return a name that every file format takes, as "magnetisation_7_13"."""
        labels = (str(label) for _, label in self._labelled(name, place))
        # Letters without their accents, which stand behind them then.
        plain = re.sub(r"[\u0300-\u036f]", "", normalize("NFKD", "_".join([name, *labels])))
        return re.sub(r"[^A-Za-z0-9_.]", "_", plain)[:_LONGEST]

    def _entry(self, blocks: Sequence[Block], index: int, other: str) -> str:
        for block in blocks:
            if block.start <= index < block.stop:
                places = self._labelled(block.name, block.place(index))
                inside = ", ".join(f"{axis} {label}".strip() for axis, label in places)
                return f"{block.name}[{inside}]" if inside else block.name
        return f"{other}[{index + 1}]"

    def _labelled(self, name: str, place: Sequence[int | str]) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []
        for axis, k in zip(self._axes(name, len(place)), place, strict=True):
            labels = self.labels.get(axis, ())
            if isinstance(k, str):
                found.append((axis, k))
            else:
                found.append((axis, labels[k] if k < len(labels) else k + 1))
        return found

    def _axes(self, name: str, dimensions: int) -> tuple[str, ...]:
        axes = self.axes.get(name, ())
        return axes if len(axes) == dimensions else ("",) * dimensions
