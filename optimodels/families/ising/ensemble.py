"""Replicas of a society's spins: their starts, their evolution, what is measured of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from optimodels.arrays import Floats, Ints, Mask
from optimodels.families.ising.data import Society
from optimodels.families.ising.engine import Dynamics, Evolution, evolve
from optimodels.families.ising.recount import Count, Spins, count
from optimodels.result import Check

#: What is drawn besides the dynamics, each from a stream of its own.
START, PERTURBATION, REWIRING = 1, 2, 3
#: Times at which an average over time is taken, at the most.
_MOST_TIMES = 10_000
#: Standard errors, of few replicas Student's, beyond which a difference is none of chance.
BEYOND_CHANCE = 3.0
#: Part of their terms that sums of doubles leave: fields and, where they are not whole, weights.
_ROUNDING = 1e-10


@dataclass(frozen=True)
class Measured:
    """Of R replicas (R,), or of their averages over time: M, |M|, M^2 and E per site; C and |C|,
    None without buses. Counted from the states, whatever the engine says of them."""

    magnetisation: Floats
    absolute_magnetisation: Floats
    squared_magnetisation: Floats
    energy_per_site: Floats
    constraint: Floats | None
    absolute_constraint: Floats | None


@dataclass(frozen=True)
class Run:
    """One combination: what it was, where it ended, what is measured of it.

    ``start`` and ``spins`` (R, N), of the first replica alone once it is `slim`; ``changed`` (R,)
    customers whose state differs; ``wrong`` spins that are neither up nor down; ``off`` by how much
    the engine's own figures miss the count.
    """

    dynamics: Dynamics
    steps: int
    start: Spins
    spins: Spins
    accepted: Ints
    measured: Measured
    before: Count
    after: Count
    off: float
    changed: Ints
    wrong: int
    row: dict[str, Any] = field(default_factory=dict)


def generator(society: Society, purpose: int, replica: int) -> np.random.Generator:
    """Random numbers of one replica for one purpose: the same whatever else is drawn."""
    seed = society.parameters.seed
    own = seed[replica] if isinstance(seed, list) else seed
    # Far from the streams of the dynamics, which begin with small numbers.
    key = (2**32 - 1, purpose, 0 if isinstance(seed, list) else replica)
    return np.random.default_rng(np.random.SeedSequence(own, spawn_key=key))


def starts(society: Society, feasible: Spins | None) -> Spins:
    """Return the start (R, N) of every replica; ``feasible`` (N,) where that is the start."""
    given, n = society.parameters, society.sites
    shape = (given.replicas, n)
    if given.start == "random":
        drawn = [generator(society, START, r).integers(0, 2, n) for r in range(given.replicas)]
        return (2 * np.stack(drawn) - 1).astype(np.int8)
    if given.start == "feasible":
        assert feasible is not None
        return np.tile(feasible, (given.replicas, 1))
    return np.full(shape, 1 if given.start == "up" else -1, dtype=np.int8)


def perturbed(society: Society, start: Spins, distance: int) -> Spins:
    """Return the starts (R, N) with ``distance`` spins switched in each, drawn at random."""
    changed = start.copy()
    for r in range(len(start)):
        # The first of one order: a farther perturbation contains the nearer ones.
        order = generator(society, PERTURBATION, r).permutation(society.sites)
        changed[r, order[:distance]] *= -1
    return changed


def dynamics(society: Society, temperature: float, external: float, algorithm: str) -> Dynamics:
    """Return what the engine is told of one combination."""
    given = society.parameters
    return Dynamics(
        temperature=temperature,
        field=external,
        algorithm=algorithm,  # type: ignore[arg-type]
        update=given.update,
        weights=society.weights,
        # The penalty counts N |C|, the engine's |C| in its own unit.
        penalty=given.penalty * society.sites * society.unit if algorithm == "penalised" else 0.0,
    )


def run(
    society: Society,
    told: Dynamics,
    start: Spins,
    stream: tuple[int, ...],
    *,
    steps: int | None = None,
) -> Run:
    """Evolve and measure one combination of temperature, field and algorithm."""
    given, n = society.parameters, society.sites
    asked = given.steps if steps is None else steps
    whole = -(-asked // n) * n if told.update == "sweep" else asked
    times = _times(whole, min(given.average_over, whole), n)
    found = evolved(society, told, start, whole, stream, times)
    before, after = count(society, start), count(society, found.spins)
    return Run(
        told, whole, start, found.spins, found.accepted,
        _measured(society, told, after, found) if len(times) > 1 else _end(society, told, after),
        before, after, _off(society, told, after, found), (found.spins != start).sum(axis=1),
        int((np.abs(found.spins) != 1).sum()),
    )  # fmt: skip


def slim(one: Run) -> Run:
    """Return a run that keeps the first replica's states alone: a curve has many runs."""
    return replace(one, start=one.start[:1].copy(), spins=one.spins[:1].copy())


