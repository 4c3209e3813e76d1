"""What the thermostats of houses bid for cooling (003, sections 3.2 and 3.4).

Reconstructed [A] from other texts by the paper's author, as the print has the price's deviation
below the line, which gives the wrong units. The spread of temperatures is ours [G].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.regulation.market.curves import Ladder


@dataclass(frozen=True)
class Population:
    """Houses (n,) that cool alike: ``temperature`` degrees C, ``bid`` $/MWh, warmest first.

    ``megawatts`` of one house; ``degrees_per_price`` degrees C per $/MWh.
    """

    name: str
    megawatts: float
    desired: float
    mean_price: float
    degrees_per_price: float
    temperature: Floats
    bid: Floats

    def set_point(self, price: float) -> float:
        """T_S = T_D + (P_C - P_A) (T_M - T_D) / (k P_D): a house cools if it is as warm."""
        return self.desired + (price - self.mean_price) * self.degrees_per_price


def population(
    name: str,
    houses: int,
    megawatts: float,
    comfort: float,
    desired: float,
    maximum: float,
    temperature: float,
    spread: float,
    mean_price: float,
    price_deviation: float,
) -> Population:
    """Return a population: P_B = P_A + k P_D (T_a - T_D) / (T_M - T_D).

    The i-th house has the quantile (i - 1/2) / n of a logistic distribution of temperatures, the
    distribution that random utilities have in the paper: many houses then have the logistic
    demand curve, of the width W = P_A / (2 |eta|) = k P_D spread / (T_M - T_D).
    """
    quantile = (np.arange(houses, 0, -1) - 0.5) / houses
    air = temperature + spread * np.log(quantile / (1 - quantile))
    degrees = (maximum - desired) / (comfort * price_deviation)
    return Population(
        name, megawatts, desired, mean_price, degrees, air, mean_price + (air - desired) / degrees
    )


def ladder(populations: tuple[Population, ...]) -> Ladder:
    """Return the bids of all houses, highest first; equal bids of one load are one step."""
    bid: Floats = np.concatenate([one.bid for one in populations])
    load = np.concatenate([np.full(len(one.bid), one.megawatts) for one in populations])
    falling, of = np.unique(-bid, return_inverse=True)
    price = -falling
    return Ladder(np.bincount(of, load).astype(float), price, price, -1.0)
