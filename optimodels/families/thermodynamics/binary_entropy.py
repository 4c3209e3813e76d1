"""The most probable configuration by the binary entropy, machines fixed or mobile: cones.

The states of each system are counted by how many of its machines buy and how many sell, whatever
their excess product; the paper's Gaussian is what this is near zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.thermodynamics.data import SYSTEMS, Contact
from optimodels.families.thermodynamics.exact import BINARY, equilibrium
from optimodels.model import ExactAnswer, Formulation

if TYPE_CHECKING:
    import cvxpy as cp


def in_cvxpy(contact: Contact) -> cp.Problem:
    """State it in CVXPY, each entropy as its own variable under an exponential cone."""
    import cvxpy as cp

    n, all_machines, unit = len(contact.machines), contact.total_machines, contact.unit
    modes = {name: cp.Variable(n, name=name) for name in ("buyers", "sellers")}
    nats = {name: cp.Variable(n, name=f"entropy_{name}") for name in modes}
    here = modes["buyers"] + modes["sellers"]
    total = (contact.unit_value * (all_machines / unit)) @ (
        modes["buyers"] - modes["sellers"]
    ) == contact.total_value / unit
    total.set_label("total_value")
    machines = cp.sum(here) == 1 if contact.mobile else here == contact.machines / all_machines
    machines.set_label("machines")
    # Where a machine is counts as well as what it does, or only what it does.
    even = cp.sum(here) / (2 * n) * np.ones(n) if contact.mixing else here / 2
    cones = [cp.constraints.ExpCone(nats[name], modes[name], even) for name in modes]
    for name, cone in zip(modes, cones, strict=True):
        cone.set_label(f"entropy_of_{name}")
    gained = cp.sum(nats["buyers"] + nats["sellers"])
    return cp.Problem(cp.Maximize(all_machines * gained), [total, machines, *cones])


def exact(contact: Contact) -> ExactAnswer:
    """Take the bracketed root in 1/tau; multipliers are those of -sigma."""
    found = equilibrium(contact, BINARY)
    share = found.machines / contact.total_machines
    x = BINARY.slope(contact.unit_value * found.inverse_activity)
    parts = {"buyers": share * (1 - x) / 2, "sellers": share * (1 + x) / 2}
    even = np.full(len(share), 1 / (2 * len(share))) if contact.mixing else share / 2
    # log((1 -+ x) / 2 / (1/2)) = log1p(-+x) keeps its digits where machines do not mix.
    ratio = {"buyers": np.log1p(-x), "sellers": np.log1p(x)}
    mixed = np.log(np.where(share > 0, share / (2 * np.where(even > 0, even, 1.0)), 1.0))
    nats: dict[str, Floats] = {
        f"entropy_{name}": -part * (ratio[name] + mixed) for name, part in parts.items()
    }
    if contact.mobile:
        potential = np.array(found.potential)
    else:
        potential = BINARY.phi(contact.unit_value * found.inverse_activity)
    return ExactAnswer(
        values={**parts, **nats},
        objective=-found.lost,
        duals={
            "total_value": np.array(-found.inverse_activity * contact.unit),
            "machines": -potential * contact.total_machines,
        },
    )


def _formulation(
    name: str, equations: tuple[str, ...], of: tuple[str, ...]
) -> Formulation[Contact]:
    own = ("buyers", "sellers", "entropy_buyers", "entropy_sellers")
    return Formulation(
        name=name,
        problem_class="EXP",
        source="000, (11), (13), (16) with the entropy of section 2.1 before its approximation; "
        "ours as a cone program",
        cvxpy=in_cvxpy,
        exact=exact,
        axes={**dict.fromkeys(own, ("system",)), "total_value": (), "machines": of},
        equations=equations,
    )


_SHARES = (
    *SYSTEMS,
    "maximise    sigma - sigma(0) =",
    "            N sum_i (entropy_buyers_i + entropy_sellers_i)           nats",
    "            buyers_i, sellers_i: parts of all N machines, so that",
    "            U_i = N (eps P)_i (buyers_i - sellers_i)",
)
_TOTAL = (
    "            N sum_i (eps P)_i (buyers_i - sellers_i) / V = U / V",
    "                                                              total_value",
)
_PRICES = (
    "",
    "V = max(|U|, sqrt(sum_i a_i N_i)), EUR, N_i at the start, keeps numbers near",
    "one. Shadow prices: V / tau of total_value, -N (mu_i - mu_i(0)) / tau of",
    "machines, mu_i/tau = -d sigma / d N_i (16).",
)

FIXED = _formulation(
    "binary-entropy",
    (
        *_SHARES,
        "subject to  entropy_k_i <= -k_i log(k_i / (N_i / 2N))        entropy_of_k",
        "                           for k = buyers, sellers and every i",
        *_TOTAL,
        "            buyers_i + sellers_i = N_i / N   for every i         machines",
        *_PRICES,
        "At the optimum U_i = -N_i (eps P)_i tanh((eps P)_i / tau).",
    ),
    ("system",),
)
MOBILE = _formulation(
    "mobile-binary-entropy",
    (
        *_SHARES,
        "subject to  entropy_k_i <= -k_i log(k_i / h_i)               entropy_of_k",
        "                           for k = buyers, sellers and every i;",
        "            h_i = sum_j (buyers_j + sellers_j) / 2n   with mixing",
        "            h_i = (buyers_i + sellers_i) / 2          without",
        *_TOTAL,
        "            sum_i (buyers_i + sellers_i) = 1                     machines",
        *_PRICES,
        "With mixing N_i is proportional to cosh((eps P)_i / tau) at the optimum.",
    ),
    (),
)
