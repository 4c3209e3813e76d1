"""What was read once is kept on disk, so that the next read imports no pandapower."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from optimodels.errors import RunError
from optimodels.files import write_whole
from optimodels.grid.network import Network

#: To be raised when the fields of ``Network``, their meaning or the reading of files change.
_FORMAT = 5


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
    except Exception:  # whatever a damaged file makes NumPy, zipfile and zlib trip over
        return None


def store_arrays(key: str, arrays: Mapping[str, Any]) -> None:
    """Keep arrays; two processes may do so at once."""
    whole = io.BytesIO()
    np.savez_compressed(whole, **arrays)
    # RuntimeError: there is no home folder.
    with suppress(OSError, RuntimeError, RunError):
        target = _file(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, whole.getvalue(), sync=False)


def _file(key: str) -> Path:
    name = hashlib.sha256(f"{_FORMAT} {key}".encode()).hexdigest()[:32]
    return folder() / f"{name}.npz"
