"""Stored runs side by side: wide tables by key, statistics over the rest, paper beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from optimodels.comparison.paper import paper_tables
from optimodels.comparison.side_by_side import side_by_side
from optimodels.comparison.stored import stored_runs
from optimodels.comparison.table import STATISTICS, Choice, Table
from optimodels.errors import CallError, suggestion
from optimodels.runs import headline
from optimodels.runs.store import Index, Store

__all__ = ["Choice", "Table", "compare", "tables_of"]


def compare(
    folders: str | Path | Sequence[str | Path], choice: Choice | None = None
) -> list[Table]:
    """Return the tables of every sweep in the stores, in a stable order.

    Cells carry the mark of the weakest verdict among their runs (✓ verified, ? unverified,
    ✗ refuted), or why there is no value. Raises CallError where a folder is no store, or a key, a
    value or a statistic is not there.
    """
    chosen = choice or Choice()
    if chosen.statistic not in STATISTICS:
        hint = suggestion(chosen.statistic, STATISTICS) or f"; there are {', '.join(STATISTICS)}"
        raise CallError(f"no statistic {chosen.statistic!r}{hint}")
    tables: list[Table] = []
    for folder in [folders] if isinstance(folders, (str, Path)) else folders:
        store = Store(Path(folder), create=False)
        own = [
            table
            for index in store.indexes()
            for table in tables_of(index, store.summaries(index.keys), chosen)
        ]
        if not own:
            raise CallError("; ".join([f"{str(folder)!r} holds no sweep", *store.damaged]))
        # A run whose file was set aside stands there as not run.
        last = replace(own[-1], note="; ".join([own[-1].note, *store.damaged]))
        tables += [*own[:-1], last]
    return tables


def tables_of(
    index: Index, summaries: Mapping[str, Mapping[str, Any]], choice: Choice
) -> list[Table]:
    """Return the tables of one sweep: side by side and, where there is one, beside the paper."""
    runs = list(stored_runs(index, summaries))
    if not choice.value:
        choice = replace(choice, value=headline(index, summaries.values()))
    return [side_by_side(index, runs, choice), *paper_tables(index, runs)]
