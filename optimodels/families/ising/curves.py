"""What all experiments share: a run per temperature and field, its row, the end states kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimodels.families.ising.data import Society
from optimodels.families.ising.ensemble import Run, dynamics, figures, run, slim
from optimodels.families.ising.recount import Spins
from optimodels.model import Done
from optimodels.result import Row

#: What moves in every experiment, for its equations.
DYNAMICS = (
    "s_i: state of customer i, 1 (up) or -1 (down), of N; <ij>: i and j listen to",
    "each other (graph, boundaries); T temperature, h field; J = k_B = 1, so that",
    "energies, T and h have one unit. p_b, N_b: load share, customers of bus b",
    "E = -J sum_<ij> s_i s_j - h sum_i s_i                            001, (14)",
    "M = (1/N) sum_i s_i                                          magnetisation",
    "C = sum_b p_b m_b,  m_b = (1/N_b) sum_(i on b) s_i   constraint  001, (22)",
    "A proposal (whose: update) turns s_i over by algorithm, u uniform in (0, 1):",
    "  metropolis   if dE <= 0 or u < exp(-dE / T)",
    "  constrained  if |C| falls, and then as metropolis       001, algorithm 1",
    "  penalised    as metropolis, by E + penalty N |C|                    ours",
    "  exchange     as metropolis, i and j of one p_b / N_b swap: C stays  ours",
    "Means are over replicas; standard_error of R of them: their standard",
    "deviation by R^(1/2)",
    "",
)

#: Columns that say which combination a row is of.
_COMBINATION = ("algorithm", "neighbours", "perturbation", "temperature", "field")

#: Of their proposals accepted, sweeps are nearly periodic.
_EAGER = 0.9


def curve(society: Society, start: Spins, done: Done, kind: int = 0, kinds: int = 1) -> list[Run]:
    """Run every combination of temperature and field; ``kind`` of ``kinds`` such curves."""
    given = society.parameters
    pairs = [(i, j) for i in range(len(given.temperature)) for j in range(len(given.field))]
    found = []
    for k, (i, j) in enumerate(pairs):
        done.progress(kind * len(pairs) + k, kinds * len(pairs))
        told = dynamics(society, given.temperature[i], given.field[j], given.algorithm)
        found.append(slim(run(society, told, start, (kind, i, j))))
    return found


def row(society: Society, one: Run) -> Row:
    """Return a combination's row of the table ``curve``."""
    told = one.dynamics
    return {
        "temperature": told.temperature,
        "field": told.field,
        **figures(one.measured),
        "acceptance": float(one.accepted.mean()) / one.steps,
        **one.row,
    }


def values(rows: list[Row]) -> dict[str, Any]:
    """Return the figures of the first combination by name."""
    return {name: value for name, value in rows[0].items() if name not in _COMBINATION}


def remarks(society: Society, rows: list[Row]) -> tuple[str, ...]:
    """Say in which units figures are, whose the values are where there are several combinations,
    and what sweeps cannot do."""
    found = [
        "energies, temperatures and fields in units of J, times in proposals; M and energy per "
        "customer" + (", C as a part of the whole load" if society.on_buses else "")
    ]
    if len(rows) > 1:
        first = rows[0]
        found.append(
            f"values are of the curve's first row, T = {first['temperature']:.6g} and "
            f"h = {first['field']:g}, unless their name says otherwise"
        )
    eager = [f"{r['temperature']:.4g}" for r in rows if r["acceptance"] > _EAGER]
    if society.parameters.update == "sweep" and eager:
        found.append(
            f"at T = {', '.join(dict.fromkeys(eager))} sweeps accept nearly every proposal: they "
            "turn all customers over again and again, and forget the start slowly; update: "
            "random-site does not"
        )
    return tuple(found)


def states(society: Society, runs: list[Run]) -> dict[str, Any]:
    """Return the first replica's start and ends (k, N) with the place of every site."""
    kept: dict[str, Any] = {
        "before": np.stack([one.start[0] for one in runs]),
        "after": np.stack([one.spins[0] for one in runs]),
        "bus": society.bus,
    }
    if society.square is not None:
        kept["square"] = society.square
    return kept
