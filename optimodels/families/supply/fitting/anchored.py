"""Curves that rise at one rate in some t(x): exponential, power and asymptotic.

Stated at the last point, level exp(rate (t - t_m)): as published, the level at t = 0 is beyond
every double where quantities lie far from 0, and tells nothing. A case that bounds the published
level gets the published statement, ``Setting.last`` None.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from optimodels.arrays import Complexes, Floats
from optimodels.families.supply.fitting.forms import CurveForm, Setting, Special
from optimodels.families.supply.fitting.stationarity import Written

#: Logarithms within which a double holds a number and its square to full precision.
_HELD = 350.0
#: What the curve rises by over all points, and from one to the next: logarithms, least and most.
_LEAST, _MOST = 1e-3, 50.0
_RATES = 48
#: What the scan lets the curve fall by, as logarithms, from the last point to another one.
_FALLS = np.geomspace(1e-3, 60.0, 21)


def exponential(setting: Setting) -> CurveForm:
    """a exp(b x): the q-exponential at q = 1."""
    start = 0.0 if setting.last is None else setting.last
    level = _level("a", setting)
    return CurveForm(
        name="exponential",
        formula="a exp(b x)",
        linear=(level,),
        nonlinear=("b",),
        bounds={level: (0.0, np.inf), "b": (0.0, np.inf)},
        basis=lambda x, theta: np.exp(theta[..., :1] * (x - start))[..., None],
        slopes=lambda x, theta: ((x - start) * np.exp(theta[0] * (x - start)))[:, None, None],
        curve=lambda x, p: np.asarray(p[0] * np.exp(p[1] * (x - start))),
        grid=lambda x, y: (_rates(x),),
        scan=lambda x, y: (_falls(x),),
        positive=True,
        special=Special(
            lambda x, theta, c: {
                level: float(c[0]),
                "b": float(theta[0]),
                **_published("a", float(c[0]), -float(theta[0]) * start),
            }
        ),
    )


def power(setting: Setting) -> CurveForm:
    """a x^p, 0 at x = 0: the q-exponential's limit of b without end."""
    last, level = 1.0 if setting.last is None else setting.last, _level("a", setting)

    def log(x: Floats) -> Floats:
        """log(x / last), 0 at x = 0, where the curve is 0 in any case."""
        return np.log(np.where(x > 0, x, last) / last)

    def unfit(x: Floats, y: Floats) -> str:
        return f"needs quantities of 0 or more; there is {x[0]:g}" if x[0] < 0 else ""

    return CurveForm(
        name="power",
        formula="a x^p",
        linear=(level,),
        nonlinear=("p",),
        bounds={level: (0.0, np.inf), "p": (0.0, np.inf)},
        basis=lambda x, theta: (np.exp(theta[..., :1] * log(x)) * (x > 0))[..., None],
        slopes=lambda x, theta: (log(x) * np.exp(theta[0] * log(x)) * (x > 0))[:, None, None],
        curve=lambda x, p: np.asarray(p[0] * np.where(x > 0, np.exp(p[1] * log(x)), 0.0)),
        grid=lambda x, y: (_rates(log(x[x > 0])),),
        scan=lambda x, y: (_falls(log(x[x > 0])),),
        unfit=unfit,
        positive=True,
        special=Special(
            lambda x, theta, c: {
                level: float(c[0]),
                "p": float(theta[0]),
                **_published("a", float(c[0]), -float(theta[0]) * float(np.log(last))),
            }
        ),
    )


