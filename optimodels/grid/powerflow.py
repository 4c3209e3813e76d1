"""AC power flow on a network's arrays, so that hundreds of them need no pandapower.

The matrices are pandapower's own; the iteration is Newton's on them. ``engine="pandapower"``
runs pandapower instead, and the tests hold the two against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import MatrixRankWarning, splu

from optimodels.arrays import Complexes, Floats, Ints
from optimodels.grid.network import Network

#: Newton ends at this mismatch, pu; pandapower's own default is 1e-8 MVA.
_TOLERANCE_PU = 1e-10
_MOST_ITERATIONS = 20
#: Up to this many nodes dense matrices are quicker than sparse ones.
_SMALL = 150


@dataclass(frozen=True)
class PowerFlow:
    """The state of a network: ``vm_pu``, ``va_deg`` (n,) by bus, NaN where it has no node.

    ``losses_kw`` in all branches and shunts; ``highest_loading_percent`` over branches with a
    rating, None where none has; ``mismatch_kw`` the largest deviation of active or reactive
    power at a node whose power is given, recomputed from the voltages.
    """

    vm_pu: Floats
    va_deg: Floats
    losses_kw: float
    highest_loading_percent: float | None
    iterations: int
    converged: bool
    mismatch_kw: float


@dataclass(frozen=True)
class _Matrices:
    y: sparse.csr_array
    dense: Complexes
    dc: sparse.csr_array
    dc_shift: Floats
    free_angle: Ints
    free_magnitude: Ints


def solve_power_flow(
    network: Network,
    load_kw: npt.ArrayLike,
    load_kvar: npt.ArrayLike,
    engine: Literal["newton", "pandapower"] = "newton",
) -> PowerFlow:
    """Solve the AC power flow with these loads by bus (n,) in place of the network's own.

    Generators keep their dispatch and voltage, without limits on reactive power; the slack
    covers the rest. A flow that does not converge is said in the answer, not raised.
    """
    load = (np.asarray(load_kw, dtype=float) + 1j * np.asarray(load_kvar, dtype=float)) / 1000.0
    power = network.node_power.copy()
    served = network.node >= 0
    np.subtract.at(power, network.node[served], load[served])
    power = power / network.base_mva
    matrices = _matrices(_Key(network))
    start = (network.node_vm * np.exp(1j * np.deg2rad(network.node_va))).astype(np.complex128)
    if engine == "pandapower":
        from optimodels.grid.reference import pandapower_voltages

        found = pandapower_voltages(network, np.real(load), np.imag(load))
        voltage, steps, solved = found
    else:
        voltage, steps, solved = _newton(matrices, power, start)
    return _state(network, matrices, power, voltage, steps, solved)


def _newton(matrices: _Matrices, power: Complexes, start: Complexes) -> tuple[Complexes, int, bool]:
    """Newton's method in polar coordinates from set voltages and the DC solution's angles."""
    y, a, m = matrices.y, matrices.free_angle, matrices.free_magnitude
    magnitude, angle = np.abs(start), _first_angles(matrices, power, start)
    for step in range(_MOST_ITERATIONS + 1):
        voltage = magnitude * np.exp(1j * angle)
        current = y @ voltage
        wrong = voltage * np.conj(current) - power
        rest = np.concatenate([wrong.real[a], wrong.imag[m]])
        if not np.all(np.isfinite(rest)):
            return voltage, step, False
        if not len(rest) or np.abs(rest).max() < _TOLERANCE_PU:
            return voltage, step, True
        if step == _MOST_ITERATIONS:
            break
        slopes = _small_slopes if len(voltage) <= _SMALL else _large_slopes
        change = _solve(slopes(matrices, voltage, current), rest)
        if change is None:
            return voltage, step, False
        angle[a] -= change[: len(a)]
        magnitude[m] -= change[len(a) :]
    return voltage, _MOST_ITERATIONS, False


def _small_slopes(matrices: _Matrices, voltage: Complexes, current: Complexes) -> Floats:
    """The Jacobian of the mismatch by free angles and magnitudes, dense: quicker when small."""
    a, m = matrices.free_angle, matrices.free_magnitude
    unit = voltage / np.abs(voltage)
    by_angle = -1j * voltage[:, None] * np.conj(matrices.dense * voltage)
    by_magnitude = voltage[:, None] * np.conj(matrices.dense * unit)
    loop = np.arange(len(voltage))
    by_angle[loop, loop] += 1j * voltage * np.conj(current)
    by_magnitude[loop, loop] += np.conj(current) * unit
    top = [by_angle.real[np.ix_(a, a)], by_magnitude.real[np.ix_(a, m)]]
    bottom = [by_angle.imag[np.ix_(m, a)], by_magnitude.imag[np.ix_(m, m)]]
    return np.block([top, bottom])


def _large_slopes(matrices: _Matrices, voltage: Complexes, current: Complexes) -> Any:
    """The same, sparse."""
    y, a, m = matrices.y, matrices.free_angle, matrices.free_magnitude
    v, unit = sparse.diags_array(voltage), sparse.diags_array(voltage / np.abs(voltage))
    conjugate = sparse.diags_array(np.conj(current))
    by_angle = sparse.csr_array(1j * v @ (conjugate - (y @ v).conj()))
    by_magnitude = sparse.csr_array(v @ (y @ unit).conj() + conjugate @ unit)
    return sparse.block_array(
        [
            [by_angle.real[a][:, a], by_magnitude.real[a][:, m]],
            [by_angle.imag[m][:, a], by_magnitude.imag[m][:, m]],
        ],
        format="csc",
    )


def _first_angles(matrices: _Matrices, power: Complexes, start: Complexes) -> Floats:
    """The DC power flow's angles: vector groups of transformers turn them by up to 180 degrees,
    and from flat ones Newton's method would diverge."""
    a, angle = matrices.free_angle, np.angle(start)
    right = power.real + matrices.dc_shift - matrices.dc @ angle
    found = _solve(sparse.csc_array(matrices.dc[a][:, a]), right[a])
    if found is not None:
        angle[a] += found
    return angle


