"""Starting processes of our own: from a server that has loaded what they need, and nothing more.

They are never forked from a process in which a solver has run: that has hung, and it has returned
zeros without a word.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import forkserver
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

#: What starts a process borrows standard error, and looks after all others that have ended:
#: several threads would lose the one and take each other's exit codes.
_one_at_a_time = threading.RLock()


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
def redirected(descriptor: int, target: int) -> Iterator[None]:
    """Send what is written to a file descriptor to another one, in whichever language it is
    written."""
    kept = os.dup(descriptor)
    os.dup2(target, descriptor)
    try:
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)


@contextmanager
def allowed_to_start() -> Iterator[None]:
    """A cluster's workers are daemons, which may not start processes; ours end by themselves."""
    config = getattr(multiprocessing.current_process(), "_config", {})
    daemon = config.pop("daemon", None)
    try:
        yield
    finally:
        if daemon is not None:
            config["daemon"] = daemon


@contextmanager
def _deaf_and_silent() -> Iterator[None]:
    """What is started meanwhile is deaf to Ctrl-C and has no standard error: met while it is born,
    it would print a traceback. What goes wrong in it is told through its pipe. This process hears
    Ctrl-C afterwards."""
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        with redirected(2, nowhere):
            yield
    finally:
        os.close(nowhere)
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)


class Child:
    """A process of our own at the end of a pipe; it is ended with all programs that it started.

    ``target`` is called there with a ``Line`` and the arguments. It has a folder for scratch
    files, which goes with it.
    """

    def __init__(
        self, target: Callable[..., None], arguments: Sequence[Any], preload: Sequence[str]
    ) -> None:
        with _one_at_a_time:
            context = process_context(preload)
        self._pipe, theirs = context.Pipe()
        self._folder = tempfile.mkdtemp(prefix="optimodels-")
        self._process = context.Process(
            target=_begin, args=(theirs, self._folder, target, tuple(arguments)), daemon=False
        )
        try:
            with _one_at_a_time, allowed_to_start():
                self._process.start()
        except BaseException:
            self.end()
            raise
        finally:
            theirs.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def send(self, message: Any) -> None:
        """Hand a message to the process; one that has died is found out by ``receive``."""
        with suppress(OSError):
            self._pipe.send(message)

    def receive(self, patience: float) -> Any:
        """Return its next message, or None after ``patience`` seconds; EOFError: it has died."""
        try:
            return self._pipe.recv() if self._pipe.poll(patience) else None
        except (EOFError, OSError) as error:  # an OSError where it died amid a message
            with _one_at_a_time:
                self._process.join(1.0)
            raise EOFError from error

    @property
    def exit_code(self) -> int | None:
        """How it ended, or None while it goes on."""
        with _one_at_a_time:
            code: int | None = self._process.exitcode
        return code

    @property
    def resident(self) -> float:
        """Resident bytes of the process and its children."""
        found = 0.0
        with suppress(psutil.Error):
            parent = psutil.Process(self._process.pid)
            for process in [parent, *parent.children(recursive=True)]:
                with suppress(psutil.Error):
                    found += process.memory_info().rss
        return found

    def end(self) -> None:
        """End the process with the programs that it started."""
        pid = self._process.pid
        if pid is not None:
            # Without memory to look for them, those of its group end all the same.
            with suppress(psutil.Error, MemoryError):
                for child in psutil.Process(pid).children(recursive=True):
                    with suppress(psutil.Error):
                        child.kill()
            with _one_at_a_time:
                # Its group outlives it where it died by itself; the number is another's only where
                # a process has it again.
                with suppress(OSError, AttributeError, MemoryError):
                    if self._process.is_alive() or not psutil.pid_exists(pid):
                        os.killpg(pid, signal.SIGKILL)
                self._process.kill()
                self._process.join()
        self._pipe.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class Line:
    """The other end of a ``Child``: what it is told waits in ``orders``."""

    def __init__(self, pipe: Connection, folder: str) -> None:
        self._pipe = pipe
        self._folder = folder
        self.orders: SimpleQueue[Any] = SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, message: Any) -> None:
        self._pipe.send(message)

    def _listen(self) -> None:
        """Take orders; where the parent is no more, end this process and what it started."""
        with suppress(EOFError, OSError):
            while True:
                self.orders.put(self._pipe.recv())
        shutil.rmtree(self._folder, ignore_errors=True)
        with suppress(AttributeError):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)


def how_it_died(code: int | None) -> str:
    """Say by which signal or with which exit code a process ended."""
    if code is not None and code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"
    return f"exit {code}"


def _begin(
    pipe: Connection, folder: str, target: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    # Ctrl-C is for the parent, which ends this whole group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError, AttributeError):
        os.setsid()
    tempfile.tempdir = os.environ["TMPDIR"] = folder
    target(Line(pipe, folder), *arguments)
    sys.stdout.flush()
