"""Where runs are done: in local processes, or on a cluster; a worker that dies costs one run."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import contextmanager
from typing import Any, Protocol

from optimodels import __version__
from optimodels.errors import CallError, RunError, UnavailableError
from optimodels.processes import how_it_died, process_context

#: How often a run is tried whose worker died.
ATTEMPTS = 3
#: Seconds without any worker after which a pool is given up, and how often it is looked at: one
#: whose last worker died may be starting another.
PATIENCE, LOOKS = 60.0, 10


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
    pool: Pool, function: Callable[..., Any], tasks: Iterator[tuple[Any, ...]]
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
                if tried < ATTEMPTS:
                    under_way[pool.submit(function, *task)] = (task, tried + 1)
                    continue
                how = str(error) or "cancelled"
                yield task, WorkerDiedError(f"its worker died {tried} times: {how}")


@contextmanager
def local_pool(workers: int, start: Callable[[int], None], threads: int) -> Iterator[Pool]:
    """Open processes on this machine, each prepared by ``start``."""
    from pebble import ProcessExpired, ProcessPool

    context = process_context(["optimodels.solvers.cvxpy_language"])

    class Local:
        slots = workers

        def has_workers(self) -> bool:
            return True  # those that die are started again

        def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
            outer: Future[Any] = Future()

            def hand_on(inner: Future[Any]) -> None:
                try:
                    outer.set_result(inner.result())
                except ProcessExpired as error:
                    outer.set_exception(WorkerDiedError(how_it_died(error.exitcode)))
                except BaseException as error:
                    outer.set_exception(error)

            try:
                inner = pool.schedule(function, args=arguments)
            except RuntimeError as error:
                # Rarely a worker that is killed takes pebble's own threads with it.
                said = "the pool of workers broke down; what is done is kept, run it again to go on"
                raise RunError(said) from error
            inner.add_done_callback(hand_on)
            return outer

    pool = ProcessPool(workers, initializer=start, initargs=(threads,), context=context)
    try:
        yield Local()
    finally:
        # What is still under way was interrupted; when all went well nothing is.
        pool.stop()
        pool.join()


@contextmanager
def cluster_pool(address: str) -> Iterator[Pool]:
    """Use the workers of a dask cluster that runs already.

    Raises UnavailableError where dask.distributed is not installed, CallError where nobody
    answers at the address, RunError where it has no workers, one of them has another version of
    this package or lacks a case's family, or the scheduler goes away.
    """
    try:
        from distributed import Client
        from distributed.comm import get_address_host_port
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
