"""Experiments with customers as Ising spins (paper 001)."""

from __future__ import annotations

from optimodels.model import declare

MODELS = {
    model.name: model
    for model in (
        declare(
            __name__,
            "decorrelation",
            title="Decorrelation: how soon customers forget where they started",
            source="001, section 3 and figure 2",
            program="decorrelation",
            network="case33bw",
        ),
        declare(
            __name__,
            "phase-transition",
            title="Phase transition: where customers lose their common opinion",
            source="001, section 3 and figure 2, inset",
            program="phase_transition",
            network="case33bw",
        ),
    )
}
