"""One problem to one solver in this process: what it claims, and of what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from optimodels.errors import OptimodelsError, UnavailableError
from optimodels.model import ExactAnswer, Formulation, ProblemClass, load
from optimodels.result import Claim
from optimodels.solvers.languages import Problem, language_for, open_problem
from optimodels.solvers.registry import Request, Solver
from optimodels.solvers.timing import timed

if TYPE_CHECKING:
    from optimodels.form import Form

_CURVED: frozenset[ProblemClass] = frozenset({"QP", "QCQP", "MIQP", "MIQCQP"})


@dataclass(frozen=True)
class Attempt:
    """A solver's claim with the canonical form of what was claimed about; ``seconds`` by station.

    ``form`` is None only where the process died before there was one.
    """

    form: Form | None
    claim: Claim
    seconds: dict[str, float]


def attempt_here(
    formulation: Formulation[Any],
    data: Any,
    solver: Solver | None,
    request: Request,
    ready: Callable[[Form], None] | None = None,
) -> Attempt:
    """Solve in this process; ``ready`` is called with the form before the solver begins."""
    via = solver.via if solver else language_for(formulation, request.via)
    started = perf_counter()
    problem = open_problem(formulation, data, via)
    built = perf_counter()
    if solver is None:
        form = problem.form
        if ready is not None:
            ready(form)
        begun = perf_counter()
        try:
            claim = exact_claim(formulation, data, form)
        except MemoryError as error:
            claim = Claim("memory", message=str(error))
        inside = {**problem.seconds, "solve": perf_counter() - begun}
    else:
        _refuse_nonconvex(problem, solver)
        run = load(solver.driver) if solver.driver else type(problem).solve

        def about_to(form: Form) -> None:
            if solver.fits is not None and not solver.fits(form):
                raise UnavailableError(
                    "solver", f"{solver.name} through {via} cannot take this problem"
                )
            if ready is not None:
                ready(form)

        try:
            claim = run(problem, solver, request.limits, request.options, request.live, about_to)
        except (OptimodelsError, MemoryError):
            raise
        except Exception as error:  # interfaces raise whatever a solver or its options cause
            # PySCIPOpt's way to say how SCIP ended is an exception of no kind.
            kind = "" if type(error) is Exception else f"{type(error).__name__}: "
            said = " ".join(f"{kind}{error}".split())
            claim = Claim("error", message=f"{solver.name}: {said[:300]}")
        form, inside = problem.form, dict(problem.seconds)
    whole = perf_counter() - built
    read = max(0.0, whole - sum(inside.values()))
    if claim.x is not None and np.isfinite(claim.x).all():
        with timed(inside):
            claim = replace(claim, stated=problem.stated(claim.x))
    return Attempt(form, claim, {"build": built - started, **inside, "read": read})


def _refuse_nonconvex(problem: Problem, solver: Solver) -> None:
    """Raise UnavailableError where the data bend a problem that the solver takes to be convex.

    HiGHS calls stationary points of indefinite objectives optimal. CVXPY's own rules see to it
    that nothing bent leaves it.
    """
    if solver.via == "cvxpy" or not solver.classes & _CURVED or "NONCONVEX" in solver.classes:
        return
    from optimodels.verify.convexity import as_convex, positive_semidefinite

    form = problem.form
    bent = [row.name for row in form.quadratic_rows if as_convex(form, row) is None]
    if form.quadratic is not None and not positive_semidefinite(form.sign * form.quadratic):
        bent.insert(0, "the objective")
    if bent:
        raise UnavailableError(
            "solver",
            f"{solver.name} takes only convex problems, and {bent[0]} is not convex here; use one "
            "that takes NONCONVEX, as scip does",
        )


def exact_claim(formulation: Formulation[Any], data: Any, form: Form) -> Claim:
    """Put the answer of a family's own algorithm in the order of the form."""
    assert formulation.exact is not None
    answer: ExactAnswer = formulation.exact(data)
    if answer.values is None:
        return Claim("infeasible", message=answer.message)
    return Claim(
        "optimal",
        "optimal",
        message=answer.message,
        x=form.vector(answer.values),
        objective=answer.objective,
        bound=answer.bound,
        row_multipliers=form.row_vector(answer.duals) if answer.duals else None,
        proven=answer.proven,
    )
