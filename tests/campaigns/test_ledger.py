"""How a campaign runs over its seeds, what it counts and keeps, and how that is written."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

import optimodels
from tests.campaigns import ledger, verifier
from tests.campaigns.ledger import Kept, Tally, run, table, written


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


def test_what_other_code_found_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Kept(tmp_path / "kept.jsonl", "truths")
    run(verifier.truths, range(8), 1, at_once=4, kept=kept)
    kept.add([8], Tally(days={"2026-01-01"}))
    assert len(kept.read()) == 3
    assert "left out" not in capsys.readouterr().err
    monkeypatch.setattr(ledger, "code", lambda: "another")
    kept.add([9], Tally(days={"2026-01-01"}))
    assert [seeds for seeds, _ in kept.read()] == [[9]]
    assert "3 lines of other code are left out" in capsys.readouterr().err


def test_code_is_told_by_every_source_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mark() -> str:
        ledger.code.cache_clear()
        return ledger.code()

    as_it_is = mark()
    assert as_it_is == mark()
    assert f"code {as_it_is}," in written(Tally(days={"2026-01-01"}), "what", ())
    root = tmp_path / "optimodels"
    (root / "verify" / "__pycache__").mkdir(parents=True)
    (root / "__init__.py").write_text("")
    (root / "verify" / "judge.py").write_text("yes = True\n")
    monkeypatch.setattr(optimodels, "__file__", str(root / "__init__.py"))
    first = mark()
    for compiled in ("judge.pyc", "judge.kernel-1.nbi"):
        (root / "verify" / "__pycache__" / compiled).write_text("bytes")
    assert mark() == first
    (root / "verify" / "judge.py").write_text("yes = False\n")
    changed = mark()
    (root / "verify" / "judge.py").rename(root / "judge.py")
    assert len({as_it_is, first, changed, mark()}) == 4
    ledger.code.cache_clear()


def test_largest_is_what_was_seen() -> None:
    tally, other = Tally(), Tally()
    tally.largest("off", -3.0)
    other.largest("off", -5.0)
    other.add(tally)
    assert tally.worst == other.worst == {"off": -3.0}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_largest_that_is_no_number_breaks_the_seed(value: float) -> None:
    tally = run(lambda seed, tally: tally.largest("off", value), range(2))
    assert tally.broken == [f"seed {k}: ValueError: off: {value}" for k in range(2)]
    assert not tally.worst


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
