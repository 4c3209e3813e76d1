"""The pictures of the family's models."""

from __future__ import annotations

from optimodels.families.regulation.market.pictures import market_clearing
from optimodels.families.regulation.sharing.pictures import participation

__all__ = ["market_clearing", "participation"]
