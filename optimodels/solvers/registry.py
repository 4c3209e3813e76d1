"""Which solvers there are, through which language, for which problems, and who takes a problem.

Nothing here imports a solver or a modelling language: availability is read from what is
installed. A solver is one small file in ``catalogue`` (or an entry point ``optimodels.solvers``)
that lists one ``Solver`` per way in which it is reached.
"""

from __future__ import annotations

import pkgutil
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from optimodels import __version__
from optimodels.errors import UnavailableError, suggestion
from optimodels.model import Formulation, ProblemClass, load_entry
from optimodels.result import SolverUsed

if TYPE_CHECKING:
    from optimodels.form import Form

Via = Literal["pyomo", "cvxpy", "exact"]
#: In the order in which they are tried: CVXPY compiles and loads faster beside SciPy.
LANGUAGES: tuple[Via, ...] = ("cvxpy", "pyomo")

#: The relative gap at which integer solvers may stop: below what verification tells apart.
DEFAULT_GAP = 1e-7


@dataclass(frozen=True)
class Limits:
    """Uniform limits on one problem: ``time`` in seconds, relative ``gap``, ``threads``,
    ``memory`` in GiB; None is no limit."""

    time: float | None = None
    gap: float | None = None
    threads: int | None = None
    memory: float | None = None


@dataclass(frozen=True)
class Request:
    """Which solver a case asks for; ``live`` prints the solver's own log as it works.

    ``isolate`` True runs it in a process of its own, None where a limit needs one, False never:
    who asks ends this process at the limits.
    """

    name: str = "highs"
    via: Via | None = None
    limits: Limits = field(default_factory=Limits)
    options: Mapping[str, Any] = field(default_factory=dict)
    live: bool = False
    isolate: bool | None = None


@dataclass(frozen=True)
class Options:
    """What a solver calls the uniform limits; None where it keeps no such limit.

    ``whole_time`` is the unit of its time limit in seconds where it takes only whole numbers.
    ``default_gap`` is set where a case names none, ``fixed`` options stand in every call, and
    ``inside`` is the argument that carries them all where the language wants one.
    """

    time: str | None = None
    gap: str | None = None
    threads: str | None = None
    whole_time: float | None = None
    default_gap: float | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    inside: str | None = None

    def arguments(self, limits: Limits, own: Mapping[str, Any]) -> dict[str, Any]:
        """Return the solver's arguments for limits and the user's own options, which win."""
        gap = self.default_gap if limits.gap is None else limits.gap
        time = limits.time
        if time is not None and self.whole_time is not None:
            time = ceil(time / self.whole_time)
        asked = {self.time: time, self.gap: gap, self.threads: limits.threads}
        named = {name: value for name, value in asked.items() if name and value is not None}
        together = {**self.fixed, **named, **own}
        return {self.inside: together} if self.inside else together

    def keeps(self, limit: str) -> bool:
        return getattr(self, limit, None) is not None


@dataclass(frozen=True)
class Solver:
    """One solver as one modelling language reaches it.

    ``native`` is its name there; ``options`` says what it calls the uniform limits. It is
    installed where ``module`` can be imported (the package ``distribution`` brings it) and
    ``program`` stands on the path (Debian's package ``debian`` brings it). ``driver``
    ("module:function") hands the problem over where the language's own way does not do;
    its signature is that of ``solvers.Problem.solve`` with the problem in front.
    """

    name: str
    via: Via
    classes: frozenset[ProblemClass]
    native: str
    options: Options
    distribution: str = ""
    module: str = ""
    program: str = ""
    debian: str = ""
    driver: str = ""
    licence: str = ""
    homepage: str = ""
    # The code that does the work, where it is that of another solver (SciPy's is HiGHS).
    runs: str = ""
    # How readily it closes hard problems: of those that are able, the greatest is asked first for
    # a second opinion.
    strength: int = 0
    # Whether what it found by its time limit comes back through this interface.
    keeps_incumbent: bool = False
    # Tells whether it has an option of this name that takes this value, where its interface would
    # swallow any, or not say which was wrong.
    takes: Callable[[str, Any], bool] | None = None
    # Problems of the conformance suite that it does not answer rightly: what it says instead, and
    # why. The suite checks that each is still so, and that it is never called verified.
    exclusions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    # Tells of a canonical form whether it can take it, where it would raise or crash at some.
    fits: Callable[[Form], bool] | None = None
    # Whether it is known to end the process that it runs in, instead of saying what is wrong.
    aborts: bool = False
    # What else was found out about it, a sentence each, for solvers.md.
    findings: tuple[str, ...] = ()
    # Needs a licence: shown only where it is installed and ``licensed`` says yes.
    commercial: bool = False
    licensed: Callable[[], bool] | None = None

    def __post_init__(self) -> None:
        if unknown := self.classes - set(get_args(ProblemClass)):
            raise ValueError(
                f"solver {self.name!r}: no class of problems {', '.join(sorted(unknown))}; known: "
                f"{', '.join(get_args(ProblemClass))}"
            )

    @property
    def engine(self) -> str:
        """What a second opinion must differ in."""
        return self.runs or self.name

    @property
    def installed(self) -> bool:
        modules = [name for name in (self.via, self.module) if name]
        return (
            all(find_spec(name) is not None for name in modules)
            and (not self.program or find_program(self.program) is not None)
            and (self.licensed is None or _is_licensed(self.licensed))
        )

    @property
    def version(self) -> str:
        if self.distribution:
            try:
                return version(self.distribution)
            except PackageNotFoundError:
                return ""
        return _program_version(self.program)

    @property
    def install(self) -> str:
        """How to get it."""
        return f"pip install {self.via}" if find_spec(self.via) is None else self.way

    @property
    def way(self) -> str:
        """How to get it, whatever is installed here."""
        by_pip = f"pip install {self.distribution}" if self.distribution else ""
        by_apt = f"apt-get install {self.debian}" if self.debian else ""
        own = f"a program {self.program!r} on the path" if self.program else ""
        way = by_pip or by_apt or own
        return f"{way} (and its licence)" if self.commercial else way


