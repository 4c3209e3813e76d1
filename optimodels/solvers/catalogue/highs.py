"""HiGHS: linear, convex quadratic and mixed-integer linear problems."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from optimodels.solvers.registry import DEFAULT_GAP, Options, Solver


def _takes(option: str, value: Any) -> bool:
    import highspy

    engine = highspy.Highs()
    engine.setOptionValue("output_flag", False)
    try:
        return bool(engine.setOptionValue(option, value) == highspy.HighsStatus.kOk)
    except TypeError:  # neither a number nor a word
        return False


_CVXPY = Solver(
    name="highs",
    via="cvxpy",
    classes=frozenset({"LP", "QP", "MILP"}),
    native="HIGHS",
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
    keeps_incumbent=True,
    strength=1,
    takes=_takes,
    findings=(
        "1.15.1 called a strongly convex QP of five variables optimal at 152151.42; its optimum is "
        "22826.47 (tests/data/highs-qp-wrong.json). Every QP answer is certified or refuted.",
        "Its QP method may go round without end on degenerate problems (markets of many step bids "
        "beside curves); `time_limit` ends it, clarabel does not know the trouble.",
        "It calls stationary points of indefinite quadratic objectives optimal: such problems are "
        "refused before they reach it.",
    ),
)

# CVXPY first: beside SciPy it loads and compiles faster than Pyomo.
SOLVERS = (
    _CVXPY,
    replace(
        _CVXPY, via="pyomo", native="highs", driver="optimodels.solvers.pyomo_arrays:solve_by_highs"
    ),
)
