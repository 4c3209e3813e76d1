"""The command line as a user meets it, in processes of its own."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optimodels.case import load_case
from optimodels.cli import main
from optimodels.cli.progress import Parts, Progress
from optimodels.errors import RunError
from optimodels.families import model_names
from optimodels.files import write_whole
from optimodels.reporting.text import table_lines
from optimodels.runs import Store
from optimodels.runs.record import unpack
from optimodels.solvers.registry import all_solvers
from optimodels.study import solve
from tests.unit.imports import imported_by
from tests.unit.sweeps import HEAD, case_of

HEAVY = ("pandas", "pyomo", "cvxpy", "pandapower", "scipy", "matplotlib")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "optimodels", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | environment,
    )


def test_help_and_validate_import_nothing_heavy(cases: Path) -> None:
    loaded = imported_by("--help")
    assert not loaded & {*HEAVY, "numpy", "pydantic", "ruamel"}
    loaded = imported_by("validate", str(cases / "flexibility" / "shiftable-33bus.yaml"))
    assert not loaded & set(HEAVY)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("cli") / "small.yaml"
    file.write_text(
        "name: small\nmodel: flexibility/shiftable-loads\n"
        "profiles: {load: [50, 100, 80], price: [20, 40, 30]}\n"
        "parameters: {power_flow: none}\n"
    )
    return file


def test_second_solve_on_a_network_imports_no_pandapower(small: Path) -> None:
    assert main(["solve", str(small)]) == 0
    assert not imported_by("solve", str(small)) & {"pandapower", "pandas", "matplotlib"}


def test_json_is_strict_and_one_array_for_several_cases(small: Path) -> None:
    one = run("solve", str(small), "--json")
    assert one.returncode == 0, one.stderr
    result = json.loads(one.stdout, parse_constant=lambda c: pytest.fail(c))
    for key in (
        "case", "model", "fingerprint", "solver", "stopped", "point", "verdict", "objective",
        "objective_unit", "bound", "gap", "values", "tables", "seconds", "environment",
    ):  # fmt: skip
        assert key in result, key
    assert result["verdict"]["status"] == "verified"
    assert {"name", "via", "version", "options", "threads"} <= set(result["solver"])
    assert all({"name", "value", "tolerance", "passed"} == set(c) for c in
               result["verdict"]["checks"])  # fmt: skip
    two = run("solve", str(small), str(small), "--json")
    assert [r["case"] for r in json.loads(two.stdout)] == ["small", "small"]


@pytest.mark.parametrize("isolate", [(), ("--isolate",)])
def test_what_solvers_print_is_no_part_of_the_output(small: Path, isolate: tuple[str, ...]) -> None:
    done = run("solve", str(small), "--solver", "highs", "--live", "--json", *isolate)
    assert json.loads(done.stdout)["case"] == "small"
    assert "Running HiGHS" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
def test_output_to_a_full_disk_is_one_line_and_5(small: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "optimodels", "solve", str(small)],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=300,
        )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (5, 1)
    assert "no space left" in done.stderr


def test_solver_without_a_name_is_refused(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(small), "--set", "solver="]) == 0
    assert main(["explain", str(small), "--solver", ""]) == 2
    assert "(as set): solver: must not be empty" in capsys.readouterr().err


def test_command_that_is_proposed_can_be_typed(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "my case.yaml"
    file.write_text(small.read_text() + "sweep: {grid: {solver: [highs]}}\n")
    assert main(["solve", str(file)]) == 0
    (line,) = (s for s in capsys.readouterr().out.splitlines() if "optimodels sweep" in s)
    assert shlex.split(line) == ["optimodels", "sweep", str(file)]


def test_the_worst_of_several_cases_counts(small: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("model: nonsense\n")
    done = run("solve", str(bad), str(small))
    assert done.returncode == 2
    assert "bad.yaml:1:1: model: no model 'nonsense'" in done.stderr
    assert "verified by certificate" in done.stdout


@pytest.mark.parametrize("command", ["solve", "validate", "explain", "export"])
def test_a_wrong_case_keeps_no_other_from_its_turn(
    command: str, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("model: nonsense\n")
    more = ["--format", "lp", "--out", str(tmp_path)] if command == "export" else []
    assert main([command, str(bad), str(small), *more]) == 2
    out, err = capsys.readouterr()
    assert err == f"{bad}:1:1: model: no model 'nonsense'\n"
    assert "small" in out


def test_solver_is_swapped_for_a_whole_sweep(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = tmp_path / "swept.yaml"
    case.write_text(small.read_text() + "sweep: {grid: {solver.time_limit: [20, 30]}}\n")
    assert main(["sweep", str(case), "--solver", "scip", "--out", str(tmp_path)]) == 0
    runs = Store(tmp_path).summaries().values()
    assert [run["solver"]["name"] for run in runs] == ["scip", "scip"]
    capsys.readouterr()
    # Who names two solvers is not given one of them without a word.
    for sweep in ("grid: {solver: [highs]}", "list: [{solver.name: highs}]"):
        for command in ("sweep", "pack"):
            setting = f"sweep={{{sweep}}}"
            out = ["--out", str(tmp_path / "out")]
            assert main([command, str(case), "--solver", "scip", "--set", setting, *out]) == 2
            out_said, said = capsys.readouterr()
            assert f"--solver: the sweep of {case} sets the solver of each run" in said
            assert (said.count("\n"), out_said) == (1, "")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["solve", "sweep", "validate", "bench", "pack", "export"])
def test_model_where_a_case_is_expected_says_what_to_type(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    more = ["--format", "lp"] if command == "export" else []
    name = "flexibility/shiftable-loads"
    assert main([command, name, *more]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    # What it says to type does it.
    words = shlex.split(said.partition("optimodels ")[2])
    assert words == ["new", name, ">", "my.yaml"]
    assert main(words[:2]) == 0
    Path("my.yaml").write_text(capsys.readouterr().out)
    assert main(["validate", "my.yaml"]) == 0
    # A file of that name goes first.
    Path(name).parent.mkdir()
    Path("my.yaml").rename(name)
    assert main(["validate", name]) == 0


def test_infeasible_mapping_ends_with_3_and_says_why(cases: Path) -> None:
    file = str(cases / "flexibility" / "aggregator-mapping-33bus.yaml")
    done = run("solve", file, "--set", "parameters.slack=0", "--set", "parameters.aggregators=5")
    assert done.returncode == 3
    assert "5 aggregators of at most 6 buses hold 30 of 32 buses" in done.stdout
    assert "verified by certificate: infeasibility" in done.stdout


def test_no_line_is_wider_than_the_terminal(cases: Path) -> None:
    file = str(cases / "flexibility" / "shiftable-33bus.yaml")
    for width in (60, 80, 120):
        done = run("solve", file, COLUMNS=str(width))
        assert max(map(len, done.stdout.splitlines())) <= width
        assert "\033" not in done.stdout


def test_wide_tables_are_laid_out_in_parts() -> None:
    rows = [{"bus": 1, **{f"column_number_{k}": 0.123456 for k in range(12)}}]
    lines = table_lines(rows, 60)
    assert max(map(len, lines)) <= 60
    assert sum("bus" in line for line in lines) > 1
    # A terminal of no width at all gets what forty columns get.
    assert table_lines(rows, 5) == table_lines(rows, 40)


def test_output_folder_that_cannot_be_written(small: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("solve", str(small), "--out", str(tmp_path / "file" / "x"))
    assert done.returncode == 2
    assert done.stderr.startswith("--out: cannot write to")
    assert len(done.stderr.splitlines()) == 1


def test_full_disk_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="the disk is full"):
        write_whole(tmp_path / "x.json", "{}")
    assert list(tmp_path.iterdir()) == []


def test_files_of_a_result_are_complete(small: Path, tmp_path: Path) -> None:
    assert main(["solve", str(small), "--out", str(tmp_path)]) == 0
    names = {p.name for p in tmp_path.iterdir()}
    assert {"small.json", "small-hours.csv", "small-hours.svg"} <= names
    assert json.loads((tmp_path / "small.json").read_text())["case"] == "small"
    head = (tmp_path / "small-hours.csv").read_text().splitlines()
    assert head[0].startswith("step,price,")
    assert len(head) == 4


def test_interrupt_ends_the_command_and_not_its_caller(
    cases: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("optimodels.study.solve", interrupted)
    on_sigterm = signal.getsignal(signal.SIGTERM)
    over = threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    try:
        assert main(["solve", str(cases / "flexibility" / "shiftable-33bus.yaml")]) == 130
    finally:
        over.set()
        other.join()
    assert capsys.readouterr().err == "interrupted\n"
    assert signal.getsignal(signal.SIGTERM) is on_sigterm


def test_interrupt_is_one_line_and_130(cases: Path, tmp_path: Path) -> None:
    # More runs than a minute does; the signal comes when the first of them is there.
    grid = f"{{parameters.slack: {[k / 2000 for k in range(4000)]}}}"
    process = subprocess.Popen(
        [sys.executable, "-m", "optimodels", "sweep", "--set", f"sweep={{grid: {grid}}}",
         str(cases / "flexibility" / "mapping-surface-33bus.yaml"), "--out", str(tmp_path / "o")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list((tmp_path / "o").rglob("*.run")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "interrupted" in err
    assert "Traceback" not in err
    # What was finished is kept, whole; nothing else is there.
    for path in (tmp_path / "o").rglob("*"):
        assert path.is_dir() or path.suffix in (".run", ".json", ".sqlite")
        if path.suffix == ".run":
            unpack(path.read_bytes())


def test_progress_of_a_terminal_begins_at_nothing_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    told = Progress()
    for clock[0], done in ((1.0, 0), (1.1, 1), (5.0, 2), (10.0, 4)):
        told(done, 4)
    assert capsys.readouterr().err.split("\r\033[K") == [
        "",
        "0 of 4 runs",
        "2 of 4 runs, 0.4 per second, 5 s left",
        "4 of 4 runs, 0.4 per second, 0 s left\n",
    ]
    # A later stage has a rate of its own; one part is no progress.
    parts = Parts()
    for stage, clock[0], done, of in (("a", 100, 0, 1), ("b", 100, 0, 2), ("b", 110, 1, 2)):
        parts(stage, done, of, "compute")
    assert capsys.readouterr().err == "\r\033[K1 of 2 parts, 0.1 per second, 10 s left"


def test_cases_are_listed_with_their_models(
    cases: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(cases.parent)
    (tmp_path / "wrong.yaml").write_text("model: none\n")
    assert main(["cases", "cases"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("  cases/flexibility/shiftable-33bus.yaml")
    assert [one for one in lines[:at] if one[0] != " "][-1] == "flexibility/shiftable-loads"
    assert max(map(len, lines)) <= 80
    assert main(["cases", str(tmp_path)]) == 2
    assert "wrong.yaml:1:1: model: no model 'none'" in capsys.readouterr().out
    assert main(["cases", str(cases / "none")]) == 2


def test_every_model_is_listed_with_its_title(
    cases: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    listed = [line.split(None, 1) for line in lines if line[0] != " "]
    assert [name for name, _ in listed] == model_names()
    # Whatever a shipped case asks is among them.
    texts = [file.read_text("utf-8") for file in cases.rglob("*.yaml")]
    asked = {found[1] for text in texts if (found := re.search("^model: (.+)$", text, re.M))}
    assert len(asked) > 10
    assert asked <= {name for name, _ in listed}
    assert dict(listed)["flexibility/shiftable-loads"].startswith("Shiftable loads: ")


def test_every_solver_is_listed_or_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in ("80", "400"):
        monkeypatch.setenv("COLUMNS", columns)
        assert main(["solvers"]) == 0
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= int(columns)
    here, _, others = out.partition("\n\n")
    ways = [tuple(line.split()[:2]) for line in here.splitlines()[2:]]
    # What the package depends on, and a family's own algorithms.
    assert {("highs", "pyomo"), ("highs", "cvxpy"), ("scip", "pyomo"), ("clarabel", "cvxpy"),
            ("exact", "-")} <= set(ways)  # fmt: skip
    installed = {(solver.name, solver.via) for solver in all_solvers() if solver.installed}
    assert sorted(ways) == sorted({*installed, ("exact", "-")})
    names = {solver.name for solver in all_solvers()} - {name for name, _ in ways}
    assert names <= set(re.findall(r"[\w-]+", others))


def test_schema_is_one_of_whole_cases(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    said = json.loads(capsys.readouterr().out)
    keys = {"name", "model", "network", "profiles", "parameters", "solver", "sweep", "paper"}
    assert keys <= set(said["properties"])


@pytest.mark.parametrize(
    ("status", "stopped", "plain", "strict"),
    [
        ("verified", "optimal", 0, 0),
        ("unverified", "optimal", 0, 1),
        ("refuted", "optimal", 1, 1),
        ("verified", "infeasible", 3, 3),
        ("unverified", "infeasible", 3, 3),
        ("unverified", "time", 4, 4),
    ],
)
def test_strict_takes_no_unverified_answer(
    status: str, stopped: str, plain: int, strict: int, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = solve(load_case(small))
    told = replace(result, stopped=stopped, verdict=replace(result.verdict, status=status))
    monkeypatch.setattr("optimodels.study.solve", lambda *_, **__: told)
    assert main(["solve", str(small)]) == plain
    assert main(["solve", str(small), "--strict"]) == strict


def test_runs_are_repeated_as_the_command_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 60 aggregators for 32 buses there is no answer: a run that failed."""
    case_of(HEAD + "solver: exact\nsweep: {grid: {parameters.aggregators: [2, 60]}}\n", tmp_path)
    words = ["sweep", str(tmp_path / "case.yaml"), "--out", str(tmp_path / "out")]
    for again, known in (([], 0), (["--again", "failed"], 1), (["--again"], 0)):
        main([*words, *again])
        told = f"case: 2 runs, {known} of them there before, 1 failed"
        assert told in capsys.readouterr().out, again


