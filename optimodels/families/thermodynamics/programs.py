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
    stages=(
        Compute(
            "count",
            lambda levels, done: count(levels),
            equations=(
                "N machines (machines), each a seller or a buyer: 2m sellers more than",
                "buyers, their excess product.                          000, section 2.1",
                "",
                "g(N, m) = N! / ((N/2 - m)! (N/2 + m)!)            states; degeneracy",
                "g(N, m) ~ 2^N sqrt(2 / (pi N)) exp(-2 m^2 / N)              gaussian",
                "sigma(N, m) = log g(N, m)                        entropy, nats; (11)",
                "width = sqrt(N) / 2 of m, relative_width = 1 / sqrt(N) of 2m / N",
                "",
                "Checked by   sum_m g(N, m) = 2^N,   sum_m m^2 g(N, m) = 2^N N / 4,",
                "             g(N, m) = sum_m1 g(N_1, m_1) g(N_2, m - m_1)        (2)",
                "             over two halves in contact, N_1 + N_2 = N",
            ),
        ),
    ),
    report=results.degeneracy,
    main="count",
)

DEVIATION_RATES = Program(
    read=read_rates,
    stages=(
        Compute(
            "rates",
            lambda asked, done: rates(asked),
            equations=(
                "Two systems of N_1 and N_2 machines (machines), N in all, without an",
                "excess product; m_1, half of what the first has, leaves its most",
                "probable value 0 by delta machines (deviation). g: degeneracy, as",
                "in thermodynamics/degeneracy.",
                "",
                "reduction = exp(-2 delta^2 (1/N_1 + 1/N_2))                       (7)",
                "reduction_exact = g(N_1, delta) g(N_2, -delta) / (g(N_1, 0) g(N_2, 0))",
                "tail_probability = erfc(delta sqrt(2 (1/N_1 + 1/N_2)))           ours",
                "    probability of |m_1| >= delta for a normal m_1",
                "tail_probability_exact = 2 sum_(k >= delta) g(N_1, k) g(N_2, -k) / g(N, 0)",
                "days_to_event = 1 / (cycles_per_day reduction)                Table 1",
                "days_to_event_tail = 1 / (cycles_per_day tail_probability)       ours",
                "width = sqrt(N_1 N_2 / N) / 2, machines   standard deviation of m_1",
            ),
        ),
    ),
    report=results.deviation_rates,
    main="rates",
)


def contact_equilibrium(parameters: ContactEquilibrium) -> Program:
    """The entropy asked for, by the case's solver; the closed forms of both beside it.

    Which problem is solved, and so which solvers can take it, is a matter of the parameters.
    """
    asked: Formulation[Any]
    if parameters.entropy == "exact":
        asked = binary_entropy.MOBILE if parameters.mobile else binary_entropy.FIXED
    else:
        asked = mobile_quadratic.FORMULATION if parameters.mobile else quadratic_entropy.FORMULATION
    return Program(
        read=read_contact,
        stages=(
            Solve("equilibrium", asked, _whole),
            Compute("closed form", identities, _closed_form(parameters)),
        ),
        report=results.contact_equilibrium,
        main="equilibrium",
        labels=lambda contact: {"system": range(1, len(contact.machines) + 1)},
    )


def _closed_form(parameters: ContactEquilibrium) -> tuple[str, ...]:
    """What the split is held against: of machines fixed, mobile, and mobile that mix."""
    if not parameters.mobile:
        where = "sum_i N_i phi((eps P)_i / tau)"
        placed: tuple[str, ...] = ()
    elif parameters.mixing:
        where = "N log((1/n) sum_i exp(phi((eps P)_i / tau)))"
        placed = ("N_i proportional to exp(phi((eps P)_i / tau))                      ours",)
    else:
        where = "N max_i phi((eps P)_i / tau)"
        placed = ("N_i = 0 but where (eps P)_i is greatest                            ours",)
    return (
        "psi(x), nats: entropy that a machine loses where U_i = N_i (eps P)_i x;",
        "phi(y) = max_x (x y - psi(x)).",
        "quadratic  psi = x^2 / 2,                phi = y^2 / 2    up to |y| = 1",
        "exact      psi = log 2 - h((1 + x) / 2), phi = log cosh y",
        "           h(p) = -p log p - (1 - p) log(1 - p)",
        "",
        "U_i = -N_i (eps P)_i phi'((eps P)_i / tau);  sum_i U_i = U gives tau",
        *placed,
        "mu_i - mu_i(0) = -tau phi((eps P)_i / tau)      quadratic: (18)",
        "",
        "Proof by duality, ours: for any tau, sigma - sigma(0) is at most",
        f"U / tau + {where}.",
    )


def _whole(contact: Contact, done: Any) -> dict[str, Contact]:
    return {"": contact}
