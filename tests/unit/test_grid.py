"""Networks and profiles: pandapower's own figures, its own power flow, its own files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandapower
import pandas as pd
import pytest

from optimodels.errors import DataError
from optimodels.grid import cache, read_network
from optimodels.grid.conversion import convert
from optimodels.grid.powerflow import solve_power_flow
from optimodels.grid.profiles import read_csv_column, simbench_profile

SOURCES: list[Any] = [
    "case33bw",
    "case118",
    "case300",
    "case1354pegase",
    "example_multivoltage",
    "mv_oberrhein",
    ("simbench", "1-LV-rural1--0-no_sw"),
]


def test_case33bw_is_the_paper_s_network() -> None:
    network = read_network("case33bw")
    assert np.count_nonzero(network.load_kw) == 32
    assert network.load_kw.sum() == pytest.approx(3715)
    assert network.load_kw[0] == 0
    assert len(network.branch_from) == 32
    # Baran and Wu's first branch: 0.0922 + j0.0470 ohm at 12.66 kV.
    assert network.branch_r_ohm[0] == pytest.approx(0.0922)
    assert network.branch_x_ohm[0] == pytest.approx(0.0470)
    assert network.branch_r_pu[0] == pytest.approx(0.0922 / (12.66**2 / network.base_mva))


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_power_flow_is_pandapower_s(source: Any) -> None:
    """Newton's method here against pandapower's run on its own tables."""
    network = read_network(source)
    ours = solve_power_flow(network, network.load_kw, network.load_kvar)
    theirs = solve_power_flow(network, network.load_kw, network.load_kvar, "pandapower")
    assert ours.converged
    assert theirs.converged
    np.testing.assert_allclose(ours.vm_pu, theirs.vm_pu, atol=1e-8)
    turn = np.exp(1j * np.deg2rad(ours.va_deg)) - np.exp(1j * np.deg2rad(theirs.va_deg))
    assert np.nanmax(np.abs(turn)) < 1e-8
    assert ours.mismatch_kw < 1e-6 * max(1.0, np.abs(network.load_kw).max())


def test_power_flow_reproduces_published_losses_of_case33bw() -> None:
    """Baran and Wu 1989: 202.7 kW of losses, lowest voltage 0.9131 pu at bus 18."""
    network = read_network("case33bw")
    flow = solve_power_flow(network, network.load_kw, network.load_kvar)
    assert flow.losses_kw == pytest.approx(202.7, abs=0.05)
    assert flow.vm_pu.min() == pytest.approx(0.9131, abs=1e-4)
    assert int(flow.vm_pu.argmin()) + 1 == 18


def test_load_beyond_the_lines_is_said_not_raised() -> None:
    network = read_network("case33bw")
    flow = solve_power_flow(network, 20 * network.load_kw, 20 * network.load_kvar)
    assert not flow.converged


def small() -> Any:
    """Two transformers and three cables side by side, of which a part may be loaded."""
    net = pandapower.create_empty_network()
    a, b, c = (pandapower.create_bus(net, kv) for kv in (20.0, 0.4, 0.4))
    pandapower.create_ext_grid(net, a)
    pandapower.create_transformer(net, a, b, "0.4 MVA 20/0.4 kV", parallel=2, df=0.9)
    pandapower.create_line(net, b, c, 1.0, "NAYY 4x50 SE", parallel=3, df=0.8)
    pandapower.create_load(net, c, 0.01, 0.002, scaling=2.0)
    pandapower.create_load(net, c, 0.005, in_service=False)
    return net


def test_parallel_lines_and_transformers() -> None:
    net = small()
    network = convert(net, "small", "test")
    kinds = network.branch_kind.tolist()
    assert sorted(kinds) == ["line", "trafo"]
    line, trafo = kinds.index("line"), kinds.index("trafo")
    assert network.branch_r_ohm[line] == pytest.approx(net.line.r_ohm_per_km[0] / 3)
    # Short-circuit resistance of one unit, on its own rating, halved by the second.
    one = net.trafo.vkr_percent[0] / 100 / net.trafo.sn_mva[0] * network.base_mva
    assert network.branch_r_pu[trafo] == pytest.approx(one / 2, rel=1e-3)
    assert network.load_kw.tolist() == [0, 0, 20]
    # Root 3 times 400 V times 142 A a cable, 0.4 MVA a transformer.
    rated = network.branch_rating_mva
    assert rated[line] == pytest.approx(3**0.5 * 0.4 * 0.142 * 3 * 0.8)
    assert rated[trafo] == pytest.approx(0.4 * 2 * 0.9)


@pytest.mark.parametrize("kept", ["bus.geo", "bus_geodata"])
def test_coordinates_are_east_and_north_in_this_order(kept: str) -> None:
    """As GeoJSON has it, in which newer versions of pandapower keep them, and older ones' table."""
    net = small()
    if kept == "bus.geo":
        net.bus["geo"] = ['{"type": "Point", "coordinates": [10.5, 52.25, 70]}', None, "{}"]
    else:
        net.bus = net.bus.drop(columns="geo")
        net["bus_geodata"] = pd.DataFrame({"y": [52.25], "x": [10.5]}, index=[0])
    nowhere = [np.nan, np.nan]
    found = convert(net, "small", "test").bus_xy
    np.testing.assert_array_equal(found, [[10.5, 52.25], nowhere, nowhere])


