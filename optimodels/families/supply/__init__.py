"""Supply curves: equilibrium bidding and least-squares fits (paper 002)."""

from __future__ import annotations

from optimodels.model import Model

_HERE = "optimodels.families.supply"


def _model(short: str, title: str, section: str, unit: str) -> Model:
    """One model; its parameters, program and pictures stand under its name in their files."""
    name = short.replace("-", "_")
    return Model(
        name=f"supply/{short}",
        title=title,
        source=f"002, {section}",
        parameters=f"{_HERE}.parameters:{short.title().replace('-', '')}",
        program=f"{_HERE}.programs:{name.upper()}",
        pictures=f"{_HERE}.pictures:{name}",
        objective_unit=unit,
    )


MODELS = {
    model.name: model
    for model in (
        _model(
            "bidding-equilibrium",
            "Bidding equilibrium: what firms bid against a random demand",
            "section 2, (2.5)",
            "",
        ),
        _model(
            "q-exponential-fit",
            "q-exponential fit: the expected supply curve in three parameters",
            "section 3",
            "price^2",
        ),
    )
}
