"""The table of a system's degeneracies, with the checks that stand behind it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from optimodels.families.thermodynamics.counting import (
    degeneracy,
    log_central,
    log_degeneracy,
    log_degeneracy_by_gamma,
    log_gaussian,
    log_ratio,
)
from optimodels.families.thermodynamics.data import Levels
from optimodels.model import Outcome
from optimodels.result import Check, Row

#: Up to here degeneracies are listed as the whole numbers that they are.
_LISTED = 62
#: Up to here sums over all states are checked in whole numbers.
_COUNTED = 2_000
#: Relative error of a logarithm in doubles that its formula explains: a few roundings.
_ROUNDING = 1e-13
#: So many standard deviations hold all but 1e-31 of the states.
_ALL = 12.0


def count(levels: Levels) -> Outcome:
    """Return degeneracies and entropies over m, exact and Gaussian."""
    n, excess = levels.machines, levels.excess
    m = excess / 2
    exact, gaussian = log_degeneracy(n, m), log_gaussian(n, m)
    # Of two logarithms of the order of N the difference is formed before N log 2 is added.
    apart = (np.log(2 / (np.pi * n)) / 2 - 2 * m * m / n) - (log_central(n) + log_ratio(n, m))
    rows: list[Row] = [
        {
            "excess": int(k),
            "m": float(k) / 2,
            **({"degeneracy": degeneracy(n, int(k))} if n <= _LISTED else {}),
            "log10_degeneracy": float(exact[i]) / math.log(10),
            "log10_gaussian": float(gaussian[i]) / math.log(10),
            # Far out the Gaussian is wrong by more orders of magnitude than a double holds.
            "gaussian_over_exact": math.exp(apart[i]) if apart[i] < 700 else None,
            "entropy": float(exact[i]),
        }
        for i, k in enumerate(excess)
    ]
    lowest = n % 2
    values: dict[str, Any] = {
        "machines": n,
        "levels": n + 1,
        **({"states": 2**n, "degeneracy_most": degeneracy(n, lowest)} if n <= _LISTED else {}),
        "log10_states": n * math.log10(2),
        "log10_degeneracy_most": float(log_degeneracy(n, lowest / 2)) / math.log(10),
        "entropy_most": float(log_degeneracy(n, lowest / 2)),
        "gaussian_over_exact_most": float(
            np.exp(
                np.log(2 / (np.pi * n)) / 2
                - lowest / (2 * n)
                - log_central(n)
                - log_ratio(n, lowest / 2)
            )
        ),
        "width": math.sqrt(n) / 2,
        "relative_width": 1 / math.sqrt(n),
    }
    checks = [_second_formula(levels)]
    if n <= _COUNTED:
        checks += [*_sums(n), _vandermonde(levels), _logarithms(levels)]
    else:
        checks += _moments(n)
    by: Any = "exact" if n <= _COUNTED else "invariants"
    return Outcome("closed form", tuple(checks), {"rows": rows}, values, by=by)


def _second_formula(levels: Levels) -> Check:
    """Against a difference of log-gammas in fifty digits, which can afford the cancellation."""
    n, m = levels.machines, levels.excess / 2
    ours = log_central(n) + log_ratio(n, m)
    worst = 0.0
    for k, value in zip(m, ours, strict=True):
        theirs = _less_all_states(n, float(k))
        worst = max(worst, abs(value - theirs) / max(1.0, abs(theirs)))
    return Check.of("log g against log-gammas in 50 digits", worst, _ROUNDING)


def _less_all_states(n: int, m: float) -> float:
    import mpmath

    with mpmath.workdps(50):
        return float(log_degeneracy_by_gamma(n, m) - n * mpmath.log(2))


def _sums(n: int) -> list[Check]:
    """All levels together: 2^N states, and a sum of m^2 of N 2^N / 4, in whole numbers."""
    counts = {k: degeneracy(n, k) for k in range(-n, n + 1, 2)}
    states = abs(sum(counts.values()) - 2**n)
    squares = abs(sum(k * k * g for k, g in counts.items()) - n * 2**n)
    return [
        Check.of("states missed out of 2^N", min(states, 2**53), 0),
        Check.of("sum of excess^2 against N 2^N", min(squares, 2**53), 0),
    ]


def _vandermonde(levels: Levels) -> Check:
    """Two halves in contact, (2) with its slip mended: g(N, m) = sum g_1(N_1, m_1) g_2(N_2, m_2).

    The print has g_1 twice.
    """
    n = levels.machines
    first = n // 2
    parts = {k: degeneracy(first, k) for k in range(-first, first + 1, 2)}
    wrong = 0
    for excess in map(int, levels.excess):
        total = sum(g * degeneracy(n - first, excess - k) for k, g in parts.items())
        wrong += total != degeneracy(n, excess)
    return Check.of("levels that (2) does not add up to", wrong, 0)


def _logarithms(levels: Levels) -> Check:
    """Against the logarithms of the whole numbers."""
    n = levels.machines
    found = log_degeneracy(n, levels.excess / 2)
    exact = np.array([math.log(degeneracy(n, int(k))) for k in levels.excess])
    worst = float(np.max(np.abs(found - exact) / np.maximum(1.0, exact)))
    return Check.of("log g against whole numbers", worst, _ROUNDING)


def _moments(n: int) -> list[Check]:
    """All levels within 12 widths add up to all states, and m has the variance N/4.

    A smooth peak is summed in steps of an eighth of its width: the error is below exp(-1000).
    """
    width = math.sqrt(n) / 2
    step = max(1, int(width / 8))
    reach = min(n // 2, int(_ALL * width))
    m = np.arange(-(reach // step), reach // step + 1) * float(step) + (n % 2) / 2
    part = step * np.exp(log_central(n) + log_ratio(n, m))
    total, second = float(part.sum()), float(part @ m**2)
    return [
        Check.of("sum of all levels against 2^N", abs(total - 1), 1e-10),
        Check.of("variance of m against N/4", abs(second / (n / 4) - 1), 1e-10),
    ]
