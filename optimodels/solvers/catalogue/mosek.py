"""MOSEK, where it is installed and licensed."""

from __future__ import annotations

from dataclasses import replace

from optimodels.solvers.registry import DEFAULT_GAP, Options, Solver


def _licensed() -> bool:
    import mosek

    with mosek.Env() as env:
        env.checkoutlicense(mosek.feature.pton)
    return True


_PARAMETERS = Options(
    time="MSK_DPAR_OPTIMIZER_MAX_TIME",
    gap="MSK_DPAR_MIO_TOL_REL_GAP",
    threads="MSK_IPAR_NUM_THREADS",
    default_gap=DEFAULT_GAP,
    fixed={"MSK_DPAR_MIO_TOL_ABS_GAP": 0.0},
    inside="mosek_params",
)

_CVXPY = Solver(
    name="mosek",
    via="cvxpy",
    classes=frozenset({"LP", "QP", "QCQP", "SOCP", "EXP", "MILP", "MIQCQP"}),
    native="MOSEK",
    distribution="mosek",
    module="mosek",
    options=_PARAMETERS,
    licence="commercial",
    homepage="www.mosek.com",
    keeps_incumbent=True,
    strength=1,
    commercial=True,
    licensed=_licensed,
)

SOLVERS = (
    _CVXPY,
    replace(
        _CVXPY,
        via="pyomo",
        classes=frozenset({"LP", "QP", "MILP"}),
        native="mosek_direct",
        driver="optimodels.solvers.pyomo_programs:solve",
        options=Options(
            time="dparam.optimizer_max_time",
            gap="dparam.mio_tol_rel_gap",
            threads="iparam.num_threads",
            default_gap=DEFAULT_GAP,
            fixed={"dparam.mio_tol_abs_gap": 0.0},
        ),
    ),
)
