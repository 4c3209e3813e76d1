"""A case: read from YAML, checked against the schema and its model, every mistake at its place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from optimodels.case.expansion import SEED
from optimodels.case.findings import finding_at, findings_of
from optimodels.case.schema import (
    UNITS,
    CaseFile,
    CsvProfile,
    NetworkFile,
    Paper,
    SimbenchNetwork,
    SolverChoice,
    Unit,
)
from optimodels.case.settings import apply_settings, apply_values, no_place, put_values
from optimodels.case.source import Source, parse_source, read_source
from optimodels.errors import CallError, CaseError, DataError, Finding, suggestion
from optimodels.families import find_model
from optimodels.model import Model
from optimodels.parameters import files_in

__all__ = ["Case", "load_case", "parse_case"]


@dataclass(frozen=True)
class Case:
    """One case study, complete and valid in itself; its data are not read yet."""

    file: CaseFile
    model: Model
    parameters: Any
    source: Source
    folder: Path
    outside: bool = False

    @property
    def name(self) -> str:
        return self.file.name or Path(self.source.file).stem

    @property
    def paper(self) -> Paper | None:
        return self.file.paper

    @cached_property
    def network(self) -> str | Path | tuple[str, str] | None:
        """What ``grid.read_network`` takes: a name, a path or ("simbench", code)."""
        chosen = self.file.network
        if isinstance(chosen, NetworkFile):
            return self.path(chosen.file, "network.file")
        if isinstance(chosen, SimbenchNetwork):
            return ("simbench", chosen.simbench)
        return chosen or self.model.network

    def changed(self, settings: Sequence[str]) -> Case:
        """Return the case with further settings, checked anew."""
        return _check(self.source, self.folder, settings, self.outside)

    def with_values(self, values: Mapping[str, Any]) -> Case:
        """Return the case with plain values at dotted keys, checked anew."""
        return _check(apply_values(self.source, values), self.folder, (), self.outside)

    def alone(self) -> Case:
        """Return the case without its sweep: what a single run needs, however long the sweep."""
        if self.file.sweep is None:
            return self
        value = {key: inner for key, inner in self.source.value.items() if key != "sweep"}
        places = {k: at for k, at in self.source.places.items() if k[:1] != ("sweep",)}
        file = self.file.model_copy(update={"sweep": None})
        # The file's own words stay behind with it: they may be as long as the sweep.
        source = Source(self.source.file, value, places, self.source.set_keys)
        return replace(self, file=file, source=source)

    def resolved(self) -> dict[str, Any]:
        """Return what the case says in full, defaults included, as plain values."""
        kept = self.file.model_dump(mode="json", include={"profiles", "verify", "paper"})
        network = self.file.model_dump(mode="json", include={"network"})["network"]
        return {
            "name": self.name,
            "model": self.model.name,
            "network": network or self.model.network,
            **kept,
            "parameters": self.parameters.model_dump(mode="json"),
            "solver": choice(self).model_dump(mode="json"),
        }

    def resolved_with(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a run of the case's sweep says in full."""
        return put_values(self.resolved(), self.source.value, values)

    def asked(self) -> dict[str, Any]:
        """Return what was asked, to be kept beside the answer: enough to ask it again.

        ``text`` of ``file`` and the ``settings`` over it are what the user said, ``keys`` what
        that comes to with every default.
        """
        keys = self.resolved()
        del keys["paper"]
        return {
            "file": self.source.file,
            "text": self.source.text,
            "settings": [*self.source.settings],
            "outside": self.outside,
            "keys": keys,
        }

    def path(self, text: str, key: str) -> Path:
        """Resolve a path of the case against its folder; refuse those that lead outside."""
        try:
            path = (self.folder / text).resolve()
            inside = path.is_relative_to(self.folder.resolve())
            there = path.is_file()
        except (OSError, RuntimeError) as error:
            # A name that is too long, a folder that is closed; RuntimeError: links in a ring.
            reason = getattr(error, "strerror", None) or "its links lead in a ring"
            raise DataError(key, f"cannot read {text!r}: {reason}") from error
        if not self.outside and not inside:
            raise DataError(
                key,
                f"{text!r} leads out of the case's folder; move the file there or allow it "
                "with --allow-outside",
            )
        if not there:
            raise DataError(key, f"no file {text!r} beside the case")
        return path

    def located(self, error: DataError) -> CaseError:
        """Turn an error of the data into one at its place in the file."""
        place = [part for part in error.key.split(".") if part]
        return CaseError([finding_at(self.source, place, error.message)])

    def fingerprint(self) -> str:
        """Return a hash of the resolved case and of the files that it reads."""
        digest = hashlib.sha256()
        resolved = {
            "model": self.model.name,
            "network": str(self.file.network or self.model.network),
            "profiles": self.file.model_dump(mode="json")["profiles"],
            "parameters": self.parameters.model_dump(mode="json"),
        }
        digest.update(json.dumps(resolved, sort_keys=True).encode())
        for key, text in self._files():
            digest.update(hashlib.sha256(self.path(text, key).read_bytes()).digest())
        return digest.hexdigest()[:16]

    @property
    def files(self) -> list[Path]:
        """The case's own file, and all that it names."""
        named = [text for _, text in self._files()]
        if self.paper is not None and self.paper.table is not None:
            named.append(self.paper.table.csv)
        return [Path(self.source.file), *(self.folder / text for text in named)]

    def _files(self) -> Iterator[tuple[str, str]]:
        """Yield key and path of every file that the data are read from."""
        if isinstance(self.file.network, NetworkFile):
            yield "network.file", self.file.network.file
        for name, profile in sorted(self.file.profiles.items()):
            if isinstance(profile, CsvProfile):
                yield f"profiles.{name}.csv", profile.csv
        yield from files_in(self.parameters.model_dump(mode="json"))


