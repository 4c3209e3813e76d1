"""The cross-solver campaign would see what it looks for, and its problems are what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from optimodels.form import Form
from optimodels.result import Claim, Verdict
from optimodels.solvers import Request, all_solvers
from optimodels.solvers.in_process import Attempt, attempt_here
from optimodels.verify import Judgement
from tests.campaigns import cross_solver, enumerated, planted
from tests.campaigns.cross_solver import CURVED, WHOLE, against_truth
from tests.campaigns.ledger import run
from tests.campaigns.planted import LINEAR, Maker
from tests.campaigns.stated import stated
from tests.campaigns.tally import Tally, Trial
from tests.campaigns.truth import Planted

ALL = [LINEAR, WHOLE, CURVED]
HIGHS = next(s for s in all_solvers() if (s.name, s.via) == ("highs", "pyomo"))
GLPK = next(s for s in all_solvers() if (s.name, s.via) == ("glpk", "pyomo"))


def of_kind(maker: Maker, seed: int = 0) -> Planted:
    return maker(np.random.default_rng(seed))


@pytest.mark.parametrize("makers", ALL)
def test_same_seed_plants_the_same_problem(makers: tuple[Maker, ...]) -> None:
    seeds = (3, 3, 3 + 2 * len(makers))
    prints = [planted.planted(makers, seed).form.fingerprint() for seed in seeds]
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize("makers", ALL)
def test_planted_optimum_is_inside_and_a_moved_one_is_not(makers: tuple[Maker, ...]) -> None:
    """What costs less than the optimum is no point of the problem."""
    moved = 0
    for seed in range(80):
        one = planted.planted(makers, seed)
        if one.truth.x is None:
            continue
        assert one.outside(one.truth.x) <= 1e-9, (one.kind, seed)
        if one.objective is None:
            continue
        far = one.truth.x - 1e3 * one.form.sign * one.form.linear
        reached = one.form.sign * (one.form.objective(far) - one.objective)
        if one.form.quadratic is None and reached < -1.0:
            assert one.outside(far) > 1e-6, (one.kind, seed)
            moved += 1
    assert moved >= 10


@pytest.mark.parametrize(
    "maker",
    [planted.unbounded_lp, planted.unbounded_qp, planted.unbounded_milp, planted.unbounded_socp],
)
def test_planted_ray_stays_inside_and_its_cost_falls(maker: Maker) -> None:
    for seed in range(30):
        one = of_kind(maker, seed)
        x, ray = one.truth.x, one.truth.ray
        assert x is not None
        assert ray is not None
        costs = [one.form.objective(x + step * ray) for step in (0.0, 1.0, 2.0, 1e6)]
        assert costs[1] - costs[0] == costs[2] - costs[1] < 0, seed
        assert one.outside(x + 1e6 * ray) <= 1e-9, seed
        assert costs[3] < costs[0] - 1e5


@pytest.mark.parametrize("maker", [planted.infeasible_qcqp, planted.infeasible_exponential])
def test_no_point_of_many_is_inside_an_infeasible_problem(maker: Maker) -> None:
    for seed in range(10):
        one, rng = of_kind(maker, seed), np.random.default_rng(seed)
        points = rng.normal(size=(200, len(one.form.linear))) * 10.0 ** rng.uniform(-1, 1)
        assert min(one.outside(x) for x in points) > 1e-6, seed


def test_mixed_optimum_needs_its_whole_numbers_and_its_fractions() -> None:
    """Rounding everything gives another problem, and so does rounding nothing."""
    fractions = bent = 0
    for seed in range(40):
        one = of_kind(enumerated.mixed_milp, seed)
        if one.truth.x is not None:
            fractions += bool((one.truth.x != np.rint(one.truth.x)).any())
            claim = _by_highs(one.form.relaxed(), "LP")
            bent += abs((claim.objective or 0.0) - (one.objective or 0.0)) > 1e-6
    assert fractions >= 5
    assert bent >= 5


def _by_highs(form: Form, problem_class: Any) -> Claim:
    return attempt_here(stated(form, problem_class), form, HIGHS, Request()).claim


def test_wrong_claim_is_counted_as_wrong() -> None:
    one = planted.planted(LINEAR, 0)
    true, best = one.objective, one.truth.x
    assert true is not None
    assert best is not None
    cost = one.form.linear
    per_cost = cost / float(cost @ cost)

    def counted(claimed: float, reached: float) -> str:
        claim = replace(one.truth, objective=true + claimed)
        return against_truth(one, claim, best + reached * per_cost)[0]

    size = max(1.0, abs(true))
    assert counted(0.0, 0.0) == "right"
    assert counted(1e-5 * size, 0.0) == counted(0.0, 1e-5 * size) == "near"
    assert counted(2 * size, 0.0) == counted(0.0, -2 * size) == "wrong"
    assert counted(np.nan, 0.0) == counted(0.0, np.nan) == "wrong"
    assert against_truth(one, Claim("infeasible"), None)[0] == "wrong"
    assert against_truth(one, Claim("time"), None)[0] == "time"
    assert against_truth(one, replace(one.truth, point="feasible"), best)[0] == "inaccurate"


def test_point_outside_is_neither_right_nor_near() -> None:
    """A point with the right objective, and one whose whole numbers are none."""
    one = next(p for p in (of_kind(planted.lp, s) for s in range(99)) if len(p.form.row_lower) > 3)
    x, cost = np.array(one.truth.x), one.form.linear
    along = np.linalg.svd(cost[None])[2][1:]
    far = max(
        (x + step * way for way in along for step in (-10.0, 10.0)),
        key=one.outside,
    )
    assert one.form.objective(far) == pytest.approx(one.objective)
    assert one.outside(far) > 0.1
    assert against_truth(one, one.truth, far)[0] == "wrong"
    whole = next(p for p in (of_kind(enumerated.milp, s) for s in range(99)) if p.claim)
    assert whole.outside(np.array(whole.truth.x) + 0.25) >= 0.25


Fault = Callable[[Planted], Claim]


def _believed(monkeypatch: pytest.MonkeyPatch, one: Planted, claim: Claim, status: Any) -> Tally:
    """What the campaign makes of a claim on which the verdict is this."""
    tally = Tally()
    monkeypatch.setattr(cross_solver, "attempt", lambda *_: Attempt(one.form, claim, {}))
    said = Judgement(Verdict(status, "certificate", "global optimum"))
    monkeypatch.setattr(cross_solver, "judge", lambda form, claim: said)
    cross_solver._through(HIGHS, one, 0, tally)
    return tally


FAULTS: dict[str, Fault] = {
    "infeasible": lambda one: Claim("infeasible"),
    "unbounded": lambda one: Claim("unbounded"),
    "objective": lambda one: replace(one.truth, objective=(one.objective or 0.0) + 7.0),
    "no number": lambda one: replace(one.truth, objective=np.nan),
    "point": lambda one: replace(one.truth, x=np.array(one.truth.x) + 1e4),
    "no answer": lambda one: Claim("time"),
    "inaccurate": lambda one: replace(one.truth, point="feasible", x=np.array(one.truth.x) + 1e4),
}


@pytest.mark.parametrize("name", FAULTS)
def test_verified_fault_breaks_a_promise(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    one = of_kind(planted.lp)
    assert _believed(monkeypatch, one, FAULTS[name](one), "verified").broken
    assert not _believed(monkeypatch, one, FAULTS[name](one), "unverified").broken
    assert not _believed(monkeypatch, one, one.truth, "verified").broken


def test_refuted_truth_breaks_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    for maker in (planted.lp, planted.infeasible_lp, planted.unbounded_lp):
        one = of_kind(maker)
        assert _believed(monkeypatch, one, one.truth, "refuted").broken


def drop(*_: Any) -> Claim:
    """The driver of an interface that raises whatever it is given."""
    raise TypeError("no such thing")


def test_interface_that_raises_breaks_a_promise() -> None:
    tally = Tally()
    driver = f"{__name__}:drop"
    cross_solver._through(replace(HIGHS, driver=driver), of_kind(planted.lp), 0, tally)
    assert tally.counts["highs (pyomo), LP", "error"] == 1
    assert "highs: TypeError: no such thing" in tally.broken[0]


#: Solvers that answer none of a kind, as they are known: they see no ray or conflict, or run on.
SILENT = {
    *(f"qoco (cvxpy), {kind}" for kind in ("infeasible LP", "infeasible QP", "infeasible QCQP",
      "infeasible SOCP", "unbounded LP", "unbounded QP", "unbounded SOCP")),
    *(f"piqp (cvxpy), {kind}" for kind in ("infeasible LP", "infeasible QP", "unbounded QP")),
    # SciPy's "unbounded or infeasible" is an error to CVXPY.
    "scipy (cvxpy), unbounded MILP",
    "highs (cvxpy), unbounded QP", "highs (pyomo), unbounded QP", "scip (pyomo), unbounded QP",
}  # fmt: skip


@pytest.mark.parametrize(
    ("trial", "count"),
    [(cross_solver.linear, 28), (cross_solver.whole, 16), (cross_solver.curved, 32)],
)
def test_every_solver_answers_some_of_every_kind(trial: Trial, count: int) -> None:
    """An interface that is broken for one class would be no more than a column of no answers."""
    tally = run(trial, range(count))
    answered = {row for row, how in tally.counts if how.startswith(("right", "near"))}
    tried = Counter[str]()
    for (row, how), times in tally.counts.items():
        tried[row] += times * (how != "refused")
    # One try tells nothing.
    assert {row for row, times in tried.items() if times >= 4} - answered <= SILENT
    assert not tally.broken


@pytest.mark.parametrize("first", [0, cross_solver.LATER])
@pytest.mark.parametrize("makers", ALL)
def test_solver_of_its_own_process_meets_every_kind_in_both_senses(
    makers: tuple[Maker, ...], first: int
) -> None:
    every = cross_solver.PROCESS_LATER if first else cross_solver.PROCESS_EVERY
    rounds = range(first, first + 2 * len(makers) * every)
    met = {
        (s % len(makers), s // len(makers) % 2) for s in rounds if cross_solver.has_turn(GLPK, s)
    }
    assert len(met) == 2 * len(makers)
    senses = {planted.planted(makers, s).form.sense for s in range(0, 2 * len(makers))}
    assert senses == {"min", "max"}


@pytest.mark.skipif(not GLPK.installed, reason="no program glpsol")
@pytest.mark.parametrize("maker", [planted.infeasible_lp, planted.unbounded_lp])
def test_how_glpk_ends_is_read_from_what_it_prints(maker: Maker) -> None:
    """Its file says "undefined" of what has no optimum."""
    said = set()
    for seed in range(8):
        one = of_kind(maker, seed)
        claim = attempt_here(stated(one.form, "LP"), one.form, GLPK, Request("glpk")).claim
        assert claim.stopped in ("infeasible", "unbounded")
        assert claim.or_unbounded or claim.stopped == one.stopped
        said.add(claim.or_unbounded)
    assert False in said


def test_scip_that_closes_the_gap_it_was_asked_for_is_not_called_inaccurate() -> None:
    scip = next(s for s in all_solvers() if (s.name, s.via) == ("scip", "cvxpy"))
    for seed in range(10):
        one = of_kind(planted.qp, seed)
        tried = attempt_here(stated(one.form, "QP"), one.form, scip, Request("scip"))
        assert (tried.claim.stopped, tried.claim.point) == ("optimal", "optimal")
