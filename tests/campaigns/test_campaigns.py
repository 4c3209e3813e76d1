"""The first seeds of each campaign, and that a campaign would see what it looks for."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from optimodels.result import Claim
from tests.campaigns import cross_solver, verifier
from tests.campaigns.catalogue import CAMPAIGNS, Part
from tests.campaigns.ledger import Kept, Tally, run, table
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


def test_blind_verifier_would_break_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verifier that believes everything misses the faults, and the campaign says so."""

    honest = verifier.judge
    monkeypatch.setattr(verifier, "judge", lambda form, claim: honest(*_TRUE))
    tally = run(verifier.faults, range(40))
    assert len(tally.broken) == sum(tally.counts[name, "missed"] for name in verifier.FAULTS) > 10


_TRUE = (planted(LINEAR, 0).form, planted(LINEAR, 0).truth)


def test_tally_is_the_same_for_any_number_of_workers() -> None:
    alone, two = (run(verifier.truths, range(60), workers) for workers in (1, 2))
    assert (alone.counts, alone.broken) == (two.counts, two.broken)


def test_campaign_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept.jsonl", "truths")
    whole = run(verifier.truths, range(60), 1, at_once=7)
    run(verifier.truths, range(30), 1, at_once=7, kept=kept)
    tally = run(verifier.truths, range(60), 1, at_once=7, kept=kept)
    assert sorted(seed for seeds, _ in kept.read() for seed in seeds) == list(range(60))
    assert (tally.counts, tally.notes, tally.worst) == (whole.counts, whole.notes, whole.worst)
    assert not Kept(kept.path, "faults").read()


def _die_at_five(seed: int, tally: Tally) -> None:
    tally.count("seeds", "done")
    if seed == 5:
        os.abort()


def test_seed_that_ends_its_worker_is_named_and_tried_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept.jsonl", "deaths")
    tally = run(_die_at_five, range(9), 1, at_once=4, kept=kept)
    assert tally.counts["seeds", "done"] == 8
    assert len(tally.broken) == 1
    assert tally.broken[0].startswith("seed 5: ")
    assert 5 not in [seed for seeds, _ in kept.read() for seed in seeds]


def test_seed_that_fails_is_told_and_costs_no_other() -> None:
    def trial(seed: int, tally: Tally) -> None:
        tally.count("seeds", "done")
        if seed == 3:
            raise ValueError("three")

    tally = run(trial, range(5))
    assert tally.counts["seeds", "done"] == 5
    assert tally.broken == ["seed 3: ValueError: three"]


def test_table_shows_rows_in_order() -> None:
    tally = Tally(Counter({("b", "x"): 2, ("a", "y"): 1}))
    assert table(tally.counts, "what") == ["| what | x | y |", "|---|---:|---:|", "| a |  | 1 |",
                                           "| b | 2 |  |"]  # fmt: skip
