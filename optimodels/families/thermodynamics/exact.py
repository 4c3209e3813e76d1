"""The closed forms of the equilibrium: what the solvers are held to, and the solver ``exact``.

One function carries each entropy: its conjugate ``phi(y) = max_x (x y - psi(x))``, where psi is
what a machine loses at 2m/N = -x. At 1/tau = beta a system has

    U_i = -N_i e_i phi'(e_i beta),     -mu_i/tau = -mu_i(0)/tau + phi(e_i beta),     e = eps P.

Mobile machines with the entropy of mixing settle at N_i proportional to exp(phi(e_i beta)); that
leaves one unknown, beta, and a total value that falls with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimodels.arrays import Floats
from optimodels.families.thermodynamics.counting import binary_deficit, quadratic_deficit
from optimodels.families.thermodynamics.data import Contact


@dataclass(frozen=True)
class Law:
    """An entropy per machine: ``deficit`` psi(x), its conjugate ``phi``, ``slope`` phi'(y) and
    ``bend`` phi''(y)."""

    name: str
    deficit: Callable[[npt.ArrayLike], Floats]
    phi: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    bend: Callable[[Floats], Floats]


def _huber(y: Floats) -> Floats:
    return np.where(np.abs(y) <= 1, y * y / 2, np.abs(y) - 0.5)


def _log_cosh(y: Floats) -> Floats:
    size = np.abs(y)
    near = np.log1p(2 * np.sinh(np.minimum(size, 1.0) / 2) ** 2)
    found: Floats = np.where(size < 1, near, size + np.log1p(np.exp(-2 * size)) - math.log(2))
    return found


#: The paper's Gaussian; no system can hold more than all its machines in one mode.
QUADRATIC = Law(
    "quadratic",
    quadratic_deficit,
    _huber,
    lambda y: np.clip(y, -1.0, 1.0),
    lambda y: np.where(np.abs(y) <= 1, 1.0, 0.0),
)
#: The binary entropy: log cosh and tanh, as for spins in a field.
BINARY = Law(
    "exact",
    binary_deficit,
    _log_cosh,
    lambda y: np.tanh(y),
    lambda y: 1 / np.cosh(np.minimum(np.abs(y), 300.0)) ** 2,
)
LAWS = {law.name: law for law in (QUADRATIC, BINARY)}


@dataclass(frozen=True)
class Equilibrium:
    """``inverse_activity`` 1/tau, 1/EUR; ``machines`` (n,), ``value`` (n,) in EUR.

    ``lost`` entropy in nats below that at zero activity; ``potential`` the common
    -(mu - mu(0))/tau of mobile machines, nats per machine.
    """

    inverse_activity: float
    machines: Floats
    value: Floats
    lost: float
    potential: float


def equilibrium(contact: Contact, law: Law) -> Equilibrium:
    """Return the most probable configuration.

    000, (5), (10) and (13)-(15). The quadratic entropy of immobile machines has the closed form
    U_i = U a_i N_i / sum(a N) while no system is full; the other cases are a bracketed root.
    """
    beta = _inverse_activity(contact, law)
    machines, potential = _machines(contact, law, beta)
    e = contact.unit_value
    x = law.slope(e * beta)
    value = -machines * e * x
    lost = float(machines @ law.deficit(x))
    if contact.mixing:
        # log(n share) without its rounding errors, which N nats would multiply.
        lost += float(machines @ (law.phi(e * beta) - potential))
    return Equilibrium(beta, machines, value, lost, potential)


def dual_bound(contact: Contact, law: Law, beta: float) -> float:
    """Return what no entropy can exceed, in nats above that at zero activity: weak duality.

    Any beta gives a bound: U beta + sum_i N_i phi(e_i beta), with mobile machines N times the
    greatest phi, or with mixing N log of the mean of exp(phi).
    """
    gain = law.phi(contact.unit_value * beta)
    if not contact.mobile:
        most = float(contact.machines @ gain)
    elif contact.mixing:
        most = contact.total_machines * _log_mean_exp(gain)
    else:
        most = contact.total_machines * float(gain.max())
    return contact.total_value * beta + most


def _inverse_activity(contact: Contact, law: Law) -> float:
    from scipy.optimize import brentq

    u, e = contact.total_value, contact.unit_value
    if u == 0:
        return 0.0
    closed = -u / float(contact.weight.sum())
    if law is QUADRATIC and not contact.mobile and abs(closed) * float(e.max()) <= 1:
        return closed

    def short(beta: float) -> float:
        machines, _ = _machines(contact, law, beta)
        return float(machines @ (e * law.slope(e * beta))) - abs(u)

    # No entropy here is curved less than psi = x^2 / 2 with all machines in the dearest system.
    high = 1 / float(e.max())
    for _ in range(200):
        if short(high) >= 0:
            break
        high *= 2
    root = brentq(short, 0.0, high, xtol=1e-300, rtol=8.9e-16) if short(high) > 0 else high
    return math.copysign(float(root), -u)


def _machines(contact: Contact, law: Law, beta: float) -> tuple[Floats, float]:
    """Return the numbers of machines (n,) at 1/tau = beta and their common potential."""
    if not contact.mobile:
        return contact.machines, 0.0
    gain = law.phi(contact.unit_value * beta)
    if contact.mixing:
        weights = np.exp(gain - gain.max())
        return contact.total_machines * weights / weights.sum(), _log_mean_exp(gain)
    # Without mixing all machines go where the unit value is greatest, equals in proportion.
    best = contact.unit_value == contact.unit_value.max()
    held = np.where(best, contact.machines, 0.0)
    return contact.total_machines * held / held.sum(), float(gain.max())


def _log_mean_exp(gain: Floats) -> float:
    """log of the mean of exp(gain), exact for gains that are next to nothing as well."""
    top = float(gain.max())
    return top + math.log1p(float(np.expm1(gain - top).mean()))
