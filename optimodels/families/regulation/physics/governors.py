"""Transfer functions of the units and of grid-friendly load, as chains of first-order blocks.

A block (a, b) is (1 + a s) / (1 + b s). The paper's formulas are lost in print; those here are
the standard ones for its time constants (003, section 3.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats

Block = tuple[float, float]


@dataclass(frozen=True)
class Governors:
    """Time constants of the units in seconds, and droops, per unit (003, section 3.1)."""

    governor: float  # T_G
    reset: float  # T_R
    temporary_droop: float  # R_T
    permanent_droop: float  # R_P
    water: float  # T_W
    reheat: float  # T_RH
    chest: float  # T_CH
    high_pressure: float  # F_HP

    def blocks(self) -> Mapping[str, tuple[Block, ...]]:
        """The chain of each kind of unit; the first block of each lets nothing through at once."""
        gate, chest = (0.0, self.governor), (0.0, self.chest)
        return {
            "hydro": (
                gate,
                (self.reset, self.temporary_droop / self.permanent_droop * self.reset),
                (-self.water, 0.5 * self.water),
            ),
            "reheat": (gate, chest, (self.high_pressure * self.reheat, self.reheat)),
            "nonreheat": (gate, chest),
        }

    def constants(self) -> Mapping[str, float]:
        """Every time constant that enters, by name."""
        return {
            "governor": self.governor,
            "reset": self.temporary_droop / self.permanent_droop * self.reset,
            "water": 0.5 * self.water,
            "reheat": self.reheat,
            "chest": self.chest,
        }


#: The states of a unit in the order of its blocks.
STATES = {
    "hydro": ("gate", "reset", "water"),
    "reheat": ("gate", "chest", "reheater"),
    "nonreheat": ("gate", "chest"),
}


@dataclass(frozen=True)
class Chain:
    """x' = A x + B v, y = C x of one input and one output; names of the states."""

    a: Floats
    b: Floats
    c: Floats
    names: tuple[str, ...]


def chain(blocks: Sequence[Block], names: tuple[str, ...]) -> Chain:
    """Return blocks in series; each is a/b + (1 - a/b) / (1 + b s)."""
    n = len(blocks)
    a, b = np.zeros((n, n)), np.zeros(n)
    # What enters the next block, as a row over the states and the part of the input itself.
    row, direct = np.zeros(n), 1.0
    for k, (lead, lag) in enumerate(blocks):
        a[k] = row / lag
        a[k, k] -= 1 / lag
        b[k] = direct / lag
        row, direct = row * (lead / lag), direct * (lead / lag)
        row[k] += 1 - lead / lag
    return Chain(a, b, row, names)


def fleet(governors: Governors, fractions: Mapping[str, float]) -> Chain:
    """Return the units of a fleet side by side, weighted by their fractions (003, section 3.1)."""
    blocks = governors.blocks()
    parts = [
        (part, chain(blocks[kind], tuple(f"{kind} {name}" for name in STATES[kind])))
        for kind, part in fractions.items()
        if part > 0
    ]
    n = sum(len(one.b) for _, one in parts)
    a, start = np.zeros((n, n)), 0
    for _, one in parts:
        end = start + len(one.b)
        a[start:end, start:end] = one.a
        start = end
    return Chain(
        a,
        np.concatenate([one.b for _, one in parts]),
        np.concatenate([part * one.c for part, one in parts]),
        tuple(name for _, one in parts for name in one.names),
    )


def friendly_load(fast: float, recovery: float) -> Chain:
    """Return L(s) = s / (T s^2 + s + K_L): quick, proportional, and gone again.

    Reconstructed from what 003, section 3.3 asks of it: at its peak in about a second,
    proportional for ten, back within two minutes.
    """
    a = np.array([[0.0, 1.0], [-recovery / fast, -1 / fast]])
    names = ("load recovery", "load response")
    return Chain(a, np.array([0.0, 1 / fast]), np.array([0.0, 1.0]), names)
