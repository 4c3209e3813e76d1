"""How soon the customers forget where they started (001, section 3 and figure 2)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.ising import audit
from optimodels.families.ising.curves import DYNAMICS, remarks, row, states, values
from optimodels.families.ising.data import Society
from optimodels.families.ising.engine import Dynamics
from optimodels.families.ising.ensemble import (
    Run,
    dynamics,
    evolved,
    invariants,
    run,
    slim,
    with_error,
)
from optimodels.families.ising.preparation import Prepared, balance_check, prepare
from optimodels.families.ising.recount import Spins, count
from optimodels.model import Answer, Done, Outcome
from optimodels.result import Row

EQUATIONS = (
    *DYNAMICS,
    "autocorrelation(t) = (1/N) sum_i s_i(0) s_i(t), t (step) in proposals after",
    "warm_up; points of t, dense at first                         001, figure 2",
    "steps_to_a_tenth: the first of these t at which it is 0.1 or less      ours",
)
#: Of the start so much is left when it counts as forgotten.
_FORGOTTEN = 0.1


def decorrelate(society: Society, done: Done) -> Outcome:
    """Evolve in pieces, each from where the last one ended, and compare with the start."""
    prepared = prepare(society, done)
    given = society.parameters
    runs, rows, table = [], [], list[Row]()
    expected: list[dict[str, audit.Figure]] = []
    pairs = [(i, j) for i in range(len(given.temperature)) for j in range(len(given.field))]
    for k, (i, j) in enumerate(pairs):
        done.progress(k, len(pairs))
        told = dynamics(prepared.society, given.temperature[i], given.field[j], given.algorithm)
        whole, lines, changed = _pieces(prepared, told, (i, j))
        last = lines[-1]
        whole = slim(whole)
        own = {key: last[key] for key in ("autocorrelation", "autocorrelation_standard_error")}
        soon = next((line["step"] for line in lines if line["autocorrelation"] <= _FORGOTTEN), None)
        whole = replace(whole, row={**own, "steps_to_a_tenth": soon})
        runs.append(whole)
        rows.append(row(prepared.society, whole))
        table += lines
        n = prepared.society.sites
        expected += [audit.averaged("autocorrelation", 1 - 2 * own / n) for own in changed]
    checks = (
        *invariants(prepared.society, runs),
        audit.curve(prepared.society, runs, rows),
        audit.held("autocorrelation", table, expected),
        *balance_check(prepared, done),
    )
    notes = (*prepared.notes, *_averaged(prepared.society))
    kept = {"rows": rows, "autocorrelation": table, "notes": notes}
    first = values(rows)
    # What the experiment is about comes first.
    names = sorted(first, key=lambda name: not name.startswith("autocorrelation"))
    return Outcome("end state", checks, {**kept, **states(prepared.society, runs)},
                   {name: first[name] for name in names})  # fmt: skip


def _pieces(
    prepared: Prepared, told: Dynamics, combination: tuple[int, int]
) -> tuple[Run, list[Row], list[Ints]]:
    """Return the run as a whole, its lines, and the customers changed (R,) at each of them."""
    society, start = prepared.society, prepared.start
    given = society.parameters
    if given.warm_up:
        start = evolved(society, told, start, given.warm_up, (1, *combination)).spins
    times, unit = _times(society)
    lines = [_line(told, 0, _overlap(start, start))]
    changed: list[Ints] = [np.zeros(len(start), dtype=np.int64)]
    accepted = np.zeros(len(start), dtype=np.int64)
    spins, off = start, 0.0
    for k, (before, after) in enumerate(pairwise(times.tolist())):
        steps = (after - before) * unit
        piece = run(society, told, spins, (0, *combination, k), steps=steps)
        spins, accepted, off = piece.spins, accepted + piece.accepted, max(off, piece.off)
        changed.append((start != spins).sum(axis=1))
        lines.append(_line(told, after * unit, _overlap(start, spins)))
    whole = replace(
        piece,
        start=start,
        before=count(society, start),
        steps=int(times[-1]) * unit,
        accepted=accepted,
        off=off,
        changed=changed[-1],
    )
    return whole, lines, changed


def _times(society: Society) -> tuple[Ints, int]:
    """Return where the autocorrelation is told (k,), and of how many proposals each is.

    They are dense at the beginning, where most is forgotten.
    """
    given = society.parameters
    unit = society.sites if given.update == "sweep" else 1
    end = -(-given.steps // unit)
    parts = np.linspace(0, 1, given.points + 1) ** 2
    return np.unique(np.rint(parts * end)).astype(np.int64), unit


def _averaged(society: Society) -> tuple[str, ...]:
    """Say where averages are over less than was asked: no longer than the last piece."""
    asked, (times, unit) = society.parameters.average_over, _times(society)
    last = int(times[-1] - times[-2]) * unit
    if asked <= last:
        return ()
    return (
        f"averages are over the last {last} proposals, not {asked}: the autocorrelation is told "
        "before these; with fewer points they are longer",
    )


def _overlap(start: Spins, spins: Spins) -> Floats:
    """(1/N) sum_i s_i(0) s_i(t) of every replica (R,)."""
    found: Floats = (start * spins).sum(axis=1, dtype=np.int64) / start.shape[1]
    return found


def _line(told: Dynamics, step: int, overlap: Floats) -> Row:
    return {
        "step": step,
        "temperature": told.temperature,
        "field": told.field,
        **with_error("autocorrelation", overlap),
    }


def report(society: Society, done: Done) -> Answer:
    """Report the curve and the autocorrelation by step."""
    found = done.outcomes["evolution"]
    rows, table = found.arrays["rows"], found.arrays["autocorrelation"]
    tables = {"autocorrelation": table, "curve": rows}
    return Answer(found.values, tables, (*found.arrays["notes"], *remarks(society, rows)))