#: For ``among``: where a whole number will do as well as a fraction.
NUMBER = (int, float)


def among(options: Mapping[str, type | tuple[type, ...]]) -> Callable[[str, Any], bool]:
    """Return the ``takes`` of an interface that swallows all but these options of these types.

    Of its numbers none may be negative.
    """

    def takes(option: str, value: Any) -> bool:
        kind = options.get(option, ())
        if isinstance(value, bool):
            return kind is bool
        return isinstance(value, kind) and not (isinstance(value, NUMBER) and value < 0)

    return takes


@cache
def find_program(name: str) -> str | None:
    """Return the path of a program on the path or beside the interpreter, or None."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


@cache
def _program_version(program: str) -> str:
    """Ask a program for its version, as the word after "version" or "v" in what it prints."""
    path = find_program(program)
    if path is None:
        return ""
    try:
        said = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            timeout=10,
            stdin=subprocess.DEVNULL,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\d+\.\d+(?:\.\d+)*", said)
    return found[0] if found else ""


@cache
def _is_licensed(check: Callable[[], bool]) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return check()
    except Exception:  # whatever a vendor's library raises means: no
        return False


@cache
def all_solvers() -> tuple[Solver, ...]:
    """Return every known solver by name, installed or not; of one name, its file's first is tried
    first."""
    folder = import_module("optimodels.solvers.catalogue")
    modules = [
        import_module(f"{folder.__name__}.{entry.name}")
        for entry in pkgutil.iter_modules(folder.__path__)
    ]
    found = [solver for module in modules for solver in module.SOLVERS]
    for entry in entry_points(group="optimodels.solvers"):
        found.extend(load_entry(entry))
    return tuple(sorted(found, key=lambda s: s.name))


def solver_names() -> list[str]:
    """Return the words that a case may write for a solver."""
    return sorted({"exact", *(solver.name for solver in all_solvers())})


def choose(request: Request, formulation: Formulation[Any]) -> Solver | None:
    """Return the solver for a formulation, or None for the family's own exact algorithm.

    Raises UnavailableError where the name is unknown, nothing of that name is installed, or it
    cannot take the class of problem; never substitutes another solver.
    """
    if request.name == "exact":
        if formulation.exact is None:
            raise UnavailableError(
                "solver", f"{formulation.name} has no exact algorithm; {_able(formulation)}"
            )
        if request.options:
            raise UnavailableError("solver", "the exact algorithm takes no options")
        return None
    named = [s for s in all_solvers() if s.name == request.name]
    if not named:
        hint = suggestion(request.name, solver_names())
        raise UnavailableError("solver", f"no solver {request.name!r}{hint}")
    if request.via is not None:
        through = [s for s in named if s.via == request.via]
        if not through:
            ways = ", ".join(dict.fromkeys(s.via for s in named))
            raise UnavailableError(
                "solver",
                f"{request.name} is not reached through {request.via}, only through {ways}",
            )
        named = through
    expressible = [s for s in named if s.via in formulation.languages]
    if not expressible:
        raise UnavailableError(
            "solver", f"{formulation.name} is not written in {named[0].via}; {_able(formulation)}"
        )
    able = [s for s in expressible if formulation.problem_class in s.classes]
    if not able:
        classes = ", ".join(sorted(set().union(*(s.classes for s in expressible))))
        raise UnavailableError(
            "solver",
            f"{request.name} cannot take a problem of class "
            f"{formulation.problem_class} ({formulation.name}), only {classes}; "
            f"{_able(formulation)}",
        )
    ready = [s for s in able if s.installed]
    if not ready:
        raise UnavailableError(
            "solver",
            f"{request.name} through {able[0].via} is not installed: "
            f"{' or '.join(dict.fromkeys(s.install for s in able if s.via == able[0].via))}; "
            f"{_able(formulation)}",
        )
    if ready[0].takes is not None:
        for option, value in request.options.items():
            if not ready[0].takes(option, value):
                raise UnavailableError(
                    "solver",
                    f"{request.name} through {ready[0].via} has no option {option!r} that takes "
                    f"{value!r}",
                )
    # Time and memory are kept from outside, by a process of its own, where a solver cannot.
    for limit in ("gap", "threads"):
        asked = getattr(request.limits, limit)
        if (
            asked is not None
            and not ready[0].options.keeps(limit)
            and (limit, asked) != ("threads", 1)
        ):
            raise UnavailableError(
                "solver",
                f"{request.name} through {ready[0].via} keeps no {limit} limit; leave out the key",
            )
    return ready[0]


def able_solvers(formulation: Formulation[Any]) -> list[Solver]:
    """Return the installed solvers that can take a formulation."""
    return [
        s
        for s in all_solvers()
        if s.installed and s.via in formulation.languages and formulation.problem_class in s.classes
    ]


def describe(solver: Solver | None, request: Request) -> SolverUsed:
    """Say who solves, for the result."""
    if solver is None:
        return SolverUsed("exact", "exact", __version__, 1)
    return SolverUsed(
        solver.name, solver.via, solver.version, request.limits.threads, dict(request.options)
    )


def _able(formulation: Formulation[Any]) -> str:
    names = list(dict.fromkeys(s.name for s in able_solvers(formulation)))
    if formulation.exact is not None:
        names.append("exact")
    return f"installed and able: {', '.join(names)}" if names else "no installed solver is able"
