"""That the campaign of faults would see what it looks for: a sweep is made to break a promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimodels.files import write_whole
from tests.campaigns import faults
from tests.campaigns.tally import Tally

#: Where the process that is hurt loads the command line: all else is there already.
AT = "    from optimodels.cli import main\n"

#: A store that throws away a run where it is opened and has some.
FORGETS = """
    from optimodels.runs import Store
    class Forgets(Store):
        def __init__(self, folder, **named):
            super().__init__(folder, **named)
            for path in sorted(folder.glob("runs/*/*.run"))[:1]:
                path.unlink()
    sys.modules["optimodels.runs"].Store = Forgets
"""
#: One that is silent about a run that could not be written.
SWALLOWS = """
    from optimodels.runs import Store
    class Swallows(Store):
        def write(self, key, *content):
            if key[-1] not in "01":
                super().write(key, *content)
    sys.modules["optimodels.runs"].Store = Swallows
"""


def sabotage(lines: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the sweeps that are hurt run ``lines`` first; those that are not stay as they are."""
    contents, kept, seconds = faults._whole()
    (folder / "case.yaml").write_text((kept / "case.yaml").read_text())
    assert faults.HURT.count(AT) == 1
    (folder / "hurt.py").write_text(faults.HURT.replace(AT, lines.strip("\n") + "\n" + AT))
    monkeypatch.setattr(faults, "_whole", lambda: (contents, folder, seconds))


def test_store_that_loses_a_run_after_a_kill_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sabotage(FORGETS, tmp_path, monkeypatch)
    monkeypatch.setattr(faults, "KILLS", 2)
    monkeypatch.setattr(faults, "EARLY", 10**9)
    tally = Tally()
    faults.kills(0, tally)
    assert any("runs lost" in line or "done again" in line for line in tally.broken)


def test_sweep_that_says_done_with_runs_missing_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are done when the sweep is taken up, and then nothing is missing any more."""
    sabotage(SWALLOWS, tmp_path, monkeypatch)
    tally = Tally()
    faults._in_folder(faults._limited("write", 10**6, (0,)), 0, tally)
    (line,) = tally.broken
    assert line.startswith("seed 0, write 1000000: exit code 0, ")


def test_runs_that_differ_or_are_gone_are_seen_at_the_next_look(tmp_path: Path) -> None:
    _, kept, _ = faults._whole()
    folder = kept / "whole"
    tally = Tally()
    found = faults._looked_at(folder, "here", {}, tally)
    first, second = sorted(found)[:2]
    assert faults._looked_at(folder, "here", found, tally) == found
    assert not tally.broken
    before = {**found, first: found[second], "gone.run": found[first]}
    faults._looked_at(folder, "here", before, tally)
    assert tally.broken == ["here: 1 of 71 runs lost", "here: 1 of 71 runs done again"]


def test_file_that_a_living_process_leaves_behind_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name that write_whole gives it."""
    tally = Tally()
    faults._left_behind(tmp_path, "here", 0, tally)
    assert not tally.broken
    with monkeypatch.context() as patch:
        patch.setattr("optimodels.files.os.replace", lambda aside, target: None)
        write_whole(tmp_path / "x.run", "text")
    faults._left_behind(tmp_path, "here", 1, tally)
    assert not tally.broken
    faults._left_behind(tmp_path, "here", 0, tally)
    assert tally.broken == ["here: 1 files left behind, at most 0 expected"]
