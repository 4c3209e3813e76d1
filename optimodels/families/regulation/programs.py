"""What each model of the family does, as a short list of stages."""

from __future__ import annotations

from functools import partial
from typing import Any

from optimodels.families.regulation.market.blocks import STEPS, STRAIGHT
from optimodels.families.regulation.market.checks import (
    EXACT,
    Point,
    agreement,
    checks,
    settled,
)
from optimodels.families.regulation.market.data import Auction, read
from optimodels.families.regulation.market.entropy import ENTROPY
from optimodels.families.regulation.market.results import market_clearing as clearing_answer
from optimodels.families.regulation.market.rounds import Method, first_round, next_round
from optimodels.families.regulation.parameters import MarketClearing
from optimodels.families.regulation.physics.programs import (
    FREQUENCY_RESPONSE as FREQUENCY_RESPONSE,
)
from optimodels.families.regulation.physics.programs import (
    REGULATION_COST as REGULATION_COST,
)
from optimodels.families.regulation.sharing import allocation
from optimodels.families.regulation.sharing import results as sharing
from optimodels.model import Answer, Compute, Done, Formulation, Outcome, Program, Solve

_WAYS: dict[Method, Formulation[Any]] = {"steps": STEPS, "pieces": STRAIGHT, "cone": ENTROPY}

_CROSSING = (
    "003, sections 3.1, 3.2, 3.4; formulas lost in print: supply as we read it,",
    "demand, thermostats recovered from other texts by its author. In each area,",
    "S(p), Q(p) MW offered and asked for at the price p, $/MWh:",
    "supply       S = q_w + (q_m - q_w) u / (1 + u), u = ((p - c0) / c1)^(1/c2)",
    "             from c0 on; the wind q_w from 0 on                         ours",
    "             c0, $/MWh: price at q_w; c1, $/MWh: scaling; c2: exponent;",
    "             q_m: capacity, which is never reached",
    "demand       Q = Q_U + Q_R / (1 + exp(2 eta (1 - p / P_A))), Q_U, Q_R, P_A,",
    "             eta: unresponsive, responsive, mean_price, elasticity, which is",
    "             below 0: Q falls as p rises",
    "thermostats  a house with air of T_a degrees C bids",
    "             P_A + k P_D (T_a - T_D) / (T_M - T_D),",
    "             P_D, k: price_deviation, comfort; T_D, T_M: desired, maximum;",
    "             T_a is spread over houses as a logistic distribution",
    "bids         each trades at its price, there also in part",
    "price        S(price) + flows in - flows out = quantity",
    "                    = Q(price) + must_run_demand;  of several the mean  ours",
    "lines        one price at both ends, or the line is full",
    "supply_slope dp/dS,  demand_slope 1 / |dQ/dp|,  $/(MW^2 h)",
    "welfare      value of what responds less cost of supply: integrals, $/h",
)

_AGREEMENT = (
    "Held to 1e-5 against the curves themselves: balances and limits; price",
    "between the curves' own at the quantities; welfare against the sum of",
    "surpluses at the price of root, which no clearing exceeds; price and",
    "quantities against root's                                 derived (duality)",
)


#: Tolerances by which an answer may miss the curves before it is called wrong.
_NEAR = 100.0
#: What Clarabel is held to: at its own 1e-8, prices of the cones, whose units do not shrink with
#: the rounds, may be 1e-4 off the curves.
_TIGHT = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), 1e-11)


def market_clearing(parameters: MarketClearing) -> Program:
    """The auction by the method asked for; the root of the curves stands beside it in any case."""
    stages: list[Solve | Compute] = [Compute("root", _root, _CROSSING)]
    for method in _methods(parameters):
        stages += _way(method, alone=parameters.method == method)
    return Program(
        read=read,
        stages=stages,
        report=partial(_answer, parameters),
        main="root" if parameters.method == "all" else parameters.method,
        labels=lambda auction: {
            "area": auction.names,
            "line": auction.lines,
            "area with a curve": auction.curved,
        },
    )


def _methods(parameters: MarketClearing) -> list[Method]:
    """The methods that are solved: of all those that these curves have."""
    if parameters.method != "all":
        return [way for way in _WAYS if way == parameters.method]
    curved = {"pieces": parameters.curved, "cone": parameters.logistic}
    return [way for way in _WAYS if curved.get(way, True)]


def _way(method: Method, alone: bool) -> list[Solve | Compute]:
    """A method's rounds, and what their last answer is held to."""
    # Beside others only the steps are for the case's solver: few take cones, and HiGHS' method for
    # QPs may cycle without end where bids stand beside curves.
    ours = method != "steps" and not alone

    def agrees(auction: Auction, done: Done) -> Outcome | None:
        if done.solution(method).verdict.status != "verified":
            # Its verdict says so already; that it is far from the curves is no news.
            return None
        found = agreement(auction, _claimed(done, method))
        # A little beside the curves is what a solver's tolerance leaves, and no false claim.
        near = all(check.value <= _NEAR * check.tolerance for check in found)
        return Outcome("equilibrium", found, {}, {}, by="certificate",
                       failed="unverified" if near else "refuted")  # fmt: skip

    return [
        Solve(
            method,
            _WAYS[method],
            lambda auction, done: {"": first_round(auction, method)},
            solver="clarabel" if ours else None,
            options=_TIGHT if ours else {},
            refine=next_round,
        ),
        Compute(f"{method} against the curves", agrees, _AGREEMENT),
    ]


def _root(auction: Auction, done: Done) -> Outcome:
    found = checks(auction, _of_root(auction), EXACT)
    return Outcome("closed form", found, {}, {}, by="certificate")


def _of_root(auction: Auction) -> Point:
    root = auction.root
    return Point(root.supplied, root.bought, root.price, root.flow)


def _claimed(done: Done, method: str) -> Point:
    """What a method's last answer says; it is required, so there is one."""
    solution = done.solution(method)
    found: Point = solution.instance.point(solution)
    return found


def _answer(parameters: MarketClearing, auction: Auction, done: Done) -> Answer:
    ways = {"root": _of_root(auction)}
    ways |= {method: _claimed(done, method) for method in _methods(parameters)}
    named = settled(auction, ways.get(parameters.method, ways["root"]))
    return clearing_answer(auction, named, ways)


PARTICIPATION = Program(
    read=allocation.read,
    stages=(
        Solve("share", allocation.FORMULATION, lambda asked, done: {"": asked}),
        Compute(
            "closed form",
            sharing.closed_form,
            equations=(
                "rho_i = min(lambda R / R_i, cap_i / |dQ|),  sum_i rho_i = 1 gives lambda,",
                "by halving; shares are held to these rho_i, price to lambda R dQ    derived",
            ),
        ),
    ),
    report=sharing.report,
    main="share",
    labels=lambda asked: {"resource": asked.names},
)
