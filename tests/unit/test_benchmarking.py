"""The race of solvers: its arithmetic by hand, and liars that never win."""

from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from threadpoolctl import threadpool_info, threadpool_limits

from optimodels.benchmarking import Benchmark, Entry, Settings, bench
from optimodels.benchmarking.against import against
from optimodels.benchmarking.entry import read_benchmark
from optimodels.benchmarking.race import Contestant, _answer, _ask, _joined
from optimodels.benchmarking.scores import (
    PENALTY,
    VIRTUAL_BEST,
    cactus,
    means,
    profiles,
    shifted_mean,
    statuses,
    wins,
)
from optimodels.benchmarking.settle import differ, disagreements, settled
from optimodels.benchmarking.tables import tables
from optimodels.case import choice, load_case
from optimodels.cli import main
from optimodels.errors import CallError
from tests.unit.packages import install

ROOT = Path(__file__).parents[2]
MAPPING = ROOT / "cases" / "flexibility" / "aggregator-mapping-33bus.yaml"
SURFACE = ROOT / "cases" / "flexibility" / "mapping-surface-33bus.yaml"


def entry(instance: str, solver: str, *times: float, **other: object) -> Entry:
    seconds = [{"solve": time} for time in times]
    blank = Entry(instance, solver, "solved", stopped="optimal", verdict="verified",
                  objective=1.0, seconds=seconds)  # fmt: skip
    return replace(blank, **other)  # type: ignore[arg-type]


def raced(*entries: Entry, **settings: object) -> Benchmark:
    return Benchmark(replace(Settings(), **settings), {}, entries)  # type: ignore[arg-type]


BY_HAND = raced(
    entry("one", "a", 1.0, 1.0, 1.0, 1.0, 1.0),
    entry("one", "b", 2.0, 2.0, 2.0, 2.0, 9.0),
    entry("two", "a", 8.0, 8.0, 8.0, 8.0, 8.0),
    entry("two", "b", 4.0, 4.0, 4.0, 4.0, 4.0),
    entry("three", "a", status="time", stopped="time", verdict="unverified"),
    entry("three", "b", 5.0, 5.0, 5.0, 5.0, 5.0),
    time_limit=10.0,
    shift=1.0,
)


def test_shifted_mean_by_hand() -> None:
    assert shifted_mean([2.0, 8.0], 0.0) == pytest.approx(4.0)
    assert shifted_mean([0.0, 8.0], 1.0) == pytest.approx(2.0)
    # No clamp: microseconds stay microseconds.
    assert shifted_mean([1e-6, 1e-6], 10.0) == pytest.approx(1e-6, rel=1e-3)


def test_means_by_hand() -> None:
    rows = {row["solver"]: row for row in means(BY_HAND)}
    assert rows["a"]["plain"] == pytest.approx(math.sqrt(2 * 9) - 1)
    assert rows["a"]["penalised"] == pytest.approx((2 * 9 * (PENALTY * 10 + 1)) ** (1 / 3) - 1)
    assert rows["b"]["plain"] == rows["b"]["penalised"] == pytest.approx(90 ** (1 / 3) - 1)
    assert rows["a"]["intersection"] == pytest.approx(math.sqrt(2 * 9) - 1)
    assert rows["b"]["intersection"] == pytest.approx(math.sqrt(3 * 5) - 1)
    assert rows[VIRTUAL_BEST]["plain"] == pytest.approx((2 * 5 * 6) ** (1 / 3) - 1)
    assert (rows["a"]["best at"], rows["b"]["best at"]) == (1, 2)
    assert (rows["a"]["solved"], rows["a"]["of"]) == (2, 3)


def test_wins_need_quartiles_apart() -> None:
    rows = {row["faster"]: row for row in wins(BY_HAND)}
    assert (rows["a"]["b"], rows["b"]["a"]) == (1, 2)
    close = raced(entry("x", "a", 1.0, 2.0, 3.0), entry("x", "b", 2.0, 3.0, 4.0))
    assert [row.get("b", row.get("a")) for row in wins(close)] == [0, None]


