"""What the network says: an AC power flow of every step, as scheduled and as flexed."""

from __future__ import annotations

from typing import Literal

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.flexibility.data import FlexibilityData
from optimodels.model import Outcome
from optimodels.result import Check, Row

#: With ``power_flow: auto`` larger networks are left out: hundreds of flows would outlast the LP.
AUTO_BUSES = 500

EQUATIONS = (
    "At every bus k, for both loads of every step, with voltages v in the complex",
    "plane and the network's admittances Y:",
    "    v_k conj(sum_j Y_kj v_j) = -(p_k + i q_k)          checked at every bus",
    "before: loads of the network by the profile load, P(t) over their sum;",
    "after: those of bus b also by 1 - m_b(t); reactive power follows     chosen",
    "generators feed what the network says, the same in every step       chosen",
    "voltages in pu, losses in kW, loading in percent of a line's or a",
    f"transformer's limit; power_flow: auto leaves out more than {AUTO_BUSES} buses  ours",
)


def asked(data: FlexibilityData) -> bool:
    """Whether power flows are wanted of a network of this size."""
    wanted = data.parameters.power_flow
    return wanted != "auto" or len(data.network.load_kw) <= AUTO_BUSES


def power_flows(data: FlexibilityData, magnetisation: Floats | Ints) -> Outcome:
    """Solve the power flow of every step before and after; ``magnetisation`` (B, T) or (B,).

    Reactive power follows active power (constant power factor). The check is the mismatch of
    power at every bus, recomputed from the voltages found; with a step that has none found, what
    the table says of the horizon is unverified.
    """
    engine = data.parameters.power_flow
    if engine == "auto":
        engine = "newton"
    # SciPy must not be loaded before Pyomo is: see solvers.prepare.
    from optimodels.grid.limits import limits_broken
    from optimodels.grid.powerflow import PowerFlow, solve_power_flow

    m = np.asarray(magnetisation, dtype=float)
    m = np.repeat(m[:, None], len(data.price), axis=1) if m.ndim == 1 else m
    base_kw, base_kvar = data.network.load_kw, data.network.load_kvar
    level = data.power_kw / float(data.load_kw.sum())
    rows: list[Row] = []
    flows: dict[str, list[PowerFlow]] = {"before": [], "after": []}
    mismatch, unsolved = 0.0, 0
    for t, scale in enumerate(level):
        row: Row = {"step": t + 1}
        for when in ("before", "after"):
            factor = np.full(len(base_kw), scale)
            if when == "after":
                factor[data.buses] *= 1.0 - m[:, t]
            flow = solve_power_flow(data.network, base_kw * factor, base_kvar * factor, engine)
            if flow.converged:
                mismatch = max(mismatch, flow.mismatch_kw)
                lowest_pu = float(np.nanmin(flow.vm_pu))
                found = (lowest_pu, flow.losses_kw, flow.highest_loading_percent)
                row |= dict(zip(_columns(when), found, strict=True))
            else:
                unsolved += 1
                row |= dict.fromkeys(_columns(when))
            flows[when].append(flow)
        rows.append(row)
    scale_kw = max(1.0, float(np.abs(data.power_kw).max()))
    known = Check.of("power mismatch", mismatch / scale_kw, 1e-6)
    checks = (known, Check.of("power flows without a solution that was found", unsolved, 0))
    arrays = {f"voltage_{when}": np.array([f.vm_pu for f in of]) for when, of in flows.items()}
    remarks = [
        *limits_broken(data.network, flows["before"], "as scheduled"),
        *limits_broken(data.network, flows["after"], "as flexed"),
    ]
    values = _extremes(rows) | ({"unsolved_power_flows": unsolved} if unsolved else {})
    # Of a flow that Newton's method does not find nothing is known, not even that there is none.
    failed: Literal["refuted", "unverified"] = "unverified" if known.passed else "refuted"
    return Outcome(
        "balance", checks, arrays | {"rows": rows, "remarks": remarks}, values, failed=failed
    )


def _columns(when: str) -> tuple[str, str, str]:
    return f"lowest_voltage_{when}_pu", f"losses_{when}_kw", f"highest_loading_{when}_percent"


def _extremes(rows: list[Row]) -> dict[str, float]:
    values: dict[str, float] = {}
    for when in ("before", "after"):
        voltages = [v for row in rows if (v := row[f"lowest_voltage_{when}_pu"]) is not None]
        losses = [v for row in rows if (v := row[f"losses_{when}_kw"]) is not None]
        if voltages:
            values[f"lowest_voltage_{when}_pu"] = min(voltages)
            values[f"highest_losses_{when}_kw"] = max(losses)
    return values