@pytest.mark.usefixtures("forgetful")
def test_asymmetric_loads_are_the_sum_of_their_phases() -> None:
    network = read_network("ieee_european_lv_asymmetric")
    table = pandapower.networks.ieee_european_lv_asymmetric().asymmetric_load
    phases = table[["p_a_mw", "p_b_mw", "p_c_mw"]].to_numpy().sum()
    assert network.load_kw.sum() == pytest.approx(1000 * phases)
    assert np.count_nonzero(network.load_kw) == np.count_nonzero(
        table.groupby("bus")[["p_a_mw", "p_b_mw", "p_c_mw"]].sum().sum(axis=1)
    )
    ours = solve_power_flow(network, network.load_kw, network.load_kvar)
    theirs = solve_power_flow(network, network.load_kw, network.load_kvar, "pandapower")
    np.testing.assert_allclose(ours.vm_pu, theirs.vm_pu, atol=1e-8)


def test_second_read_comes_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    first = read_network("case33bw")

    def fail(*_: Any) -> Any:
        raise AssertionError("read again")

    monkeypatch.setattr("optimodels.grid.reading.open_net", fail)
    second = read_network("case33bw")
    assert second.fingerprint == first.fingerprint


def test_file_that_was_edited_is_another_network(tmp_path: Path) -> None:
    """Under the same name: neither memory nor the cache answers for what it was."""
    net = pandapower.networks.case33bw()
    file = tmp_path / "net.json"
    loads = []
    for more in (0.0, 0.085, 0.0):
        net.load.loc[0, "p_mw"] += more
        pandapower.to_json(net, str(file))
        loads.append(read_network(file).load_kw.sum())
        net.load.loc[0, "p_mw"] -= more
    assert loads == pytest.approx([3715, 3800, 3715])


class Forgetful(dict):  # type: ignore[type-arg]
    """Keeps nothing: every read goes to the disk."""

    def __setitem__(self, key: object, value: object) -> None:
        pass


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimodels.grid.reading._KEPT", Forgetful())


def test_last_networks_are_kept_in_memory_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, object] = {}
    monkeypatch.setattr("optimodels.grid.reading._KEPT", kept)
    monkeypatch.setattr("optimodels.grid.reading._MOST_KEPT", 2)
    first = read_network("case33bw")
    assert read_network("case33bw") is first
    read_network("case9")
    read_network("case14")
    assert len(kept) == 2
    assert read_network("case33bw").fingerprint == first.fingerprint


@pytest.mark.usefixtures("forgetful")
def test_damaged_cache_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTIMODELS_CACHE", str(tmp_path))
    first = read_network("case33bw")
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:500])
    assert read_network("case33bw").fingerprint == first.fingerprint
    assert cache.load_arrays("nothing of this key") is None


def test_cache_that_is_damaged_anywhere_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPTIMODELS_CACHE", str(tmp_path))
    cache.store_arrays("key", {"load": np.arange(300.0), "name": np.array(["ä"] * 30)})
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        found = cache.load_arrays("key")
        # Some bytes say nothing, such as a date.
        if found is not None and "load" in found:
            assert found["load"].tolist() == list(range(300))


