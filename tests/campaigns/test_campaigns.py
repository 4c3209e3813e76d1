"""The first seeds of each campaign, and that a campaign would see what it looks for."""

from __future__ import annotations

import os
from collections import Counter
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import optimodels.families
from optimodels.model import Formulation
from tests.campaigns import metamorphic, verifier
from tests.campaigns.catalogue import CAMPAIGNS, Part
from tests.campaigns.ledger import Kept, Tally, run, table
from tests.campaigns.planted import LINEAR, planted

#: Seeds that take seconds.
QUICK = {
    "cross-solver": 28,
    "verifier": 300,
    "metamorphic": 20,
    "configs": 60,
    "faults": 1,
}

PARTS = [
    pytest.param(part, QUICK[name], id=f"{name}: {part.title}")
    for name, (_, parts) in CAMPAIGNS.items()
    for part in parts
]


def test_every_problem_with_two_transcriptions_is_among_the_metamorphic_cases() -> None:
    families = optimodels.families
    modules = [
        import_module(m.name) for m in walk_packages(families.__path__, families.__name__ + ".")
    ]
    twice = {
        one.name
        for module in modules
        for one in vars(module).values()
        if isinstance(one, Formulation) and one.pyomo is not None and one.cvxpy is not None
    }
    met: set[str] = set()
    for seed in range(len(metamorphic.QUICK)):
        _, problems = metamorphic.met(seed, Tally())
        met |= {formulation.name for _, formulation, _, _ in problems}
    assert met >= twice


@pytest.mark.parametrize(("part", "count"), PARTS)
def test_first_seeds_break_no_promise(part: Part, count: int) -> None:
    tally = run(part.trial, range(count))
    assert tally.counts
    assert not tally.broken


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
