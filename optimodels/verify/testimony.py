"""What someone independent says about the optimum, weighed against a checked point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from optimodels.arrays import Floats
from optimodels.result import Stopped, Verdict
from optimodels.verify.integers import integer_rows
from optimodels.verify.point import PointTest, check_point
from optimodels.verify.problem import Problem
from optimodels.verify.proposals import solve_lp
from optimodels.verify.tolerances import GAP, GAP_WITH_RESIDUALS, MATERIAL, STRICT


@dataclass(frozen=True)
class Testimony:
    """What the family's exact algorithm, or a second solver, says about the optimum.

    ``objective`` and ``bound`` are in the model's own sense. ``x`` (n,) and ``row_multipliers``
    (m,), in the order of the form and as in a claim, are used as proposals.
    """

    __test__ = False  # no test class, whatever its name

    by: Literal["exact", "second solver"]
    who: str
    stopped: Stopped
    objective: float | None
    bound: float | None
    x: Floats | None = None
    row_multipliers: Floats | None = None

    @property
    def optimum(self) -> float | None:
        """The bound it vouches for, in the model's own sense."""
        if self.bound is not None and np.isfinite(self.bound):
            return self.bound
        return self.objective if self.stopped == "optimal" else None


@dataclass(frozen=True)
class Judgement:
    """A verdict, and what was proven on the way.

    ``bound`` is the best proven bound in the model's own sense; ``row_multipliers`` (m,), of the
    minimisation of sign * objective, are those that prove the verdict, None where none do.
    ``undecided`` says that a testimony could still decide it.
    """

    verdict: Verdict
    bound: float | None = None
    row_multipliers: Floats | None = None
    undecided: bool = False


@dataclass(frozen=True)
class Heard:
    """What all testimonies come to: one that agrees, what contradicts, a better point's value.

    ``better`` is the objective, in the model's own sense, of a checked point that is better.
    """

    tolerance: float
    agrees: Testimony | None = None
    disagreement: str = ""
    better: float | None = None


def exact_point(
    problem: Problem, x: Floats | None, objective: float | None
) -> tuple[Floats | None, PointTest]:
    """Test a point and return it as it is judged: with its whole numbers rounded.

    Rows of integer columns are tested exactly. Where the rounding breaks a row with continuous
    columns, these are moved to mend it, the objective held against the claimed one again.
    """
    form = problem.form
    test = check_point(form, problem.own_cones, x, objective)
    if x is None or not test.roundable:
        return x, test
    whole = np.where(form.integer, np.rint(x), x)
    exact, fault = integer_rows(form).check(form, whole)
    if not test.passed:
        return x, test.beside(exact, fault)
    tested = check_point(form, problem.own_cones, whole, objective).beside(exact, fault)
    if tested.passed or not exact.passed or form.integer.all():
        return whole, tested
    mended = _mended(problem, whole)
    if mended is None:
        return whole, tested
    return mended, check_point(form, problem.own_cones, mended, objective).beside(exact, fault)


def _mended(problem: Problem, whole: Floats) -> Floats | None:
    """Choose the continuous columns anew, at the least cost beside the rounded whole numbers."""
    form = problem.form
    if not problem.flat or not problem.proposable:
        return None
    lower = np.where(form.integer, whole, form.lower)
    upper = np.where(form.integer, whole, form.upper)
    answer = solve_lp(problem.linear, form.rows, form.row_lower, form.row_upper, lower, upper)
    return None if answer is None else np.where(form.integer, whole, answer.x)


def hear(problem: Problem, value: float, testimonies: Sequence[Testimony], excess: float) -> Heard:
    """Weigh testimonies against a checked point of this objective, in the model's own sense.

    ``excess`` is how far that point is outside: a point that beats it may be no further.
    """
    sign = problem.form.sign
    tolerance = GAP if problem.flat else GAP_WITH_RESIDUALS
    low = sign * value
    agrees: Testimony | None = None
    disagreements = []
    for said in testimonies:
        better = _better(problem, low, said, max(STRICT, excess))
        if better is not None:
            reason = f"{said.who} found a feasible point of {better:.9g}"
            return Heard(tolerance, None, reason, better)
        optimum = said.optimum
        if said.stopped in ("infeasible", "unbounded"):
            disagreements.append(f"{said.who} calls the problem {said.stopped}")
        elif optimum is not None and np.isfinite(optimum):
            size = tolerance * max(1.0, abs(low), abs(optimum))
            if abs(low - sign * optimum) <= size:
                # A local solver's optimum is no bound of a nonconvex problem.
                vouched = said.bound is not None or said.by == "exact" or problem.convex
                if vouched and (agrees is None or said.by == "exact"):
                    agrees = said
            elif sign * optimum > low:
                disagreements.append(f"{said.who} says that nothing is better than {optimum:.9g}")
            elif said.objective is not None and low - sign * said.objective > size:
                disagreements.append(f"{said.who} claims {said.objective:.9g}, without proof")
    return Heard(tolerance, agrees, "; ".join(disagreements))


def _better(problem: Problem, low: float, said: Testimony, allowed: float) -> float | None:
    """Return the objective of a testimony's point if it is feasible and better than low.

    A high price times what the tolerance lets pass looks like a better value: a point further
    outside than allowed has its continuous columns chosen anew.
    """
    if said.x is None:
        return None
    x, test = exact_point(problem, said.x, None)
    if x is not None and test.passed and test.excess > allowed and test.roundable:
        x = _mended(problem, x)
        test = check_point(problem.form, problem.own_cones, x)
    if x is None or not test.passed or test.excess > allowed:
        return None
    reached = problem.value(x)
    limit = GAP if problem.form.integer.all() else MATERIAL
    if low - reached <= limit * max(1.0, abs(low), abs(reached)):
        return None
    return problem.form.sign * reached
