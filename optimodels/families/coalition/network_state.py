"""What the network says to a dispatch: an AC power flow beside the approximation."""

from __future__ import annotations

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.coalition.data import BASE_MVA, Instance
from optimodels.model import Outcome
from optimodels.result import Check

EQUATIONS = (
    "p_i + j q_i = V_i conj(sum_k Y_ik V_k) at every bus i: the AC power flow.",
    "p: what the dispatch feeds into the public network; q: the network's own",
    "reactive loads; |V| as the network sets it at generators; the grid's buses",
    "cover the rest. Y: bus admittance matrix.",
    "ac_loss = sum_i p_i, pu; ac_lowest_voltage_pu = min_i |V_i|",
)


def power_flow(instance: Instance, injection: Floats) -> Outcome:
    """Solve the AC power flow of injections (n,) in pu into the public network.

    The check is the mismatch of power at every bus, recomputed from the voltages found. A flow
    that does not converge is a value, not a mistake of the dispatch.
    """
    # SciPy must not be loaded before Pyomo is: see solvers.prepare.
    from optimodels.grid.limits import limits_broken
    from optimodels.grid.powerflow import solve_power_flow

    network = instance.network
    load = np.zeros(len(network.load_kw))
    load[instance.first] = 1000.0 * (network.node_power.real - BASE_MVA * injection)
    flow = solve_power_flow(network, load, network.load_kvar, instance.parameters.power_flow)
    if not flow.converged:
        return Outcome("balance", (), {}, {"ac_converged": False})
    size = max(1.0, 1000.0 * BASE_MVA * float(np.abs(injection).max(initial=0.0)))
    return Outcome(
        "balance",
        (Check.of("power mismatch", flow.mismatch_kw / size, 1e-6),),
        {"remarks": limits_broken(network, [flow], "in the AC power flow of this dispatch")},
        {
            "ac_converged": True,
            "ac_loss": flow.losses_kw / 1000.0 / BASE_MVA,
            "ac_lowest_voltage_pu": float(np.nanmin(flow.vm_pu)),
        },
    )