def test_profile_and_cactus_by_hand() -> None:
    assert profiles(BY_HAND) == {
        "a": [(1.0, pytest.approx(1 / 3)), (2.0, pytest.approx(2 / 3))],
        "b": [(1.0, pytest.approx(1 / 3)), (1.0, pytest.approx(2 / 3)), (2.0, pytest.approx(1.0))],
    }
    assert cactus(BY_HAND) == {
        "a": [(1, 1.0), (2, 8.0)],
        "b": [(1, 2.0), (2, 4.0), (3, 5.0)],
    }


def test_statuses_count_every_end() -> None:
    rows = {row["solver"]: row for row in statuses(BY_HAND)}
    assert rows["a"] == {"solver": "a", "solved": 2, "time": 1}


@pytest.mark.parametrize("proved", ["optimal", "infeasible", "unbounded"])
def test_proved_answer_refutes_others(proved: str) -> None:
    right = entry("x", "right", 1.0, stopped=proved)
    if proved != "optimal":
        right = replace(right, objective=None)
    words = [
        entry("x", f"says {stopped}", 1.0, status="unverified", verdict="unverified",
              stopped=stopped, objective=3.0 if stopped == "optimal" else None)
        for stopped in ("optimal", "infeasible", "unbounded")
    ]  # fmt: skip
    found = settled([right, *words])
    assert found[0].status == "solved"
    for one in found[1:]:
        same = one.stopped == proved and proved != "optimal"
        assert one.status == ("unverified" if same else "refuted"), one
        assert same or (one.verdict, one.text) == ("refuted", f"refuted: {one.reason}")
    told = disagreements(raced(*found))
    assert len(told) == 4
    assert sum("right proved otherwise" in row["settled by"] for row in told) == (
        3 if proved == "optimal" else 2
    )


def test_a_word_that_meant_two_languages_names_both() -> None:
    way = {"name": "highs", "version": "1.2"}
    both = [
        entry(instance, "highs", 1.0, used={**way, "via": via})
        for instance, via in (("x", "pyomo"), ("y", "cvxpy"))
    ]
    rows = {row["what"]: row["is"] for row in tables(raced(*both))[-1].rows}
    assert rows["solver highs"] == "highs 1.2 through pyomo, highs 1.2 through cvxpy"


def test_gap_that_was_asked_for_is_no_disagreement() -> None:
    one, other = entry("x", "a", 1.0, objective=100.0), entry("x", "b", 1.0, objective=100.5)
    assert differ(one, other)
    assert not differ(replace(one, asked_gap=0.01), other)
    assert disagreements(raced(one, replace(other, objective=100.0 + 1e-5))) == []


def test_ratio_of_the_same_and_of_twice_the_time() -> None:
    times = [1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 1.02]
    before = raced(entry("x", "a", *times))
    (same, whole) = against(before, before)
    assert same["ratio"] == whole["ratio"] == pytest.approx(1.0)
    assert same["from"] <= 1.0 <= same["to"]
    assert same["word"] == "no difference shown"
    twice = raced(entry("x", "a", *(2 * time for time in times)))
    assert against(twice, before)[0]["ratio"] == pytest.approx(2.0)
    assert against(twice, before)[0]["word"] == "slower"
    assert against(before, twice)[0]["word"] == "faster"
    changed = raced(entry("x", "a", *times, fingerprint="other"))
    assert "not compared" in against(changed, before)[0]["word"]
    broken = raced(entry("x", "a", status="error"))
    assert against(broken, before) == [{"solver": "a, x", "word": "solved before, error now"}]
    (table,) = (t for t in tables(raced(entry("y", "a", *times)), before) if "earlier" in t.title)
    assert (table.rows, table.note) == ([], "No solver was raced on the same instance in both.")


