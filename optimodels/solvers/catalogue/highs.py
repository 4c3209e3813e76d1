"""HiGHS: linear, convex quadratic and mixed-integer linear problems."""

from __future__ import annotations

from optimodels.solvers.registry import DEFAULT_GAP, Options, Solver, Via

# CVXPY first: beside SciPy it loads and compiles faster than Pyomo.
_NAMES: tuple[tuple[Via, str], ...] = (("cvxpy", "HIGHS"), ("pyomo", "highs"))

SOLVERS = tuple(
    Solver(
        name="highs",
        via=via,
        classes=frozenset({"LP", "QP", "MILP"}),
        native=native,
        distribution="highspy",
        module="highspy",
        options=Options(
            time="time_limit",
            gap="mip_rel_gap",
            threads="threads",
            default_gap=DEFAULT_GAP,
            # The absolute gap would otherwise end the search on small objectives.
            fixed={"mip_abs_gap": 0.0},
        ),
        licence="MIT",
        homepage="highs.dev",
    )
    for via, native in _NAMES
)
