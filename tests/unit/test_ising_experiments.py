"""The experiments against enumeration, closed forms and plain counting in exact numbers."""

from __future__ import annotations

import itertools
import math
import statistics
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimodels.case import parse_case
from optimodels.errors import CaseError
from optimodels.families.ising import ensemble, recount
from optimodels.families.ising.data import Society, read
from optimodels.families.ising.experiments.phase_transition import susceptibility
from optimodels.families.ising.preparation import prepare
from optimodels.model import Done, Inputs
from optimodels.result import Result
from optimodels.study import Ledger, case_request, open_study, solve

EDGES = "from,to\n1,2\n2,3\n3,4\n4,1\n2,4\n5,1\n"


def text(model: str, parameters: str, network: str = "case33bw") -> str:
    return f"model: ising/{model}\nnetwork: {network}\nparameters: {{{parameters}}}\n"


def result(model: str, parameters: str, folder: Path | str = ".") -> Result:
    return solve(parse_case(text(model, parameters), folder=folder))


def society(parameters: str = "", network: str = "case33bw", folder: Path | str = ".") -> Society:
    case = parse_case(text("decorrelation", parameters, network), folder=folder)
    data: Society = open_study(case, case_request(case), Ledger())[1]
    return data


def random_spins(replicas: int, sites: int) -> np.ndarray:
    drawn = np.random.default_rng(5).integers(0, 2, (replicas, sites))
    return (2 * drawn - 1).astype(np.int8)


def plainly(of: Society, spins: Any, bonds: list[tuple[int, int]]) -> tuple[int, int, Fraction]:
    """M, sum of s_i s_j and C of one state, in Python's own numbers."""
    s = [int(x) for x in spins]
    loads, bus = of.customers.load_kw.tolist(), of.bus.tolist()
    c = Fraction(0)
    for b, load in enumerate(loads):
        own = [s[i] for i in range(len(s)) if bus[i] == b]
        c += Fraction(load, sum(loads)) * Fraction(sum(own), len(own))
    return sum(s), sum(s[i] * s[j] for i, j in bonds), c


def square_bonds(of: Society) -> list[tuple[int, int]]:
    """Neighbours on the lattice, found place by place."""
    square = of.square
    assert square is not None
    place = {(r, c): int(i) for (r, c), i in np.ndenumerate(square) if i >= 0}
    return [
        (i, place[other])
        for (r, c), i in place.items()
        for other in ((r + 1, c), (r, c + 1))
        if other in place
    ]


@pytest.mark.parametrize("parameters", ["", "kilowatts_per_customer: 40"])
def test_states_are_counted_as_by_hand(parameters: str) -> None:
    """On a full square, and on one whose last row is not filled."""
    of = society(parameters)
    spins = random_spins(3, of.sites)
    bonds = square_bonds(of)
    assert len(bonds) == len(of.graph.bonds)
    found = recount.count(of, spins)
    assert found.constraint is not None
    for r in range(3):
        m, agreement, c = plainly(of, spins[r], bonds)
        assert (found.magnetisation[r], found.agreement[r]) == (m, agreement)
        assert Fraction(found.constraint[r], of.scale) == c
        assert found.energy(0.25)[r] == -agreement - 0.25 * m
    weights = of.weights
    assert weights is not None
    assert (spins.astype(np.int64) @ weights).tolist() == found.constraint


def test_states_are_counted_within_aggregators() -> None:
    of = society()
    mapping = np.arange(32) % 3
    cut = of.bounded(mapping)
    label = mapping[of.bus]
    bonds = [(i, j) for i, j in square_bonds(of) if label[i] == label[j]]
    assert 0 < len(bonds) == len(cut.graph.bonds) < len(of.graph.bonds)
    spins = random_spins(2, of.sites)
    found = recount.count(cut, spins)
    assert found.agreement.tolist() == [plainly(of, s, bonds)[1] for s in spins]


