"""Reported figures of the coalition models, from the tables of the same result and by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimodels.case import load_case
from optimodels.families.coalition import parameters
from optimodels.families.coalition.data import read
from optimodels.families.coalition.groups import loss_matrix
from optimodels.grid import read_network
from optimodels.model import Inputs
from optimodels.result import Result
from optimodels.study import solve

CASES = Path(__file__).parents[2] / "cases" / "coalition"
FOUR = ("parameters.agents=[6,12,18,22]", "solver=exact")


def solved(name: str, *settings: str) -> Result:
    result = solve(load_case(CASES / f"{name}.yaml", list(settings)))
    assert result.verdict.status == "verified", result.verdict
    return result


def columns(result: Result, table: str) -> dict[str, Any]:
    """Each column of a table as an array."""
    rows = result.tables[table]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@pytest.mark.parametrize("generated", [1, 2])
@pytest.mark.parametrize("model", ["integrated", "cooperative", "self-interested", "ad-hoc"])
def test_losses_and_imports_are_those_of_the_flows(model: str, generated: int) -> None:
    """r y^2 of every branch; what is generated, used and lost leaves the import of bus 8, or with
    twice the generation its export, and what each agent draws or feeds."""
    result = solved(
        f"eight-agents-{model}",
        "parameters.power_flow=none",
        f"parameters.endowment={{case_dispatch: {generated}}}",
    )
    values, bus = result.values, columns(result, "agents")
    public, private = columns(result, "public_flows"), columns(result, "private_flows")
    ohmic = [0.3, 0.002, 0.2, 0.002, 0.002, 0.5, 0.1, 0.1, 0.5, 0.05]
    np.testing.assert_allclose(public["loss"], ohmic * public["flow"] ** 2, rtol=1e-12)
    np.testing.assert_allclose(private["loss"], [0.03, 0.01, 0.1] * private["flow"] ** 2)
    through = np.abs(private["flow"])
    np.testing.assert_allclose(private["sent"], through + private["loss"] / 2, rtol=1e-12)
    np.testing.assert_allclose(private["received"], through - private["loss"] / 2, rtol=1e-12)
    assert values["loss_public"] == pytest.approx(public["loss"].sum(), rel=1e-12)
    assert values["loss_private"] == pytest.approx(private["loss"].sum(), rel=1e-12)
    lost = public["loss"].sum() + private["loss"].sum()
    assert values["loss_total"] == pytest.approx(lost, rel=1e-12)
    assert values["private_energy"] == pytest.approx(through.sum(), rel=1e-12)
    # Losses are r y^2 to a solver's tolerance.
    net = bus["demand"].sum() - bus["generation"].sum() + lost
    assert values["import"] == pytest.approx(max(net, 0), abs=1e-6)
    assert values["export"] == pytest.approx(max(-net, 0), abs=1e-6)
    assert (net > 0) == (generated == 1)
    assert result.objective == pytest.approx(net if net > 0 else 0.8 * net, abs=1e-6)
    sent = np.zeros(8)
    for row in result.tables["private_flows"]:
        up = row["flow"] > 0
        sent[row["from"] - 1] += row["sent"] if up else -row["received"]
        sent[row["to"] - 1] -= row["received"] if up else -row["sent"]
    np.testing.assert_allclose(
        bus["export"] - bus["import"], bus["generation"] - bus["demand"] - sent, atol=1e-6
    )
    assert (np.minimum(bus["export"], bus["import"]) == 0).all()
    # Lines 1-2-3 and 4-5: two groups, and three alone.
    assert (values["groups"], values["largest_group"], values["private_edges"]) == (2, 3, 3)
    price = dict(zip(bus["bus"], bus["price"], strict=True))
    # Prices do not carry private trades that are settled before.
    tables = ["public_flows"] + ["private_flows"] * (model in ("integrated", "cooperative"))
    sums = [price[row["from"]] + price[row["to"]] for name in tables for row in result.tables[name]]
    assert values["smallest_price_sum"] == pytest.approx(min(sums), rel=1e-9)


def test_objections_are_by_worth_and_payment() -> None:
    """Three agents: the worths of singles and pairs stand in the tables; who objects most gains
    what it has more alone, and balanced weights w have sum w v(S) - (sum over S with i) v(N)."""
    result = solved("payments-without-core")
    values, agent, pair = result.values, columns(result, "agents"), columns(result, "balanced")
    paid = dict(zip(agent["bus"].tolist(), agent["payment"], strict=True))
    assert set(pair["coalition"]) == {"17 18", "17 33", "18 33"}
    members = [[int(bus) for bus in name.split()] for name in pair["coalition"]]
    np.testing.assert_allclose(
        pair["paid_by_prices"], [sum(paid[i] for i in of) for of in members], rtol=1e-9
    )
    objections = [*(agent["alone"] - agent["payment"]), *(pair["worth"] - pair["paid_by_prices"])]
    assert values["largest_objection_to_prices"] == pytest.approx(max(objections), rel=1e-9)
    assert max(objections) > 0
    assert values["prices_in_core"] is False
    grand = values["grand_coalition_value"]
    assert grand == pytest.approx(agent["payment"].sum(), rel=1e-9)
    assert values["gain_of_cooperation"] == pytest.approx(grand - agent["alone"].sum(), rel=1e-9)
    each = [sum(w for w, of in zip(pair["weight"], members, strict=True) if i in of) for i in paid]
    np.testing.assert_allclose(each, each[0], rtol=1e-12)
    bound = (pair["weight"] @ pair["worth"] - each[0] * grand) / pair["weight"].sum()
    assert values["least_core_epsilon_bound"] == pytest.approx(bound, rel=1e-6)
    assert values["least_core_epsilon"] == pytest.approx(bound, rel=1e-6)
    # All coalitions of three.
    assert (values["agents"], values["coalitions_asked"]) == (3, 7)


def test_partitions_say_which_is_best_and_worst() -> None:
    """Losses of the stable ones, alone and of all together, from the row of each partition."""
    result = solved("formation-33bus", *FOUR)
    values, each = result.values, columns(result, "partitions")
    rows = dict(zip(each["partition"], result.tables["partitions"], strict=True))
    for rule in ("nash", "individual", "core"):
        assert values[f"stable_{rule}"] == each[rule].sum() > 0
    stable = each["losses"][each["individual"]]
    assert 1 < len(stable) < len(rows) == values["partitions"] == values["equilibria"] == 15
    least = values["losses_cooperative"]
    expected = {
        "losses_alone": rows["6 | 12 | 18 | 22"]["losses"],
        "losses_one_group": rows["6 12 18 22"]["losses"],
        "losses_stable_least": stable.min(),
        "losses_stable_most": stable.max(),
        "price_of_selfishness_at_best": stable.min() / least,
        "price_of_selfishness": stable.max() / least,
        "price_of_merging": rows[values["merged_to"]]["losses"] / least,
    }
    assert {name: values[name] for name in expected} == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(each["over_least"], each["losses"] / least, rtol=1e-12)
    for row in rows.values():
        paid = [float(part) for part in row["payoffs"].split(" | ")]
        assert len(paid) == row["groups"] == row["partition"].count("|") + 1
        # Four digits of each.
        assert row["payoff_of_all"] == pytest.approx(sum(paid), abs=5e-4 * np.abs(paid).sum())
    way = result.tables["merging"]
    assert [row["step"] for row in way] == list(range(values["merge_steps"] + 1))
    assert way[0]["partition"] == "6 | 12 | 18 | 22"
    assert way[-1]["partition"] == values["merged_to"]
    assert values["merging_circles"] is False
    assert len({row["partition"] for row in way}) == len(way) > 1
    for row in way:
        assert row["losses"] == rows[row["partition"]]["losses"]


def test_alone_everybody_feeds_in_what_is_left() -> None:
    """No choice is left: injections e lose e'Q e, of which agent i pays e_i (Q e)_i beside the
    tariff of its own e_i."""
    result = solved("formation-33bus", *FOUR)
    given = load_case(CASES / "formation-33bus.yaml", list(FOUR)).parameters
    same = {name: getattr(given, name) for name in ("agents", "seed", "density", "endowment")}
    instance = read(Inputs(parameters.SelfInterested(**same), read_network("case33bw")))
    e, share = instance.endowment, loss_matrix(instance) @ instance.endowment
    assert result.values["losses_alone"] == pytest.approx(e @ share, rel=1e-9)
    at = instance.agents
    paid = np.where(e[at] < 0, given.buy_tariff, given.sell_tariff) * e[at]
    paid -= given.buy_tariff * e[at] * share[at]
    (row,) = (row for row in result.tables["partitions"] if row["groups"] == 4)
    assert [float(part) for part in row["payoffs"].split(" | ")] == pytest.approx(paid, rel=1e-3)
    assert row["payoff_of_all"] == pytest.approx(paid.sum(), rel=1e-9)
