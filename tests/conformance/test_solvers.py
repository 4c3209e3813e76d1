"""Every installed solver on every problem of the classes that it claims, through its language."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np
import pyomo.environ as pyo
import pytest

from optimodels.errors import UnavailableError
from optimodels.model import Formulation
from optimodels.solvers import Limits, Request, all_solvers, casadi_ipopt, choose, open_problem
from optimodels.solvers.registry import Via
from optimodels.study.judgement import solve_and_judge
from optimodels.verify.judge import ON_ITS_WORD
from optimodels.verify.point import check_point
from optimodels.verify.problem import Problem as Canonical

from .problems import BENT, PROBLEMS, Problem

#: Solver, language, problem: what it says instead, and why, as its catalogue entry has it.
EXCLUSIONS: dict[tuple[str, str, str], tuple[str, str]] = {
    (solver.name, solver.via, title): told
    for solver in all_solvers()
    for title, told in solver.exclusions.items()
}

PAIRS = [
    pytest.param(solver, problem, id=f"{solver.via}:{solver.name}-{problem.name}")
    for solver in all_solvers()
    if solver.installed
    for problem in PROBLEMS
    if problem.problem_class in solver.classes
    and solver.via in problem.formulation.languages
    and (solver.name, solver.via, problem.name) not in EXCLUSIONS
]


@pytest.mark.parametrize(("solver", "problem"), PAIRS)
def test_known_answer_is_found_and_verified(solver: Any, problem: Problem) -> None:
    request = Request(solver.name, solver.via)
    solution = solve_and_judge(problem.formulation, None, request, "full")
    assert solution.stopped == problem.stopped, solution.message
    if problem.objective is not None:
        assert solution.objective == pytest.approx(problem.objective, rel=1e-6, abs=1e-6)
        # The model's own expressions were evaluated, whoever solved it.
        own = {c.name: c.passed for c in solution.verdict.checks if c.name.startswith("stated")}
        assert own == {"stated objective": True, "stated constraints": True}
    if solver.via not in problem.provable:
        # Unless a second solver of the class is installed.
        by_another = "verified by second solver: global optimum"
        assert solution.verdict.text in (f"unverified: {ON_ITS_WORD}", by_another)
        return
    assert solution.verdict.status == "verified", solution.verdict
    if problem.prices is not None:
        # Interior-point prices are good to about 1e-4; those of a smooth problem are slopes at a
        # point that is as near as the root of the tolerance.
        near = 1e-3 if problem.problem_class == "NLP" else 1e-4
        assert solution.duals == pytest.approx(problem.prices, rel=near, abs=near)
    if problem.objective is not None:
        assert solution.bound == pytest.approx(problem.objective, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("key", EXCLUSIONS, ids=" ".join)
def test_exclusions_are_still_needed_and_never_verified(key: tuple[str, str, str]) -> None:
    """What a solver is known to get wrong may be called anything but verified."""
    name, via, title = key
    if not any(s.installed for s in all_solvers() if (s.name, s.via) == (name, via)):
        pytest.skip(f"{name} is not installed")
    (problem,) = (p for p in PROBLEMS if p.name == title)
    solution = solve_and_judge(problem.formulation, None, Request(name, via), "full")
    assert solution.stopped == EXCLUSIONS[key][0]
    assert solution.verdict.status != "verified"


@pytest.mark.parametrize(("name", "objective"), [("scip", -4.0), ("ipopt", -1.0)])
def test_local_optimum_is_never_called_global(name: str, objective: float) -> None:
    """SCIP finds the global optimum; Ipopt, started beside a local one, finds that, and the
    second solver knows better."""
    solution = solve_and_judge(BENT.formulation, None, Request(name), "full")
    assert solution.stopped == "optimal"
    assert solution.objective == pytest.approx(objective, abs=1e-6)
    assert (solution.verdict.status, solution.verdict.of) != ("verified", "global optimum")


def test_bent_problem_in_a_convex_class_is_refused_before_it_is_handed_over() -> None:
    """HiGHS calls stationary points of indefinite objectives optimal."""
    disguised = replace(BENT.formulation, problem_class="QP")
    with pytest.raises(UnavailableError, match="highs takes only convex problems, and the obj"):
        solve_and_judge(disguised, None, Request("highs"), "full")
    solution = solve_and_judge(disguised, None, Request("scip"), "full")
    assert solution.objective == pytest.approx(-4.0)

    def bent_in_cvxpy(_: Any) -> cp.Problem:
        return cp.Problem(cp.Minimize(-cp.square(cp.Variable(name="x", bounds=[-1, 2]))))

    with pytest.raises(UnavailableError, match="convex by its rules"):
        solve_and_judge(
            Formulation("bent", "QP", "", cvxpy=bent_in_cvxpy), None, Request("clarabel"), "full"
        )


def test_problem_that_cvxpy_has_no_way_to_is_refused_and_not_called_an_error() -> None:
    """CVXPY hands SCS nothing without a constraint."""

    def free(_: Any) -> cp.Problem:
        return cp.Problem(cp.Minimize(cp.Variable(name="x")))

    formulation = Formulation("free", "LP", "", cvxpy=free)
    with pytest.raises(UnavailableError, match="scs through cvxpy cannot take this problem"):
        solve_and_judge(formulation, None, Request("scs"), "full")
    assert solve_and_judge(formulation, None, Request("clarabel"), "full").stopped == "unbounded"


def _without_a_row(_: Any) -> cp.Problem:
    x = cp.Variable(2, name="x")
    return cp.Problem(cp.Minimize(cp.quad_form(x, np.eye(2)) - 6 * x[0]))


def _without_a_variable(_: Any) -> pyo.ConcreteModel:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(1, 2))
    m.goal = pyo.Objective(expr=0)
    return m


def _without_a_slope(_: Any) -> cp.Problem:
    x = cp.Variable(2, name="x")
    return cp.Problem(cp.Minimize(cp.sum(x)), [x == 1, cp.SOC(2 + 0 * x[0], 0 * x)])


@pytest.mark.parametrize(
    ("formulation", "refusing", "taking"),
    [
        (Formulation[Any]("no row", "QP", "", cvxpy=_without_a_row), "scs", "osqp"),
        (Formulation[Any]("no variable", "LP", "", pyomo=_without_a_variable), "ipopt", "cbc"),
        (Formulation[Any]("no slope", "SOCP", "", cvxpy=_without_a_slope), "ecos", "clarabel"),
    ],
    ids=lambda given: getattr(given, "name", given),
)
def test_what_a_solver_would_raise_or_crash_at_is_refused(
    formulation: Formulation[Any], refusing: str, taking: str
) -> None:
    with pytest.raises(UnavailableError, match=f"{refusing} through .* cannot take this problem"):
        solve_and_judge(formulation, None, Request(refusing), "full")
    found = solve_and_judge(formulation, None, Request(taking), "full")
    assert (found.stopped, found.verdict.status) == ("optimal", "verified")


def test_integers_are_never_dropped_on_the_way_to_a_nonlinear_solver() -> None:
    """CVXPY's nonlinear way would relax them without a word and say optimal."""
    knapsack = next(p for p in PROBLEMS if p.name == "knapsack")
    disguised = replace(knapsack.formulation, problem_class="LP")
    with pytest.raises(UnavailableError, match="uno cannot take a problem of class MILP"):
        choose(Request("uno"), knapsack.formulation)
    solution = solve_and_judge(disguised, None, Request("uno"), "full")
    assert (solution.stopped, solution.point) == ("error", "none")


