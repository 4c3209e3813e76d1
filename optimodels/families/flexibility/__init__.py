"""Flexibility of bus loads (paper 001)."""

from __future__ import annotations

from optimodels.families.flexibility.parameters import PROFILES
from optimodels.model import Caption, Model

_HERE = "optimodels.families.flexibility"

_CAPTIONS = {
    "hours": Caption(
        "Magnetisation and price by hour, the price scaled to [-1, 1]; below, the power at the "
        "source as scheduled and as flexed.",
        "hours",
    ),
    "voltage": Caption(
        "Voltage of every bus in the step with the lowest one, as scheduled and as flexed. The "
        "table has the lowest voltage of every step.",
        "network",
    ),
    "map": Caption("What was chosen for every bus, on the network.", "buses"),
    "customers": Caption(
        "The customers as tiles, in the order of their buses; a number is a bus.",
        "buses",
    ),
    "surface": Caption(
        "Objective by number of aggregators, relative to the cost of the scheduled load, a line "
        "per slack; a cross: infeasible.",
    ),
}


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
        captions=_CAPTIONS,
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
