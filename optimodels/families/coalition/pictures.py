"""Pictures of the coalition family."""

from __future__ import annotations

from collections.abc import Sequence

from optimodels.result import Result


def cooperative(results: Sequence[Result]) -> dict[str, bytes]:
    """None yet."""
    return {}


integrated = self_interested = ad_hoc = cooperative
