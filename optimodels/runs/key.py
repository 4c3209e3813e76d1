"""The content key of a run: what was asked, of which files, by which code; nothing is built."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from optimodels import __version__
from optimodels.case import Case
from optimodels.case.settings import put_values
from optimodels.parameters import files_in
from optimodels.solvers.registry import all_solvers

#: What of this package shows results and computes none: changing it costs nobody a sweep.
SHOWS = ("benchmarking", "cli", "comparison", "draw", "explanation", "reporting")


class Keys:
    """The keys of the runs of one case; files, versions and code are looked at once."""

    def __init__(self, case: Case) -> None:
        # The family of another package is that package's code.
        packages = {"optimodels", case.model.program.partition(".")[0]}
        self._code = {"version": __version__, **{name: source(name) for name in packages}}
        # Made plain once, not for every run; the sweep itself may be long.
        self._tree = _plain(case.resolved())
        said = {name: value for name, value in case.source.value.items() if name != "sweep"}
        self._source = _plain(said)
        self._folder = case.folder
        self._digests: dict[str, str] = {}
        self._stamps: dict[str, tuple[int, ...]] = {}

    def key(self, values: Mapping[str, Any]) -> str:
        """Return the key of the run that sets these values; equal runs have equal keys."""
        tree = put_values(self._tree, self._source, _plain(values))
        solver = tree["solver"]
        if isinstance(solver, str):
            solver = {"name": solver}
        # "pyomo:highs" is a short form of {name: highs, via: pyomo}.
        language, _, name = str(solver.get("name")).rpartition(":")
        # Not what is unset; a gap of 0 is another question than none.
        asked = {k: v for k, v in solver.items() if v is not None and v is not False and v != {}}
        asked["name"] = name
        if language:
            asked["via"] = language
        tree["solver"] = asked
        tree["files"] = [self._digest(path) for path in paths_in(tree)]
        tree["versions"] = {"code": self._code, "computes": _computes(), "solvers": _solvers()}
        text = json.dumps(tree, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def changed(self) -> str:
        """Return a file that is no longer the one whose digest is in the keys; "" if none is."""
        return next((path for path, was in self._stamps.items() if self._stamp(path) != was), "")

    def _digest(self, path: str) -> str:
        if path not in self._digests:
            self._stamps[path] = self._stamp(path)
            try:
                content = (self._folder / path).read_bytes()
            except OSError:
                # The run itself will say what is wrong with the file.
                content = b""
            self._digests[path] = hashlib.sha256(content).hexdigest()
        return self._digests[path]

    def _stamp(self, path: str) -> tuple[int, ...]:
        try:
            found = (self._folder / path).stat()
        except OSError:
            return ()
        return found.st_size, found.st_mtime_ns, found.st_ino


@cache
def _solvers() -> list[list[str]]:
    """Every solver that is here: whichever was named, another may be asked for a second opinion,
    or solve a stage of its own."""
    return [[s.name, s.via, s.version] for s in all_solvers() if s.installed]


@cache
def _computes() -> list[list[str]]:
    """What draws at random, computes, or brings the data of networks."""
    names = ("numpy", "scipy", "numba", "cvxpy", "pyomo", "pandapower", "simbench")
    return [["python", platform.python_version()], *([name, _version(name)] for name in names)]


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


@cache
def source(package: str) -> str:
    """Return a digest of a package's code, apart from what only shows results.

    A version's number stays while code is being written: without this, a formulation that was put
    right would be answered by the runs of the wrong one. It takes some milliseconds.
    """
    found = find_spec(package)
    digest = hashlib.sha256()
    for folder in (found.submodule_search_locations or ()) if found else ():
        for path in sorted(Path(folder).rglob("*.py")):
            parts = path.relative_to(folder).parts
            shows = package == "optimodels" and parts[0] in SHOWS
            if not shows and not parts[-1].endswith("pictures.py"):
                content = path.read_bytes()
                digest.update(f"{parts} {len(content)} ".encode() + content)
    return digest.hexdigest()


def paths_in(tree: Mapping[str, Any]) -> list[str]:
    """Return the paths of the files that a case, as plain values, names."""
    network = tree.get("network")
    named = [network["file"]] if isinstance(network, dict) and "file" in network else []
    paper = tree.get("paper")
    if isinstance(paper, dict) and paper.get("table"):
        named.append(paper["table"]["csv"])
    profiles = tree.get("profiles")
    for profile in profiles.values() if isinstance(profiles, dict) else ():
        if isinstance(profile, dict) and "csv" in profile:
            named.append(profile["csv"])
    named += [path for _, path in files_in(tree.get("parameters"))]
    return [str(Path(str(path))) for path in named]


def _plain(value: Any) -> Any:
    """1.0 and 1 are one number."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
