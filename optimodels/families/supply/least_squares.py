"""Least squares of a curve that is linear in some parameters: variable projection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimodels.families.supply.curves import CurveForm
from optimodels.families.supply.data import Floats

#: Points of the scan that are followed to the end.
_STARTS = 4
#: The optimum lies at a limit if it is no worse there by more than this part.
_NO_WORSE = 1e-10
#: The first step, as a part of theta: a longer one may leave for a limit and never return.
_FIRST = 0.1
_EPS = 1e-15
#: Residuals of this part of the curve are rounding errors.
_ROUNDING = 1e-14


@dataclass(frozen=True)
class Fit:
    """The best curve found: ``theta`` (K,), ``linear`` (L,), its values (m,) and ``objective``,
    the sum of squares. ``at_limit`` names the theta that lie at a limit."""

    form: CurveForm
    theta: Floats
    linear: Floats
    values: Floats
    objective: float
    at_limit: tuple[str, ...]


def fit(form: CurveForm, x: Floats, y: Floats) -> Fit:
    """Minimise the sum of squares of a form over points x (m,), y (m,).

    The linear parameters are eliminated (Golub and Pereyra 1973, with Kaufman's gradient); what
    is left is scanned on the form's grid, and its best points are followed by Levenberg and
    Marquardt's steps. Limits of the form's parameters are tried last.
    """
    found = [polish(form, x, y, start) for start in starts(form, x, y)]
    best = min(found, key=lambda one: one.objective)
    for k, limit in enumerate(form.limits):
        if limit is not None:
            start = best.theta.copy()
            start[k] = limit
            edge = polish(form, x, y, start, fixed=(k,))
            if edge.objective <= best.objective * (1.0 + _NO_WORSE) + _ROUNDING**2 * float(y @ y):
                best = edge
    return best


def polish(
    form: CurveForm, x: Floats, y: Floats, start: Floats, fixed: tuple[int, ...] = ()
) -> Fit:
    """Follow a start to the nearest local optimum; theta in ``fixed`` stay where they start."""
    from scipy.optimize import leastsq

    scale = float(np.linalg.norm(y))
    free = [k for k in range(len(start)) if k not in fixed]

    def theta_of(some: Floats) -> Floats:
        theta = start.copy()
        theta[free] = some
        return theta

    def residual(some: Floats) -> Floats:
        phi = form.basis(x, theta_of(some))
        left = (phi @ _linear(form, phi, y) - y) / scale
        # Where the curve overflows it is no fit.
        return np.asarray(left if np.isfinite(left).all() else np.ones(len(x)))

    def jacobian(some: Floats) -> Floats:
        theta = theta_of(some)
        phi = form.basis(x, theta)
        c = _linear(form, phi, y)
        moved = np.einsum("mlk,l->mk", form.slopes(x, theta)[:, :, free], c)
        used = phi[:, c != 0]
        q = used / np.linalg.norm(used) if used.shape[1] == 1 else np.linalg.qr(used)[0]
        return np.asarray((moved - q @ (q.T @ moved)) / scale)

    if free:
        # MINPACK's Levenberg-Marquardt: full output, as it would print its opinions otherwise.
        with np.errstate(all="ignore"):
            found = leastsq(
                residual, start[free], Dfun=jacobian, full_output=True,
                ftol=_EPS, xtol=_EPS, gtol=0.0, factor=_FIRST,
            )  # fmt: skip
        start = theta_of(found[0])
    phi = form.basis(x, start)
    c = _linear(form, phi, y)
    values = phi @ c
    at_limit = tuple(form.nonlinear[k] for k in fixed)
    return Fit(form, start, c, values, float(np.sum((values - y) ** 2)), at_limit)


def _linear(form: CurveForm, phi: Floats, y: Floats) -> Floats:
    """The best linear parameters (L,) for a basis (m, L)."""
    if phi.shape[1] == 1:
        best = float(phi[:, 0] @ y) / float(phi[:, 0] @ phi[:, 0])
        return np.array([max(0.0, best) if form.positive else best])
    if form.positive:
        from scipy.optimize import nnls

        return np.asarray(nnls(phi, y)[0])
    return np.asarray(np.linalg.lstsq(phi, y, rcond=None)[0])


def starts(form: CurveForm, x: Floats, y: Floats) -> list[Floats]:
    """Return the best point of each part of the grid by its first axis: starts of one part alone
    may all lead to a limit."""
    axes = form.grid(x, y)
    theta = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(
        len(axes[0]), -1, len(axes)
    )
    worth = np.array([_explained(form.basis(x, row), y) for row in theta])
    best, profile = worth.argmax(axis=1), worth.max(axis=1)
    parts = np.array_split(np.arange(len(profile)), _STARTS)
    chosen = [int(part[np.argmax(profile[part])]) for part in parts]
    return [theta[i, best[i]] for i in chosen]


def _explained(phi: Floats, y: Floats) -> Floats:
    """What bases (T, m, L) explain of y'y, (T,): enough to rank starts by."""
    if phi.shape[2] == 1:
        one = phi[:, :, 0]
        return np.asarray((one @ y) ** 2 / np.einsum("tm,tm->t", one, one))
    gram = np.einsum("tml,tmk->tlk", phi, phi)
    gram += 1e-13 * np.trace(gram, axis1=1, axis2=2)[:, None, None] * np.eye(phi.shape[2])
    seen = np.einsum("tml,m->tl", phi, y)
    return np.asarray(np.einsum("tl,tl->t", seen, np.linalg.solve(gram, seen[..., None])[..., 0]))