def test_states_are_counted_on_a_social_network(tmp_path: Path) -> None:
    (tmp_path / "friends.csv").write_text(EDGES)
    of = society("graph: {csv: friends.csv}, customers: none", folder=tmp_path)
    bonds = [(0, 1), (1, 2), (2, 3), (3, 0), (1, 3), (4, 0)]
    spins = random_spins(4, 5)
    assert of.sites == 5
    expected = [sum(int(s[i]) * int(s[j]) for i, j in bonds) for s in spins]
    assert recount.count(of, spins).agreement.tolist() == expected
    assert recount.count(of, spins).constraint is None


def test_square_is_filled_bus_by_bus() -> None:
    """289 customers on 17 x 17; every bus is one connected region."""
    import networkx as nx

    of = society()
    assert of.square is not None
    assert of.square.shape == (17, 17)
    assert of.sites == 289
    graph = nx.Graph(square_bonds(of))
    for b, members in enumerate(of.customers.customers):
        own = np.flatnonzero(of.bus == b)
        assert len(own) == members
        assert nx.is_connected(graph.subgraph(own.tolist()))


def test_weights_that_do_not_fit_are_fractions_of_the_load() -> None:
    """Many different numbers of customers have no small common multiple; C stays exact."""
    of = society("kilowatts_per_customer: 1000", "case118")
    assert of.scale > 2**61
    weights = of.weights
    assert weights is not None
    assert weights.dtype.kind == "f"
    up = np.ones((1, of.sites), dtype=np.int8)
    assert recount.constraint(of, up) == [of.scale]
    assert float(weights.sum()) == pytest.approx(1, abs=1e-12)
    parameters = "kilowatts_per_customer: 1000, steps: 200, replicas: 2, points: 2"
    found = solve(parse_case(text("decorrelation", parameters, "case118")))
    assert found.verdict.status == "verified"


def enumerated(bonds: list[tuple[int, int]], n: int, t: float, h: float) -> dict[str, float]:
    """Means of the Boltzmann distribution over all states."""
    states = list(itertools.product((-1, 1), repeat=n))
    energy = [-sum(s[i] * s[j] for i, j in bonds) - h * sum(s) for s in states]
    least = min(energy)
    weight = [math.exp(-(e - least) / t) for e in energy]
    z = math.fsum(weight)
    return {
        "energy_per_site": math.fsum(w * e for w, e in zip(weight, energy, strict=True)) / z / n,
        "magnetisation": math.fsum(w * sum(s) for w, s in zip(weight, states, strict=True)) / z / n,
        "absolute_magnetisation": math.fsum(
            w * abs(sum(s)) for w, s in zip(weight, states, strict=True)
        ) / z / n,
    }  # fmt: skip


@pytest.mark.parametrize("update", ["random-site", "sweep"])
@pytest.mark.parametrize("average_over", [0, 500])
def test_long_runs_are_distributed_as_boltzmann_says(
    tmp_path: Path, update: str, average_over: int
) -> None:
    """Within five standard errors; nothing is tuned, only the run is long."""
    (tmp_path / "friends.csv").write_text(EDGES)
    bonds = [(0, 1), (1, 2), (2, 3), (3, 0), (1, 3), (4, 0)]
    found = result(
        "phase-transition",
        "graph: {csv: friends.csv}, customers: none, temperature: [1.5, 4], field: [0.3, -1], "
        f"steps: 1000, replicas: 400, update: {update}, average_over: {average_over}",
        tmp_path,
    )
    assert found.verdict.status == "verified"
    assert len(found.tables["curve"]) == 4
    for row in found.tables["curve"]:
        exact = enumerated(bonds, 5, row["temperature"], row["field"])
        for name, value in exact.items():
            assert abs(row[name] - value) < 5 * row[f"{name}_standard_error"], (name, row)


def test_standard_errors_are_those_of_independent_replicas() -> None:
    values = np.array([0.25, -1.0, 3.5, 0.125])
    mean, error = ensemble.mean_and_error(values)
    assert mean == statistics.mean(values.tolist())
    assert error == pytest.approx(statistics.stdev(values.tolist()) / 2, rel=1e-14)
    assert ensemble.mean_and_error(values[:1]) == (0.25, None)


