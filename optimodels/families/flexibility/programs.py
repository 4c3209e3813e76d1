"""What each model of the family does, as a short list of stages."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from optimodels.families.flexibility import (
    agents,
    aggregator_mapping,
    discrete_shift,
    network_state,
    results,
    spin_assignment,
    subset_sum,
)
from optimodels.families.flexibility import self_sustainability as balancing
from optimodels.families.flexibility import shiftable_loads as shifting
from optimodels.families.flexibility.data import FlexibilityData, read
from optimodels.families.flexibility.parameters import SelfSustainability, ShiftableLoads
from optimodels.model import Compute, Done, Outcome, Program, Solve


def _spins(data: FlexibilityData, done: Done) -> dict[spin_assignment.Spins, spin_assignment.Spins]:
    m = results.whole(done.solution("balance"))
    pairs = {(int(n), int(s)) for n, s in zip(data.customers, m, strict=True)}
    return {spins: spins for spins in (spin_assignment.Spins(*pair) for pair in sorted(pairs))}


def _labels(data: FlexibilityData) -> dict[str, list[int]]:
    """Buses by their number in the network; hours and aggregators count from 1."""
    return {"bus": (data.buses + 1).tolist()}


def _optima(data: FlexibilityData, done: Done) -> Outcome:
    load, sense = data.load.tolist(), data.parameters.sense
    optima = subset_sum.all_balanced_ternary(load, sense, data.parameters.most_optima)
    return results.optima_outcome(data, optima, done.solution("balance").objective or 0.0)


def _shifting_agents(data: FlexibilityData, done: Done) -> Outcome:
    return agents.evaluate(data, done.solution("shift").arrays["magnetisation"])


def _balanced_agents(data: FlexibilityData, done: Done) -> Outcome:
    return agents.evaluate(data, results.whole(done.solution("balance")))


def _mapped_agents(data: FlexibilityData, done: Done) -> Outcome:
    chosen = results.assigned(done.solution("mapping"))
    full = np.ones(len(data.buses))
    return agents.evaluate(data, full, chosen, aggregator_mapping.multipliers(data))


def _shifted_network(data: FlexibilityData, done: Done) -> Outcome:
    return network_state.power_flows(data, done.solution("shift").arrays["magnetisation"])


def _balanced_network(data: FlexibilityData, done: Done) -> Outcome:
    return network_state.power_flows(data, results.whole(done.solution("balance")))


def _network(run: Callable[[FlexibilityData, Done], Outcome]) -> Compute:
    return Compute("network", run, network_state.EQUATIONS, network_state.asked)


_SHIFT = Solve("shift", shifting.FORMULATION, lambda data, done: {"": shifting.instance(data)})
_DISCRETE = Solve(
    "discrete",
    discrete_shift.FORMULATION,
    lambda data, done: discrete_shift.instances(data),
    required=False,
    solver="exact",
)
_BALANCE = Solve(
    "balance", balancing.FORMULATION, lambda data, done: {"": balancing.instance(data)}
)


def shiftable_loads(parameters: ShiftableLoads) -> Program:
    """The LP; on request whole customers, and the network's state."""
    stages: list[Solve | Compute] = [_SHIFT]
    if parameters.discrete:
        stages.append(_DISCRETE)
    stages.append(Compute("agents", _shifting_agents, agents.EQUATIONS))
    if parameters.power_flow != "none":
        stages.append(_network(_shifted_network))
    return Program(read, stages, results.shiftable_loads, "shift", _labels)


def self_sustainability(parameters: SelfSustainability) -> Program:
    """The ILP; on request all of its optima, and the network's state."""
    stages: list[Solve | Compute] = [_BALANCE]
    if parameters.enumerate:
        stages.append(Compute("optima", _optima, subset_sum.EQUATIONS))
    stages.append(Compute("agents", _balanced_agents, agents.EQUATIONS))
    if parameters.power_flow != "none":
        stages.append(_network(_balanced_network))
    return Program(read, stages, results.self_sustainability, "balance", _labels)


SPIN_ASSIGNMENT = Program(
    read=read,
    stages=(
        _BALANCE,
        Solve("spins", spin_assignment.FORMULATION, _spins, required=False),
        Compute("agents", _balanced_agents, agents.EQUATIONS),
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
        Compute("agents", _mapped_agents, agents.EQUATIONS),
    ),
    report=results.aggregator_mapping_answer,
    main="mapping",
    labels=_labels,
)
