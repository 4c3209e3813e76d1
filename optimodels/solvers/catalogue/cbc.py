"""CBC: mixed-integer linear problems; its linear engine is CLP."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import Any

from optimodels.solvers.registry import DEFAULT_GAP, NUMBER, Options, Solver, among, find_program

#: What the program says, and goes on, where an option or its value is wrong.
_COMPLAINTS = ("No match for", "is illegal for", "valid range is", "Possible options for")


def _program_takes(option: str, value: Any) -> bool:
    """Let the program set an option: it complains, and goes on, where it cannot."""
    asked = [f"-{option}?", "-quit"], [f"-{option}", str(value), "-quit"]
    said = [
        subprocess.run(
            [find_program("cbc") or "cbc", *words],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=20,
        ).stdout
        for words in asked
    ]
    return "No match for" not in said[0] and not any(word in said[1] for word in _COMPLAINTS)


def _wheel_takes(option: str, value: Any) -> bool:
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
    takes=_program_takes,
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
    takes=_wheel_takes,
    findings=(
        "Through CVXPY it hears Ctrl-C itself and says no more than that it failed; with "
        "`--isolate`, and through Pyomo, it is heard here.",
    ),
)

_CLP: dict[str, type | tuple[type, ...]] = {
    "dualTolerance": NUMBER, "primalTolerance": NUMBER, "maxNumIteration": int, "logLevel": int,
    "automaticScaling": bool, "scaling": int, "infeasibilityCost": NUMBER,
    "optimizationDirection": str, "presolve": str,
}  # fmt: skip

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
    replace(
        _WHEEL,
        classes=frozenset({"LP"}),
        options=Options(),
        takes=among(_CLP),
        keeps_incumbent=False,
    ),
)
