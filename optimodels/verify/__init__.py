"""Checks of solvers' claims by plain arithmetic; knows no family, no language and no solver.

Where to look, from the door inwards:

- ``judge`` hears a claim and sends it on by what it says: ``optimum``, ``infeasible``,
  ``unbounded``, or ``nonlinear`` where the problem is; ``testimony`` weighs what others say.
- ``statement`` holds the point against the model itself, as its language evaluates it.
- What they prove with: ``point`` (is it feasible), ``bound`` (what multipliers prove),
  ``rational`` (the same without rounding), ``integers`` (whole numbers, enumeration),
  ``descent`` (a better point, curvature).
- Where proofs come from: ``certificate`` looks for multipliers, ``proposals`` lets linear
  programs propose them.
- The problem as it is judged: ``problem``, ``cones``, ``convexity``; limits in ``tolerances``,
  relative to ``scale``.
"""

from __future__ import annotations

from optimodels.verify.bound import Bound, dual_bound
from optimodels.verify.judge import judge
from optimodels.verify.testimony import Judgement, Testimony

__all__ = ["Bound", "Judgement", "Testimony", "dual_bound", "judge"]
