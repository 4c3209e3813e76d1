"""Points that a curve is fitted to, with their weights and what residuals cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats


@dataclass(frozen=True)
class Sample:
    """Quantities ``x`` (m,), never falling, prices ``y`` and ``weight`` > 0 of each.

    A residual r costs w r^2 up to ``threshold`` M, and w (2 M |r| - M^2) beyond (Huber 1964); no
    residual is beyond an infinite one. A weight of 2 costs what a point that stands twice does.
    """

    x: Floats
    y: Floats
    weight: Floats
    threshold: float = np.inf

    @classmethod
    def plain(cls, x: Floats, y: Floats) -> Sample:
        """Points that count alike, by squares."""
        return cls(x, y, np.ones(len(x)))

    @property
    def robust(self) -> bool:
        return bool(np.isfinite(self.threshold))

    @property
    def size(self) -> float:
        """The length of the weighted prices, which residuals are measured by."""
        return float(np.sqrt(self.weight @ self.y**2))

    def loss(self, fitted: Floats) -> float:
        """What fitted prices (m,) cost."""
        size = np.abs(fitted - self.y)
        bound = np.minimum(size, self.threshold)
        return float(self.weight @ (bound * (2 * size - bound)))

    def pull(self, fitted: Floats) -> Floats:
        """Half the derivative (m,) of the loss by the fitted prices."""
        left = np.clip(fitted - self.y, -self.threshold, self.threshold)
        return np.asarray(self.weight * left)

    def reweighted(self, fitted: Floats) -> Floats:
        """Weights (m,) whose squares touch the loss at these fitted prices from above."""
        size = np.abs(fitted - self.y)
        return np.asarray(self.weight * self.threshold / np.maximum(size, self.threshold))


def column_lengths(columns: Floats) -> Floats:
    """The length (P,) of each column (m, P), 1 where that is 0, none of them squared: parameters
    of very different units make columns of which the large alone would count."""
    most = np.abs(columns).max(axis=0, initial=0.0)
    most = np.where(most > 0, most, 1.0)
    lengths = np.linalg.norm(columns / most, axis=0)
    return np.asarray(most * np.where(lengths > 0, lengths, 1.0))
