"""Small sweeps that tests of runs share."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from optimodels.case import Case, load_case
from optimodels.runs.work import run_one

CASES = Path(__file__).parents[2] / "cases" / "flexibility"
HEAD = "model: flexibility/aggregator-mapping\n"
SMALL = (
    HEAD + "solver: exact\n"
    "sweep: {grid: {parameters.slack: [0, 0.5], parameters.aggregators: [2, 5, 60]}}\n"
)


def case_of(text: str, folder: Path) -> Case:
    (folder / "case.yaml").write_text(text)
    return load_case(folder / "case.yaml")


def kills_itself(case: bytes, values: Mapping[str, Any], key: str) -> tuple[bytes, str]:
    if values["parameters.aggregators"] == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return run_one(case, values, key)