def test_both_languages_have_solvers_of_every_class_of_problem() -> None:
    covered = {(p.values[0].via, p.values[1].name) for p in PAIRS}  # type: ignore[attr-defined]
    for problem in PROBLEMS:
        assert set(problem.formulation.languages) <= {
            via for via, name in covered if name == problem.name
        }


@pytest.mark.parametrize("problem", [p for p in PROBLEMS if p.problem_class in ("LP", "MILP")
                                     and p.name != "free variables"],
                         ids=lambda p: p.name)  # fmt: skip
def test_two_transcriptions_have_one_canonical_form(problem: Problem) -> None:
    ours, theirs = (open_problem(problem.formulation, None, via).form for via in ("pyomo", "cvxpy"))
    assert ours.fingerprint() == theirs.fingerprint()
    np.testing.assert_array_equal(ours.rows.toarray(), theirs.rows.toarray())


def test_unknown_solver_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UnavailableError, match="no solver 'higs'; did you mean 'highs'"):
        choose(Request("higs"), PROBLEMS[0].formulation)


def test_solver_of_the_wrong_class_is_refused_before_building() -> None:
    def explode(_: Any) -> Any:
        raise AssertionError("built")

    formulation: Formulation[Any] = Formulation("blp", "MILP", "", pyomo=explode, cvxpy=explode)
    with pytest.raises(UnavailableError, match="clarabel cannot take a problem of class MILP"):
        choose(Request("clarabel"), formulation)