def test_a_large_sweep_is_confirmed_or_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("optimodels.case.expansion.MOST_RUNS", 1)
    case_of(HEAD + "solver: exact\nsweep: {grid: {parameters.slack: [0, 1]}}\n", tmp_path)
    words = ["sweep", str(tmp_path / "case.yaml"), "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert "--large" in capsys.readouterr().err
    assert not list((tmp_path / "out").rglob("*.run"))
    assert main([*words, "--large"]) == 0
    assert len(list((tmp_path / "out").rglob("*.run"))) == 2


@pytest.mark.parametrize("command", ["validate", "solve", "explain"])
def test_files_outside_the_case_s_folder_are_allowed_by_name(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "day.csv").write_text("eur\n20\n40\n30\n")
    case = tmp_path / "inner" / "case.yaml"
    case.parent.mkdir()
    case.write_text(
        "model: flexibility/shiftable-loads\nparameters: {power_flow: none}\n"
        "profiles: {load: [50, 100, 80], price: {csv: ../day.csv, column: eur}}\n"
    )
    assert main([command, str(case)]) == 2
    assert "'../day.csv' leads out of the case's folder" in capsys.readouterr().err
    assert main([command, str(case), "--allow-outside"]) == 0


def test_colours_are_for_terminals_that_want_them(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {}
    for terminal in (True, False):
        monkeypatch.setattr(sys.stdout, "isatty", lambda terminal=terminal: terminal)
        for wish in ("", "1"):
            # As no-color.org has it: what is empty wishes nothing.
            monkeypatch.setenv("NO_COLOR", wish)
            assert main(["solve", str(small)]) == 0
            said[terminal, wish] = "\033[" in capsys.readouterr().out
    assert said == {(True, ""): True, (True, "1"): False, (False, ""): False, (False, "1"): False}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["solve", "--solver", "scip"], "computes and asks no solver; leave out the key"),
        (["bench"], "there is nothing to race"),
        (["export", "--format", "lp"], "states no problem"),
    ],
)
def test_model_that_only_computes_takes_no_solver(
    arguments: list[str], says: str, cases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = str(cases / "supply" / "bidding-uniform.yaml")
    assert main([arguments[0], case, *arguments[1:]]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_marks_are_written_whatever_the_terminal_says_it_can(small: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "optimodels", "solve", str(small), "--out", str(tmp_path / "o")],
        capture_output=True,
        timeout=300,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert "✓" in done.stdout.decode("utf-8")


def test_name_of_a_case_is_written_under_its_picture_as_it_stands(tmp_path: Path) -> None:
    """Dollars begin no formula, and letters that no font here has are no remark."""
    name = r"costs $\frac and $b, 漢字"
    (tmp_path / "c.yaml").write_text(
        f"name: '{name}'\nmodel: flexibility/shiftable-loads\n"
        "profiles: {load: [50, 100], price: [20, 40]}\nparameters: {power_flow: none}\n"
    )
    done = run("solve", str(tmp_path / "c.yaml"), "--out", str(tmp_path / "o"))
    assert (done.returncode, done.stderr) == (0, "")
    (drawn,) = (tmp_path / "o").glob("*.svg")
    assert name in drawn.read_text()


@pytest.mark.parametrize("number", ["²", "0", "1.5", "9" * 5000])
def test_number_on_the_command_line_that_is_none(
    number: str, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["bench", str(small), "--threads", number])
    assert "must be a whole number from 1 to 1024" in capsys.readouterr().err


def test_folder_of_any_name_is_written_and_named(small: Path, tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/out\xff")
    done = run("solve", str(small), "--out", folder, PYTHONIOENCODING="utf-8:strict")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"wrote {tmp_path}/out\\udcff/small.json" in done.stdout
    assert Path(folder, "small.json").exists()


def test_a_closed_folder_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def closed(folder: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("optimodels.reporting.page.report", closed)
    assert main(["report", str(tmp_path)]) == 5
    assert capsys.readouterr().err == f"{tmp_path}: Permission denied\n"


def test_a_closed_output_is_no_traceback(cases: Path) -> None:
    case = cases / "flexibility" / "aggregator-mapping-33bus.yaml"
    line = f'exec "{sys.executable}" -m optimodels solve "{case}" >&-'
    ran = subprocess.run(["sh", "-c", line], stderr=subprocess.PIPE, text=True)
    assert "Traceback" not in ran.stderr


def test_what_a_sweep_sets_is_not_set_besides(
    cases: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    case = str(cases / "flexibility" / "mapping-surface-33bus.yaml")
    words = ["sweep", case, "--out", str(tmp_path), "--set", "parameters.slack=0.3"]
    assert main(words) == 2
    assert "--set parameters.slack: the sweep of" in capsys.readouterr().err


def test_a_model_that_computes_has_problems_before(
    cases: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    case = str(cases / "ising" / "field-response-33bus.yaml")
    assert main(["export", case, "--format", "mps", "--out", str(tmp_path)]) == 2
    assert "name one with --stage: shift" in capsys.readouterr().err


def test_several_answers_are_told_together(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = str(cases / "flexibility" / "aggregator-mapping-33bus.yaml")
    assert main(["solve", case, case]) == 0
    *_, head, _, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["case", "objective", "stopped", "verdict"]
    assert first == second
    assert first.split()[2:] == ["optimal", "✓", "verified"]


def test_a_model_that_is_misspelt_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "flexibilty/shiftable-loads"]) == 2
    assert "did you mean 'flexibility/shiftable-loads'?" in capsys.readouterr().err