@pytest.mark.parametrize("sites", [5, 16, 289])
def test_accepted_of_one_sweep_are_the_customers_who_changed(tmp_path: Path, sites: int) -> None:
    """Every site is asked once; places that fill up blocks of the engine's are no customers."""
    (tmp_path / "friends.csv").write_text(EDGES)
    graph = {5: "{csv: friends.csv}", 16: "{rows: 4, columns: 4}", 289: "null"}[sites]
    of = society(f"graph: {graph}, customers: {'network' if sites == 289 else 'none'}, "
                 "update: sweep, replicas: 100", folder=tmp_path)  # fmt: skip
    assert of.sites == sites
    start = random_spins(100, sites)
    one = ensemble.run(of, ensemble.dynamics(of, 1.5, 0.3, "metropolis"), start, (0,), steps=sites)
    assert one.accepted.tolist() == (one.spins != start).sum(axis=1).tolist()
    assert one.accepted.sum() > 0


def test_error_of_susceptibility_is_the_jackknife() -> None:
    m = np.array([0.1, -0.7, 0.4, 0.9, -0.2])
    found = susceptibility(np.abs(m), m * m, 2.0, 10)

    def chi(sample: list[float]) -> float:
        square = statistics.mean(x * x for x in sample)
        return 10 / 2.0 * (square - statistics.mean(abs(x) for x in sample) ** 2)

    whole = m.tolist()
    left = [chi(whole[:k] + whole[k + 1 :]) for k in range(5)]
    expected = math.sqrt(4 / 5 * sum((x - statistics.mean(left)) ** 2 for x in left))
    assert found["susceptibility"] == pytest.approx(chi(whole), rel=1e-12)
    assert found["susceptibility_standard_error"] == pytest.approx(expected, rel=1e-12)


def test_customers_without_opinion_forget_as_coins_do() -> None:
    """At endless temperature every proposal is taken: A(t) = (1 - 2/N)^t."""
    found = result("decorrelation", "temperature: 1e12, steps: 600, replicas: 200, points: 6")
    table = found.tables["autocorrelation"]
    assert [row["step"] for row in table][0::6] == [0, 600]
    assert table[0]["autocorrelation"] == 1
    for row in table[1:]:
        exact = (1 - 2 / 289) ** row["step"]
        error = row["autocorrelation_standard_error"]
        assert abs(row["autocorrelation"] - exact) < 5 * error
    assert found.values["autocorrelation"] == table[-1]["autocorrelation"]


def test_start_is_forgotten_where_a_tenth_is_left() -> None:
    """The first step of the table with 0.1 or less, at each temperature; none where order stays."""
    found = result("decorrelation", "temperature: [1, 1e12], steps: 600, replicas: 20, points: 30")
    cold, hot = found.tables["curve"]
    table = [row for row in found.tables["autocorrelation"] if row["temperature"] == 1e12]
    under = [row["step"] for row in table if row["autocorrelation"] <= 0.1]
    assert hot["steps_to_a_tenth"] == min(under) < 600
    # (1 - 2/289)^t is a tenth at 332.
    assert abs(hot["steps_to_a_tenth"] - math.log(0.1) / math.log(1 - 2 / 289)) < 60
    assert cold["steps_to_a_tenth"] is None


def test_transition_is_read_off_the_curve() -> None:
    """Where chi is greatest; where |M| crosses 1/2 on a straight line; and Onsager's T_c."""
    found = result(
        "phase-transition",
        "graph: {rows: 6, columns: 6}, customers: none, temperature: [4, 1, 2, 1.5, 3], "
        "start: up, steps: 7200, replicas: 64",
    )
    rows = sorted(found.tables["curve"], key=lambda row: row["temperature"])
    for row in rows:
        spread = row["squared_magnetisation"] - row["absolute_magnetisation"] ** 2
        assert row["susceptibility"] == pytest.approx(36 * spread / row["temperature"], rel=1e-9)
    peak = max(rows, key=lambda row: row["susceptibility"])["temperature"]
    assert found.values["susceptibility_peak_at"] == peak not in (1, 4)
    t, m = ([row[name] for row in rows] for name in ("temperature", "absolute_magnetisation"))
    assert m == sorted(m, reverse=True)
    half = float(np.interp(-0.5, [-value for value in m], t))
    assert found.values["half_magnetised_at"] == pytest.approx(half, rel=1e-12)
    # sinh(2 / T_c) = 1.
    assert math.sinh(2 / found.values["critical_temperature"]) == pytest.approx(1, rel=1e-12)


