"""MATPOWER files against a power flow on their own arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimodels.errors import DataError
from optimodels.grid import Network, read_network
from optimodels.grid.powerflow import solve_power_flow
from tests.unit.matpower_flow import voltages, write_m, write_mat

#: A table, a row of it, a column, and the value there.
Change = tuple[str, int, int, float]


def six_buses() -> dict[str, Any]:
    """A meshed case of three voltages; bus 40 is isolated, though a generator is there."""
    bus = [
        (1, 3, 0, 0, 0, 9, 1, 1.0, 5, 110),
        (2, 2, 20, 5, 1, -4, 1, 1.0, 5, 20),
        (3, 1, 30, 10, 0, 0, 1, 1.0, 5, 110),
        (40, 4, 7, 3, 2, 2, 1, 1.0, 5, 110),
        (10, 1, 15, -2, 0, 6, 1, 1.0, 5, 20),
        (7, 1, -3, 1, 0, 0, 1, 1.0, 5, 0.4),
    ]
    gen = [
        (1, 0, 0, 99, -99, 1.03, 100, 1, 200, 0),
        (2, 12, 1, 99, -99, 1.01, 100, 1, 200, 0),
        (7, 2, 1.5, 99, -99, 0.97, 100, 1, 200, 0),
        (40, 9, 0, 99, -99, 1.0, 100, 1, 200, 0),
    ]
    branch = [
        (1, 3, 0.01, 0.06, 0.05, 80, 0, 0, 0, 0, 1),
        (1, 10, 0.00, 0.08, 0.00, 60, 0, 0, 0, 0, 1),  # two voltages, and no ratio
        (3, 10, 0.01, 0.09, 0.00, 0, 0, 0, 0.97, 0, 1),
        (10, 2, 0.04, 0.07, 0.02, 50, 0, 0, 0, 0, 1),
        (10, 7, 0.02, 0.10, 0.00, 40, 0, 0, 1.02, 0, 1),
        (3, 40, 0.02, 0.05, 0.90, 0, 0, 0, 0, 0, 0),
    ]
    tables = {"bus": bus, "gen": gen, "branch": branch}
    case: dict[str, Any] = {name: np.array(rows, dtype=float) for name, rows in tables.items()}
    case["bus"] = np.hstack([case["bus"], np.tile([1, 1.1, 0.9], (len(bus), 1))])
    return {"baseMVA": 50.0, **case}


def changed(changes: list[Change]) -> dict[str, Any]:
    case = six_buses()
    for table, row, column, value in changes:
        case[table][row, column] = value
    return case


def voltages_of(network: Network) -> Any:
    flow = solve_power_flow(network, network.load_kw, network.load_kvar)
    assert flow.converged
    return flow.vm_pu * np.exp(1j * np.deg2rad(flow.va_deg))


CHANGES: dict[str, list[Change]] = {
    "line out of service": [("branch", 0, 10, 0)],
    "transformer without ratio out of service": [("branch", 1, 10, 0)],
    "transformer with ratio out of service": [("branch", 2, 10, 0)],
    "generator out of service": [("gen", 1, 7, 0)],
    "inductive charging of a transformer": [("branch", 2, 4, -0.3)],
    "capacitive charging of a transformer": [("branch", 2, 4, 0.3)],
    "charging of a transformer without ratio": [("branch", 1, 4, 0.3), ("branch", 1, 5, 0)],
    "charging of two transformers at one bus": [("branch", 2, 4, 0.2), ("branch", 4, 4, 0.1)],
    "tap and shift": [("branch", 1, 8, 0.95), ("branch", 1, 9, -4), ("branch", 2, 9, 3)],
    "tap at the lower voltage": [("branch", 2, 0, 10), ("branch", 2, 1, 3), ("branch", 2, 4, 0.2)],
    "shift from the lower voltage": [
        ("branch", 2, 0, 10), ("branch", 2, 1, 3), ("branch", 2, 8, 0), ("branch", 2, 9, 4),
    ],
    "tap between equal voltages": [("branch", 0, 8, 1.04), ("branch", 0, 9, 2)],
    "series capacitor": [("branch", 2, 3, -0.03)],
    "resistance alone": [("branch", 2, 3, 0)],
    "two generators at a bus, the last sets it": [("gen", 2, 0, 2)],
    "two generators at a bus, the first is out": [("gen", 2, 0, 2), ("gen", 1, 7, 0)],
    "two reference buses": [("bus", 1, 1, 3)],
    "a reference bus without a generator": [("bus", 1, 1, 3), ("gen", 1, 7, 0)],
    "isolated bus back": [("bus", 3, 1, 1), ("branch", 5, 10, 1)],
}  # fmt: skip
#: In pandapower a line that ends at a bus out of service still draws its charging.
NO_CHANGE: dict[str, list[Change]] = {
    "as written": [],
    "line to the isolated bus": [("branch", 5, 10, 1)],
}


@pytest.mark.parametrize(
    "changes", [*NO_CHANGE.values(), *CHANGES.values()], ids=[*NO_CHANGE, *CHANGES]
)
def test_voltages_are_those_of_the_file(tmp_path: Path, changes: list[Change]) -> None:
    case = changed(changes)
    network = read_network(write_m(tmp_path / "case6.m", case))
    np.testing.assert_allclose(voltages_of(network), voltages(case), atol=1e-9)


def test_mat_files_are_read_alike(tmp_path: Path) -> None:
    case = changed([*CHANGES["tap and shift"], *CHANGES["capacitive charging of a transformer"]])
    text = read_network(write_m(tmp_path / "case6.m", case))
    binary = read_network(write_mat(tmp_path / "case6.mat", case))
    np.testing.assert_array_equal(voltages_of(binary), voltages_of(text))
    np.testing.assert_allclose(voltages_of(binary), voltages(case), atol=1e-9)


def test_every_change_matters() -> None:
    """Otherwise the comparison above would hold of a reader that ignores it."""
    plain = voltages(six_buses())
    for changes in CHANGES.values():
        assert not np.allclose(voltages(changed(changes)), plain, atol=1e-4, equal_nan=True), (
            changes
        )


def test_pandapower_solves_what_was_read(tmp_path: Path) -> None:
    network = read_network(write_m(tmp_path / "case6.m", six_buses()))
    ours = solve_power_flow(network, network.load_kw, network.load_kvar)
    theirs = solve_power_flow(network, network.load_kw, network.load_kvar, "pandapower")
    np.testing.assert_allclose(ours.vm_pu, theirs.vm_pu, atol=1e-8)


def test_random_cases(tmp_path: Path) -> None:
    """Rings of any voltages, taps, shifts, charging and statuses."""
    rng = np.random.default_rng(5)
    for trial in range(12):
        case, n = six_buses(), 6
        case["bus"][:, 0] = rng.permutation(np.arange(1, 9))[:n]
        case["bus"][:, 1] = [3, 2, 1, 2, 1, 1]
        case["bus"][:, 9] = rng.choice([110, 20, 0.4], n)
        case["gen"][:, 0] = case["bus"][[0, 1, 3, 3], 0]
        case["gen"][1:, 7] = rng.random(3) < 0.7
        numbers = case["bus"][:, 0]
        branch = np.repeat(case["branch"][:1], 2 * n, axis=0)
        branch[:, 0] = np.tile(numbers, 2)
        branch[:, 1] = np.concatenate([np.roll(numbers, 1), np.roll(numbers, 2)])
        branch[:, 4] = rng.uniform(-0.1, 0.1, 2 * n)
        branch[:, 8] = rng.choice([0, 1, 0.96, 1.03], 2 * n)
        branch[:, 9] = rng.choice([0, 0, 2, -2], 2 * n)
        branch[n:, 10] = rng.random(n) < 0.6
        case["branch"] = branch
        network = read_network(write_m(tmp_path / f"random{trial}.m", case))
        np.testing.assert_allclose(voltages_of(network), voltages(case), atol=1e-9)


def test_buses_keep_their_numbers_or_names(tmp_path: Path) -> None:
    case = six_buses()
    network = read_network(write_m(tmp_path / "numbers.m", case))
    assert network.bus_name.tolist() == ["1", "2", "3", "40", "10", "7"]
    named = "mpc.bus_name = {\n\t'North';\n\t'East; old';\n\t'c';\n\t'd';\n\t'e';\n\t'f';\n};"
    network = read_network(write_m(tmp_path / "names.m", case, named))
    assert network.bus_name.tolist()[:3] == ["North", "East; old", "c"]


def test_ratings_of_transformers_without_ratio(tmp_path: Path) -> None:
    network = read_network(write_m(tmp_path / "case6.m", six_buses()))
    rated = network.branch_rating_mva[network.branch_kind == "trafo"]
    np.testing.assert_allclose(rated, [60, np.nan, 40])


REFUSED: dict[str, tuple[list[Change], str]] = {
    "no impedance": ([("branch", 4, 2, 0), ("branch", 4, 3, 0)], "branch 5 from bus 10 to 7 has"),
    "negative ratio": ([("branch", 2, 8, -1)], "branch 3 from bus 3 to 10 has a negative ratio"),
    "no base voltage": ([("bus", 4, 9, 0)], "bus 10 has no base voltage"),
    "type": ([("bus", 4, 1, 5)], "bus 10 of type 5"),
    "twice": ([("bus", 4, 0, 3)], "bus 3 is there twice"),
    "unknown bus": ([("branch", 1, 1, 8)], "branch 2 is at bus 8, which the case does not have"),
    "unknown generator": ([("gen", 1, 0, 8)], "generator 2 is at bus 8"),
    "not finite": ([("branch", 1, 3, np.nan)], "mpc.branch row 2 holds a value that is not"),
    "no reference": ([("gen", 0, 7, 0)], "no reference bus"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_cases_that_cannot_be_kept(tmp_path: Path, changes: list[Change], expected: str) -> None:
    with pytest.raises(DataError, match=expected) as caught:
        read_network(write_m(tmp_path / "case6.m", changed(changes)))
    assert caught.value.key == "network.file"
    assert "\n" not in str(caught.value)


def test_dc_lines_are_refused_when_in_service(tmp_path: Path) -> None:
    case = six_buses()
    case["dcline"] = np.array([[1.0, 3, 0, 10, 9]])
    read_network(write_m(tmp_path / "off.m", case))
    case["dcline"][0, 2] = 1
    with pytest.raises(DataError, match="DC line 1 is in service"):
        read_network(write_m(tmp_path / "on.m", case))


@pytest.mark.parametrize(
    "statement",
    [
        "mpc.bus(:, [PD, QD]) = mpc.bus(:, [PD, QD]) / 1e3;",
        "k = 1e3; mpc.bus(:, 3) = mpc.bus(:, 3) / k;",
        "mpc.branch(:, [BR_R ...\n  BR_X]) = 0;",
        "mpc = scale_load(2, mpc);",
        "mpc.baseMVA = 10;",
        "for i=1:2, mpc.bus(i, 3) = 0; end",
        "k = 1, mpc.bus(1, 3) = 0;",
        "if mpc.baseMVA > 1, mpc = double_load(mpc); end",
    ],
)
def test_cases_that_compute_are_refused(tmp_path: Path, statement: str) -> None:
    """Distribution cases hold kW and ohms, and convert them below their tables."""
    with pytest.raises(DataError, match="computes its case") as caught:
        read_network(write_m(tmp_path / "case6.m", six_buses(), statement))
    assert "\n" not in str(caught.value)


def test_a_table_that_is_computed_is_refused(tmp_path: Path) -> None:
    file = write_m(tmp_path / "case6.m", six_buses())
    text = file.read_text()
    start = text.index("mpc.branch = [")
    end = text.index("];", start)
    file.write_text(text[:end] + "] * 2;" + text[end + 2 :])
    with pytest.raises(DataError, match="computes its case"):
        read_network(file)


def test_blocks_of_comments_are_no_rows(tmp_path: Path) -> None:
    plain = read_network(write_m(tmp_path / "plain.m", six_buses()))
    file = write_m(tmp_path / "block.m", six_buses())
    text = file.read_text()
    start = text.index("mpc.branch = [\n") + len("mpc.branch = [\n")
    row = text[start : text.index("\n", start) + 1]
    file.write_text(f"{text[:start]}%{{\n{row}%}}\n{text[start:]}")
    found = read_network(file)
    np.testing.assert_array_equal(voltages_of(found), voltages_of(plain))


def test_other_layouts_of_text(tmp_path: Path) -> None:
    """Commas, rows on one line, comments, and statements that leave the case alone."""
    case = six_buses()
    plain = read_network(write_m(tmp_path / "plain.m", case))
    gen = "; ".join(", ".join(map(repr, row)) for row in case["gen"].tolist())
    lines = write_m(tmp_path / "other.m", case).read_text().splitlines()
    start = lines.index("mpc.gen = [")
    lines[start : lines.index("];", start) + 1] = [f"mpc.gen = [{gen}]; % mpc.gen = []"]
    lines += ["% mpc.bus(1, 3) = 4;", "Vbase = mpc.bus(1, 10) * 1e3;"]
    (tmp_path / "other.m").write_text("\n".join(lines))
    other = read_network(tmp_path / "other.m")
    np.testing.assert_array_equal(voltages_of(other), voltages_of(plain))


def test_broken_tables_are_refused(tmp_path: Path) -> None:
    text = write_m(tmp_path / "case6.m", six_buses()).read_text()
    for old, new, expected in (
        ("\t1.03\t", "\tx\t", "mpc.gen row 1: 'x' is no number"),
        ("\t1.03\t", "\t", "mpc.gen row 2 has 10 values, the first 9"),
        ("mpc.gen =", "gen =", "no mpc.gen"),
        ("mpc.baseMVA = 50.0", "mpc.baseMVA = 0", "mpc.baseMVA is 0"),
        ("mpc.baseMVA = 50.0", "base = 0", "no mpc.baseMVA"),
    ):
        (tmp_path / "broken.m").write_text(text.replace(old, new))
        with pytest.raises(DataError, match=expected):
            read_network(tmp_path / "broken.m")
    write_mat(tmp_path / "short.mat", {**six_buses(), "gen": np.ones((2, 9))})
    with pytest.raises(DataError, match="has 9 columns, a case has at least 10"):
        read_network(tmp_path / "short.mat")
