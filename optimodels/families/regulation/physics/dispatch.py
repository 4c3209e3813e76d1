"""From the hour's prices to five-minute dispatches: what is cleared, and how it is taken up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats
from optimodels.errors import DataError
from optimodels.families.regulation.market.clearing import Market, clear
from optimodels.families.regulation.market.curves import Logistic
from optimodels.families.regulation.market.data import supply_of
from optimodels.families.regulation.parameters import Supply


@dataclass(frozen=True)
class Dispatches:
    """Clearings of K intervals: P_C $/MWh, Q_C MW, R_S and R_D $/(MW^2 h), each (K,)."""

    price: Floats
    quantity: Floats
    supply_slope: Floats
    demand_slope: Floats

    @property
    def slope(self) -> Floats:
        """R = R_S R_D / (R_S + R_D) (K,): what a MW of regulation adds to its price."""
        return np.asarray(1 / (1 / self.supply_slope + 1 / self.demand_slope))

    @property
    def demand_share(self) -> Floats:
        """rho_D = R_S / (R_S + R_D) (K,), demand's participation."""
        return np.asarray(self.slope / self.demand_slope)


@dataclass(frozen=True)
class Bids:
    """The curves of the study area's dispatch market, MW and $/MWh."""

    supply: Supply
    mean_price: float
    elasticity: float

    def market(self, load: Floats, responsive: float) -> Market:
        """Return the markets of K intervals (K,): at the mean price they ask for ``load`` MW."""
        unresponsive = load - responsive / 2
        demand = Logistic(
            unresponsive, np.float64(responsive), self.mean_price, np.float64(self.elasticity)
        )
        return Market(supply_of(self.supply), demand)

    def clear(self, load: Floats, responsive: float) -> Dispatches:
        """Clear K intervals at once; DataError where one has no price with a slope."""
        short = load - responsive / 2 <= 0
        if short.any():
            k = int(np.argmax(short))
            raise DataError(
                "parameters.load_profile",
                f"interval {k + 1} has a load of {load[k]:g} MW, not above half of the "
                f"{responsive:g} MW that respond to price; raise it, or lower demand_response",
            )
        # Without responsive load the slope of demand is infinite, and supply regulates alone.
        with np.errstate(divide="ignore"):
            found = clear(self.market(load, responsive))
        slopes = np.broadcast_to(found.supply_slope, load.shape)
        flat = ~(np.isfinite(slopes) & (slopes > 0))
        if flat.any():
            k = int(np.argmax(flat))
            raise DataError(
                "parameters.supply",
                f"has no slope where interval {k + 1} clears, at {np.ravel(found.price)[k]:g} "
                "$/MWh: regulation has no price there",
            )
        return Dispatches(
            *(
                np.array(np.broadcast_to(x, load.shape), dtype=float)
                for x in (found.price, found.quantity, slopes, found.demand_slope)
            )
        )
