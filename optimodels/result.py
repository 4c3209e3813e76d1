"""What comes out: a solver's claim, the verdict on it, the result of a case."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from optimodels.arrays import Floats

Stopped = Literal[
    "optimal", "infeasible", "unbounded", "time", "memory", "iterations", "interrupted", "error"
]
Point = Literal["none", "feasible", "optimal"]
Status = Literal["verified", "refuted", "unverified"]
By = Literal["certificate", "exact", "second solver", "invariants", ""]
Of = Literal[
    "global optimum",
    "local optimum",
    "infeasibility",
    "unboundedness",
    "equilibrium",
    "balance",
    "end state",
    "closed form",
    "",
]

#: From the weakest to the strongest: a result is as weak as its weakest part.
STRENGTH: tuple[Status, ...] = ("refuted", "unverified", "verified")


@dataclass(frozen=True)
class Stated:
    """What the model as it was written is at a claim's point, by its language's evaluation of the
    expressions: nothing that was compiled, or read from it, takes part.

    ``objective`` is in the model's own sense; ``outside`` holds the largest violation among the
    constraints of each name, "" for those without one, in the units of the constraint.
    """

    objective: float
    outside: Mapping[str, float]


@dataclass(frozen=True)
class Claim:
    """What a solver says, in the order of a form's columns and rows; nothing in it is trusted.

    ``row_multipliers`` (m,) and ``cone_multipliers`` belong to the minimisation of
    ``sign * objective``: positive at the lower side of a row, negative at its upper one.
    ``ray`` (n,) is a direction without end, ``farkas`` (m,) row multipliers that prove
    infeasibility; ``objective`` and ``bound`` are in the model's own sense.
    """

    stopped: Stopped
    point: Point = "none"
    message: str = ""
    x: Floats | None = None
    objective: float | None = None
    bound: float | None = None
    row_multipliers: Floats | None = None
    cone_multipliers: tuple[Floats, ...] | None = None
    ray: Floats | None = None
    farkas: Floats | None = None
    # The solver cannot tell infeasible from unbounded; ``stopped`` says infeasible then.
    or_unbounded: bool = False
    # Whether it says so of all points: a family's own local method does not.
    proven: bool = True
    # The model itself at x, where it was stated in a modelling language for this claim.
    stated: Stated | None = None


@dataclass(frozen=True)
class Check:
    """One test of a claim: it passed where ``value <= tolerance``."""

    name: str
    value: float
    tolerance: float
    passed: bool

    @classmethod
    def of(cls, name: str, value: float, tolerance: float) -> Check:
        return cls(name, float(value), float(tolerance), bool(value <= tolerance))


#: How a status stands beside a figure in a table.
MARKS: dict[str, str] = {"verified": "✓", "refuted": "✗", "unverified": "?"}


@dataclass(frozen=True)
class Verdict:
    """Whether a claim holds, by what it was checked and what was shown."""

    status: Status
    by: By = ""
    of: Of = ""
    reason: str = ""
    checks: tuple[Check, ...] = ()

    @property
    def text(self) -> str:
        """One phrase, as it stands beside a figure."""
        if self.status == "verified":
            within = f", {self.reason}" if self.of == "global optimum" and self.reason else ""
            return f"verified by {self.by}: {self.of}{within}"
        return f"{self.status}: {self.reason}" if self.reason else self.status

    @property
    def mark(self) -> str:
        return MARKS[self.status]


def weakest(verdicts: Mapping[str, Verdict], main: str) -> Verdict:
    """Join the verdicts of a result's stages: the weakest status counts; by what and of what are
    those of the stage ``main``, the others' stand beside their stages.

    Checks keep the name of their stage in front where there are several stages.
    """
    if len(verdicts) == 1:
        return next(iter(verdicts.values()))
    lowest = min(verdicts.values(), key=lambda v: STRENGTH.index(v.status))
    checks = tuple(
        replace(check, name=f"{stage}: {check.name}")
        for stage, verdict in verdicts.items()
        for check in verdict.checks
    )
    if lowest.status != "verified":
        stage = next(name for name, verdict in verdicts.items() if verdict is lowest)
        reason = f"{stage}: {lowest.reason}" if lowest.reason else stage
        return Verdict(lowest.status, "", verdicts[main].of, reason, checks)
    return replace(verdicts[main], checks=checks)


@dataclass(frozen=True)
class SolverUsed:
    """Which solver ran, through which language, in which version, with which limits."""

    name: str
    via: str
    version: str
    threads: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Solution:
    """One formulation solved and judged: the recomputed objective and the named arrays.

    ``arrays`` holds the variables by name, ``duals`` the shadow prices of the rows by name:
    the change of the objective, in the model's own sense, per unit of the right side.
    ``instance`` is the data that it answers, the last ones of a stage that is refined.
    """

    solver: SolverUsed
    stopped: Stopped
    point: Point
    verdict: Verdict
    objective: float | None = None
    bound: float | None = None
    arrays: Mapping[str, Floats] = field(default_factory=dict)
    duals: Mapping[str, Floats] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    fingerprint: str = ""
    message: str = ""
    size: Mapping[str, int] = field(default_factory=dict)
    sense: str = ""
    instance: Any = field(default=None, repr=False, compare=False)

    @property
    def has_point(self) -> bool:
        return self.point != "none" and bool(self.arrays)

    @property
    def gap(self) -> float | None:
        """Relative distance of objective and bound, or None where one is missing."""
        if self.objective is None or self.bound is None:
            return None
        return abs(self.objective - self.bound) / max(1.0, abs(self.objective))


Row = dict[str, Any]


@dataclass(frozen=True)
class Result:
    """The answer to one case; ``as_json`` is what is stored and printed."""

    case: str
    model: str
    fingerprint: str
    solver: SolverUsed
    stopped: Stopped
    point: Point
    verdict: Verdict
    objective: float | None = None
    objective_unit: str = ""
    objective_sense: str = ""
    bound: float | None = None
    gap: float | None = None
    message: str = ""
    notes: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, list[Row]] = field(default_factory=dict)
    paper: tuple[Row, ...] = ()
    stages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    # The case as it was given and in full (``Case.asked``), so that it can be asked again.
    asked: Mapping[str, Any] = field(default_factory=dict)
    # For pictures; not part of the JSON: the network can be read again, arrays may be large.
    network: Any = None
    arrays: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        if self.verdict.status == "refuted":
            return 1
        if self.stopped in ("infeasible", "unbounded"):
            return 3
        if self.stopped in ("time", "memory", "iterations"):
            return 4
        return {"interrupted": 130, "error": 5}.get(self.stopped, 0)

    @classmethod
    def from_json(cls, whole: Mapping[str, Any], arrays: Mapping[str, Any] | None = None) -> Result:
        """Return the result that ``as_json`` made plain; the network is not part of it."""
        verdict = whole["verdict"]
        checks = tuple(Check(**check) for check in verdict["checks"])
        fields = {
            **whole,
            "solver": SolverUsed(**whole["solver"]),
            "verdict": Verdict(**{**verdict, "checks": checks}),
            "notes": tuple(whole["notes"]),
            "paper": tuple(whole["paper"]),
        }
        return cls(**fields, arrays=arrays or {})

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values: no NaN, no Infinity, no NumPy types."""
        kept = asdict(replace(self, network=None, arrays={}))
        del kept["network"], kept["arrays"]
        plain: dict[str, Any] = plain_json(kept)
        return plain


def plain_json(value: Any) -> Any:
    """Turn NumPy values into plain ones and numbers that JSON lacks into null."""
    if isinstance(value, Mapping):
        return {str(key): plain_json(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # NumPy's arrays and scalars
        return plain_json(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [plain_json(item) for item in value]
    return value


# The worst of several exit codes counts; numbers alone do not rank them.
_RANK = (0, 3, 4, 1, 2, 5, 130)


def worst(codes: Iterable[int]) -> int:
    return max(codes, key=_RANK.index, default=0)
