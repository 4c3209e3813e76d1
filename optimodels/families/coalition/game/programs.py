"""What the two games of the family do, as short lists of stages."""

from __future__ import annotations

from typing import Any

from optimodels.families.coalition.game import results, settled
from optimodels.families.coalition.game.data import Play, read_formation, read_payments
from optimodels.families.coalition.game.group_equilibrium import COOPERATIVE, FORMULATION, Groups
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
                "S: a coalition of agents; v(S), price x pu: what it gets where the groups",
                "are S and, by outsiders, the others; x(S), price x pu: what its members",
                "are paid together.",
                "",
                "outsiders  idle: each alone; groups: those whom private branches connect;",
                "           united: one group; cautious: whatever is worst for S     ours",
                "core       x(N) = v(N), x(S) >= v(S) for every S; N: all agents",
                "epsilon    least by which x(S) >= v(S) - epsilon can be met   least core",
                "           = max sum_S w_S v(S) - t v(N), with weights w_S >= 0,",
                "           sum_S w_S = 1, sum_(S with i) w_S = t for every i    balanced",
                "shapley    mean over orders of what an agent adds when it comes",
                "nucleolus  the largest objection v(S) - x(S) least, then the next, ...",
                "payment    e_i l_i + buy n_i (F' R y_N)_i + buy/2 sum_(f at i) r_f h_f^2",
                "           in the optimum of all: l_i the worth of a unit more at agent i,",
                "           n_i = fed_i - drawn_i, y_N what all agents add to public flows,",
                "           R the public resistances                   prices; ours",
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
        Solve("cooperative", COOPERATIVE, _cooperative),
        _SAMPLE,
        Compute(
            "formation",
            results.formation,
            equations=(
                "What an agent gets in a partition into groups: its part of what its group",
                "gets, by division. Stable is a partition by the rule                 ours",
                "",
                "nash        nobody gains by going to another group, or alone",
                "individual  nobody gains by going to a group of which no member loses,",
                "            or alone",
                "core        no agents all gain as a group of their own",
                "",
                "Merging and splitting (Apt and Witzel 2009): from all alone, as long as no",
                "mover loses and one gains, by the move of the greatest gain.",
                "price_of_selfishness = losses of the worst stable partition over the least",
            ),
        ),
        _SETTLED,
    ),
    report=results.report("cooperative", "formation"),
    main="cooperative",
    labels=_labels,
)
