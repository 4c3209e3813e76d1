"""What a curve fit reports: forms side by side, parameters, residuals, the best one's curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from optimodels.families.supply.fitting.examination import NOT_NOISE
from optimodels.families.supply.fitting.points import Task
from optimodels.families.supply.fitting.side_by_side import Fitted, criteria, drawn, rising_fits
from optimodels.model import Answer, Done
from optimodels.result import Row


def curve_fit(task: Task, done: Done) -> Answer:
    """The forms by the criterion, the best one first."""
    outcome = done.outcomes.get("smooth")
    fits: dict[str, Fitted] = dict(outcome.arrays["fits"]) if outcome else {}
    fits |= rising_fits(task, done)
    if not fits:
        return Answer({"best": None}, {}, (*task.notes, "no form has a curve"))
    rows = _compared(task, fits)
    best = str(rows[0]["form"])
    sample, chosen = task.sample, fits[best]
    points: list[Row] = [
        {"quantity": x, "price": y, "weight": w, "fitted_price": f, "residual": f - y}
        for x, y, w, f in zip(
            *(one.tolist() for one in (sample.x, sample.y, sample.weight, chosen.prices)),
            strict=True,
        )
    ]
    order = [str(row["form"]) for row in rows]
    residuals: list[Row] = [
        {
            "quantity": float(sample.x[k]),
            **{n: float((fits[n].prices - sample.y)[k]) for n in order},
        }
        for k in range(len(sample.x))
    ]
    parameters: list[Row] = []
    for name in order:
        if name not in task.rising or name == best:
            parameters += _parameters(name, fits[name])
    values: dict[str, Any] = {
        # A curve that is refuted is none to be named.
        "best": None if chosen.refuted else best,
        "best_verdict": chosen.verdict,
        "aicc": rows[0]["aicc"],
        "bic": rows[0]["bic"],
        "rmse": rows[0]["rmse"],
        "largest_residual": float(np.abs(chosen.prices - sample.y).max()),
    }
    for name in (name for name in order if name not in task.rising):
        for key, value in fits[name].parameters.items():
            values[f"{name.replace('-', '_')}_{key}"] = value
    tables = {
        "forms": rows,
        "parameters": parameters,
        "points": points,
        "residuals": residuals,
        "curves": drawn(sample, {name: fits[name] for name in order}),
    }
    return Answer(values, tables, _notes(task, fits, rows), objective=chosen.loss)


def _notes(task: Task, fits: Mapping[str, Fitted], rows: list[Row]) -> tuple[str, ...]:
    """What a reader of the forms, the best first, must know."""
    sample, order = task.sample, [str(row["form"]) for row in rows]
    notes = [*task.notes, *(note for name in order for note in fits[name].notes)]
    if fits[order[0]].refuted:
        notes.append(f"every form is refuted: none is the best; tables begin with {order[0]}")
    elif rows[0]["aicc"] is None:
        notes.append("no form leaves points to judge by: the nearest is first")
    elif few := [r["form"] for r in rows if r["aicc"] is None and not fits[r["form"]].refuted]:
        notes.append(
            f"not ranked: {', '.join(few)}; AICc and BIC are asked of more points than two beyond "
            f"the parameters, and there are {len(sample.x)}"
        )
    if any(name in task.rising for name in order):
        notes.append(
            "parameters of curves that never fall: the prices at knots that differ; a global "
            "optimum is one for the knots as they are"
        )
    if any(one.intervals for one in fits.values()):
        notes.append(NOT_NOISE)
    notes.append(
        f"loss: Huber's, squares up to a residual of {sample.threshold:g} and straight beyond"
        if sample.robust
        else "loss: weighted squares"
    )
    return tuple(notes)


def _compared(task: Task, fits: Mapping[str, Fitted]) -> list[Row]:
    """A row per form, by the criterion; forms that have none come later, the nearest first, and
    refuted ones last."""
    rows: list[Row] = []
    for name, one in fits.items():
        aicc, bic = criteria(task.sample, one.loss, one.freedom)
        left = one.prices - task.sample.y
        spread = float(task.sample.weight @ left**2 / task.sample.weight.sum())
        rows.append(
            {"form": name, "parameters": one.freedom, "loss": one.loss,
             "rmse": float(np.sqrt(spread)), "aicc": aicc, "bic": bic, "verdict": one.verdict}
        )  # fmt: skip
    by = task.criterion
    return sorted(
        rows,
        key=lambda r: (
            fits[r["form"]].refuted,
            r[by] is None,
            r[by] if r[by] is not None else r["loss"],
        ),
    )


def _parameters(name: str, one: Fitted) -> list[Row]:
    """A row per parameter, with its interval where it has one."""
    intervals = {row["parameter"]: row for row in one.intervals}
    rows: list[Row] = []
    for key, value in one.parameters.items():
        if isinstance(value, bool):
            continue
        known = intervals.get(key, {})
        sides = {s: known.get(s) for s in ("standard_error", "lower_95", "upper_95")}
        rows.append({"form": name, "parameter": key, "value": value, **sides})
    if one.conditioning is not None:
        empty = dict.fromkeys(("standard_error", "lower_95", "upper_95"))
        rows.append({"form": name, "parameter": "conditioning", "value": one.conditioning, **empty})
    return rows