def test_interval_covers_the_true_ratio() -> None:
    """Of 95 % intervals about 95 % must hold the truth; percentile intervals of medians of 15 are
    known to be a little wide or narrow, so the band is that of 400 trials around 90 to 99 %."""
    draws = np.random.default_rng(7)
    covered = 0
    for _ in range(400):
        old = raced(entry("x", "a", *np.exp(draws.normal(0.0, 0.2, 15))))
        new = raced(entry("x", "a", *(1.3 * np.exp(draws.normal(0.0, 0.2, 15)))))
        row = against(new, old)[0]
        covered += row["from"] <= 1.3 <= row["to"]
    assert 0.90 <= covered / 400 <= 0.995


def test_interval_against_scipys_bootstrap() -> None:
    """Both draw 4000 times; where a percentile falls differs by what so many draws leave open."""
    draws = np.random.default_rng(11)
    old, new = np.exp(draws.normal(0.0, 0.1, 25)), 1.4 * np.exp(draws.normal(0.0, 0.1, 25))
    (row, whole) = against(raced(entry("x", "a", *new)), raced(entry("x", "a", *old)))

    def ratio(one: Any, other: Any, axis: int) -> Any:
        return np.median(one, axis=axis) / np.median(other, axis=axis)

    found = stats.bootstrap(
        (new, old), ratio, n_resamples=4000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert row["ratio"] == pytest.approx(np.median(new) / np.median(old), rel=1e-12)
    # A 2.5 % percentile of 4000 draws has a standard error of 0.25 % in probability: of about a
    # tenth of the interval's half width here.
    within = 0.3 * (found.high - found.low) / 2
    assert row["from"] == pytest.approx(found.low, abs=within)
    assert row["to"] == pytest.approx(found.high, abs=within)
    assert whole["ratio"] == pytest.approx(row["ratio"])
    assert row["word"] == "slower"


def test_race_times_stations_and_keeps_verdicts(tmp_path: Path) -> None:
    case = load_case(MAPPING)
    rounds: list[tuple[str, int]] = []
    done = bench(
        [case], ["exact", "highs", "clarabel"],
        progress=lambda instance, solver, number, of: rounds.append((solver, number)),
    )  # fmt: skip
    by = {e.solver: e for e in done.entries}
    assert [e.solver for e in done.entries] == ["exact", "highs", "clarabel"]
    assert by["clarabel"].status == "skipped"
    assert "cannot take a problem of class" in by["clarabel"].reason
    for one in (by["exact"], by["highs"]):
        assert (one.status, one.verdict, len(one.seconds)) == ("solved", "verified", 5)
        assert one.objective == pytest.approx(by["exact"].objective)
        assert one.peak is not None
        assert one.peak > 50
    assert by["highs"].station("hand_over") is not None
    # One warm-up each, five counted rounds for those who can, in orders that differ.
    assert [number for _, number in rounds].count(0) == 3
    orders = {tuple(s for s, n in rounds if n == number) for number in range(1, 6)}
    assert {frozenset(order) for order in orders} == {frozenset({"exact", "highs"})}
    assert len(orders) == 2
    assert done.exit_code == 0
    (tmp_path / "bench.json").write_text(done.as_json())
    assert read_benchmark(tmp_path).as_json() == done.as_json()


def test_a_repetition_adds_its_times_to_the_last_answer() -> None:
    first = entry("x", "a", 1.0, objective=5.0, verify=0.5, cores=1.75)
    last = entry("x", "a", 2.0, objective=6.0, verify=0.125, cores=1.25)
    both = _joined(first, last)
    assert (both.times, both.objective) == ([1.0, 2.0], 6.0)
    # The same claim is not judged again: what it took, it took the first time.
    assert (both.verify, both.cores) == (0.5, 1.75)
    assert _joined(replace(first, cores=None), last).cores == 1.25
    assert _joined(first, replace(last, cores=None)).cores == 1.75


def test_gap_of_a_case_is_asked_for_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    case = load_case(MAPPING, ["solver={name: scip, gap: 0.25, time_limit: 7}"])
    settings = Settings(repeat=1, time_limit=9.0, threads=2, memory_limit=3.0)
    raced_ones: list[Contestant] = []

    def race(field: list[Contestant], *_: object) -> list[Entry]:
        raced_ones.extend(field)
        return [_ask(one, Answering()) for one in field]  # type: ignore[arg-type]

    monkeypatch.setattr("optimodels.benchmarking.race", race)
    (done,) = bench(case, "pyomo:highs", settings).entries
    (one,) = raced_ones
    asked = choice(one.case)
    # Its gap is the case's, its limits are the race's.
    assert (asked.via, asked.name, asked.gap) == ("pyomo", "highs", 0.25)
    assert (asked.time_limit, asked.threads, asked.memory_limit) == (9.0, 2, 3.0)
    assert (done.status, done.asked_gap, done.instance) == ("solved", 0.25, MAPPING.stem)


class Answering:
    """A process that has solved whatever it was asked."""

    def send(self, _: str) -> None:
        pass

    def receive(self, _: float) -> tuple[str, dict[str, str]]:
        return "answer", {"status": "solved"}


@pytest.mark.parametrize("threads", [1, 2])
def test_libraries_beside_a_solver_keep_to_the_threads_of_the_race(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[int] = []

    def solve(*_: object, **__: object) -> None:
        found.append(max(library["num_threads"] for library in threadpool_info()))
        raise CallError("enough seen")

    monkeypatch.setattr("optimodels.study.solve", solve)
    with threadpool_limits(4):
        said = _answer(None, load_case(MAPPING), threads)  # type: ignore[arg-type]
    assert said == {"status": "error", "reason": "enough seen"}
    assert found == [threads]


PLANTED = """
from dataclasses import replace
from tests.conformance import liars
SOLVERS = [
    replace(liars.liar(getattr(liars, name)), name=name)
    for name in ("wrong_objective", "infeasible_point", "false_optimal", "false_infeasible",
                 "false_unbounded", "hangs", "eats_memory", "crashes")
]
"""


def test_liars_are_refuted_and_never_win(tmp_path: Path) -> None:
    """They come in as another package's solvers do, by an entry point."""
    (tmp_path / "planted.py").write_text(PLANTED)
    install(tmp_path, "planted", "[optimodels.solvers]\nplanted = planted:SOLVERS\n")
    names = ["wrong_objective", "infeasible_point", "false_optimal", "false_infeasible",
             "false_unbounded", "hangs", "eats_memory", "crashes"]  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-m", "optimodels", "bench", str(MAPPING), "--solvers",
         ",".join([*names, "highs", "exact"]), "--time-limit", "15", "--memory-limit", "1",
         "--out", str(tmp_path / "out")],
        capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "COLUMNS": "80"},
    )  # fmt: skip
    assert ran.returncode == 1, ran.stderr
    assert ran.stderr == ""
    found = {e.solver: e for e in read_benchmark(tmp_path / "out").entries}
    for name in names[:5]:
        assert found[name].status == "refuted", found[name]
        assert found[name].reason
    assert [found[name].status for name in names[5:]] == ["time", "memory", "error"]
    assert "SIGSEGV" in found["crashes"].reason
    assert found["highs"].status == found["exact"].status == "solved"
    rows = {row["solver"]: row for row in means(read_benchmark(tmp_path / "out"))}
    for name in names:
        assert (rows[name]["solved"], rows[name]["plain"], rows[name]["best at"]) == (0, None, 0)
    assert "✗ false_infeasible" in ran.stdout
    assert "Disagreements" in ran.stdout
    assert max(map(len, ran.stdout.replace(str(tmp_path), "").splitlines())) <= 80
    with (tmp_path / "out" / "bench.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 10


def test_every_run_of_a_sweep_can_be_an_instance() -> None:
    case = load_case(
        SURFACE,
        [
            "sweep={grid: {parameters.aggregators: [2, 40], solver.name: [highs, scip], "
            "solver.time_limit: [5, 10]}}"
        ],
    )
    done = bench([case], ["exact"], sweeps=True)
    assert done.instances == [
        "mapping-surface-33bus (aggregators=2)",
        "mapping-surface-33bus (aggregators=40)",
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--solvers", "higs"], "no solver 'higs'; did you mean 'highs'"),
        (["--repeat", "3"], "must be a whole number from 5"),
        (["--time-limit", "nan"], "must be a number greater than 0"),
        (["--against", "nowhere"], "'nowhere' holds no benchmark"),
        ([str(MAPPING)], "two cases are named 'aggregator-mapping-33bus'"),
    ],
)
def test_wrong_calls_are_one_line(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(["bench", str(MAPPING), *arguments])
    except SystemExit as left:
        code = int(left.code or 0)
    assert code == 2
    assert says in capsys.readouterr().err


def test_race_that_nobody_ends_still_says_why_and_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["bench", str(MAPPING), "--solvers", "clarabel", "--out", str(tmp_path)]
    assert main(arguments) == 5
    assert "cannot take a problem of class" in capsys.readouterr().out.replace("\n", " ")
    assert (tmp_path / "bench.json").exists()


@pytest.mark.parametrize("refused", [True, False])
def test_who_takes_no_such_problem_neither_loses_nor_is_beaten(refused: bool) -> None:
    """Whether it was named and refused, or never asked because everybody able was."""
    raced_ones = raced(
        entry("lp", "a", 1.0, 1.0), entry("lp", "b", 2.0, 2.0), entry("ip", "a", 1.0, 1.0),
        *([entry("ip", "b", status="skipped")] if refused else []), shift=0.0,
    )  # fmt: skip
    rows = {row["solver"]: row for row in means(raced_ones)}
    assert (rows["b"]["of"], rows["b"]["penalised"]) == (1, pytest.approx(2.0))
    assert (rows[VIRTUAL_BEST]["of"], rows[VIRTUAL_BEST]["penalised"]) == (2, pytest.approx(1.0))
    assert {row["faster"]: row.get("b") for row in wins(raced_ones)}["a"] == 1


@pytest.mark.parametrize(
    "wrong", [{"repeat": 0}, {"time_limit": -1.0}, {"shift": math.nan}, {"threads": 0}]
)
def test_settings_that_make_no_race(wrong: dict[str, Any]) -> None:
    with pytest.raises(CallError, match=next(iter(wrong))):
        Settings(**wrong)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"format": 99}', '{"format": 1, "settings": {}}',
     '{"format": 1, "settings": {}, "environment": [], "entries": []}',
     '{"format": 1, "settings": {"repeat": "x"}, "environment": {}, "entries": []}'],
)  # fmt: skip
def test_damaged_benchmark_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "bench.json").write_text(text)
    with pytest.raises(CallError, match=r"bench\.json"):
        read_benchmark(tmp_path)


