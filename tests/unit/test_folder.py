"""What a sweep leaves beside its runs: a table and pictures, made again where they are missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from optimodels.cli import main
from optimodels.model import Model

CASE = """model: flexibility/aggregator-mapping
name: surface
solver: exact
sweep: {grid: {parameters.slack: [0, 0.5], parameters.aggregators: [2, 5]}}
"""


def test_picture_that_is_missing_is_drawn_again_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "case.yaml").write_text(CASE)
    out = tmp_path / "out"
    words = ["sweep", str(tmp_path / "case.yaml"), "--out", str(out)]
    assert main(words) == 0
    told = capsys.readouterr().out
    (picture,) = out.glob("*.svg")
    whole = picture.read_bytes()
    picture.unlink()
    assert main(words) == 0
    assert picture.read_bytes() == whole
    # A store of before, which does not say what was drawn.
    (out / "sweeps" / "surface.pictures").unlink()
    assert main(words) == 0
    assert picture.read_bytes() == whole

    def refuses(*_: Any) -> Any:
        raise AssertionError("drawn although nothing has changed")

    monkeypatch.setattr(Model, "draw", refuses)
    capsys.readouterr()
    assert main(words) == 0
    wrote = [line for line in told.splitlines() if line.startswith("  wrote")]
    assert len(wrote) == 2
    assert [line for line in capsys.readouterr().out.splitlines() if "wrote" in line] == wrote
