"""Public networks and profiles as plain frozen arrays with units."""

from __future__ import annotations

from optimodels.grid.network import Network
from optimodels.grid.powerflow import PowerFlow, solve_power_flow
from optimodels.grid.profiles import read_csv_column, simbench_profile
from optimodels.grid.reading import read_network

__all__ = [
    "Network",
    "PowerFlow",
    "read_csv_column",
    "read_network",
    "simbench_profile",
    "solve_power_flow",
]
