"""The dispatch as formulations: integrated, cooperative, and the settlement after trades."""

from __future__ import annotations

import numpy as np

from optimodels.arrays import Ints
from optimodels.families.coalition.data import cost_unit
from optimodels.families.coalition.dispatch import (
    Dispatch,
    in_cvxpy,
    in_pyomo,
    least_shortage,
    tight_in_pyomo,
    vectors,
)
from optimodels.families.coalition.exact import exact
from optimodels.model import Formulation

#: Less than this goes unmet only by rounding, in the unit of flows.
_SEEN = 1e-6


def conflict(data: Dispatch) -> str | None:
    """Say which bus or group asks for more than its branches can bring.

    A branch brings its end y - r y^2 / 2, at most 1 / (2 r): where that proves it, it is the
    reason. Where only several branches together are too weak, it is what would have to go unmet.
    """
    wires = [data.public, data.private]
    start, end, r = (
        np.concatenate([getattr(b, name) for b in wires]) for name in ("start", "end", "resistance")
    )
    with np.errstate(divide="ignore"):
        most = np.where(r > 0, 1.0 / (2.0 * np.where(r > 0, r, 1.0)), np.inf)
    inner = ~np.isin(np.arange(data.buses), data.grid)
    said: list[str] = []
    for what, label in (("bus", np.arange(data.buses)), ("group", data.group)):
        sizes = np.bincount(label)
        for one in np.unique(label[inner]).tolist():
            inside = label == one
            if np.any(inside[data.grid]) or (what == "group" and sizes[one] == 1):
                continue
            wanted = -float(data.injection[inside].sum())
            crossing = inside[start] != inside[end]
            room = float(most[crossing].sum())
            if wanted > room:
                named = int(data.number[one]) if what == "bus" else one + 1
                lines = _lines(data.number, start[crossing], end[crossing])
                said.append(
                    f"{what} {named} needs {wanted * data.unit:.4g} pu; {lines} bring "
                    f"{room * data.unit:.4g} pu at the most"
                )
    if not said:
        return _unmet(data)
    more = f" (and {len(said) - 3} more)" if len(said) > 3 else ""
    return "; ".join(said[:3]) + more


def _unmet(data: Dispatch) -> str | None:
    short = least_shortage(data)
    if short is None or short.sum() <= _SEEN * data.unit:
        return None
    sizes = np.bincount(data.group)
    said: list[tuple[float, str]] = []
    for label in np.unique(data.group[short > _SEEN * data.unit]).tolist():
        inside = np.flatnonzero((data.group == label) & (short > _SEEN * data.unit))
        worst = inside[np.argsort(-short[inside])]
        shown = ", ".join(map(str, data.number[worst[:3]].tolist()))
        buses = f"bus{'' if len(worst) == 1 else 'es'} {shown}{', ...' if len(worst) > 3 else ''}"
        who = f"group {label + 1} ({buses})" if sizes[label] > 1 else buses
        said.append((float(short[inside].sum()), who))
    said.sort(reverse=True)
    parts = "; ".join(f"{amount:.4g} pu of {who}" for amount, who in said[:3])
    more = f"; {len(said) - 3} more" if len(said) > 3 else ""
    return f"the network cannot carry it: at least {short.sum():.4g} pu go unmet, {parts}{more}"


def _lines(number: Ints, start: Ints, end: Ints) -> str:
    pairs = [f"{i}-{j}" for i, j in zip(number[start], number[end], strict=True)]
    shown = ", ".join(pairs[:4]) + (", ..." if len(pairs) > 4 else "")
    return f"lines {shown}"


_GRID = (
    "Powers are in pu on 100 MVA or in a power of ten of it. Bus i generates g_i",
    "and needs d_i; a pu from the main grid costs pi (import_price) and brings",
    "sigma (export_price). Branches e are public, of resistance r_e, branches f",
    "private, of r_f; A and B (bus by branch) are 1 where they start and -1 where",
    "they end. At the grid's buses q_i = imported, x_i = exported, not below 0;",
    "where pi = sigma, q_i has either sign and x_i = 0. y_e = flow and h_f =",
    "private_flow in the middle of a branch, l_e = loss and k_f = private_loss,",
    "half at each end.",
    "",
)
_PRICED = ("As before, where surplus has no value: with a price on every loss.", "")
_COST = "sum_i (pi q_i - sigma x_i)"
_BALANCE = (
    "subject to  q_i - x_i + g_i - d_i =                              balance",
    "                (A y + |A| l / 2 + B h + |B| k / 2)_i",
    "            l_e >= r_e y_e^2,  k_f >= r_f h_f^2                   losses",
)
_SETTLED = (
    "subject to  q_i - x_i + p_i = (A y + |A| l / 2)_i                balance",
    "            l_e >= r_e y_e^2                                      losses",
)
_PHYSICS = (
    "            y_e = b_e (angle_i - angle_j), e from i to j         physics",
    "            angle = 0 at one bus of each part                  reference",
    "with        b_e = 1/r_e, or 1/x_e of the reactance (public_law)",
)
_LEFT = ("            p_i = g_i - d_i less what private trades take from bus i",)
_AXES = {
    "flow": ("branch",),
    "loss": ("lossy branch",),
    "private_flow": ("private branch",),
    "private_loss": ("private branch",),
    "imported": ("grid bus",),
    "exported": ("grid bus",),
    "angle": ("bus",),
    "balance": ("bus",),
    "physics": ("branch",),
    "reference": ("part",),
}
_SOURCE = "reconstructed: 004, four models"


def _unit(data: Dispatch) -> str:
    return cost_unit(data.unit)


def _formulation(kind: str, losses: str) -> Formulation[Dispatch]:
    """State a dispatch with losses in cones, with a price on them too, or as equalities."""
    cost, constraints = _COST, _CONSTRAINTS[kind]
    if losses == "mended":
        cost += " + pi / 100 (sum_e l_e + sum_f k_f)"
    if losses == "equality":
        constraints = tuple(line.replace(">= r", "=  r") for line in constraints)
    opening = _PRICED if losses == "mended" else _GRID
    equations = (*opening, f"minimise    {cost}", *constraints)
    if losses == "equality":
        return Formulation(
            name=f"{kind}-equality",
            problem_class="NONCONVEX",
            source=_SOURCE,
            unit=_unit,
            pyomo=tight_in_pyomo,
            equations=equations,
            axes=_AXES,
            conflict=conflict,
        )
    return Formulation(
        name=kind if losses == "cone" else f"{kind}-mended",
        problem_class="SOCP",
        source=f"{_SOURCE}; losses as cones: ours",
        unit=_unit,
        pyomo=in_pyomo,
        cvxpy=in_cvxpy,
        exact=None if kind == "integrated" else exact,
        equations=equations,
        axes=_AXES,
        conflict=conflict,
        vectors=vectors,
    )


_CONSTRAINTS = {
    "integrated": _BALANCE,
    "cooperative": (*_BALANCE, *_PHYSICS),
    "settlement": (*_SETTLED, *_PHYSICS, *_LEFT),
}

#: By name, and by whether losses are cones, equalities, or cones with a price on losses.
FORMULATIONS = {
    kind: {losses: _formulation(kind, losses) for losses in ("cone", "equality", "mended")}
    for kind in _CONSTRAINTS
}
