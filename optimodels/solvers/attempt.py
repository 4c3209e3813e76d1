"""One problem to one solver, here or in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from optimodels.model import Formulation
from optimodels.solvers.in_process import Attempt, attempt_here
from optimodels.solvers.registry import Request, Solver

if TYPE_CHECKING:
    from optimodels.form import Form


def attempt(
    formulation: Formulation[Any],
    data: Any,
    solver: Solver | None,
    request: Request,
    ready: Callable[[Form], None] | None = None,
) -> Attempt:
    """Solve an instance by a solver, or by the family's own algorithm where it is None.

    ``ready`` is called with the form before the solver begins. It gets a process of its own where
    the request says so, where a limit on time or memory was asked for that the solver does not
    keep itself, and where the solver may end the process that it runs in.
    """
    if needs_process(solver, request):
        # Loaded only where it is used: it takes part of a start-up.
        from optimodels.solvers.isolation import attempt_isolated

        return attempt_isolated(formulation, data, solver, request, ready)
    return attempt_here(formulation, data, solver, request, ready)


def needs_process(solver: Solver | None, request: Request) -> bool:
    if request.isolate is not None:
        return request.isolate
    if solver is not None and solver.aborts:
        return True
    limits = request.limits
    keeps_time = solver is not None and solver.options.keeps("time")
    return limits.memory is not None or (limits.time is not None and not keeps_time)
