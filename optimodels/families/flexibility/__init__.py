"""Flexibility of bus loads (paper 001)."""

from __future__ import annotations

from optimodels.families.flexibility.parameters import PROFILES
from optimodels.model import Model

_HERE = "optimodels.families.flexibility"


def _model(short: str, title: str, section: str, unit: str) -> Model:
    """One model; its parameters, program and pictures stand under its name in their files."""
    name = short.replace("-", "_")
    return Model(
        name=f"flexibility/{short}",
        title=title,
        source=f"001, {section}",
        parameters=f"{_HERE}.parameters:{short.title().replace('-', '')}",
        program=f"{_HERE}.programs:{name.upper()}",
        pictures=f"{_HERE}.pictures:{name}",
        objective_unit=unit,
        network="case33bw",
        profiles=PROFILES,
    )


MODELS = {
    model.name: model
    for model in (
        _model(
            "shiftable-loads",
            "Shiftable loads: when to be flexible, so that welfare is greatest",
            "section 4.1",
            "EUR",
        ),
        _model(
            "self-sustainability",
            "Self-sustainability: flexibility that balances within the network",
            "section 4.2",
            "buses",
        ),
        _model(
            "spin-assignment",
            "Spin assignment: customers whose states add up to their bus's",
            "section 4.2, (35)",
            "buses",
        ),
        _model(
            "aggregator-mapping",
            "Aggregator mapping: which aggregator holds which bus",
            "section 5.1, (38)",
            "EUR",
        ),
    )
}
