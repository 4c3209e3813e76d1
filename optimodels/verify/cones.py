"""Second-order and exponential cones, many at once: membership, duals, tangents, curvature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy import sparse

from optimodels.arrays import Floats
from optimodels.form import Cone
from optimodels.verify.scale import largest_terms

#: Length of u below which a second-order cone counts as at its apex.
_APEX = 1e-6
#: Ratio x / y of an exponential cone beyond which its tangent is not followed.
_STEEP = 50.0
Kind = Literal["second-order", "exponential"]
Places = np.ndarray[tuple[int, int], np.dtype[np.int64]]


@dataclass(frozen=True)
class Cones:
    """All cones of a problem as one system ``matrix @ x + offset``, (k, n) and (k,)."""

    matrix: sparse.csr_array
    offset: Floats
    names: tuple[str, ...]
    #: Cones of one kind and one size: their numbers (c,), and the places of their entries (c, s).
    groups: tuple[tuple[Kind, np.ndarray[tuple[int], np.dtype[np.int64]], Places], ...]

    @classmethod
    def of(cls, cones: Sequence[Cone], columns: int) -> Cones:
        if not cones:
            return cls(sparse.csr_array((0, columns)), np.zeros(0), (), ())
        sizes = np.array([len(c.offset) for c in cones])
        starts = np.concatenate([[0], np.cumsum(sizes)])
        keys: dict[tuple[Kind, int], list[int]] = {}
        for number, cone in enumerate(cones):
            keys.setdefault((cone.kind, int(sizes[number])), []).append(number)
        groups = tuple(
            (kind, np.array(members), starts[members][:, None] + np.arange(size)[None, :])
            for (kind, size), members in keys.items()
        )
        return cls(
            sparse.csr_array(sparse.vstack([c.matrix for c in cones], format="csr")),
            np.concatenate([c.offset for c in cones]).astype(float),
            tuple(c.name or f"cone {k + 1}" for k, c in enumerate(cones)),
            groups,
        )

    @property
    def count(self) -> int:
        return len(self.names)

    @cached_property
    def owner(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The number of the cone that each entry (k,) belongs to."""
        owner = np.zeros(len(self.offset), dtype=np.int64)
        for _, members, places in self.groups:
            owner[places] = members[:, None]
        return owner

    def values(self, x: Floats) -> Floats:
        return self.matrix @ x + self.offset

    def violation(self, x: Floats, *, beside_terms: bool = True) -> Floats:
        """Distance outside each cone, (count,), relative to max(1, largest term or |offset|).

        Where not ``beside_terms``, to max(1, |offset|) alone.
        """
        terms = np.abs(self.offset)
        if beside_terms:
            terms = np.maximum(largest_terms(self.matrix, x), terms)
        return self._outside(self.values(x), np.maximum(1.0, terms))

    def recession_fault(self, d: Floats) -> Floats:
        """How far a direction d (n,) leaves each cone, (count,), relative to its largest term."""
        terms = largest_terms(self.matrix, d)
        for _, _, places in self.groups:
            terms[places] = terms[places].max(axis=1)[:, None]
        return self._outside(self.matrix @ d, np.where(terms > 0, terms, 1.0))

    def _outside(self, v: Floats, scale: Floats) -> Floats:
        out = np.zeros(self.count)
        for kind, members, places in self.groups:
            outside = _outside_soc if kind == "second-order" else _outside_exp
            out[members] = outside(v[places], scale[places])
        return out

    def to_dual(self, z: Floats) -> Floats:
        """Move multipliers z (k,) into the dual cones."""
        moved = z.copy()
        for kind, _, places in self.groups:
            part = z[places]
            moved[places] = _dual_soc(part) if kind == "second-order" else _dual_exp(part)
        return moved

    def normals(self, v: Floats) -> Floats:
        """Dual vectors a (k,) with ``a @ v = 0`` on each cone's boundary at v (k,).

        ``a @ (matrix x + offset) >= 0`` is the tangent of a smooth convex constraint: minus its
        gradient. At an apex, where there is none, it is some vector of the dual cone.
        """
        a = np.zeros_like(v)
        for kind, _, places in self.groups:
            part = v[places]
            a[places] = _normal_soc(part) if kind == "second-order" else _normal_exp(part)
        return a

    def tangents(self, v: Floats) -> sparse.csr_array:
        """The normals at v (k,), one row per cone: (count, k)."""
        return by_cone(self, self.normals(v))

    def recession(self) -> Cones:
        """The same cones without offsets: where directions without end lie."""
        return Cones(self.matrix, np.zeros_like(self.offset), self.names, self.groups)

    def weights(self, z: Floats) -> Floats:
        """The factors (count,) of dual vectors z (k,) that are multiples of normals."""
        out = np.zeros(self.count)
        for kind, members, places in self.groups:
            out[members] = z[places[:, 0 if kind == "second-order" else 2]]
        return out

    def smooth(self, v: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which cones (count,) have a tangent at v (k,): those away from apex and closure."""
        out = np.zeros(self.count, dtype=bool)
        for kind, members, places in self.groups:
            part = v[places]
            if kind == "second-order":
                size = np.linalg.norm(part[:, 1:], axis=1)
                out[members] = size > _APEX
            else:
                ratio = part[:, 0] / np.where(part[:, 1] > 0, part[:, 1], 1.0)
                out[members] = (part[:, 1] > 1e-9) & (np.abs(ratio) < _STEEP)
        return out

    def corner_normals(self, v: Floats) -> list[Floats]:
        """More dual vectors, each (k,), for cones that have no tangent at v (k,)."""
        smooth = self.smooth(v)
        found: list[Floats] = []
        for kind, members, places in self.groups:
            rough = places[~smooth[members]]
            if not len(rough):
                continue
            if kind == "second-order":
                for i in range(1, rough.shape[1]):
                    for side in (1.0, -1.0):
                        a = np.zeros_like(v)
                        a[rough[:, 0]], a[rough[:, i]] = 1.0, side
                        found.append(a)
            else:
                for row in ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (-1.0, -1.0, 1.0)):
                    a = np.zeros_like(v)
                    a[rough] = row
                    found.append(a)
        return found

    def curvature(self, v: Floats, weights: Floats) -> sparse.csr_array:
        """Hessian (k, k) of the sum of weights (count,) times the smooth constraints at v (k,)."""
        rows, columns, data = [], [], []
        for kind, members, places in self.groups:
            part, weight = v[places], weights[members]
            hessian = _hessian_soc(part) if kind == "second-order" else _hessian_exp(part)
            hessian *= weight[:, None, None]
            size = places.shape[1]
            rows.append(np.repeat(places, size, axis=1).ravel())
            columns.append(np.tile(places, (1, size)).ravel())
            data.append(hessian.ravel())
        k = len(v)
        if not data:
            return sparse.csr_array((k, k))
        joined = (np.concatenate(data), (np.concatenate(rows), np.concatenate(columns)))
        return sparse.csr_array(sparse.coo_array(joined, shape=(k, k)))


def by_cone(cones: Cones, entries: Floats) -> sparse.csr_array:
    """Lay entries (k,) into one row per cone: (count, k)."""
    places = (cones.owner, np.arange(len(entries)))
    shape = (cones.count, len(entries))
    return sparse.csr_array(sparse.coo_array((entries, places), shape=shape, dtype=float))


def _outside_soc(v: Floats, scale: Floats) -> Floats:
    distance: Floats = np.maximum(0.0, np.linalg.norm(v[:, 1:], axis=1) - v[:, 0])
    relative: Floats = distance / scale.max(axis=1)
    return relative


def _outside_exp(v: Floats, scale: Floats) -> Floats:
    """The shortest of three ways into the cone: raise z, lower x, or go to the face y = 0.

    Each entry counts relative to its own scale: z may be many orders above x.
    """
    x, y, z = v.T
    inner = y > 0
    safe = np.where(inner, y, 1.0)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        raise_z = np.where(inner, safe * np.exp(x / safe) - z, np.inf)
        log = np.log(np.where(z > 0, z, 1.0) / safe)
        lower_x = np.where(inner & (z > 0), x - safe * log, np.inf)
    face = np.stack([np.maximum(0.0, x), np.abs(y), np.maximum(0.0, -z)], axis=1) / scale
    curve = np.minimum(raise_z / scale[:, 2], lower_x / scale[:, 0])
    shortest: Floats = np.maximum(0.0, np.minimum(curve, face.max(axis=1)))
    return shortest


def _dual_soc(z: Floats) -> Floats:
    """The second-order cone is its own dual; orthogonal projection onto it."""
    t, size = z[:, 0], np.linalg.norm(z[:, 1:], axis=1)
    moved = z.copy()
    outside = size > t
    half = np.maximum(0.0, (t + size) / 2)
    shrink = np.where(size > 0, half / np.where(size > 0, size, 1.0), 0.0)
    moved[outside, 0] = half[outside]
    moved[outside, 1:] *= shrink[outside, None]
    # Rounding must not leave the vector outside again.
    moved[:, 0] = np.maximum(moved[:, 0], np.linalg.norm(moved[:, 1:], axis=1))
    return moved


def _dual_exp(z: Floats) -> Floats:
    """{(u, v, w): u < 0, -u exp(v/u - 1) <= w} and its closure; w is raised where it is short.

    Where that would take it out of all proportion, the closure u = 0, v, w >= 0 is taken.
    """
    u, v, w = z[:, 0].copy(), z[:, 1].copy(), z[:, 2].copy()
    below = u < 0
    with np.errstate(over="ignore"):
        power = np.where(below, v / np.where(below, u, -1.0) - 1.0, 0.0)
    flat = ~below | (power > _STEEP)
    u[flat] = 0.0
    v[flat] = np.maximum(v[flat], 0.0)
    needed = np.where(flat, 0.0, -u * np.exp(np.where(flat, 0.0, power)))
    w = np.maximum(w, needed * (1.0 + 4e-16))
    return np.stack([u, v, w], axis=1)


def _normal_soc(v: Floats) -> Floats:
    size = np.linalg.norm(v[:, 1:], axis=1)
    a = np.zeros_like(v)
    a[:, 0] = 1.0
    a[:, 1:] = np.where(size[:, None] > 0, -v[:, 1:] / np.where(size > 0, size, 1.0)[:, None], 0.0)
    return a


def _ratio(v: Floats) -> Floats:
    """x / y on the boundary; far outside, a ratio whose tangent cuts the point off."""
    x, y, z = v.T
    inner, high = y > 0, z > 0
    safe = np.where(inner, y, 1.0)
    # Infinite at the apex, where nothing but 0 is there to be divided; cut below.
    with np.errstate(divide="ignore", over="ignore"):
        edge = np.log(np.where(high, z, 1.0) / np.where(inner, safe, np.maximum(x, 1e-300))) + 1.0
    ratio = np.where(inner, np.where(high, np.minimum(x / safe, edge), x / safe), edge)
    cut: Floats = np.clip(np.where(~inner & (~high | (x <= 0)), 0.0, ratio), -_STEEP, _STEEP)
    return cut


def _normal_exp(v: Floats) -> Floats:
    ratio = _ratio(v)
    top = np.exp(ratio)
    return np.stack([-top, -top * (1.0 - ratio), np.ones_like(top)], axis=1)


def _hessian_soc(v: Floats) -> Floats:
    """Of ||u|| - t: (I - n n') / ||u|| in u, with n = u / ||u||."""
    count, size = v.shape
    length = np.linalg.norm(v[:, 1:], axis=1)
    safe = np.where(length > 0, length, 1.0)
    n = v[:, 1:] / safe[:, None]
    h = np.zeros((count, size, size))
    h[:, 1:, 1:] = (np.eye(size - 1)[None] - n[:, :, None] * n[:, None, :]) / safe[:, None, None]
    h[length == 0] = 0.0
    return h


def _hessian_exp(v: Floats) -> Floats:
    """Of y exp(x/y) - z: exp(r)/y times (1, -r)(1, -r)' in (x, y), with r = x/y."""
    ratio = _ratio(v)
    y = np.where(v[:, 1] > 0, v[:, 1], np.inf)
    g = np.stack([np.ones_like(ratio), -ratio, np.zeros_like(ratio)], axis=1)
    h: Floats = (np.exp(ratio) / y)[:, None, None] * g[:, :, None] * g[:, None, :]
    return h
