"""Eigenvalues of the continuous system, how they are damped, and which states they live in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Complexes, Floats

#: States that take part in a mode at least so much, of the one that does most, give it its name.
_TAKES_PART = 0.5
#: Eigenvalues nearer than this part of their size are one: its eigenvectors may be any of a space,
#: and processors differ in which. What states take part in together is the space's own.
_SAME = 1e-6
#: Parts that differ by less are equal; the first state goes first.
_EQUAL_PARTS = 6


@dataclass(frozen=True)
class Modes:
    """Eigenvalues (n,) of A by falling real part; ``damping`` (n,) is -Re / |.|.

    ``names`` says of each which states take part most, the same of all that are equal. ``error``
    bounds how far rounding may have moved the eigenvalues: the residual of A V = V diag(values),
    by the condition of V.
    """

    values: Complexes
    damping: Floats
    names: tuple[str, ...]
    error: float

    @property
    def largest(self) -> float:
        return float(self.values[0].real)

    @property
    def stable(self) -> bool | None:
        """Whether all die away; None where rounding does not let it be told."""
        return None if abs(self.largest) <= self.error else self.largest < 0

    @property
    def margin(self) -> float:
        """The least damping of any mode."""
        return float(self.damping.min())


def modes(a: Floats, names: tuple[str, ...]) -> Modes:
    """Return the modes; a state's part in one is that of the projection onto its eigenspace.

    For a simple eigenvalue that is |left x right| of its eigenvectors.
    """
    values, right = np.linalg.eig(a)
    left = np.linalg.pinv(right)
    size = np.abs(values)
    same = np.abs(values[:, None] - values) <= _SAME * np.maximum(size[:, None], size)
    part = np.abs(same @ (right.T * left))
    order = np.lexsort((-values.imag, -values.real))
    damping = np.where(size > 0, -values.real / np.where(size > 0, size, 1.0), 0.0)
    values = np.where(np.abs(values.imag) > 1e-9 * size, values, values.real)
    residual = np.linalg.norm(a @ right - right * values, 2)
    error = float(residual * np.linalg.norm(left, 2))
    return Modes(values[order], damping[order], tuple(_name(part[k], names) for k in order), error)


def _name(part: Floats, names: tuple[str, ...]) -> str:
    most = np.argsort(-part.round(_EQUAL_PARTS), kind="stable")[:2]
    kept = [names[most[0]]]
    if len(most) > 1 and part[most[1]] >= _TAKES_PART * part[most[0]]:
        kept.append(names[most[1]])
    return " and ".join(kept)
