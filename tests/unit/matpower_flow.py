"""MATPOWER cases on their own: written as .m or .mat, and solved without any of the package.

The equations are those of MATPOWER's manual, chapters 3 and 4, on the file's own arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.io import savemat

from optimodels.arrays import Complexes

Case = Mapping[str, Any]


def write_m(path: Path, case: Case, after: str = "") -> Path:
    """Write the tables as MATPOWER's savecase does, statements of one's own ``after`` them."""
    text = [f"function mpc = {path.stem}", "mpc.version = '2';"]
    text.append(f"mpc.baseMVA = {float(case['baseMVA'])!r};")
    for name, table in case.items():
        if name != "baseMVA":
            rows = ("\t" + "\t".join(repr(float(v)) for v in row) + ";" for row in table)
            text += [f"\n%% {name} data", f"mpc.{name} = [", *rows, "];"]
    path.write_text("\n".join([*text, after, ""]))
    return path


def write_mat(path: Path, case: Case) -> Path:
    savemat(path, {"mpc": {"version": "2", **case}})
    return path


def voltages(case: Case) -> Complexes:
    """Solve the AC power flow by Newton's method from the file's own voltages.

    Returns a complex voltage by row of ``bus``, NaN at isolated ones.
    """
    base, bus = float(case["baseMVA"]), case["bus"]
    row = {int(number): i for i, number in enumerate(bus[:, 0])}
    kind, alive = bus[:, 1].astype(int), bus[:, 1] != 4
    power = -(bus[:, 2] + 1j * bus[:, 3]) / base
    voltage = bus[:, 7] * np.exp(1j * np.deg2rad(bus[:, 8]))
    held = np.zeros(len(bus), dtype=bool)
    for g in case["gen"]:
        i = row[int(g[0])]
        if g[7] > 0 and alive[i]:
            held[i] = True
            power[i] += (g[1] + 1j * g[2]) / base
            voltage[i] *= g[5] / abs(voltage[i]) if kind[i] > 1 else 1.0
    angle = np.flatnonzero(alive & ~(held & (kind == 3)))
    size = np.flatnonzero(alive & ~(held & (kind > 1)))
    y = _admittances(case, row, alive)
    for _ in range(30):
        current = y @ voltage
        wrong = voltage * np.conj(current) - power
        rest = np.concatenate([wrong.real[angle], wrong.imag[size]])
        if not len(rest) or np.abs(rest).max() < 1e-11:
            return np.where(alive, voltage, np.nan)
        unit = voltage / np.abs(voltage)
        by_angle = 1j * voltage[:, None] * np.conj(np.diag(current) - y * voltage)
        by_size = voltage[:, None] * np.conj(y * unit) + np.diag(np.conj(current) * unit)
        top = [by_angle.real[np.ix_(angle, angle)], by_size.real[np.ix_(angle, size)]]
        bottom = [by_angle.imag[np.ix_(size, angle)], by_size.imag[np.ix_(size, size)]]
        change = np.linalg.solve(np.block([top, bottom]), rest)
        turned, sizes = np.angle(voltage), np.abs(voltage)
        turned[angle] -= change[: len(angle)]
        sizes[size] -= change[len(angle) :]
        voltage = sizes * np.exp(1j * turned)
    raise AssertionError("the case has no power flow")


def _admittances(case: Case, row: Mapping[int, int], alive: npt.NDArray[np.bool_]) -> Complexes:
    """The bus admittance matrix, by the manual's equations 3.2 and 3.7."""
    bus = case["bus"]
    y = np.diag((bus[:, 4] + 1j * bus[:, 5]) / float(case["baseMVA"]))
    for f, t, r, x, b, *_, ratio, shift, status in case["branch"][:, :11]:
        ends = [row[int(f)], row[int(t)]]
        if not status or not alive[ends].all():
            continue
        series, half = 1 / (r + 1j * x), 1j * b / 2
        tap = (ratio or 1.0) * np.exp(1j * np.deg2rad(shift))
        first = [(series + half) / abs(tap) ** 2, -series / np.conj(tap)]
        y[np.ix_(ends, ends)] += np.array([first, [-series / tap, series + half]])
    return y
