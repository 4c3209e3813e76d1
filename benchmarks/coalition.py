"""The cooperative dispatch through CVXPY and by Newton's method, against a direct call of Clarabel.

The direct call gets the same problem as arrays that are laid out by hand. Networks with private
lines and without; the best of several rounds, all taken in turn. Writes Markdown to
standard output:

    python benchmarks/coalition.py > reports/coalition.md
"""

from __future__ import annotations

import platform
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from scipy import sparse

from optimodels.families.coalition.data import read
from optimodels.families.coalition.dispatch import TYPICAL_LOSS, Dispatch, dispatch, in_cvxpy, law
from optimodels.families.coalition.exact import supply
from optimodels.families.coalition.formulations import FORMULATIONS
from optimodels.families.coalition.parameters import Cooperative
from optimodels.grid import read_network
from optimodels.model import Inputs
from optimodels.solvers import Limits, Request, attempt, choose, cvxpy_language
from optimodels.solvers.cvxpy_compiled import Shelf

NETWORKS = ("case300", "case1354pegase", "case2869pegase", "case9241pegase")
ROUNDS = 3


def direct(data: Dispatch) -> float:
    """Lay out flows, losses, net import and angle as Clarabel takes them, and solve."""
    import clarabel

    n, k, zeros = data.buses, len(data.grid), len(data.references)
    m, f = len(data.public), len(data.private)
    lossy = np.concatenate([data.lossy, m + np.arange(f)])
    c = len(lossy)
    at_grid = sparse.csr_array((np.ones(k), (data.grid, np.arange(k))), shape=(n, k))
    ends = sparse.hstack([data.public.incidence(n), data.private.incidence(n)])
    heat = sparse.hstack([data.public.touching(n)[:, data.lossy], data.private.touching(n)]) / 2
    bound = sparse.csr_array(
        (np.ones(zeros), (np.arange(zeros), data.references)), shape=(zeros, n)
    )
    own = sparse.eye_array(m, m + f)
    equal = sparse.block_array(
        [
            [ends, heat, -at_grid, None],
            [own, None, None, -law(data)],
            [None, None, sparse.csr_array((zeros, k)), bound],
        ]
    )
    rows = 3 * np.arange(c)
    places = np.concatenate([rows, rows + 1, rows + 2])
    columns = np.concatenate([m + f + np.arange(c), lossy, m + f + np.arange(c)])
    part = np.full(c, 1 / TYPICAL_LOSS)
    resistance = np.concatenate([data.public.resistance[data.lossy], data.private.resistance])
    entries = np.concatenate([-part, -2 * np.sqrt(resistance), part])
    width = m + f + c + k + n
    cone = sparse.coo_array((entries, (places, columns)), shape=(3 * c, width))
    right = np.zeros(3 * c)
    right[rows] = right[rows + 2] = TYPICAL_LOSS
    cost = np.zeros(width)
    cost[m + f + c : m + f + c + k] = data.import_price
    b = np.concatenate([data.injection, np.zeros(m + zeros), right])
    kinds = [clarabel.ZeroConeT(equal.shape[0]), *[clarabel.SecondOrderConeT(3)] * c]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    whole = sparse.csc_matrix(sparse.vstack([equal, cone]))
    none = sparse.csc_matrix((width, width))
    found = clarabel.DefaultSolver(none, cost, whole, b, kinds, settings).solve()
    return float(found.obj_val)


def through(data: Dispatch, again: bool) -> float:
    """Solve as the house does, where nothing was compiled before or the same network was."""
    if not again:
        cvxpy_language._SHELF = Shelf()
    formulation = FORMULATIONS["cooperative"]["cone"]
    asked = Request("clarabel", "cvxpy", Limits(), {}, False, False)
    objective = attempt(formulation, data, choose(asked, formulation), asked).claim.objective
    assert objective is not None
    return objective


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done


def main() -> None:
    warnings.simplefilter("ignore")
    print("# The cooperative dispatch: times\n")
    print(f"Made by `python benchmarks/coalition.py`; {platform.machine()}, best of {ROUNDS}, each")
    print("time of other endowments and another price. Direct: lay out and solve by Clarabel;")
    print(
        "compiled: state, compile and solve by CVXPY alone; new: the same with the canonical form"
    )
    print("read, by which the answer is verified; again: on a network that was compiled before;")
    print("exact: Newton. Public flow by resistances; private lines drawn with probability 1/n.\n")
    print("| network | private lines | direct, s | compiled, s | ratio | new, s | ratio | again, s "
          "| ratio | exact, s | ratio | furthest apart |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for name, density in product(NETWORKS, (0.0, "1/n")):
        given = Cooperative(density=density, negative_resistance="zero")
        first = dispatch(read(Inputs(given, read_network(name))), physics=True)
        rng = np.random.default_rng(0)
        ways: tuple[Callable[[Dispatch], float], ...] = (
            direct,
            lambda data: float(in_cvxpy(data).solve(solver="CLARABEL")),
            partial(through, again=False),
            partial(through, again=True),
            lambda data: supply(data).cost,
        )
        best, apart = [np.inf] * len(ways), 0.0
        for _ in range(ROUNDS):
            price = float(rng.uniform(1.0, 2.0))
            injection = first.injection * rng.uniform(0.9, 1.0, first.buses)
            data = replace(first, injection=injection, import_price=price, export_price=price)
            values = []
            for k, way in enumerate(ways):
                seconds, value = timed(partial(way, data))
                best[k] = min(best[k], seconds)
                values.append(value)
            apart = max(apart, *(abs(v / values[-1] - 1) for v in values))
        times = " | ".join(f"{t:.3f} | {t / best[0]:.2f}" for t in best[1:])
        print(f"| {name} | {len(first.private)} | {best[0]:.3f} | {times} | {apart:.1e} |")


if __name__ == "__main__":
    main()
