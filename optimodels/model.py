"""What a family declares: formulations, the stages of a model, and the model itself.

Declarations only: nothing here solves, verifies or imports a modelling language. ``study`` runs
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from optimodels.errors import DataError, RunError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    import cvxpy as cp
    import numpy.typing as npt
    import pyomo.environ as pyo
    from pydantic import BaseModel

    from optimodels.result import Check, Of, Result, Row, Solution

# Classes of problems, by what a solver must be able to take. LP is contained in every other.
ProblemClass = Literal[
    "LP", "QP", "QCQP", "SOCP", "EXP", "MILP", "MIQP", "MIQCQP", "NLP", "NONCONVEX"
]

D = TypeVar("D")


@dataclass(frozen=True)
class ExactAnswer:
    """What a family's own algorithm found, by the names of the formulation's variables and rows.

    ``duals`` are multipliers of the rows for the minimisation of ``sign * objective``, as in
    ``result.Claim``; they let weak duality prove the answer where the algorithm has a dual.
    ``bound`` is the value that the algorithm proves no point can beat. ``values`` None means:
    proved infeasible. ``proven`` False says that it is a local method: others may find better.
    """

    values: Mapping[str, npt.ArrayLike] | None
    objective: float | None = None
    bound: float | None = None
    duals: Mapping[str, npt.ArrayLike] = field(default_factory=dict)
    message: str = ""
    proven: bool = True


@dataclass(frozen=True)
class Vectors:
    """What of an instance is only a right-hand side of an equality, by row, or a linear cost, by
    variable; ``rest`` is everything else that its problem is made of: numbers, arrays, tuples and
    data classes of these. CVXPY compiles instances with one ``rest`` once.
    """

    rest: Any
    sides: Mapping[str, npt.ArrayLike]
    costs: Mapping[str, npt.ArrayLike]


@dataclass(frozen=True)
class Formulation(Generic[D]):
    """One optimisation problem on frozen data, written in each language that can express it.

    ``pyomo`` and ``cvxpy`` build the model from the data; both name their variables and rows
    alike, so that answers and fingerprints compare. ``exact`` is the family's own algorithm.
    ``equations`` is the problem in mathematics, one line each, and ``axes`` what the dimensions
    of its variables and rows are ("bus", "hour"), for ``explain`` and ``export``.
    """

    name: str
    problem_class: ProblemClass
    source: str
    pyomo: Callable[[D], pyo.ConcreteModel] | None = None
    cvxpy: Callable[[D], cp.Problem] | None = None
    exact: Callable[[D], ExactAnswer] | None = None
    equations: tuple[str, ...] = ()
    axes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # The conflict of an infeasible instance in the case's own words, where the family knows it.
    conflict: Callable[[D], str | None] | None = None
    # The unit of the objective where the data are scaled; otherwise it is the model's.
    unit: Callable[[D], str] | None = None
    # Where sweeps change little else: what need not be compiled again (CVXPY alone).
    vectors: Callable[[D], Vectors] | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        """The modelling languages (and "exact") through which it can be solved."""
        return tuple(v for v in ("pyomo", "cvxpy", "exact") if getattr(self, v) is not None)


@dataclass(frozen=True)
class Solve:
    """A stage: one formulation, on one instance or on a named family of instances.

    ``instances`` receives the model's data and the results of the stages before, and returns
    the data of one problem (``{"": data}``) or of several by key. Without ``required`` an
    infeasible instance is recorded, not the end of the study. ``solver`` fixes who solves it,
    for stages whose class the case's solver need not take, and ``options`` with what settings.

    ``refine`` makes it a sequence: it receives an instance with its solution and returns the next
    instance, or None where the last one stands. ``shows`` is then what a verified answer to that
    one shows of the whole.
    """

    name: str
    formulation: Formulation[Any]
    instances: Callable[[Any, Done], Mapping[Any, Any]]
    required: bool = True
    solver: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    refine: Callable[[Any, Solution], Any | None] | None = None
    shows: Of = "global optimum"


@dataclass(frozen=True)
class Outcome:
    """What a computation or a simulation leaves behind, with the checks of its invariants.

    ``of`` says what the checks show; ``arrays`` is the end state. ``failed`` is what a check that
    fails makes of the result: something is wrong, or it is only not known to be right.
    """

    of: Of
    checks: tuple[Check, ...]
    arrays: Mapping[str, Any]
    values: Mapping[str, Any] = field(default_factory=dict)
    by: Literal["invariants", "exact", "certificate"] = "invariants"
    failed: Literal["refuted", "unverified"] = "refuted"


@dataclass(frozen=True)
class Compute:
    """A stage that is no solve: a simulation, a power flow, an enumeration.

    ``run`` receives the data and the results of the stages before and returns an ``Outcome``,
    or None where these leave nothing to compute. ``equations`` is what it computes, one line each,
    for ``explain`` and ``new``. ``asked`` says whether a case's data ask for it.
    """

    name: str
    run: Callable[[Any, Done], Outcome | None]
    equations: tuple[str, ...] = ()
    asked: Callable[[Any], bool] = lambda data: True


Stage = Solve | Compute


def _silent(done: int, of: int) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Done:
    """The verified results of the stages so far.

    ``progress`` is what a long computation calls with how many of its parts are done, and how many
    it has.
    """

    solutions: Mapping[str, Mapping[Any, Solution]] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    progress: Callable[[int, int], None] = _silent

    def solution(self, stage: str) -> Solution:
        """Return the only solution of a stage that solves one instance."""
        (one,) = self.solutions[stage].values()
        return one


@dataclass(frozen=True)
class Answer:
    """What a model reports: flat numbers by name, tidy tables, notes for the reader."""

    values: Mapping[str, Any]
    tables: Mapping[str, list[Row]]
    notes: tuple[str, ...] = ()
    # Set where the model's objective is not that of its main stage (a sum over instances).
    objective: float | None = None
    bound: float | None = None


@dataclass(frozen=True)
class Profile:
    """A series over the horizon: ``values`` (T,) in ``unit``: percent, kw or eur_per_mwh."""

    values: Sequence[float]
    unit: str


def _no_files(text: str, key: str) -> Path:
    raise DataError(key, f"{text!r} can only be read beside a case")


@dataclass(frozen=True)
class Inputs:
    """What the case gives to a model: its parameters, network and profiles, already read.

    ``path`` finds a file that the parameters name as {csv: ...} (its text, the key at which it
    stands) by the case's rules on files.
    """

    parameters: Any
    network: Any = None
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    path: Callable[[str, str], Path] = _no_files
    # Of the case's solver: for simulations, whose results do not depend on it.
    threads: int = 1


@dataclass(frozen=True)
class Program:
    """What a model does: read its data, run its stages, report.

    ``main`` is the stage whose objective and stop the result reports. ``labels`` names the
    entries of the formulations' axes, as the tables do; an axis without labels counts from 1.
    """

    read: Callable[[Inputs], Any]
    stages: Sequence[Stage]
    report: Callable[[Any, Done], Answer]
    main: str
    labels: Callable[[Any], Mapping[str, Sequence[Any]]] | None = None


@dataclass(frozen=True)
class Caption:
    """What a picture shows, and the table of the result that it was drawn from, where there is one.

    A picture of a sweep is drawn from the sweep's runs.
    """

    text: str
    table: str = ""


@dataclass(frozen=True)
class Model:
    """One name that a case can ask for, and what is known of it without loading any mathematics.

    ``parameters`` (a class of ``parameters.Parameters``), ``program`` and ``pictures`` are
    "module:name", imported when needed, so that a case is checked in no time. ``program`` is a
    ``Program``, or a function from the parameters to one where they decide what is solved.
    ``profiles`` names the profiles that the model reads, with their defaults,
    ``captions`` its pictures, ``solver`` who solves where a case names nobody. ``meanings`` says
    of values and columns of results what they are, in which unit: by name, by "table.column", or
    by "table.*" for columns that the case names.
    """

    name: str
    title: str
    source: str
    parameters: str
    program: str
    pictures: str = ""
    objective_unit: str = ""
    solver: str = "highs"
    network: str | None = None
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    captions: Mapping[str, Caption] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)

    def meaning(self, name: str, table: str = "") -> str:
        """Return what a value, or a column of a table, is and in which unit; "" if undeclared."""
        keys = (f"{table}.{name}", name, f"{table}.*")
        return next((self.meanings[key] for key in keys if key in self.meanings), "")

    def parameters_class(self) -> type[BaseModel]:
        loaded: type[BaseModel] = load(self.parameters)
        return loaded

    def load_program(self, parameters: Any = None) -> Program:
        """Return what the model does for a case's parameters, by default for its defaults."""
        loaded: Program | Callable[[Any], Program] = load(self.program)
        if isinstance(loaded, Program):
            return loaded
        return loaded(self.parameters_class()() if parameters is None else parameters)

    def draw(self, results: Sequence[Result]) -> dict[str, bytes]:
        """Return the model's pictures of these results, SVG by name."""
        if not self.pictures:
            return {}
        drawn: dict[str, bytes] = load(self.pictures)(results)
        return drawn


