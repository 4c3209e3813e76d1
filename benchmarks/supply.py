"""Expected supply curves, exact beside Monte Carlo, and the q-exponential fit, in one run.

Both ways start from the same equilibrium, solved once. Monte Carlo takes ten thousand
repetitions, as the paper may have (its number is lost in print); its error is the largest of the
five highest prices, as a part of the price there, and falls with the root of the repetitions.
The check from the auction's rules and the fit are timed with their verdicts. All are taken in
turn. Writes Markdown to standard output:

    python benchmarks/supply.py > reports/supply.md
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from optimodels.families.supply.auction.best_response import best_response
from optimodels.families.supply.auction.equilibrium import expected_prices, solve
from optimodels.families.supply.auction.market import Market, cell_weights
from optimodels.families.supply.auction.monte_carlo import simulate
from optimodels.families.supply.fitting.curves import Q_EXPONENTIAL
from optimodels.families.supply.fitting.least_squares import fit
from optimodels.families.supply.fitting.q_exponential import Nearest, nearest, points
from optimodels.families.supply.fitting.q_exponential_problems import Anchored
from optimodels.families.supply.parameters import Background
from optimodels.families.supply.results import SHOWN

SHAPES = ("uniform", "increasing", "decreasing")
SIZES = (10, 28, 100, 1_000, 10_000)
#: Sizes up to which Monte Carlo is repeated as often as the paper's.
DRAWN = 1_000
REPETITIONS = 10_000
ROUNDS = 3


def market(shape: Any, firms: int) -> Market:
    weights = cell_weights(Background(shape=shape), firms)
    return Market(firms, 1, 0.0, 100.0, weights / weights.sum(), 0, 1)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done


def examined(x: Any, y: Any) -> Nearest | None:
    """Fit by variable projection, and gather the evidence."""
    best = fit(Q_EXPONENTIAL, x, y)
    return nearest(x, y, [Anchored(best.theta, float(best.linear[0]), best.objective)])


def main() -> None:
    best_response(market("uniform", 5), solve(market("uniform", 5)).above)  # imports
    examined(*points(expected_prices(solve(market("uniform", 5)))[0], 1))
    print("# Expected supply curves\n\nMade by `python benchmarks/supply.py`.\n")
    print(f"Median of {ROUNDS} in turn, {time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, "
          f"{platform.machine()}, Python {platform.python_version()}.\n")  # fmt: skip
    print(f"Exact beside Monte Carlo of {REPETITIONS} repetitions; error: the largest of the five "
          "highest prices, relative.\n")  # fmt: skip
    print("| background | firms | equilibrium, s | exact curve, s | Monte Carlo, s | "
          "Monte Carlo / exact | its error | check, s | residual |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    for shape in SHAPES:
        for firms in SIZES:
            row(shape, firms)
    print("\nThe fit to the exact curve, without and with the evidence of its optimality.\n")
    print("| background | firms | q | sum of squares | fit, s | with evidence, s | all checks |")
    print("|---|---|---|---|---|---|---|")
    for shape in SHAPES:
        for firms in (10, 28, 100, 1_000):
            fitted(shape, firms)


def row(shape: str, firms: int) -> None:
    given = market(shape, firms)
    taken: dict[str, list[float]] = {"solve": [], "curve": [], "draws": [], "check": []}
    error = residual = 0.0
    for _ in range(ROUNDS):
        seconds, solved = timed(lambda: solve(given))
        taken["solve"].append(seconds)
        seconds, (prices, _) = timed(lambda solved=solved: expected_prices(solved))
        taken["curve"].append(seconds)
        seconds, heard = timed(lambda solved=solved: best_response(given, solved.above, SHOWN))
        taken["check"].append(seconds)
        residual = max(heard.residual, heard.gain)
        if firms <= DRAWN:
            seconds, drawn = timed(lambda solved=solved: simulate(solved, REPETITIONS, 1))
            taken["draws"].append(seconds)
            upper = slice(-5, None)
            error = float(np.max(np.abs(drawn.mean[upper] / prices[upper] - 1)))
    middle = {name: statistics.median(some) for name, some in taken.items() if some}
    drawn_s = f"{middle['draws']:.3f}" if firms <= DRAWN else "-"
    ratio = f"{middle['draws'] / middle['curve']:.0f}" if firms <= DRAWN else "-"
    wrong = f"{error:.1e}" if firms <= DRAWN else "-"
    print(f"| {shape} | {firms} | {middle['solve']:.4f} | {middle['curve']:.4f} | {drawn_s} | "
          f"{ratio} | {wrong} | {middle['check']:.3f} | {residual:.0e} |", flush=True)  # fmt: skip


def fitted(shape: str, firms: int) -> None:
    x, y = points(expected_prices(solve(market(shape, firms)))[0], 1)
    alone, whole = [], []
    for _ in range(ROUNDS):
        alone.append(timed(lambda: fit(Q_EXPONENTIAL, x, y))[0])
        seconds, found = timed(lambda: examined(x, y))
        whole.append(seconds)
    passed = "passed" if all(check.passed for check in found.checks) else "FAILED"
    print(f"| {shape} | {firms} | {found.values['q']:.6f} | {found.objective:.4g} | "
          f"{statistics.median(alone):.4f} | {statistics.median(whole):.3f} | {passed} |",
          flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
