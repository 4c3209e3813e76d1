"""Stored runs: their keys, that equal runs are equal bytes, and what damage costs."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import sys
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimodels.case import choice, load_case, parse_case
from optimodels.errors import CallError, RunError
from optimodels.result import Result
from optimodels.runs import Store, headline, store, summary_rows, sweep
from optimodels.runs.key import SHOWS, Keys, _computes, source
from optimodels.runs.record import DamagedError, Record, pack, unpack
from optimodels.runs.store import Index
from optimodels.study import solve
from tests.unit.sweeps import CASES, HEAD, SMALL, case_of


def test_key_is_of_content_and_of_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("price\n" + "30\n" * 24)
    text = HEAD + "profiles: {price: {csv: prices.csv, column: price}}\n"
    case = case_of(text, tmp_path)
    key = Keys(case).key({"parameters.slack": 0.5})
    assert key == Keys(case_of("# other words\n" + text, tmp_path)).key({"parameters.slack": 0.5})
    explicit = case_of(text + "parameters: {aggregators: 3, slack: 0.5}\n", tmp_path)
    default = type(case.parameters)().aggregators
    assert (key == Keys(explicit).key({})) is (default == 3)
    assert Keys(case).key({"parameters.slack": 1.0}) == Keys(case).key({"parameters.slack": 1})
    short, long = {"solver": "pyomo:highs"}, {"solver": {"name": "highs", "via": "pyomo"}}
    assert Keys(case).key(short) == Keys(case).key(long)
    # As exact as can be, and as exact as it comes, are two questions; what is unset is none.
    exact = {"solver": {"name": "highs", "gap": 0}}
    assert Keys(case).key(exact) != Keys(case).key({"solver": "highs"})
    unset = {"solver": {"name": "highs", "gap": None, "options": {}}}
    assert Keys(case).key(unset) == Keys(case).key({"solver": "highs"})
    others = [{"parameters.slack": 0.6}, {"solver": "scip"}, {"verify": "certificate"}]
    assert len({key, *(Keys(case).key(other) for other in others)}) == 4
    (tmp_path / "prices.csv").write_text("price\n" + "31\n" * 24)
    assert Keys(case).key({"parameters.slack": 0.5}) != key


@pytest.mark.parametrize(
    "text",
    [
        "network: {file: named}\n",
        "profiles: {price: {csv: named, column: price}}\n",
        "paper: {source: s, table: {csv: named, rows: {}, figures: {}}}\n",
    ],
    ids=["network", "profile", "paper's table"],
)
def test_every_file_that_a_case_names_is_of_the_key(text: str, tmp_path: Path) -> None:
    """Its content is, and where it is not is of no matter."""
    named = tmp_path / "named"
    named.write_text("price\n" + "30\n" * 24)
    case = case_of(HEAD + text, tmp_path)
    keys = Keys(case)
    first = keys.key({})
    assert keys.changed() == ""
    named.write_text("price\n" + "311\n" * 24)
    assert keys.changed() == "named"
    assert Keys(case).key({}) != first
    named.write_text("price\n" + "30\n" * 24)
    assert Keys(case).key({}) == first


def test_what_stands_beside_a_value_is_of_the_key(tmp_path: Path) -> None:
    """A sweep sets one entry of a mapping: the others are the file's, never defaults."""
    head = "model: regulation/frequency-response\n"
    fleet = "parameters: {fleet: {hydro: 0.4, reheat: 0.4, nonreheat: 0.2}}\n"
    more = "sweep: {grid: {parameters.fleet.hydro: [1.0]}}\n"
    with_mapping = sweep(case_of(f"{head}{fleet}{more}", tmp_path), tmp_path / "out")
    without = sweep(case_of(f"{head}{more}", tmp_path), tmp_path / "out")
    assert (with_mapping.failed, without.failed) == (1, 0)
    assert "1.6" in with_mapping.errors[0]


def test_entry_of_a_list_that_is_not_there_is_an_error_of_its_run(tmp_path: Path) -> None:
    text = "model: ising/decorrelation\nsweep: {grid: {parameters.field.3: [1, 2]}}\n"
    done = sweep(case_of(text, tmp_path), tmp_path / "out")
    assert done.failed == 2
    assert "case.yaml" in done.errors[0]


