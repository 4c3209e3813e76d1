"""Supply curves: equilibrium bidding and least-squares fits (papers 002 and 003)."""

from __future__ import annotations

from optimodels.families.supply import meanings
from optimodels.model import Caption, declare

MODELS = {
    model.name: model
    for model in (
        declare(
            __name__,
            "bidding-equilibrium",
            title="Bidding equilibrium: what firms bid against a random demand",
            source="002, section 2, (2.5)",
            meanings=meanings.BIDDING_EQUILIBRIUM,
            captions={
                "bids": Caption(
                    "What a firm bids, as the probability of a bid at or below; beside it the "
                    "expected price of every unit in order, with Monte Carlo means where there are "
                    "any.",
                    "bids",
                )
            },
        ),
        declare(
            __name__,
            "q-exponential-fit",
            title="q-exponential fit: the expected supply curve in three parameters",
            source="002, section 3 (x_k = k - 1/2 recovered from its tables)",
            program="q_exponential_fit",
            meanings=meanings.Q_EXPONENTIAL_FIT,
            objective_unit="price^2",
            solver="exact",
            captions={
                "fit": Caption(
                    "The expected price of every unit and the nearest q-exponential; below, what "
                    "is between them.",
                    "supply_curve",
                ),
                "trend": Caption("q of the nearest q-exponential by the number of firms."),
            },
        ),
        declare(
            __name__,
            "curve-fit",
            title="Curve fit: supply curves of several forms through the same points",
            source="002, section 3; 003, section 3.1 (the asymptotic form: our reading)",
            parameters="fit_parameters",
            meanings=meanings.CURVE_FIT,
            program="curve_fit",
            objective_unit="price^2",
            captions={
                "curves": Caption(
                    "The points with the curve of every form, the best one in bold; below, the "
                    "residuals of each, fit less price.",
                    "curves",
                )
            },
        ),
    )
}