@pytest.mark.parametrize("time", [-1e-9, math.inf, math.nan])
def test_times_that_are_none_are_not_read(time: float, tmp_path: Path) -> None:
    whole = json.loads(BY_HAND.as_json())
    whole["entries"][1]["seconds"][4]["solve"] = time
    (tmp_path / "bench.json").write_text(json.dumps(whole))
    with pytest.raises(
        CallError, match=r"bench\.json cannot be read: it holds times that are none"
    ):
        read_benchmark(tmp_path)


def test_settings_of_a_race_are_those_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Settings | None] = []

    def race(_: object, __: object, settings: Settings, **___: object) -> Benchmark:
        asked.append(settings)
        return replace(BY_HAND, settings=settings)

    monkeypatch.setattr("optimodels.benchmarking.bench", race)
    assert main(["bench", str(MAPPING)]) == 0
    words = "--repeat 6 --threads 2 --time-limit 7.5 --memory-limit 3 --seed -4 --shift 0.5"
    assert main(["bench", str(MAPPING), *words.split()]) == 0
    said = Settings(
        repeat=6, threads=2, time_limit=7.5, memory_limit=3.0, seed=-4, shift=0.5
    )  # fmt: skip
    assert asked == [Settings(), said]


def interrupted(tmp_path: Path, cases: list[Path], moment: str) -> tuple[int, str, str]:
    """Interrupt a race, as a terminal does, when its process on that instance begins."""
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED)
    arguments = [*map(str, cases), "--solvers", "exact", "--out", str(tmp_path / "out")]
    running = subprocess.run(
        [sys.executable, str(script), moment, "bench", *arguments],
        cwd=ROOT, capture_output=True, text=True, start_new_session=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"},
    )  # fmt: skip
    return running.returncode, running.stdout, running.stderr