def test_pieces_of_a_run_do_not_change_what_becomes_of_it() -> None:
    """In as many pieces as it likes, the end is distributed alike: the same mean energy."""
    few = result("decorrelation", "steps: 3000, replicas: 128, points: 1").values
    many = result("decorrelation", "steps: 3000, replicas: 128, points: 30, seed: 2").values
    name = "energy_per_site"
    error = math.hypot(few[f"{name}_standard_error"], many[f"{name}_standard_error"])
    assert abs(few[name] - many[name]) < 5 * error


def test_feasible_start_balances_to_the_kilowatt() -> None:
    """Odd neutral buses are regularised by one random customer; C is exactly 0, K = 0 keeps it."""
    parameters = "steps: 1, replicas: 2, perturbations: 0, temperature: 0, algorithm: exchange"
    found = result("robustness", f"{parameters}, beside: []")
    assert found.verdict.status == "verified"
    assert found.values["absolute_constraint"] == 0
    assert [c.value for c in found.verdict.checks if "feasible start" in c.name] == [0, 0]
    bus = found.arrays["evolution"]["bus"]
    spins = found.arrays["evolution"]["before"][0]
    original = society()
    assert int((bus != original.bus).sum()) == 1
    total = Fraction(0)
    for b, load in enumerate(original.customers.load_kw.tolist()):
        own = spins[bus == b].tolist()
        assert abs(sum(own)) in (0, len(own))
        total += load * Fraction(sum(own), len(own))
    assert total == 0


@pytest.mark.parametrize("algorithm", ["metropolis", "constrained", "penalised", "exchange"])
def test_a_feasible_start_is_forgotten_by_its_own_weights(algorithm: str) -> None:
    """Neutral buses of odd customers are rearranged for it, and with them p_b / N_b."""
    parameters = f"steps: 500, replicas: 4, algorithm: {algorithm}, start: feasible"
    found = result("decorrelation", parameters)
    assert found.verdict.status == "verified", found.verdict
    if algorithm == "exchange":
        assert found.values["absolute_constraint"] == 0


def test_averages_over_less_than_was_asked_are_told() -> None:
    """The autocorrelation is told before the last piece, and averages begin anew there."""
    given = "steps: 10000, replicas: 2, average_over: 5000"
    found = result("decorrelation", f"{given}, points: 50")
    assert any("the last 396 proposals, not 5000" in note for note in found.notes)
    assert not any(
        "proposals, not" in n for n in result("decorrelation", f"{given}, points: 2").notes
    )


def test_exchanges_keep_the_constraint_and_constrained_steps_lower_it() -> None:
    found = result(
        "robustness",
        "steps: 400, replicas: 8, perturbations: [3, 30], temperature: [0, 2, 10], "
        "beside: [constrained, exchange]",
    )
    by = {(r["algorithm"], r["perturbation"]): r for r in found.tables["perturbations"]}
    for k in (3, 30):
        kept, fell = by["exchange", k], by["constrained", k]
        assert kept["mean_constraint"] == kept["least_constraint"] == kept["perturbed_constraint"]
        assert fell["mean_constraint"] < fell["perturbed_constraint"]
        assert fell["least_constraint"] <= fell["mean_constraint"]
        assert by["metropolis", k]["perturbed_constraint"] == fell["perturbed_constraint"]
    names = [check.name for check in found.verdict.checks]
    assert any("energy gained at temperature 0" in name for name in names)
    assert found.verdict.status == "verified"


