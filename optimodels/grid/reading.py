"""Reading networks: by pandapower's name, from a file, or from SimBench; cached once read."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import warnings
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from optimodels.errors import DataError, UnavailableError, suggestion
from optimodels.grid import cache
from optimodels.grid.network import Network

#: A network's name, a file, or ("simbench", code).
NetworkSource = str | Path | tuple[str, str]

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


def open_net(source: NetworkSource) -> Any:
    """Return pandapower's own network of a source; raises as ``read_network``."""
    with quiet():
        if isinstance(source, Path):
            return _from_file(source)
        if isinstance(source, tuple):
            return _from_simbench(source[1])
        return _by_name(source)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep pandapower's remarks (a missing numba, deprecations) out of the user's tables."""
    previous = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(previous)


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


def _by_name(name: str) -> Any:
    import inspect

    import pandapower
    import pandapower.networks as networks

    def needs_nothing(function: Any) -> bool:
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            return False
        return all(p.default is not p.empty or p.kind in (2, 4) for p in parameters)

    known = {
        key: function
        for key, function in vars(networks).items()
        if inspect.isfunction(function)
        and not key.startswith("_")
        and function.__module__.startswith("pandapower.networks")
        and needs_nothing(function)
    }
    if name not in known:
        hint = suggestion(name, known) or "; see pandapower.networks, or use {file: ...}"
        raise DataError("network", f"pandapower has no network {name!r}{hint}")
    try:
        net = known[name]()
    except Exception as error:  # what its constructors raise is not ours to list
        raise DataError("network", f"pandapower cannot make {name!r}: {_line(error)}") from error
    if not isinstance(net, pandapower.pandapowerNet):
        raise DataError("network", f"pandapower's {name!r} makes no single network")
    return net


def _from_file(path: Path) -> Any:
    import pandapower

    kind = path.suffix.lower()
    try:
        if kind == ".json":
            net = pandapower.from_json(str(path))
        elif kind in (".m", ".mat"):
            from pandapower.converter.matpower.from_mpc import from_mpc

            net = from_mpc(str(path))
        else:
            raise DataError(
                "network.file", f"{path.name!r} is neither pandapower .json nor MATPOWER .m, .mat"
            )
    except DataError:
        raise
    except Exception as error:  # readers raise whatever a broken file makes them trip over
        raise DataError(
            "network.file", f"{path.name!r} holds no network that can be read: {_line(error)}"
        ) from error
    if not isinstance(net, pandapower.pandapowerNet):
        raise DataError("network.file", f"{path.name!r} holds no pandapower network")
    return net


def _from_simbench(code: str) -> Any:
    import simbench

    known = simbench.collect_all_simbench_codes()
    if code not in known:
        hint = suggestion(code, known) or "; such as 1-LV-rural1--0-no_sw"
        raise DataError("network.simbench", f"SimBench has no grid {code!r}{hint}")
    return simbench.get_simbench_net(code)


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:160]
