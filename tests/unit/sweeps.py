"""Small sweeps that tests of runs share."""

from __future__ import annotations

from pathlib import Path

from optimodels.case import Case, load_case

CASES = Path(__file__).parents[2] / "cases" / "flexibility"
HEAD = "model: flexibility/aggregator-mapping\n"
SMALL = (
    HEAD + "solver: exact\n"
    "sweep: {grid: {parameters.slack: [0, 0.5], parameters.aggregators: [2, 5, 60]}}\n"
)


def case_of(text: str, folder: Path) -> Case:
    (folder / "case.yaml").write_text(text)
    return load_case(folder / "case.yaml")
