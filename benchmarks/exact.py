"""The family's exact algorithms beside HiGHS on real networks, in one run, as ratios.

Seconds are those of the solve alone, the median of the repetitions; both answers are judged.
Writes Markdown to standard output:

    python benchmarks/exact.py > reports/exact.md
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from typing import Any

from optimodels.case import parse_case
from optimodels.families.flexibility import aggregator_mapping, self_sustainability
from optimodels.families.flexibility.data import read
from optimodels.grid import read_network
from optimodels.model import Inputs
from optimodels.solvers import Request
from optimodels.study.judgement import solve_and_judge

NETWORKS = ("case33bw", "case118", "case300", "case1354pegase")
REPETITIONS = 3
PROBLEMS = {
    "flexibility/self-sustainability": (self_sustainability.FORMULATION,
                                        self_sustainability.instance),
    "flexibility/aggregator-mapping": (aggregator_mapping.FORMULATION,
                                       aggregator_mapping.instance),
}  # fmt: skip


def instance(model: str, network: str, make: Any) -> Any:
    case = parse_case(f"model: {model}\n")
    return make(read(Inputs(case.parameters, read_network(network), case.model.profiles)))


def main() -> None:
    print("# Exact algorithms beside HiGHS\n\nMade by `python benchmarks/exact.py`.\n")
    print(f"Median of {REPETITIONS} in turn, {time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, "
          f"{platform.machine()}, Python {platform.python_version()}.\n")  # fmt: skip
    print(
        "| problem | network | columns | optimum | exact, s | HiGHS, s | HiGHS / exact | verdicts |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for model, (formulation, make) in PROBLEMS.items():
        for network in NETWORKS:
            data = instance(model, network, make)
            taken: dict[str, list[float]] = {"exact": [], "highs": []}
            verdicts: dict[str, str] = {}
            for _ in range(REPETITIONS):
                for name, seconds in taken.items():
                    solution = solve_and_judge(formulation, data, Request(name), "full")
                    seconds.append(solution.seconds["solve"])
                    verdicts[name] = f"{solution.verdict.status} by {solution.verdict.by}"
            exact, highs = (statistics.median(taken[name]) for name in ("exact", "highs"))
            print(
                f"| {formulation.name} | {network} | {solution.size['columns']} | "
                f"{solution.objective:.10g} | {exact:.4f} | {highs:.4f} | {highs / exact:.1f} | "
                f"exact {verdicts['exact']}, HiGHS {verdicts['highs']} |"
            )


if __name__ == "__main__":
    main()