def test_solver_that_is_not_installed_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "optimodels.solvers.registry.find_spec",
        lambda name: None if name == "pyscipopt" else object(),
    )
    said = "scip through pyomo is not installed: pip install pyscipopt; installed and able"
    with pytest.raises(UnavailableError, match=said):
        choose(Request("scip"), PROBLEMS[0].formulation)


def test_every_way_to_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimodels.solvers.registry.find_program", lambda _: None)
    with pytest.raises(UnavailableError, match="a program 'ipopt' on the path or pip install cas"):
        choose(Request("ipopt"), PROBLEMS[0].formulation)
    with pytest.raises(UnavailableError, match="cbc through pyomo is not installed: apt-get"):
        choose(Request("cbc", "pyomo"), PROBLEMS[0].formulation)
    with pytest.raises(UnavailableError, match=r"not reached through cvxpy, only through pyomo$"):
        choose(Request("ipopt", "cvxpy"), PROBLEMS[0].formulation)


def test_limit_that_a_solver_does_not_keep_is_refused() -> None:
    with pytest.raises(UnavailableError, match="keeps no threads limit"):
        choose(Request("scipy", limits=Limits(threads=2)), PROBLEMS[0].formulation)


@pytest.mark.parametrize(
    "solver",
    [s for s in all_solvers() if s.installed and "MILP" in s.classes],
    ids=lambda s: f"{s.via}:{s.name}",
)
def test_time_limit_keeps_what_was_found(solver: Any) -> None:
    """A hard equality knapsack cannot be closed in a blink: no claim of optimality may follow."""
    from .hard import market_split

    solution = solve_and_judge(
        market_split(), None, Request(solver.name, solver.via, Limits(time=0.5)), "certificate"
    )
    assert solution.stopped == "time"
    assert solution.verdict.status != "verified"
    assert solution.has_point is solver.keeps_incumbent


def _chosen(seed: int) -> tuple[Formulation[Any], int]:
    """Fourteen things to take or leave, three weights a thing; and the best, of all 2^14 ways."""
    draw = np.random.default_rng(seed)
    weights = draw.integers(20, 100, (3, 14))
    values, room = weights.sum(axis=0) // 3 + draw.integers(0, 20, 14), weights.sum(axis=1) // 3

    def stated(_: Any) -> cp.Problem:
        x = cp.Variable(14, name="x", boolean=True)
        return cp.Problem(cp.Maximize(values @ x), [weights @ x <= room])

    ways = np.arange(2**14)[:, None] >> np.arange(14) & 1
    fits = (ways @ weights.T <= room).all(axis=1)
    return Formulation("chosen", "MILP", "", cvxpy=stated), int((ways @ values)[fits].max())


