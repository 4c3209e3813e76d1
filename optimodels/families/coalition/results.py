"""From points to what a reader wants: values by name and tidy tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.families.coalition.certificate import chosen
from optimodels.families.coalition.data import Branches, Instance
from optimodels.families.coalition.trades import injections
from optimodels.model import Answer, Done
from optimodels.result import Row, Solution

ARRANGED = (
    "reconstructed: of the poster only its words are left; models and data are our reading of them"
)


def private_flow(instance: Instance, done: Done) -> Floats:
    """Return the flow (f,) on private branches, pu, whoever decided it."""
    if "trades" in done.outcomes:
        return np.asarray(done.outcomes["trades"].arrays["private_flow"])
    stage = "groups" if "groups" in done.solutions else "dispatch"
    if not len(instance.private):
        return np.zeros(0)
    found = chosen(done, stage) if stage == "dispatch" else done.solution(stage)
    return np.asarray(found.arrays["private_flow"]) * instance.unit


def left_over(instance: Instance, done: Done) -> Floats:
    """Return what is left to be exchanged with the public network (n,), pu."""
    return injections(instance, private_flow(instance, done))


def flows(instance: Instance, done: Done) -> tuple[Floats, Floats, Floats]:
    """Return the flows (m,) on public and (f,) on private branches, and what the grid's buses
    import less what they export (k,), all in pu."""
    stage = "settlement" if "settlement" in done.solutions else "dispatch"
    found = chosen(done, stage).arrays
    net = np.asarray(found["imported"]) - np.asarray(found["exported"])
    flow = np.asarray(found["flow"])
    return flow * instance.unit, private_flow(instance, done), net * instance.unit


def answer(instance: Instance, done: Done) -> Answer:
    """Cost and losses, the flows, and what every agent exchanges at which price."""
    stage = "settlement" if "settlement" in done.solutions else "dispatch"
    main, unit = chosen(done, stage), instance.unit
    asked = done.solution(stage)
    flow, inside, net = flows(instance, done)
    public, private = instance.public, instance.private
    lost = public.resistance * flow**2
    lost_inside = private.resistance * inside**2
    sizes = np.bincount(instance.groups())
    values: dict[str, Any] = {
        "loss_total": float(lost.sum() + lost_inside.sum()),
        "loss_public": float(lost.sum()),
        "loss_private": float(lost_inside.sum()),
        "import": float(np.maximum(net, 0.0).sum()),
        "export": float(np.maximum(-net, 0.0).sum()),
        "private_edges": len(private),
        "private_energy": float(np.abs(inside).sum()),
        "groups": int(np.sum(sizes > 1)),
        "largest_group": int(sizes.max()),
    }
    notes = [ARRANGED, *instance.notes]
    for outcome in done.outcomes.values():
        values |= outcome.values
        notes += outcome.arrays.get("remarks", ())
    if main is not asked:
        notes.append(
            "surplus has no value, so that losses could be made up; solved again with a price of "
            "1e-2 on losses, and held against the bound of the first"
        )
    if values.get("ac_converged") is False:
        notes.append("the AC power flow of this dispatch does not converge: no losses to compare")
    traced = done.outcomes.get("tracing")
    return Answer(
        values,
        {
            "agents": _agents(instance, done, main),
            "public_flows": _branches(instance.number, public, flow, lost),
            "private_flows": _branches(
                instance.number, private, inside, lost_inside, instance.private_km
            ),
            **(traced.arrays if traced else {}),
        },
        tuple(notes),
        objective=instance.cost(net),
        bound=None if asked.bound is None else asked.bound * unit,
    )


def _agents(instance: Instance, done: Done, main: Solution) -> list[Row]:
    exchange = left_over(instance, done)
    label = instance.groups()
    price = np.asarray(main.duals.get("balance", np.full(instance.buses, np.nan)))
    return [
        {
            "bus": int(instance.number[i]),
            "group": int(label[i]) + 1,
            "demand": float(instance.demand[i]),
            "generation": float(instance.generation[i]),
            "import": float(max(-exchange[i], 0.0)),
            "export": float(max(exchange[i], 0.0)),
            "price": float(price[i]) if np.isfinite(price[i]) else None,
        }
        for i in range(instance.buses)
    ]


def _branches(
    number: Ints, branches: Branches, flow: Floats, lost: Floats, km: Floats | None = None
) -> list[Row]:
    rows: list[Row] = []
    for e in range(len(branches)):
        row: Row = {
            "from": int(number[branches.start[e]]),
            "to": int(number[branches.end[e]]),
            "flow": float(flow[e]),
            "loss": float(lost[e]),
        }
        if km is not None:
            # Half of the loss is at the sender's end, half at the receiver's.
            through, half = abs(float(flow[e])), float(lost[e]) / 2
            row |= {"sent": through + half, "received": through - half, "km": float(km[e])}
        rows.append(row)
    return rows