def declare(
    package: str, short: str, *, parameters: str = "parameters", program: str = "", **fields: Any
) -> Model:
    """Return a model whose parts stand under its name in the files of its family's package.

    Of "shiftable-loads" these are the class ``ShiftableLoads`` in parameters.py (or the file that
    ``parameters`` names), ``SHIFTABLE_LOADS`` (or what ``program`` names) in programs.py, and
    ``shiftable_loads`` in pictures.py.
    """
    name = short.replace("-", "_")
    return Model(
        name=f"{package.rpartition('.')[2]}/{short}",
        parameters=f"{package}.{parameters}:{short.title().replace('-', '')}",
        program=f"{package}.programs:{program or name.upper()}",
        pictures=f"{package}.pictures:{name}",
        **fields,
    )


def load(reference: str) -> Any:
    """Import "module:name" and return the object; raises RunError where there is none."""
    module, _, name = reference.partition(":")
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        # A module that is there may miss another one: that is its own matter.
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise RunError(f"{reference!r} cannot be loaded: no module {error.name!r}") from None
    if not hasattr(found, name):
        raise RunError(f"{reference!r} cannot be loaded: {module} has no {name!r}")
    return getattr(found, name)


def load_entry(entry: EntryPoint) -> Any:
    """Return what a package offers at an entry point; raises RunError where that is not there."""
    try:
        return entry.load()
    except (ImportError, AttributeError, ValueError) as error:
        package = entry.dist.name if entry.dist else "a package"
        raise RunError(
            f"{package} offers {entry.group}: {entry.name} = {entry.value!r}, which cannot be "
            f"loaded: {error}; mend or uninstall it"
        ) from error
