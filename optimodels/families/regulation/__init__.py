"""Demand response and regulation: markets, participation, frequency and cost (paper 003)."""

from __future__ import annotations

from optimodels.families.regulation import meanings
from optimodels.model import Caption, declare

MODELS = {
    model.name: model
    for model in (
        declare(
            __name__,
            "market-clearing",
            title="Market clearing: the double auction of supply and responsive demand",
            source="003, sections 3.1, 3.2 and 3.4",
            meanings=meanings.MARKET_CLEARING,
            program="market_clearing",
            captions={
                "clearing": Caption(
                    "Supply and demand of each area with the price at which it clears, and what "
                    "either side gains by the trade.",
                    "areas",
                )
            },
        ),
        declare(
            __name__,
            "participation",
            title="Participation: who regulates a change, and at what price",
            source="003, section 3.5",
            meanings=meanings.PARTICIPATION,
            captions={
                "participation": Caption(
                    "What each resource gives of the change, with its limit, and the marginal "
                    "price of each response up to the price of regulation.",
                    "resources",
                )
            },
        ),
        declare(
            __name__,
            "frequency-response",
            title="Frequency response: two areas after a loss of power",
            source="003, sections 2.2, 3.1, 3.3, 5.1 and 5.2",
            meanings=meanings.FREQUENCY_RESPONSE,
            parameters="physical_parameters",
            captions={
                "response": Caption(
                    "Frequency, and by how much generation, responsive load and exports of the "
                    "study area change, over the whole run.",
                    "trajectory",
                ),
                "response-start": Caption(
                    "Frequency, generation, responsive load and exports in the first ten seconds.",
                    "trajectory",
                ),
                "ace": Caption(
                    "The frequency that the area is given, its area control error by demand "
                    "response, and the power that regulates.",
                    "trajectory",
                ),
            },
        ),
        declare(
            __name__,
            "regulation-cost",
            title="Regulation cost: who is paid for regulation between dispatches",
            source="003, sections 3.4, 3.5 and 5.3",
            meanings=meanings.REGULATION_COST,
            parameters="physical_parameters",
            captions={
                "prices": Caption(
                    "Prices of dispatch and of regulation, and what the area's own deviations owe.",
                    "prices",
                ),
                "resources": Caption("What each resource is paid.", "resources"),
                "costs": Caption("Cost of regulation by resource, over the runs of the sweep."),
            },
        ),
    )
}
