"""What all tests share: a network cache of their own, so that nothing of the user's is touched, and
Ctrl-C as a terminal has it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# What a shell without job control starts in its background is deaf to Ctrl-C, and so is all that
# the tests start, which send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setenv("OPTIMODELS_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of the shipped cases."""
    return Path(__file__).parent.parent / "cases"


@pytest.fixture(autouse=True)
def _judged_anew() -> None:
    """Tests change which solvers there are and what judges: no verdict outlives its test."""
    judgement = sys.modules.get("optimodels.study.judgement")
    if judgement is not None:
        judgement._judged.clear()
