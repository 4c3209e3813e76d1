"""What each model of the family does, as a short list of stages."""

from __future__ import annotations

from typing import Any

from optimodels.families.thermodynamics import (
    binary_entropy,
    mobile_quadratic,
    quadratic_entropy,
    results,
)
from optimodels.families.thermodynamics.data import Contact, read_contact, read_levels, read_rates
from optimodels.families.thermodynamics.equilibrium_checks import identities
from optimodels.families.thermodynamics.level_counts import count
from optimodels.families.thermodynamics.parameters import ContactEquilibrium
from optimodels.families.thermodynamics.rate_table import rates
from optimodels.model import Compute, Formulation, Program, Solve

DEGENERACY = Program(
    read=read_levels,
    stages=(Compute("count", lambda levels, done: count(levels)),),
    report=results.degeneracy,
    main="count",
)

DEVIATION_RATES = Program(
    read=read_rates,
    stages=(Compute("rates", lambda asked, done: rates(asked)),),
    report=results.deviation_rates,
    main="rates",
)


def contact_equilibrium(parameters: ContactEquilibrium) -> Program:
    """The entropy asked for by the case's solver; the other one, by its closed form, beside it.

    Which problem is solved, and so which solvers can take it, is a matter of the parameters.
    """
    quadratic: Formulation[Any]
    if parameters.mobile:
        quadratic, binary = mobile_quadratic.FORMULATION, binary_entropy.MOBILE
    else:
        quadratic, binary = quadratic_entropy.FORMULATION, binary_entropy.FIXED
    asked, other = (quadratic, binary) if parameters.entropy == "quadratic" else (binary, quadratic)
    return Program(
        read=read_contact,
        stages=(
            Solve("equilibrium", asked, _whole),
            Solve("other entropy", other, _whole, required=False, solver="exact"),
            Compute("closed form", identities),
        ),
        report=results.contact_equilibrium,
        main="equilibrium",
        labels=lambda contact: {"system": range(1, len(contact.machines) + 1)},
    )


def _whole(contact: Contact, done: Any) -> dict[str, Contact]:
    return {"": contact}
