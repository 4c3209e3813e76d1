"""What was read once is kept on disk, so that the next read imports no pandapower."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from optimodels.grid.network import Network

#: To be raised when the fields of ``Network``, their meaning or the reading of files change.
_FORMAT = 2


def folder() -> Path:
    """Return the cache's folder: OPTIMODELS_CACHE, else optimodels in the user's cache."""
    own = os.environ.get("OPTIMODELS_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "optimodels"


def load(key: str) -> Network | None:
    """Return a network from the cache, None where it is not there, damaged or of an old format."""
    values = load_arrays(key)
    if values is None or any(f.name not in values for f in fields(Network)):
        return None
    plain = {name: value.item() if value.ndim == 0 else value for name, value in values.items()}
    return Network(**plain)


def store(key: str, network: Network) -> None:
    """Keep a network; where the folder cannot be written it is simply not kept."""
    store_arrays(key, {f.name: getattr(network, f.name) for f in fields(network)})


def load_arrays(key: str) -> dict[str, Any] | None:
    """Return arrays by name from the cache, or None."""
    try:
        with np.load(_file(key), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def store_arrays(key: str, arrays: Mapping[str, Any]) -> None:
    """Keep arrays: written aside and renamed, so that two processes may do so at once."""
    aside = None
    try:
        target = _file(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=target.parent, prefix=".aside-")
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, **arrays)
        os.replace(aside, target)
    except OSError:
        if aside is not None:
            Path(aside).unlink(missing_ok=True)


def _file(key: str) -> Path:
    name = hashlib.sha256(f"{_FORMAT} {key}".encode()).hexdigest()[:32]
    return folder() / f"{name}.npz"