def test_at_one_temperature_the_least_is_the_mean() -> None:
    """Then each replica's best is all there is of it: its |C|, with the same standard error."""
    common = "steps: 400, replicas: 8, perturbations: [30], beside: [constrained]"
    found = result("robustness", f"{common}, temperature: 2")
    for row, curve in zip(found.tables["perturbations"], found.tables["curve"], strict=True):
        assert row["algorithm"] == curve["algorithm"]
        for name in ("least_constraint", "mean_constraint"):
            assert row[name] == pytest.approx(curve["absolute_constraint"], rel=1e-12)
            error = curve["absolute_constraint_standard_error"]
            assert row[f"{name}_standard_error"] == pytest.approx(error, rel=1e-9)
        assert row["temperature_of_least"] == 2


def test_perturbations_switch_as_many_customers_as_they_say() -> None:
    of = society("start: up, replicas: 5")
    start = prepare(of, Done()).start
    near, far = (ensemble.perturbed(of, start, k) for k in (4, 9))
    assert (near != start).sum(axis=1).tolist() == [4] * 5
    assert (far != start).sum(axis=1).tolist() == [9] * 5
    assert not ((near != start) & (far == start)).any()
    assert len({row.tobytes() for row in near}) == 5


def test_replicas_do_not_depend_on_how_many_there_are() -> None:
    few = result("phase-transition", "temperature: 3, steps: 2890, replicas: 3, start: random")
    many = result("phase-transition", "temperature: 3, steps: 2890, replicas: 70, start: random")
    assert (few.arrays["evolution"]["after"] == many.arrays["evolution"]["after"]).all()


def test_seeds_can_be_given_one_by_one() -> None:
    """A replica with a seed of its own is what that seed alone gives."""
    common = "temperature: 3, steps: 1000, start: random, update: random-site"
    both = result("phase-transition", f"{common}, replicas: 2, seed: [7, 8]")
    alone = [result("phase-transition", f"{common}, replicas: 1, seed: [{k}]") for k in (7, 8)]
    means = [one.values["magnetisation"] for one in alone]
    assert both.values["magnetisation"] == pytest.approx(sum(means) / 2, abs=1e-15)
    assert means[0] != means[1]
    assert alone[0].values["magnetisation_standard_error"] is None


def test_field_of_the_target_reaches_it() -> None:
    """Other random numbers at that field give the target, within the errors of both."""
    common = "steps: 3000, replicas: 200, temperature: 2.5"
    found = result("field-response", f"{common}, field: [0, 0.5, 1]").values
    assert (found["hour"], found["target_temperature"]) == (14, 2.5)
    field, error = found["field_to_target"], found["field_to_target_standard_error"]
    again = result("field-response", f"{common}, seed: 9, field: [{field}, {field + 0.1}]")
    row, more = again.tables["curve"]
    slope = (more["magnetisation"] - row["magnetisation"]) / 0.1
    noise = math.hypot(row["magnetisation_standard_error"], slope * error)
    assert abs(row["magnetisation"] - found["target_magnetisation"]) < 5 * noise


def test_fields_around_the_target_lead_below_and_above_it() -> None:
    """With other random numbers; between fields of the case or, halved, a half, a quarter, ..."""
    common = "steps: 3000, replicas: 200, temperature: 2.5"
    first = result("field-response", f"{common}, field: [0, 4]")
    (row,) = first.tables["targets"]
    low, high = row["field_below"], row["field_above"]
    assert 0 <= low < row["field"] < high <= 4
    assert math.log2(4 / (high - low)).is_integer()
    assert high - low < 4
    again = result("field-response", f"{common}, seed: 9, field: [{low}, {high}]").tables["curve"]
    assert again[0]["magnetisation"] < row["target"] < again[1]["magnetisation"]
    assert first.values["field_to_target"] == row["field"]


