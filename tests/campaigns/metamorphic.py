"""What must not matter: order, units, names, the hour at which a day begins, the language.

Cases are the shipped ones with every number drawn anew around what it is, the loads of their
networks too. No stage's problem is named here: whatever a family states is taken. Every problem is
counted, and one that came out as the shipped case states it proves nothing and is counted apart.
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from scipy import sparse

from optimodels.case import Case, parse_case
from optimodels.errors import CaseError, DataError, UnavailableError
from optimodels.form import Form, stack_blocks
from optimodels.grid.sources import open_net
from optimodels.model import Done, Formulation, Solve
from optimodels.result import Solution
from optimodels.solvers import Request, able_solvers, open_problem
from optimodels.study import Ledger, case_request, open_study, run_stages
from optimodels.study.judgement import solve_and_judge
from tests.campaigns.stated import stated
from tests.campaigns.tally import Tally

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
PARTS = (1.0, 0.5, 0.5, 0.25, 0.25, 0.25, *[0.1] * 16)
#: Loads are drawn in whole multiples of so many MW: balances of whole kW must be exact.
LOAD_STEP = 0.01


def label(which: int) -> str:
    """The row of a case in the tables, with what is set in it."""
    name, settings = QUICK[which]
    return ", ".join([name, *(f"{key.split('.')[-1]} {value}" for key, value in settings.items())])


def _numbers_anew(value: Any, rng: Any, part: float) -> Any:
    """Quantities by up to two fifths more or less, single whole numbers by up to a third.

    Whole numbers in lists are names of things (an edge's two buses) and stay.
    """
    if isinstance(value, Mapping):
        return {key: _numbers_anew(inner, rng, part) for key, inner in value.items()}
    if isinstance(value, list):
        return [v if isinstance(v, int) else _numbers_anew(v, rng, part) for v in value]
    if isinstance(value, bool) or not isinstance(value, int | float) or rng.random() > part:
        return value
    if isinstance(value, int):
        most = max(1, value // 3)
        return value + int(rng.integers(-most, most + 1))
    return float(value * rng.uniform(0.7, 1.4))


class Draw(NamedTuple):
    """A case in full, and its network as pandapower has it, where it has one."""

    tree: dict[str, Any]
    net: Any


@cache
def _shipped(which: int) -> tuple[Case, Draw]:
    """A case as it is shipped, with every default written out: a whole number there is a count or
    a name, and a quantity is fractional."""
    name, settings = QUICK[which]
    path = CASES / f"{name}.yaml"
    case = parse_case(path.read_text(), str(path), path.parent).with_values(settings).alone()
    tree = {key: value for key, value in case.resolved().items() if key != "paper"}
    return case, Draw(tree, None if case.network is None else open_net(case.network))


@cache
def _as_shipped(which: int) -> frozenset[str]:
    """Fingerprints of the problems that a case states as it is shipped."""
    return frozenset(solution.fingerprint for *_, solution in _problems(_shipped(which)[0]))


def drawn(which: int, rng: Any, part: float) -> Draw:
    """A shipped case with other numbers and, where it has a network, other loads."""
    tree, net = _shipped(which)[1]
    numbers = {key: _numbers_anew(tree[key], rng, part) for key in ("parameters", "profiles")}
    if net is not None:
        net = deepcopy(net)
        drawn_mw = net.load.p_mw * rng.uniform(0.7, 1.4, len(net.load))
        net.load["p_mw"] = np.maximum(1, np.rint(drawn_mw / LOAD_STEP)) * LOAD_STEP * (drawn_mw > 0)
    return Draw({**tree, **numbers}, net)


def as_case(draw: Draw, which: int, folder: Path) -> Case:
    """The case as a user would have it: in a folder of its own, with the files that it names."""
    import pandapower

    tree, beside = draw.tree, _shipped(which)[0].folder
    folder.mkdir()
    for path in beside.glob("*.csv"):
        shutil.copy(path, folder)
    if draw.net is not None:
        tree = {**tree, "network": {"file": "network.json"}}
        pandapower.to_json(draw.net, str(folder / "network.json"))
    return parse_case(json.dumps(tree), "case.yaml", folder)


#: A problem that a case states: its stage and key, and what came of it.
Problem = tuple[str, Formulation[Any], Any, Solution]


def _problems(case: Case) -> list[Problem]:
    """Every problem that the case's stages put, with its data and its verified solution."""
    request = case_request(case)
    program, data = open_study(case, request, Ledger())
    met: list[Problem] = []

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


def problems_of(draw: Draw, which: int) -> list[Problem]:
    """The problems of a drawn case, its files in a folder that is gone again."""
    # What a drawn network is read into is of no use to any other trial.
    with (
        TemporaryDirectory() as made,
        patch.dict(os.environ, OPTIMODELS_CACHE=made),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        return _problems(as_case(draw, which, Path(made, "case")))


def met(seed: int, tally: Tally) -> tuple[int, Draw, list[Problem]]:
    """Draw a case: which it is, its draw and its problems. Draws that the case or its data refuse,
    and those that change no problem, are counted and drawn again."""
    which, rng = seed % len(QUICK), np.random.default_rng([seed, 3])
    row = label(which)
    for part in PARTS:
        draw = drawn(which, rng, part)
        try:
            problems = problems_of(draw, which)
        except UnavailableError:
            raise
        except (CaseError, DataError):
            tally.count(row, "draws refused")
            continue
        if _new(problems, which):
            return which, draw, problems
        tally.count(row, "draws as shipped")
    tally.count(row, "no draw")
    raise AssertionError(f"{row}: of {len(PARTS)} draws none made another case")


def _new(problems: list[Problem], which: int) -> list[Problem]:
    return [one for one in problems if one[3].fingerprint not in _as_shipped(which)]


def met_anew(seed: int, tally: Tally) -> tuple[str, list[Problem]]:
    """The row of a drawn case and its problems, less those that the shipped case states too."""
    which, _, problems = met(seed, tally)
    new = _new(problems, which)
    tally.count(label(which), "as shipped", len(problems) - len(new))
    return label(which), new


def _broken(row: str, column: str, told: str, tally: Tally) -> None:
    tally.count(row, column)
    tally.broken.append(f"{row}, {told}: {column}")


def transcriptions(seed: int, tally: Tally) -> None:
    """The two transcriptions of a problem give equal matrices, or the same optimum."""
    row, problems = met_anew(seed, tally)
    for place, formulation, data, solution in problems:
        if formulation.pyomo is None or formulation.cvxpy is None:
            tally.count(row, "one transcription")
            continue
        forms = [open_problem(formulation, data, via).form for via in ("pyomo", "cvxpy")]
        if forms[0].fingerprint() == forms[1].fingerprint():
            tally.count(row, "same matrices")
        elif not _compare(row, f"{place}, seed {seed}", formulation, data, solution, tally):
            continue
        tally.note(f"compared: {formulation.name}", seed)


def _compare(
    row: str, place: str, formulation: Any, data: Any, solution: Solution, tally: Tally
) -> bool:
    """Solve in the other language, by one solver after another until one answer is verified or
    refuted; whether there is one."""
    other = "cvxpy" if solution.solver.via == "pyomo" else "pyomo"
    for solver in able_solvers(formulation):
        if solver.via != other or solver.program or solver.aborts:
            continue
        second = solve_and_judge(formulation, data, Request(solver.name, solver.via), "full")
        if second.verdict.status == "unverified":
            tally.count(row, "another solver asked")
            continue
        _same(row, f"{place}, {solver.name}", solution, second, tally)
        return True
    _broken(row, "no second answer", place, tally)
    return False


def _same(
    row: str, place: str, first: Solution, again: Solution, tally: Tally, factor: float = 1.0
) -> None:
    """Two answers to one problem, the second ``factor`` times as large: both verified, and one."""
    for one in (first, again):
        if one.verdict.status != "verified":
            said = f"{place}, {one.solver.name}: {one.stopped}, {one.verdict.reason}"
            _broken(row, one.verdict.status, said, tally)
            return
    if first.stopped != again.stopped:
        _broken(row, "another optimum", f"{place}: {first.stopped}, {again.stopped}", tally)
    elif first.objective is None or again.objective is None:
        tally.count(row, f"both {first.stopped}")
    else:
        optimum = again.objective / factor
        off = abs(optimum - first.objective) / max(1.0, abs(first.objective))
        if not off <= SAME:
            told = f"{place}: {first.objective}, then {optimum}"
            _broken(row, "another optimum", told, tally)
            return
        tally.count(row, "same optimum")
        tally.largest(f"difference of two optima, {row}", off)


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
    row, problems = met_anew(seed, tally)
    rng = np.random.default_rng([seed, 13])
    for place, formulation, data, solution in problems:
        via = solution.solver.via if solution.solver.via in ("pyomo", "cvxpy") else "cvxpy"
        form = open_problem(formulation, data, via).form  # type: ignore[arg-type]
        if form.is_nonlinear or len(form.linear) > LARGEST:
            tally.count(row, "nonlinear or large")
            continue
        whole = bool(form.integer.any())
        kind: Any = "MILP" if whole else "EXP" if form.cones else formulation.problem_class
        other = rearranged(form, rng)
        asked = Request("highs" if kind in ("LP", "MILP") else "clarabel", "cvxpy")
        again = solve_and_judge(stated(other, kind), other, asked, "full")
        _same(row, f"{place}, seed {seed}", solution, again, tally)


def reordered(draw: Draw) -> Draw | None:
    """The same case with agents, buses, classes, bids and lines in another order and, where their
    names are texts, under other names; None where there is nothing to put in another order."""
    tree, net = deepcopy(draw.tree), draw.net
    given = tree["parameters"]

    if "unit_value" in given:
        for key in ("machines", "unit_value"):
            given[key].reverse()
    if given.get("agents"):
        given["agents"].reverse()
    if "slopes" in given:
        for key in ("slopes", "caps", "ramps"):
            given[key] = {f"{name[::-1]}'": value for name, value in reversed(given[key].items())}
    if classes := given.get("data", {}).get("classes"):
        given["data"]["classes"] = [{**one, "name": one["name"][::-1]} for one in reversed(classes)]
    if isinstance(given.get("private"), Mapping):
        given["private"]["edges"] = [
            {**edge, "from": edge["to"], "to": edge["from"]}
            for edge in reversed(given["private"]["edges"])
        ]
    if "neighbours" in given:
        given["area"] = given["area"][::-1]
        given["neighbours"] = [
            {**one, "name": one["name"][::-1]} for one in reversed(given["neighbours"])
        ]
        for line in given["lines"]:
            line["between"] = [name[::-1] for name in reversed(line["between"])]
        for side in ("supply", "demand"):
            if bids := given[side].get("bids"):
                # Of equal price, in two halves; their order by price is fixed.
                given[side]["bids"] = [[q / 2, price] for q, price in bids for _ in range(2)]
    if tree["model"].startswith("flexibility/"):
        net = deepcopy(net)
        for name in ("p_mw", "q_mvar"):
            net.load[name] = net.load[name].to_numpy()[::-1]
    return None if tree == draw.tree and net is draw.net else Draw(tree, net)


def names(seed: int, tally: Tally) -> None:
    """Agents, buses, bids and lines of a case in another order, under other names: the same optima.

    Those of its first stage: later ones may stand on another of several optima.
    """
    which, draw, problems = met(seed, tally)
    row = label(which)
    other = reordered(draw)
    if other is None:
        tally.count(row, "nothing to reorder")
        return
    again = problems_of(other, which)
    stage = problems[0][0].partition(" ")[0]

    def answers(found: list[Problem]) -> list[Solution]:
        of = [one[3] for one in found if one[0].partition(" ")[0] == stage]
        return sorted(of, key=lambda one: (one.stopped, one.objective or 0.0))

    for one, two in zip(answers(problems), answers(again), strict=True):
        _same(row, f"{stage}, seed {seed}", one, two, tally)


def shifts(seed: int, tally: Tally) -> None:
    """Shiftable loads: a day that begins at another hour, dearer prices, more load: the optimum
    follows."""
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
    for name, other, factor in (
        ("turned by hours", optimum(np.roll(load, turn), np.roll(price, turn)), 1.0),
        ("dearer", optimum(load, price * dearer), dearer),
        ("more load", optimum(load * more, price), float(more)),
    ):
        _same(name, f"seed {seed}", first, other, tally, factor)
