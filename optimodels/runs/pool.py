"""Where runs are done: in local processes, or on a cluster; a worker that dies costs one run."""

from __future__ import annotations

import socket
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import contextmanager
from itertools import islice
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Protocol

from optimodels import __version__
from optimodels.errors import CallError, RunError, UnavailableError
from optimodels.processes import Child, Line, how_it_died, process_context

#: How often a run is tried whose worker died.
ATTEMPTS = 3
#: Seconds without any worker after which a pool is given up, and how often it is looked at: one
#: whose last worker died may be starting another.
PATIENCE, LOOKS = 60.0, 10
#: Seconds between looks whether a pool was closed while a worker is heard.
_LISTENED = 0.1
#: Seconds below which a worker gets its next task ahead, and need not wait for this process; a
#: task that waits behind a long one could be done elsewhere.
_QUICK = 0.1
_PRELOAD = ["optimodels.solvers.cvxpy_language"]


class WorkerDiedError(Exception):
    """The process of a run ended before the run did; its text says how."""


class Pool(Protocol):
    """What does tasks elsewhere: ``submit`` as in concurrent.futures, ``slots`` at once.

    A future raises WorkerDiedError where its own worker died.
    """

    slots: int

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]: ...

    def has_workers(self) -> bool: ...


def results(
    pool: Pool,
    function: Callable[..., Any],
    tasks: Iterator[tuple[Any, ...]],
    attempts: int = ATTEMPTS,
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Do tasks and return (task, what came out) as they end; a few are under way at a time.

    What came out is a WorkerDiedError where a task's worker died every time it was tried.
    Raises RunError where no worker is left.
    """
    under_way: dict[Future[Any], tuple[tuple[Any, ...], int]] = {}
    more, alone = True, 0
    while more or under_way:
        while more and len(under_way) < 4 * pool.slots:
            task = next(tasks, None)
            if task is None:
                more = False
                break
            under_way[pool.submit(function, *task)] = (task, 1)
        if not under_way:
            break
        ended, _ = wait(under_way, PATIENCE / LOOKS, return_when=FIRST_COMPLETED)
        alone = 0 if ended or pool.has_workers() else alone + 1
        if alone == LOOKS:
            raise RunError("no worker is left; what is done is kept")
        for future in ended:
            task, tried = under_way.pop(future)
            try:
                yield task, future.result()
            except (WorkerDiedError, CancelledError) as error:
                if tried < attempts:
                    under_way[pool.submit(function, *task)] = (task, tried + 1)
                    continue
                how = str(error) or "cancelled"
                yield task, WorkerDiedError(f"its worker died {_times(tried)}: {how}")


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


class _Local:
    """Processes on this machine, each at the end of a pipe of its own: one that is killed, at
    whatever moment, takes what it was doing with it and nothing else."""

    def __init__(self, workers: int, start: Callable[[int], None], threads: int) -> None:
        self.slots = workers
        self._prepared = start, threads
        self._tasks: SimpleQueue[tuple[Future[Any], Any] | None] = SimpleQueue()
        self._closed = threading.Event()
        self._keepers = [threading.Thread(target=self._keep, daemon=True) for _ in range(workers)]
        for keeper in self._keepers:
            keeper.start()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._tasks.put((future, (function, arguments)))
        return future

    def has_workers(self) -> bool:
        return True  # those that die are started again

    def close(self) -> None:
        """End all; what is still under way was interrupted."""
        self._closed.set()
        for _ in self._keepers:
            self._tasks.put(None)
        for keeper in self._keepers:
            keeper.join()

    def _keep(self) -> None:
        """Hand tasks to one worker; where it dies, another takes its place."""
        worker: Child | None = None
        # What the worker has, in its order: it does the first; one behind it was not begun.
        held: deque[tuple[Future[Any], Any]] = deque()
        sent, quick = 0, False
        while self._take(held, 2 if quick else 1):
            try:
                if worker is not None and not sent and worker.exit_code is not None:
                    worker.end()
                    worker = None
                worker = worker or self._started()
                for _, message in islice(held, sent, None):
                    worker.send(message)
                sent = len(held)
                begun = monotonic()
                value, error = self._said(worker)
                quick, sent = monotonic() - begun < _QUICK, sent - 1
            except BaseException as met:
                value, error = None, met
                if worker is not None:
                    worker.end()
                worker, sent, quick = None, 0, False
            future, _ = held.popleft()
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)
        if worker is not None:
            worker.end()

    def _take(self, held: deque[tuple[Future[Any], Any]], most: int) -> bool:
        """Hold so many tasks, or one and what is there; return False once the pool is closed."""
        while len(held) < most and not self._closed.is_set():
            try:
                task = self._tasks.get(block=not held)
            except Empty:
                break
            if task is not None:
                held.append(task)
        return not self._closed.is_set()

    def _started(self) -> Child:
        """Return a worker that is ready: one that dies on its way up is no task's fault."""
        for _ in range(ATTEMPTS):
            try:
                worker = Child(_serve, self._prepared, _PRELOAD)
            except (OSError, EOFError) as error:
                died = str(error) or "the server that starts them died"
                continue
            try:
                self._said(worker)
            except BaseException as error:
                worker.end()
                if not isinstance(error, WorkerDiedError):
                    raise
                died = str(error)
            else:
                return worker
        raise RunError(
            f"no worker could be started ({died}); what is done is kept. A script that starts "
            "workers must do so below `if __name__ == '__main__':`"
        )

    def _said(self, worker: Child) -> Any:
        """Wait for what a worker says next."""
        while not self._closed.is_set():
            try:
                said = worker.receive(_LISTENED)
            except EOFError as error:
                raise WorkerDiedError(how_it_died(worker.exit_code)) from error
            if said is not None:
                return said
        raise CancelledError


def _serve(line: Line, start: Callable[[int], None], threads: int) -> None:
    """Do tasks in a worker, one after another: say (value, None) or (None, error) of each."""
    start(threads)
    line.send("ready")
    while True:
        function, arguments = line.orders.get()
        try:
            value, met = function(*arguments), None
        except Exception as error:
            error.add_note(traceback.format_exc())
            value, met = None, error
        line.send((value, met))


@contextmanager
def local_pool(workers: int, start: Callable[[int], None], threads: int) -> Iterator[Pool]:
    """Open processes on this machine, each prepared by ``start``."""
    process_context(_PRELOAD)  # its server is born here, where Ctrl-C is heard
    try:
        pool = _Local(workers, start, threads)
    except RuntimeError as error:
        raise RunError(f"workers need a thread each: {error}") from error
    try:
        yield pool
    finally:
        pool.close()


@contextmanager
def cluster_pool(address: str) -> Iterator[Pool]:
    """Use the workers of a dask cluster that runs already.

    Raises UnavailableError where dask.distributed is not installed, CallError where nobody
    answers at the address, RunError where it has no workers, one of them has another version of
    this package or lacks a case's family, or the scheduler goes away.
    """
    try:
        from distributed import Client
        from distributed.comm import CommClosedError, get_address_host_port
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        raise UnavailableError(
            "--cluster", "dask.distributed is not installed: pip install 'optimodels[cluster]'"
        ) from error
    try:
        # Asked before dask starts its loop: that takes a thread and ten seconds of patience,
        # and says less.
        with socket.create_connection(get_address_host_port(address), timeout=10) as line:
            # A scheduler speaks first; to one who never does dask would listen for minutes.
            if address.partition("://")[0] in ("tcp", address) and not line.recv(1):
                raise OSError
        client = Client(address, timeout=30, set_as_default=False)
    except (OSError, ValueError, OverflowError) as error:
        raise CallError(f"--cluster: nobody answers at {address!r}") from error
    try:
        versions = client.run(_version)
        if not versions:
            raise RunError(f"--cluster {address}: it has no workers")
        for worker, found in versions.items():
            if found != __version__:
                said = f"worker {worker} has optimodels {found}, this is {__version__}"
                raise RunError(f"--cluster {address}: {said}")

        class Cluster:
            slots = sum(client.nthreads().values())

            def has_workers(self) -> bool:
                return bool(client.nthreads())

            def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
                outer: Future[Any] = Future()

                def hand_on(inner: Any) -> None:
                    try:
                        outer.set_result(inner.result())
                    except KilledWorker as error:
                        died = f"{error.allowed_failures + 1} workers of the cluster each time"
                        outer.set_exception(WorkerDiedError(died))
                    except ImportError as error:
                        # Not the run's fault, or it would be its row: the case is not read there.
                        lacks = RunError(f"--cluster {address}: a worker lacks {error.name}")
                        outer.set_exception(lacks)
                    except CommClosedError:
                        outer.set_exception(lost)  # amid the answer, before the client notices
                    except BaseException as error:
                        outer.set_exception(lost if client.status != "running" else error)

                lost = RunError(f"--cluster {address}: its scheduler is gone; what is done is kept")
                if client.status != "running":
                    raise lost
                # Not through the client's own executor: a future of that never ends whose answer
                # was lost with its worker and could not be had again.
                task = client.submit(function, *arguments, pure=False, retries=0)
                task.add_done_callback(hand_on)
                return outer

        yield Cluster()
    finally:
        client.close()


def _version() -> str:
    return __version__
