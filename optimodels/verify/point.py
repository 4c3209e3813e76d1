"""Whether a point satisfies a form, row by row, in the model's own units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimodels.arrays import Floats
from optimodels.form import Form
from optimodels.result import Check
from optimodels.verify.problem import quadratic_terms
from optimodels.verify.scale import largest_curved_term, largest_terms
from optimodels.verify.tolerances import INTEGRALITY, OBJECTIVE, PRIMAL

if TYPE_CHECKING:
    from optimodels.verify.cones import Cones


@dataclass(frozen=True)
class PointTest:
    """The checks of a point, and one phrase for each that failed."""

    checks: tuple[Check, ...]
    faults: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.faults

    @property
    def fault(self) -> str:
        return "; ".join(self.faults)

    @property
    def roundable(self) -> bool:
        """Whether there are integer columns, all of them near whole numbers."""
        return any(check.name == "integrality" and check.passed for check in self.checks)

    def beside(self, check: Check, fault: str) -> PointTest:
        """Return the test with one more check."""
        return PointTest(
            (*self.checks, check), self.faults if check.passed else (*self.faults, fault)
        )

    @property
    def excess(self) -> float:
        """The largest violation of a row, bound or cone, as the checks measure it."""
        return max((c.value for c in self.checks), default=0.0)


def check_point(
    form: Form, cones: Cones, x: Floats | None, objective: float | None = None
) -> PointTest:
    """Test x (n,) against rows, bounds, integrality, cones and the claimed objective.

    ``cones`` holds the form's own cones. A violation counts relative to the largest term of its
    row (or to |x_j|), or as it is where that is below 1.
    """
    if x is None or x.shape != form.linear.shape:
        wrong = "there is no point" if x is None else f"the point has {x.size} entries"
        fault = f"{wrong}, the problem {len(form.linear)} columns"
        return PointTest((Check("numbers", 1.0, 0.0, False),), (fault,))
    missing = np.flatnonzero(~np.isfinite(x))
    if len(missing):
        check = Check.of("numbers", float(len(missing)), 0.0)
        return PointTest((check,), (f"{form.column_name(int(missing[0]))} is not a number",))
    found = [_rows(form, x), _bounds(form, x)]
    if form.integer.any():
        found.append(_integrality(form, x))
    if form.cones:
        found.append(_cones(cones, x))
    if form.quadratic_rows:
        found.append(_quadratic_rows(form, x))
    if form.nonlinear_rows:
        found.append(_nonlinear_rows(form, x))
    if objective is not None:
        found.append(_objective(form, x, objective))
    return PointTest(
        tuple(check for check, _ in found),
        tuple(fault for check, fault in found if not check.passed),
    )


def leans_on_size(form: Form, cones: Cones, x: Floats) -> bool:
    """Say whether a point x (n,) that passes would not if its terms were no larger than the sides.

    Beside terms of 1e7 a violation of 3 is small, and an infeasible problem seems to have a point.
    """
    off, side = [np.zeros(0)], [np.zeros(0)]
    activity = form.rows @ x
    for sign, ends in ((1.0, form.row_lower), (-1.0, form.row_upper)):
        finite = np.isfinite(ends)
        off.append(sign * (ends - activity)[finite])
        side.append(np.abs(ends[finite]))
    values, _ = quadratic_terms(form.quadratic_rows, x)
    for row, value in zip(form.quadratic_rows, values, strict=True):
        for sign, end in ((1.0, row.lower), (-1.0, row.upper)):
            if np.isfinite(end):
                off.append(np.array([sign * (end - value)]))
                side.append(np.array([abs(end)]))
    beyond = np.concatenate(off) > PRIMAL * np.maximum(1.0, np.concatenate(side))
    return bool(beyond.any() or (cones.violation(x, beside_terms=False) > PRIMAL).any())


def _rows(form: Form, x: Floats) -> tuple[Check, str]:
    if not len(form.row_lower):
        return Check.of("rows", 0.0, PRIMAL), ""
    activity = form.rows @ x
    off = np.maximum(np.maximum(form.row_lower - activity, activity - form.row_upper), 0.0)
    relative = off / np.maximum(1.0, largest_terms(form.rows, x))
    worst = int(np.argmax(relative))
    text = f"row {form.row_name(worst)} is violated by {off[worst]:.6g}"
    return Check.of("rows", relative[worst], PRIMAL), text


def _bounds(form: Form, x: Floats) -> tuple[Check, str]:
    if not len(x):
        return Check.of("bounds", 0.0, PRIMAL), ""
    off = np.maximum(np.maximum(form.lower - x, x - form.upper), 0.0)
    relative = off / np.maximum(1.0, np.abs(x))
    worst = int(np.argmax(relative))
    text = f"{form.column_name(worst)} is outside its bounds by {off[worst]:.6g}"
    return Check.of("bounds", relative[worst], PRIMAL), text


def _integrality(form: Form, x: Floats) -> tuple[Check, str]:
    off = np.where(form.integer, np.abs(x - np.rint(x)), 0.0)
    worst = int(np.argmax(off))
    text = f"{form.column_name(worst)} = {x[worst]:.9g} is not a whole number"
    return Check.of("integrality", off[worst], INTEGRALITY), text


def _cones(cones: Cones, x: Floats) -> tuple[Check, str]:
    off = cones.violation(x)
    worst = int(np.argmax(off))
    text = f"{cones.names[worst]} is outside its cone by {off[worst]:.3g}, relatively"
    return Check.of("cones", off[worst], PRIMAL), text


def _quadratic_rows(form: Form, x: Floats) -> tuple[Check, str]:
    worst, text = 0.0, ""
    for row in form.quadratic_rows:
        curved = row.matrix @ x
        value = 0.5 * float(x @ curved) + float(row.linear @ x)
        off = max(row.lower - value, value - row.upper, 0.0)
        largest = largest_curved_term(row, x)
        if not np.isfinite(value):
            check = Check("quadratic rows", np.inf, PRIMAL, False)
            return check, f"quadratic row {row.name} is not a real number there"
        if off / max(1.0, largest) > worst:
            worst = off / max(1.0, largest)
            text = f"quadratic row {row.name} is violated by {off:.6g}"
    return Check.of("quadratic rows", worst, PRIMAL), text


def _nonlinear_rows(form: Form, x: Floats) -> tuple[Check, str]:
    worst, text = 0.0, ""
    for row in form.nonlinear_rows:
        value = row.expression.value(x)
        if not np.isfinite(value):
            check = Check("nonlinear rows", np.inf, PRIMAL, False)
            return check, f"nonlinear row {row.name} is not a real number there"
        off = max(row.lower - value, value - row.upper, 0.0)
        if off / max(1.0, abs(value)) > worst:
            worst = off / max(1.0, abs(value))
            text = f"nonlinear row {row.name} is violated by {off:.6g}"
    return Check.of("nonlinear rows", worst, PRIMAL), text


def _objective(form: Form, x: Floats, claimed: float) -> tuple[Check, str]:
    value = form.objective(x)
    text = f"the objective is {value:.9g} at the point, not {claimed:.9g}"
    if not np.isfinite(claimed):
        return Check("objective", np.inf, OBJECTIVE, False), text
    return Check.of("objective", abs(value - claimed) / max(1.0, abs(value)), OBJECTIVE), text
