"""Seconds of a solve that are not the solver's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


@contextmanager
def timed(seconds: dict[str, float]) -> Iterator[None]:
    """Count what is done here, which only verification needs, as its seconds."""
    started = perf_counter()
    try:
        yield
    finally:
        seconds["verify"] = seconds.get("verify", 0.0) + perf_counter() - started
