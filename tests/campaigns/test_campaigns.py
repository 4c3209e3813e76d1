"""The first seeds of each campaign, and that a campaign would see what it looks for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from optimodels.result import Claim
from tests.campaigns import cross_solver, verifier
from tests.campaigns.__main__ import CAMPAIGNS, Part
from tests.campaigns.ledger import Tally, run, table
from tests.campaigns.planted import CURVED, LINEAR, WHOLE, planted

#: Seeds that take seconds.
QUICK = {
    "cross-solver": 28,
    "verifier": 300,
    "metamorphic": 16,
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
    true = one.objective
    assert true is not None

    def counted(objective: float, reached: float) -> str:
        claim = replace(one.truth, objective=objective)
        return cross_solver.against_truth(one, claim, reached)[0]

    size = max(1.0, abs(true))
    assert counted(true, true) == "right"
    assert counted(true + 1e-5 * size, true) == counted(true, true + 1e-5 * size) == "near"
    assert counted(true + 2 * size, true) == counted(true, true - 2 * size) == "wrong"
    assert cross_solver.against_truth(one, Claim("infeasible"), None)[0] == "wrong"
    assert cross_solver.against_truth(one, Claim("time"), None)[0] == "no answer"


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