def test_target_is_the_hour_of_the_shiftable_loads() -> None:
    common = "steps: 10, replicas: 2, field: [0, 1], temperature: 2"
    chosen = result("field-response", f"{common}, hour: 10").values
    assert (chosen["hour"], chosen["target_magnetisation"]) == (10, pytest.approx(1, abs=1e-6))
    missed = result("field-response", common)
    assert missed.values["field_to_target"] is None
    assert any("no fields of the case bracket the target" in note for note in missed.notes)


def test_cut_bonds_lower_the_mean_at_equilibrium() -> None:
    """Griffiths: with h > 0 each customer's mean is less, and here far beyond noise."""
    found = result(
        "boundaries",
        "steps: 28900, replicas: 64, temperature: [2.5], field: [0.1], update: sweep, "
        f"mapping: {[k % 3 + 1 for k in range(32)]}",
    )
    (row,) = found.tables["comparison"]
    assert row["gain_of_bounds"] < -5 * row["gain_of_bounds_standard_error"]
    assert found.values["bonds"] == 2 * 17 * 16
    assert found.values["bonds_cut"] > 100
    assert found.values["bounds_keep_less"] == 1


def test_gain_of_bounds_is_told_at_the_temperature_nearest_the_critical_one() -> None:
    """2 / log(1 + sqrt 2) = 2.27 lies nearer 2 than 3."""
    mapping = [k % 3 + 1 for k in range(32)]
    asked = f"steps: 578, replicas: 8, temperature: [1, 2, 3], mapping: {mapping}"
    found = result("boundaries", asked)
    table = {row["temperature"]: row for row in found.tables["comparison"]}
    for row in table.values():
        assert row["gain_of_bounds"] == pytest.approx(row["aggregators"] - row["free"], abs=1e-12)
    assert len({row["gain_of_bounds"] for row in table.values()}) == 3
    assert found.values["gain_of_bounds_at"] == 2
    for name in ("gain_of_bounds", "gain_of_bounds_standard_error"):
        assert found.values[name] == table[2][name]


def test_one_aggregator_bounds_nobody() -> None:
    found = result("boundaries", f"steps: 100, replicas: 4, mapping: {[1] * 32}")
    assert found.values["bonds_cut"] == 0
    assert {row["neighbours"] for row in found.tables["curve"]} == {"free", "aggregators"}


def test_boundaries_can_be_kept_in_every_experiment() -> None:
    bound = result("phase-transition", "steps: 289, replicas: 2, boundaries: aggregators, "
                   "temperature: 1")  # fmt: skip
    assert bound.verdict.status == "verified"
    assert "mapping" in bound.stages


@pytest.mark.parametrize(
    ("model", "parameters", "said"),
    [
        ("phase-transition", "temperature: -1", "must be at least 0"),
        ("phase-transition", "temperature: [1, -2]", "temperature.1"),
        ("phase-transition", "replicas: 0", "replicas"),
        ("phase-transition", "steps: 0", "steps"),
        ("phase-transition", "graph: {rows: 16, columns: 17}", "272 sites for 289 customers"),
        ("phase-transition", "graph: {rows: 16}", "rows: ..., columns: ..."),
        ("phase-transition", "customers: none", "needs a graph"),
        ("phase-transition", "seed: [1, 2], replicas: 3", "2 entries for 3 replicas"),
        ("phase-transition", "seed: [1, 1], replicas: 2", "twice"),
        ("phase-transition", "average_over: 10, steps: 5", "more than steps"),
        ("robustness", "algorithm: exchange, update: sweep", "pairs at random"),
        ("decorrelation", "start: sideways", "start"),
        ("decorrelation", "algorithm: constrained, customers: none, graph: {rows: 2, columns: 2}",
         "needs customers: network"),
        ("robustness", "perturbations: [1, 290]", "290 is more than the 289 customers"),
        ("boundaries", "mapping: [1, 2]", "2 entries for 32 buses"),
        ("boundaries", "mapping: [0]", "mapping"),
        ("field-response", "hour: 25", "beyond the 24 steps"),
        ("decorrelation", "graph: {csv: none.csv}", "no file 'none.csv'"),
    ],
)  # fmt: skip
def test_mistakes_are_named_at_their_place(model: str, parameters: str, said: str) -> None:
    with pytest.raises(CaseError) as raised:
        result(model, parameters)
    (finding,) = raised.value.findings
    assert said in str(finding)
    assert finding.line == 3
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("edges", "said"),
    [
        ("a,b\n1,2\n", "no column 'from'"),
        ("from,to\n1,300\n", "row 2: '300' is no customer; they are 1 to 289"),
        ("from,to\n1,2\n2,1\n", "row 3: customers 1 and 2 stand in row 2"),
        ("from,to\n4,4\n", "row 2: customer 4 listens to himself"),
        ("from,to\n1,x\n", "row 2: 'x' is no customer"),
        ("from,to\n1\n", "row 2: '' is no customer"),
        ("from,to\n", "has no rows below its header"),
    ],
)
def test_mistakes_in_a_social_network_are_named(tmp_path: Path, edges: str, said: str) -> None:
    (tmp_path / "friends.csv").write_text(edges)
    with pytest.raises(CaseError, match=r"friends|row|customer") as raised:
        result("decorrelation", "graph: {csv: friends.csv}", tmp_path)
    assert said in str(raised.value)


