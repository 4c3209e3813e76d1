"""GLPK: the GNU linear programming kit, linear and mixed-integer linear problems."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import Any

from optimodels.solvers.registry import DEFAULT_GAP, Options, Solver, among, find_program


def _program_takes(option: str, value: Any) -> bool:
    """Let the program read an option: it says no and ends at the first that it cannot take.

    A flag has no value.
    """
    words = [f"--{option}", *([] if value is None else [str(value)])]
    said = subprocess.run(
        [find_program("glpsol") or "glpsol", *words, "--version"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=20,
    )
    return said.returncode == 0


_PROGRAM = Solver(
    name="glpk",
    via="pyomo",
    classes=frozenset({"LP", "MILP"}),
    native="glpk",
    program="glpsol",
    debian="glpk-utils",
    driver="optimodels.solvers.pyomo_programs:solve",
    options=Options(time="tmlim", gap="mipgap", default_gap=DEFAULT_GAP, whole_time=1.0),
    licence="GPL-3.0",
    homepage="www.gnu.org/software/glpk",
    keeps_incumbent=True,
    takes=_program_takes,
)
_WHEEL = replace(
    _PROGRAM,
    via="cvxpy",
    program="",
    debian="",
    distribution="cvxopt",
    module="cvxopt",
    driver="",
)

# By the types that CVXOPT hands on; any other value it puts back to its default, with a warning.
_BOTH: dict[str, type] = {"msg_lev": str, "tm_lim": int, "out_frq": int, "out_dly": int}
_SIMPLEX = _BOTH | {
    "meth": str, "pricing": str, "r_test": str, "tol_bnd": float, "tol_dj": float,
    "tol_piv": float, "obj_ll": float, "obj_ul": float, "it_lim": int, "presolve": str,
}  # fmt: skip
_BRANCHING = _BOTH | {
    "br_tech": str, "bt_tech": str, "pp_tech": str, "fp_heur": str, "gmi_cuts": str,
    "mir_cuts": str, "cov_cuts": str, "clq_cuts": str, "tol_int": float, "tol_obj": float,
    "mip_gap": float, "cb_size": int, "presolve": str, "binarize": str,
}  # fmt: skip

SOLVERS = (
    _PROGRAM,
    replace(
        _WHEEL,
        classes=frozenset({"MILP"}),
        native="GLPK_MI",
        options=Options(time="tm_lim", gap="mip_gap", default_gap=DEFAULT_GAP, whole_time=1e-3),
        takes=among(_BRANCHING),
        aborts=True,
        findings=(
            "CVXOPT brings GLPK 4.65, which ends the whole process where its preprocessing leaves "
            "a row and no column, or an option is out of range: through CVXPY it always gets one "
            "of its own.",
        ),
    ),
    replace(
        _WHEEL,
        classes=frozenset({"LP"}),
        native="GLPK",
        options=Options(time="tm_lim", inside="glpk", whole_time=1e-3),
        takes=among(_SIMPLEX),
        aborts=True,
        keeps_incumbent=False,
    ),
)
