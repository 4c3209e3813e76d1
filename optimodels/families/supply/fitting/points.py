"""The points of a curve fit, and the forms that have a curve for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from optimodels.arrays import Floats
from optimodels.errors import DataError, suggestion
from optimodels.families.supply.fit_parameters import MOST_POINTS, CurveFit, UnitClass
from optimodels.families.supply.fit_parameters import Points as Given
from optimodels.families.supply.fitting.curves import FORMS
from optimodels.families.supply.fitting.forms import CurveForm, Form, RisingForm, Setting
from optimodels.families.supply.fitting.sample import Sample
from optimodels.model import Inputs

_KEY = "parameters.data"


@dataclass(frozen=True)
class Task:
    """Points, and the forms to fit to them by name."""

    sample: Sample
    forms: Mapping[str, Form]
    criterion: str
    notes: tuple[str, ...] = ()

    @property
    def smooth(self) -> dict[str, CurveForm]:
        return {k: form for k, form in self.forms.items() if isinstance(form, CurveForm)}

    @property
    def rising(self) -> dict[str, RisingForm]:
        return {k: form for k, form in self.forms.items() if isinstance(form, RisingForm)}


def read(inputs: Inputs) -> Task:
    """Read a case; raises DataError where its points have no curve.

    Quantities may come in any order: they are sorted, and a note says so. A quantity may stand
    several times: every point counts.
    """
    given: CurveFit = inputs.parameters
    asymptote, notes = given.asymptote, []
    if given.data.classes is not None:
        x, y, weight, end = merit_order(given.data, given.wind)
        asymptote = end if asymptote is None else asymptote
        notes.append(
            "points of a merit order are no independent observations: criteria and intervals "
            "compare forms, and say nothing of noise"
        )
    else:
        x, y, weight = _points(inputs, given.data)
        moved = int(np.count_nonzero(np.diff(x) < 0))
        if moved:
            notes.append("the quantities were not in order: the points were sorted by them")
    order = np.argsort(x, kind="stable")
    x, y, weight = x[order], y[order], weight[order]
    distinct = len(np.unique(x))
    if distinct < len(x):
        notes.append(f"{len(x) - distinct} of {len(x)} points repeat a quantity; each counts")
    if len(x) > MOST_POINTS:
        raise DataError(_KEY, f"has {len(x)} points; at most {MOST_POINTS}")
    if distinct < 2:
        raise DataError(_KEY, "has one quantity only: a curve needs points at two or more")
    if np.ptp(y) <= 1e-12 * np.abs(y).max():
        raise DataError(
            _KEY, f"all prices are {y[0]:g}: every form has this constant curve, and its other "
            "parameters cannot be told; give prices that differ",
        )  # fmt: skip
    sample = Sample(x, y, weight, given.huber or np.inf)
    knots = None if given.knots is None else tuple(given.knots)
    for k, knot in enumerate(knots or ()):
        if not x[0] <= knot <= x[-1]:
            raise DataError(
                f"parameters.knots.{k}",
                f"must lie within the quantities, {x[0]:g} to {x[-1]:g}, not {knot:g}",
            )
    setting = Setting(given.wind, asymptote, given.pieces, knots, last=float(x[-1]))
    forms, left_out = _forms(given, sample, setting)
    return Task(sample, forms, given.criterion, (*notes, *left_out))


def merit_order(given: Given, wind: float) -> tuple[Floats, Floats, Floats, float]:
    """Return points on the merit order of unit classes, and where it ends.

    A class's price rises evenly over its capacity; where classes overlap, their units stand in the
    order of their prices, from ``wind`` on: the quantity at a price is what all classes offer
    below it. Each has the same number of points, at the middles of equal parts, with weights that
    make sums over points those over the capacity (mean 1).
    """
    assert given.classes is not None
    whole, number = given.capacity or 1.0, given.points_per_class or 10
    part = (np.arange(number) + 0.5) / number
    classes = sorted(given.classes, key=lambda one: (sum(one.price), one.price[0]))
    prices = [one.price[0] + part * (one.price[1] - one.price[0]) for one in classes]
    x = []
    for k, price in enumerate(prices):
        place = np.full(number, wind)
        for j, other in enumerate(classes):
            below = part if j == k else _below(other, price, j < k)
            place += below * other.share * whole
        x.append(place)
    weight = [np.full(number, one.share * len(classes)) for one in classes]
    end = wind + whole * sum(one.share for one in classes)
    # Points of one quantity have one price, but for rounding errors.
    order = np.lexsort((np.concatenate(prices), np.concatenate(x)))
    places, offers, weights = (np.concatenate(one)[order] for one in (x, prices, weight))
    return places, offers, weights, end


def _below(one: UnitClass, price: Floats, first: bool) -> Floats:
    """The part (m,) of a class that is offered below prices; of two at one price, one is first."""
    low, high = one.price
    if low == high:
        return np.asarray((price > low) | ((price == low) & first), dtype=float)
    return np.clip((price - low) / (high - low), 0.0, 1.0)


def _points(inputs: Inputs, given: Given) -> tuple[Floats, Floats, Floats]:
    found = [
        None if one is None else _series(inputs, given, name, one)
        for name, one in (
            ("quantity", given.quantity), ("price", given.price), ("weights", given.weights)
        )
    ]  # fmt: skip
    x, y, weight = found
    assert x is not None
    assert y is not None
    weight = np.ones(len(x)) if weight is None else weight
    if (weight <= 0).any():
        k = int(np.argmax(weight <= 0))
        raise DataError(f"{_KEY}.weights", f"point {k + 1}: must be above 0, not {weight[k]:g}")
    return x, y, weight


def _series(inputs: Inputs, given: Given, name: str, one: str | list[float]) -> Floats:
    if not isinstance(one, str):
        return np.asarray(one, dtype=float)
    from optimodels.grid.profiles import read_csv_column

    assert given.csv is not None
    path = inputs.path(given.csv, f"{_KEY}.csv")
    try:
        return read_csv_column(path, one)
    except DataError as error:
        key = name if error.key == "column" else error.key
        raise DataError(f"{_KEY}.{key}", error.message) from error


def _forms(
    given: CurveFit, sample: Sample, setting: Setting
) -> tuple[dict[str, Form], tuple[str, ...]]:
    """Return the forms to fit; one that the case names and has no curve is an error, and one that
    it does not name is left out with a note."""
    found: dict[str, Form] = {}
    notes = []
    for name in given.forms or FORMS:
        form = _bounded(name, setting, given.bounds.get(name, {}))
        reason = _unfit(form, sample)
        if not reason:
            found[name] = form
        elif given.forms is not None:
            raise DataError("parameters.forms", f"{name} {reason}")
        else:
            notes.append(f"left out: {name} {reason}")
    for name in given.bounds:
        if name not in FORMS:
            hint = suggestion(name, FORMS) or f"; there are {', '.join(FORMS)}"
            raise DataError(f"parameters.bounds.{name}", f"no form {name!r}{hint}")
        if name not in (given.forms or FORMS):
            raise DataError(f"parameters.bounds.{name}", "is not among parameters.forms")
    if not found:
        raise DataError(_KEY, f"no form has a curve for these points: {'; '.join(notes)}")
    return found, tuple(notes)


def _unfit(form: Form, sample: Sample) -> str:
    m = len(np.unique(sample.x))
    if isinstance(form, RisingForm):
        needed = 2 if form.steps else len(form.knots(sample.x))
        word = "points" if form.steps else "knots"
        return "" if m >= needed else f"has {needed} {word}; {m} points are too few"
    if m < len(form.names):
        return f"has {len(form.names)} parameters; {m} points are too few"
    least = float(sample.y.min())
    if form.positive and least < 0 and not (form.sides(form.linear)[0] < 0).any():
        others = (
            ", unless a bound lets " + " or ".join(form.wider) + " below 0" if form.wider else ""
        )
        return f"needs prices of 0 or more{others}; there is {least:g}"
    return form.unfit(sample.x, sample.y)


def _bounded(name: str, setting: Setting, bounds: Mapping[str, list[float]]) -> Form:
    """Return a form with a case's bounds, within its own; one that is bounded in a parameter as
    published is fitted as published."""
    form = FORMS[name](setting)
    if not bounds:
        return form
    key = f"parameters.bounds.{name}"
    if not isinstance(form, CurveForm) or form.special.written is not None:
        raise DataError(key, "the parameters of this form take no bounds; leave them out")
    published = FORMS[name](replace(setting, last=None))
    assert isinstance(published, CurveForm)
    known = tuple(dict.fromkeys((*form.names, *published.names)))
    for given in bounds:
        if given not in known:
            hint = suggestion(given, known) or f"; there are {', '.join(known)}"
            raise DataError(f"{key}.{given}", f"no parameter {given!r}{hint}")
    if not set(bounds) <= set(form.names):
        form = published
    sides = dict(form.bounds)
    for given, (low, high) in bounds.items():
        if given not in form.names:
            others = ", ".join(name for name in bounds if name != given)
            raise DataError(
                f"{key}.{given}",
                f"cannot be bounded beside {others}: bound some of {', '.join(form.names)}",
            )
        wide = (-np.inf, np.inf)
        least, most = wide if given in form.wider else sides.get(given, wide)
        if low < least or high > most:
            room = (
                f"be {least:g} or more" if np.isinf(most) else f"lie within {least:g} to {most:g}"
            )
            raise DataError(f"{key}.{given}", f"must {room}, not [{low:g}, {high:g}]")
        sides[given] = (low, high)
    return replace(form, bounds=sides)
