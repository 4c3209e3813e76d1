"""Exact means beside simulated ones: who knows them, and what a run that is too short is called."""

from __future__ import annotations

import numpy as np
import pytest

from optimodels.case import parse_case
from optimodels.case.expansion import expand
from optimodels.errors import CallError
from optimodels.families.ising.equilibrium import Oracle
from optimodels.families.ising.oracles.enumeration import States
from optimodels.families.ising.oracles.strip import Strip
from optimodels.result import Result
from optimodels.study import solve

BASE = "customers: none, replicas: 100, update: random-site"


def result(parameters: str, more: str = "") -> Result:
    text = f"model: ising/phase-transition\nparameters: {{{BASE}, {parameters}}}\n{more}"
    return solve(parse_case(text))


def strip_and_states() -> tuple[Oracle, Oracle]:
    """The same 4 x 3 sites by transfer matrix and by enumeration."""
    sites = np.arange(12).reshape(4, 3)
    across = np.stack([sites[:, :-1].ravel(), sites[:, 1:].ravel()], axis=1)
    down = np.stack([sites[:-1].ravel(), sites[1:].ravel()], axis=1)
    states = States(12, np.concatenate([across, down]))
    return Oracle("matrix", strip=Strip(4, 3)), Oracle("states", states=states)


@pytest.mark.parametrize("field", [0.0, 0.3, -1.0])
@pytest.mark.parametrize("temperature", [0.7, 2.27, 9.0])
def test_both_oracles_know_the_same_means(temperature: float, field: float) -> None:
    one, other = (o.means(temperature, field) for o in strip_and_states())
    assert set(one) == set(other)
    for name, value in one.items():
        assert value == pytest.approx(other[name], rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize("temperature", [0.7, 2.27, 9.0])
def test_square_of_m_is_the_slope_in_a_weak_field(temperature: float) -> None:
    """<M^2> without the distribution of M, as large lattices have it."""
    strip, states = strip_and_states()
    quick = Oracle("matrix", strip=strip.strip, absolute=False).means(temperature, 0.0)
    exact = states.means(temperature, 0.0)["squared_magnetisation"]
    assert quick["squared_magnetisation"] == pytest.approx(exact, rel=1e-8)
    assert "absolute_magnetisation" not in quick


def test_a_run_that_is_too_short_is_not_verified() -> None:
    """Invariants hold; that it is at equilibrium is only not shown."""
    common = "graph: {rows: 4, columns: 4}, temperature: 3"
    short = result(f"{common}, steps: 16")
    assert (short.verdict.status, short.exit_code) == ("unverified", 0)
    assert "against enumeration" in short.verdict.reason
    long = result(f"{common}, steps: 1600")
    assert (long.verdict.status, long.verdict.by, long.verdict.of) == (
        "verified", "exact", "equilibrium",
    )  # fmt: skip


@pytest.mark.parametrize("field", [0.0, 0.2])
def test_exact_means_of_the_table_are_sums_over_all_states(field: float) -> None:
    """All 2^16 states of 4 x 4 sites, weighed by exp(-E / T)."""
    asked = f"graph: {{rows: 4, columns: 4}}, temperature: 3, field: {field}, steps: 1600"
    (row,) = result(asked).tables["curve"]
    s = 2 * (np.arange(2**16)[:, None] >> np.arange(16) & 1).reshape(-1, 4, 4) - 1
    bonds = (s[:, 1:] * s[:, :-1]).sum(axis=(1, 2))
    bonds += (s[:, :, 1:] * s[:, :, :-1]).sum(axis=(1, 2))
    m = s.sum(axis=(1, 2)) / 16
    energy = -bonds - 16 * field * m
    weight = np.exp(-energy / 3)
    weight /= weight.sum()
    square, absolute = weight @ m**2, weight @ np.abs(m)
    expected = {
        "exact_magnetisation": weight @ m,
        "exact_absolute_magnetisation": absolute,
        "exact_squared_magnetisation": square,
        "exact_energy_per_site": weight @ energy / 16,
        "exact_susceptibility": 16 / 3 * (square - absolute**2),
    }
    if not field:
        # Nought by symmetry, and no column.
        assert expected.pop("exact_magnetisation") == pytest.approx(0, abs=1e-12)
    assert {name: row[name] for name in row if name.startswith("exact_")} == pytest.approx(
        expected, rel=1e-9
    )


@pytest.mark.parametrize(
    ("parameters", "by"),
    [
        ("graph: {rows: 5, columns: 6}", "exact"),
        ("graph: {rows: 5, columns: 6}, exact: none", "invariants"),
        ("graph: {rows: 18, columns: 18}", "invariants"),
        ("graph: {rows: 5, columns: 6}, temperature: 0", "invariants"),
    ],
)
def test_verdict_says_whether_anybody_knew(parameters: str, by: str) -> None:
    temperature = "" if "temperature" in parameters else ", temperature: 4"
    found = result(f"{parameters}{temperature}, steps: 3000")
    assert (found.verdict.status, found.verdict.by) == ("verified", by)


def test_sweeps_replicas_count_on_from_one_seed() -> None:
    text = (
        "model: ising/decorrelation\nparameters: {seed: [1, 2], replicas: 2}\n"
        "sweep: {replicas: 3}\n"
    )
    with pytest.raises(CallError, match="counts on from one"):
        list(expand(parse_case(text)))
