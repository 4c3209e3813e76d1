"""SciPy's ``linprog`` and ``milp``, which every installation has; the engine is HiGHS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optimodels.solvers.registry import DEFAULT_GAP, Limits, Solver


def _options(limits: Limits, own: Mapping[str, Any]) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "mip_rel_gap": DEFAULT_GAP if limits.gap is None else limits.gap,
    }
    if limits.time is not None:
        arguments["time_limit"] = float(limits.time)
    return {"scipy_options": arguments | dict(own)}


SOLVERS = (
    Solver(
        name="scipy",
        via="cvxpy",
        classes=frozenset({"LP", "MILP"}),
        native="SCIPY",
        distribution="scipy",
        module="scipy",
        options=_options,
        limits=frozenset({"time", "gap"}),
        licence="BSD-3-Clause",
        homepage="scipy.org",
        runs="highs",
    ),
)
