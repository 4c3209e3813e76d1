"""The table of deviations and how often they occur, with the checks that stand behind it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from optimodels.families.thermodynamics.counting import degeneracy, log_degeneracy_by_gamma
from optimodels.families.thermodynamics.data import Rates
from optimodels.families.thermodynamics.rates import Pair
from optimodels.model import Outcome
from optimodels.result import Check, Row

_DAYS_PER_YEAR = 365.25
#: Natural logarithms beyond which a double would be 0 or infinite.
_LEAST, _GREATEST = math.log(1e-300), math.log(1e300)
#: Up to here products of degeneracies are checked in whole numbers.
_COUNTED = 2_000
#: Relative error of a logarithm in doubles that its formula explains: a few roundings.
_ROUNDING = 1e-12


def rates(asked: Rates) -> Outcome:
    """Return what each deviation costs in states, and how long one waits for it."""
    pair = asked.pair
    found = [_logarithms(asked, deviation) for deviation in asked.deviations]
    rows: list[Row] = [
        {
            "deviation": deviation,
            "megawatts": deviation * asked.kilowatts / 1000,
            "percent": 100 * deviation / pair.first,
            **{name: _plain(log) for name, log in logs.items()},
        }
        for deviation, logs in zip(asked.deviations, found, strict=True)
    ]
    decimal: list[Row] = [
        {
            "deviation": deviation,
            **{f"log10_{name}": None if log is None else log / math.log(10)
               for name, log in logs.items()},
        }
        for deviation, logs in zip(asked.deviations, found, strict=True)
    ]  # fmt: skip
    own = asked.deviations.index(asked.deviation)
    values: dict[str, Any] = {**rows[own], **decimal[own]}
    values |= {"width": pair.width, "width_per_machine": pair.width / pair.first}
    checks = [
        _reductions(pair, asked.deviations),
        _tails(pair, asked.deviations),
    ]
    if max(pair.first, pair.second) <= _COUNTED:
        checks += [_whole_numbers(pair, asked.deviations), _whole_tails(pair, asked.deviations)]
    error = pair.normalisation_error()
    if error is not None:
        # Millions of terms, each with the rounding of its logarithm.
        checks.append(Check.of("configurations against g(N, 0), by (2)", abs(error), 1e-9))
    return Outcome("closed form", tuple(checks), {"rows": rows, "logarithms": decimal}, values)


def _logarithms(asked: Rates, deviation: int) -> dict[str, float | None]:
    """The natural logarithm of each quantity; None where it was not summed."""
    pair, cycles = asked.pair, math.log(asked.cycles_per_day)
    reduction, tail = float(pair.log_reduction(deviation)), float(pair.log_tail(deviation))
    return {
        "reduction": reduction,
        "reduction_exact": float(pair.log_exact_reduction(deviation)),
        "tail_probability": tail,
        "tail_probability_exact": pair.log_exact_tail(deviation),
        "days_to_event": -cycles - reduction,
        "years_to_event": -cycles - reduction - math.log(_DAYS_PER_YEAR),
        "days_to_event_tail": -cycles - tail,
    }


def _plain(log: float | None) -> float | None:
    """The number itself; None, never 0, where a double cannot hold it."""
    return math.exp(log) if log is not None and _LEAST < log < _GREATEST else None


def _reductions(pair: Pair, deviations: tuple[int, ...]) -> Check:
    """Exact ratios against differences of log-gammas in fifty digits."""
    worst = 0.0
    for deviation in deviations:
        theirs = sum(_by_gamma(n, deviation) for n in (pair.first, pair.second))
        ours = float(pair.log_exact_reduction(deviation))
        worst = max(worst, abs(ours - theirs) / abs(theirs))
    return Check.of("exact reduction against log-gammas in 50 digits", worst, _ROUNDING)


def _by_gamma(n: int, m: int) -> float:
    import mpmath

    with mpmath.workdps(50):
        return float(log_degeneracy_by_gamma(n, m) - log_degeneracy_by_gamma(n, 0))


def _tails(pair: Pair, deviations: tuple[int, ...]) -> Check:
    """The tail's logarithm against the complementary error function in fifty digits."""
    import mpmath

    worst = 0.0
    for deviation in deviations:
        with mpmath.workdps(50):
            inverse = mpmath.mpf(1) / pair.first + mpmath.mpf(1) / pair.second
            theirs = float(mpmath.log(mpmath.erfc(deviation * mpmath.sqrt(2 * inverse))))
        ours = float(pair.log_tail(deviation))
        worst = max(worst, abs(ours - theirs) / max(1.0, abs(theirs)))
    return Check.of("tail against erfc in 50 digits", worst, _ROUNDING)


def _whole_numbers(pair: Pair, deviations: tuple[int, ...]) -> Check:
    """Exact ratios against quotients of whole numbers."""
    logs = []
    for deviation in deviations:
        above = degeneracy(pair.first, 2 * deviation) * degeneracy(pair.second, -2 * deviation)
        logs.append(math.log(above) - math.log(degeneracy(pair.first, 0)
                    * degeneracy(pair.second, 0)))  # fmt: skip
    ours = pair.log_exact_reduction(np.array(deviations, dtype=float))
    # Two logarithms of at most N log 2 each were subtracted.
    scale = (pair.first + pair.second) * math.log(2)
    worst = float(np.max(np.abs(ours - np.array(logs)))) / scale
    return Check.of("exact reduction against whole numbers", worst, 1e-14)


def _whole_tails(pair: Pair, deviations: tuple[int, ...]) -> Check:
    """Exact tails against quotients of sums of whole numbers."""
    every = degeneracy(pair.first + pair.second, 0)
    worst = 0.0
    for deviation in deviations:
        states = sum(
            degeneracy(pair.first, 2 * k) * degeneracy(pair.second, -2 * k)
            for k in range(deviation, pair.most + 1)
        )
        ours = pair.log_exact_tail(deviation)
        # Few terms as machines are few here.
        assert ours is not None
        theirs = math.log(2 * states) - math.log(every)
        worst = max(worst, abs(ours - theirs))
    # Of logarithms of at most N log 2 each.
    scale = (pair.first + pair.second) * math.log(2)
    return Check.of("exact tail against whole numbers", worst / scale, 1e-14)
