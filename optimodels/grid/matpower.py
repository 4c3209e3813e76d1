"""MATPOWER cases (.m, .mat) as pandapower networks with the same power flow.

pandapower's own converter loses what MATPOWER's branch model has and its tables have not: the
status of branches that join two voltages, the sign of a transformer's charging, taps on the
lower side. It is therefore given buses, generators and plain lines alone; transformers are made
here. What would come out different is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.grid.matpower_file import read_case, refusal

#: pandapower's converter's stand-in for a rating of 0, which in MATPOWER means none.
_UNLIMITED_MVA = 99_999.0


def read_matpower(path: Path) -> Any:
    """Return the pandapower network of a MATPOWER case; raises DataError where it cannot.

    Buses keep the file's numbers. Branches and generators out of service, or at isolated buses,
    are left out, as MATPOWER does before it solves.
    """
    case = read_case(path)
    bus, gen, branch = case["bus"], case["gen"], case["branch"]
    _check_buses(bus, gen, branch)
    alive = bus[bus[:, 1] != 4, 0]
    gen = gen[(gen[:, 7] > 0) & np.isin(gen[:, 0], alive)]
    served = (branch[:, 10] != 0) & np.isin(branch[:, :2], alive).all(axis=1)
    _check_service(bus, gen, branch, served, case.get("dcline"))
    # Of generators at one bus the last sets the voltage; pandapower's converter takes the first.
    setting = dict(zip(gen[:, 0], gen[:, 5], strict=True))
    gen[:, 5] = [setting[number] for number in gen[:, 0]]
    return _build(case, gen, branch[served])


def _build(case: dict[str, Any], gen: Floats, branch: Floats) -> Any:
    from pandapower.converter.pypower.from_ppc import from_ppc

    branch[branch[:, 8] == 0, 8] = 1.0
    numbers = case["bus"][:, 0].tolist()
    kv = dict(zip(numbers, case["bus"][:, 9], strict=True))
    ends = np.array([[kv[f], kv[t]] for f, t in branch[:, :2]]).reshape(-1, 2)
    plain = (ends[:, 0] == ends[:, 1]) & (branch[:, 8] == 1) & (branch[:, 9] == 0)
    parts = {"baseMVA": case["baseMVA"], "bus": case["bus"], "gen": gen, "branch": branch[plain]}
    if len(case.get("bus_name", ())) == len(numbers):
        parts["bus_name"] = np.array(case["bus_name"], dtype=object)
    net = from_ppc(parts)
    if not plain.all():
        _add_transformers(net, branch[~plain], ends[~plain])
    return net


def _add_transformers(net: Any, branch: Floats, kv: Floats) -> None:
    """Add transformers: series impedance and tap in themselves, charging as shunts.

    In pandapower's equivalent circuit a transformer's shunt branch is inductive. MATPOWER's two
    halves of the charging, the first behind the ratio, are admittances at the two buses.
    """
    import pandapower

    start, end = branch[:, 0].astype(np.int64), branch[:, 1].astype(np.int64)
    r, x, b, ratio, shift = branch[:, [2, 3, 4, 8, 9]].T
    high = kv[:, 0] >= kv[:, 1]
    rated = np.where(branch[:, 5] == 0, _UNLIMITED_MVA, branch[:, 5])
    percent = 100.0 * rated / net.sn_mva
    pandapower.create_transformers_from_parameters(
        net,
        hv_buses=np.where(high, start, end),
        lv_buses=np.where(high, end, start),
        sn_mva=rated,
        vn_hv_kv=kv.max(axis=1),
        vn_lv_kv=kv.min(axis=1),
        vk_percent=np.where(x < 0, -1.0, 1.0) * np.hypot(r, x) * percent,
        vkr_percent=r * percent,
        pfe_kw=0.0,
        i0_percent=0.0,
        # The tap and the shift are at the branch's first bus, whichever voltage that has.
        shift_degree=np.where(high, shift, -shift),
        tap_side=np.where(high, "hv", "lv"),
        tap_changer_type="Ratio",
        tap_neutral=0,
        tap_pos=np.sign(ratio - 1.0),
        tap_step_percent=np.abs(ratio - 1.0) * 100.0,
    )
    charged = b != 0
    half = -b[charged] / 2.0 * net.sn_mva
    for buses, own, mvar in (
        (start, kv[:, 0], half / ratio[charged] ** 2),
        (end, kv[:, 1], half),
    ):
        pandapower.create_shunts(net, buses[charged], q_mvar=mvar, vn_kv=own[charged])


def _check_buses(bus: Floats, gen: Floats, branch: Floats) -> None:
    numbers = bus[:, 0]
    known, count = np.unique(numbers, return_counts=True)
    for number in known[count > 1]:
        raise refusal(f"bus {number:.15g} is there twice")
    for number, kind, kv in bus[:, [0, 1, 9]]:
        if number < 1 or number % 1 or kind not in (1, 2, 3, 4):
            raise refusal(
                f"bus {number:.15g} of type {kind:g}: numbers are 1, 2, ..., types 1 to 4"
            )
        if kv <= 0:
            raise refusal(f"bus {number:.15g} has no base voltage, so that no line has its ohms")
    for name, table, columns in (("generator", gen, 1), ("branch", branch, 2)):
        for row, ends in enumerate(table[:, :columns], 1):
            for number in ends[~np.isin(ends, numbers)]:
                raise refusal(f"{name} {row} is at bus {number:.15g}, which the case does not have")


def _check_service(bus: Floats, gen: Floats, branch: Floats, served: Any, dc: Any) -> None:
    """Refuse what is in service and has no counterpart."""
    for row in np.flatnonzero(served):
        f, t, r, x, *_, rated, _, _, ratio = branch[row, :9]
        name = f"branch {row + 1} from bus {f:.15g} to {t:.15g}"
        if r == 0 and x == 0:
            raise refusal(f"{name} has no impedance; MATPOWER cannot solve it, nor can it be kept")
        if ratio < 0 or rated < 0:
            raise refusal(f"{name} has a negative ratio or rating")
    if not np.isin(bus[bus[:, 1] == 3, 0], gen[:, 0]).any():
        raise refusal("no reference bus (type 3) has a generator in service")
    for row in np.flatnonzero(dc[:, 2] > 0) if dc is not None else ():
        raise refusal(f"DC line {row + 1} is in service; DC lines cannot be carried over")
