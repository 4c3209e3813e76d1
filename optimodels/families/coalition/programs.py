"""What each model of the family does, as a short list of stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from optimodels.families.coalition import (
    certificate,
    groups,
    network_state,
    path_trades,
    results,
    tracing,
    trades,
)
from optimodels.families.coalition.data import Instance, read
from optimodels.families.coalition.dispatch import Dispatch, dispatch
from optimodels.families.coalition.formulations import FORMULATIONS
from optimodels.families.coalition.game import programs as game
from optimodels.families.coalition.parameters import (
    AdHoc,
    Coalition,
    Cooperative,
    Integrated,
    SelfInterested,
)
from optimodels.model import Compute, Done, Outcome, Program, Solve, Stage


def _together(physics: bool) -> Callable[[Instance, Done], Dispatch]:
    return lambda instance, done: dispatch(instance, physics=physics)


def _settled(instance: Instance, done: Done) -> Dispatch:
    left = results.left_over(instance, done)
    return dispatch(instance, physics=True, injection=left, private=False)


def _program(
    parameters: Coalition,
    kind: str,
    problem: Callable[[Instance, Done], Dispatch],
    before: tuple[Stage, ...] = (),
) -> Program:
    """The stages before, the dispatch or settlement, its certificate, the AC power flow."""
    name = "settlement" if kind == "settlement" else "dispatch"

    def mended(instance: Instance, done: Done) -> dict[str, Dispatch]:
        asked = problem(instance, done)
        if certificate.is_tight(asked, done.solution(name)):
            return {}
        # Where imports cost nothing, any price does.
        price = certificate.LOSS_PRICE * (asked.import_price or 1.0)
        return {"": replace(asked, loss_price=price)}

    def certified(instance: Instance, done: Done) -> Outcome:
        own = None
        if done.solutions.get("groups"):
            own = groups.groups(instance), done.solution("groups")
        return certificate.tightness(problem(instance, done), name, done, own)

    def traced(instance: Instance, done: Done) -> Outcome | None:
        # Losses that are made up are used by nobody.
        if not all(check.passed for check in done.outcomes["tightness"].checks):
            return None
        return tracing.trace(instance, *results.flows(instance, done))

    return Program(
        read=read,
        stages=(
            *before,
            Solve(
                name,
                FORMULATIONS[kind][parameters.losses],
                lambda instance, done: {"": problem(instance, done)},
            ),
            Solve("mended", FORMULATIONS[kind]["mended"], mended, required=False),
            Compute("tightness", certified, certificate.EQUATIONS),
            Compute(
                "power flow",
                lambda instance, done: network_state.power_flow(
                    instance, results.left_over(instance, done)
                ),
                network_state.EQUATIONS,
                asked=lambda instance: instance.parameters.power_flow != "none",
            ),
            Compute(
                "tracing",
                traced,
                tracing.EQUATIONS,
                asked=lambda instance: instance.buses <= tracing.MOST_BUSES,
            ),
        ),
        report=results.answer,
        main=name,
        labels=_labels,
    )


def _labels(instance: Instance) -> dict[str, list[Any]]:
    """Buses by their number in the network, branches by those of their ends."""
    number = instance.number

    def pairs(branches: Any) -> list[str]:
        ends = zip(number[branches.start], number[branches.end], strict=True)
        return [f"{i}-{j}" for i, j in ends]

    joined = np.unique(np.concatenate([instance.private.start, instance.private.end]))
    return {
        "bus": number.tolist(),
        "branch": pairs(instance.public),
        "lossy branch": pairs(instance.public.where(instance.public.resistance > 0)),
        "private branch": pairs(instance.private),
        "grid bus": number[instance.grid].tolist(),
        "agent": number[joined].tolist(),
    }


def integrated(parameters: Integrated) -> Program:
    """One owner of everything, and no physics."""
    return _program(parameters, "integrated", _together(physics=False))


def cooperative(parameters: Cooperative) -> Program:
    """One owner of everything."""
    return _program(parameters, "cooperative", _together(physics=True))


def self_interested(parameters: SelfInterested) -> Program:
    """Groups first, the public network with what they leave."""
    formulation = groups.OWN_LOSS if parameters.rule == "own-loss" else groups.TARIFF

    def problem(instance: Instance, done: Done) -> dict[str, groups.Groups]:
        return {"": groups.groups(instance)} if len(instance.private) else {}

    return _program(parameters, "settlement", _settled, (Solve("groups", formulation, problem),))


def ad_hoc(parameters: AdHoc) -> Program:
    """Trades first, the public network with what they leave."""
    equations = path_trades.EQUATIONS if parameters.partners == "paths" else trades.EQUATIONS
    traded = Compute("trades", lambda instance, done: trades.trades(instance), equations)
    return _program(parameters, "settlement", _settled, (traded,))


PAYMENTS, FORMATION = game.PAYMENTS, game.FORMATION
