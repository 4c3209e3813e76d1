"""The models of the suite: one folder per family, found by name without importing the others."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from optimodels.errors import CallError, suggestion
from optimodels.model import Model, load_entry


@cache
def family_names() -> tuple[str, ...]:
    """Return the names of all families: the folders here and the entry points of others."""
    own = [entry.name for entry in pkgutil.iter_modules(__path__) if entry.ispkg]
    return tuple(sorted({*own, *_others()}))


@cache
def family(name: str) -> Mapping[str, Model]:
    """Return the models of one family by their full names."""
    if name in _others():
        models: Mapping[str, Model] = load_entry(_others()[name])
        return models
    found: Mapping[str, Model] = import_module(f"{__name__}.{name}").MODELS
    return found


@cache
def _others() -> Mapping[str, EntryPoint]:
    """Families of other packages; looking through all that is installed takes its time."""
    return {entry.name: entry for entry in entry_points(group="optimodels.families")}


def model_names() -> list[str]:
    """Return the full names of all models, "family/model"."""
    return [name for folder in family_names() for name in family(folder)]


def find_model(name: str) -> Model:
    """Return the model of a full name; raises CallError with a suggestion where there is none."""
    folder = name.partition("/")[0]
    if folder in family_names() and name in family(folder):
        return family(folder)[name]
    own = [known for known in model_names() if known.startswith(f"{name}/")]
    hint = f"; of this family: {', '.join(own)}" if own else suggestion(name, model_names())
    raise CallError(f"no model {name!r}{hint}")
