"""A solver in a process of its own, which can be ended when it does not end itself.

What crosses over is the formulation and its data one way, the canonical form
and the claim the other; models and solvers stay where they are.
"""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING, Any

import cloudpickle
import psutil

from optimodels.errors import OptimodelsError, RunError
from optimodels.model import Formulation
from optimodels.processes import allowed_to_start, process_context
from optimodels.result import Claim, Stopped
from optimodels.solvers.in_process import Attempt, attempt_here
from optimodels.solvers.languages import language_for
from optimodels.solvers.registry import Request, Solver

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from optimodels.form import Form

#: A solver with a time limit of its own gets this much longer to hand on what it has found: the
#: seconds and the part of the limit.
GRACE = (3.0, 0.25)
#: How often memory and time are looked at, in seconds.
_PULSE = 0.05
_GIB = 2.0**30


def attempt_isolated(
    formulation: Formulation[Any], data: Any, solver: Solver | None, request: Request
) -> Attempt:
    """Solve in a process of its own and end it at the limits of the request.

    The time limit counts from when the model is built and compiled. What a solver had found when
    it was ended is lost: solvers that keep their own limit hand it on before.
    """
    via = solver.via if solver else language_for(formulation, request.via)
    context = process_context([f"optimodels.solvers.{via}_language"])
    job = cloudpickle.dumps((formulation, data, solver, request))
    ours, theirs = context.Pipe()
    folder = tempfile.mkdtemp(prefix="optimodels-")
    process = context.Process(target=_work, args=(theirs, job, folder), daemon=False)
    try:
        with allowed_to_start():
            process.start()
        theirs.close()
        return _listen(process, ours, solver, request)
    finally:
        _end(process)
        ours.close()
        shutil.rmtree(folder, ignore_errors=True)


def _work(pipe: Connection, job: bytes, folder: str) -> None:
    """Run in the process: say "begun" with the form, then what came out."""
    # Ctrl-C is for the parent, which ends this whole group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError, AttributeError):
        os.setsid()
    tempfile.tempdir = os.environ["TMPDIR"] = folder
    Thread(target=_watch, args=(pipe, folder), daemon=True).start()
    formulation, data, solver, request = pickle.loads(job)

    def ready(form: Form) -> None:
        pipe.send(("begun", form))

    try:
        done = attempt_here(formulation, data, solver, request, ready)
    except OptimodelsError as error:
        pipe.send(("failed", error))
    except MemoryError:
        pipe.send(("claim", Claim("memory", message="out of memory"), {}))
    except Exception as error:  # a fault of a formulation; there is nobody else to tell it to
        said = " ".join(f"{type(error).__name__}: {error}".split())
        pipe.send(("failed", RunError(f"{formulation.name}: {said[:500]}")))
    else:
        pipe.send(("claim", done.claim, done.seconds))
    sys.stdout.flush()


def _watch(pipe: Connection, folder: str) -> None:
    """End this process and the programs that it started when the parent is no more."""
    with suppress(EOFError, OSError):
        pipe.recv()
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(AttributeError):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _listen(process: Any, pipe: Connection, solver: Solver | None, request: Request) -> Attempt:
    limits = request.limits
    form: Form | None = None
    deadline: float | None = None
    begun = perf_counter()

    def ended(stopped: Stopped, message: str) -> Attempt:
        return Attempt(form, Claim(stopped, message=message), {"solve": perf_counter() - begun})

    while True:
        try:
            if pipe.poll(_PULSE):
                kind, *said = pipe.recv()
                if kind == "begun":
                    (form,) = said
                    begun = perf_counter()
                    if limits.time is not None:
                        own = solver is not None and solver.options.keeps("time")
                        deadline = begun + limits.time + (_grace(limits.time) if own else 0.0)
                elif kind == "failed":
                    raise said[0]
                else:
                    return Attempt(form, *said)
        except (EOFError, ConnectionResetError):
            process.join(1.0)
            if form is None and process.exitcode == 1:
                raise RunError(
                    "the solver's process could not start; a script that isolates solvers must "
                    "do so below `if __name__ == '__main__':`"
                ) from None
            return ended("error", f"the solver's process died ({_death(process.exitcode)})")
        if deadline is not None and perf_counter() > deadline:
            return ended("time", "ended from outside at the time limit")
        if limits.memory is not None and _resident(process.pid) > limits.memory * _GIB:
            return ended("memory", f"ended from outside at {limits.memory:g} GiB")


def _grace(time: float) -> float:
    fixed, part = GRACE
    return fixed + part * time


def _resident(pid: int | None) -> float:
    """Return the resident bytes of a process and its children."""
    found = 0.0
    with suppress(psutil.Error):
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            with suppress(psutil.Error):
                found += process.memory_info().rss
    return found


def _end(process: Any) -> None:
    """End a process with the programs that it started."""
    pid = process.pid
    if pid is None:
        return
    with suppress(psutil.Error):
        for child in psutil.Process(pid).children(recursive=True):
            with suppress(psutil.Error):
                child.kill()
    with suppress(OSError, AttributeError):
        if process.is_alive():
            os.killpg(pid, signal.SIGKILL)
    process.kill()
    process.join()


def _death(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit {code}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"
