"""Checks of solvers' claims by plain arithmetic; knows no family, no language and no solver."""

from __future__ import annotations

from optimodels.verify.bound import Bound, dual_bound
from optimodels.verify.judge import judge
from optimodels.verify.testimony import Judgement, Testimony

__all__ = ["Bound", "Judgement", "Testimony", "dual_bound", "judge"]
