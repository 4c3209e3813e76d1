"""Paper 002's auctions by the background of their loads, as a case and as a market."""

from __future__ import annotations

from optimodels.families.supply.auction.market import Market, cell_weights
from optimodels.families.supply.parameters import Background

#: Experiment 4's density is approximate: its figure is lost.
PIECES = [0.0, 3.4, 0.1, 1.15, 0.53, 0.25, 1.54]


def in_a_case(background: str) -> str:
    return f"{{pieces: {PIECES}}}" if background == "pieces" else background


def market(background: str, firms: int) -> Market:
    given = Background(pieces=PIECES) if background == "pieces" else Background(shape=background)
    weights = cell_weights(given, firms)
    return Market(firms, 1, 0.0, 100.0, weights / weights.sum(), 0, 1)
