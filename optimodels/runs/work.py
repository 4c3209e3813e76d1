"""One run of a sweep, as a worker does it: a case and values in, the file of the run out."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from optimodels.case import Case
from optimodels.errors import OptimodelsError
from optimodels.runs.record import Record, packed
from optimodels.threads import threads_held

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
#: Limits of threads and what solvers print are a process's own: where a cluster's worker has
#: several threads, its runs take turns.
_alone = threading.Lock()


def prepare_worker(threads: int) -> None:
    """Hold what computes beside the solvers to as many threads as were asked for."""
    os.environ.update(dict.fromkeys(_THREADS, str(threads)))
    import signal

    # Ctrl-C is for who started the workers and ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@lru_cache(maxsize=1)
def _case(pickled: bytes) -> Case:
    """Unpickle the case of a sweep once: for small runs that is half of the overhead."""
    case: Case = pickle.loads(pickled)
    return case


def run_one(pickled: bytes, values: Mapping[str, Any], key: str) -> tuple[bytes, str]:
    """Solve one run of a pickled case and return its file and its summary.

    What goes wrong is its content, never an exception, unless the case cannot be read here at all:
    ImportError, where its family is not installed.
    """
    from optimodels.case import choice
    from optimodels.study import solve

    case = _case(pickled)
    try:
        run = case.with_values(values)
        asked = choice(run)
        # A worker is a process of its own; within it only a limit needs another one.
        apart = asked.time_limit is not None or asked.memory_limit is not None
        with _alone, threads_held(asked.threads or 1):
            return packed(Record.of(key, solve(run, isolate=apart or None)))
    except OptimodelsError as error:
        return packed(failure(case, key, str(error), error.exit_code))
    except Exception as error:  # a fault of a model is the row's, not the sweep's
        said = " ".join(f"{type(error).__name__}: {error}".split())
        return packed(failure(case, key, said[:500], 5))


def failure(case: Case, key: str, reason: str, exit_code: int = 5) -> Record:
    """Return the record of a run without a result."""
    return Record(key, case.name, case.model.name, error=reason, exit_code=exit_code)