def test_without_a_home_folder_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("OPTIMODELS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    cache.store_arrays("key", {"load": np.arange(3.0)})
    assert cache.load_arrays("key") is None


@pytest.mark.usefixtures("forgetful")
def test_unwritable_cache_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("OPTIMODELS_CACHE", str(blocked / "below"))
    assert read_network("case33bw").load_kw.sum() == pytest.approx(3715)


def test_networks_from_files(tmp_path: Path) -> None:
    net = pandapower.networks.case33bw()
    pandapower.to_json(net, str(tmp_path / "net.json"))
    from_json = read_network(tmp_path / "net.json")
    named = read_network("case33bw")
    np.testing.assert_allclose(from_json.load_kw, named.load_kw)
    np.testing.assert_allclose(from_json.branch_r_ohm, named.branch_r_ohm)

    # MATPOWER's format, a three-bus case: loads in MW, r and x in pu on 100 MVA.
    (tmp_path / "case3.m").write_text(
        "function mpc = case3\nmpc.version = '2';\nmpc.baseMVA = 100;\n"
        "mpc.bus = [\n"
        " 1 3 0 0 0 0 1 1 0 110 1 1.1 0.9;\n"
        " 2 1 50 10 0 0 1 1 0 110 1 1.1 0.9;\n"
        " 3 1 30 5 0 0 1 1 0 110 1 1.1 0.9;\n];\n"
        "mpc.gen = [\n 1 80 0 100 -100 1 100 1 200 0 0 0 0 0 0 0 0 0 0 0 0;\n];\n"
        "mpc.branch = [\n"
        " 1 2 0.01 0.05 0 100 0 0 0 0 1 -360 360;\n"
        " 2 3 0.02 0.06 0 100 0 0 0 0 1 -360 360;\n];\n"
    )
    matpower = read_network(tmp_path / "case3.m")
    assert matpower.load_kw.tolist() == [0, 50_000, 30_000]
    np.testing.assert_allclose(matpower.branch_x_pu * 100 / matpower.base_mva, [0.05, 0.06])


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.json", "{", "holds no network that can be read"),
        ("x.json", json.dumps({"a": 1}), "holds no"),
        ("x.m", "nonsense", "holds no network that can be read"),
        ("x.txt", "", "neither pandapower .json nor MATPOWER"),
    ],
)
def test_files_that_hold_no_network(tmp_path: Path, name: str, content: str, expected: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=expected) as caught:
        read_network(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_unknown_names_are_refused_with_a_suggestion() -> None:
    with pytest.raises(DataError, match="did you mean 'case33bw'"):
        read_network("case33bv")
    with pytest.raises(DataError, match="did you mean"):
        read_network(("simbench", "1-LV-rural1--0-no_s"))


def test_csv_columns(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text("hour;price\n1; 3.5\n2;-1e1\n")
    assert read_csv_column(file, "price").tolist() == [3.5, -10.0]
    file.write_text("hour,price\n1,x\n")
    with pytest.raises(DataError, match="row 2: 'x' is no finite number"):
        read_csv_column(file, "price")
    with pytest.raises(DataError, match="no column 'prise'; did you mean 'price'"):
        read_csv_column(file, "prise")
    file.write_text("hour,price\n")
    with pytest.raises(DataError, match="no rows below its header"):
        read_csv_column(file, "price")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        # 3,5 would be read as 3.
        ("hour,price\n1,3.5\n2,3,5\n", "row 3: has more cells than the header"),
        ("price,price\n1,2\n", "more than one column 'price'"),
        ("price\n1\n1e300\n", "row 3: '1e300' is beyond 1e\\+15"),
        ("price\n-1e-31\n", "row 2: '-1e-31' is nearer to 0 than 1e-30; say 0"),
        ("price\ninf\n", "row 2: 'inf' is no finite number"),
        (f"price,note\n1,\n2,{'x' * 140_000}\n", "row 3: field larger than field limit"),
        (f"price,{'x' * 140_000}\n1,2\n", "field larger than field limit"),
    ],
)
def test_csv_that_would_be_misread_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "p.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=says) as caught:
        read_csv_column(file, "price")
    assert "\n" not in str(caught.value)


def test_csv_with_empty_cells_behind_the_header_s_is_read(tmp_path: Path) -> None:
    """Spreadsheets write them."""
    (tmp_path / "p.csv").write_text("price,hour\n3.5,1,\n4,2, ,\n")
    assert read_csv_column(tmp_path / "p.csv", "price").tolist() == [3.5, 4.0]


def test_simbench_year_is_that_of_its_own_net() -> None:
    code = "1-LV-rural1--0-no_sw"
    load = simbench_profile(code, "load", 0, 96)
    assert load.shape == (96,)
    assert 0 < load.min() < load.max() < read_network(("simbench", code)).load_kw.sum()
    # From 4 o'clock on it is the same day.
    assert simbench_profile(code, "load", 16, 80).tolist() == load[16:].tolist()
    assert len(set(load[:32].tolist())) > 16
    with pytest.raises(DataError, match="35136 quarters"):
        simbench_profile(code, "load", 35_136, 1)