def test_solver_of_the_model_takes_limits_alone(tmp_path: Path) -> None:
    case = case_of(HEAD + "solver: {time_limit: 5}\n", tmp_path)
    assert (choice(case).name, choice(case).time_limit) == (case.model.solver, 5)
    plain = case_of(HEAD, tmp_path)
    assert Keys(plain).key({"solver.time_limit": 5}) == Keys(case).key({})
    asked = case_of(HEAD + "solver: {via: pyomo}\n", tmp_path)
    assert (choice(asked).name, choice(asked).via) == (case.model.solver, "pyomo")
    ways = [Keys(plain).key({"solver.via": via}) for via in ("pyomo", "cvxpy")]
    assert ways[0] == Keys(asked).key({})
    assert ways[0] != ways[1]


def test_key_holds_the_solvers_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second opinion may come of any of them."""
    case = parse_case(HEAD + "solver: exact\n")
    key = Keys(case).key({})
    monkeypatch.setattr("optimodels.runs.key._solvers", lambda: [["highs", "cvxpy", "1.0"]])
    assert Keys(case).key({}) != key


def test_file_that_changes_amid_a_sweep_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = tmp_path / "prices.csv"
    prices.write_text("price\n" + "30\n" * 24)
    text = SMALL + "profiles: {price: {csv: prices.csv, column: price}}\n"
    case = case_of(text, tmp_path)
    write = Store.write

    def edited(self: Store, *given: Any) -> None:
        write(self, *given)
        prices.write_text("price\n" + "311\n" * 24)

    monkeypatch.setattr(Store, "write", edited)
    with pytest.raises(RunError, match="has changed since the sweep began"):
        sweep(case, tmp_path / "out")
    assert len(Store(tmp_path / "out").keys()) == 1


def test_a_key_keeps_its_column_beside_a_value_of_its_name() -> None:
    index = Index("c", "m", ["parameters.agents"], ["a", "b"], [[[2, 3]], [[5, 6]]])
    run = {"error": "", "objective": None, "stopped": "optimal", "message": "",
           "verdict": {"status": "verified"}}  # fmt: skip
    rows = [*summary_rows(index, {k: {**run, "values": {"agents": 3, "n": 1}} for k in "ab"})]
    assert [row["agents"] for row in rows] == [[2, 3], [5, 6]]
    assert [row["agents (value)"] for row in rows] == [3, 3]
    assert headline(index, [{**run, "values": {"agents": 3, "n": 1}}]) == "n"
    # The same number twice says nothing.
    same = replace(index, values=[[3], [3]])
    rows = [*summary_rows(same, {k: {**run, "values": {"agents": 3}} for k in "ab"})]
    assert "agents (value)" not in rows[0]


def test_key_holds_the_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    case = parse_case(HEAD)
    key = Keys(case).key({})
    monkeypatch.setattr("optimodels.runs.key.__version__", "9.9")
    assert Keys(case).key({}) != key


def test_key_holds_the_code_that_computes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A formulation that was put right is not answered by the runs of the wrong one."""
    case = parse_case(HEAD + "solver: highs\n")
    keys = [Keys(case).key({})]
    package = tmp_path / "of_others"
    package.mkdir()
    for name in ("__init__", "programs", "pictures"):
        (package / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    theirs = replace(case, model=replace(case.model, program="of_others.programs:ANY"))
    keys.append(Keys(theirs).key({}))
    for name in ("pictures", "programs"):
        (package / f"{name}.py").write_text("changed = 1")
        source.cache_clear()
        keys.append(Keys(theirs).key({}))
    monkeypatch.setattr("optimodels.runs.key._version", lambda language: "another")
    _computes.cache_clear()
    keys.append(Keys(theirs).key({}))
    _computes.cache_clear()
    assert keys[1] == keys[2]
    assert len({*keys}) == 4


def test_what_only_shows_results_is_used_by_nothing_that_computes() -> None:
    """Or its code would belong into the keys of runs."""
    package = Path(sys.modules["optimodels"].__file__ or "").parent
    assert all((package / name).exists() for name in SHOWS)
    uses = re.compile(rf"^\s*(?:from|import) optimodels\.(?:{'|'.join(SHOWS)})\b", re.M)
    drawn = re.compile(r"^\s*(?:from|import) \S*pictures\b", re.M)
    looked = 0
    for path in package.rglob("*.py"):
        parts = path.relative_to(package).parts
        if parts[0] in SHOWS or parts[-1].endswith("pictures.py") or len(parts) == 1:
            continue
        looked += 1
        text = path.read_text("utf-8")
        assert not uses.search(text), path
        assert not drawn.search(text), path
    assert looked > 100


def test_record_comes_back_whole_and_equal_runs_are_equal_bytes() -> None:
    result = solve(load_case(CASES / "self-sustainability-33bus-max.yaml"))
    record = Record.of("k", result)
    back = unpack(pack(record))
    assert back.result == record.result
    assert back.seconds == dict(result.seconds)
    for stage, arrays in record.arrays.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(back.arrays[stage][name], array)
    assert back.result is not None
    again = Result.from_json({**back.result, "seconds": back.seconds}, back.arrays)
    # The question is kept by the sweep, once for all of its runs.
    assert again.as_json() == replace(result, asked={}).as_json()


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_damaged_file_is_named_set_aside_and_done_again(cut: int, tmp_path: Path) -> None:
    case = case_of(SMALL, tmp_path)
    before = sweep(case, tmp_path / "out")
    path = sorted((tmp_path / "out" / "runs").rglob("*.run"))[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:cut] if cut >= 0 else whole[:-40] + b"x" * 40)
    after = sweep(case, tmp_path / "out")
    assert after.known == 5
    assert [path.name in line for line in after.damaged] == [True]
    assert (tmp_path / "out" / "damaged" / path.name).exists()
    assert after.rows == before.rows


