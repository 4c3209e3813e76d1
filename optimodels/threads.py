"""How many threads the libraries take that compute beside the solvers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@contextmanager
def threads_held(number: int) -> Iterator[None]:
    """Hold the libraries that compute beside the solvers to a number of threads."""
    with _libraries(len(sys.modules)).limit(limits=number):
        yield


@lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """Find those libraries anew only where something was imported meanwhile: it takes a part of
    a small run."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
