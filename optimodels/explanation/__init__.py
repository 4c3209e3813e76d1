"""What a case states, with its own sizes; why it has no answer, or what its rows are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimodels.errors import DataError
from optimodels.model import Compute, Done, Formulation, Outcome, Solve
from optimodels.naming import Names
from optimodels.result import Row, Solution, plain_json
from optimodels.solvers import language_for, open_problem
from optimodels.study import (
    Ledger,
    answer_stage,
    case_request,
    open_study,
    run_stages,
    stage_request,
)

if TYPE_CHECKING:
    from optimodels.case import Case
    from optimodels.explanation.conflict import Conflict
    from optimodels.form import Form

#: Terms of a row that are written out.
_TERMS = 3
#: The one sign convention of every shadow price that is shown.
CONVENTION = (
    "A shadow price is the change of the objective, as it is stated here, per unit more on the "
    "right side of a row."
)


@dataclass(frozen=True)
class Explained:
    """One stage of a model: its problem in mathematics and numbers, and how it came out.

    ``variables``, ``rows``, ``conflict`` and ``prices`` are tables; ``number`` is how many
    problems of this kind the stage has, ``shown`` which of them this is.
    """

    stage: str
    formulation: str
    problem_class: str
    source: str
    equations: tuple[str, ...]
    number: int
    shown: str
    size: Mapping[str, int]
    variables: list[Row]
    rows: list[Row]
    stopped: str
    verdict: str
    objective: float | None
    sense: str
    unit: str
    reason: str = ""
    conflict: list[Row] | None = None
    notes: tuple[str, ...] = ()
    prices: list[Row] | None = None


@dataclass(frozen=True)
class Computed:
    """One stage that is no solve, by its equations."""

    stage: str
    equations: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """The stages of a case in the order in which the study runs them, up to one that is required
    and has no answer; ``convention`` says what a shadow price means."""

    case: str
    model: str
    title: str
    stages: tuple[Explained | Computed, ...]
    convention: str = CONVENTION

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        stages = [vars(stage) for stage in self.stages]
        plain: dict[str, Any] = plain_json({**vars(self), "stages": stages})
        return plain


def explain(case: Case) -> Explanation:
    """Solve the stages of a case and explain each: its mathematics with the case's sizes, the
    shadow prices where it has some, the conflict where it has no answer.

    Raises CaseError as ``solve`` does.
    """
    try:
        return _explain(case)
    except DataError as error:
        raise case.located(error) from error


def _explain(case: Case) -> Explanation:
    request, ledger = case_request(case), Ledger()
    program, data = open_study(case, request, ledger)
    labels = program.labels(data) if program.labels is not None else {}
    found: list[Explained | Computed] = []
    last = max((k for k, stage in enumerate(program.stages) if isinstance(stage, Solve)), default=0)
    needed = [stage for stage in program.stages[:last] if isinstance(stage, Compute)]

    def answer(stage: Solve, instances: Mapping[Any, Any]) -> dict[Any, Solution]:
        solutions = answer_stage(stage, instances, case, request, ledger)
        if solutions:
            # Of many the first without an answer tells most.
            key = next((k for k, s in solutions.items() if not s.has_point), next(iter(solutions)))
            # Of a sequence the last problem: whose answer stands beside it.
            instances = {**instances, key: solutions[key].instance}
            names = Names(stage.formulation.axes, labels)
            via = language_for(stage.formulation, stage_request(stage, request).via)
            form = open_problem(stage.formulation, instances[key], via).form
            unit = case.model.objective_unit
            found.append(_stage(stage, instances, key, form, solutions[key], names, unit))
        return solutions

    def compute(stage: Compute, done: Done) -> Outcome | None:
        found.append(Computed(stage.name, stage.equations))
        return stage.run(data, done) if stage in needed else None

    run_stages(program, data, answer, compute)
    return Explanation(case.name, case.model.name, case.model.title, tuple(found))


def _stage(
    stage: Solve,
    instances: Mapping[Any, Any],
    key: Any,
    form: Form,
    solution: Solution,
    names: Names,
    unit: str,
) -> Explained:
    formulation = stage.formulation
    reason = ""
    conflict: list[Row] | None = None
    notes: tuple[str, ...] = ()
    if solution.stopped == "infeasible" and solution.verdict.status != "refuted":
        reason, conflict, notes = _conflict(formulation, instances[key], form, names)
    return Explained(
        stage=stage.name,
        formulation=formulation.name,
        problem_class=formulation.problem_class,
        source=formulation.source,
        equations=formulation.equations,
        number=len(instances),
        shown=_told(key),
        size=form.size,
        variables=_variables(form, names),
        rows=_rows(form, names),
        stopped=solution.stopped,
        verdict=f"{solution.verdict.mark} {solution.verdict.text}",
        objective=solution.objective,
        sense=form.sense,
        unit=formulation.unit(instances[key]) if formulation.unit else unit,
        reason=reason or solution.message,
        conflict=conflict,
        notes=notes,
        prices=_prices(form, solution, names),
    )


def _told(key: Any) -> str:
    """Return the name of an instance, as "customers 4, magnetisation -1"."""
    if not isinstance(key, tuple):
        return str(key)
    names = getattr(key, "_fields", ("",) * len(key))
    return ", ".join(f"{name} {part}".strip() for name, part in zip(names, key, strict=True))


def _variables(form: Form, names: Names) -> list[Row]:
    rows = []
    for block in form.columns:
        place = slice(block.start, block.stop)
        low, high = form.lower[place], form.upper[place]
        binary = form.integer[place].all() and (low == 0).all() and (high == 1).all()
        kind = "binary" if binary else "whole" if form.integer[place].all() else "real"
        rows.append(
            {
                "variable": block.name,
                "of": names.shape(block),
                "number": block.size,
                "kind": kind,
                "from": _range(low),
                "to": _range(high),
            }
        )
    return rows


def _rows(form: Form, names: Names) -> list[Row]:
    rows = []
    for block in form.row_blocks:
        rows.append(
            {
                "rows": block.name,
                "of": names.shape(block),
                "number": block.size,
                "the first of them": row_text(form, block.start, names),
            }
        )
    for kind, parts in (("cone", form.cones), ("quadratic row", form.quadratic_rows)):
        for name in dict.fromkeys(part.name for part in parts):
            count = sum(part.name == name for part in parts)
            rows.append({"rows": name, "of": "", "number": count, "the first of them": kind})
    return rows


def row_text(form: Form, index: int, names: Names) -> str:
    """Return a row in mathematics, its first terms written out."""
    place = slice(*form.rows.indptr[index : index + 2])
    used = sorted(zip(form.rows.indices[place], form.rows.data[place], strict=True))
    terms: list[str] = []
    for column, factor in used[:_TERMS]:
        size = "" if abs(factor) == 1 else f"{abs(factor):.6g} "
        sign = ("-" if factor < 0 else "") if not terms else ("- " if factor < 0 else "+ ")
        terms.append(f"{sign}{size}{names.column(form, int(column))}")
    if len(used) > _TERMS:
        terms.append(f"+ ... ({len(used)} terms)")
    # Adding 0.0 makes -0.0 and 0.0 one number.
    low, high = float(form.row_lower[index]) + 0.0, float(form.row_upper[index]) + 0.0
    body = " ".join(terms) or "0"
    if low == high:
        return f"{body} = {low:.6g}"
    if np.isinf(low):
        return f"{body} <= {high:.6g}"
    if np.isinf(high):
        return f"{body} >= {low:.6g}"
    return f"{low:.6g} <= {body} <= {high:.6g}"


def _range(values: Any) -> float | str | None:
    """Return a common bound, or the least and the greatest, or None where there is none."""
    low, high = float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))
    if np.isinf(low) and np.isinf(high):
        return None
    return low if low == high else f"{low:.6g} ... {high:.6g}"


def _conflict(
    formulation: Formulation[Any], data: Any, form: Form, names: Names
) -> tuple[str, list[Row], tuple[str, ...]]:
    from optimodels.explanation.conflict import find_conflict

    reason = (formulation.conflict(data) if formulation.conflict is not None else None) or ""
    found = find_conflict(form)
    if found is None:
        return reason, [], ("No small set of rows is proved to be contradictory.",)
    return reason, _conflict_rows(form, found, names), _conflict_notes(form, found, names)


def _conflict_rows(form: Form, found: Conflict, names: Names) -> list[Row]:
    table: list[Row] = []
    for block in form.row_blocks:
        part = [k for k in found.rows if block.start <= k < block.stop]
        if part:
            table.append(
                {
                    "rows": block.name,
                    "needed": len(part),
                    "out of": block.size,
                    "the first of them": f"{names.row(form, part[0])}: "
                    + row_text(form, part[0], names),
                }
            )
    for kind, places, parts in (
        ("cone", found.cones, form.cones),
        ("quadratic row", found.quadratic_rows, form.quadratic_rows),
    ):
        for name in dict.fromkeys(parts[k].name for k in places):
            count = sum(parts[k].name == name for k in places)
            total = sum(part.name == name for part in parts)
            table.append(
                {"rows": name, "needed": count, "out of": total, "the first of them": kind}
            )
    return table


def _conflict_notes(form: Form, found: Conflict, names: Names) -> tuple[str, ...]:
    notes = []
    if found.irreducible:
        inside = " within the bounds of their variables" if found.bounds else ""
        whole = " in whole numbers" if found.whole else ""
        if found.size == 0:
            some = ", ".join(names.column(form, column) for column in found.bounds[:3])
            more = f" and {len(found.bounds) - 3} more" if len(found.bounds) > 3 else ""
            notes.append(f"No value{whole} lies within the bounds of {some}{more}.")
        elif found.size == 1:
            notes.append(f"This constraint alone cannot hold{whole}{inside}.")
        else:
            notes.append(
                f"These {found.size} constraints cannot all hold{whole}{inside}; without any one "
                "of them no contradiction is left."
            )
    if found.violation is not None and found.bent:
        worst = sorted(found.bent, key=lambda pair: -pair[1])[:3]
        where = ", ".join(f"{names.row(form, row)} by {amount:.6g}" for row, amount in worst)
        more = f" and {len(found.bent) - 3} more" if len(found.bent) > 3 else ""
        notes.append(f"At the least {found.violation:.6g} in all has to give: {where}{more}.")
    return tuple(notes)


def _prices(form: Form, solution: Solution, names: Names) -> list[Row] | None:
    """Return the shadow prices of a verified continuous optimum, by row, or None."""
    if form.integer.any() or solution.verdict.status != "verified" or not solution.duals:
        return None
    rows = []
    for block in form.row_blocks:
        values = np.asarray(solution.duals[block.name]).ravel()
        for k, value in enumerate(values):
            index = block.start + k
            rows.append({"row": names.row(form, index), "shadow_price": float(value)})
    return rows
