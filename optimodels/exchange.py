"""A case's problems as MPS, LP or NL files, with names that a person recognises.

Pyomo's own writers write them; the names are those of the tables: the bus's number, the hour.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from optimodels.errors import CallError, DataError, OptimodelsError, RunError
from optimodels.files import file_stem, write_whole
from optimodels.model import Compute, Done, Formulation, Outcome, Solve
from optimodels.naming import Names
from optimodels.result import Solution
from optimodels.study import Ledger, answer_stage, case_request, open_study, run_stages

if TYPE_CHECKING:
    from optimodels.case import Case

Format = Literal["mps", "lp", "nl"]
FORMATS: tuple[Format, ...] = ("mps", "lp", "nl")
#: MPS and LP files have no place for what is neither linear nor quadratic.
_NOT_NONLINEAR = ("NLP", "NONCONVEX", "EXP", "SOCP")


class _ReachedError(Exception):
    """The stage that is written has been reached; nothing behind it needs to be solved."""


def export(case: Case, format: Format, folder: str | Path, stage: str | None = None) -> list[Path]:
    """Write the problems of one stage of a case, by default its main one, and return the files.

    Stages before it are solved first where it rests on them. An NL file stands beside a .row and
    a .col file with its names. Raises CallError where the stage is unknown or cannot be written.
    """
    try:
        return _export(case, format, Path(folder), stage)
    except DataError as error:
        raise case.located(error) from error


def _export(case: Case, format: Format, folder: Path, name: str | None) -> list[Path]:
    request, ledger = case_request(case), Ledger()
    program, data = open_study(case, request, ledger)
    known = [stage.name for stage in program.stages if isinstance(stage, Solve)]
    if not known:
        raise CallError(f"{case.model.name} computes; it states no problem that could be written")
    wanted = name or program.main
    if name is None and wanted not in known:
        raise CallError(
            f"{case.model.name} computes its answer from problems that it solves before; name one "
            f"with --stage: {', '.join(known)}"
        )
    if wanted not in known:
        raise CallError(f"{case.model.name} has no stage {wanted!r}, only {', '.join(known)}")
    labels = program.labels(data) if program.labels is not None else {}
    written: list[Path] = []

    def answer(stage: Solve, instances: Mapping[Any, Any]) -> dict[Any, Solution]:
        if stage.name == wanted:
            names = Names(stage.formulation.axes, labels)
            for key, instance in instances.items():
                base = folder / _file_name(case.name, stage.name, key)
                texts = model_texts(stage.formulation, instance, format, names)
                written.extend(write_whole(base.with_name(base.name + end), text.encode())
                               for end, text in texts.items())  # fmt: skip
            raise _ReachedError
        return answer_stage(stage, instances, case, request, ledger)

    def compute(stage: Compute, done: Done) -> Outcome | None:
        return stage.run(data, done)

    try:
        _, failed = run_stages(program, data, answer, compute)
    except _ReachedError:
        return written
    before = failed.name if failed is not None else wanted
    raise RunError(f"{case.name}: stage {before!r} has no answer, and {wanted!r} rests on it")


def model_texts(
    formulation: Formulation[Any], data: Any, format: Format, names: Names
) -> dict[str, str]:
    """Return the files of one problem by their endings: ".mps", ".lp" or ".nl", ".row", ".col"."""
    if formulation.pyomo is None:
        raise CallError(f"{formulation.name} is not written in pyomo, whose writers are used")
    if format != "nl" and formulation.problem_class in _NOT_NONLINEAR:
        raise CallError(
            f"{formulation.name} is of class {formulation.problem_class}, for which {format} has "
            "no place; use nl"
        )
    model = formulation.pyomo(data)
    label = _labeller(names)
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        return _WRITERS[format](model, label)
    except OptimodelsError:
        raise
    except (ValueError, RuntimeError) as error:
        raise RunError(f"{formulation.name}: {' '.join(str(error).split())}") from error
    finally:
        logging.disable(previous)


def _labeller(names: Names) -> Callable[[Any], str]:
    """Return a function from Pyomo's components to names, different for different components."""
    known: dict[int, str] = {}
    taken: set[str] = set()

    def label(component: Any) -> str:
        found = known.get(id(component))
        if found is None:
            index = component.index()
            place = index if isinstance(index, tuple) else () if index is None else (index,)
            symbol = names.symbol(component.parent_component().local_name, place)
            # Two blocks may hold variables of one name.
            others = (f"{symbol}_{number}" for number in count(len(taken)))
            found = next(name for name in chain([symbol], others) if name not in taken)
            taken.add(found)
            known[id(component)] = found
        return found

    return label


def _lp(model: Any, label: Callable[[Any], str]) -> dict[str, str]:
    from pyomo.repn.plugins.lp_writer import LPWriter

    stream = io.StringIO()
    LPWriter().write(model, stream, labeler=label)
    # SCIP does not read a space behind the sign of a power.
    return {".lp": stream.getvalue().replace(" ^ 2", " ^2")}


def _mps(model: Any, label: Callable[[Any], str]) -> dict[str, str]:
    """Write a problem as one to be minimised, which is all that every reader takes it for.

    GLPK does not read the section that says otherwise, and CBC reads it and minimises: a
    maximised objective goes out with the other sign, as "minus_" and its name.
    """
    import tempfile

    import pyomo.environ as pyo
    from pyomo.repn.plugins.mps import ProblemWriter_mps

    turned = [
        objective
        for objective in model.component_data_objects(pyo.Objective, active=True)
        if objective.sense == pyo.maximize
    ]
    for objective in turned:
        objective.set_value(-objective.expr)
        objective.set_sense(pyo.minimize)

    def named(component: Any) -> str:
        return ("minus_" if any(component is one for one in turned) else "") + label(component)

    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "model.mps")
        ProblemWriter_mps()(model, file, lambda _: True, {"labeler": named})
        return {".mps": Path(file).read_text().replace("OBJSENSE\n MIN\n", "")}


def _nl(model: Any, label: Callable[[Any], str]) -> dict[str, str]:
    from pyomo.repn.plugins.nl_writer import NLWriter

    stream = io.StringIO()
    info = NLWriter().write(model, stream, linear_presolve=False)
    rows = [label(component) for component in (*info.constraints, *info.objectives)]
    columns = [label(component) for component in info.variables]
    return {
        ".nl": stream.getvalue(),
        ".row": "".join(f"{name}\n" for name in rows),
        ".col": "".join(f"{name}\n" for name in columns),
    }


_WRITERS: dict[Format, Callable[[Any, Callable[[Any], str]], dict[str, str]]] = {
    "lp": _lp,
    "mps": _mps,
    "nl": _nl,
}


def _file_name(case: str, stage: str, key: Any) -> str:
    parts = [case, stage, *map(str, key if isinstance(key, tuple) else (key,))]
    return file_stem("-".join(filter(None, parts)))
