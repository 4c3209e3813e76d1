"""CBC: mixed-integer linear problems; its linear engine is CLP."""

from __future__ import annotations

from dataclasses import replace

from optimodels.solvers.registry import DEFAULT_GAP, Options, Solver

_PROGRAM = Solver(
    name="cbc",
    via="pyomo",
    classes=frozenset({"LP", "MILP"}),
    native="cbc",
    program="cbc",
    debian="coinor-cbc",
    driver="optimodels.solvers.pyomo_programs:solve",
    options=Options(
        time="sec",
        gap="ratioGap",
        threads="threads",
        default_gap=DEFAULT_GAP,
        fixed={"allowableGap": 0.0},
    ),
    licence="EPL-2.0",
    homepage="github.com/coin-or/Cbc",
    keeps_incumbent=True,
)
_WHEEL = replace(
    _PROGRAM,
    via="cvxpy",
    native="CBC",
    program="",
    debian="",
    distribution="cylp",
    module="cylp",
    driver="",
)

SOLVERS = (
    _PROGRAM,
    replace(
        _WHEEL,
        classes=frozenset({"MILP"}),
        options=Options(
            time="maximumSeconds",
            gap="allowableFractionGap",
            threads="numberThreads",
            default_gap=DEFAULT_GAP,
        ),
    ),
    replace(_WHEEL, classes=frozenset({"LP"}), options=Options()),
)
