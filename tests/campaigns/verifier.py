"""Planted faults and planted truths through the verifier: all faults caught, no false alarm.

The claims are those of an honest solver (``planted.Planted.truth``), with one thing changed. A
fault counts as one only where it makes the claim wrong by more than the verdict allows, which is
worked out here from the planted data: rows, bounds and cones in plain numbers, the objective
beside the planted optimum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from optimodels.form import Form
from optimodels.result import Claim
from optimodels.verify import dual_bound, judge
from tests.campaigns.ledger import Tally
from tests.campaigns.planted import CURVED, LINEAR, WHOLE, Planted, planted

MAKERS = LINEAR + WHOLE + CURVED
#: A claim is wrong where it is off by this, relative to the largest term: ten times what the
#: verdict lets pass on a point, and on an objective.
WRONG = 1e-4

#: What rounding may add to a bound.
RATIONAL = 1e-9

COLUMNS = ("caught", "harmless, verified", "harmless, not verified", "missed")


def truths(seed: int, tally: Tally) -> None:
    """A true claim must not be refuted."""
    one = planted(MAKERS, seed)
    verdict = judge(one.form, one.truth).verdict
    tally.count(one.kind, verdict.status)
    if verdict.status == "refuted":
        tally.broken.append(f"false alarm: {one.kind}, seed {seed}: {verdict.text}")


def faults(seed: int, tally: Tally) -> None:
    """A true claim with one fault must not be verified, where the fault makes it wrong."""
    one = planted(MAKERS, seed // len(FAULTS))
    name, plant = list(FAULTS.items())[seed % len(FAULTS)]
    rng = np.random.default_rng([seed, 7])
    changed = plant(one, rng)
    if changed is None:
        return
    form, claim, wrong = changed
    judgement = judge(form, claim)
    verified = judgement.verdict.status == "verified"
    if wrong:
        tally.count(name, "missed" if verified else "caught")
        if verified:
            tally.broken.append(f"{name}, {one.kind}, seed {seed}: {judgement.verdict.text}")
    else:
        tally.count(name, "harmless, verified" if verified else "harmless, not verified")


def bounds(seed: int, tally: Tally) -> None:
    """Multipliers, turned round, scaled or drawn at random, must never prove what is not so."""
    one = planted(MAKERS, seed)
    y = one.truth.row_multipliers
    if one.objective is None or y is None or not y.any():
        return
    rng = np.random.default_rng([seed, 11])
    flipped = np.array(y)
    flipped[rng.choice(np.flatnonzero(flipped))] *= -1.0
    wild = rng.normal(size=len(y)) * 10.0 ** rng.integers(-2, 4)
    for name, tried in (("as planted", y), ("one flipped", flipped), ("at random", wild)):
        bound = dual_bound(one.form, one.truth.x, tried, one.truth.cone_multipliers)
        beyond = (bound.safe_low - one.form.sign * one.objective) / max(1.0, abs(one.objective))
        tally.count(name, "proves the optimum" if bound.proves(one.objective) else "proves less")
        tally.largest(f"beyond the optimum, {name}", beyond)
        if beyond > RATIONAL:
            tally.broken.append(f"{name}, {one.kind}, seed {seed}: beyond by {beyond:.1e}")


#: What a fault gives: the form that is judged, the claim, and whether the claim is now wrong.
Changed = tuple[Form, Claim, bool]


def _violation(form: Form, x: Any) -> float:
    """How far x is outside, each row, bound and cone relative to max(1, its largest term)."""
    body = form.rows.toarray()
    size = np.maximum(1.0, np.abs(body * x).max(axis=1, initial=0.0))
    value = body @ x
    off = [0.0, *((form.row_lower - value) / size), *((value - form.row_upper) / size)]
    reach = np.maximum(1.0, np.abs(x))
    off += [*((form.lower - x) / reach), *((x - form.upper) / reach)]
    off += list(np.where(form.integer, np.abs(x - np.rint(x)), 0.0))
    for row in form.quadratic_rows:
        square = row.matrix.toarray()
        terms = np.abs(square * np.outer(x, x)).max(initial=1.0)
        off.append((0.5 * x @ square @ x + row.linear @ x - row.upper) / max(1.0, terms))
    for cone in form.cones:
        inside = cone.matrix @ x + cone.offset
        scale = max(1.0, float(np.abs(inside).max()))
        if cone.kind == "second-order":
            off.append((np.linalg.norm(inside[1:]) - inside[0]) / scale)
        else:
            a, b, c = inside
            # Outside by at least this much in z; of b <= 0 only what is clear.
            off.append((b * np.exp(min(a / b, 50.0)) - c) / scale if b > 0 else -b / scale)
    return float(np.nanmax(off))


def _short(one: Planted, x: Any) -> float:
    """How much worse than the planted optimum the objective at x is, relative."""
    assert one.objective is not None
    lost = one.form.sign * (one.form.objective(x) - one.objective)
    return float(lost / max(1.0, abs(one.objective)))


def _point(one: Planted, x: Any) -> Changed:
    """The planted claim with another point and its honest objective."""
    claim = replace(one.truth, x=x, objective=one.form.objective(x))
    return one.form, claim, _violation(one.form, x) > WRONG or abs(_short(one, x)) > WRONG


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
    """Another point within all sides: half way to a random one, drawn back until it is inside."""
    x = np.array(one.truth.x)
    way = rng.integers(-3, 4, len(x)).astype(float)
    for _ in range(20):
        if _violation(one.form, x + way) <= 0 and _short(one, x + way) > WRONG:
            return _point(one, x + way)
        way = way / 2 if not one.form.integer.any() else rng.integers(-2, 3, len(x)).astype(float)
    return None


def _dropped_row(one: Planted, rng: Any) -> Changed | None:
    """The form has one row more than the solver saw: it cuts the claimed point off."""
    x = np.array(one.truth.x)
    row = rng.integers(-4, 5, len(x)).astype(float)
    if not row.any():
        return None
    cut = float(row @ x) - 10.0 ** rng.uniform(-2, 1)
    form = replace(
        one.form,
        rows=sparse.csr_array(np.vstack([one.form.rows.toarray(), row])),
        row_lower=np.append(one.form.row_lower, -np.inf),
        row_upper=np.append(one.form.row_upper, cut),
        row_blocks=(),
    )
    y = one.truth.row_multipliers
    claim = replace(one.truth, row_multipliers=None if y is None else np.append(y, 0.0))
    return form, claim, _violation(form, x) > WRONG


def _wrong_objective(one: Planted, rng: Any) -> Changed:
    assert one.objective is not None
    off = rng.choice([-1, 1]) * 10.0 ** rng.uniform(-7, 1) * max(1.0, abs(one.objective))
    return (
        one.form,
        replace(one.truth, objective=one.objective + off),
        (abs(off) > WRONG * max(1.0, abs(one.objective))),
    )


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


def _called_infeasible(one: Planted, rng: Any) -> Changed | None:
    if one.stopped == "infeasible":
        return None
    farkas = rng.normal(size=len(one.form.row_lower))
    return one.form, Claim("infeasible", farkas=farkas), True


def _called_unbounded(one: Planted, rng: Any) -> Changed | None:
    """With the planted point and a false ray."""
    if one.stopped == "unbounded":
        return None
    ray = rng.integers(-3, 4, len(one.form.linear)).astype(float)
    return one.form, Claim("unbounded", "feasible", x=one.truth.x, ray=ray), True


def _called_optimal(one: Planted, rng: Any) -> Changed | None:
    """Of a problem that has no optimum: some point, of an unbounded one a feasible one."""
    if one.stopped == "optimal":
        return None
    x = one.truth.x
    if x is None:
        x = np.clip(rng.integers(-5, 6, len(one.form.linear)), one.form.lower, one.form.upper)
    claim = Claim(
        "optimal",
        "optimal",
        x=x,
        objective=one.form.objective(x),
        row_multipliers=rng.normal(size=len(one.form.row_lower)),
    )
    return one.form, claim, True


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
    "false infeasible": _called_infeasible,
    "false unbounded, false ray": _called_unbounded,
    "false optimal": _called_optimal,
    "not a number": _optimal(_not_a_number),
}
