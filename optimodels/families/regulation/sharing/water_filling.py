"""The closed form of participation: equal marginal prices, limits filled in their order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimodels.arrays import Floats
from optimodels.errors import DataError


@dataclass(frozen=True)
class Shares:
    """``response`` (..., n) MW, with the sign of the change; ``price`` (...) $/MWh of one more MW;
    ``cost`` (...) $/h; ``limit_price`` (..., n) $/MWh that one more MW of a limit would save."""

    response: Floats
    price: Floats
    cost: Floats
    limit_price: Floats


def participation(
    change: npt.ArrayLike, slopes: npt.ArrayLike, limits: npt.ArrayLike = np.inf
) -> Shares:
    """Share changes (...) MW over resources of slopes (..., n) $/(MW^2 h), limits likewise, MW.

    Fast enough for every second of a simulation: no iteration, one sort of the limits, any number
    of changes at once. Without limits x_i = dQ (1 / R_i) / sum_j (1 / R_j) and the price is
    dQ / sum_j (1 / R_j); for supply and demand rho_S = R_D / (R_S + R_D) (003, section 3.5).
    With them a resource is full once the price is R_i times its limit.

    Raises DataError where a slope is not above 0, or limits cannot give a change.
    """
    needed = np.asarray(change, dtype=float)
    r, most = np.broadcast_arrays(np.asarray(slopes, dtype=float), np.asarray(limits, dtype=float))
    shape = np.broadcast_shapes((*needed.shape, 1), r.shape)
    r, most = np.broadcast_to(r, shape), np.broadcast_to(most, shape)
    if not np.all(r > 0):
        raise DataError("parameters.slopes", "must be above 0")
    size = np.broadcast_to(np.abs(needed), shape[:-1])
    full_at = r * most
    order = np.argsort(full_at, axis=-1, kind="stable")
    at, give = (np.take_along_axis(x, order, axis=-1) for x in (1 / r, most))
    # With the first k full, the others have this price, k = 0..n-1; it is right where the next
    # limit is not below it.
    before = np.concatenate([np.zeros((*shape[:-1], 1)), np.cumsum(give, axis=-1)[..., :-1]], -1)
    open_ = np.cumsum(at[..., ::-1], axis=-1)[..., ::-1]
    with np.errstate(invalid="ignore"):
        prices = (size[..., None] - before) / open_
        fits = prices <= np.take_along_axis(full_at, order, axis=-1) * (1 + 1e-12)
    if not np.all(fits.any(axis=-1)):
        worst = int(np.argmin(fits.any(axis=-1).ravel()))
        raise DataError(
            "parameters.caps",
            f"give {most.reshape(-1, shape[-1])[worst].sum():g} MW of the "
            f"{size.ravel()[worst]:g} MW needed",
        )
    price = np.take_along_axis(prices, np.argmax(fits, axis=-1)[..., None], axis=-1)
    response = np.minimum(price / r, most)
    sign = np.sign(needed)
    return Shares(
        response=sign[..., None] * response,
        price=sign * price[..., 0],
        cost=np.sum(r * response**2, axis=-1) / 2,
        limit_price=np.maximum(price - full_at, 0.0),
    )
