"""Pictures of responses: frequency, generation, load and exports; ACE of an open loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from optimodels.draw import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SERIES,
    line_style,
    picture,
    stamp,
    stamp_runs,
)
from optimodels.result import Result

#: The panels of 003, figures 8 and 9: column, label, title.
_PANELS = (
    ("frequency_hz", "Hz", "Frequency"),
    ("generation_percent", "% of the area's load", "Change of generation"),
    ("load_percent", "% of the area's load", "Change of responsive load"),
    ("exports_percent", "% of the area's load", "Change of exports"),
)
#: Seconds of the short window (003, figure 8).
_SHORT = 10.0


def frequency_response(results: Sequence[Result]) -> dict[str, bytes]:
    """One response, or those of a sweep over each other, in the short and the whole window."""
    shown = [r for r in results if r.tables.get("trajectory")]
    if not shown:
        return {}
    if all(r.parameters["loop"] == "open" for r in shown):
        return {"ace": _open(shown)}
    made = {"response": _panels(shown, None)}
    if max(r.parameters["duration"] for r in shown) > 2 * _SHORT:
        made["response-start"] = _panels(shown, _SHORT)
    return made


def _columns(result: Result) -> dict[str, Any]:
    rows = result.tables["trajectory"]
    return {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}


def _panels(results: Sequence[Result], until: float | None) -> bytes:
    title, labels = _labels(results)
    with picture(8.4, 5.6, columns=2, rows=2, sharex=True) as (made, axes):
        for k, result in enumerate(results[: len(SERIES)]):
            data = _columns(result)
            shown = data["time_s"] <= (until or np.inf)
            for (name, _, _), place in zip(_PANELS, axes.flat, strict=True):
                place.plot(data["time_s"][shown], data[name][shown], label=labels[k],
                           **line_style(k))  # fmt: skip
        for (_, unit, heading), place in zip(_PANELS, axes.flat, strict=True):
            place.set_ylabel(unit)
            place.set_title(heading)
            place.ticklabel_format(axis="y", useOffset=False)
        nominal = results[0].parameters["nominal_hz"]
        axes.flat[0].axhline(nominal, color=GREY, linewidth=0.8)
        for place in axes.flat[1:]:
            place.axhline(0.0, color=GREY, linewidth=0.8)
        for place in axes[1]:
            place.set_xlabel("time, s")
        if len(results) > 1:
            # Above all panels: within any of them it lies on a curve in one case or another.
            made.figure.legend(*axes.flat[0].get_legend_handles_labels(), fontsize=8,
                               title=title, title_fontsize=8, ncols=len(SERIES),
                               loc="outside upper center")  # fmt: skip
            stamp_runs(made, results)
        else:
            stamp(made, results[0])
    return made.svg


def _label(result: Result) -> str:
    return f"{100 * result.parameters['demand_response']:g} % of load"


def _labels(results: Sequence[Result]) -> tuple[str, list[str]]:
    """Return the title and the labels of a legend: demand response, or what else differs."""
    shares = [_label(result) for result in results]
    return ("demand response", shares) if len(set(shares)) == len(shares) else varied(results)


def varied(results: Sequence[Result]) -> tuple[str, list[str]]:
    """Return the names of the parameters in which runs differ, and the values of each run."""
    first = results[0].parameters
    keys = [key for key in first if any(r.parameters[key] != first[key] for r in results)]
    names = [
        ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values)
        for values in ([r.parameters[key] for key in keys] for r in results)
    ]
    return ", ".join(key.replace("_", " ") for key in keys), names


def _open(results: Sequence[Result]) -> bytes:
    """003, figure 7: the given frequency with ACE, and who regulates."""
    title, labels = _labels(results)
    with picture(8.4, 6.2, rows=3, sharex=True) as (made, (top, middle, bottom)):
        first = _columns(results[0])
        minutes = first["time_s"] / 60
        top.plot(minutes, first["frequency_hz"], color=GREY, linewidth=0.9)
        top.set_ylabel("Hz")
        top.set_title("Frequency, as given")
        top.ticklabel_format(axis="y", useOffset=False)
        for k, result in enumerate(results[: len(SERIES)]):
            data = _columns(result)
            middle.plot(data["time_s"] / 60, data["ace_percent"], linewidth=1.1, label=labels[k],
                        **line_style(k))  # fmt: skip
        middle.set_ylabel("% of the area's load")
        middle.set_title("Area control error")
        middle.legend(fontsize=8, title=title, title_fontsize=8, loc="lower left",
                      ncols=2)  # fmt: skip
        last = _columns(results[-1])
        droop = last["generation_percent"] - last["agc_percent"]
        for values, colour, name in (
            (droop, BLUE, "units on droop"), (last["agc_percent"], ORANGE, "units on ACE"),
            (-last["load_percent"], GREEN, "demand response"),
        ):  # fmt: skip
            bottom.plot(last["time_s"] / 60, values, color=colour, linewidth=1.1, label=name)
        bottom.set_ylabel("% of the area's load")
        bottom.set_title(f"Power that regulates, demand response {_label(results[-1])}")
        bottom.legend(fontsize=8, ncols=3, loc="upper right")
        bottom.set_xlabel("time, minutes")
        for place in (middle, bottom):
            place.axhline(0.0, color=GREY, linewidth=0.8)
            place.margins(y=0.25)
        if len(results) > 1:
            stamp_runs(made, results)
        else:
            stamp(made, results[0])
    return made.svg
