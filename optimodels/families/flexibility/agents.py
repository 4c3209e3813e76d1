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


def objectives(trade: Trade, share: Floats, energy_mwh: Floats) -> dict[str, float]:
    """Return every agent's objective, EUR, each to be minimised, summed over agents of a kind.

    ``share`` (B,) p_b and ``energy_mwh`` (T,) P(t) h. Bus (8), aggregator (11), DSO (13),
    welfare (27)-(28).
    """
    scheduled = np.outer(share, energy_mwh)
    flexibility = scheduled * trade.magnetisation
    bought = scheduled * trade.purchase
    sold = flexibility + bought
    bus_price = trade.bus_price[trade.aggregator]
    aggregator_price = trade.aggregator_price[trade.aggregator]
    real_time = bought.sum(axis=0) - sold.sum(axis=0)
    return {
        "objective_buses": float((trade.load_price * bought - bus_price * sold).sum()),
        "objective_aggregators": float(((bus_price - aggregator_price) * sold).sum()),
        "objective_dso": float(
            (trade.price * real_time).sum()
            + (aggregator_price * sold).sum()
            - (trade.load_price * bought).sum()
        ),
        "objective_welfare": float(-(trade.price * flexibility).sum()),
    }


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
    values = objectives(trade, data.share, data.energy_mwh)
    check = cancellation(values)
    # What is left of sums that cancel is rounding, not money.
    dust = 1e-12 * float(data.value_eur.sum())
    shown = {name: 0.0 if abs(value) < dust else value for name, value in values.items()}
    return Outcome(of="balance", checks=(check,), arrays={}, values=shown)


def cancellation(values: Mapping[str, float]) -> Check:
    """Check that buses, aggregators and DSO add up to the welfare, (27)-(28)."""
    parts = [values[f"objective_{name}"] for name in ("buses", "aggregators", "dso")]
    scale = max(1.0, *(abs(part) for part in parts))
    return Check.of("transfers cancel", abs(sum(parts) - values["objective_welfare"]) / scale, 1e-9)
