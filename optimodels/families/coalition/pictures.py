"""Pictures of the coalition family."""

from __future__ import annotations

from collections.abc import Sequence

from optimodels.families.coalition import game_pictures
from optimodels.result import Result


def cooperative(results: Sequence[Result]) -> dict[str, bytes]:
    """None yet."""
    return {}


integrated = self_interested = ad_hoc = cooperative
payments, formation = game_pictures.payments, game_pictures.formation
