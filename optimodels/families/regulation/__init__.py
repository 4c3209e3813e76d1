"""Demand response and regulation: markets, participation, frequency and cost (paper 003)."""

from __future__ import annotations

from optimodels.model import Caption, declare

MODELS = {
    model.name: model
    for model in (
        declare(
            __name__,
            "market-clearing",
            title="Market clearing: the double auction of supply and responsive demand",
            source="003, sections 3.1, 3.2 and 3.4",
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
            captions={
                "participation": Caption(
                    "What each resource gives of the change, with its limit, and the marginal "
                    "price of each response up to the price of regulation.",
                    "resources",
                )
            },
        ),
    )
}