def test_constrained_from_an_infeasible_start_is_said() -> None:
    found = result("decorrelation", "algorithm: constrained, start: up, steps: 50, replicas: 2")
    assert any("not feasible: |C| is up to 1 there" in note for note in found.notes)
    assert found.verdict.status == "verified"


def test_rounded_sweeps_are_said() -> None:
    found = result("phase-transition", "steps: 300, replicas: 2, temperature: 1")
    assert any("300 proposals are rounded up to 2 sweeps of 289" in note for note in found.notes)


def test_engine_that_miscounts_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong figures beside true spins, spins that are none, a constraint that rose."""
    true = ensemble.evolve
    parameters = "steps: 289, replicas: 2, temperature: 2, algorithm: constrained"

    def lies(which: str) -> Any:
        def evolve(*args: Any, **named: Any) -> Any:
            found = true(*args, **named)
            if which == "figures":
                trace = {**found.trace, "energy": found.trace["energy"] + 4}
                return ensemble.replace(found, trace=trace)
            if which == "constraint":
                return ensemble.replace(found, spins=np.ones_like(found.spins))
            return ensemble.replace(found, spins=found.spins * 2)

        return evolve

    assert result("phase-transition", f"{parameters}, start: random").verdict.status == "verified"
    for which, named in (
        ("figures", "against the count"), ("constraint", "rose"), ("spins", "neither up nor down"),
    ):  # fmt: skip
        monkeypatch.setattr(ensemble, "evolve", lies(which))
        found = result("phase-transition", f"{parameters}, start: random")
        assert found.verdict.status == "refuted"
        assert found.exit_code == 1
        assert named in found.verdict.reason


def test_every_experiment_has_its_pictures() -> None:
    few = "steps: 300, replicas: 3"
    for model, parameters, names in (
        ("decorrelation", few, {"autocorrelation", "customers"}),
        ("phase-transition", f"{few}, temperature: [1, 3]", {"transition", "customers"}),
        ("field-response", f"{few}, temperature: [1, 3], field: [0, 4]",
         {"response", "customers"}),
        ("robustness", f"{few}, perturbations: [1, 9]", {"robustness", "customers"}),
        ("boundaries", few, {"boundaries", "customers"}),
    ):  # fmt: skip
        case = parse_case(text(model, parameters))
        drawn = case.model.draw([solve(case)])
        assert set(drawn) == names
        assert set(drawn) <= set(case.model.captions)
        assert all(picture.startswith(b"<?xml") for picture in drawn.values())


def test_inputs_are_read_once_without_profiles() -> None:
    """Models without a horizon need no profiles: the mapping's default ones are used."""
    given = parse_case(text("decorrelation", "replicas: 1"))
    from optimodels.grid import read_network

    assert given.network is not None
    of = read(Inputs(given.parameters, read_network(given.network)))
    assert of.sites == 289
