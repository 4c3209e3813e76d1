"""Who gives what of a change, and at which marginal price."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimodels.draw import BLUE, GREY, RED, SERIES, picture, stamp
from optimodels.result import Result

#: Resources that one picture shows.
_MOST = 30


def participation(results: Sequence[Result]) -> dict[str, bytes]:
    """Draw responses with their limits, and marginal prices up to that of regulation."""
    rows = results[0].tables.get("resources")
    if len(results) > 1 or not rows or len(rows) > _MOST:
        return {}
    result = results[0]
    change, price = float(result.parameters["change"]), float(result.values["price"])
    if change == 0:
        return {}
    sign = np.sign(change)
    place = np.arange(len(rows))
    names = [row["resource"] for row in rows]
    given = sign * np.array([row["response"] for row in rows])
    free = abs(change) * np.array([row["share_without_limits"] for row in rows])
    limit = np.array([np.nan if row["limit"] is None else row["limit"] for row in rows])
    with picture(8.4, 3.8, columns=2) as (made, (left, right)):
        left.barh(place, given, 0.6, color=BLUE, label="response")
        left.plot(free, place, "D", color=GREY, markersize=5, label="without limits")
        left.plot(limit, place, "|", color=RED, markersize=20, markeredgewidth=2, label="limit")
        left.set_yticks(place, names)
        left.invert_yaxis()
        left.grid(False, axis="y")
        left.set_xlabel(f"MW of the {change:g} MW needed")
        left.set_title("Who regulates")
        left.set_xlim(0, 1.12 * max(given.max(), free.max()))
        left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, fontsize=8)
        for k, row in enumerate(rows):
            colour = SERIES[k % len(SERIES)]
            slope = float(row["slope"])
            end = given[k]
            right.plot([0, end], [0, slope * end], color=colour, label=names[k])
            right.plot([end], [slope * end], "o", color=colour, markersize=4)
            if row["cap_dual"] > 0:
                right.plot([end, end], [slope * end, sign * price], color=colour, linestyle=":")
        right.axhline(sign * price, color=GREY, linewidth=0.8, linestyle="--")
        right.annotate(
            f"price of regulation: {price:.4g} $/MWh", (0, sign * price), (4, 4), fontsize=8,
            textcoords="offset points", color=GREY,
        )  # fmt: skip
        right.set_xlabel("response, MW")
        right.set_ylabel("marginal price, $/MWh")
        right.set_title("One price, but for those at their limit")
        right.set_ylim(0, 1.18 * sign * price)
        right.set_xlim(0, None)
        if len(rows) <= len(SERIES):
            right.legend(loc="upper left", bbox_to_anchor=(0.0, 0.86), fontsize=8)
        stamp(made, result)
    return {"participation": made.svg}
