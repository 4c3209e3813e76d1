"""What the network says to a dispatch: an AC power flow beside the approximation."""

from __future__ import annotations

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.coalition.data import BASE_MVA, Instance
from optimodels.model import Outcome
from optimodels.result import Check

EQUATIONS = (
    "AC power flow of the dispatch: the injections that the public network is",
    "left with, the network's own reactive loads and set voltages; the grid's",
    "buses cover the rest",
)


def power_flow(instance: Instance, injection: Floats) -> Outcome | None:
    """Solve the AC power flow of injections (n,) in pu into the public network.

    The check is the mismatch of power at every bus, recomputed from the voltages found. A flow
    that does not converge is a value, not a mistake of the dispatch.
    """
    engine = instance.parameters.power_flow
    if engine == "none":
        return None
    # SciPy must not be loaded before Pyomo is: see solvers.prepare.
    from optimodels.grid.powerflow import solve_power_flow

    network = instance.network
    load = np.zeros(len(network.load_kw))
    load[instance.first] = 1000.0 * (network.node_power.real - BASE_MVA * injection)
    flow = solve_power_flow(network, load, network.load_kvar, engine)
    if not flow.converged:
        return Outcome("balance", (), {}, {"ac_converged": False})
    size = max(1.0, 1000.0 * BASE_MVA * float(np.abs(injection).max(initial=0.0)))
    return Outcome(
        "balance",
        (Check.of("power mismatch", flow.mismatch_kw / size, 1e-6),),
        {},
        {
            "ac_converged": True,
            "ac_loss": flow.losses_kw / 1000.0 / BASE_MVA,
            "ac_lowest_voltage_pu": float(np.nanmin(flow.vm_pu)),
        },
    )
