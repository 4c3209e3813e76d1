"""Closed forms: the chain, Onsager's energy of the infinite lattice, Kaufman's torus."""

from __future__ import annotations

import mpmath


def onsager_energy(temperature: float) -> float:
    """Return the energy per site of the infinite square lattice without a field (Onsager 1944)."""
    inverse = mpmath.mpf(1) / temperature
    modulus = 2 * mpmath.sinh(2 * inverse) / mpmath.cosh(2 * inverse) ** 2
    elliptic = mpmath.ellipk(modulus**2)
    bracket = 1 + 2 / mpmath.pi * (2 * mpmath.tanh(2 * inverse) ** 2 - 1) * elliptic
    return float(-mpmath.coth(2 * inverse) * bracket)


def torus_log_partition(rows: int, columns: int, temperature: float) -> float:
    """Return ln Z of a torus without a field (Kaufman 1949).

    A bond stands between a site and each of its four neighbours; a torus of two columns has
    two bonds between the same sites.
    """
    with mpmath.workdps(40):
        k = 1 / mpmath.mpf(temperature)
        gammas = []
        for index in range(2 * columns):
            if index == 0:
                gammas.append(2 * k + mpmath.log(mpmath.tanh(k)))
                continue
            value = mpmath.cosh(2 * k) * mpmath.coth(2 * k) - mpmath.cos(
                mpmath.pi * index / columns
            )
            gammas.append(mpmath.acosh(value))
        half = mpmath.mpf(rows) / 2
        odd, even = gammas[1::2], gammas[0::2]
        terms = [
            mpmath.fprod(2 * mpmath.cosh(half * g) for g in odd),
            mpmath.fprod(2 * mpmath.sinh(half * g) for g in odd),
            mpmath.fprod(2 * mpmath.cosh(half * g) for g in even),
            mpmath.fprod(2 * mpmath.sinh(half * g) for g in even),
        ]
        factor = (2 * mpmath.sinh(2 * k)) ** (mpmath.mpf(rows * columns) / 2) / 2
        return float(mpmath.log(factor * mpmath.fsum(terms)))


def chain_log_partition(sites: int, temperature: float, field: float = 0.0) -> float:
    """Return ln Z of a chain with free ends in a field, by the roots of its 2 x 2 matrix.

    With T = [[e^(K + L), e^-K], [e^-K, e^(K - L)]] and v = (e^(L / 2), e^(-L / 2)) it is
    Z = v T^(N - 1) v; without a field Z = 2 (2 cosh K)^(N - 1).
    """
    with mpmath.workdps(40):
        k, b = 1 / mpmath.mpf(temperature), mpmath.mpf(field) / temperature
        matrix = mpmath.matrix(
            [[mpmath.exp(k + b), mpmath.exp(-k)], [mpmath.exp(-k), mpmath.exp(k - b)]]
        )
        roots, vectors = mpmath.eigsy(matrix)
        end = mpmath.matrix([mpmath.exp(b / 2), mpmath.exp(-b / 2)])
        total = mpmath.mpf(0)
        for index in range(2):
            part = vectors[0, index] * end[0] + vectors[1, index] * end[1]
            total += part**2 * roots[index] ** (sites - 1)
        return float(mpmath.log(total))