def evolved(
    society: Society,
    told: Dynamics,
    start: Spins,
    steps: int,
    stream: tuple[int, ...],
    record: Sequence[int] = (),
) -> Evolution:
    """Evolve with one seed, or with one for each replica."""
    given = society.parameters
    asked: dict[str, Any] = {
        "stream": stream, "record": record, "threads": society.threads,
        "witness": lambda spins: _counted(society, spins),
    }  # fmt: skip
    if isinstance(given.seed, int):
        return evolve(society.graph, told, start, steps, seed=given.seed, **asked)
    parts = [
        evolve(society.graph, told, start[r : r + 1], steps, seed=seed, **asked)
        for r, seed in enumerate(given.seed[: len(start)])
    ]
    trace = {
        name: np.concatenate([part.trace[name] for part in parts]) if name != "steps" else values
        for name, values in parts[0].trace.items()
    }
    return replace(
        parts[0],
        spins=np.concatenate([part.spins for part in parts]),
        accepted=np.concatenate([part.accepted for part in parts]),
        trace=trace,
    )


def _times(steps: int, over: int, sites: int) -> list[int]:
    """The end alone, or every N of the last proposals, less often where these are very many."""
    every = sites * max(1, math.ceil(over / sites / _MOST_TIMES))
    return list(range(steps, steps - over, -every))[::-1] if over else [steps]


def _end(society: Society, told: Dynamics, after: Count) -> Measured:
    n = society.sites
    m = after.magnetisation / n
    c = None
    if after.constraint is not None:
        c = np.array([value / society.scale for value in after.constraint])
    return Measured(m, np.abs(m), m * m, after.energy(told.field) / n, c,
                    None if c is None else np.abs(c))  # fmt: skip


def _counted(society: Society, spins: Spins) -> dict[str, Any]:
    """What is counted of states (R, N) whenever the engine records them, by name (R,)."""
    found = count(society, spins)
    named: dict[str, Any] = {
        "counted_magnetisation": found.magnetisation,
        "counted_agreement": found.agreement,
    }
    if found.constraint is not None:
        named["counted_constraint"] = np.array([c / society.scale for c in found.constraint])
    return named


def _measured(society: Society, told: Dynamics, after: Count, found: Evolution) -> Measured:
    """Averages over times of what was counted of the states."""
    n, trace = society.sites, found.trace
    m = trace["counted_magnetisation"] / n
    e = -trace["counted_agreement"] / n - told.field * m
    c = trace.get("counted_constraint")
    return Measured(m.mean(1), np.abs(m).mean(1), (m * m).mean(1), e.mean(1),
                    None if c is None else c.mean(1),
                    None if c is None else np.abs(c).mean(1))  # fmt: skip


def _off(society: Society, told: Dynamics, after: Count, found: Evolution) -> float:
    """By how much the engine's figures miss the count at any time, the last one counted again:
    in units of a spin, of a bond."""
    trace, n = found.trace, society.sites
    m, a = trace["counted_magnetisation"], trace["counted_agreement"]
    off = np.abs(trace["magnetisation"] - m).max()
    off = max(off, np.abs(m[:, -1] - after.magnetisation).max())
    size = max(1.0, abs(told.field) * n)
    energy = -a - told.field * m
    off = max(off, np.abs(trace["energy"] - energy).max() / size)
    off = max(off, np.abs(energy[:, -1] - after.energy(told.field)).max() / size)
    if after.constraint is not None:
        theirs, counted = trace["constraint"], trace["counted_constraint"]
        wrong = int((np.abs(theirs * society.unit - counted) > _ROUNDING).sum())
        if theirs.dtype.kind == "i":
            last = zip(theirs[:, -1], after.constraint, strict=True)
            wrong += sum(int(a) != b for a, b in last)
        off = max(off, wrong)
    return float(off)


