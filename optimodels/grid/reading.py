"""Reading networks: by pandapower's name, from a file, or from SimBench; cached once read."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from optimodels.errors import DataError, UnavailableError
from optimodels.grid import cache
from optimodels.grid.network import Network
from optimodels.grid.sources import NetworkSource, open_net

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
    network = cache.load(key)
    if network is None:
        from optimodels.grid.conversion import convert

        network = convert(open_net(source), _name(source), label)
        cache.store(key, network)
    _SOURCES[network.fingerprint] = source
    return network


def source_of(network: Network) -> NetworkSource | None:
    """Return where a network was read from in this process."""
    return _SOURCES.get(network.fingerprint)


def identity(source: NetworkSource) -> tuple[str, str]:
    """Return the cache's key and a label: the source, its content, and who reads it."""
    reader = f"pandapower {version('pandapower')}"
    if isinstance(source, Path):
        try:
            content = hashlib.sha256(source.read_bytes()).hexdigest()
        except OSError as error:
            reason = error.strerror or str(error)
            raise DataError("network.file", f"cannot read {source.name!r}: {reason}") from error
        return f"file {content} {source.suffix} {reader}", f"{source.name}, {reader}"
    if isinstance(source, tuple):
        try:
            data = f"simbench {version('simbench')}"
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
