"""How long a user waits: whole commands against bare Python and the import of the language.

Ratios are of medians, measured in turn in one run. Writes Markdown to standard output:

    python benchmarks/startup.py > reports/startup.md
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 7
CASE = str(Path(__file__).parent.parent / "cases" / "flexibility" / "shiftable-33bus.yaml")
RUN = [sys.executable, "-m", "optimodels"]
COMMANDS = {
    "bare Python": [sys.executable, "-c", "pass"],
    "import cvxpy": [sys.executable, "-c", "import cvxpy"],
    "import pyomo.environ": [sys.executable, "-c", "import pyomo.environ"],
    "optimodels --help": [*RUN, "--help"],
    "optimodels validate": [*RUN, "validate", CASE],
    "optimodels solve, through CVXPY": [*RUN, "solve", CASE],
    "optimodels solve, through Pyomo": [*RUN, "solve", CASE, "--solver", "pyomo:highs"],
}
RATIOS = (
    ("optimodels --help", "bare Python", 10),
    ("optimodels validate", "bare Python", 40),
    ("optimodels solve, through CVXPY", "import cvxpy", 2),
    ("optimodels solve, through Pyomo", "import pyomo.environ", 2),
)


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for command in COMMANDS.values():
        seconds(command)  # caches are warm from here on
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            taken[name].append(seconds(command))
    median = {name: statistics.median(values) for name, values in taken.items()}
    print("# Start-up\n\nMade by `python benchmarks/startup.py`; 33-bus LP, network cached.\n")
    print(f"{ROUNDS} rounds in turn, {time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, "
          f"{platform.machine()}, Python {platform.python_version()}.\n")  # fmt: skip
    print("| command | median, s | least | most |\n|---|---|---|---|")
    for name, values in taken.items():
        print(f"| {name} | {median[name]:.3f} | {min(values):.3f} | {max(values):.3f} |")
    print("\n| ratio | measured | aim |\n|---|---|---|")
    for name, base, aim in RATIOS:
        ratio = median[name] / median[base]
        missed = "" if ratio <= aim else ", missed"
        print(f"| {name} / {base} | {ratio:.1f} | at most {aim}{missed} |")


if __name__ == "__main__":
    main()