def test_run_in_the_place_of_another_is_set_aside_and_done_again(tmp_path: Path) -> None:
    """Each file is whole: what was asked for is in neither."""
    case = case_of(SMALL, tmp_path)
    before = sweep(case, tmp_path / "out")
    first, second = sorted((tmp_path / "out" / "runs").rglob("*.run"))[:2]
    whole = first.read_bytes()
    first.write_bytes(second.read_bytes())
    key = first.name.removesuffix(".run")
    store = Store(tmp_path / "out")
    assert store.read(key) is None
    assert [(first.name in said, "holds another run" in said) for said in store.damaged] == [
        (True, True)
    ]
    assert (tmp_path / "out" / "damaged" / first.name).read_bytes() == second.read_bytes()
    after = sweep(case, tmp_path / "out")
    assert (after.known, after.rows) == (5, before.rows)
    record = Store(tmp_path / "out").read(key)
    assert record is not None
    assert record.result == unpack(whole).result


def test_bits_that_flip_are_noticed() -> None:
    data = bytearray(pack(Record("k", "case", "model", error="why")))
    noticed = 0
    for at in range(0, len(data), 7):
        broken = bytearray(data)
        broken[at] ^= 0x10
        try:
            same = unpack(bytes(broken)) == unpack(bytes(data))
        except DamagedError:
            noticed += 1
        else:
            # A flag of the zip that nobody reads: the content is what it was.
            assert same
    assert noticed > len(data) / 7 / 2


def test_table_view_can_be_thrown_away_or_broken(tmp_path: Path) -> None:
    case = case_of(SMALL, tmp_path)
    rows = sweep(case, tmp_path / "out").rows
    view = tmp_path / "out" / "table.sqlite"
    view.unlink()
    assert sweep(case, tmp_path / "out").rows == rows
    view.write_bytes(b"no database at all" * 1000)
    assert sweep(case, tmp_path / "out").rows == rows
    assert sweep(case, tmp_path / "out").rows == rows
    whole = bytearray(view.read_bytes())
    whole[4096:8192] = b"\xff" * 4096  # a page within, behind a head that is whole
    view.write_bytes(whole)
    assert sweep(case, tmp_path / "out").rows == rows
    view.unlink(missing_ok=True)
    with closing(sqlite3.connect(view)) as foreign:
        foreign.execute("create table runs (of, another, kind)")
    assert sweep(case, tmp_path / "out").rows == rows
    view.unlink()
    assert sweep(case, tmp_path / "out").rows == rows
    holder = sqlite3.connect(view, isolation_level=None)
    holder.execute("begin exclusive")
    try:
        assert Store(tmp_path / "out").summaries()
    finally:
        holder.close()


def refusing(monkeypatch: pytest.MonkeyPatch, name: str, place: Path) -> None:
    """What the system does where the rights for one place are missing; root has them all."""
    honest = getattr(os, name)

    def refused(path: Any, *others: Any) -> Any:
        if Path(path) == place:
            raise PermissionError(13, "Permission denied", str(path))
        return honest(path, *others)

    monkeypatch.setattr(os, name, refused)


def test_damaged_file_of_a_store_that_may_only_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep(case_of(SMALL, tmp_path), tmp_path / "out")
    path = sorted((tmp_path / "out" / "runs").rglob("*.run"))[0]
    path.write_bytes(b"no zip")
    refusing(monkeypatch, "mkdir", tmp_path / "out" / "damaged")
    store = Store(tmp_path / "out", create=False)
    for _ in range(2):
        assert len(store.summaries()) == 5
    (line,) = store.damaged
    assert line.startswith(f"{path}: ")
    assert line.endswith("; it cannot be set aside: Permission denied")
    assert path.exists()


