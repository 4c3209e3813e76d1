"""Numba's compiler with the suite's settings; loaded only by what needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Return the function as machine code that releases the interpreter's lock.

    The code is kept for later processes beside the source, where that is read-only in the
    user's cache folder (or NUMBA_CACHE_DIR), and where nothing can be written not at all.
    """
    try:
        made = njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:  # "cannot cache function: no locator available"
        made = njit(nogil=True, error_model="numpy")(function)
    return cast(Kernel, made)