def asymptotic(setting: Setting) -> CurveForm:
    """c0 + c1 u^c2, u = (x - q_w) / (q_m - x) on q_w <= x < q_m (003, section 3.1; our reading).

    ``c2`` is the scarcity parameter; c0, c1 and ``rise``, what c1 u^c2 is at the last point, in the
    unit of the prices. c0 is 0 or more unless a case says otherwise.
    """
    wind, end = setting.wind, setting.asymptote
    level = "c1" if setting.last is None else "rise"

    def unfit(x: Floats, y: Floats) -> str:
        if end is None:
            return "needs parameters.asymptote, the quantity that is never reached"
        if x[-1] >= end:
            return f"needs quantities below the asymptote {end:g}; there is {x[-1]:g}"
        if x[0] < wind:
            return f"starts at parameters.wind, {wind:g}; there is a quantity of {x[0]:g}"
        return ""

    def raw(x: Floats) -> Floats:
        """log u, NaN where u is 0."""
        above = np.where(x > wind, x - wind, np.nan)
        return np.asarray(np.log(above) - np.log((np.nan if end is None else end) - x))

    def log(x: Floats) -> Floats:
        """log(u / u_m), NaN where u is 0."""
        return raw(x) if setting.last is None else raw(x) - raw(np.array([setting.last]))

    def grown(x: Floats, c2: Any) -> Any:
        """(u / u_m)^c2, 0 where u is 0."""
        return np.where(x > wind, np.exp(c2 * np.nan_to_num(log(x))), 0.0)

    def basis(x: Floats, theta: Floats) -> Floats:
        rising = grown(x, theta[..., :1])
        return np.stack([np.ones_like(rising), rising], axis=-1)

    def slopes(x: Floats, theta: Floats) -> Floats:
        by_c2 = grown(x, theta[0]) * np.nan_to_num(log(x))
        return np.stack([np.zeros(len(x)), by_c2], axis=-1)[:, :, None]

    def curve(x: Floats, p: Complexes) -> Complexes:
        return np.asarray(p[0] + p[1] * grown(x, p[2]))

    def told(x: Floats, theta: Floats, c: Floats) -> dict[str, Any]:
        c2, by = float(theta[0]), float(raw(x[-1:])[0] - log(x[-1:])[0])
        published = _published("c1", float(c[1]), -c2 * by)
        return {
            "c0": float(c[0]),
            "c1": published["c1"],
            "c2": c2,
            **({} if level == "c1" else {"rise": float(c[1]), "log_c1": published["log_c1"]}),
            "q_w": wind,
            "q_m": end,
        }

    def reported(x: Floats, theta: Floats, c: Floats) -> Written:
        """As published, where doubles hold that at every point."""
        c1, most = told(x, theta, c)["c1"], float(np.abs(theta[0] * np.nan_to_num(raw(x))).max())
        if level == "c1" or c1 is None or not most < _HELD:
            return form.written(x, theta, c)
        published = asymptotic(replace(setting, last=None))
        return published.written(x, theta, np.array([c[0], c1]))

    form = CurveForm(
        name="asymptotic",
        formula="c0 + c1 ((x - q_w) / (q_m - x))^c2",
        linear=("c0", level),
        nonlinear=("c2",),
        bounds={"c0": (0.0, np.inf), level: (0.0, np.inf), "c2": (0.0, np.inf)},
        basis=basis,
        slopes=slopes,
        curve=curve,
        grid=lambda x, y: (_rates(log(x[x > wind])),),
        scan=lambda x, y: (_falls(log(x[x > wind])),),
        unfit=unfit,
        positive=True,
        # Without a bound c0 and c1 may leave for infinity as c2 goes to 0: c0 + c1 log u.
        wider=("c0",),
        special=Special(told, reported=reported),
        remark="q_w: wind, q_m: asymptote; our reading of 003",
    )
    return form


def _level(published: str, setting: Setting) -> str:
    return published if setting.last is None else "anchor_price"


def _published(name: str, level: float, by: float) -> dict[str, float | None]:
    """The published level exp(by) times that at the last point, with its logarithm; None where no
    double holds it to full precision."""
    if level <= 0:
        return {name: 0.0, f"log_{name}": None}
    log = float(np.log(level)) + by
    return {name: float(np.exp(log)) if abs(log) < 2 * _HELD else None, f"log_{name}": log}


def _rates(t: Floats) -> Floats:
    """Rates from a curve that all but stands still to one that rises at the last point alone."""
    t = np.unique(t)
    if len(t) < 2:
        return np.ones(1)
    span = float(t[-1] - t[0])
    steepest = _MOST * max((len(t) - 1) / span, 1.0 / float(t[-1] - t[-2]))
    return np.geomspace(_LEAST / span, steepest, _RATES)


def _falls(t: Floats) -> Floats:
    """Rates at which the curve falls by given parts from the last point to the first, to one in the
    middle, and to the last but one."""
    t = np.unique(t)
    places = {0, len(t) // 2, len(t) - 2} - {len(t) - 1, -1}
    return np.unique([_FALLS / (t[-1] - t[k]) for k in places]) if places else np.ones(1)
