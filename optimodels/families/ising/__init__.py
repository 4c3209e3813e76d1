"""Experiments with customers as Ising spins (paper 001)."""

from __future__ import annotations

from optimodels.families.flexibility.parameters import PROFILES
from optimodels.families.ising import meanings
from optimodels.model import Caption, declare

_CUSTOMERS = {
    "customers": Caption(
        "The first replica's customers at the start and at the end, orange up, blue down; faint "
        "lines are the borders of their buses.",
    )
}
_EXPERIMENTS = (
    (
        "decorrelation",
        "Decorrelation: how soon customers forget where they started",
        "section 3 and figure 2",
        {
            "autocorrelation": Caption(
                "What is left of the start, by proposals; mean over replicas with its 95 % "
                "interval.",
                "autocorrelation",
            )
        },
        False,
        meanings.DECORRELATION,
    ),
    (
        "phase-transition",
        "Phase transition: where customers lose their common opinion",
        "section 3 and figure 2, inset",
        {
            "transition": Caption(
                "|M| and susceptibility by temperature, with 95 % intervals; lines, where there "
                "are any: exact, of |M| or, where the legend says so, of the root of <M^2>.",
                "curve",
            )
        },
        False,
        meanings.PHASE_TRANSITION,
    ),
    (
        "field-response",
        "Field response: which field moves customers to an hour's target",
        "section 4.1 and figure 4",
        {
            "response": Caption(
                "Magnetisation by field and temperature, with the field that reaches the target "
                "of an hour and its 95 % interval.",
                "curve",
            ),
            "surface": Caption("Magnetisation over field and temperature, with contours."),
        },
        True,
        meanings.FIELD_RESPONSE,
    ),
    (
        "robustness",
        "Robustness: how far a feasible solution survives perturbations",
        "section 4.2 and figure 6",
        {
            "robustness": Caption(
                "|C| by Hamming distance from the feasible solution: the least over temperatures, "
                "and the mean over them, with 95 % intervals; dotted: before the evolution.",
                "perturbations",
            )
        },
        False,
        meanings.ROBUSTNESS,
    ),
    (
        "boundaries",
        "Boundaries: what it does to flexibility that customers listen within aggregators",
        "section 5.2 and figure 8",
        {
            "boundaries": Caption(
                "Flexibility by temperature with free and with bounded neighbours, and what the "
                "bounds gain; 95 % intervals.",
                "comparison",
            )
        },
        True,
        meanings.BOUNDARIES,
    ),
)

MODELS = {
    model.name: model
    for model in (
        declare(
            __name__,
            short,
            title=title,
            source=f"001, {section}",
            program=short.replace("-", "_"),
            network="case33bw",
            profiles=PROFILES if with_profiles else {},
            captions={**captions, **_CUSTOMERS},
            meanings=told,
        )
        for short, title, section, captions, with_profiles, told in _EXPERIMENTS
    )
}
