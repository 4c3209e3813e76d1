"""Firms, cap and demand of a supply case as frozen arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats
from optimodels.errors import DataError
from optimodels.families.supply.auction.expression import evaluate, parse
from optimodels.families.supply.parameters import Background
from optimodels.model import Inputs

#: A density is integrated to this part of its whole integral, in so many halvings at the most.
_PRECISION = 1e-12
_HALVINGS = 120


@dataclass(frozen=True)
class Market:
    """An auction of n firms with r units each.

    ``demand`` (n r,) probabilities of a demand of 1, 2, ... units, sum 1; prices in the unit of
    ``cap``. There is some demand that only all firms together can meet.
    """

    firms: int
    units: int
    cost: float
    cap: float
    demand: Floats
    draws: int
    seed: int
    notes: tuple[str, ...] = ()

    @property
    def margin(self) -> float:
        return self.cap - self.cost


def read(inputs: Inputs) -> Market:
    """Read a case of the family; raises DataError where its auction has no equilibrium."""
    given = inputs.parameters
    background: Background = given.background
    cells = given.firms * given.units_per_firm
    notes: tuple[str, ...] = ()
    samples = background.samples
    if background.csv is not None:
        samples = _from_file(inputs, background)
    if samples is not None:
        weights = count(np.asarray(samples, dtype=float), cells)
        notes = (f"demand: {len(samples)} observations, counted in {cells} cells, not smoothed",)
    else:
        weights = cell_weights(background, cells)
    demand = weights / weights.sum()
    pivotal = demand[(given.firms - 1) * given.units_per_firm :]
    if not pivotal.any():
        raise DataError(
            "parameters.background",
            f"no demand above {cells - given.units_per_firm} of {cells} units has a positive "
            "probability: no firm is ever needed, and the auction has no such equilibrium; give "
            "demands above that a probability, or take other firms or units_per_firm",
        )
    return Market(
        firms=given.firms,
        units=given.units_per_firm,
        cost=float(given.cost),
        cap=float(given.price_cap),
        demand=demand,
        draws=given.draws,
        seed=given.seed,
        notes=notes,
    )


def cell_weights(background: Background, cells: int) -> Floats:
    """Return what a density gives to each of equal cells of [0, 1], not normalised."""
    number = np.arange(1.0, cells + 1)
    if background.demand is not None:
        return np.asarray(background.demand, dtype=float)
    if background.pieces is not None:
        return _constant_pieces(np.asarray(background.pieces, dtype=float), cells)
    if background.expression is not None:
        tree = parse(background.expression)
        return integrate_cells(lambda x: evaluate(tree, x), cells)
    rising = 3 * number**2 - 3 * number + 1  # cells^3 times the integral of 3 x^2
    shapes = {"uniform": np.ones(cells), "increasing": rising, "decreasing": rising[::-1]}
    return shapes[str(background.shape)]


def count(samples: Floats, cells: int) -> Floats:
    """Count observations in [0, 1] by the number of units that meets them; zero needs one."""
    needed = np.maximum(1, np.ceil(samples * cells - 1e-9 * cells)).astype(np.int64)
    return np.bincount(np.minimum(needed, cells) - 1, minlength=cells).astype(float)


def integrate_cells(density: Callable[[Floats], Floats], cells: int) -> Floats:
    """Return the integral of a density over each of equal cells of [0, 1].

    Gauss rules on halves of what has not settled; raises DataError where the density is
    negative, not finite, zero everywhere, or does not settle (it has no finite integral).
    """
    nodes, weights = np.polynomial.legendre.leggauss(12)

    def rule(low: Floats, high: Floats) -> Floats:
        half = (high - low)[:, None] / 2
        values = density(low[:, None] + half * (1 + nodes))
        if not np.all(np.isfinite(values)) or np.any(values < 0):
            bad = ~np.isfinite(values) | (values < 0)
            at = float((low[:, None] + half * (1 + nodes))[bad][0])
            word = "negative" if values[bad][0] < 0 else "not finite"
            raise DataError("parameters.background.expression", f"is {word} at x = {at:.6g}")
        return np.asarray((values * half) @ weights, dtype=float)

    edges = np.arange(cells + 1) / cells
    low, high, cell = edges[:-1], edges[1:], np.arange(cells)
    whole, total = rule(low, high), np.zeros(cells)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        left, right = rule(low, middle), rule(middle, high)
        scale = float(total.sum() + np.sum(left + right))
        settled = np.abs(left + right - whole) <= _PRECISION * scale
        np.add.at(total, cell[settled], (left + right)[settled])
        if settled.all():
            if not total.any():
                raise DataError("parameters.background.expression", "is zero everywhere")
            return total
        open_ = ~settled
        low = np.concatenate([low[open_], middle[open_]])
        high = np.concatenate([middle[open_], high[open_]])
        cell = np.tile(cell[open_], 2)
        whole = np.concatenate([left[open_], right[open_]])
        if len(low) > 50 * cells + 1_000:
            break
    raise DataError("parameters.background.expression", "has no finite integral over [0, 1]")


def _constant_pieces(heights: Floats, cells: int) -> Floats:
    """Integrals over the cells of a density that is constant on equal pieces."""
    below = np.concatenate([[0.0], np.cumsum(heights)])
    place = np.arange(cells + 1) * len(heights) / cells
    # Summed up to each edge of a cell, and then apart cell by cell: a cell within one piece,
    # or of a piece of height zero, must not be left with a rounding error of the sum.
    first = np.minimum(place[:-1].astype(int), len(heights) - 1)
    last = np.minimum(np.ceil(place[1:] - 1e-12).astype(int), len(heights)) - 1
    inside = heights[first] * (np.minimum(place[1:], first + 1) - place[:-1])
    across = last > first
    inside[across] += (
        below[last[across]] - below[first[across] + 1]
        + heights[last[across]] * (place[1:] - last)[across]
    )  # fmt: skip
    return np.asarray(inside)


def _from_file(inputs: Inputs, background: Background) -> list[float]:
    from optimodels.grid.profiles import read_csv_column

    key = "parameters.background.csv"
    assert background.csv is not None
    assert background.column is not None
    path = inputs.path(background.csv, key)
    try:
        values = read_csv_column(path, background.column)
    except DataError as error:
        raise DataError(f"parameters.background.{error.key}", error.message) from error
    outside = (values < 0) | (values > 1)
    if outside.any():
        row = int(np.argmax(outside))
        raise DataError(
            key,
            f"row {row + 2}: a demand must be a part of the capacity, 0 to 1, not {values[row]:g}",
        )
    found: list[float] = values.tolist()
    return found
