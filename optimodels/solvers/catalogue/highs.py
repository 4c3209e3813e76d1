"""HiGHS: linear, convex quadratic and mixed-integer linear problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optimodels.solvers.registry import DEFAULT_GAP, Limits, Solver, Via

# CVXPY first: beside SciPy it loads and compiles faster than Pyomo.
_NAMES: tuple[tuple[Via, str], ...] = (("cvxpy", "HIGHS"), ("pyomo", "highs"))


def _options(limits: Limits, own: Mapping[str, Any]) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "mip_rel_gap": DEFAULT_GAP if limits.gap is None else limits.gap,
        # The absolute gap would otherwise end the search on small objectives.
        "mip_abs_gap": 0.0,
    }
    if limits.time is not None:
        arguments["time_limit"] = float(limits.time)
    if limits.threads is not None:
        arguments["threads"] = limits.threads
    return arguments | dict(own)


SOLVERS = tuple(
    Solver(
        name="highs",
        via=via,
        classes=frozenset({"LP", "QP", "MILP"}),
        native=native,
        distribution="highspy",
        module="highspy",
        options=_options,
        licence="MIT",
        homepage="highs.dev",
    )
    for via, native in _NAMES
)
