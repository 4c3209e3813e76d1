"""Checks claims by plain arithmetic on the canonical form; knows no family and no solver."""

from __future__ import annotations

from optimodels.verify.bound import Bound, best_bound
from optimodels.verify.judge import Judgement, Testimony, judge
from optimodels.verify.point import polished

__all__ = ["Bound", "Judgement", "Testimony", "best_bound", "judge", "polished"]
