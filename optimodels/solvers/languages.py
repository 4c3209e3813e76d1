"""The modelling languages: the one place that imports them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from optimodels.errors import UnavailableError
from optimodels.model import Formulation
from optimodels.result import Claim, Stated
from optimodels.solvers.registry import LANGUAGES, Limits, Solver, Via

if TYPE_CHECKING:
    from optimodels.arrays import Floats
    from optimodels.form import Form


class Problem(Protocol):
    """A model stated in a modelling language.

    ``seconds`` after a solve: hand_over, solve, and under "verify" those that its form took.
    """

    seconds: dict[str, float]

    @property
    def form(self) -> Form: ...

    def solve(
        self,
        solver: Solver,
        limits: Limits,
        options: Mapping[str, Any],
        live: bool,
        ready: Callable[[Form], None] | None = None,
    ) -> Claim:
        """Hand it to a solver; ``ready`` is called with the form before the solver begins."""

    def stated(self, x: Floats) -> Stated:
        """Evaluate the model's own expressions at x (n,), a point of the form."""


def open_problem(formulation: Formulation[Any], data: Any, via: Via) -> Problem:
    """State a formulation on its data in a language: the one place that imports them."""
    if via == "pyomo" and formulation.pyomo is not None:
        from optimodels.solvers.pyomo_language import PyomoProblem

        state = formulation.pyomo
        return PyomoProblem(lambda: state(data))
    if via == "cvxpy" and formulation.cvxpy is not None:
        from optimodels.solvers.cvxpy_language import CvxpyProblem

        build = formulation.cvxpy
        vectors = formulation.vectors(data) if formulation.vectors else None
        return CvxpyProblem(lambda: build(data), vectors, formulation.cvxpy)
    raise UnavailableError("solver", f"{formulation.name} is not written in {via}")


def prepare(via: Via) -> None:
    """Import a language before anything else loads SciPy.

    Pyomo answers any import of SciPy, before or after its own, by loading scipy.stats, which
    takes as long as Pyomo itself and is not used here; without its hook it still does so when
    it needs it.
    """
    if via == "pyomo":
        dependencies = import_module("pyomo.common.dependencies")
        hooks = getattr(dependencies, "DeferredImportCallbackFinder", None)
        getattr(hooks, "_callbacks", {}).pop("scipy", None)
    if via != "exact":
        import_module(f"optimodels.solvers.{via}_language")


def language_for(formulation: Formulation[Any], preferred: Via | None) -> Via:
    """Return the language in which an exact answer is checked."""
    ways = [via for via in LANGUAGES if via in formulation.languages]
    if preferred in ways:
        assert preferred is not None
        return preferred
    return ways[0]