def invariants(society: Society, runs: Sequence[Run]) -> tuple[Check, ...]:
    """What must hold of the end states whatever was drawn; counted from the spins."""
    checks = [
        Check.of("spins that are neither up nor down",
                 sum(r.wrong for r in runs), 0),
        Check.of("magnetisation, energy, constraint of the engine against the count",
                 max(r.off for r in runs), _ROUNDING),
        Check.of("accepted beyond proposed",
                 max(0, *(int(r.accepted.max()) - r.steps for r in runs)), 0),
        Check.of("replicas whose accepted do not lead from start to end",
                 sum(int(_misled(r).sum()) for r in runs), 0),
    ]  # fmt: skip
    greedy = [r for r in runs if r.dynamics.temperature == 0 and
              r.dynamics.algorithm != "penalised"]  # fmt: skip
    if greedy:
        rises = [r.after.energy(r.dynamics.field) - r.before.energy(r.dynamics.field)
                 for r in greedy]  # fmt: skip
        scale = max(1.0, max(abs(r.dynamics.field) for r in greedy)) * society.sites
        most = max(float(rise.max()) for rise in rises)
        checks.append(Check.of("energy gained at temperature 0", max(0.0, most / scale), 1e-12))
    fell = _before_and_after(runs, "constrained")
    if fell:
        risen = sum(abs(b) > abs(a) for a, b in fell)
        checks.append(Check.of("replicas whose |C| rose by constrained dynamics", risen, 0))
    kept = _before_and_after(runs, "exchange")
    if kept:
        moved = sum(a != b for a, b in kept)
        checks.append(Check.of("replicas whose C changed by exchanges", moved, 0))
    return tuple(checks)


def _misled(one: Run) -> Mask:
    """Whether so many accepted cannot make of the start the end (R,): each changes one customer,
    so that they are at least as many as have changed, and odd where these are; a swap two."""
    if one.dynamics.algorithm == "exchange":
        return np.asarray((2 * one.accepted < one.changed) | (one.changed % 2 != 0))
    return np.asarray((one.accepted < one.changed) | ((one.accepted - one.changed) % 2 != 0))


def _before_and_after(runs: Sequence[Run], algorithm: str) -> list[tuple[int, int]]:
    """scale C of every replica of an algorithm, at the start and at the end."""
    return [
        pair
        for one in runs
        if one.dynamics.algorithm == algorithm
        for pair in zip(one.before.constraint or (), one.after.constraint or (), strict=True)
    ]


def mean_and_error(values: Floats) -> tuple[float, float | None]:
    """Mean over independent replicas (R,) and its standard error, None of a single one."""
    r = len(values)
    mean = math.fsum(values) / r
    if r < 2:
        return mean, None
    return mean, math.sqrt(math.fsum((values - mean) ** 2) / (r - 1) / r)


def sigmas(replicas: int, asked: float) -> float:
    """Return how many standard errors are as rare, by Student's t, as ``asked`` are for many
    replicas; infinite for a single one."""
    if replicas < 2:
        return math.inf
    from scipy.special import ndtr, stdtrit

    return max(asked, -float(stdtrit(replicas - 1, ndtr(-asked))))


def with_error(name: str, values: Floats) -> dict[str, float | None]:
    """Return a mean and its standard error by name, as a row has them."""
    mean, error = mean_and_error(values)
    return {name: mean, f"{name}_standard_error": error}


def figures(measured: Measured) -> dict[str, float | None]:
    """Return what every curve shows of a combination."""
    found = with_error("magnetisation", measured.magnetisation)
    found |= with_error("absolute_magnetisation", measured.absolute_magnetisation)
    found |= with_error("energy_per_site", measured.energy_per_site)
    if measured.constraint is not None and measured.absolute_constraint is not None:
        found |= with_error("constraint", measured.constraint)
        found |= with_error("absolute_constraint", measured.absolute_constraint)
    return found
