"""Reading networks: by pandapower's name, from a file, or from SimBench; cached once read."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from optimodels.errors import DataError, UnavailableError
from optimodels.grid import cache
from optimodels.grid.network import Network
from optimodels.grid.sources import NetworkSource, open_net

#: The networks read last in this process, which a sweep reads again and again.
_KEPT: dict[str, Network] = {}
_MOST_KEPT = 8

#: Where the networks read in this process came from: pandapower's own power flow needs its tables.
_SOURCES: dict[str, NetworkSource] = {}


def read_network(source: NetworkSource) -> Network:
    """Read a network; a second read comes from the cache and imports no pandapower.

    ``source`` is the name of a network of pandapower's that needs no arguments, the path of a
    pandapower JSON file or of a MATPOWER case (.m, .mat), or ("simbench", code). Raises
    DataError where there is no such network or the file holds none, UnavailableError where
    SimBench is asked for and not installed.
    """
    key, label = identity(source)
    network = _KEPT.pop(key, None) or cache.load(key)
    if network is None:
        from optimodels.grid.conversion import convert

        network = convert(open_net(source), _name(source), label)
        cache.store(key, network)
    _SOURCES[network.fingerprint] = source
    while len(_KEPT) >= _MOST_KEPT:
        del _KEPT[next(iter(_KEPT))]
    _KEPT[key] = network
    return network


def source_of(network: Network) -> NetworkSource | None:
    """Return where a network was read from in this process."""
    return _SOURCES.get(network.fingerprint)


@lru_cache
def _version(package: str) -> str:
    return version(package)


def identity(source: NetworkSource) -> tuple[str, str]:
    """Return the cache's key and a label: the source, its content, and who reads it."""
    reader = f"pandapower {_version('pandapower')}"
    if isinstance(source, Path):
        try:
            content = hashlib.sha256(source.read_bytes()).hexdigest()
        except OSError as error:
            reason = error.strerror or str(error)
            raise DataError("network.file", f"cannot read {source.name!r}: {reason}") from error
        return f"file {content} {source.suffix} {reader}", f"{source.name}, {reader}"
    if isinstance(source, tuple):
        try:
            data = f"simbench {_version('simbench')}"
        except PackageNotFoundError as error:
            raise UnavailableError(
                "network", "SimBench is not installed: pip install 'optimodels[simbench]'"
            ) from error
        return f"simbench {source[1]} {data} {reader}", f"{source[1]}, {data}, {reader}"
    return f"name {source} {reader}", f"{source}, {reader}"


def _name(source: NetworkSource) -> str:
    if isinstance(source, Path):
        return source.stem
    return source[1] if isinstance(source, tuple) else source
