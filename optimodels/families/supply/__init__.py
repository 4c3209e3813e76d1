"""Supply curves: equilibrium bidding and least-squares fits (paper 002)."""

from __future__ import annotations

from optimodels.model import declare

MODELS = {
    model.name: model
    for model in (
        declare(
            __name__,
            "bidding-equilibrium",
            title="Bidding equilibrium: what firms bid against a random demand",
            source="002, section 2, (2.5)",
        ),
        declare(
            __name__,
            "q-exponential-fit",
            title="q-exponential fit: the expected supply curve in three parameters",
            source="002, section 3",
            program="q_exponential_fit",
            objective_unit="price^2",
            solver="exact",
        ),
    )
}
