"""What each experiment does, as a short list of stages."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from optimodels.families.ising import equilibrium, experiments, preparation
from optimodels.families.ising.data import Society, read
from optimodels.families.ising.parameters import (
    Boundaries,
    Decorrelation,
    Ensemble,
    FieldResponse,
    PhaseTransition,
    Robustness,
)
from optimodels.model import Compute, Done, Outcome, Program, Solve


def _experiment(
    parameters: Ensemble,
    told: ModuleType,
    run: Callable[[Society, Done], Outcome],
    before: tuple[Solve, ...] = (),
    after: tuple[Compute, ...] = (),
) -> Program:
    """What the start and the aggregators need is solved first, then the spins move."""
    evolution = Compute("evolution", run, told.EQUATIONS)
    return Program(
        read=read,
        stages=(*preparation.stages(parameters), *before, evolution, *after),
        report=told.report,
        main=after[-1].name if after else "evolution",
        labels=lambda society: {"bus": (society.customers.buses + 1).tolist()},
    )


def decorrelation(parameters: Decorrelation) -> Program:
    """The start is compared with what becomes of it."""
    told = experiments.decorrelation
    return _experiment(parameters, told, told.decorrelate)


def phase_transition(parameters: PhaseTransition) -> Program:
    """Temperatures side by side; at equilibrium exact values stand beside them."""
    told = experiments.phase_transition
    held = Compute("equilibrium", told.hold_against_exact, equilibrium.EQUATIONS, equilibrium.asked)
    return _experiment(parameters, told, told.evolve_all, after=(held,))


def field_response(parameters: FieldResponse) -> Program:
    """The optimum of the shiftable loads sets the target."""
    told = experiments.field_response
    return _experiment(parameters, told, told.respond, before=(told.SHIFT,))


def robustness(parameters: Robustness) -> Program:
    """The balanced optimum is perturbed."""
    told = experiments.robustness
    return _experiment(parameters, told, told.perturb)


def boundaries(parameters: Boundaries) -> Program:
    """The mapping of the buses decides who listens to whom."""
    told = experiments.boundaries
    return _experiment(parameters, told, told.compare)
