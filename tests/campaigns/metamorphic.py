"""What must not matter: order, units, names, the hour at which a day begins, the language.

Cases are the shipped ones with every number of their parameters and profiles drawn anew around
what it is. No stage's problem is named here: whatever a family states is taken.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from optimodels.case import Case, parse_case
from optimodels.errors import OptimodelsError
from optimodels.form import Form, stack_blocks
from optimodels.model import Done, Formulation, Solve
from optimodels.result import Solution
from optimodels.solvers import Request, able_solvers, open_problem
from optimodels.study import Ledger, case_request, open_study, run_stages
from optimodels.study.judgement import solve_and_judge
from tests.campaigns.ledger import Tally
from tests.campaigns.stated import stated

CASES = Path(__file__).parents[2] / "cases"

#: Relative to max(1, |optimum|): twice what two verified optima may each miss.
SAME = 4e-5
#: Columns above which a problem is left to other campaigns.
LARGEST = 2_000

#: Cases whose stages are solved in a second or two, and what is set in them so that a family states
#: another of its problems: together they state every problem of which there are two transcriptions.
QUICK: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("flexibility/shiftable-33bus", {}),
    ("flexibility/self-sustainability-33bus-max", {}),
    ("flexibility/self-sustainability-33bus-min", {}),
    ("flexibility/aggregator-mapping-33bus", {}),
    ("flexibility/spin-assignment-33bus", {}),
    ("supply/curve-fit-merit-order", {}),
    (
        "supply/q-exponential-trend",
        {"parameters.method": "sequential", "parameters.firms": 10, "solver": "clarabel"},
    ),
    ("coalition/eight-agents-cooperative", {}),
    ("coalition/eight-agents-ad-hoc", {}),
    ("coalition/eight-agents-self-interested", {}),
    ("coalition/eight-agents-self-interested", {"parameters.rule": "own-loss"}),
    ("coalition/eight-agents-integrated", {}),
    ("coalition/payments-without-core", {}),
    ("coalition/formation-33bus", {"parameters.agents": [6, 12, 18, 25]}),
    ("regulation/clearing-bids", {}),
    ("regulation/clearing-areas", {}),
    ("regulation/participation-cap", {}),
    ("thermodynamics/equilibrium-quadratic", {}),
    ("thermodynamics/equilibrium-exact", {}),
    ("thermodynamics/equilibrium-mobile", {}),
)
#: How many of the numbers are drawn anew, try after try, until they make a case: bids that have to
#: rise and shares of a whole seldom do so where all of them change.
PARTS = (1.0, 0.5, 0.5, 0.25, 0.25, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05)


def _numbers_anew(value: Any, rng: Any, part: float) -> Any:
    """Fractional numbers by up to a half more or less, single whole ones by one.

    Whole numbers in lists are names of things (an edge's two buses) and stay.
    """
    if isinstance(value, Mapping):
        return {key: _numbers_anew(inner, rng, part) for key, inner in value.items()}
    if isinstance(value, list):
        return [v if isinstance(v, int) else _numbers_anew(v, rng, part) for v in value]
    if isinstance(value, bool) or not isinstance(value, int | float) or rng.random() > part:
        return value
    if isinstance(value, int):
        return value + int(rng.integers(-1, 2)) * (rng.random() < 0.3)
    return float(value * rng.uniform(0.7, 1.4))


@cache
def _tree(which: int) -> tuple[Mapping[str, Any], Path]:
    name, settings = QUICK[which]
    path = CASES / f"{name}.yaml"
    case = parse_case(path.read_text(), str(path), path.parent).with_values(settings)
    tree = {k: v for k, v in case.source.value.items() if k not in ("sweep", "paper")}
    return tree, path.parent


def drawn(seed: int) -> tuple[str, Iterator[Case]]:
    """The name of a shipped case, and the same with other numbers, try after try."""
    which = seed % len(QUICK)
    tree, folder = _tree(which)

    def tries() -> Iterator[Case]:
        rng = np.random.default_rng([seed, 3])
        for part in PARTS:
            anew = {
                key: _numbers_anew(value, rng, part) if key in ("parameters", "profiles") else value
                for key, value in tree.items()
            }
            with suppress(OptimodelsError):
                yield parse_case(json.dumps(anew), "case.yaml", folder)

    return QUICK[which][0], tries()


def _problems(case: Case) -> list[tuple[str, Formulation[Any], Any, Solution]]:
    """Every problem that the case's stages put, with its data and its verified solution."""
    request = case_request(case)
    program, data = open_study(case, request, Ledger())
    met: list[tuple[str, Formulation[Any], Any, Solution]] = []

    def answer(stage: Solve, instances: Mapping[Any, Any]) -> dict[Any, Solution]:
        found = {}
        for key, first in instances.items():
            asked = request if stage.solver is None else Request(stage.solver)
            one = solve_and_judge(stage.formulation, first, asked, "full")
            found[key] = replace(one, instance=first)
            met.append((f"{stage.name} {key}".strip(), stage.formulation, first, found[key]))
        return found

    def compute(stage: Any, done: Done) -> Any:
        return stage.run(data, done)

    run_stages(program, data, answer, compute)
    return met


def met(seed: int, tally: Tally) -> tuple[str, list[Any]]:
    """Draw a case and return its name and its problems, as ``_problems`` does."""
    name, tries = drawn(seed)
    for case in tries:
        # The data, too, may refuse what the numbers have become.
        with warnings.catch_warnings(), suppress(OptimodelsError):
            warnings.simplefilter("ignore")
            return name, _problems(case)
    tally.count(name, "refused")
    return name, []


def transcriptions(seed: int, tally: Tally) -> None:
    """The two transcriptions of a problem give equal matrices, or the same optimum."""
    name, problems = met(seed, tally)
    for place, formulation, data, solution in problems:
        if formulation.pyomo is None or formulation.cvxpy is None:
            continue
        forms = [open_problem(formulation, data, via).form for via in ("pyomo", "cvxpy")]
        if forms[0].fingerprint() == forms[1].fingerprint():
            tally.count(name, "same matrices")
            continue
        _compare(name, f"{place}, seed {seed}", formulation, data, solution, tally)


def _compare(
    name: str, place: str, formulation: Any, data: Any, solution: Solution, tally: Tally
) -> None:
    other = "cvxpy" if solution.solver.via == "pyomo" else "pyomo"
    for solver in able_solvers(formulation):
        if solver.via != other or solver.program or solver.aborts:
            continue
        asked = Request(solver.name, solver.via)
        second = solve_and_judge(formulation, data, asked, "full")
        if second.verdict.status == "verified":
            _same(name, place, solution, second.stopped, second.objective, tally)
            return
    tally.count(name, "no second answer")


def _same(
    name: str, place: str, first: Solution, stopped: str, objective: float | None, tally: Tally
) -> None:
    if first.verdict.status != "verified":
        tally.count(name, "first not verified")
        return
    off = 0.0
    if first.objective is not None and objective is not None:
        off = abs(objective - first.objective) / max(1.0, abs(first.objective))
    if stopped != first.stopped or off > SAME:
        tally.count(name, "another optimum")
        tally.broken.append(
            f"{name}, {place}: {first.stopped} {first.objective}, then {stopped} {objective}"
        )
    else:
        tally.count(name, "same optimum")
        tally.largest(f"difference of two optima, {name}", off)


def rearranged(form: Form, rng: Any) -> Form:
    """The same problem with columns and rows in another order and in other units.

    Units are powers of two, so that nothing is rounded.
    """
    n, m = len(form.linear), len(form.row_lower)
    order, rows = rng.permutation(n), rng.permutation(m)
    unit = np.where(form.integer, 1.0, 2.0 ** rng.integers(-3, 4, n))[order]
    by_row = 2.0 ** rng.integers(-3, 4, m)
    scale = sparse.diags_array(unit)

    def columns(matrix: Any) -> sparse.csr_array:
        return sparse.csr_array(sparse.csc_array(matrix)[:, order] @ scale)

    def square(matrix: Any) -> sparse.csr_array:
        moved = sparse.csr_array(sparse.csc_array(matrix)[:, order])[order]
        return sparse.csr_array(scale @ moved @ scale)

    return replace(
        form,
        linear=form.linear[order] * unit,
        rows=sparse.csr_array(sparse.diags_array(by_row) @ columns(form.rows)[rows]),
        row_lower=form.row_lower[rows] * by_row,
        row_upper=form.row_upper[rows] * by_row,
        lower=form.lower[order] / unit,
        upper=form.upper[order] / unit,
        integer=form.integer[order],
        columns=stack_blocks([("x", (n,))]),
        row_blocks=stack_blocks([("row", (m,))]),
        quadratic=None if form.quadratic is None else square(form.quadratic),
        cones=tuple(replace(cone, matrix=columns(cone.matrix)) for cone in form.cones),
        quadratic_rows=tuple(
            replace(row, matrix=square(row.matrix), linear=row.linear[order] * unit)
            for row in form.quadratic_rows
        ),
    )


def orders(seed: int, tally: Tally) -> None:
    """Another order and other units of columns and rows: the same optimum."""
    name, problems = met(seed, tally)
    rng = np.random.default_rng([seed, 13])
    for place, formulation, data, solution in problems:
        via = "pyomo" if solution.solver.via == "pyomo" else "cvxpy"
        if via not in formulation.languages:
            continue
        form = open_problem(formulation, data, via).form  # type: ignore[arg-type]
        if form.is_nonlinear or len(form.linear) > LARGEST:
            continue
        whole = bool(form.integer.any())
        kind: Any = "MILP" if whole else "EXP" if form.cones else formulation.problem_class
        other = rearranged(form, rng)
        asked = Request("highs" if kind in ("LP", "MILP") else "clarabel", "cvxpy")
        again = solve_and_judge(stated(other, kind), other, asked, "full")
        if again.verdict.status != "verified":
            tally.count(name, "not verified again")
            continue
        _same(name, f"{place}, seed {seed}", solution, again.stopped, again.objective, tally)


def shifts(seed: int, tally: Tally) -> None:
    """A day that begins at another hour, dearer prices, a longer load: the optimum follows."""
    rng = np.random.default_rng([seed, 17])
    steps = int(rng.integers(4, 25))
    load = rng.uniform(20, 100, steps).round(3)
    price = rng.uniform(-20, 150, steps).round(2)
    turn, dearer, more = (
        int(rng.integers(1, steps)),
        float(rng.uniform(0.5, 3)),
        rng.uniform(0.5, 2),
    )

    def optimum(load: Any, price: Any) -> Solution:
        text = (
            "model: flexibility/shiftable-loads\nparameters: {discrete: false}\nprofiles:\n"
            f"  load: {[float(v) for v in load]}\n  price: {[float(v) for v in price]}\n"
        )
        ((_, _, _, solution), *_) = _problems(parse_case(text))
        return solution

    first = optimum(load, price)
    assert first.objective is not None
    for name, other, factor in (
        ("turned by hours", optimum(np.roll(load, turn), np.roll(price, turn)), 1.0),
        ("dearer", optimum(load, price * dearer), dearer),
        ("more load", optimum(load * more, price), more),
    ):
        assert other.objective is not None
        _same(name, f"seed {seed}", first, other.stopped, other.objective / factor, tally)
