"""The program ``optimodels-ipopt``: the Ipopt that CasADi brings, as an AMPL solver program.

No wheel brings Ipopt's own program; this one reads the .nl file of a problem, solves it and
writes the .sol file beside it, as the AMPL solver protocol asks:

    optimodels-ipopt problem.nl -AMPL [option=value ...]
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# The protocol's ranges of codes: 0 solved, 100 perhaps, 200 infeasible, 300 unbounded, 400 limit,
# 500 failure.
_CODES = {
    "Solve_Succeeded": 0,
    "Feasible_Point_Found": 0,
    "Solved_To_Acceptable_Level": 100,
    "Infeasible_Problem_Detected": 200,
    "Diverging_Iterates": 300,
    "Maximum_Iterations_Exceeded": 400,
    "Maximum_CpuTime_Exceeded": 401,
    "Maximum_WallTime_Exceeded": 402,
    "Search_Direction_Becomes_Too_Small": 500,
}
_FAILURE = 500


def main(arguments: Sequence[str] | None = None) -> int:
    """Solve the problem that the arguments name; 0 where a .sol file was written."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    import casadi

    release = getattr(casadi, "__version__", "")
    if not given or given[0] in ("-v", "--version"):
        # CasADi does not tell the release of the Ipopt in it; 3.14 is that of all its 3.6 - 3.8.
        print(f"Ipopt 3.14 (CasADi {release})")
        return 0
    file = Path(given[0]).with_suffix(".nl")
    if not file.exists():
        print(f"{file}: no such file", file=sys.stderr)
        return 2
    options = dict(word.split("=", 1) for word in given[1:] if "=" in word)
    named = os.environ.get("ipopt_options", "").split()  # noqa: SIM112 (AMPL writes it so)
    options |= dict(word.split("=", 1) for word in named if "=" in word)
    try:
        message, code, x, duals = _solve(casadi, file, {k: _typed(v) for k, v in options.items()})
    except RuntimeError as error:
        message, code, x, duals = _shortened(error), _FAILURE, [], []
    file.with_suffix(".sol").write_text(_sol(message, code, x, duals))
    return 0


def _solve(casadi: Any, file: Path, options: dict[str, Any]) -> tuple[str, int, Any, Any]:
    problem = casadi.NlpBuilder()
    problem.import_nl(str(file))
    x, g = casadi.vertcat(*problem.x), casadi.vertcat(*problem.g)
    if any(problem.discrete):
        return "Ipopt takes no integer variables", _FAILURE, [], []
    maximise = _maximises(file)
    own = {"sb": "yes", **options}
    solver = casadi.nlpsol(
        "ipopt", "ipopt", {"x": x, "f": problem.f, "g": g}, {"ipopt": own, "print_time": False}
    )
    found = solver(
        x0=problem.x_init, lbx=problem.x_lb, ubx=problem.x_ub, lbg=problem.g_lb, ubg=problem.g_ub
    )
    status = solver.stats()["return_status"]
    # CasADi's multipliers are of f + lam'g, where f is minus a maximised objective; the
    # protocol's are rates of the user's objective per unit of a row's side.
    sign = 1.0 if maximise else -1.0
    duals = [sign * float(v) for v in found["lam_g"].full().ravel()]
    point = [float(v) for v in found["x"].full().ravel()]
    return f"Ipopt (CasADi): {status}", _CODES.get(status, _FAILURE), point, duals


def _maximises(file: Path) -> bool:
    """Read the sense from the objective's segment, "O0 1" for a maximisation."""
    with file.open() as lines:
        for line in lines:
            if line.startswith("O"):
                return line.split()[1] == "1"
    return False


def _sol(message: str, code: int, x: Sequence[float], duals: Sequence[float]) -> str:
    sizes = [len(duals), len(duals), len(x), len(x)]
    numbers = [*(repr(v) for v in duals), *(repr(v) for v in x)]
    head = [message, "", "Options", "3", "1", "1", "0", *map(str, sizes)]
    return "\n".join([*head, *numbers, f"objno 0 {code}", ""])


def _shortened(error: Exception) -> str:
    """Return the line of CasADi's long text that says what went wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = re.sub(r".*\.cpp:\d+:\s*", "", lines[-1]) if lines else type(error).__name__
    # A colon has a meaning of its own to who reads the file.
    return f"Ipopt by CasADi - {said.replace(': ', ' ')}"


def _typed(word: str) -> Any:
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


if __name__ == "__main__":
    sys.exit(main())
