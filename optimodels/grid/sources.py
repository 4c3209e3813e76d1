"""pandapower's own networks: by name, from files, from SimBench."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optimodels.errors import DataError, suggestion
from optimodels.grid.matpower import read_matpower

#: A network's name, a file, or ("simbench", code).
NetworkSource = str | Path | tuple[str, str]


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
            net = read_matpower(path)
        else:
            raise DataError(
                "network.file", f"{path.name!r} is neither pandapower .json nor MATPOWER .m, .mat"
            )
    except DataError:
        raise
    except Exception as error:  # readers raise whatever a broken file makes them trip over
        # What pandapower's own reader trips over says nothing to who wrote the file.
        said = f": {_line(error)}" if kind != ".json" or isinstance(error, ValueError) else ""
        raise DataError(
            "network.file", f"{path.name!r} holds no network that can be read{said}"
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
