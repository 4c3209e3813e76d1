"""The first seeds of each campaign, and that a campaign would see what it looks for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimodels.result import Claim
from tests.campaigns import cross_solver
from tests.campaigns.catalogue import CAMPAIGNS, Part
from tests.campaigns.ledger import Tally, run
from tests.campaigns.planted import CURVED, LINEAR, WHOLE, planted

#: Seeds that take seconds.
QUICK = {
    "cross-solver": 28,
    "verifier": 300,
    # test_metamorphic.py draws every case once.
    "metamorphic": 3,
    "configs": 60,
    "faults": 1,
}

PARTS = [
    pytest.param(part, QUICK[name], id=f"{name}: {part.title}")
    for name, (_, parts) in CAMPAIGNS.items()
    for part in parts
]


@pytest.mark.parametrize(("part", "count"), PARTS)
def test_first_seeds_break_no_promise(part: Part, count: int) -> None:
    tally = run(part.trial, range(count))
    assert tally.counts
    assert not tally.broken


@pytest.mark.parametrize("makers", [LINEAR, WHOLE, CURVED])
def test_same_seed_plants_the_same_problem(makers: tuple[cross_solver.Maker, ...]) -> None:
    prints = [planted(makers, seed).form.fingerprint() for seed in (3, 3, 3 + 2 * len(makers))]
    assert prints[0] == prints[1] != prints[2]


def test_wrong_claim_is_counted_as_wrong() -> None:
    one = planted(LINEAR, 0)
    true, best = one.objective, one.truth.x
    assert true is not None
    assert best is not None
    cost = one.form.linear
    per_cost = cost / float(cost @ cost)

    def counted(claimed: float, reached: float) -> str:
        claim = replace(one.truth, objective=true + claimed)
        return cross_solver.against_truth(one, claim, best + reached * per_cost)[0]

    size = max(1.0, abs(true))
    assert counted(0.0, 0.0) == "right"
    assert counted(1e-5 * size, 0.0) == counted(0.0, 1e-5 * size) == "near"
    assert counted(2 * size, 0.0) == counted(0.0, -2 * size) == "wrong"
    assert cross_solver.against_truth(one, Claim("infeasible"), None)[0] == "wrong"
    assert cross_solver.against_truth(one, Claim("time"), None)[0] == "no answer"


@pytest.mark.parametrize("makers", [LINEAR, WHOLE, CURVED])
def test_planted_optimum_is_inside_and_a_moved_one_is_not(
    makers: tuple[cross_solver.Maker, ...],
) -> None:
    """What costs less than the optimum is no point of the problem."""
    moved = 0
    for seed in range(80):
        one = planted(makers, seed)
        if one.truth.x is None or one.objective is None:
            continue
        assert one.outside(one.truth.x) <= 1e-9, (one.kind, seed)
        far = one.truth.x - 1e3 * one.form.sign * one.form.linear
        reached = one.form.sign * (one.form.objective(far) - one.objective)
        if one.form.quadratic is None and reached < -1.0:
            assert one.outside(far) > 1e-6, (one.kind, seed)
            moved += 1
    assert moved >= 10