INTERRUPTED = """
import os, signal, sys
import optimodels.benchmarking
from optimodels.cli import main

if __name__ == "__main__":
    race = sys.modules["optimodels.benchmarking.race"]
    honest = race._ask
    def ask(one, child):
        if one.instance == sys.argv[1]:
            os.killpg(0, signal.SIGINT)
        return honest(one, child)
    race._ask = ask
    sys.exit(main(sys.argv[2:]))
"""


def test_race_interrupted_in_its_first_instance_leaves_nothing(tmp_path: Path) -> None:
    code, out, err = interrupted(tmp_path, [MAPPING], MAPPING.stem)
    assert (code, out, err) == (130, "", "interrupted\n")
    assert list((tmp_path / "out").iterdir()) == []


def test_race_interrupted_later_keeps_the_instances_that_were_raced(tmp_path: Path) -> None:
    other = MAPPING.with_name("self-sustainability-33bus-max.yaml")
    code, out, err = interrupted(tmp_path, [MAPPING, other], other.stem)
    assert (code, err) == (130, "interrupted: after 1 of 2 instances\n")
    kept = read_benchmark(tmp_path / "out")
    assert kept.instances == [MAPPING.stem]
    assert [(e.status, len(e.seconds)) for e in kept.entries] == [("solved", 5)]
    assert kept.interrupted == "after 1 of 2 instances"
    # Whoever reads the tables later is told, too.
    assert "interrupted   after 1 of 2 instances" in out


