"""Threads: how many the libraries take that compute beside the solvers, and those in which
solvers work so that Ctrl-C is heard."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

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


#: What is told to threads that wait for work. They serve again and again: SCIP has room for 63 in
#: the life of a process, and crashes at a nonlinear problem in the next one.
_waiting: list[SimpleQueue[tuple[Callable[[], Any], SimpleQueue[Any]]]] = []
_WAITING = "waits for a solver's work"
#: Seconds after which a solver that took Ctrl-C for itself is made to give it back.
_PATIENCE = 0.2

if hasattr(os, "register_at_fork"):
    # A forked process has the list, and none of the threads.
    os.register_at_fork(after_in_child=_waiting.clear)


def interruptible(work: Callable[[], Any]) -> Any:
    """Run native code beside the main thread, which alone hears Ctrl-C and must not be inside it.

    Solvers that listen for themselves (SCS, ECOS, OSQP) come back with a failure like any other,
    and CBC goes on listening when it is done: Python's ear is put back. An interrupted run is left
    behind; the command line then ends the process.
    """
    in_main = threading.current_thread() is threading.main_thread()
    ear = signal.getsignal(signal.SIGINT) if in_main else None
    answers: SimpleQueue[Any] = SimpleQueue()
    try:
        orders = _waiting.pop()
    except IndexError:
        orders = SimpleQueue()
        threading.Thread(target=_serve, args=(orders,), daemon=True).start()
    orders.put((work, answers))
    answer = None
    while answer is None:
        # Without a timeout, some systems would not let go for a signal.
        with suppress(Empty):
            answer = answers.get(timeout=_PATIENCE)
        if ear is not None:
            signal.signal(signal.SIGINT, ear)
    result, error = answer
    if error is not None:
        raise error
    return result


def _serve(orders: SimpleQueue[tuple[Callable[[], Any], SimpleQueue[Any]]]) -> None:
    thread = threading.current_thread()
    name = thread.name
    while True:
        work, answers = orders.get()
        thread.name = name
        try:
            result, failed = work(), None
        except BaseException as error:
            result, failed = None, error
        thread.name = _WAITING
        # Before the answer: who asked may ask again at once.
        _waiting.append(orders)
        answers.put((result, failed))
        # A model may be large, and the next one late.
        del work, answers, result, failed


def others_at_work() -> bool:
    """Whether another thread works than this one, as a solver in native code after Ctrl-C."""
    here = threading.current_thread()
    return any(other is not here and other.name != _WAITING for other in threading.enumerate())
