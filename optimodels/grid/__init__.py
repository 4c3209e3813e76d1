"""Public networks and profiles as plain frozen arrays with units.

``powerflow`` and ``profiles`` are imported by their own names: they load SciPy, which a
case that needs neither should not wait for.
"""

from __future__ import annotations

from optimodels.grid.network import Network
from optimodels.grid.reading import read_network

__all__ = ["Network", "read_network"]
