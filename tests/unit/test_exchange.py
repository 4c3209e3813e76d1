"""Files for other tools: read back by programs that share nothing, they have the same optimum."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import highspy
import pyomo.environ as pyo
import pyscipopt
import pytest

from optimodels import export, load_case, solve
from optimodels.case import parse_case
from optimodels.case.template import new_case
from optimodels.cli import main
from optimodels.errors import CallError
from optimodels.exchange import Format, model_texts
from optimodels.families import find_model, model_names
from optimodels.families.flexibility import spin_assignment
from optimodels.model import Formulation, Solve
from optimodels.naming import Names
from optimodels.result import Solution
from optimodels.solvers import open_problem
from optimodels.solvers.registry import find_program
from optimodels.study import Ledger, answer_stage, case_request, open_study, run_stages
from tests.conformance.problems import PROBLEMS

CASES = sorted(Path(__file__).parents[2].glob("cases/flexibility/*.yaml"))
#: Of five aggregators for 32 buses there is no mapping without slack.
FEASIBLE = {"mapping-surface-33bus": ["parameters.slack=0.5"]}


def by_highs(file: Path) -> float:
    engine = highspy.Highs()
    engine.setOptionValue("output_flag", False)
    engine.setOptionValue("mip_rel_gap", 0.0)
    assert engine.readModel(str(file)) == highspy.HighsStatus.kOk
    engine.solve()
    assert engine.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(engine.getInfo().objective_function_value)


def by_scip(file: Path) -> float:
    engine = pyscipopt.Model()
    engine.hideOutput()
    engine.readProblem(str(file))
    engine.optimize()
    assert engine.getStatus() == "optimal"
    return float(engine.getObjVal())


def by_glpsol(file: Path) -> float:
    program = find_program("glpsol")
    assert program is not None
    answer = file.with_suffix(".sol")
    kind = "--lp" if file.suffix == ".lp" else "--freemps"
    subprocess.run([program, kind, str(file), "-o", str(answer)], check=True, capture_output=True)
    found = re.search(r"^Objective:.*= *(\S+)", answer.read_text(), re.MULTILINE)
    assert found is not None
    return float(found[1])


def by_cbc(file: Path) -> float:
    program = find_program("cbc")
    assert program is not None
    said = subprocess.run(
        [program, str(file), "ratioGap", "0", "allowableGap", "0", "solve", "quit"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    found = re.search(r"^(?:Objective value: |Optimal objective) *(\S+)", said, re.MULTILINE)
    assert found is not None, said
    return float(found[1])


READERS = {
    ".lp": (by_highs, by_glpsol, by_scip),
    ".mps": (by_highs, by_glpsol, by_cbc, by_scip),
    ".nl": (by_scip,),
}
#: Those that are programs, which may not be there.
PROGRAMS = {by_glpsol: "glpsol", by_cbc: "cbc"}


def read_by_all(file: Path, objective: float | None, digits: float) -> None:
    """Whoever is there must find the objective; only then is it said who was not."""
    missing = []
    for read in READERS[file.suffix]:
        if read in PROGRAMS and find_program(PROGRAMS[read]) is None:
            missing.append(PROGRAMS[read])
        else:
            assert read(file) == pytest.approx(stated(objective, file), rel=digits), read.__name__
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}; read by all others")


def stated(objective: float | None, file: Path) -> float:
    """Return the objective as a file states it: in MPS a maximum is the least of its negative."""
    assert objective is not None
    turned = file.suffix == ".mps" and re.search(r"^ N  minus_", file.read_text(), re.MULTILINE)
    return -objective if turned else objective


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.stem)
@pytest.mark.parametrize("kind", ["lp", "mps", "nl"])
def test_case_read_back_has_the_same_optimum(case: Path, kind: Any, tmp_path: Path) -> None:
    loaded = load_case(case, FEASIBLE.get(case.stem, ()))
    ours = solve(loaded).objective
    (file,) = [f for f in export(loaded, kind, tmp_path) if f.suffix == f".{kind}"]
    # Six digits is what glpsol prints.
    read_by_all(file, ours, 1e-5)


@pytest.mark.parametrize("name", ["hours", "free variables", "knapsack", "nearest point"])
@pytest.mark.parametrize("kind", ["lp", "mps"])
def test_sense_constant_and_squares_survive(name: str, kind: Any, tmp_path: Path) -> None:
    problem = next(p for p in PROBLEMS if p.name == name)
    (text,) = model_texts(problem.formulation, None, kind, Names()).values()
    file = tmp_path / f"model.{kind}"
    file.write_text(text)
    assert by_highs(file) == pytest.approx(stated(problem.objective, file), rel=1e-6)


@pytest.mark.parametrize("kind", ["lp", "mps", "nl"])
def test_names_of_any_kind_and_length_are_read_by_all(kind: Any, tmp_path: Path) -> None:
    """Spaces, other alphabets, signs that formats use, two that differ behind the 300th letter."""
    labels = ["Süd Straße 7", "Süd-Straße 7", "漢字", "a" * 300, "a" * 300 + "b", "1e5", "x[1]",
              "-3", "", "s.t.", "*/", "E12", "free", "end", 'a"b', "obj", "RHS"]  # fmt: skip
    n = len(labels)

    def build(_: Any) -> pyo.ConcreteModel:
        m = pyo.ConcreteModel()
        m.flow = pyo.Var(range(n), bounds=(0, 3))
        m.whole = pyo.Var(range(n), domain=pyo.Integers, bounds=(-2, 5))
        m.most = pyo.Constraint(
            range(n), rule=lambda _, i: m.flow[i] + (i + 1) * m.whole[i] <= 4.5 + i
        )
        m.worth = pyo.Objective(
            expr=sum((i + 1) * m.flow[i] + m.whole[i] for i in range(n)) + 7, sense=pyo.maximize
        )
        return m

    # One row each: a whole unit takes i + 1 of the row, which the flow is worth as well.
    best = 7.0 + sum(
        max((i + 1) * max(0.0, min(3.0, 4.5 + i - (i + 1) * w)) + w
            for w in range(-2, 6) if 4.5 + i - (i + 1) * w >= 0)
        for i in range(n)
    )  # fmt: skip
    axes = {"flow": ("bus",), "whole": ("bus",), "most": ("bus",)}
    texts = model_texts(
        Formulation("odd", "MILP", "", pyomo=build), None, kind, Names(axes, {"bus": labels})
    )
    assert "flow_Sud_Stra_e_7" in texts[".col" if kind == "nl" else f".{kind}"]
    file = tmp_path / f"model.{kind}"
    file.write_text(texts[file.suffix])
    read_by_all(file, best, 1e-5)


def test_quadratic_rows_go_out_as_lp_and_nl(tmp_path: Path) -> None:
    problem = next(p for p in PROBLEMS if p.name == "disc")
    quadratic = replace(problem.formulation, problem_class="QCQP")
    formats: tuple[Format, ...] = ("lp", "nl")
    for kind in formats:
        file = tmp_path / f"model.{kind}"
        file.write_text(model_texts(quadratic, None, kind, Names())[file.suffix])
        assert by_scip(file) == pytest.approx(problem.objective, rel=1e-5)


def test_names_are_those_of_the_tables(tmp_path: Path) -> None:
    case = load_case(CASES[0])
    assert case.model.name == "flexibility/aggregator-mapping"
    (file,) = export(case, "lp", tmp_path)
    bus = solve(case).tables["buses"][0]["bus"]
    assert re.search(rf"\bassigned_{bus}_1\b", file.read_text())
    files = {f.suffix: f.read_text().split() for f in export(case, "nl", tmp_path)}
    assert f"once_{bus}" in files[".row"]
    assert f"assigned_{bus}_3" in files[".col"]


def test_stages_before_are_solved_and_each_problem_has_its_file(tmp_path: Path) -> None:
    case = next(c for c in CASES if c.stem.startswith("spin"))
    files = export(load_case(case), "mps", tmp_path, "spins")
    assert len(files) == len(set(files)) > 5
    with pytest.raises(CallError, match="no stage 'spinz', only balance, spins"):
        export(load_case(case), "mps", tmp_path, "spinz")


def test_what_a_format_cannot_hold_is_refused() -> None:
    disc = next(p for p in PROBLEMS if p.name == "disc")
    with pytest.raises(CallError, match="class SOCP, for which mps has no place; use nl"):
        model_texts(disc.formulation, None, "mps", Names())
    unwritten: Formulation[Any] = Formulation("cone", "LP", "", cvxpy=disc.formulation.cvxpy)
    with pytest.raises(CallError, match="not written in pyomo"):
        model_texts(unwritten, None, "lp", Names())


def test_two_components_never_share_a_name() -> None:
    def twice(_: Any) -> pyo.ConcreteModel:
        m = pyo.ConcreteModel()
        # The third has the name that the second would get.
        m.x = pyo.Var(["a b", "a_b_3", "a-b"], bounds=(0, 1))
        m.total = pyo.Objective(expr=pyo.quicksum(m.x.values()), sense=pyo.maximize)
        return m

    texts = model_texts(Formulation("twice", "LP", "", pyomo=twice), None, "nl", Names())
    assert len(set(texts[".col"].split())) == 3


def test_command_writes_files_and_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(CASES[0]), "--format", "mps", "--out", str(tmp_path)]) == 0
    (line,) = capsys.readouterr().out.split()
    assert Path(line).exists()


#: Rows that are one list over lossy and private branches together have no axis but their number.
LISTS = {(kind, "losses") for kind in ("integrated", "cooperative", "settlement")}
#: Models of the Ising dynamics begin at flexibility's problems and state none of their own.
STATED = [name for name in model_names() if not name.startswith("ising/")]


@pytest.mark.parametrize("name", STATED)
def test_axes_fit_the_formulations(name: str) -> None:
    """A name too few in ``axes`` would silently fall back to numbers."""
    case = parse_case(new_case(find_model(name)))
    request, ledger = case_request(case), Ledger()
    program, data = open_study(case, request, ledger)

    def answer(stage: Solve, instances: Mapping[Any, Any]) -> dict[Any, Solution]:
        formulation = stage.formulation
        ways = [via for via in formulation.languages if via != "exact" and instances]
        for via in ways:
            form = open_problem(formulation, next(iter(instances.values())), via).form
            for block in (*form.columns, *form.row_blocks):
                if (formulation.name, block.name) not in LISTS:
                    axes = formulation.axes.get(block.name, ())
                    assert len(axes) == len(block.shape), (formulation.name, block.name)
                    checked.add(formulation.name)
        return answer_stage(stage, instances, case, request, ledger)

    checked: set[str] = set()
    _, failed = run_stages(program, data, answer, lambda stage, done: stage.run(data, done))
    assert failed is None
    # Losses are mended only where that is asked for.
    first = [stage for stage in program.stages if isinstance(stage, Solve)]
    assert checked >= {stage.formulation.name for stage in first if stage.name != "mended"}


def test_names_of_entries_hold_their_axes() -> None:
    form = open_problem(spin_assignment.FORMULATION, spin_assignment.Spins(4, 0), "cvxpy").form
    assert Names(spin_assignment.FORMULATION.axes).column(form, 3) == "up[customer 4]"
