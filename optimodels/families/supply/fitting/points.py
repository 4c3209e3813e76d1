"""The points of a curve fit, and the forms that have a curve for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from optimodels.arrays import Floats
from optimodels.errors import DataError, suggestion
from optimodels.families.supply.fit_parameters import MOST_POINTS, CurveFit
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

    Quantities may come in any order: they are sorted, and a note says so. Prices at one quantity
    become their weighted mean, with the weights' sum.
    """
    given: CurveFit = inputs.parameters
    capacity, notes = given.capacity, []
    if given.data.classes is not None:
        x, y, weight, end = merit_order(given.data, given.wind)
        capacity = end if capacity is None else capacity
        notes.append(
            "points of a merit order are no independent observations: criteria and intervals "
            "compare forms, and say nothing of noise"
        )
    else:
        x, y, weight = _points(inputs, given.data)
        moved = int(np.count_nonzero(np.diff(x) < 0))
        if moved:
            notes.append("the quantities were not in order: the points were sorted by them")
    single = len(x)
    x, y, weight = _averaged(x, y, weight)
    if len(x) < single:
        notes.append(
            f"{single - len(x)} of {single} points repeat a quantity: the prices at one quantity "
            "were replaced by their weighted mean"
        )
    if len(x) > MOST_POINTS:
        raise DataError(_KEY, f"has {len(x)} points; at most {MOST_POINTS}")
    if len(x) < 2:
        raise DataError(_KEY, "has one quantity only: no curve can be told from it")
    if np.ptp(y) <= 1e-12 * np.abs(y).max():
        raise DataError(
            _KEY, f"all prices are {y[0]:g}: every form has this constant curve, and none of its "
            "other parameters can be told",
        )  # fmt: skip
    sample = Sample(x, y, weight, given.huber or np.inf)
    knots = None if given.knots is None else tuple(given.knots)
    if knots is not None and (min(knots) < x[0] or max(knots) > x[-1]):
        raise DataError(
            "parameters.knots", f"must lie within the quantities, {x[0]:g} to {x[-1]:g}"
        )
    forms, left_out = _forms(given, sample, Setting(given.wind, capacity, given.pieces, knots))
    return Task(sample, forms, given.criterion, (*notes, *left_out))


def merit_order(given: Given, wind: float) -> tuple[Floats, Floats, Floats, float]:
    """Return points on the merit order of unit classes, and where it ends.

    Classes stand in the order of their mean prices from ``wind`` on; within one the price rises
    evenly. Each has the same number of points, at the middles of equal parts, with weights that
    make sums over points those over the capacity (mean 1).
    """
    assert given.classes is not None
    whole, number = given.capacity or 1.0, given.points_per_class or 10
    part = (np.arange(number) + 0.5) / number
    x, y, weight, start = [], [], [], wind
    for one in sorted(given.classes, key=lambda one: (sum(one.price), one.price[0])):
        x.append(start + part * one.share * whole)
        y.append(one.price[0] + part * (one.price[1] - one.price[0]))
        weight.append(np.full(number, one.share * len(given.classes)))
        start += one.share * whole
    return np.concatenate(x), np.concatenate(y), np.concatenate(weight), start


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
        raise DataError(
            f"{_KEY}.weights", f"point {k + 1} has weight {weight[k]:g}; weights are above 0"
        )
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


def _averaged(x: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Sort points by quantity; the prices at one quantity become their weighted mean."""
    places, inverse = np.unique(x, return_inverse=True)
    if len(places) == len(x):
        order = np.argsort(x)
        return x[order], y[order], weight[order]
    total = np.bincount(inverse, weight).astype(float)
    return places, np.bincount(inverse, weight * y) / total, total


def _forms(
    given: CurveFit, sample: Sample, setting: Setting
) -> tuple[dict[str, Form], tuple[str, ...]]:
    """Return the forms to fit; one that the case names and has no curve is an error, and one that
    it does not name is left out with a note."""
    found: dict[str, Form] = {}
    notes = []
    for name in given.forms or FORMS:
        form = _bounded(FORMS[name](setting), given.bounds.get(name, {}))
        reason = _unfit(form, sample)
        if not reason:
            found[name] = form
        elif given.forms is not None:
            raise DataError("parameters.forms", f"{name} {reason}")
        else:
            notes.append(f"left out: {name} {reason}")
    for name in given.bounds:
        if name not in (given.forms or FORMS):
            known = given.forms or FORMS
            raise DataError("parameters.bounds", f"no form {name!r}{suggestion(name, known)}")
    if not found:
        raise DataError(_KEY, f"no form has a curve for these points: {'; '.join(notes)}")
    return found, tuple(notes)


def _unfit(form: Form, sample: Sample) -> str:
    m = len(sample.x)
    if isinstance(form, RisingForm):
        needed = 2 if form.steps else len(form.knots(sample.x))
        word = "points" if form.steps else "knots"
        return "" if m >= needed else f"has {needed} {word}; {m} points are too few"
    if m < len(form.names):
        return f"has {len(form.names)} parameters; {m} points are too few"
    return form.unfit(sample.x, sample.y)


def _bounded(form: Form, bounds: Mapping[str, list[float]]) -> Form:
    """Return a form with a case's bounds, within its own."""
    if not bounds:
        return form
    key = f"parameters.bounds.{form.name}"
    names = form.names if isinstance(form, CurveForm) and form.special is None else ()
    if not names or isinstance(form, RisingForm):
        raise DataError(key, "its parameters take no bounds")
    sides = dict(form.bounds)
    for name, (low, high) in bounds.items():
        if name not in names:
            raise DataError(
                key, f"no parameter {name!r}{suggestion(name, names)}; {', '.join(names)}"
            )
        least, most = sides.get(name, (-np.inf, np.inf))
        if high < least or low > most:
            raise DataError(f"{key}.{name}", f"must lie within {least:g} to {most:g}")
        sides[name] = (max(low, least), min(high, most))
    return replace(form, bounds=sides)
