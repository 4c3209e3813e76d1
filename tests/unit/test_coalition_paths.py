"""Ad hoc trades along private paths: by hand, by their checks, and where no path is longer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from optimodels.case import load_case
from optimodels.families.coalition.data import Branches, Instance, read
from optimodels.families.coalition.parameters import AdHoc
from optimodels.families.coalition.trades import injections, traded, trades
from optimodels.grid import read_network
from optimodels.model import Inputs
from optimodels.study import solve

SMALL = Path(__file__).parents[2] / "cases" / "coalition" / "four-behaviours-33bus.yaml"


def chain(endowment: list[float], resistance: list[float], **given: Any) -> Instance:
    """Bus 0 is the grid; agents 1, 2, ... stand in a row, one private km between two."""
    n = len(endowment)
    own = np.array(endowment)
    lines = np.arange(1, n - 1)
    chosen = {"buy_tariff": 1.0, "sell_tariff": 0.5, "partners": "paths", "reach_km": None}
    return Instance(
        network=read_network("case33bw"), parameters=SimpleNamespace(**{**chosen, **given}),
        first=np.arange(n), demand=np.maximum(-own, 0.0), generation=np.maximum(own, 0.0),
        grid=np.array([0]), agents=np.arange(1, n),
        public=Branches(np.zeros(n - 1, int), np.arange(1, n), np.full(n - 1, 0.01),
                        np.full(n - 1, 100.0)),
        private=Branches(lines, lines + 1, np.array(resistance), np.full(n - 2, np.nan)),
        private_km=np.ones(n - 2), position=np.zeros((n, 2)),
    )  # fmt: skip


def test_three_in_a_row_by_hand() -> None:
    """The last wants 0.95 = 1 - 0.1 / 2: 1 flows to him, for which 1.05 comes to the one between,
    who keeps nothing of it: a - 0.2 a^2 / 2 = 1.05."""
    instance = chain([0.0, 5.0, 0.0, -0.95], [0.2, 0.1])
    flow = traded(instance)
    first = (1 - np.sqrt(1 - 2 * 0.2 * 1.05)) / 0.2
    assert flow == pytest.approx([first, 1.0], rel=1e-13)
    left = injections(instance, flow)
    assert left == pytest.approx([0.0, 5.0 - first - 0.1 * first**2, 0.0, 0.0], abs=1e-13)
    # Neighbours alone have nobody to trade with.
    assert traded(chain([0.0, 5.0, 0.0, -0.95], [0.2, 0.1], partners="neighbours")).any() == 0


def test_the_last_unit_along_a_path_just_pays() -> None:
    """Of a unit sold (1 - r a) / (1 + r a) comes out of each branch: 1/2 in all, at 0.5 for 1."""
    instance = chain([0.0, 50.0, 0.0, -50.0], [0.1, 0.1])
    one, two = traded(instance)
    assert one - 0.05 * one**2 == pytest.approx(two + 0.05 * two**2, rel=1e-12)
    out = [(1 - 0.1 * a) / (1 + 0.1 * a) for a in (one, two)]
    assert out[0] * out[1] == pytest.approx(0.5, rel=1e-12)
    # To first order in the losses, as one branch of both resistances.
    faint = traded(chain([0.0, 500.0, 0.0, -500.0], [0.1, 0.1], sell_tariff=0.999))
    assert faint == pytest.approx(np.full(2, 0.001 / (0.2 * 1.999)), rel=1e-3)


def test_counter_flow_takes_losses_away() -> None:
    """3 has sold to 2, nearest; then 1 sells to 4 the other way over the same branch, and more
    comes out of it than went in."""
    instance = replace(
        chain([0.0, 5.0, -1.0, 1.2, -1.0], [0.1, 0.2, 0.1]), private_km=np.array([1.0, 0.5, 1.0])
    )
    outcome = trades(instance)
    assert all(check.passed for check in outcome.checks)
    flow = outcome.arrays["private_flow"]
    left = injections(instance, flow)
    assert left[2:] == pytest.approx(0.0, abs=1e-12)
    sold = (1 - np.sqrt(1 - 2 * 0.2)) / 0.2
    rest = 1.2 - sold - 0.1 * sold**2
    went_in = flow[0] - 0.05 * flow[0] ** 2
    came_out = flow[2] + 0.05 * flow[2] ** 2 - rest
    assert came_out == pytest.approx(went_in + 0.2 * (sold**2 - flow[1] ** 2), rel=1e-12)
    assert came_out > went_in + 0.1


@pytest.mark.parametrize(("reach", "sees"), [(1.5, False), (2.0, True)])
def test_reach_is_that_of_the_whole_path(reach: float, sees: bool) -> None:
    flow = traded(chain([0.0, 5.0, 0.0, -0.95], [0.2, 0.1], reach_km=reach))
    assert bool(flow.all()) == bool(flow.any()) == sees


def test_pairs_without_others_between_trade_as_neighbours() -> None:
    """In a matching no path is longer than a branch."""
    given = AdHoc(partners="paths", density="1/sqrt(n)", endowment={"uniform": [0.0, 2.0]}, seed=3)
    instance = read(Inputs(given, read_network("case300")))
    taken: set[int] = set()
    kept = []
    for f, ends in enumerate(
        zip(instance.private.start.tolist(), instance.private.end.tolist(), strict=True)
    ):
        if not taken & set(ends):
            taken |= set(ends)
            kept.append(f)
    matched = replace(
        instance,
        private=instance.private.where(np.array(kept)),
        private_km=instance.private_km[kept],
    )
    direct = replace(matched, parameters=given.model_copy(update={"partners": "neighbours"}))
    assert np.abs(traded(direct)).max() > 0.1
    assert traded(matched) == pytest.approx(traded(direct), rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("seed", range(4))
def test_checks_hold_on_large_groups(seed: int) -> None:
    """Nobody on the way gains or loses, nobody trades beyond the want: from injections alone."""
    given = AdHoc(partners="paths", density="1/n", seed=seed, reach_km=None)
    instance = read(Inputs(given, read_network("case300")))
    outcome = trades(instance)
    assert all(check.passed for check in outcome.checks), outcome.checks
    own, left = instance.endowment, injections(instance, outcome.arrays["private_flow"])
    idle = own == 0
    assert left[idle] == pytest.approx(0.0, abs=1e-11)
    met = np.abs(left).sum()
    neighbours = replace(instance, parameters=given.model_copy(update={"partners": "neighbours"}))
    assert met < np.abs(injections(instance, traded(neighbours))).sum() < np.abs(own).sum()


def test_a_case_along_paths_is_verified() -> None:
    settings = ["model=coalition/ad-hoc", "parameters.partners=paths", "parameters.power_flow=none"]
    result = solve(load_case(SMALL, settings))
    assert result.verdict.status == "verified"
    assert "trades" in result.stages


def test_an_agent_whose_want_is_met_buys_nothing(cases: Path) -> None:
    """Not the 3e-17 pu that sums of its trades leave."""
    result = solve(load_case(cases / "coalition/eight-agents-ad-hoc.yaml"))
    agents = result.tables["agents"]
    assert agents[1]["import"] == 0
    assert agents[4]["export"] == 0
