"""SciPy's ``linprog`` and ``milp``, which every installation has; the engine is HiGHS."""

from __future__ import annotations

from optimodels.solvers.registry import DEFAULT_GAP, NUMBER, Options, Solver, among

_KNOWN: dict[str, type | tuple[type, ...]] = {
    "method": str, "disp": bool, "presolve": bool, "time_limit": NUMBER, "mip_rel_gap": NUMBER,
    "node_limit": int, "maxiter": int, "primal_feasibility_tolerance": NUMBER,
    "dual_feasibility_tolerance": NUMBER, "ipm_optimality_tolerance": NUMBER,
    "simplex_dual_edge_weight_strategy": str,
}  # fmt: skip

SOLVERS = (
    Solver(
        name="scipy",
        via="cvxpy",
        classes=frozenset({"LP", "MILP"}),
        native="SCIPY",
        distribution="scipy",
        module="scipy",
        options=Options(
            time="time_limit", gap="mip_rel_gap", default_gap=DEFAULT_GAP, inside="scipy_options"
        ),
        licence="BSD-3-Clause",
        homepage="scipy.org",
        runs="highs",
        takes=among(_KNOWN),
        keeps_incumbent=True,
        exclusions={"unbounded MILP": ("error", "CVXPY takes its status 4 for a failure")},
    ),
)
