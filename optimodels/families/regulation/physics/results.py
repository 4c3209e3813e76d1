"""From a simulated response to what a reader wants: values by name and tidy tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.regulation.physics.checks import checks, closed_forms, steps_again
from optimodels.families.regulation.physics.data import Response
from optimodels.families.regulation.physics.modes import Modes
from optimodels.families.regulation.physics.response import (
    Simulated,
    areas_limited,
    ends,
    extreme,
    simulate,
)
from optimodels.model import Answer, Done, Outcome
from optimodels.result import Row
from optimodels.threads import threads_held

#: Rows that a trajectory has at most: every so many times of a longer run.
_MOST_ROWS = 3001
#: s; how soon the paper sees it back.
_TWO_MINUTES = 120.0
#: Part of the frequency beyond which no unit stays connected.
_LINEAR = 0.1
#: Responsive load has recovered when no more than this part of its peak is left for once.
_RECOVERED = 0.05


# The matrices are small: more threads than one wait for each other longer than they compute.
@threads_held(1)
def respond(response: Response) -> Outcome:
    """Simulate and check."""
    found = simulate(response)
    values = _values(response, found)
    if response.system.demand_response and response.linear:
        values |= _without(response, found, values)
    arrays = {
        "time": response.grid,
        "trajectory": _trajectory(response, found),
        "modes": mode_rows(found.modes),
        "limited": areas_limited(found),
    }
    return Outcome("end state", checks(response, found), arrays, values)


def frequency_response(response: Response, done: Done) -> Answer:
    """Report a response."""
    found = done.outcomes["response"]
    tables = {"trajectory": found.arrays["trajectory"], "modes": found.arrays["modes"]}
    return Answer(found.values, tables, _notes(response, found))


def _values(response: Response, found: Simulated) -> dict[str, Any]:
    return {
        **_stability(found),
        **_extremes(response, found),
        **_area(response, found),
        **_ended(response, found),
    }


def _without(response: Response, found: Simulated, values: dict[str, Any]) -> dict[str, Any]:
    """The same without demand response, and what 003, section 5 says of the difference."""
    bare = replace(response.system, demand_response=0.0, demand_share=0.0)
    plain = replace(response, system=bare)
    other = simulate(plain)
    theirs = {**_extremes(plain, other), **_area(plain, other)}
    if response.open_loop:
        ace = "ace_mean_absolute_percent", "ace_deviation_percent"
        smaller = [values[name] < theirs[name] for name in ace]
        return {
            **{f"{name}_without": theirs[name] for name in ace},
            "ace_magnitude": "smaller" if smaller[0] else "not smaller",
            "ace_variance": "smaller" if smaller[1] else "not smaller",
        }
    exports = found.parts["exports"], other.parts["exports"]
    most = float(np.abs(exports[1]).max())
    moved = float(np.abs(exports[0] - exports[1]).max()) / most if most else 0.0
    hz, name = response.nominal_hz, "generation_peak_percent"
    away = [max(hz - v["nadir_hz"], v["peak_hz"] - hz) for v in (values, theirs)]
    generation = [abs(v[name]) for v in (values, theirs)]
    return {
        "nadir_hz_without": theirs["nadir_hz"],
        "generation_peak_percent_without": theirs[name],
        "exports_moved_percent_of_peak": 100 * moved,
        "excursion": "smaller" if away[0] < away[1] else "not smaller",
        **_totals(response, found, plain, other),
        "load_back": _back(values["load_peak_time_s"], values["load_recovery_time_s"]),
        "generation": "less" if generation[0] < generation[1] else "not less",
    }


def _back(peak: float | None, recovered: float | None) -> str:
    """How soon responsive load is back from its peak; times of the run, s."""
    if peak is None or recovered is None:
        return "later"
    return "within two minutes" if recovered - peak <= _TWO_MINUTES else "later"


def _totals(
    response: Response, found: Simulated, plain: Response, other: Simulated
) -> dict[str, Any]:
    """Whether exports add up to the same without demand response, where they come to an end."""
    both = ends(response, found), ends(plain, other)
    if both[0] is None or both[1] is None or not response.system.agc:
        return {}
    total = [ended["exports integral"] for ended in both if ended]
    same = abs(total[0] - total[1]) <= 1e-6 * max(map(abs, total))
    return {"total_exports": "the same" if same else "others"}


def _stability(found: Simulated) -> dict[str, Any]:
    modes = found.modes
    sampled = {} if found.multiplier is None else {"multiplier_per_sample": found.multiplier}
    return {
        "stable": found.stable,
        "largest_real_eigenvalue": modes.largest,
        **sampled,
        "dominant_mode": modes.names[0],
        "least_damping": modes.margin,
        "least_damped_mode": modes.names[int(np.argmin(modes.damping))],
    }


def _extremes(response: Response, found: Simulated) -> dict[str, Any]:
    hz = response.nominal_hz
    low, high = extreme(response, found, -1), extreme(response, found, 1)
    return {
        "nadir_hz": hz * (1 + low.value),
        "nadir_time_s": low.time,
        "peak_hz": hz * (1 + high.value),
        "final_hz": hz * (1 + float(found.frequency[-1])),
        "frequency_integral": hz * float(found.integrals[-1, 0]),
    }


def _area(response: Response, found: Simulated) -> dict[str, Any]:
    """The study area, in percent of its own load."""
    percent = 100 / response.system.shares[0]
    parts = {name: percent * part for name, part in found.parts.items()}
    load, generation = parts["load"], parts["droop"] + parts["agc"]
    top = int(np.argmax(np.abs(load)))
    most = float(np.abs(load[top]))
    back = np.flatnonzero(np.abs(load[top:]) <= _RECOVERED * most)
    recovered = float(response.grid[top + back[0]]) if most and len(back) else None
    before = {name: percent * part for name, part in found.before.items()}
    exports = np.concatenate([parts["exports"], before["exports"]])
    begin, end = parts["ace"][:-1], before["ace"]
    weight = np.diff(response.grid) / response.grid[-1]
    ace_mean = percent * float(found.integrals[-1, 2]) / float(response.grid[-1])
    return {
        "generation_peak_percent": float(generation[np.argmax(np.abs(generation))]),
        "load_peak_percent": float(load[top]),
        "load_peak_time_s": float(response.grid[top]) if most else None,
        "load_recovery_time_s": recovered,
        "exports_lowest_percent": float(exports.min()),
        "exports_highest_percent": float(exports.max()),
        "exports_integral_percent_s": percent * float(found.integrals[-1, 1]),
        "ace_mean_percent": ace_mean,
        "ace_mean_absolute_percent": float(weight @ _size(begin, end)),
        "ace_deviation_percent": float(np.sqrt(weight @ _square(begin - ace_mean, end - ace_mean))),
        "ace_largest_percent": float(max(np.abs(parts["ace"]).max(), np.abs(end).max())),
    }


def _square(begin: Floats, end: Floats) -> Floats:
    """Mean square (k,) of lines from begin to end."""
    return np.asarray((begin**2 + begin * end + end**2) / 3)


def _size(begin: Floats, end: Floats) -> Floats:
    """Mean size (k,) of lines from begin to end, which may cross zero."""
    sizes = np.abs(begin) + np.abs(end)
    crossing = (begin**2 + end**2) / np.where(sizes > 0, sizes, 1.0)
    return np.asarray(np.where(begin * end < 0, crossing, sizes) / 2)


def _ended(response: Response, found: Simulated) -> dict[str, Any]:
    """For all time, beside the closed forms, where there is such an end."""
    ended = ends(response, found)
    if ended is None:
        return {}
    hz, percent = response.nominal_hz, 100 / response.system.shares[0]
    closed = closed_forms(response)
    if not response.system.agc:
        return {
            "plateau_hz": hz * (1 + ended["frequency"]),
            "plateau_hz_closed_form": hz * (1 + closed["frequency"]),
        }
    return {
        "frequency_integral_total": hz * ended["frequency integral"],
        "frequency_integral_total_closed_form": hz * closed["frequency integral"],
        "exports_integral_total_percent_s": percent * ended["exports integral"],
        "exports_integral_total_closed_form": percent * closed["exports integral"],
    }


def _trajectory(response: Response, found: Simulated) -> list[Row]:
    percent = 100 / response.system.shares[0]
    columns: dict[str, Floats] = {
        "time_s": response.grid,
        "frequency_hz": response.nominal_hz * (1 + found.frequency),
        "generation_percent": percent * (found.parts["droop"] + found.parts["agc"]),
        "agc_percent": percent * found.parts["agc"],
        "load_percent": percent * found.parts["load"],
        "exports_percent": percent * found.parts["exports"],
        "ace_percent": percent * found.parts["ace"],
    }
    kept = np.unique(np.append(_kept(len(response.grid)), len(response.grid) - 1))
    lists = {name: values[kept].tolist() for name, values in columns.items()}
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def _kept(times: int) -> Any:
    return np.arange(0, times, -(-times // _MOST_ROWS))


def mode_rows(found: Modes) -> list[Row]:
    """One row for each real eigenvalue and each pair, the slowest first."""
    return [
        {
            "mode": found.names[k],
            "real_per_s": float(value.real),
            "imaginary_per_s": float(value.imag),
            "damping": float(found.damping[k]),
            "time_constant_s": -1 / float(value.real) if value.real else None,
            "period_s": 2 * np.pi / float(value.imag) if value.imag else None,
        }
        for k, value in enumerate(found.values)
        if value.imag >= 0
    ]


def _notes(response: Response, found: Outcome) -> tuple[str, ...]:
    notes = [
        "powers in percent of the study area's load; load is what demand response adds "
        "(negative: shed), ACE is that after a jump; times in s from the start of the run, "
        "integrals of the frequency in Hz s, eigenvalues in 1/s",
    ]
    system, values = response.system, found.values
    if not values["stable"]:
        notes.append(_unstable(values))
    if not response.linear:
        notes.append(
            "eigenvalues are those of the continuous system without samples and limits; extremes "
            "of the frequency are those at the printed times"
        )
    if response.sampling is not None:
        notes.append(
            "stable says of the sampled system that its largest multiplier from one sample to the "
            "next is below 1, without limits"
        )
    away = max(abs(values[name] / response.nominal_hz - 1) for name in ("nadir_hz", "peak_hz"))
    if away > _LINEAR:
        notes.append(
            f"the frequency leaves its nominal value by {100 * away:.3g} %: the model is linear, "
            "and units trip long before"
        )
    if response.time_step > system.fastest:
        notes.append(
            f"the time step of {response.time_step:g} s is longer than the shortest time constant, "
            f"{system.fastest:g} s: points are exact all the same, but what is between them is "
            "not drawn"
        )
    if found.arrays["limited"]:
        notes.append(f"demand response reaches its limit in: {', '.join(found.arrays['limited'])}")
    elif response.saturation is not None:
        notes.append("demand response does not reach its limit")
    if len(response.grid) > _MOST_ROWS:
        each = -(-len(response.grid) // _MOST_ROWS)
        notes.append(f"the table has every {each}th of {len(response.grid)} times")
    again = steps_again(response.grid)
    if not response.linear and again < len(response.grid) - 1:
        notes.append(
            f"only the first {again} steps, to {response.grid[again]:g} s, are checked by a second "
            "integration"
        )
    if not response.open_loop:
        notes.append(_bias(system.load_gain))
    return tuple(notes)


def _unstable(values: Mapping[str, Any]) -> str:
    run = "; the run is simulated all the same, and no closed form of an end holds"
    if values["stable"] is None:
        return f"neither stable nor unstable within rounding, in {values['dominant_mode']}{run}"
    multiplier = values.get("multiplier_per_sample")
    if multiplier is not None:
        return f"unstable: from sample to sample a mode grows by {multiplier:.4g}{run}"
    return (
        f"unstable: an eigenvalue of real part {values['largest_real_eigenvalue']:.4g} 1/s, "
        f"in {values['dominant_mode']}{run}"
    )


def _bias(gain: float) -> str:
    return (
        "ours: B_a = s_a (D + (1 - K_A) P_G / R + dr / R), after what an area's units and load do"
        + ("" if gain else "; here without load")
    )