@pytest.mark.parametrize("name", ["highs", "scipy", "scip", "cbc"])
def test_an_asked_gap_is_no_lie(name: str) -> None:
    """A point within the gap that the user asked for is unverified at worst, never refuted."""
    short = 0
    for seed in range(3):
        formulation, best = _chosen(seed)
        request = Request(name, "cvxpy", Limits(gap=0.5))
        solution = solve_and_judge(formulation, None, request, "certificate")
        assert solution.objective is not None
        # A gap is relative to the point or to the bound: half of the bound is within either.
        assert best * (1 - 0.5) <= solution.objective <= best + 1e-6
        if solution.objective < best - 0.5:
            short += 1
            assert (solution.stopped, solution.point) == ("optimal", "feasible")
            assert solution.verdict.status == "unverified"
    # Or nothing was asked of anybody.
    assert short


@pytest.mark.parametrize(
    "solver",
    [s for s in all_solvers() if s.installed and s.classes & {"LP", "MILP"} and not s.commercial],
    ids=lambda s: f"{s.via}:{s.name}:{'-'.join(sorted(s.classes))[:7]}",
)
def test_option_that_a_solver_does_not_have_is_never_swallowed(solver: Any) -> None:
    """It is refused, or the solver's own refusal comes back; no number is computed without it."""
    name = "product mix" if "LP" in solver.classes else "knapsack"
    problem = next(p for p in PROBLEMS if p.name == name)
    request = Request(solver.name, solver.via, options={"nonsense_option": 3})
    try:
        solution = solve_and_judge(problem.formulation, None, request, "certificate")
    except UnavailableError as error:
        refused = str(error)
    else:
        refused = "no option 'nonsense_option'"
        assert (solution.stopped, solution.point) == ("error", "none")
        assert solver.name in solution.message
    assert "no option 'nonsense_option'" in refused


#: An option of each that limits its iterations, and what else keeps it from ending before.
STEPS: dict[tuple[str, Via], dict[str, Any]] = {
    ("ipopt", "pyomo"): {"max_iter": 1},
    ("clarabel", "cvxpy"): {"max_iter": 1},
    ("osqp", "cvxpy"): {"max_iter": 1},
    ("scs", "cvxpy"): {"max_iters": 1},
    ("piqp", "cvxpy"): {"max_iter": 1},
    ("qoco", "cvxpy"): {"max_iters": 1},
    ("ecos", "cvxpy"): {"max_iters": 1},
    ("highs", "cvxpy"): {"simplex_iteration_limit": 1, "presolve": "off"},
    ("highs", "pyomo"): {"simplex_iteration_limit": 1, "presolve": "off"},
}


@pytest.mark.parametrize("problem", ["hours", "free variables"])
@pytest.mark.parametrize(("name", "via"), STEPS)
def test_options_reach_the_solver_and_a_point_halfway_is_no_lie(
    name: str, via: Via, problem: str
) -> None:
    """A limit of one iteration is kept; where a solver stands then it called neither optimal nor
    feasible, and it is not refuted for it."""
    formulation = next(p for p in PROBLEMS if p.name == problem).formulation
    request = Request(name, via, options=STEPS[name, via])
    solution = solve_and_judge(formulation, None, request, "certificate")
    assert (solution.stopped, solution.point) != ("optimal", "optimal")
    assert solution.verdict.status == "unverified"
    if solution.stopped == "iterations" and solution.has_point:
        form = open_problem(formulation, None, via).form
        assert check_point(form, Canonical(form).own_cones, form.vector(solution.arrays)).passed


#: A value of the wrong kind for an option that each solver has.
WRONG_VALUES: dict[tuple[str, Via], str] = {
    ("cbc", "pyomo"): "sec",
    ("glpk", "pyomo"): "tmlim",
    ("glpk", "cvxpy"): "tm_lim",
    ("highs", "pyomo"): "time_limit",
    ("highs", "cvxpy"): "time_limit",
    ("scip", "pyomo"): "limits/time",
    ("scip", "cvxpy"): "limits/time",
    ("scipy", "cvxpy"): "time_limit",
    ("cvxopt", "cvxpy"): "max_iters",
}


