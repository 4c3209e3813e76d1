"""A problem beside its truth, and how far a point is outside of it, in plain sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.form import Form, stack_blocks
from optimodels.model import ProblemClass
from optimodels.result import Claim, Stopped


@dataclass(frozen=True)
class Planted:
    """A form with its truth: how it must end, its optimum, and the claim that tells it rightly,
    with the ray of an unbounded problem or the Farkas multipliers of a conflict where planted."""

    kind: str
    problem_class: ProblemClass
    form: Form
    stopped: Stopped
    objective: float | None = None
    claim: Claim | None = None

    @property
    def truth(self) -> Claim:
        """What an honest solver says."""
        return self.claim or Claim(self.stopped)

    def outside(self, x: Floats) -> float:
        """How far x (n,) is outside, over the largest term where that is above one; of a
        whole number, how far from one."""
        form = self.form
        over = [np.maximum(form.lower - x, x - form.upper) / np.maximum(1.0, np.abs(x))]
        over.append(np.where(form.integer, np.abs(x - np.rint(x)), 0.0))
        terms = form.rows.toarray() * x
        body, size = terms.sum(axis=1), np.maximum(1.0, np.abs(terms).max(axis=1, initial=0.0))
        over.append(np.maximum(form.row_lower - body, body - form.row_upper) / size)
        for row in form.quadratic_rows:
            bent = np.append((0.5 * row.matrix.toarray() * np.outer(x, x)).ravel(), row.linear * x)
            over.append(np.array([(bent.sum() - row.upper) / max(1.0, np.abs(bent).max())]))
        for cone in form.cones:
            terms = np.column_stack([cone.matrix.toarray() * x, cone.offset])
            t, largest = terms.sum(axis=1), max(1.0, float(np.abs(terms).max()))
            if cone.kind == "second-order":
                beyond = float(np.linalg.norm(t[1:])) - t[0]
            else:
                beyond = t[1] * np.exp(min(t[0] / t[1], 700.0)) - t[2] if t[1] > 0 else np.inf
            over.append(np.array([beyond / largest]))
        return float(np.concatenate(over).max(initial=0.0))


def form_of(c: Any, rows: Any, low: Any, high: Any, lower: Any, upper: Any, **more: Any) -> Form:
    n = len(c)
    return Form(
        sense="min",
        linear=np.asarray(c, dtype=float),
        rows=sparse.csr_array(np.asarray(rows, dtype=float).reshape(-1, n)),
        row_lower=np.asarray(low, dtype=float),
        row_upper=np.asarray(high, dtype=float),
        lower=np.asarray(lower, dtype=float),
        upper=np.asarray(upper, dtype=float),
        integer=more.pop("integer", np.zeros(n, dtype=bool)),
        columns=stack_blocks([("x", (n,))]),
        row_blocks=stack_blocks([("row", (len(low),))]),
        **more,
    )
