"""A solver in a process of its own, which can be ended when it does not end itself.

What crosses over is the formulation and its data one way, the canonical form
and the claim the other; models and solvers stay where they are.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

import cloudpickle

from optimodels.errors import OptimodelsError, RunError
from optimodels.model import Formulation
from optimodels.processes import Child, Line, how_it_died
from optimodels.result import Claim, Stopped
from optimodels.solvers.in_process import Attempt, attempt_here
from optimodels.solvers.languages import language_for
from optimodels.solvers.registry import Limits, Request, Solver

if TYPE_CHECKING:
    from optimodels.form import Form

#: A solver with a time limit of its own gets this much longer to hand on what it has found: the
#: seconds and the part of the limit.
GRACE = (3.0, 0.25)
#: How often memory and time are looked at, in seconds.
_PULSE = 0.05
_GIB = 2.0**30


class Guard:
    """The limits of a solver, as they are kept from outside its process."""

    def __init__(self, limits: Limits, keeps_time: bool) -> None:
        self._limits = limits
        self._grace = GRACE[0] + GRACE[1] * (limits.time or 0.0) if keeps_time else 0.0
        self._deadline: float | None = None

    def begin(self) -> None:
        """The solver begins: its time counts from now."""
        if self._limits.time is not None:
            self._deadline = perf_counter() + self._limits.time + self._grace

    def pause(self) -> None:
        """The solver has ended."""
        self._deadline = None

    def listen(self, child: Child) -> Any:
        """Return the process's next message, or None: it is time to ask ``broken``."""
        return child.receive(_PULSE)

    def broken(self, child: Child) -> tuple[Stopped, str] | None:
        """Return which limit is passed, and what to say of it."""
        if self._deadline is not None and perf_counter() > self._deadline:
            return "time", "ended from outside at the time limit"
        memory = self._limits.memory
        if memory is not None and child.resident > memory * _GIB:
            return "memory", f"ended from outside at {memory:g} GiB"
        return None


def attempt_isolated(
    formulation: Formulation[Any],
    data: Any,
    solver: Solver | None,
    request: Request,
    ready: Callable[[Form], None] | None = None,
) -> Attempt:
    """Solve in a process of its own and end it at the limits of the request.

    The time limit counts from when the model is built and compiled. What a solver had found when
    it was ended is lost: solvers that keep their own limit hand it on before.
    """
    via = solver.via if solver else language_for(formulation, request.via)
    job = cloudpickle.dumps((formulation, data, solver, request))
    guard = Guard(request.limits, solver is not None and solver.options.keeps("time"))
    with Child(_work, [job], [f"optimodels.solvers.{via}_language"]) as child:
        return _listen(child, guard, ready)


def _work(line: Line, job: bytes) -> None:
    """Run in the process: say "begun" with the form, then what came out."""
    formulation, data, solver, request = pickle.loads(job)

    def ready(form: Form) -> None:
        line.send(("begun", form))

    try:
        done = attempt_here(formulation, data, solver, request, ready)
    except OptimodelsError as error:
        line.send(("failed", error))
    except MemoryError:
        line.send(("claim", Claim("memory", message="out of memory"), {}))
    except Exception as error:  # a fault of a formulation; there is nobody else to tell it to
        said = " ".join(f"{type(error).__name__}: {error}".split())
        line.send(("failed", RunError(f"{formulation.name}: {said[:500]}")))
    else:
        line.send(("claim", done.claim, done.seconds))


def _listen(child: Child, guard: Guard, ready: Callable[[Form], None] | None) -> Attempt:
    form: Form | None = None
    begun = perf_counter()

    def ended(stopped: Stopped, message: str) -> Attempt:
        return Attempt(form, Claim(stopped, message=message), {"solve": perf_counter() - begun})

    while True:
        try:
            message = guard.listen(child)
        except EOFError:
            if form is None and child.exit_code == 1:
                raise RunError(
                    "the solver's process could not start; a script that isolates solvers must "
                    "do so below `if __name__ == '__main__':`"
                ) from None
            return ended("error", f"the solver's process died ({how_it_died(child.exit_code)})")
        if message is not None:
            kind, *said = message
            if kind == "begun":
                (form,) = said
                begun = perf_counter()
                guard.begin()
                if ready is not None:
                    ready(form)
            elif kind == "failed":
                raise said[0]
            else:
                return Attempt(form, *said)
        broken = guard.broken(child)
        if broken is not None:
            return ended(*broken)
