"""Pyomo's models to SCIP, whose messages go through Python.

Pyomo reads SCIP's log through a pipe, in a thread, and calls SCIP so that no other thread runs
meanwhile: a log that is longer than the pipe (64 KiB, some 450 lines) stopped both for ever. What
Python itself writes lets that thread read. SCIP must not run beside Python instead: who else used
it in the process may have left a printer of errors that is Python's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pyomo.contrib.solver.solvers.scip.scip_direct import ScipDirect

from optimodels.form import Form
from optimodels.result import Claim
from optimodels.solvers.registry import Limits, Solver

if TYPE_CHECKING:
    from optimodels.solvers.pyomo_language import PyomoProblem


def solve_by_scip(
    problem: PyomoProblem,
    solver: Solver,
    limits: Limits,
    options: Mapping[str, Any],
    live: bool,
    ready: Callable[[Form], None] | None = None,
) -> Claim:
    """Solve a model by SCIP through Pyomo's interface."""
    return problem.solve(solver, limits, options, live, ready, _Redirected())


class _Redirected(ScipDirect):  # type: ignore[misc]
    def _create_solver_model(self, model: Any, config: Any) -> tuple[Any, Any, Any]:
        made: tuple[Any, Any, Any] = super()._create_solver_model(model, config)
        made[0].redirectOutput()
        return made
