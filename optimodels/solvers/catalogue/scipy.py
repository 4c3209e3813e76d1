"""SciPy's ``linprog`` and ``milp``, which every installation has; the engine is HiGHS."""

from __future__ import annotations

from optimodels.solvers.registry import DEFAULT_GAP, Options, Solver

_KNOWN = frozenset(
    [
        "method",
        "disp",
        "presolve",
        "time_limit",
        "mip_rel_gap",
        "node_limit",
        "maxiter",
        "primal_feasibility_tolerance",
        "dual_feasibility_tolerance",
        "ipm_optimality_tolerance",
        "simplex_dual_edge_weight_strategy",
    ]
)

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
        knows=_KNOWN.__contains__,
        keeps_incumbent=True,
        exclusions={"unbounded MILP": ("error", "CVXPY takes its status 4 for a failure")},
    ),
)
