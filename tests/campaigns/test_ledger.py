"""How a campaign runs over its seeds, what it counts and keeps, and how that is written."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from textwrap import dedent

import pytest

import optimodels
from tests.campaigns import catalogue, ledger, verifier
from tests.campaigns.ledger import Kept, run
from tests.campaigns.tally import Tally, table, written


def test_tally_is_the_same_for_any_number_of_workers() -> None:
    alone, two = (run(verifier.truths, range(60), workers) for workers in (1, 2))
    assert (alone.counts, alone.broken) == (two.counts, two.broken)


def test_campaign_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept.jsonl", "truths", "today")
    whole = run(verifier.truths, range(60), 1, at_once=7)
    run(verifier.truths, range(30), 1, at_once=7, kept=kept)
    tally = run(verifier.truths, range(60), 1, at_once=7, kept=kept)
    for found in (tally, kept.read()[0][1]):
        assert found.counts == whole.counts
        assert (found.noted, found.first, found.worst) == (whole.noted, whole.first, whole.worst)
    assert not Kept(kept.path, "faults", "today").read()


def test_what_is_done_stands_in_one_line_beside_all_others(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept.jsonl", "truths", "today")
    other = Kept(kept.path, "faults", "today")
    one = Tally(days={"2026-01-01"})
    other.add([0, 1], one)
    for chunk in ([0, 1], [4, 5], [2, 3]):
        kept.add(chunk, one)
    assert [seeds for seeds, _ in kept.read()] == [[0, 1], [4, 5], [2, 3]]
    kept.replace(range(4), one)
    assert [seeds for seeds, _ in kept.read()] == [[4, 5], [0, 1, 2, 3]]
    kept.replace([0, 1, 2, 3, 5, 4, 9], one)
    assert [seeds for seeds, _ in kept.read()] == [[0, 1, 2, 3, 4, 5, 9]]
    assert [seeds for seeds, _ in other.read()] == [[0, 1]]


def test_what_breaks_a_promise_is_not_kept(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept.jsonl", "breaks", "today")
    run(_breaks_at_five, range(8), 1, at_once=2, kept=kept)
    assert sorted(seeds for seeds, _ in kept.read()) == [[0, 1], [2, 3], [6, 7]]


def _breaks_at_five(seed: int, tally: Tally) -> None:
    if seed == 5:
        raise ValueError("five")
    tally.note("seen", seed)


def test_tally_is_read_back_as_it_was_written() -> None:
    tally = Tally(days={"2026-01-01"}, seconds=2.5)
    for seed in range(9, -1, -1):
        tally.count("row", "column")
        tally.note("kind", seed)
        tally.largest("off", float(seed))
    again = Tally.from_json(json.loads(json.dumps(tally.as_json())))
    assert again == tally
    again.add(tally)
    assert (again.noted["kind"], again.first["kind"]) == (20, [0, 1, 2, 3, 4])


def test_what_other_code_found_is_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Kept(tmp_path / "kept.jsonl", "truths", "older")
    run(verifier.truths, range(8), 1, at_once=4, kept=kept)
    kept.add([8], Tally(days={"2026-01-01"}))
    assert len(kept.read()) == 2
    assert "left out" not in capsys.readouterr().err
    newer = Kept(kept.path, "truths", "newer")
    newer.add([9], Tally(days={"2026-01-01"}))
    assert [seeds for seeds, _ in newer.read()] == [[9]]
    assert "2 lines of other code are left out" in capsys.readouterr().err
    newer.replace([9], Tally(days={"2026-01-01"}))
    assert len(kept.read()) == 2


def test_code_is_told_by_every_source_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mark(*reached: str) -> str:
        ledger.code.cache_clear()
        return ledger.code(reached)

    as_it_is = mark()
    assert as_it_is == mark()
    assert f"code {as_it_is}," in written(Tally(days={"2026-01-01"}), "what", (), as_it_is)
    root = tmp_path / "optimodels"
    (root / "verify" / "__pycache__").mkdir(parents=True)
    (root / "__init__.py").write_text("")
    (root / "verify" / "judge.py").write_text("yes = True\n")
    monkeypatch.setattr(optimodels, "__file__", str(root / "__init__.py"))
    first = mark()
    for compiled in ("judge.pyc", "judge.kernel-1.nbi"):
        (root / "verify" / "__pycache__" / compiled).write_text("bytes")
    assert mark() == first
    beside, inside = mark("optimodels.__init__"), mark("optimodels.verify")
    (root / "verify" / "judge.py").write_text("yes = False\n")
    changed = mark()
    assert mark("optimodels.__init__") == beside
    assert mark("optimodels.verify") != inside
    (root / "verify" / "judge.py").rename(root / "judge.py")
    assert len({as_it_is, first, changed, mark()}) == 4
    assert mark("tests.campaigns.tally") != mark("tests.campaigns.truth")
    ledger.code.cache_clear()


@pytest.mark.parametrize(
    ("campaign", "trials", "named"),
    [
        ("cross_solver", "linear whole curved", catalogue.SOLVING),
        ("verifier", "truths faults bounds", catalogue.JUDGING),
    ],
)
def test_problems_that_no_case_states_reach_what_is_named(
    campaign: str, trials: str, named: tuple[str, ...]
) -> None:
    loaded = """
        import sys
        from tests.campaigns import cross_solver, CAMPAIGN
        from tests.campaigns.tally import Tally

        if __name__ == "__main__":
            tally = Tally()
            for seed in (*range(1, 8), cross_solver.PROCESS_EVERY):
                for trial in "TRIALS".split():
                    getattr(CAMPAIGN, trial)(seed, tally)
            names = [name.split(".") for name in sys.modules]
            print({
                ".".join(name[:3 if name[0] == "tests" else 2])
                for name in names
                if len(name) > 1 and name[0] == "optimodels" or name[:2] == ["tests", "campaigns"]
            })
    """
    loaded = dedent(loaded).replace("CAMPAIGN", campaign).replace("TRIALS", trials)
    said = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )
    reached = ast.literal_eval(said.stdout) - {"tests.campaigns"}
    assert {"optimodels.solvers", "optimodels.verify", "tests.campaigns.planted"} <= reached
    assert reached <= {*named}


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
    kept = Kept(tmp_path / "kept.jsonl", "deaths", "today")
    tally = run(_die_at_five, range(9), 1, at_once=4, kept=kept)
    assert tally.counts["seeds", "done"] == 8
    assert tally.broken == [
        "seed 5: its worker died once: SIGABRT",
        "seeds 4 to 7: its worker died once: SIGABRT",
    ]
    assert 5 not in [seed for seeds, _ in kept.read() for seed in seeds]


def _die_once(marker: Path, seed: int, tally: Tally) -> None:
    tally.count("seeds", "done")
    if seed == 5 and not marker.exists():
        marker.touch()
        os.abort()


def test_worker_that_died_of_no_seed_in_particular_is_told(tmp_path: Path) -> None:
    """As of a solver that crashes after so many problems: each of them alone is harmless."""
    trial = partial(_die_once, tmp_path / "died")
    tally = run(trial, range(9), 1, at_once=4)
    assert tally.counts["seeds", "done"] == 9
    assert tally.broken == ["seeds 4 to 7: its worker died once: SIGABRT"]


def test_campaign_whose_every_worker_died_can_be_written() -> None:
    tally = run(_die_at_five, range(5, 6), 1)
    assert "**1 broken promises.**" in written(tally, "what", (), "today")


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
