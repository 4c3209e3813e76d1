"""What each model of the family does, as a short list of stages."""

from __future__ import annotations

import numpy as np

from optimodels.families.flexibility import (
    aggregator_mapping,
    discrete_shift,
    results,
    self_sustainability,
    shiftable_loads,
    spin_assignment,
)
from optimodels.families.flexibility.agents import evaluate
from optimodels.families.flexibility.data import FlexibilityData, read
from optimodels.families.flexibility.network_state import power_flows
from optimodels.families.flexibility.subset_sum import all_balanced_ternary
from optimodels.model import Compute, Done, Outcome, Program, Solve


def _spins(data: FlexibilityData, done: Done) -> dict[tuple[int, int], spin_assignment.Spins]:
    """One problem per pair of customers and magnetisation: buses of one pair share the answer."""
    m = results.whole(done.solution("balance"))
    pairs = sorted({(int(n), int(s)) for n, s in zip(data.customers, m, strict=True)})
    return {pair: spin_assignment.Spins(*pair) for pair in pairs}


def _labels(data: FlexibilityData) -> dict[str, list[int]]:
    """Buses by their number in the network; hours and aggregators count from 1."""
    return {"bus": (data.buses + 1).tolist()}


def _optima(data: FlexibilityData, done: Done) -> Outcome | None:
    if not data.parameters.enumerate:
        return None
    load, sense = data.load.tolist(), data.parameters.sense
    optima = all_balanced_ternary(load, sense, data.parameters.most_optima)
    return results.optima_outcome(data, optima, done.solution("balance").objective or 0.0)


def _mapping_agents(data: FlexibilityData, done: Done) -> Outcome:
    chosen = results.assigned(done.solution("mapping"))
    full = np.ones(len(data.buses))
    return evaluate(data, full, chosen, aggregator_mapping.multipliers(data))


def _balanced(data: FlexibilityData, done: Done) -> Outcome:
    return evaluate(data, results.whole(done.solution("balance")))


_BALANCE = Solve(
    "balance",
    self_sustainability.FORMULATION,
    lambda data, done: {"": self_sustainability.instance(data)},
)

SHIFTABLE_LOADS = Program(
    read=read,
    stages=(
        Solve(
            "shift",
            shiftable_loads.FORMULATION,
            lambda data, done: {"": shiftable_loads.instance(data)},
        ),
        Solve(
            "discrete",
            discrete_shift.FORMULATION,
            lambda data, done: discrete_shift.instances(data),
            required=False,
            solver="exact",
        ),
        Compute(
            "agents",
            lambda data, done: evaluate(data, done.solution("shift").arrays["magnetisation"]),
        ),
        Compute(
            "network",
            lambda data, done: power_flows(data, done.solution("shift").arrays["magnetisation"]),
        ),
    ),
    report=results.shiftable_loads,
    main="shift",
    labels=_labels,
)

SELF_SUSTAINABILITY = Program(
    read=read,
    stages=(
        _BALANCE,
        Compute("optima", _optima),
        Compute("agents", _balanced),
        Compute(
            "network",
            lambda data, done: power_flows(data, results.whole(done.solution("balance"))),
        ),
    ),
    report=results.self_sustainability,
    main="balance",
    labels=_labels,
)

SPIN_ASSIGNMENT = Program(
    read=read,
    stages=(
        _BALANCE,
        Solve("spins", spin_assignment.FORMULATION, _spins, required=False),
        Compute("agents", _balanced),
    ),
    report=results.spin_assignment,
    main="balance",
    labels=_labels,
)

AGGREGATOR_MAPPING = Program(
    read=read,
    stages=(
        Solve(
            "mapping",
            aggregator_mapping.FORMULATION,
            lambda data, done: {"": aggregator_mapping.instance(data)},
        ),
        Compute("agents", _mapping_agents),
    ),
    report=results.aggregator_mapping_answer,
    main="mapping",
    labels=_labels,
)
