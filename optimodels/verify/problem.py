"""A form as the minimisation that is verified: its convex parts recognised, its cones stacked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.form import Cone, Form, QuadraticRow
from optimodels.verify.cones import Cones
from optimodels.verify.convexity import as_convex, positive_semidefinite
from optimodels.verify.tolerances import PROPOSAL_NONZEROS


@dataclass(frozen=True)
class Problem:
    """Minimise ``sign * objective`` of a form; everything is built when it is first asked for."""

    form: Form

    @cached_property
    def linear(self) -> Floats:
        return self.form.sign * self.form.linear

    @cached_property
    def quadratic(self) -> sparse.csr_array | None:
        if self.form.quadratic is None or self.form.quadratic.nnz == 0:
            return None
        return sparse.csr_array(self.form.sign * self.form.quadratic)

    @property
    def constant(self) -> float:
        return self.form.sign * self.form.constant

    @cached_property
    def own_cones(self) -> Cones:
        """The form's own cones, against which points are tested."""
        return Cones.of(self.form.cones, len(self.form.linear))

    @cached_property
    def _readings(self) -> tuple[QuadraticRow | Cone | None, ...]:
        return tuple(as_convex(self.form, row) for row in self.form.quadratic_rows)

    @cached_property
    def cones(self) -> Cones:
        """The form's cones, and behind them the quadratic rows that are rotated cones."""
        rotated = tuple(r for r in self._readings if isinstance(r, Cone))
        if not rotated:
            return self.own_cones
        return Cones.of((*self.form.cones, *rotated), len(self.form.linear))

    @cached_property
    def quadratic_rows(self) -> tuple[QuadraticRow, ...]:
        """The quadratic rows that are no cones; convex on their side where ``convex`` holds."""
        pairs = zip(self.form.quadratic_rows, self._readings, strict=True)
        return tuple(row for row, reading in pairs if not isinstance(reading, Cone))

    @cached_property
    def bent(self) -> str:
        """What is not proven convex, in words; empty where all of the problem is."""
        if self.form.is_nonlinear:
            return "it has parts beyond quadratics"
        if self.quadratic is not None and not positive_semidefinite(self.quadratic):
            return "the objective is not convex"
        for row, reading in zip(self.form.quadratic_rows, self._readings, strict=True):
            if reading is None:
                return f"quadratic row {row.name} is not convex"
        return ""

    @property
    def convex(self) -> bool:
        """Whether the problem without integrality is proven convex."""
        return not self.bent

    @property
    def flat(self) -> bool:
        """Whether all of it is linear but for integrality."""
        curved = self.form.cones or self.form.quadratic_rows or self.form.is_nonlinear
        return self.quadratic is None and not curved

    @property
    def rounded(self) -> bool:
        """Whether cones or quadratic rows bound it."""
        return bool(self.form.cones or self.form.quadratic_rows)

    @cached_property
    def nonzeros(self) -> int:
        nonzeros = self.form.rows.nnz + len(self.form.linear) + self.cones.matrix.nnz
        return int(nonzeros + sum(row.matrix.nnz + len(row.linear) for row in self.quadratic_rows))

    @property
    def proposable(self) -> bool:
        """Whether it is small enough for an LP of our own."""
        return self.nonzeros <= PROPOSAL_NONZEROS

    def gradient(self, x: Floats) -> Floats:
        return self.linear if self.quadratic is None else self.linear + self.quadratic @ x

    def value(self, x: Floats) -> float:
        return self.form.sign * self.form.objective(x)

    def relaxed(self) -> Problem:
        """The same without integrality; what is known of convexity is kept."""
        if not self.form.integer.any():
            return self
        other = Problem(self.form.relaxed())
        other.__dict__.update({k: v for k, v in self.__dict__.items() if k != "form"})
        return other


def quadratic_terms(rows: tuple[QuadraticRow, ...], x: Floats) -> tuple[Floats, Floats]:
    """Return values (k,) and gradients (k, n) of quadratic rows at x (n,)."""
    values, gradients = np.zeros(len(rows)), np.zeros((len(rows), len(x)))
    for i, row in enumerate(rows):
        curved = row.matrix @ x
        values[i] = 0.5 * float(x @ curved) + float(row.linear @ x)
        gradients[i] = curved + row.linear
    return values, gradients
