"""Statistical mechanics of markets (paper 000)."""

from __future__ import annotations

from optimodels.model import Model

_HERE = "optimodels.families.thermodynamics"


def _model(short: str, title: str, section: str, program: str, unit: str = "") -> Model:
    """One model; its parameters and pictures stand under its name in their files."""
    name = short.replace("-", "_")
    return Model(
        name=f"thermodynamics/{short}",
        title=title,
        source=f"000, {section}",
        parameters=f"{_HERE}.parameters:{short.title().replace('-', '')}",
        program=f"{_HERE}.programs:{program}",
        pictures=f"{_HERE}.pictures:{name}",
        objective_unit=unit,
    )


MODELS = {
    model.name: model
    for model in (
        _model(
            "degeneracy",
            "Degeneracy: how many states of N machines have one excess product",
            "section 2.1",
            "DEGENERACY",
        ),
        _model(
            "contact-equilibrium",
            "Contact equilibrium: how systems in contact share a total value",
            "sections 2.3 to 4",
            "contact_equilibrium",
            "nats",
        ),
        _model(
            "deviation-rates",
            "Deviation rates: how often two systems in contact leave their equilibrium",
            "section 3.1",
            "DEVIATION_RATES",
        ),
    )
}
