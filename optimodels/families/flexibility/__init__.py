"""Flexibility of bus loads (paper 001)."""

from __future__ import annotations

from optimodels.families.flexibility import meanings
from optimodels.families.flexibility.parameters import PROFILES
from optimodels.model import Caption, declare

_CAPTIONS = {
    "hours": Caption(
        "Magnetisation and price by step, the price scaled to [-1, 1]; below, the load of all "
        "buses as scheduled and as flexed.",
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


MODELS = {
    model.name: model
    for model in (
        declare(
            __name__,
            short,
            title=title,
            source=f"001, {section}",
            program=program,
            objective_unit=unit,
            network="case33bw",
            profiles=PROFILES,
            captions=_CAPTIONS,
            meanings=told,
        )
        for short, title, section, unit, program, told in (
            (
                "shiftable-loads",
                "Shiftable loads: when to be flexible, so that welfare is greatest",
                "section 4.1",
                "EUR",
                "shiftable_loads",
                meanings.SHIFTABLE_LOADS,
            ),
            (
                "self-sustainability",
                "Self-sustainability: flexibility that balances within the network",
                "section 4.2",
                "buses",
                "self_sustainability",
                meanings.SELF_SUSTAINABILITY,
            ),
            (
                "spin-assignment",
                "Spin assignment: customers whose states add up to their bus's",
                "section 4.2, (35)",
                "buses",
                "",
                meanings.SPIN_ASSIGNMENT,
            ),
            (
                "aggregator-mapping",
                "Aggregator mapping: which aggregator holds which bus",
                "section 5.1, (38)",
                "EUR",
                "",
                meanings.AGGREGATOR_MAPPING,
            ),
        )
    )
}
