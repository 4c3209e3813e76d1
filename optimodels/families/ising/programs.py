"""What each experiment does, as a short list of stages."""

from __future__ import annotations

from optimodels.families.ising import preparation
from optimodels.families.ising.data import read
from optimodels.families.ising.experiments import decorrelation as forgetting
from optimodels.families.ising.experiments import phase_transition as transition
from optimodels.families.ising.parameters import Decorrelation, PhaseTransition
from optimodels.model import Compute, Program


def decorrelation(parameters: Decorrelation) -> Program:
    """Its stages: what the start and the aggregators need, then the evolution."""
    return Program(
        read=read,
        stages=(
            *preparation.stages(parameters),
            Compute("evolution", forgetting.decorrelate, forgetting.EQUATIONS),
        ),
        report=forgetting.report,
        main="evolution",
    )


def phase_transition(parameters: PhaseTransition) -> Program:
    """Likewise."""
    return Program(
        read=read,
        stages=(
            *preparation.stages(parameters),
            Compute("evolution", transition.evolve_all, transition.EQUATIONS),
        ),
        report=transition.report,
        main="evolution",
    )
