"""What a network's own limits say to power flows: no model of these families holds them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimodels.grid.network import Network
from optimodels.grid.powerflow import PowerFlow

#: Set voltages stand on their limits.
_ON_LIMIT_PU = 1e-6
_ON_LIMIT_PERCENT = 1e-3


def limits_broken(network: Network, flows: Sequence[PowerFlow], when: str) -> list[str]:
    """Say where flows that were solved leave the network's limits, a sentence for voltages and one
    for loadings; ``when`` begins it ("as flexed")."""
    flows = [flow for flow in flows if flow.converged]
    of = f" in {{}} of {len(flows)} power flows" if len(flows) > 1 else ""
    said = []
    vm = np.array([flow.vm_pu for flow in flows]).reshape(-1, len(network.bus_vm_low))
    # NaN, which is no limit and no voltage, is above nothing.
    beyond = np.fmax(network.bus_vm_low - vm, vm - network.bus_vm_high)
    wrong = (beyond > _ON_LIMIT_PU).any(axis=1)
    if wrong.any():
        step, bus = np.unravel_index(np.nanargmax(beyond), beyond.shape)
        limits = network.bus_vm_low[bus], network.bus_vm_high[bus]
        limit = limits[0] if vm[step, bus] < limits[0] else limits[1]
        said.append(
            f"{when}, voltages leave the network's own limits{of.format(int(wrong.sum()))}, "
            f"farthest at bus {bus + 1}: {vm[step, bus]:.4g} pu, limit {limit:g} pu; the model "
            "does not hold these limits"
        )
    loadings = np.array([flow.highest_loading_percent or 0.0 for flow in flows])
    over = loadings > 100.0 + _ON_LIMIT_PERCENT
    if over.any():
        said.append(
            f"{when}, a line or transformer is loaded above its limit{of.format(int(over.sum()))}, "
            f"up to {loadings.max():.4g} %; the model does not hold these limits"
        )
    return said
