"""The agents' own objectives, whose transfers cancel in the welfare (001, (8)-(13), (27)-(28))."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.flexibility.data import FlexibilityData
from optimodels.model import Outcome
from optimodels.result import Check


@dataclass(frozen=True)
class Trade:
    """Who sells what at which price; powers relative to the scheduled load.

    ``magnetisation`` (B, T) m_b; ``purchase`` (B, T) d_b >= 0, bought from the DSO;
    ``aggregator`` (B,) index a of each bus; ``bus_price`` (A, T), ``aggregator_price`` (A, T)
    to the DSO, ``load_price`` (T,) of the DSO's sales and ``price`` (T,) real-time: EUR/MWh.
    """

    magnetisation: Floats
    purchase: Floats
    aggregator: Ints
    bus_price: Floats
    aggregator_price: Floats
    load_price: Floats
    price: Floats


EQUATIONS = (
    "001, (8)-(13), (27)-(28), with nothing bought from the DSO and both of its",
    "prices at the real-time price, the upper end of (10): chosen. Sums over b, t",
    "P(t), p_b, h: load of all buses, MW; part of bus b in it; hours_per_step",
    "m_b(t), price(t): magnetisation of bus b; real-time price, EUR/MWh",
    "V_b(t) = p_b P(t) h m_b(t), MWh    what bus b sells its aggregator a, (16)",
    "objective_buses       = -sum price_a(t) V_b(t)                         EUR",
    "objective_aggregators =  sum (price_a(t) - price_DSO(t)) V_b(t)        EUR",
    "objective_dso         =  sum (price_DSO(t) - price(t)) V_b(t)          EUR",
    "    0 here, as price_DSO(t), what the DSO pays, is price(t)",
    "objective_welfare     = -sum price(t) V_b(t), the sum of these: checked",
    "price_a(t): price_multiplier of a times price(t); without a mapping one",
    "aggregator holds all buses at 0.80 price(t)                           ours",
)


def objectives(trade: Trade, load: Floats | Ints, energy_mwh: Floats) -> dict[str, float]:
    """Return every agent's objective, EUR, each to be minimised, summed over agents of a kind.

    ``load`` (B,) in any unit, p_b its part of the sum; ``energy_mwh`` (T,) P(t) h. Bus (8),
    aggregator (11), DSO (13), welfare (27)-(28).
    """
    # Buses are summed up first, in whole numbers where loads and states are: what balances is 0.
    unit = energy_mwh / load.sum()
    held = load * (trade.aggregator == np.arange(len(trade.bus_price))[:, None])
    sold = unit * (held @ (trade.magnetisation + trade.purchase))
    bought = unit * (load @ trade.purchase)
    flexibility = unit * (load @ trade.magnetisation)
    margin, resale = trade.bus_price - trade.aggregator_price, trade.aggregator_price - trade.price
    found = {
        "objective_buses": (trade.load_price * bought).sum() - (trade.bus_price * sold).sum(),
        "objective_aggregators": (margin * sold).sum(),
        # Of (13), with what is bought in real time, R = sum_b D_b - sum_a V_a, put in by (12).
        "objective_dso": (resale * sold).sum() + ((trade.price - trade.load_price) * bought).sum(),
        "objective_welfare": -(trade.price * flexibility).sum(),
    }
    return {name: float(value) + 0.0 for name, value in found.items()}


def evaluate(
    data: FlexibilityData,
    magnetisation: Floats | Ints,
    aggregator: Ints | None = None,
    multipliers: Floats | None = None,
) -> Outcome:
    """Evaluate the agents' objectives of a solution and check that the transfers cancel.

    ``magnetisation`` (B, T) or (B,); without a mapping one aggregator at 0.80 of the real-time
    price holds all buses. Purchases from the DSO are 0 and both of its prices are the real-time
    price, the upper end of (10).
    """
    steps = len(data.price)
    m = np.asarray(magnetisation, dtype=float)
    m = np.repeat(m[:, None], steps, axis=1) if m.ndim == 1 else m
    factors = np.array([0.80]) if multipliers is None else multipliers
    trade = Trade(
        magnetisation=m,
        purchase=np.zeros_like(m),
        aggregator=np.zeros(len(m), dtype=np.int64) if aggregator is None else aggregator,
        bus_price=np.outer(factors, data.price),
        aggregator_price=np.tile(data.price, (len(factors), 1)),
        load_price=data.price,
        price=data.price,
    )
    values = objectives(trade, data.load, data.energy_mwh)
    return Outcome(of="balance", checks=(cancellation(values),), arrays={}, values=values)


def cancellation(values: Mapping[str, float]) -> Check:
    """Check that buses, aggregators and DSO add up to the welfare, (27)-(28)."""
    parts = [values[f"objective_{name}"] for name in ("buses", "aggregators", "dso")]
    scale = max(1.0, *(abs(part) for part in parts))
    return Check.of("transfers cancel", abs(sum(parts) - values["objective_welfare"]) / scale, 1e-9)