def test_file_that_may_not_be_read_is_not_a_damaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep(case_of(SMALL, tmp_path), tmp_path / "out")
    path = sorted((tmp_path / "out" / "runs").rglob("*.run"))[0]
    path.unlink()
    path.mkdir()  # what not even root can read as a file
    (tmp_path / "out" / "table.sqlite").unlink()
    store = Store(tmp_path / "out", create=False)
    with pytest.raises(RunError, match=rf"cannot read .*{path.name}: Is a directory"):
        store.summaries()
    assert not store.damaged
    assert path.exists()
    refusing(monkeypatch, "scandir", tmp_path / "out" / "runs")
    with pytest.raises(RunError, match=r"cannot read .*runs: Permission denied"):
        store.keys()
    refusing(monkeypatch, "mkdir", tmp_path / "none" / "runs")
    with pytest.raises(RunError, match=r"cannot write .*runs: Permission denied"):
        Store(tmp_path / "none")


def test_store_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text('{"format": 99}')
    with pytest.raises(CallError, match="holds runs of format 99, this version writes 2"):
        Store(tmp_path)
    with pytest.raises(CallError, match="is no folder of runs"):
        Store(tmp_path / "none", create=False)


def test_store_is_plain_json_inside_a_zip(tmp_path: Path) -> None:
    sweep(case_of(SMALL, tmp_path), tmp_path / "out")
    path = next((tmp_path / "out" / "runs").rglob("*.run"))
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("record.json"))["format"] == 2


def test_changed_figure_is_no_longer_verified(tmp_path: Path) -> None:
    """A verdict belongs to the figures that were stored with it."""
    case = parse_case(HEAD + "solver: exact\nsweep: {grid: {parameters.aggregators: [2, 3]}}\n")
    sweep(case, tmp_path)
    path = next((tmp_path / "runs").rglob("*.run"))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    whole = json.loads(parts["record.json"])
    whole["result"]["objective"] = -9999.0
    parts["record.json"] = json.dumps(whole).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    again = sweep(case, tmp_path)
    assert "its figures are not those" in again.damaged[0]
    assert all(row["objective"] != -9999.0 for row in again.rows)


def test_names_that_differ_in_signs_alone_stay_apart(tmp_path: Path) -> None:
    for name in ("a/b", "a-b", "a:b"):
        case = parse_case(
            f"name: '{name}'\n" + HEAD + "solver: exact\n"
            "sweep: {grid: {parameters.aggregators: [2, 3]}}\n"
        )
        sweep(case, tmp_path)
    assert {index.case for index in Store(tmp_path).indexes()} == {"a/b", "a-b", "a:b"}


def test_what_was_just_written_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is anything of it kept in memory beyond a few files."""
    monkeypatch.setattr(store, "_BATCH", 2)
    read: list[str] = []
    whole = Store.read

    def reads(self: Store, key: str) -> Record | None:
        assert len(self._seen) < 2
        read.append(key)
        return whole(self, key)

    monkeypatch.setattr(Store, "read", reads)
    done = sweep(case_of(SMALL, tmp_path), tmp_path / "out")
    assert read == []
    again = Store(tmp_path / "out")
    assert again.summaries() == done.summaries
    assert read == []
    # Written by somebody else meanwhile, a file is.
    changed = sorted((tmp_path / "out" / "runs").rglob("*.run"))[0]
    os.utime(changed, ns=(1, 1))
    assert again.summaries() == done.summaries
    assert read == [changed.name.removesuffix(".run")]


def test_reading_leaves_the_table_view_as_it_is(tmp_path: Path) -> None:
    out = tmp_path / "out"
    rows = sweep(case_of(SMALL, tmp_path), out).summaries
    view = out / "table.sqlite"
    view.unlink()
    assert Store(out, create=False).summaries() == rows
    assert not view.exists()
    view.write_bytes(b"no database at all" * 1000)
    assert Store(out, create=False).summaries() == rows
    assert view.read_bytes() == b"no database at all" * 1000
    view.unlink()
    sorted((out / "runs").rglob("*.run"))[0].unlink()
    Store(out).summaries()
    # Behind by a run that has come since.
    behind = view.read_bytes()
    sweep(case_of(SMALL, tmp_path), tmp_path / "other")
    shutil.copytree(tmp_path / "other" / "runs", out / "runs", dirs_exist_ok=True)
    assert Store(out, create=False).summaries().keys() == rows.keys()
    assert view.read_bytes() == behind
