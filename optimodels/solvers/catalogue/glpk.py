"""GLPK: the GNU linear programming kit, linear and mixed-integer linear problems."""

from __future__ import annotations

from dataclasses import replace

from optimodels.solvers.registry import DEFAULT_GAP, Options, Solver

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

_SIMPLEX = frozenset(
    [
        "msg_lev",
        "meth",
        "pricing",
        "r_test",
        "tol_bnd",
        "tol_dj",
        "tol_piv",
        "obj_ll",
        "obj_ul",
        "it_lim",
        "tm_lim",
        "out_frq",
        "out_dly",
        "presolve",
    ]
)
_BRANCHING = frozenset(
    [
        "msg_lev",
        "br_tech",
        "bt_tech",
        "pp_tech",
        "fp_heur",
        "ps_heur",
        "ps_tm_lim",
        "gmi_cuts",
        "mir_cuts",
        "cov_cuts",
        "clq_cuts",
        "tol_int",
        "tol_obj",
        "mip_gap",
        "tm_lim",
        "out_frq",
        "out_dly",
        "cb_size",
        "presolve",
        "binarize",
    ]
)

SOLVERS = (
    _PROGRAM,
    replace(
        _WHEEL,
        classes=frozenset({"MILP"}),
        native="GLPK_MI",
        options=Options(time="tm_lim", gap="mip_gap", default_gap=DEFAULT_GAP, whole_time=1e-3),
        knows=_BRANCHING.__contains__,
        aborts=True,
        findings=(
            "CVXOPT brings GLPK 4.65, which ends the whole process where its preprocessing leaves "
            "a row and no column: an integer problem through CVXPY always gets one of its own.",
        ),
    ),
    replace(
        _WHEEL,
        classes=frozenset({"LP"}),
        native="GLPK",
        options=Options(time="tm_lim", inside="glpk", whole_time=1e-3),
        knows=_SIMPLEX.__contains__,
    ),
)
