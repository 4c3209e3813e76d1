"""Points that a curve is fitted to, with their weights and what residuals cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats


@dataclass(frozen=True)
class Sample:
    """Quantities ``x`` (m,), rising, prices ``y`` and ``weight`` > 0 of each.

    A residual r costs w r^2 up to ``threshold`` M, and w (2 M |r| - M^2) beyond (Huber 1964); no
    residual is beyond an infinite one. A weight of 2 is a point that stands twice.
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