def load_case(path: str | Path, settings: Sequence[str] = (), *, outside: bool = False) -> Case:
    """Read and check a case file; ``settings`` are "key=value" changes, as with ``--set``.

    Raises CaseError with every mistake that was found, each at its file, line and column.
    ``outside`` allows paths that lead out of the case's folder.
    """
    source = read_source(Path(path))
    return _check(source, Path(path).parent, settings, outside)


def parse_case(text: str, file: str = "case.yaml", folder: str | Path = ".") -> Case:
    """Check a case given as text; paths in it are relative to ``folder``."""
    return _check(parse_source(text, file), Path(folder), (), False)


def _check(source: Source, folder: Path, settings: Sequence[str], outside: bool) -> Case:
    source = apply_settings(source, settings)
    findings: list[Finding] = []
    parsed: CaseFile | None = None
    try:
        parsed = CaseFile.model_validate(source.value)
    except ValidationError as error:
        findings += findings_of(source, error, CaseFile, ())
    model = None
    named = source.value.get("model")
    if isinstance(named, str) and named:
        try:
            model = find_model(named)
        except CallError as error:
            findings.append(finding_at(source, ("model",), str(error)))
    parameters = None
    if model is not None:
        given = source.value.get("parameters", {})
        if isinstance(given, dict):
            parameters, more = _check_parameters(source, model, given)
            findings += more
        findings += _check_profiles(source, model)
    findings += _check_solver(source)
    if findings or parsed is None or model is None or parameters is None:
        raise CaseError(findings)
    case = Case(parsed, model, parameters, source, folder, outside)
    findings += _check_paths(case)
    findings += _check_sweep(case)
    if findings:
        raise CaseError(findings)
    return case


def _check_parameters(
    source: Source, model: Model, given: Mapping[str, Any]
) -> tuple[Any, list[Finding]]:
    kind = model.parameters_class()
    try:
        return kind.model_validate(given), []
    except ValidationError as error:
        return None, findings_of(source, error, kind, ("parameters",))


