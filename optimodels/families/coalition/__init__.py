"""Microgrid coalitions on a public network (poster 004)."""

from __future__ import annotations

from optimodels.families.coalition import meanings
from optimodels.model import Caption, declare

_CAPTIONS = {
    "flows": Caption(
        "Flows on public and private branches, as wide as they are large, and what every bus "
        "exchanges with the public network.",
        "agents",
    ),
    "losses": Caption(
        "Total losses against the density of the private network, by model: the median of the "
        "draws and their middle half. Below a density: the mean number of private branches."
    ),
    "excess": Caption(
        "What self-interested groups lose beyond what cooperation loses on the same draw, against "
        "the size of the largest group; a point a draw, its colour the number of private branches."
    ),
}

_MODELS = (
    ("integrated", "Integrated: least cost with public flow as free transport"),
    ("cooperative", "Cooperative: least cost where public flow obeys physics"),
    ("self-interested", "Self-interested: groups trade for their profit, the grid settles"),
    ("ad-hoc", "Ad hoc: neighbours trade two at a time, the grid settles"),
)

MODELS = {
    model.name: model
    for model in (
        declare(
            __name__,
            short,
            program=short.replace("-", "_"),
            title=title,
            source="004, four models of agent behaviour; reconstructed",
            objective_unit="price x pu",
            solver="clarabel",
            network="case300",
            captions=_CAPTIONS,
            meanings=meanings.DISPATCH,
        )
        for short, title in _MODELS
    )
} | {
    model.name: model
    for model in (
        declare(
            __name__,
            "payments",
            parameters="game_parameters",
            title="Payments: what agents can be paid so that no coalition leaves",
            source="004, formulation as a game and conclusion; reconstructed",
            meanings=meanings.PAYMENTS,
            objective_unit="price x pu",
            solver="clarabel",
            network="case33bw",
            captions={
                "payments": Caption(
                    "What each agent gains over being alone, by the prices of the common optimum "
                    "and by three solutions of the game.",
                    "agents",
                ),
                "cores": Caption(
                    "Instances without a core, by what coalitions expect of outsiders and by the "
                    "resale price."
                ),
            },
        ),
        declare(
            __name__,
            "formation",
            parameters="game_parameters",
            title="Formation: which groups form, and what their selfishness costs",
            source="004, formulation as a game and future work; reconstructed",
            meanings=meanings.FORMATION,
            objective_unit="price x pu",
            solver="clarabel",
            network="case33bw",
            captions={
                "partitions": Caption(
                    "Losses of every partition by its number of groups; those that are stable by "
                    "the rules are marked.",
                    "partitions",
                )
            },
        ),
    )
}
