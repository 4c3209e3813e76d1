"""Planted faults and planted truths through the verifier: all faults caught, no false alarm.

The claims are those of an honest solver (``planted.Planted.truth``), with one thing changed. A
fault counts as one only where it makes the claim wrong by more than the verdict allows, which is
worked out from the planted data: rows, bounds and cones in plain numbers, the objective beside
the planted optimum. False proofs are true ones that miss by a little more than that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from optimodels.arrays import Floats
from optimodels.form import Form
from optimodels.result import Claim, Stated
from optimodels.verify import Judgement, dual_bound, judge
from tests.campaigns.planted import CURVED, LINEAR, WHOLE, planted
from tests.campaigns.tally import Tally
from tests.campaigns.truth import Planted

MAKERS = LINEAR + WHOLE + CURVED
#: A claim is wrong where it is off by this, relative to the largest term: ten times what the
#: verdict lets pass on a point, and on an objective.
WRONG = 1e-4
#: A point is inside where it is outside by no more than this: nothing beside what may pass.
INSIDE = 1e-9
#: What rounding may add to a bound.
RATIONAL = 1e-9
#: Problems of which a fault finds one that it fits.
TRIES = 300

COLUMNS = ("refuted", "not verified", "missed", "too small", "does not fit")
OF = {"optimal": "global optimum", "infeasible": "infeasibility", "unbounded": "unboundedness"}


def truths(seed: int, tally: Tally) -> None:
    """A true claim with its proof must be verified, and no bound may be beyond the optimum."""
    one = planted(MAKERS, seed)
    claim = one.truth
    if claim.x is not None:
        # The model says the same of it.
        claim = replace(claim, stated=Stated(one.form.objective(claim.x), {"its own": 0.0}))
    judged = judge(one.form, claim)
    verdict = judged.verdict
    tally.count(one.kind, verdict.status)
    if verdict.status != "verified" or verdict.of != OF[one.stopped]:
        tally.broken.append(f"{one.kind}, seed {seed}: {verdict.text}")
    _within(one, judged, seed, tally)


def faults(seed: int, tally: Tally) -> None:
    """A true claim with one fault must not be verified, where the fault makes it wrong, and must
    be refuted where plain sums show it: a row cut, another objective, another model, no number.

    Every seed draws problems until its fault fits one and is large enough. "Problem" counts the
    same trials by what they were tried on.
    """
    name, plant = list(FAULTS.items())[seed % len(FAULTS)]
    rng = np.random.default_rng([seed, 7])
    for _ in range(TRIES):
        one = planted(MAKERS, int(rng.integers(2**31)))
        changed = plant(one, rng)
        found = "does not fit"
        if changed is not None:
            found = _found(name, one, changed, seed, tally)
        tally.count(f"fault: {name}", found)
        tally.count(f"problem: {one.kind}", found)
        if found not in ("does not fit", "too small"):
            return
    tally.broken.append(f"{name}, seed {seed}: fits none of {TRIES} problems")


def _found(name: str, one: Planted, changed: Changed, seed: int, tally: Tally) -> str:
    form, claim, wrong = changed
    if not wrong:
        return "too small"
    judged = judge(form, claim)
    if form is one.form:
        _within(one, judged, seed, tally)
    status = judged.verdict.status
    if status == "verified" or (name in REFUTED and status != "refuted"):
        tally.broken.append(f"{name}, {one.kind}, seed {seed}: {judged.verdict.text}")
    return {"verified": "missed", "unverified": "not verified"}.get(status, status)


def _above(one: Planted, value: float) -> float:
    """How much worse than the planted optimum a value, in the model's own sense, is, relative: a
    bound may not be."""
    assert one.objective is not None
    return float(one.form.sign * (value - one.objective) / max(1.0, abs(one.objective)))


def _within(one: Planted, judged: Judgement, seed: int, tally: Tally) -> None:
    """What judging a claim proved of a problem with an optimum must be so."""
    if one.objective is not None and judged.bound is not None:
        beyond = _above(one, judged.bound)
        tally.largest(f"bound of a verdict beyond the optimum, {one.kind}", beyond)
        if not beyond <= RATIONAL:
            tally.broken.append(f"bound, {one.kind}, seed {seed}: beyond by {beyond:.1e}")


def bounds(seed: int, tally: Tally) -> None:
    """Multipliers, turned round, moved or drawn at random, must never prove what is not so.

    As planted they must prove the optimum. Zeros are moved where none are planted.
    """
    one = planted(MAKERS, seed)
    x = one.truth.x
    if one.objective is None or x is None:
        tally.count(f"none: {one.kind}", "no optimum")
        return
    rng = np.random.default_rng([seed, 11])
    y, z = one.truth.row_multipliers, one.truth.cone_multipliers or ()
    m = len(one.form.row_lower)
    true = np.zeros(m + sum(len(cone.offset) for cone in one.form.cones))
    tried = {}
    if y is not None:
        tried["as planted"] = true = np.concatenate([y, *z])
    if true.any():
        i = rng.choice(np.flatnonzero(true))
        tried["one flipped"] = np.where(np.arange(len(true)) == i, -true, true)
    tried["moved"] = _noise(rng, true, 10.0 ** rng.uniform(-7, 0))
    tried["at random"] = _noise(rng, 0 * true, 10.0 ** rng.uniform(-2, 4))
    for name, multipliers in tried.items():
        bound = dual_bound(one.form, x, multipliers[:m], (multipliers[m:],))
        proves = bound.proves(one.objective)
        row = f"{name}: {one.kind}"
        if name == "as planted" and not proves:
            tally.broken.append(f"{row}, seed {seed}: does not prove the optimum")
        if bound.safe_low == -np.inf:
            tally.count(row, "proves nothing")
            continue
        tally.count(row, "proves the optimum" if proves else "proves less")
        beyond = _above(one, bound.safe)
        tally.largest(f"beyond the optimum, {name}", beyond)
        if not beyond <= RATIONAL:
            tally.broken.append(f"{row}, seed {seed}: beyond by {beyond:.1e}")


def _noise(rng: Any, values: Floats, size: float) -> Floats:
    return np.asarray(values + size * rng.normal(size=len(values)))


#: What a fault gives: the form that is judged, the claim, and whether the claim is now wrong.
Changed = tuple[Form, Claim, bool]


def _outside(one: Planted, form: Form, x: Floats) -> float:
    return replace(one, form=form).outside(x)


def _point(one: Planted, x: Any) -> Changed:
    """The planted claim with another point and its honest objective."""
    value = one.form.objective(x)
    wrong = one.outside(x) > WRONG or abs(_above(one, value)) > WRONG
    return one.form, replace(one.truth, x=x, objective=value), wrong


def _with_row(form: Form, row: Floats, low: float, high: float) -> Form:
    return replace(
        form,
        rows=sparse.csr_array(np.vstack([form.rows.toarray(), row])),
        row_lower=np.append(form.row_lower, low),
        row_upper=np.append(form.row_upper, high),
        row_blocks=(),
    )


def _some_point(form: Form, cost: Floats, x: Floats | None = None) -> Floats | None:
    """A point of the linear rows, of the least cost within ten of x, by HiGHS; None of none."""
    lower, upper = form.lower, form.upper
    if x is not None:
        lower, upper = np.maximum(lower, x - 10.0), np.minimum(upper, x + 10.0)
    rows = [LinearConstraint(form.rows, form.row_lower, form.row_upper)] * bool(len(form.row_lower))
    found: Floats | None = milp(
        cost, integrality=form.integer.astype(int), bounds=Bounds(lower, upper), constraints=rows
    ).x
    return found if found is None else np.where(form.integer, np.rint(found), found)


def _optimal(fault: Callable[[Planted, Any], Changed | None]) -> Callable[[Planted, Any], Any]:
    def planted_where_there_is_an_optimum(one: Planted, rng: Any) -> Changed | None:
        return fault(one, rng) if one.stopped == "optimal" else None

    return planted_where_there_is_an_optimum


def _changed_coordinate(one: Planted, rng: Any) -> Changed:
    """One coordinate moved by 1e-7 to 10: most of them matter, some only in part."""
    x = np.array(one.truth.x)
    j = rng.integers(len(x))
    x[j] += rng.choice([-1, 1]) * 10.0 ** rng.uniform(-7, 1) * max(1.0, abs(x[j]))
    return _point(one, x)


def _worse_point(one: Planted, rng: Any) -> Changed | None:
    """Another point within all sides, beside the true multipliers: on the way to a vertex as far
    as it must be to be worse, which is a little where there are no whole numbers."""
    x = np.array(one.truth.x)
    far = _some_point(one.form, rng.normal(size=len(x)) - one.form.sign * one.form.linear, x)
    if far is None:
        return None
    steps = [1.0] if one.form.integer.any() else np.minimum(1.0, 1e-4 * 2.0 ** np.arange(15))
    for step in steps:
        reached = x + step * (far - x)
        if one.outside(reached) <= INSIDE and _above(one, one.form.objective(reached)) > WRONG:
            return _point(one, reached)
    return None


def _dropped_row(one: Planted, rng: Any) -> Changed | None:
    """The form has one row more than the solver saw: it cuts the claimed point off."""
    x = np.array(one.truth.x)
    row = rng.integers(-4, 5, len(x)).astype(float)
    if not row.any():
        return None
    form = _with_row(one.form, row, -np.inf, float(row @ x) - 10.0 ** rng.uniform(-2, 1))
    y = one.truth.row_multipliers
    claim = replace(one.truth, row_multipliers=None if y is None else np.append(y, 0.0))
    return form, claim, _outside(one, form, x) > WRONG


def _wrong_objective(one: Planted, rng: Any) -> Changed:
    assert one.objective is not None
    off = rng.choice([-1, 1]) * 10.0 ** rng.uniform(-7, 1) * max(1.0, abs(one.objective))
    claim = replace(one.truth, objective=one.objective + off)
    return one.form, claim, abs(off) > WRONG * max(1.0, abs(one.objective))


def _compiled_otherwise(one: Planted, rng: Any) -> Changed:
    """The form, and all that is claimed of it, is right; the model that was stated is another: by
    its objective at the point, or by a constraint."""
    assert one.objective is not None
    assert one.truth.x is not None
    off = 10.0 ** rng.uniform(-7, 1)
    if rng.integers(2):
        size = max(1.0, abs(one.objective))
        stated = Stated(one.objective + rng.choice([-1, 1]) * off * size, {})
    else:
        # Relative to the form's largest term, which none exceeds: the constraint is none of it.
        form, reach = one.form, max(1.0, float(np.abs(one.truth.x).max()))
        parts = [form.rows.data]
        parts += [part for cone in form.cones for part in (cone.matrix.data, cone.offset)]
        parts += [part for row in form.quadratic_rows for part in (row.matrix.data, row.linear)]
        size = reach**2 * float(np.abs(np.append(np.concatenate(parts), 1.0)).max())
        stated = Stated(one.objective, {"another": off * size})
    return one.form, replace(one.truth, stated=stated), off > WRONG


def _swapped_bound(one: Planted, rng: Any) -> Changed | None:
    """A coordinate at its other bound."""
    x = np.array(one.truth.x)
    width = one.form.upper - one.form.lower
    free = np.flatnonzero(np.isfinite(width) & (width > 0))
    if not len(free):
        return None
    j = rng.choice(free)
    x[j] = one.form.upper[j] if x[j] == one.form.lower[j] else one.form.lower[j]
    return _point(one, x)


def _size(row: Floats, x: Floats) -> float:
    return max(1.0, float(np.abs(row * x).max(initial=0.0)))


def _called_infeasible(one: Planted, rng: Any) -> Changed | None:
    """A row asks for no worse than a little worse than the planted point; what is claimed is the
    proof that nothing is better than that point."""
    x = one.truth.x
    if x is None:
        return None
    form, y, z = one.form, one.truth.row_multipliers, one.truth.cone_multipliers
    row = form.sign * form.linear
    if form.quadratic is not None:
        row = row + form.sign * (form.quadratic @ x)
    room = 10.0 ** rng.uniform(-4, 0) * _size(row, x)
    if y is None:
        y = rng.normal(size=len(form.row_lower))
    changed = _with_row(form, row, -np.inf, float(row @ x) + room)
    claim = Claim("infeasible", farkas=np.append(y, -1.0), cone_multipliers=z)
    return changed, claim, _outside(one, changed, x) <= INSIDE


def _conflict_mended(one: Planted, rng: Any) -> Changed | None:
    """A side of a conflict is moved until its proof misses by a little, and there is a point."""
    form, y = one.form, one.truth.farkas
    if y is None or not y.any():
        return None
    sides = np.where(y > 0, form.row_lower, np.where(y < 0, form.row_upper, 0.0))
    terms = y * sides
    i = rng.choice(np.flatnonzero(y))
    room = 10.0 ** rng.uniform(-3, 0) * max(1.0, float(np.abs(terms).max()))
    moved = sides[i] - (float(terms.sum()) + room) / y[i]
    low, high = np.array(form.row_lower), np.array(form.row_upper)
    (low if y[i] > 0 else high)[i] = moved
    changed = replace(form, row_lower=low, row_upper=high)
    x = _some_point(changed, np.zeros(len(form.linear)))
    if x is None or _outside(one, changed, x) > INSIDE:
        return None
    return changed, one.truth, True


def _ray_closed(one: Planted, rng: Any) -> Changed | None:
    """Rows leave only the ray, and one of them closes that too, by a little."""
    ray, x = one.truth.ray, one.truth.x
    if ray is None or x is None:
        return None
    j, form = rng.choice(np.flatnonzero(ray)), one.form
    rows = [ray[j] * unit - ray[k] * np.eye(len(ray))[j]
            for k, unit in enumerate(np.eye(len(ray))) if k != j]  # fmt: skip
    close = np.eye(len(ray))[j] / ray[j] * 10.0 ** rng.uniform(-4, 0)
    for row in (*rows, close + sum(rows[:1])):
        # What all rows leave is a bounded box around the planted point.
        form = _with_row(form, row, float(row @ x) - 9.0, float(row @ x) + 9.0)
    return form, one.truth, _outside(one, form, x) <= INSIDE


def _called_unbounded(one: Planted, rng: Any) -> Changed | None:
    """With the planted point, or some point, and the steepest way down as a ray."""
    if one.stopped == "unbounded":
        return None
    x = one.truth.x
    if x is None:
        x = np.clip(rng.integers(-5, 6, len(one.form.linear)), one.form.lower, one.form.upper)
    ray = _noise(rng, -one.form.sign * one.form.linear, 10.0 ** rng.uniform(-3, 1))
    return one.form, Claim("unbounded", "feasible", x=x, ray=ray), True


def _called_optimal(one: Planted, rng: Any) -> Changed | None:
    """Of a problem that has no optimum: of an unbounded one a feasible point, else one near all
    rows, with the multipliers that come nearest to a proof."""
    if one.stopped == "optimal":
        return None
    form, x = one.form, one.truth.x
    body, cost = form.rows.toarray(), form.sign * form.linear
    if x is None:
        side = np.where(np.isfinite(form.row_upper), form.row_upper, form.row_lower)
        side = np.where(np.isfinite(side), side, 0.0)
        x = np.clip(np.linalg.lstsq(body, side)[0], form.lower, form.upper)
        x = np.where(form.integer, np.rint(x), x)
    y = np.linalg.lstsq(body.T, cost)[0]
    claim = Claim("optimal", "optimal", x=x, objective=form.objective(x), row_multipliers=y)
    return form, claim, True


def _not_a_number(one: Planted, rng: Any) -> Changed:
    x = np.array(one.truth.x)
    x[rng.integers(len(x))] = rng.choice([np.nan, np.inf, -np.inf])
    return one.form, replace(one.truth, x=x), True


FAULTS: dict[str, Callable[[Planted, Any], Changed | None]] = {
    "changed coordinate": _optimal(_changed_coordinate),
    "worse point": _optimal(_worse_point),
    "dropped row": _optimal(_dropped_row),
    "wrong objective": _optimal(_wrong_objective),
    "swapped bound": _optimal(_swapped_bound),
    "compiled otherwise": _optimal(_compiled_otherwise),
    "false infeasible, room left": _called_infeasible,
    "false infeasible, side moved": _conflict_mended,
    "false unbounded, ray closed": _ray_closed,
    "false unbounded, no ray": _called_unbounded,
    "false optimal": _called_optimal,
    "not a number": _optimal(_not_a_number),
}

#: Faults that sums over the claim itself show.
REFUTED = ("dropped row", "wrong objective", "compiled otherwise", "not a number")
