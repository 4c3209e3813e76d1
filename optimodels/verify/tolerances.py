"""Limits of the tests, each from the mathematics, and the sizes up to which work is done.

No limit depends on time: the same claim gets the same verdict on every machine.
"""

from __future__ import annotations

# A point. Solvers work in doubles and promise 1e-6 to 1e-7 per row after their own scaling.
PRIMAL = 1e-6
#: What is tested is the rounded point; this only says which points may be rounded at all.
INTEGRALITY = 1e-5

# A certificate: multipliers give a bound by weak duality, so these limit what the bound may leave.
#: Distance of the multipliers from the dual cone, relative to max(1, largest multiplier).
DUAL_CONE = 1e-6
#: Largest reduced cost against a missing bound, relative to max(1, max|c|, max|Qx|). Never term
#: by term: with multipliers of 1e10 anything is small against the terms.
STATIONARITY = 1e-6
#: |objective - bound|, relative to max(1, both).
GAP = 1e-6
#: Claimed against recomputed objective, relative to max(1, objective): each of the two may miss
#: the optimum by the gap, to either side. What is reported is the recomputed one.
OBJECTIVE = 2 * GAP
#: The same with every residual times max(1, |x_j|) added: what the residuals could hide.
GAP_WITH_RESIDUALS = 1e-5
#: A constant so many times the rest of the objective leaves that rest three digits of six: said.
CONSTANT = 1e3
#: Largest sum of absolute terms over the objective: beyond it, doubles carry no six digits of gap.
CANCELLATION = 1e6

#: How far from the claimed point tangents are taken, times max(1, |x_j|): both the rounding and
#: the negative curvature that ``CONVEXITY`` lets pass grow with the square of the distance.
TANGENT_REACH = 10.0
#: What a sum of doubles may be off by, over the sum of its absolute terms.
ROUNDING = 1e-13

#: Negative curvature that rounding explains: eigenvalue where the diagonal is one.
CONVEXITY = 1e-9
#: A point of our own that refutes a claim must be no further outside than this ...
STRICT = 1e-9
#: ... and better by this, relative to max(1, objective): ten times what a true optimum may miss.
MATERIAL = 1e-5
#: A Farkas proof in doubles leaves rounding on unbounded columns; it must hold up to this |x_j|.
FARKAS_REACH = 1e9
#: Distance of a whole number from a side of an integer row, in the row's units, that is rounding.
SNAP = 1e-6

# Sizes.
#: Nonzeros up to which an LP is solved to propose multipliers, rays or points.
PROPOSAL_NONZEROS = 200_000
#: The same for a point that already passes, though only beside large terms: more would cost more
#: than what it checks.
DOUBT_NONZEROS = 50_000
#: Nodes of the branch and bound that proposes a feasible integer point.
PROPOSAL_NODES = 200
#: Nonzeros up to which sums are done in rational numbers.
EXACT_NONZEROS = 50_000
#: Ratios of coefficients, like those of the shares k / 3715, are taken as simple fractions with
#: denominators up to this: random numbers pass for one with a chance of 1e-4.
DENOMINATOR = 10**6
#: Whole multiples of a common unit up to which doubles tell neighbours apart.
LARGEST_MULTIPLE = 10**9
#: Points, and points times nonzeros, up to which an integer box is enumerated.
ENUMERATION_POINTS = 2**20
ENUMERATION_WORK = 5 * 10**8
#: Order of a dense block whose eigenvalues are computed.
DENSE_BLOCK = 1000
#: Columns up to which the curvature on the tangent space of a nonconvex problem is tested.
CURVATURE_COLUMNS = 1000
