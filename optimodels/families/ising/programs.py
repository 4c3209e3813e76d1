"""What each experiment does, as a short list of stages."""

from __future__ import annotations

from collections.abc import Callable

from optimodels.families.ising import preparation
from optimodels.families.ising.data import Society, read
from optimodels.families.ising.experiments import (
    boundaries as bounds,
)
from optimodels.families.ising.experiments import (
    decorrelation as forgetting,
)
from optimodels.families.ising.experiments import (
    field_response as response,
)
from optimodels.families.ising.experiments import (
    phase_transition as transition,
)
from optimodels.families.ising.experiments import (
    robustness as perturbation,
)
from optimodels.families.ising.parameters import (
    Boundaries,
    Decorrelation,
    Ensemble,
    FieldResponse,
    PhaseTransition,
    Robustness,
)
from optimodels.model import Answer, Compute, Done, Outcome, Program, Solve


def _experiment(
    parameters: Ensemble,
    run: Callable[[Society, Done], Outcome],
    equations: tuple[str, ...],
    report: Callable[[Society, Done], Answer],
    before: tuple[Solve, ...] = (),
    after: tuple[Compute, ...] = (),
) -> Program:
    """What the start and the aggregators need is solved first, then the spins move."""
    evolution = Compute("evolution", run, equations)
    return Program(
        read=read,
        stages=(*preparation.stages(parameters), *before, evolution, *after),
        report=report,
        main=after[-1].name if after else "evolution",
        labels=lambda society: {"bus": (society.customers.buses + 1).tolist()},
    )


def decorrelation(parameters: Decorrelation) -> Program:
    """The start is compared with what becomes of it."""
    return _experiment(parameters, forgetting.decorrelate, forgetting.EQUATIONS, forgetting.report)


def phase_transition(parameters: PhaseTransition) -> Program:
    """Temperatures side by side; at equilibrium exact values stand beside them."""
    return _experiment(
        parameters,
        transition.evolve_all,
        transition.EQUATIONS,
        transition.report,
        after=(Compute("equilibrium", transition.hold_against_exact),),
    )


def field_response(parameters: FieldResponse) -> Program:
    """The optimum of the shiftable loads sets the target."""
    return _experiment(
        parameters, response.respond, response.EQUATIONS, response.report, (response.SHIFT,)
    )


def robustness(parameters: Robustness) -> Program:
    """The balanced optimum is perturbed."""
    return _experiment(
        parameters, perturbation.perturb, perturbation.EQUATIONS, perturbation.report
    )


def boundaries(parameters: Boundaries) -> Program:
    """The mapping of the buses decides who listens to whom."""
    return _experiment(parameters, bounds.compare, bounds.EQUATIONS, bounds.report)
