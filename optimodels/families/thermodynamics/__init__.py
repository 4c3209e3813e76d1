"""Statistical mechanics of markets (paper 000)."""

from __future__ import annotations

from optimodels.families.thermodynamics import meanings
from optimodels.model import Caption, declare

MODELS = {
    model.name: model
    for model in (
        declare(
            __name__,
            "degeneracy",
            title="Degeneracy: how many states of N machines have one excess product",
            source="000, section 2.1",
            meanings=meanings.DEGENERACY,
            captions={
                "degeneracy": Caption(
                    "How many states have an excess product, exact and as the Gaussian has it; "
                    "beside it the peak, as a part of its height.",
                    "levels",
                ),
                "sharpness": Caption(
                    "The peak of the degeneracy, as a part of its height, by the number of "
                    "machines N."
                ),
            },
        ),
        declare(
            __name__,
            "contact-equilibrium",
            title="Contact equilibrium: how systems in contact share a total value",
            source="000, sections 2.3 to 4",
            program="contact_equilibrium",
            objective_unit="nats",
            meanings=meanings.CONTACT_EQUILIBRIUM,
            captions={
                "split": Caption(
                    "The entropy of two systems over the value of the first, by both entropies, "
                    "with the best split of each; dotted, what the solver found.",
                    "systems",
                ),
                "systems": Caption(
                    "Who holds the value, by the solver and by the closed form, and where the "
                    "machines are at the start and at equilibrium.",
                    "systems",
                ),
            },
        ),
        declare(
            __name__,
            "deviation-rates",
            title="Deviation rates: how often two systems in contact leave their equilibrium",
            source="000, section 3.1",
            meanings=meanings.DEVIATION_RATES,
            captions={
                "rates": Caption(
                    "How the states fall off beside the most probable split, by size; beside it "
                    "how long one waits for a deviation, read in three ways.",
                    "rates",
                ),
                "sharpness": Caption(
                    "The width of the peak by the number of machines, and the states that the "
                    "case's deviation leaves, by the paper's (7) and exact."
                ),
            },
        ),
    )
}
