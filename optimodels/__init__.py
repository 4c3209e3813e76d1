"""Optimisation models for local electricity markets; no number without a verdict."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimodels.benchmarking import bench
    from optimodels.case import Case, load_case, parse_case
    from optimodels.comparison import compare
    from optimodels.errors import CaseError, OptimodelsError
    from optimodels.exchange import export
    from optimodels.explanation import explain
    from optimodels.reporting.page import report
    from optimodels.result import Result, Verdict
    from optimodels.runs import sweep
    from optimodels.study import solve

__version__ = "0.1.0"

# Loaded when first used: importing the package costs nothing.
_PUBLIC = {
    "Case": "optimodels.case",
    "CaseError": "optimodels.errors",
    "OptimodelsError": "optimodels.errors",
    "Result": "optimodels.result",
    "Verdict": "optimodels.result",
    "bench": "optimodels.benchmarking",
    "compare": "optimodels.comparison",
    "explain": "optimodels.explanation",
    "export": "optimodels.exchange",
    "load_case": "optimodels.case",
    "parse_case": "optimodels.case",
    "report": "optimodels.reporting.page",
    "solve": "optimodels.study",
    "sweep": "optimodels.runs",
}

__all__ = [
    "Case",
    "CaseError",
    "OptimodelsError",
    "Result",
    "Verdict",
    "__version__",
    "bench",
    "compare",
    "explain",
    "export",
    "load_case",
    "parse_case",
    "report",
    "solve",
    "sweep",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'optimodels' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
