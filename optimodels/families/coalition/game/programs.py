"""What the two games of the family do, as short lists of stages."""

from __future__ import annotations

from typing import Any

from optimodels.families.coalition.game import results, settled
from optimodels.families.coalition.game.data import Play, read_formation, read_payments
from optimodels.families.coalition.game.group_equilibrium import FORMULATION, Groups
from optimodels.model import Compute, Done, Program, Solve

_SAMPLE = Solve("sample", FORMULATION, settled.sample, required=False)
_SETTLED = Compute("equilibria", settled.settled, settled.EQUATIONS)


def _together(play: Play, done: Done) -> dict[str, Groups]:
    return {"": Groups(play.grid, play.together)}


def _cooperative(play: Play, done: Done) -> dict[str, Groups]:
    return {"": Groups(play.cooperative, play.together)}


def _labels(play: Play) -> dict[str, list[Any]]:
    """Agents by the number of their bus, branches by those of their ends."""
    number, public = play.instance.number, play.instance.public
    lossy = public.where(public.resistance > 0)
    pairs = [
        [f"{i}-{j}" for i, j in zip(number[b.start], number[b.end], strict=True)]
        for b in (lossy, play.instance.private)
    ]
    return {
        "agent": play.grid.number.tolist(),
        "branch": pairs[0],
        "branch of group": pairs[0],
        "private branch": pairs[1],
    }


PAYMENTS = Program(
    read=read_payments,
    stages=(
        Solve("together", FORMULATION, _together),
        _SAMPLE,
        Compute(
            "payments",
            results.payments,
            equations=(
                "v(S) = payoff of S in the equilibrium of {S, outsiders' groups};",
                "outsiders  idle: alone; groups: those whom private branches connect",
                "           united: one group; cautious: whatever is worst for S",
                "core       x(N) = v(N), x(S) >= v(S) for every S",
                "epsilon    least by which x(S) >= v(S) - epsilon can be met; by duality",
                "           max sum_S w_S v(S) - t v(N), sum_S w_S = 1, sum_(S with i) w_S = t",
                "shapley    mean over orders of what an agent adds when it comes",
                "nucleolus  largest objections v(S) - x(S) least, one after another",
                "payment    e_i l_i + buy x_i (F' r y)_i + buy/2 sum_(f at i) r_f h_f^2:",
                "           the worth l of a unit at each agent in the optimum of all,",
                "           what its exchange and its branches earn as they are",
            ),
        ),
        _SETTLED,
    ),
    report=results.report("together", "payments"),
    main="together",
    labels=_labels,
)

FORMATION = Program(
    read=read_formation,
    stages=(
        Solve("cooperative", FORMULATION, _cooperative),
        _SAMPLE,
        Compute(
            "formation",
            results.formation,
            equations=(
                "nash        nobody gains by going to another group, or alone",
                "individual  nobody is let in by another group that does not lose, or alone,",
                "            and gains",
                "core        no agents all gain as a group of their own",
                "merge and split: as long as no mover loses and one gains",
                "price of selfishness: losses of what lasts over the least losses",
            ),
        ),
        _SETTLED,
    ),
    report=results.report("cooperative", "formation"),
    main="cooperative",
    labels=_labels,
)
