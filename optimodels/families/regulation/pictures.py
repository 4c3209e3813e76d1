<<<<<<< HEAD
"""Pictures of the regulation family."""

from __future__ import annotations

from optimodels.families.regulation.physics.cost_pictures import (
    regulation_cost as regulation_cost,
)
from optimodels.families.regulation.physics.pictures import (
    frequency_response as frequency_response,
)
=======
"""The pictures of the family's models."""

from __future__ import annotations

from optimodels.families.regulation.market.pictures import market_clearing
from optimodels.families.regulation.sharing.pictures import participation

__all__ = ["market_clearing", "participation"]
>>>>>>> market