@pytest.mark.parametrize("value", ["soon", -5])
@pytest.mark.parametrize(("name", "via"), WRONG_VALUES)
def test_value_that_an_option_does_not_take_is_refused(name: str, via: Via, value: Any) -> None:
    """Interfaces swallow it and go on with the default, and GLPK takes the process along."""
    option = WRONG_VALUES[name, via]
    request = Request(name, via, options={option: value})
    said = f"{name} through {via} has no option {option!r} that takes {value!r}"
    with pytest.raises(UnavailableError, match=re.escape(said)):
        choose(request, PROBLEMS[0].formulation)
    assert choose(replace(request, options={option: 5}), PROBLEMS[0].formulation) is not None


def test_ipopt_program_says_what_is_wrong(tmp_path: Path) -> None:
    """A start where a function has no value is a failure, not an answer of 0.0."""
    m = pyo.ConcreteModel()
    m.x = pyo.Var(initialize=-1.0)
    m.cost = pyo.Objective(expr=pyo.log(m.x) ** 2)
    file = tmp_path / "log.nl"
    m.write(str(file))
    assert casadi_ipopt.main([str(file), "-AMPL", "print_level=0", "max_iter=5"]) == 0
    said = file.with_suffix(".sol").read_text()
    assert "Invalid_Number_Detected" in said
    assert "objno 0 500" in said
    assert casadi_ipopt.main([str(tmp_path / "none.nl")]) == 2


def test_prices_of_ipopt_have_the_sign_of_all_others_on_a_maximisation() -> None:
    hours = next(p for p in PROBLEMS if p.name == "hours")
    solution = solve_and_judge(hours.formulation, None, Request("ipopt"), "certificate")
    assert solution.duals["hours"] == pytest.approx(3.0, rel=1e-4)


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(
    ("name", "talks"), [("scip", {"display/freq": 1}), ("highs", {"mip_min_logging_interval": 0})]
)
def test_log_longer_than_a_pipe_stops_nobody(name: str, talks: dict[str, Any], live: bool) -> None:
    """Pyomo reads it in a thread, through a pipe of 64 KiB; a process that hangs is ended."""
    draw = np.random.default_rng(1)
    weights = draw.integers(0, 100, (3, 30)).tolist()

    def halves(_: Any) -> pyo.ConcreteModel:
        m = pyo.ConcreteModel()
        m.x = pyo.Var(range(30), domain=pyo.Binary)
        m.off = pyo.Var(range(3), [0, 1], domain=pyo.NonNegativeReals)
        m.half = pyo.Constraint(
            range(3),
            rule=lambda m, i: sum(w * m.x[j] for j, w in enumerate(weights[i]) if w)
            + m.off[i, 0] - m.off[i, 1] == sum(weights[i]) // 2,
        )  # fmt: skip
        m.aim = pyo.Objective(expr=pyo.quicksum(m.off.values()))
        return m

    asked = Request(name, "pyomo", Limits(time=120.0), talks, live, isolate=True)
    solution = solve_and_judge(Formulation("halves", "MILP", "", pyomo=halves), None, asked, "full")
    assert solution.stopped == "optimal", solution.message
    assert solution.objective == pytest.approx(0.0, abs=1e-6)


def test_error_of_scip_through_pyomo_after_scip_through_cvxpy() -> None:
    """CVXPY leaves a printer of SCIP's errors behind that is Python's, for the whole process."""
    code = (
        "from tests.campaigns import cross_solver as c\n"
        "from tests.campaigns.planted import planted\n"
        "from tests.campaigns.stated import stated\n"
        "from optimodels.solvers import attempt\n"
        # SCIP says "error in LP solver" of this one, through Pyomo.
        "one = planted(c.CURVED, 1018)\n"
        "for via in ('cvxpy', 'pyomo'):\n"
        "    able = c._able(one.problem_class)\n"
        "    (scip,) = (s for s in able if (s.name, s.via) == ('scip', via))\n"
        "    made = stated(one.form, one.problem_class)\n"
        "    tried = attempt(made, one.form, scip, c._request(scip))\n"
        "    print(tried.claim.stopped)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split()[0] == "optimal"
    assert done.stdout.split()[1] in ("optimal", "error")
