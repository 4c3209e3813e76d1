"""The first seeds of each campaign; what each would see is tested beside it."""

from __future__ import annotations

import pytest

from tests.campaigns.catalogue import CAMPAIGNS, Part
from tests.campaigns.ledger import run

#: Seeds that take seconds.
QUICK = {
    "cross-solver": 28,
    "verifier": 300,
    # test_metamorphic.py draws every case once.
    "metamorphic": 3,
    "configs": 60,
    "faults": 1,
}

PARTS = [
    pytest.param(part, QUICK[name], id=f"{name}: {part.title}")
    for name, (_, parts) in CAMPAIGNS.items()
    for part in parts
]


@pytest.mark.parametrize(("part", "count"), PARTS)
def test_first_seeds_break_no_promise(part: Part, count: int) -> None:
    tally = run(part.trial, range(count))
    assert tally.counts
    assert not tally.broken
