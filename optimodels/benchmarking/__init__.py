"""One formulation through many solvers: who answers, how fast, and who is wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from optimodels.benchmarking.entry import Benchmark, Entry, Settings
from optimodels.benchmarking.machine import environment_now, load_now
from optimodels.benchmarking.race import Contestant, race
from optimodels.benchmarking.settle import settled
from optimodels.case import Case, choice
from optimodels.case.expansion import expand
from optimodels.errors import CallError, suggestion
from optimodels.model import Solve
from optimodels.solvers.registry import able_solvers, solver_names

__all__ = ["Benchmark", "Entry", "Settings", "bench"]

#: Called with the instance, the solver, which round it is (0 warms up) and of how many.
Progress = Callable[[str, str, int, int], None]


def bench(
    cases: Case | Sequence[Case],
    solvers: str | Sequence[str] | None = None,
    settings: Settings | None = None,
    *,
    sweeps: bool = False,
    progress: Progress | None = None,
) -> Benchmark:
    """Race solvers on cases: every answer verified, times by station, peak memory.

    ``solvers`` are words as a case writes them ("highs", "pyomo:highs", "exact"); None takes every
    installed way that can solve the case. Each solver has a process of its own per case, which
    answers once to warm up, uncounted, and then once in every round, in an order drawn from the
    seed. ``sweeps`` takes each run of a case's sweep as an instance of its own.

    Interrupted (Ctrl-C), it returns the instances that were raced to their end, and says so in
    ``interrupted``; where there are none it is the KeyboardInterrupt.

    Raises CallError where a solver's name is unknown, two instances have one name, or a case has
    nothing to solve.
    """
    chosen = settings or Settings()
    asked = [solvers] if isinstance(solvers, str) else solvers
    field_words = None if asked is None else list(dict.fromkeys(asked))
    instances: dict[str, Case] = {}
    for case in [cases] if isinstance(cases, Case) else cases:
        for name, one in _instances(case, sweeps):
            if name in instances:
                raise CallError(
                    f"two cases are named {name!r}; a benchmark needs their names apart"
                )
            instances[name] = one
    for solver in field_words or ():
        _known(solver)
    before = load_now()
    draws = random.Random(chosen.seed)
    entries: list[Entry] = []
    environment = {**environment_now(), "load before": before}
    for number, (name, case) in enumerate(instances.items()):
        words = field_words or able_words(case)
        if not words:
            raise CallError(f"{name}: {case.model.name} asks no solver; there is nothing to race")
        field = [Contestant(name, word, _class(case), _by(case, word, chosen)) for word in words]

        def tell(solver: str, number: int, name: str = name) -> None:
            if progress is not None:
                progress(name, solver, number, chosen.repeat)

        try:
            entries += settled(race(field, chosen, draws, tell))
        except KeyboardInterrupt:
            if not entries:
                raise
            environment["interrupted"] = f"after {number} of {len(instances)} instances"
            break
    return Benchmark(chosen, {**environment, "load after": load_now()}, tuple(entries))


def able_words(case: Case) -> list[str]:
    """Return every installed way that can solve a case, as words for its key ``solver``."""
    program = case.model.load_program(case.parameters)
    free = [s.formulation for s in program.stages if isinstance(s, Solve) and s.solver is None]
    words: dict[str, None] = {}
    for formulation in free:
        words |= dict.fromkeys(f"{s.via}:{s.name}" for s in able_solvers(formulation))
    able = [
        word
        for word in words
        if all(word in {f"{s.via}:{s.name}" for s in able_solvers(f)} for f in free)
    ]
    return [*able, "exact"] if free and all(f.exact is not None for f in free) else able


def _instances(case: Case, sweeps: bool) -> list[tuple[str, Case]]:
    single = case.alone()
    if not sweeps or case.file.sweep is None:
        return [(case.name, single)]
    found = []
    for values in expand(case):
        # Who solves, and within which limits, is the race's.
        kept = {key: value for key, value in values.items() if key.partition(".")[0] != "solver"}
        said = ", ".join(f"{k.removeprefix('parameters.')}={v}" for k, v in kept.items())
        found.append((f"{case.name} ({said})", single.with_values(kept)))
    return list(dict(found).items())


def _class(case: Case) -> str:
    """Return the class of the model's main problem."""
    program = case.model.load_program(case.parameters)
    return next(
        (s.formulation.problem_class for s in program.stages
         if isinstance(s, Solve) and s.name == program.main), "",
    )  # fmt: skip


def _by(case: Case, word: str, settings: Settings) -> Case:
    """Return the case as one solver gets it: the race's limits, the case's own gap."""
    asked = {
        "name": word,
        "time_limit": settings.time_limit,
        "threads": settings.threads,
        "memory_limit": settings.memory_limit,
        "gap": choice(case).gap,
    }
    return case.with_values({"solver": {k: v for k, v in asked.items() if v is not None}})


def _known(word: str) -> None:
    name = word.rpartition(":")[2]
    if name not in solver_names():
        raise CallError(f"--solvers: no solver {name!r}{suggestion(name, solver_names())}")