def test_no_line_is_wider_than_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instances of a sweep are named by all of their keys."""
    monkeypatch.setenv("COLUMNS", "80")
    keys = "parameters.slack: [0.25], parameters.slack_kind: [absolute], parameters.cap: [count]"
    listed = f"sweep={{grid: {{{keys}, parameters.aggregators: [3]}}}}"
    assert main(["bench", str(SURFACE), "--sweep", "--set", listed, "--solvers", "exact"]) == 0
    out = capsys.readouterr().out
    assert "slack_kind=absolute" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("time", [math.nan, math.inf])
def test_json_is_strict(time: float) -> None:
    """What JSON has no word for is not written."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        raced(entry("one", "a", 1.0, time)).as_json()


def test_a_local_optimum_settles_nothing() -> None:
    """A better answer that nobody proved is no wrong one."""
    local = Entry("one", "pyomo:ipopt", "solved", stopped="optimal", objective=10.0,
                  verdict="verified", text="verified by certificate: local optimum")  # fmt: skip
    better = Entry("one", "scip", "unverified", stopped="optimal", objective=5.0,
                   verdict="unverified", text="unverified")  # fmt: skip
    assert [e.status for e in settled([local, better])] == ["solved", "unverified"]
    proved = replace(local, text="verified by certificate: global optimum")
    assert [e.status for e in settled([proved, better])] == ["solved", "refuted"]
