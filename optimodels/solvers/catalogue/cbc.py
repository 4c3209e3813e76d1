"""CBC: mixed-integer linear problems; its linear engine is CLP."""

from __future__ import annotations

import subprocess
from dataclasses import replace

from optimodels.solvers.registry import DEFAULT_GAP, Options, Solver, find_program


def _program_knows(option: str) -> bool:
    """Ask the program for help on an option; it goes on without a word where it has none."""
    said = subprocess.run(
        [find_program("cbc") or "cbc", f"-{option}?", "-quit"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=20,
    ).stdout
    return "No match for" not in said


def _wheel_knows(option: str) -> bool:
    from cylp.cy.CyCbcModel import CyCbcModel

    return hasattr(CyCbcModel, option)


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
    knows=_program_knows,
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
    knows=_wheel_knows,
)

_CLP = frozenset(
    [
        "dualTolerance",
        "primalTolerance",
        "maxNumIteration",
        "logLevel",
        "automaticScaling",
        "scaling",
        "infeasibilityCost",
        "optimizationDirection",
        "presolve",
    ]
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
    # CLP, by what CVXPY hands on to it.
    replace(_WHEEL, classes=frozenset({"LP"}), options=Options(), knows=_CLP.__contains__),
)
