"""Starting processes of our own: from a server that has loaded what they need, and nothing more.

They are never forked from a process in which a solver has run: that has hung, and it has returned
zeros without a word.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver
from typing import Any


def process_context(preload: Sequence[str]) -> Any:
    """Return how processes are started; ``preload`` names modules that the server loads once.

    The preload is of effect before the first process of this one; later ones load the rest
    themselves.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    with _deaf_and_silent():
        forkserver.ensure_running()
    return context


@contextmanager
def allowed_to_start() -> Iterator[None]:
    """Workers of a pool are daemons, which may not start processes; these end theirs themselves."""
    config = getattr(multiprocessing.current_process(), "_config", {})
    daemon = config.pop("daemon", None)
    try:
        yield
    finally:
        if daemon is not None:
            config["daemon"] = daemon


@contextmanager
def _deaf_and_silent() -> Iterator[None]:
    """What is started meanwhile ignores Ctrl-C and has no standard error: met while it is born,
    it would print a traceback. What goes wrong in it is told through its pipe."""
    main = threading.current_thread() is threading.main_thread()
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
        if main:
            signal.signal(signal.SIGINT, heard)
