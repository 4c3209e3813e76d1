"""What unit tests of several files share: the engines of the Ising dynamics."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

COMPILED = pytest.param("numba", marks=pytest.mark.skipif(
    find_spec("numba") is None, reason="Numba is not installed"
))  # fmt: skip


@pytest.fixture(params=["numpy", COMPILED])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each engine in turn."""
    if request.param == "numpy":
        monkeypatch.setattr("optimodels.families.ising.engine.find_spec", lambda name: None)
    return str(request.param)
