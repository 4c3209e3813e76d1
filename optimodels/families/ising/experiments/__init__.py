"""The experiments of paper 001, sections 3 to 5.2: one file each."""

from optimodels.families.ising.experiments import (
    boundaries,
    decorrelation,
    field_response,
    phase_transition,
    robustness,
)

__all__ = ["boundaries", "decorrelation", "field_response", "phase_transition", "robustness"]
