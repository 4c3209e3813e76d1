"""What explain says: sizes, conflicts that are proved and irreducible, prices with one sign."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from optimodels import explain, load_case, parse_case, solve
from optimodels.case import Case
from optimodels.case.template import new_case
from optimodels.cli import main
from optimodels.explanation import CONVENTION, Computed, Explained, _conflict_notes, row_text
from optimodels.explanation.conflict import find_conflict
from optimodels.families import find_model, model_names
from optimodels.families.flexibility import network_state
from optimodels.form import Form
from optimodels.model import Solve
from optimodels.naming import Names
from optimodels.papers import PAPERS
from optimodels.reporting.explanation import explanation_text
from optimodels.solvers import open_problem
from optimodels.study import Ledger, case_request, open_study
from tests.conformance.problems import PROBLEMS
from tests.unit.test_verify_makers import by_clarabel

CASES = Path(__file__).parents[2] / "cases" / "flexibility"
MAPPING = CASES / "aggregator-mapping-33bus.yaml"
INFEASIBLE = ["parameters.aggregators=5", "parameters.slack=0"]


def has_point(form: Form, rows: Any) -> bool:
    """Decide feasibility of some rows by a solver: a second opinion on the proofs."""
    kept = np.array(sorted(rows), dtype=int)
    found = milp(
        np.zeros(len(form.linear)),
        integrality=form.integer.astype(int),
        bounds=Bounds(form.lower, form.upper),
        constraints=LinearConstraint(
            form.rows[kept], form.row_lower[kept], form.row_upper[kept]
        ) if len(kept) else (),
    )  # fmt: skip
    return found.x is not None


def only(case: Path, *settings: str) -> Explained:
    stages = explain(load_case(case, list(settings))).stages
    (stage,) = (s for s in stages if isinstance(s, Explained))
    return stage


def computed(case: Case) -> set[str]:
    return {stage.stage for stage in explain(case).stages if isinstance(stage, Computed)}


def test_conflict_of_the_mapping_in_the_case_s_own_words() -> None:
    stage = only(MAPPING, *INFEASIBLE)
    assert stage.stopped == "infeasible"
    assert stage.reason == "5 aggregators of at most 6 buses hold 30 of 32 buses"
    assert stage.conflict is not None
    needed = {row["rows"]: (row["needed"], row["out of"]) for row in stage.conflict}
    # 5 x 6 = 30 places: 31 buses are one too many, whichever they are.
    assert needed == {"most": (5, 5), "once": (31, 32)}
    assert any("At the least 2 in all has to give" in note for note in stage.notes)


@pytest.mark.parametrize("via", ["pyomo", "cvxpy"])
@pytest.mark.parametrize("name", [p.name for p in PROBLEMS if p.stopped == "infeasible"])
def test_conflicts_of_known_problems(name: str, via: Any) -> None:
    problem = next(p for p in PROBLEMS if p.name == name)
    form = open_problem(problem.formulation, None, via).form
    found = find_conflict(form)
    assert found is not None
    assert found.irreducible
    assert found.size == (2 if name == "empty disc" else 1)
    assert found.whole is (name == "parity")


def test_conflicts_are_contradictory_and_irreducible() -> None:
    """On random small integer problems: a solver finds no point, but one for every row less."""
    rng = np.random.default_rng(11)
    seen = 0
    from scipy import sparse

    while seen < 40:
        m, n = int(rng.integers(3, 7)), int(rng.integers(2, 4))
        rows = rng.integers(-3, 4, (m, n)).astype(float)
        low = rng.integers(-6, 3, m).astype(float)
        form = Form(
            sense="min",
            linear=np.zeros(n),
            rows=sparse.csr_array(rows),
            row_lower=low,
            row_upper=low + rng.integers(0, 3, m),
            lower=np.full(n, -3.0),
            upper=np.full(n, 3.0),
            integer=rng.random(n) < 0.5,
            columns=(),
        )
        if has_point(form, range(m)):
            continue
        seen += 1
        found = find_conflict(form)
        assert found is not None
        assert not has_point(form, found.rows)
        if found.irreducible and not found.whole:
            for fewer in combinations(found.rows, len(found.rows) - 1):
                relaxed = form.relaxed()
                assert has_point(relaxed, fewer), (found, fewer)


@pytest.mark.parametrize(
    ("lower", "upper", "said"),
    [
        (2.0, 1.0, "No value lies within the bounds of auxiliary[2]."),
        (0.2, 0.8, "No value in whole numbers lies within the bounds of auxiliary[2]."),
    ],
)
@pytest.mark.parametrize("rows", [0, 1, 2])
def test_bounds_that_hold_no_value_are_a_conflict_without_rows(
    lower: float, upper: float, said: str, rows: int
) -> None:
    from scipy import sparse

    form = Form(
        sense="min",
        linear=np.zeros(2),
        rows=sparse.csr_array(np.ones((rows, 2))),
        row_lower=np.zeros(rows),
        row_upper=np.full(rows, 9.0),
        lower=np.array([0.0, lower]),
        upper=np.array([1.0, upper]),
        integer=np.array([False, True]),
        columns=(),
    )
    found = find_conflict(form)
    assert found is not None
    assert (found.rows, found.bounds) == ((), (1,))
    assert _conflict_notes(form, found, Names()) == (said,)


def test_shadow_prices_are_differences_of_optima() -> None:
    """Solve again with a right side changed: the objective changes by price times change."""
    from optimodels.families.flexibility import shiftable_loads

    case = CASES / "shiftable-33bus.yaml"
    stage = explain(load_case(case)).stages[0]
    assert isinstance(stage, Explained)
    assert stage.prices is not None
    assert len(stage.prices) == 32
    data = load_case(case).model.load_program()
    loaded = load_case(case)
    _, read = open_study(loaded, case_request(loaded), Ledger())
    shift = shiftable_loads.instance(read)
    form = open_problem(shiftable_loads.FORMULATION, shift, "cvxpy").form
    assert data.main == stage.stage

    def optimum(change: float) -> float:
        side = form.row_lower.copy()
        side[3] += change
        found = milp(form.linear, bounds=Bounds(form.lower, form.upper),
                     constraints=LinearConstraint(form.rows, side, side))  # fmt: skip
        return float(found.fun)

    step = 1e-3
    slope = (optimum(step) - optimum(0.0)) / step
    assert stage.prices[3]["shadow_price"] == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize(
    ("case", "stage", "solvers"),
    [
        (
            "thermodynamics/equilibrium-quadratic",
            "equilibrium",
            ("clarabel", "pyomo:highs", "osqp"),
        ),
        ("thermodynamics/equilibrium-exact", "equilibrium", ("clarabel", "ecos")),
        ("regulation/participation-cap", "share", ("pyomo:ipopt", "piqp")),
        ("regulation/clearing-bids", "steps", ("cvxpy:highs", "pyomo:scip")),
        ("coalition/eight-agents-cooperative", "dispatch", ("ecos", "pyomo:scip")),
    ],
)
def test_prices_of_every_class_lie_between_the_slopes_on_both_sides(
    case: str, stage: str, solvers: tuple[str, ...]
) -> None:
    """QP, LP, exponential and second-order cones, maximised and minimised, in both languages: the
    optimum for a little more and a little less on the right side, found from the bare arrays."""
    path = CASES.parent / f"{case}.yaml"
    loaded = load_case(path)
    program, data = open_study(loaded, case_request(loaded), Ledger())
    solved = next(s for s in program.stages if isinstance(s, Solve) and s.name == stage)
    (instance,) = solved.instances(data, {}).values()
    form = open_problem(solved.formulation, instance, "cvxpy").form
    names = Names(solved.formulation.axes, program.labels(data) if program.labels else {})

    def optimum(row: int, change: float) -> float:
        side = np.zeros(len(form.row_lower))
        side[row] = change
        moved = replace(form, row_lower=form.row_lower + side, row_upper=form.row_upper + side)
        status, claim = by_clarabel(moved)
        assert (status, claim.x is not None) == ("Solved", True)
        return form.objective(claim.x)  # type: ignore[arg-type]

    rows = range(min(3, len(form.row_lower)))
    step = 1e-3
    slopes = []
    for row in rows:
        less, here, more = (optimum(row, change) for change in (-step, 0.0, step))
        slopes.append(sorted([(here - less) / step, (more - here) / step]))
    for solver in solvers:
        explained = explain(load_case(path, [f"solver={solver}"])).stages
        (found,) = (s for s in explained if s.stage == stage and isinstance(s, Explained))
        assert found.prices is not None
        prices = {p["row"]: p["shadow_price"] for p in found.prices}
        for row, (least, most) in zip(rows, slopes, strict=True):
            price = prices[names.row(form, row)]
            # Optima to 1e-8 of their size, over the step; interior prices are good to 1e-4.
            near = 2e-4 * max(1.0, abs(price), abs(optimum(row, 0.0)))
            assert least - near <= price <= most + near, (solver, row)


def test_sizes_and_first_rows_are_the_case_s_own() -> None:
    stage = only(MAPPING)
    assert stage.size["columns"] == 96
    (variable,) = stage.variables
    assert (variable["of"], variable["kind"]) == ("bus (32) x aggregator (3)", "binary")
    assert stage.prices is None
    first = {row["rows"]: row["the first of them"] for row in stage.rows}
    assert first["once"] == (
        "assigned[bus 2, aggregator 1] + assigned[bus 2, aggregator 2] + "
        "assigned[bus 2, aggregator 3] = 1"
    )
    assert first["most"].endswith("+ ... (32 terms) <= 11")


def test_row_text_of_every_kind() -> None:
    from scipy import sparse

    form = Form(
        sense="min",
        linear=np.zeros(2),
        rows=sparse.csr_array(np.array([[-1.0, 2.5], [0.0, 0.0], [1.0, -1.0]])),
        row_lower=np.array([-np.inf, 0.0, -1.0]),
        row_upper=np.array([3.0, np.inf, 1.0]),
        lower=np.zeros(2),
        upper=np.ones(2),
        integer=np.zeros(2, dtype=bool),
        columns=(),
    )
    texts = [row_text(form, k, Names()) for k in range(3)]
    assert texts == [
        "-auxiliary[1] + 2.5 auxiliary[2] <= 3",
        "0 >= 0",
        "-1 <= auxiliary[1] - auxiliary[2] <= 1",
    ]


@pytest.mark.parametrize("case", sorted(CASES.glob("*.yaml")), ids=lambda c: c.stem)
def test_text_fits_eighty_columns_and_json_is_strict(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    explanation = explain(load_case(case))
    text = explanation_text(explanation, 80)
    assert max(map(len, text.splitlines())) <= 80
    assert json.loads(json.dumps(explanation.as_json(), allow_nan=False))["stages"]
    assert main(["explain", str(case), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["convention"] == CONVENTION


def test_json_of_several_cases_is_one_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", str(MAPPING), str(tmp_path), str(MAPPING), "--json"]) == 2
    name = "aggregator-mapping-33bus"
    assert [one["case"] for one in json.loads(capsys.readouterr().out)] == [name, name]


@pytest.mark.parametrize("name", model_names())
def test_model_s_own_example_is_explained_in_eighty_columns(name: str) -> None:
    """Every model by what ``new`` prints, as a reader meets it first."""
    explanation = explain(parse_case(new_case(find_model(name))))
    text = explanation_text(explanation, 80)
    assert max(map(len, text.splitlines())) <= 80
    assert not re.search(r"\b1 (rows|variables|coefficients)\b", text)
    # In the order in which the study runs them, whatever is solved and whatever is computed.
    order = [s.name for s in find_model(name).load_program().stages]
    said = [stage.stage for stage in explanation.stages]
    assert said == [name for name in order if name in said]
    heads = [line.partition(":")[0] for line in text.splitlines() if re.match(r"\S.*: ", line)]
    # Behind them the papers that their sources name.
    assert heads[: len(said)] == said
    assert heads[len(said) :] == sorted({*heads} & {*PAPERS})


def test_model_is_explained_by_its_name_as_by_what_new_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "flexibility/aggregator-mapping"
    (tmp_path / "new.yaml").write_text(new_case(find_model(name)))
    said = []
    for given in (name, str(tmp_path / "new.yaml")):
        assert main(["explain", given, "--set", "parameters.aggregators=5"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert main(["explain", name, "--set", "parameters.aggregators=none"]) == 2
    assert capsys.readouterr().err.startswith(f"{name} (as set): parameters.aggregators: ")
    # What is like no model is a file that is not there.
    assert main(["explain", "nothing/none"]) == 2
    assert capsys.readouterr().err.startswith("nothing/none: cannot be read: ")


def test_scaled_objective_has_its_own_unit() -> None:
    """What is solved in tenths of a pu is not said to be in pu: ten such are one of the result."""
    case = load_case(CASES.parent / "coalition" / "eight-agents-self-interested.yaml")
    settled = next(s for s in explain(case).stages if s.stage == "settlement")
    multiple = re.fullmatch(r"price x (\S+) pu", settled.unit)
    assert multiple is not None
    objective = solve(case).objective
    assert settled.objective is not None
    assert settled.objective * float(multiple[1]) == pytest.approx(objective, rel=1e-6)


def test_every_stage_states_equations_that_fit_a_terminal() -> None:
    for name in model_names():
        for stage in find_model(name).load_program().stages:
            shown = (stage.formulation if isinstance(stage, Solve) else stage).equations
            assert shown, (name, stage.name)
            assert max(map(len, shown)) <= 76, (name, stage.name)


def test_stages_that_a_case_does_not_ask_for_are_not_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent = load_case(CASES.parent / "supply" / "bidding-evening.yaml")
    assert computed(silent) == {"equilibrium"}
    drawn = load_case(CASES.parent / "supply" / "bidding-uniform.yaml")
    assert computed(drawn) == {"equilibrium", "draws"}
    file = CASES.parent / "coalition" / "eight-agents-ad-hoc.yaml"
    assert computed(load_case(file)) == {"trades", "tightness", "power flow", "tracing"}
    without = load_case(file, ["parameters.power_flow=none"])
    assert computed(without) == {"trades", "tightness", "tracing"}
    assert "power flow" not in solve(without).stages
    file = CASES / "self-sustainability-33bus-max.yaml"
    balance = load_case(file)
    assert computed(balance) == {"optima", "agents", "network"}
    monkeypatch.setattr(network_state, "AUTO_BUSES", 32)
    assert computed(balance) == {"optima", "agents"}
    newton = load_case(
        CASES / "self-sustainability-33bus-max.yaml", ["parameters.power_flow=newton"]
    )
    assert "network" in computed(newton)


@pytest.mark.parametrize(
    ("key", "known"),
    [
        ("exact: auto", True),
        ("exact: none", False),
        ("algorithm: penalised", False),
        ("boundaries: aggregators", False),
        ("graph: {rows: 18, columns: 18}, customers: none", False),
    ],
)
def test_exact_means_are_explained_where_somebody_knows_them(key: str, known: bool) -> None:
    text = f"model: ising/phase-transition\nparameters: {{{key}}}\n"
    assert ("equilibrium" in computed(parse_case(text))) is known


def test_a_main_stage_that_is_not_asked_for_leaves_the_word_to_the_last_one() -> None:
    """Not to the balance that only the start is solved for."""
    given = "{start: feasible, exact: none, temperature: 3, steps: 2890, replicas: 3}"
    found = solve(parse_case(f"model: ising/phase-transition\nparameters: {given}\n"))
    assert list(found.stages) == ["balance", "rewiring", "spins", "evolution"]
    assert found.verdict.text == "verified by invariants: end state"
    assert len(set(found.notes)) == len(found.notes)


def test_a_starting_case_heads_every_stage_and_states_a_problem_once() -> None:
    text = new_case(find_model("coalition/payments"))
    assert text.count("minimise ") == 1
    for head in ("together: group-equilibrium (QP;", "sample: group-equilibrium, as above",
                 "payments: computed", "equilibria: computed"):  # fmt: skip
        assert f"# {head}" in text


@pytest.mark.parametrize("name", ["supply/curve-fit", "ising/boundaries"])
def test_the_papers_behind_the_numbers_of_sources_are_told(name: str) -> None:
    case = new_case(find_model(name))
    told = explanation_text(explain(parse_case(case)), 80)
    numbers = {"supply/curve-fit": ["002", "003"], "ising/boundaries": ["001"]}[name]
    for number in numbers:
        assert f"\n# {number}: {PAPERS[number][:20]}" in case
        assert f"\n{number}: {PAPERS[number][:20]}" in told
    assert len(re.findall(r"^# \d{3}: ", case, re.M)) == len(numbers)


def test_mistake_is_one_line_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("model: flexibility/aggregator-mapping\nparameters: {aggregators: 50}\n")
    assert main(["explain", str(wrong)]) == 2
    said = capsys.readouterr().err
    assert "parameters.aggregators" in said
    assert said.count("\n") == 1
