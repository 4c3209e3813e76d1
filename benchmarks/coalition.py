"""The cooperative dispatch through CVXPY and by Newton's method, against a direct call of Clarabel.

The direct call gets the same problem as arrays that are laid out by hand. Public networks alone,
without private branches; the best of several rounds, all taken in turn. Writes Markdown to
standard output:

    python benchmarks/coalition.py > reports/coalition.md
"""

from __future__ import annotations

import platform
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from optimodels.families.coalition.data import read
from optimodels.families.coalition.dispatch import TYPICAL_LOSS, Dispatch, dispatch, in_cvxpy, law
from optimodels.families.coalition.exact import supply
from optimodels.families.coalition.parameters import Cooperative
from optimodels.grid import read_network
from optimodels.model import Inputs

NETWORKS = ("case300", "case1354pegase", "case2869pegase", "case9241pegase")
ROUNDS = 5


def direct(data: Dispatch) -> float:
    """Lay out flow, loss, net import and angle as Clarabel takes them, and solve."""
    import clarabel

    n, m, k, c = data.buses, len(data.public), len(data.grid), len(data.lossy)
    at_grid = sparse.csr_array((np.ones(k), (data.grid, np.arange(k))), shape=(n, k))
    heat = data.public.touching(n)[:, data.lossy] / 2
    zero = sparse.csr_array(
        (np.ones(len(data.references)), (np.arange(len(data.references)), data.references)),
        shape=(len(data.references), n),
    )
    equal = sparse.block_array(
        [
            [data.public.incidence(n), heat, -at_grid, None],
            [sparse.eye_array(m), None, None, -law(data)],
            [None, None, sparse.csr_array((len(data.references), k)), zero],
        ]
    )
    rows = 3 * np.arange(c)
    places = np.concatenate([rows, rows + 1, rows + 2])
    columns = np.concatenate([m + np.arange(c), data.lossy, m + np.arange(c)])
    part = np.full(c, 1 / TYPICAL_LOSS)
    curved = 2 * np.sqrt(data.public.resistance[data.lossy])
    cone = sparse.coo_array(
        (np.concatenate([-part, -curved, part]), (places, columns)), shape=(3 * c, m + c + k + n)
    )
    right = np.zeros(3 * c)
    right[rows] = right[rows + 2] = TYPICAL_LOSS
    cost = np.zeros(m + c + k + n)
    cost[m + c : m + c + k] = data.import_price
    b = np.concatenate([data.injection, np.zeros(m + len(data.references)), right])
    kinds = [clarabel.ZeroConeT(equal.shape[0]), *[clarabel.SecondOrderConeT(3)] * c]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    whole = sparse.csc_matrix(sparse.vstack([equal, cone]))
    none = sparse.csc_matrix((len(cost), len(cost)))
    found = clarabel.DefaultSolver(none, cost, whole, b, kinds, settings).solve()
    return float(found.obj_val)


def compiled(data: Dispatch) -> float:
    problem = in_cvxpy(data)
    problem.solve("CLARABEL")
    return float(problem.value)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done


def main() -> None:
    warnings.simplefilter("ignore")
    print("# The cooperative dispatch: times\n")
    print(f"Made by `python benchmarks/coalition.py`; {platform.machine()}, best of {ROUNDS}.")
    print("CVXPY: build, compile and solve; direct: lay out and solve; exact: Newton.\n")
    print("| network | direct, s | CVXPY, s | ratio | exact, s | ratio | furthest apart |")
    print("|---|---|---|---|---|---|---|")
    for name in NETWORKS:
        given = Cooperative(density=0.0, negative_resistance="zero")
        data = dispatch(read(Inputs(given, read_network(name))), physics=True)
        ways: tuple[Callable[[], float], ...] = (
            lambda data=data: direct(data),
            lambda data=data: compiled(data),
            lambda data=data: supply(data).cost,
        )
        best, values = [np.inf] * len(ways), [0.0] * len(ways)
        for _ in range(ROUNDS):
            for k, way in enumerate(ways):
                seconds, values[k] = timed(way)
                best[k] = min(best[k], seconds)
        apart = max(abs(v - values[2]) for v in values) / abs(values[2])
        print(
            f"| {name} | {best[0]:.3f} | {best[1]:.3f} | {best[1] / best[0]:.2f} | {best[2]:.3f} "
            f"| {best[2] / best[0]:.2f} | {apart:.1e} |"
        )


if __name__ == "__main__":
    main()
