"""The pictures of the family's models."""

from __future__ import annotations

from optimodels.families.regulation.market.pictures import market_clearing
from optimodels.families.regulation.physics.cost_pictures import regulation_cost
from optimodels.families.regulation.physics.pictures import frequency_response
from optimodels.families.regulation.sharing.pictures import participation

__all__ = ["frequency_response", "market_clearing", "participation", "regulation_cost"]