def _solve(matrix: Any, right: Floats) -> Floats | None:
    if not len(right):
        return right
    try:
        dense = isinstance(matrix, np.ndarray)
        solution: Any = np.linalg.solve(matrix, right) if dense else splu(matrix).solve(right)
    except (RuntimeError, MatrixRankWarning, np.linalg.LinAlgError):
        return None
    return solution if np.all(np.isfinite(solution)) else None


def _state(
    network: Network,
    matrices: _Matrices,
    power: Complexes,
    voltage: Complexes,
    steps: int,
    solved: bool,
) -> PowerFlow:
    base_kw = network.base_mva * 1000.0
    current: Complexes = np.asarray(matrices.y @ voltage)
    injected = voltage * np.conj(current)
    wrong = injected - power
    rest = np.concatenate([wrong.real[matrices.free_angle], wrong.imag[matrices.free_magnitude]])
    ends = np.stack([network.node[network.branch_from], network.node[network.branch_to]])
    start, end = voltage[ends[0]], voltage[ends[1]]
    yff, yft, ytf, ytt = network.branch_y.T
    leaving, arriving = yff * start + yft * end, ytf * start + ytt * end
    currents = np.maximum(np.abs(leaving), np.abs(arriving))
    # Branch by branch, where nothing flows nothing is lost; a sum of what all nodes take is not 0.
    lost = (start * np.conj(leaving) + end * np.conj(arriving)).real
    shunts = np.abs(voltage) ** 2 * network.node_shunt.real
    rated = np.isfinite(network.branch_rating_mva)
    loading = currents[rated] * network.base_mva / network.branch_rating_mva[rated]
    shown = network.node >= 0
    buses = np.full(len(network.node), np.nan + 0j)
    buses[shown] = voltage[network.node[shown]]
    magnitude = np.where(shown, np.abs(buses), np.nan)
    return PowerFlow(
        vm_pu=magnitude,
        va_deg=np.where(shown, np.rad2deg(np.angle(buses)), np.nan),
        losses_kw=float(lost.sum() + shunts.sum()) * base_kw,
        highest_loading_percent=float(loading.max()) * 100.0 if rated.any() else None,
        iterations=steps,
        converged=solved,
        mismatch_kw=float(np.abs(rest).max()) * base_kw if len(rest) else 0.0,
    )


class _Key:
    """A network by identity: arrays have no hash, and one network is flowed hundreds of times."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def __hash__(self) -> int:
        return id(self.network)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.network is self.network


@lru_cache(maxsize=8)
def _matrices(key: _Key) -> _Matrices:
    network = key.network
    k = len(network.node_kind)
    start, end = network.node[network.branch_from], network.node[network.branch_to]
    yff, yft, ytf, ytt = network.branch_y.T
    loop = np.arange(k)
    values = np.concatenate([yff, yft, ytf, ytt, network.node_shunt])
    rows = np.concatenate([start, start, end, end, loop])
    columns = np.concatenate([start, end, start, end, loop])
    reactance = np.where(network.branch_x_pu == 0, 1e-6, network.branch_x_pu)
    b = 1.0 / (reactance * network.branch_ratio)
    turned = b * np.deg2rad(network.branch_shift_deg)
    shift = np.zeros(k)
    np.add.at(shift, start, turned)
    np.subtract.at(shift, end, turned)
    pairs = np.concatenate([start, end, start, end]), np.concatenate([start, end, end, start])
    dc = sparse.coo_array((np.concatenate([b, b, -b, -b]), pairs), shape=(k, k)).tocsr()
    y = sparse.coo_array((values, (rows, columns)), shape=(k, k)).tocsr()
    return _Matrices(
        y=y,
        dense=y.toarray() if k <= _SMALL else np.zeros((0, 0), dtype=complex),
        dc=dc,
        dc_shift=shift,
        free_angle=np.flatnonzero(network.node_kind != 3),
        free_magnitude=np.flatnonzero(network.node_kind == 1),
    )
