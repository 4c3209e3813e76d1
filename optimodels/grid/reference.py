"""The same power flow by pandapower itself."""

from __future__ import annotations

import numpy as np

from optimodels.arrays import Complexes, Floats
from optimodels.errors import RunError
from optimodels.grid.network import Network
from optimodels.grid.reading import source_of
from optimodels.grid.sources import open_net, quiet


def pandapower_voltages(
    network: Network, load_mw: Floats, load_mvar: Floats
) -> tuple[Complexes, int, bool]:
    """Return node voltages (k,), iterations and whether pandapower converged; loads by bus (n,)."""
    import pandapower

    source = source_of(network)
    if source is None:
        raise RunError("pandapower can only solve a network that it has read itself")
    net = open_net(source)
    net.load, net.asymmetric_load = net.load.iloc[0:0], net.asymmetric_load.iloc[0:0]
    with quiet():
        for position in np.flatnonzero((load_mw != 0) | (load_mvar != 0)):
            pandapower.create_load(
                net, net.bus.index[position], load_mw[position], load_mvar[position]
            )
        try:
            pandapower.runpp(net, numba=False, calculate_voltage_angles=True, init="dc")
        except pandapower.LoadflowNotConverged:
            return np.ones(len(network.node_kind), dtype=complex), 0, False
    return np.asarray(net._ppc["internal"]["V"], dtype=complex), int(net._ppc["iterations"]), True
