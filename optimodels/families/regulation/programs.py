"""What each model of the family does, as a short list of stages."""

from __future__ import annotations

from optimodels.families.regulation.market.checks import EXACT, Point, checks
from optimodels.families.regulation.market.data import Auction, read
from optimodels.families.regulation.market.results import market_clearing as _report
from optimodels.families.regulation.parameters import MarketClearing
from optimodels.families.regulation.physics.programs import (
    FREQUENCY_RESPONSE as FREQUENCY_RESPONSE,
)
from optimodels.families.regulation.physics.programs import (
    REGULATION_COST as REGULATION_COST,
)
from optimodels.families.regulation.sharing import allocation
from optimodels.families.regulation.sharing import results as sharing
from optimodels.model import Answer, Compute, Done, Outcome, Program, Solve


def market_clearing(parameters: MarketClearing) -> Program:
    """The auction by the method asked for; the root of the curves beside it in any case."""
    return Program(
        read=read, stages=(Compute("root", _root, _CROSSING),), report=_answer, main="root"
    )


_CROSSING = (
    "S(p) = q_w + (q_m - q_w) u / (1 + u),  u = ((p - c0) / c1)^(1/c2)   supply",
    "Q(p) = Q_U + Q_R / (1 + exp(2 eta (1 - p / P_A)))                   demand",
    "S(P_C) = Q(P_C) + must-run demand;    step bids in part at their own price",
    "R_S = dP/dq of supply,  R_D = 1 / |dQ/dp|                  marginal prices",
    "several areas: one price on both ends of a line, or the line is full",
)


def _root(auction: Auction, done: Done) -> Outcome:
    found = checks(auction, _point(auction), EXACT)
    return Outcome("closed form", found, {}, {}, by="certificate")


def _point(auction: Auction) -> Point:
    root = auction.root
    return Point(root.supplied, root.bought, root.price, root.flow)


def _answer(auction: Auction, done: Done) -> Answer:
    return _report(auction, _point(auction), [])


PARTICIPATION = Program(
    read=allocation.read,
    stages=(
        Solve("share", allocation.FORMULATION, lambda asked, done: {"": asked}),
        Compute(
            "closed form",
            sharing.closed_form,
            equations=("rho_i = min(lambda R / R_i, cap_i / |dQ|),  sum_i rho_i = 1 gives lambda",),
        ),
    ),
    report=sharing.report,
    main="share",
    labels=lambda asked: {"resource": asked.names},
)
