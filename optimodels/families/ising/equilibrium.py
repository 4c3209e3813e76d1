"""Exact values at equilibrium beside the simulated ones, and whether they agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from optimodels.families.ising.data import Society
from optimodels.families.ising.ensemble import sigmas
from optimodels.families.ising.oracles.enumeration import LARGEST, States
from optimodels.families.ising.oracles.strip import WIDEST, Strip
from optimodels.families.ising.recount import pairs
from optimodels.model import Outcome
from optimodels.result import Check, Row

#: Beyond these standard errors, which for few replicas are Student's, chance explains nothing.
_SIGMAS = 5.0
#: Where chance allows more than this part of what a mean can take at all, agreement shows nothing.
_COARSE = 0.25
#: So many of the smallest changes, shared by all replicas, may have been met by chance or missed
#: where there are hardly any, and the standard error knows nothing of them.
_EVENTS = 5.0
#: <|M|> of a strip takes a partition function for every second site; up to so many operations.
_MOST_OPERATIONS = 3e8
#: J; so weak a field that M follows it in a straight line, and doubles still see it.
_WEAK = 1e-6

EQUATIONS = (
    "Of metropolis alone, where it is known: exact_ means at equilibrium,",
    "<x> = sum_s x(s) exp(-E(s) / T) / Z, Z = sum_s exp(-E(s) / T), in T > 0",
    f"over all states s of up to {LARGEST} customers, or by the transfer matrix of a",
    f"full lattice up to {WIDEST} wide",
    f"held: simulated means differ by at most {_SIGMAS:g} standard errors (of few",
    "replicas Student's), and a few rare changes                            ours",
)


@dataclass(frozen=True)
class Oracle:
    """Who knows exact means of a society: all states of few sites, or a rectangle's matrix."""

    name: str
    states: States | None = None
    strip: Strip | None = None
    absolute: bool = True

    def means(self, temperature: float, field: float) -> dict[str, float]:
        """Return exact means per site, of the names that a row has."""
        if self.states is not None:
            return self._enumerated(self.states, temperature, field)
        assert self.strip is not None
        strip, n = self.strip, self.strip.sites
        found = {"energy_per_site": strip.energy(temperature, field) / n}
        if field:
            found["magnetisation"] = strip.magnetisation(temperature, field) / n
        else:
            # <M> is 0 there, and by its slope <M^2> = T d<M>/dh.
            weak = strip.magnetisation(temperature, _WEAK)
            found["squared_magnetisation"] = temperature * weak / _WEAK / n**2
        if self.absolute:
            chances = strip.distribution(temperature, field)
            m = np.abs(2 * np.arange(n + 1) - n) / n
            found["absolute_magnetisation"] = float(chances @ m)
            found["squared_magnetisation"] = float(chances @ m**2)
        return found

    @staticmethod
    def _enumerated(states: States, temperature: float, field: float) -> dict[str, float]:
        chances, n = states.probabilities(temperature, field), states.sites
        m = states.magnetisation / n
        found = {
            "energy_per_site": float(chances @ states.energies(field)) / n,
            "absolute_magnetisation": float(chances @ np.abs(m)),
            "squared_magnetisation": float(chances @ m**2),
        }
        if field:
            found["magnetisation"] = float(chances @ m)
        return found


def asked(society: Society) -> bool:
    """Whether exact means at equilibrium are wanted and known: of few customers, whoever listens to
    whom, and of a full lattice without bounds."""
    given, square = society.parameters, society.square
    if given.exact == "none" or given.algorithm != "metropolis":
        return False
    if society.sites <= LARGEST:
        return True
    if square is None or given.boundaries == "aggregators" or (square < 0).any():
        return False
    return bool(min(square.shape) <= WIDEST)


def oracle(society: Society) -> Oracle:
    """Return who knows the exact means at equilibrium of a society that they are asked of."""
    given, n = society.parameters, society.sites
    if n <= LARGEST:
        return Oracle("enumeration", states=States(n, pairs(society)))
    assert society.square is not None
    rows, columns = max(society.square.shape), min(society.square.shape)
    work = float(n) / 2 * n / 2 * 2**columns
    absolute = given.exact == "all" or work <= _MOST_OPERATIONS
    return Oracle("the transfer matrix", strip=Strip(rows, columns), absolute=absolute)


def beside(society: Society, rows: list[Row], progress: Callable[[int, int], None]) -> Outcome:
    """Set exact means beside the simulated ones of every row, and hold one against the other."""
    known = oracle(society)
    worst: dict[str, float] = {}
    made, shown = [], True
    for k, row in enumerate(rows):
        progress(k, len(rows))
        temperature, field = row["temperature"], row["field"]
        if temperature == 0:
            # A greedy walk ends in any trap: that is no equilibrium.
            made.append(row)
            shown = False
            continue
        exact = known.means(temperature, field)
        for name, value in exact.items():
            allowed = _allowed(society, row, name)
            span = _range(society, row, name)
            if span and allowed > _COARSE * span:
                shown = False
            else:
                worst[name] = max(worst.get(name, 0.0), abs(row[name] - value) / allowed)
        columns = {f"exact_{name}": value for name, value in exact.items()}
        if "absolute_magnetisation" in exact:
            spread = exact["squared_magnetisation"] - exact["absolute_magnetisation"] ** 2
            columns["exact_susceptibility"] = society.sites / temperature * spread
        made.append({**row, **columns})
    checks = tuple(
        Check.of(f"{name} against {known.name}, in what chance allows at equilibrium", off, 1)
        for name, off in worst.items()
    )
    if not shown:
        note = (
            "not every row is shown to be at equilibrium: there are too few replicas to tell, or "
            "T = 0, where what cannot be lowered stays as it is",
        )
        kept = {"rows": made, "notes": note}
        return Outcome("end state", checks, kept, failed="unverified")
    return Outcome("equilibrium", checks, {"rows": made}, by="exact", failed="unverified")


def _allowed(society: Society, row: Row, name: str) -> float:
    """By how much a mean over replicas may miss the exact one by chance."""
    replicas, n = society.parameters.replicas, society.sites
    if replicas < 2:
        return np.inf
    # The least by which one customer or one pair of bonds moves it.
    least = {"energy_per_site": 8 + 2 * abs(row["field"]), "squared_magnetisation": 4}
    events = _EVENTS * least.get(name, 2) / n / replicas
    return float(sigmas(replicas, _SIGMAS) * row[f"{name}_standard_error"] + events)


def _range(society: Society, row: Row, name: str) -> float:
    """From the least to the greatest value that a mean can have."""
    if name == "energy_per_site":
        return 2 * (len(society.graph.bonds) / society.sites + abs(float(row["field"])))
    return 2.0 if name == "magnetisation" else 1.0
