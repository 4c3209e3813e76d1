"""Statistical mechanics of markets (paper 000)."""

from __future__ import annotations

from optimodels.families.thermodynamics import meanings
from optimodels.model import declare

MODELS = {
    model.name: model
    for model in (
        declare(
            __name__,
            "degeneracy",
            title="Degeneracy: how many states of N machines have one excess product",
            source="000, section 2.1",
            meanings=meanings.DEGENERACY,
        ),
        declare(
            __name__,
            "contact-equilibrium",
            title="Contact equilibrium: how systems in contact share a total value",
            source="000, sections 2.3 to 4",
            program="contact_equilibrium",
            objective_unit="nats",
            meanings=meanings.CONTACT_EQUILIBRIUM,
        ),
        declare(
            __name__,
            "deviation-rates",
            title="Deviation rates: how often two systems in contact leave their equilibrium",
            source="000, section 3.1",
            meanings=meanings.DEVIATION_RATES,
        ),
    )
}
