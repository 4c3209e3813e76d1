"""The most probable configuration where machines move too, by the paper's entropy (000, (13))."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimodels.families.thermodynamics.data import SYSTEMS, Contact
from optimodels.families.thermodynamics.exact import QUADRATIC, equilibrium
from optimodels.model import ExactAnswer, Formulation

if TYPE_CHECKING:
    import cvxpy as cp


def in_cvxpy(contact: Contact) -> cp.Problem:
    """State it in CVXPY: each U_i^2 / N_i under a second-order cone, mixing under exponential
    ones."""
    import cvxpy as cp

    n, all_machines, unit = len(contact.machines), contact.total_machines, contact.unit
    value = cp.Variable(n, name="value")
    part = cp.Variable(n, name="part")
    loss = cp.Variable(n, name="loss")
    total = cp.sum(value) == contact.total_value / unit
    machines = cp.sum(part) == 1
    # Measured by what all machines of one system hold at most.
    held = cp.multiply(unit / (all_machines * contact.unit_value), value)
    most, least = held - part <= 0, held + part >= 0
    side = cp.multiply(np.sqrt(2 * _curvature(contact)), value)
    cones = [cp.SOC(loss + part, cp.vstack([side, loss - part]), axis=0)]
    sigma = -((unit / contact.spread) ** 2) * cp.sum(loss)
    for row, name in (
        (total, "total_value"), (machines, "machines"), (most, "most"), (least, "least"),
        (cones[0], "losses"),
    ):  # fmt: skip
        row.set_label(name)
    if contact.mixing:
        mixing = cp.Variable(n, name="mixing")
        cones.append(cp.constraints.ExpCone(mixing, part, cp.sum(part) / n * np.ones(n)))
        cones[1].set_label("entropy_of_mixing")
        sigma = sigma + all_machines * cp.sum(mixing)
    return cp.Problem(cp.Maximize(sigma), [total, machines, most, least, *cones])


def exact(contact: Contact) -> ExactAnswer:
    """Take the root in 1/tau (or the corner); multipliers are those of -sigma."""
    found = equilibrium(contact, QUADRATIC)
    part, value = found.machines / contact.total_machines, found.value / contact.unit
    held = np.where(part > 0, part, 1.0)
    values = {
        "value": value,
        "part": part,
        "loss": np.where(part > 0, _curvature(contact) * value**2 / (2 * held), 0.0),
    }
    if contact.mixing:
        values["mixing"] = -part * np.log(held * len(part))
    return ExactAnswer(
        values=values,
        objective=-found.lost,
        duals={
            "total_value": np.array(-found.inverse_activity * contact.unit),
            "machines": np.array(-found.potential * contact.total_machines),
        },
    )


def _curvature(contact: Contact) -> np.ndarray:
    """sum(a N) / (N a_i) (n,), of which loss_i is value_i^2 / (2 part_i) as much."""
    a = contact.unit_value**2
    found: np.ndarray = contact.weight.sum() / (contact.total_machines * a)
    return found


FORMULATION = Formulation(
    name="mobile-quadratic-entropy",
    problem_class="EXP",
    source="000, (13)-(15) with the entropy of section 4.1; the entropy of mixing and the bounds "
    "are ours",
    cvxpy=in_cvxpy,
    exact=exact,
    axes={
        **dict.fromkeys(("value", "part", "loss", "mixing", "most", "least"), ("system",)),
        "total_value": (),
        "machines": (),
    },
    equations=(
        *SYSTEMS,
        "Machines move: N_i is what is found, N kept. n N_i / N is 1 where all",
        "systems have as many. s^2 = sum_i a_i N_i at the start, V = max(|U|, s).",
        "",
        "maximise    sigma - sigma(0) = -(V^2 / s^2) sum_i loss_i + N sum_i mixing_i",
        "            with U_i = V value_i, EUR, N_i = N part_i, and",
        "            (V^2 / s^2) loss_i = U_i^2 / (2 a_i N_i), nats",
        "subject to  loss_i >= (s^2 / (N a_i)) value_i^2 / (2 part_i)       losses",
        "            mixing_i <= -part_i log(n part_i / sum_j part_j)",
        "                           entropy_of_mixing; without mixing it is 0",
        "            sum_i value_i = U / V                             total_value",
        "            sum_i part_i = 1                                     machines",
        "            -N_i (eps P)_i <= U_i <= N_i (eps P)_i            least, most",
        "",
        "Shadow prices: V / tau of total_value, -N (mu - mu(0)) / tau of machines,",
        "mu/tau = -d sigma / d N_i (16). With mixing N_i is proportional to",
        "exp(a_i / (2 tau^2)); without it all machines go where a_i is greatest:",
        "there is no interior optimum.",
    ),
)
