"""Equilibria of groups against best replies, a second solver of them and closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimodels.arrays import Floats
from optimodels.families.coalition.game.core import least_core
from optimodels.families.coalition.game.data import microgrid
from optimodels.families.coalition.game.equilibrium import Equilibrium, equilibrium
from optimodels.families.coalition.game.group_equilibrium import FORMULATION, Groups
from optimodels.families.coalition.game.microgrid import (
    Microgrid,
    Partition,
    everyone_alone,
    partition_of,
)
from optimodels.families.coalition.game.outsiders import Equilibria, game, groups, idle, united
from optimodels.families.coalition.game.solution_concepts import excesses


def drawn(
    agents: int, seed: int, *, sell: float = 0.5, density: float = 0.7, line: float = 0.05
) -> Microgrid:
    """A tree of public lines from the grid, agents at its nodes, others' flow on it, and private
    branches at random."""
    rng = np.random.default_rng(seed)
    start, end = np.triu_indices(agents, 1)
    kept = rng.random(len(start)) < density
    above = [int(rng.integers(0, i)) for i in range(1, agents + 1)]
    flow = np.zeros((agents, agents))
    for agent in range(agents):
        node = agent + 1
        while node:
            flow[node - 1, agent] = -1.0
            node = above[node - 1]
    return Microgrid(
        endowment=rng.uniform(-1, 1, agents),
        start=start[kept],
        end=end[kept],
        resistance=rng.uniform(0.01, 0.04, int(kept.sum())),
        flow=flow,
        base_flow=rng.uniform(0, 0.5, agents),
        public_resistance=line * rng.uniform(0.2, 2, agents),
        buy=1.0,
        sell=sell,
        unit=1.0,
        number=np.arange(2, agents + 2),
    )


def bill(grid: Microgrid, group: int, exchange: Floats, own: Floats) -> float:
    """What a group pays, branch by branch: ``own`` (m,) are all flows on private branches."""
    inside = [i for i in range(grid.agents) if group >> i & 1]
    paid = sum(-exchange[i] * (grid.buy if exchange[i] < 0 else grid.sell) for i in inside)
    for f, (i, j) in enumerate(zip(grid.start, grid.end, strict=True)):
        if i in inside and j in inside:
            paid += grid.buy * grid.resistance[f] * own[f] ** 2
    for e, r in enumerate(grid.public_resistance):
        mine = sum(grid.flow[e, i] * exchange[i] for i in inside)
        paid += grid.buy * r * mine * (grid.base_flow[e] + grid.flow[e] @ exchange)
    return float(paid)


def flows(grid: Microgrid, found: Equilibrium) -> Floats:
    whole = np.zeros(len(grid.resistance))
    whole[found.branches] = found.flow
    return whole


PARTITIONS: list[Partition] = [
    (31,), (0b00111, 0b11000), (0b10101, 0b01010), everyone_alone(5), (0b01001, 0b00110, 0b10000)
]  # fmt: skip


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("sell", [1.0, 0.8, 0.0])
def test_no_group_would_send_anything_else(partition: Partition, sell: float) -> None:
    """A convex bill that rises along every branch and every random direction is at its least."""
    grid = drawn(5, seed=int(10 * sell), sell=sell)
    found = equilibrium(grid, partition)
    rng = np.random.default_rng(0)
    for place, group in enumerate(partition):
        now = bill(grid, group, found.exchange, flows(grid, found))
        assert found.payoff[place] == pytest.approx(-now, abs=1e-12)
        label = grid.group_of(partition)[grid.start[found.branches]]
        mine = np.flatnonzero(label == place)
        for _ in range(40 if len(mine) else 0):
            way = np.zeros(len(found.flow))
            way[mine] = rng.normal(size=len(mine))
            for step in (1e-4, 1e-2, 0.3):
                other = replace(found, flow=found.flow + step * way)
                exchange = grid.endowment - grid.incidence(found.branches) @ other.flow
                assert bill(grid, group, exchange, flows(grid, other)) >= now - 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_bills_and_payments_add_up_to_what_is_lost(seed: int) -> None:
    """All bills, and what others pay of the losses, are the energy at the tariff and the losses."""
    grid = drawn(5, seed)
    for partition in PARTITIONS:
        found, group = equilibrium(grid, partition), grid.group_of(partition)
        flow = grid.base_flow + grid.flow @ found.exchange
        others = grid.public_resistance @ (grid.base_flow * flow)
        metered = grid.tariff(found.exchange).sum()
        whole = metered + grid.buy * (found.losses - others)
        assert -found.payoff.sum() == pytest.approx(whole, abs=1e-12)
        by_group = np.bincount(group, found.agent_payoff)
        assert by_group == pytest.approx(found.payoff, abs=1e-11)
        assert abs(found.gap) < 1e-12
        assert found.regret < 1e-12


def test_one_private_branch_by_hand() -> None:
    """A producer and a consumer behind lines of their own: at the sales price both ways, the
    branch carries h where the losses are least: 2 r h = 2 R (1 - h) + 2 R (1 - h)."""
    one = np.array([0])
    grid = Microgrid(
        endowment=np.array([1.0, -1.0]), start=one, end=one + 1, resistance=np.array([0.03]),
        flow=np.eye(2), base_flow=np.zeros(2), public_resistance=np.full(2, 0.1),
        buy=1.0, sell=1.0, unit=1.0, number=np.array([2, 3]),
    )  # fmt: skip
    together = equilibrium(grid, (3,))
    h = 0.2 / 0.23
    assert together.flow == pytest.approx([h], abs=1e-14)
    assert together.losses == pytest.approx(0.03 * h**2 + 0.2 * (1 - h) ** 2)
    # With no resale at all, what is sent saves the buyer a whole unit: nothing is left over.
    alone = equilibrium(replace(grid, sell=0.0), (3,))
    assert alone.flow == pytest.approx([1.0], abs=1e-13)
    assert alone.exchange == pytest.approx([0.0, 0.0], abs=1e-13)


@pytest.mark.parametrize("seed", range(8))
def test_without_shared_lines_prices_support_everybody(seed: int) -> None:
    """Each agent with a public line of its own: a market game, whose core has Owen's payments, by
    each definition of outsiders, which then do not matter."""
    grid = drawn(5, seed, sell=(1.0, 0.7)[seed % 2], line=0.3)
    grid = replace(grid, flow=np.eye(5), base_flow=np.zeros(5))
    equilibria = Equilibria(grid)
    paid = equilibria((31,)).agent_payoff
    worths = [game(equilibria, o).table() for o in ("idle", "groups", "united", "cautious")]
    for other in worths[1:]:
        assert other == pytest.approx(worths[0], abs=1e-11)
    assert excesses(game(equilibria, "idle"), paid).max() < 1e-11


def test_with_shared_lines_there_need_be_no_core() -> None:
    """Two pairs that load the same line on which others feed two units back: each alone uses up
    what both could use only once."""
    ends = np.array([0, 2])
    far = np.array([1.0, 0.0, 1.0, 0.0])
    grid = Microgrid(
        endowment=np.array([-1.0, 1.0, -1.0, 1.0]), start=ends + 1, end=ends,
        resistance=np.full(2, 1e-6), flow=far[None, :], base_flow=np.array([-2.0]),
        public_resistance=np.array([1.0]), buy=1.0, sell=1.0, unit=1.0,
        number=np.arange(2, 6),
    )  # fmt: skip
    equilibria = Equilibria(grid)
    idle_game = game(equilibria, "idle")
    # A pair that feeds x by the line, where others feed -2 and the idle consumer -1, pays x (x - 3)
    # beside the energy, least at x = 3/2; both together (2 x) (2 x - 2), least at 2 x = 1.
    assert equilibria(idle(grid, 3)).exchange[0] == pytest.approx(1.5, abs=1e-5)
    assert equilibria((15,)).exchange[[0, 2]].sum() == pytest.approx(1.0, abs=1e-5)
    assert idle_game(3) == pytest.approx(2.25, abs=1e-5)
    assert idle_game(15) == pytest.approx(1.0, abs=1e-5)
    # Each pair could have 9/4, all together 1: 9/4 - 1/2 too much for each of them.
    found = least_core(idle_game)
    assert found.bound == pytest.approx(7 / 4, abs=1e-4)


def test_definitions_name_their_partitions() -> None:
    grid = replace(drawn(5, 1), start=np.array([0, 2, 1]), end=np.array([1, 3, 4]),
                   resistance=np.full(3, 0.02))  # fmt: skip
    assert idle(grid, 0b00001) == partition_of([1, 2, 4, 8, 16])
    assert groups(grid, 0b00001) == partition_of([0b00001, 0b10010, 0b01100])
    assert united(grid, 0b00001) == (0b00001, 0b11110)
    cautious = game(Equilibria(grid), "cautious")
    for other in ("idle", "groups", "united"):
        told = game(Equilibria(grid), other)
        assert all(cautious(s) <= told(s) for s in range(1, 32))


@pytest.mark.parametrize("sell", [1.0, 0.6])
def test_stated_program_has_the_same_answer_in_both_languages(sell: float) -> None:
    """Its optimum by other solvers; flows are as near as a relative gap of 1e-8 lets them be."""
    import cvxpy as cp
    import pyomo.environ as pyo

    grid = drawn(4, 2, sell=sell)
    for partition in ((15,), (0b0101, 0b1010)):
        data = Groups(grid, partition)
        own = FORMULATION.exact(data)  # type: ignore[misc]
        problem = FORMULATION.cvxpy(data)  # type: ignore[misc]
        problem.solve(solver=cp.CLARABEL)
        assert problem.value == pytest.approx(own.objective, rel=1e-7)
        model = FORMULATION.pyomo(data)  # type: ignore[misc]
        pyo.SolverFactory("scip_direct").solve(model)
        assert pyo.value(model.cost) == pytest.approx(own.objective, rel=1e-5)
        for name, values in own.values.items():
            found = next(v for v in problem.variables() if v.name() == name).value
            assert found == pytest.approx(np.asarray(values), abs=2e-3)


def test_microgrid_takes_its_losses_from_the_network() -> None:
    """Its loss matrix is the family's own, computed for all buses at once."""
    from optimodels.case import parse_case
    from optimodels.families.coalition.data import read
    from optimodels.families.coalition.groups import loss_matrix
    from optimodels.grid import read_network
    from optimodels.model import Inputs

    case = parse_case("model: coalition/payments\nname: x\n")
    instance = read(Inputs(case.parameters, read_network("case33bw")))
    grid = microgrid(instance)
    whole = loss_matrix(instance)
    agents = instance.agents
    assert grid.loss_matrix == pytest.approx(whole[np.ix_(agents, agents)] * grid.unit, rel=1e-9)
    others = np.where(np.isin(np.arange(instance.buses), agents), 0.0, instance.endowment)
    assert grid.base_losses == pytest.approx((whole @ others)[agents], rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_payments_by_prices_are_those_that_are_stated(seed: int) -> None:
    """e l + buy x (F' R y_N) + buy/2 of the losses at i, with y_N what agents add to public flows:
    with the whole flows, others' among them, the payments would not add up."""
    grid = drawn(5, seed)
    found = equilibrium(grid, (grid.everyone,))
    x, r = found.exchange, grid.public_resistance
    added = grid.flow @ x
    whole = grid.base_flow + added
    worth = found.price - grid.buy * grid.flow.T @ (r * (whole + added))
    lost = np.abs(grid.incidence(found.branches)) @ (
        grid.resistance[found.branches] * found.flow**2
    )
    rest = grid.endowment * worth + grid.buy / 2 * lost
    stated = rest + grid.buy * x * (grid.flow.T @ (r * added))
    assert found.agent_payoff == pytest.approx(stated, rel=1e-9, abs=1e-12)
    assert stated.sum() == pytest.approx(found.payoff.sum(), rel=1e-9)
    otherwise = rest + grid.buy * x * (grid.flow.T @ (r * whole))
    assert abs(otherwise.sum() - found.payoff.sum()) > 1e-4