def _check_profiles(source: Source, model: Model) -> list[Finding]:
    given = source.value.get("profiles")
    found = []
    if isinstance(given, dict):
        for name in given:
            if name not in model.profiles:
                known = ", ".join(model.profiles) or "none"
                hint = suggestion(str(name), model.profiles) or f"; {model.name} reads {known}"
                found.append(finding_at(source, ("profiles", name), f"no such profile{hint}"))
                continue
            said = given[name] if isinstance(given[name], dict) else {}
            unit = said.get("unit")
            usual = model.profiles[name].unit
            fitting = UNITS.get(usual, (usual,))
            if unit is None and "csv" in said and len(fitting) > 1:
                # A column of kW that is read as percent is a hundred times a network's load.
                ways = " or ".join(f"unit: {one}" for one in fitting)
                found.append(finding_at(source, ("profiles", name), f"a column needs {ways}"))
            if unit in get_args(Unit) and unit not in fitting:
                wrong = f"must be {' or '.join(map(repr, fitting))}, not {unit!r}"
                found.append(finding_at(source, ("profiles", name, "unit"), wrong))
    return found


def _check_solver(source: Source) -> list[Finding]:
    """Names of solvers are checked with the file; whether one is able, when the case is run."""
    from optimodels.solvers.registry import solver_names

    given = source.value.get("solver")
    name = given.get("name") if isinstance(given, dict) else given
    if not isinstance(name, str) or not name:
        return []
    language, _, bare = name.rpartition(":")
    place = ("solver", "name") if isinstance(given, dict) else ("solver",)
    if language not in ("", "pyomo", "cvxpy"):
        return [finding_at(source, place, f"no modelling language {language!r}; pyomo or cvxpy")]
    via = given.get("via") if isinstance(given, dict) else None
    if name.startswith(":"):
        return [finding_at(source, place, f"{name!r} names no modelling language")]
    if language and via not in (None, language):
        return [finding_at(source, place, f"{name!r} contradicts via: {via}; leave out one")]
    names = solver_names()
    if bare in names:
        return []
    hint = suggestion(bare, names) or f"; there are {', '.join(names)}"
    return [finding_at(source, place, f"no solver {bare!r}{hint}")]


def _check_paths(case: Case) -> list[Finding]:
    """Files that a case names must be there and inside its folder."""
    found: list[Finding] = []
    named = [*case._files()]
    if case.paper is not None and case.paper.table is not None:
        named.append(("paper.table.csv", case.paper.table.csv))
    for key, text in named:
        try:
            case.path(text, key)
        except DataError as error:
            found += case.located(error).findings
    return found


def _check_sweep(case: Case) -> list[Finding]:
    """Every key of a sweep must be one that a case can have, and be set in one place."""
    sweep = case.file.sweep
    if sweep is None:
        return []
    found = []
    inner = set(type(case.parameters).model_fields)
    known = set(CaseFile.model_fields) - {"sweep", "paper"}
    if sweep.replicas is not None and "seed" not in inner:
        message = f"{case.model.name} has no parameters.seed: nothing is drawn at random"
        found.append(finding_at(case.source, ("sweep", "replicas"), message))
    places: list[tuple[tuple[str | int, ...], str]] = []
    for part, given in (("grid", sweep.grid), ("zip", sweep.zip)):
        places += [(("sweep", part, key), key) for key in given or ()]
    for number, run in enumerate(sweep.points or ()):
        places += [(("sweep", "list", number, key), key) for key in run]
    seen: dict[str, str] = {SEED: "replicas"} if sweep.replicas is not None else {}
    for place, key in places:
        part = str(place[1])
        first = key not in seen
        if seen.setdefault(key, part) != part:
            found.append(finding_at(case.source, place, f"is set by {seen[key]} already"))
        head, _, rest = key.partition(".")
        if head not in known:
            wrong = f"no such key{suggestion(head, known)}"
        elif head == "parameters" and rest.partition(".")[0] not in inner:
            wrong = f"no such key{suggestion(rest, inner)}"
        else:
            wrong = no_place(case.source, key) if first else ""
        if wrong:
            found.append(finding_at(case.source, place, wrong))
    return found


def choice(case: Case) -> SolverChoice:
    """Return the case's solver in its long form."""
    given = case.file.solver or case.model.solver
    chosen = SolverChoice(name=given) if isinstance(given, str) else given
    if not chosen.name:
        # The model's own, in the language that is asked for.
        own = case.model.solver
        name = own.rpartition(":")[2] if chosen.via else own
        chosen = chosen.model_copy(update={"name": name})
    language, _, bare = chosen.name.rpartition(":")
    update: dict[str, Any] = {"name": bare}
    if language:
        update["via"] = language
    return chosen.model_copy(update=update)
