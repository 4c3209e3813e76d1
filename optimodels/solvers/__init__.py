"""Solvers: one registry over the solvers of Pyomo and of CVXPY, and a family's own algorithms."""

from optimodels.solvers.attempt import attempt, needs_process
from optimodels.solvers.in_process import Attempt, exact_claim
from optimodels.solvers.languages import Problem, language_for, open_problem, prepare
from optimodels.solvers.registry import (
    Limits,
    Request,
    Solver,
    able_solvers,
    all_solvers,
    choose,
    describe,
)

__all__ = [
    "Attempt",
    "Limits",
    "Problem",
    "Request",
    "Solver",
    "able_solvers",
    "all_solvers",
    "attempt",
    "choose",
    "describe",
    "exact_claim",
    "language_for",
    "needs_process",
    "open_problem",
    "prepare",
]
