"""Pyomo's models to SCIP, with Python's other threads free while SCIP works.

Pyomo reads SCIP's log through a pipe, in a thread, and calls SCIP so that no other thread runs
meanwhile: a log that is longer than the pipe (64 KiB, some 450 lines) stopped both for ever.
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
    return problem.solve(solver, limits, options, live, ready, _Releasing())


class _Released:
    """SCIP's model, whose ``optimize`` lets other threads run."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def optimize(self) -> None:
        self._model.optimizeNogil()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


class _Releasing(ScipDirect):  # type: ignore[misc]
    def _create_solver_model(self, model: Any, config: Any) -> tuple[Any, Any, Any]:
        scip, loader, has_objective = super()._create_solver_model(model, config)
        return _Released(scip), loader, has_objective
