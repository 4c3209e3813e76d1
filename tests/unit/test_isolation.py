"""Solvers in processes of their own: the same answers, and an end to what does not end."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import psutil
import pytest

from optimodels import load_case, processes, solve
from optimodels.errors import CaseError, DataError, RunError, UnavailableError
from optimodels.result import Claim
from optimodels.solvers import Limits, Request, all_solvers, choose, needs_process
from optimodels.solvers.attempt import attempt
from optimodels.solvers.in_process import attempt_here
from optimodels.solvers.registry import Options, Solver
from optimodels.study.judgement import solve_and_judge
from optimodels.threads import interruptible, others_at_work
from tests.conformance.hard import market_split
from tests.conformance.problems import PROBLEMS

CASE = Path(__file__).parents[2] / "cases" / "flexibility" / "shiftable-33bus.yaml"
KNAPSACK = next(p for p in PROBLEMS if p.name == "knapsack")


#: What drivers leave behind where programs do: it must not be found again.
SCRATCH = "optimodels-left-behind"


def leaves_a_program_behind(
    problem: Any, solver: Any, limits: Any, options: Any, live: Any, ready: Any
) -> Claim:
    """A driver that starts a program, as Pyomo does, and waits for it."""
    ready(problem.form)
    subprocess.run(["sleep", "3617"], check=True)
    raise AssertionError("not ended from outside")


def writes_scratch(
    problem: Any, solver: Any, limits: Any, options: Any, live: Any, ready: Any
) -> Claim:
    """A driver that leaves files where programs leave them, and dies."""
    Path(tempfile.gettempdir(), SCRATCH).write_text("x")
    ready(problem.form)
    os._exit(7)


def by(driver: Any) -> Solver:
    return Solver(
        name="odd",
        via="cvxpy",
        classes=frozenset({"MILP"}),
        native="",
        options=Options(),
        driver=f"{__name__}:{driver.__name__}",
    )


@pytest.mark.parametrize(
    "solver",
    [s for s in all_solvers() if s.installed and "MILP" in s.classes],
    ids=lambda s: f"{s.via}:{s.name}",
)
def test_answer_is_the_same_in_a_process_of_its_own(solver: Solver) -> None:
    request = Request(solver.name, solver.via)
    here = attempt_here(KNAPSACK.formulation, None, solver, request)
    apart = solve_and_judge(
        KNAPSACK.formulation, None, Request(solver.name, solver.via, isolate=True), "full"
    )
    assert here.form is not None
    assert apart.fingerprint == here.form.fingerprint()
    assert apart.objective == pytest.approx(21.0)
    assert apart.verdict.status == "verified"


def test_whole_case_is_the_same_and_the_exact_algorithm_too() -> None:
    for name in ("highs", "exact"):
        case = load_case(CASE, [f"solver={name}"])
        ours, apart = solve(case), solve(case, isolate=True)
        assert ours.objective == apart.objective
        assert ours.verdict == apart.verdict
        assert ours.tables == apart.tables


def test_time_is_kept_for_solvers_that_do_not_and_only_for_them() -> None:
    lp = PROBLEMS[0].formulation
    limits = Limits(time=5.0)
    for name, apart in (("piqp", True), ("ecos", True), ("highs", False), ("clarabel", False)):
        solver = next(s for s in all_solvers() if s.name == name)
        assert needs_process(solver, Request(name, limits=limits)) is apart
    assert needs_process(None, Request("exact", limits=limits))
    assert solve_and_judge(lp, None, Request("piqp", limits=limits), "full").objective == (
        pytest.approx(11.0)
    )


def test_programs_that_it_started_end_with_it() -> None:
    request = Request("odd", limits=Limits(time=0.3))
    tried = attempt(KNAPSACK.formulation, None, by(leaves_a_program_behind), request)
    assert tried.claim.stopped == "time"
    time.sleep(0.1)
    lines = [p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"])]
    assert ["sleep", "3617"] not in lines


def starts_a_program_and_dies(line: processes.Line) -> None:
    subprocess.Popen(["sleep", "3618"])
    line.send("started")
    os._exit(7)


def test_programs_of_a_process_that_died_by_itself_end_too() -> None:
    with processes.Child(starts_a_program_and_dies, [], []) as child:
        assert child.receive(60) == "started"
        with pytest.raises(EOFError):
            child.receive(60)
        assert child.exit_code == 7
    for _ in range(100):
        lines = [p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"])]
        if ["sleep", "3618"] not in lines:
            break
        time.sleep(0.05)
    assert ["sleep", "3618"] not in lines


def dies_amid_a_message(line: processes.Line) -> None:
    os.write(line._pipe.fileno(), struct.pack("!i", 1000) + b"half of it")
    os._exit(9)


def test_process_that_dies_amid_a_message_has_died() -> None:
    with processes.Child(dies_amid_a_message, [], []) as child:
        with pytest.raises(EOFError):
            child.receive(60)
        assert child.exit_code == 9


def test_nothing_stays_behind_in_the_temporary_folder() -> None:
    """In the folder of the process, which goes with it, or in that of all."""
    place = Path(tempfile.gettempdir())
    (place / SCRATCH).unlink(missing_ok=True)
    tried = attempt(KNAPSACK.formulation, None, by(writes_scratch), Request("odd", isolate=True))
    assert tried.claim.stopped == "error"
    assert tried.claim.message == "the solver's process died (exit 7)"
    left = [*place.glob(SCRATCH), *place.glob(f"optimodels-*/{SCRATCH}")]
    (place / SCRATCH).unlink(missing_ok=True)
    assert not left


def scratch_at(line: processes.Line) -> None:
    line.send((tempfile.gettempdir(), os.environ["TMPDIR"], tempfile.mkdtemp()))
    line.orders.get()


def test_scratch_of_a_process_is_in_a_folder_of_its_own_that_goes_with_it() -> None:
    """By Python's word and by that of the programs that it starts, which look at TMPDIR."""
    with processes.Child(scratch_at, [], []) as child:
        ours, theirs, made = child.receive(60)
        assert ours == theirs
        folder = Path(ours)
        assert folder.parent == Path(tempfile.gettempdir())
        assert folder.name.startswith("optimodels-")
        assert Path(made).parent == folder
        assert Path(made).is_dir()
    assert not folder.exists()


def test_what_it_refuses_is_refused_as_here() -> None:
    with pytest.raises(UnavailableError, match="no exact algorithm"):
        choose(Request("exact", isolate=True), KNAPSACK.formulation)


def test_incumbent_at_the_own_limit_crosses_over() -> None:
    request = Request("highs", limits=Limits(time=0.5), isolate=True)
    solution = solve_and_judge(market_split(), None, request, "certificate")
    assert (solution.stopped, solution.has_point) == ("time", True)


def test_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import optimodels\n"
        f"case = optimodels.load_case({str(CASE)!r})\n"
        "print(optimodels.solve(case, isolate=True).verdict.status)\n"
    )
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 1
    assert "below `if __name__ == '__main__':`" in ran.stderr
    assert RunError.__name__ in ran.stderr


def test_interrupt_ends_the_process_and_says_so(tmp_path: Path) -> None:
    """Ctrl-C while a solver works in its own process: exit 130, and nobody left working."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from tests.unit.test_isolation import by, leaves_a_program_behind, KNAPSACK\n"
        "from optimodels.solvers import Request\n"
        "from optimodels.solvers.attempt import attempt\n"
        "if __name__ == '__main__':\n"
        "    print('begin', flush=True)\n"
        "    try:\n"
        "        attempt(KNAPSACK.formulation, None, by(leaves_a_program_behind),\n"
        "                Request('odd', isolate=True))\n"
        "    except KeyboardInterrupt:\n"
        "        sys.exit(130)\n"
    )
    root = str(Path(__file__).parents[2])
    working = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert working.stdout is not None
    working.stdout.readline()

    def sleeps() -> list[psutil.Process]:
        return [
            p
            for p in psutil.Process(working.pid).children(recursive=True)
            if p.name() == "sleep"
        ]  # fmt: skip

    deadline = time.monotonic() + 60
    while not sleeps() and time.monotonic() < deadline:
        time.sleep(0.05)
    (sleeping,) = sleeps()
    working.send_signal(signal.SIGINT)
    assert working.wait(30) == 130
    deadline = time.monotonic() + 10
    while sleeping.is_running() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not sleeping.is_running()


def test_interrupt_is_heard_where_a_solver_listens_for_itself() -> None:
    """A library's own handler takes the place of Python's while it works."""

    def work() -> None:
        ctypes.CDLL(None).signal(signal.SIGINT, ctypes.c_void_p(1))  # 1 is SIG_IGN
        time.sleep(60)

    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        interruptible(work)


def test_one_thread_serves_again_and_again() -> None:
    """SCIP crashes at a nonlinear problem from the 64th thread of a process."""
    served = {interruptible(threading.get_ident) for _ in range(100)}
    assert len(served) < 5  # one, and what other tests left behind
    assert threading.get_ident() not in served


def test_error_of_native_code_comes_back() -> None:
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 / 0)
    assert interruptible(lambda: 7) == 7


def test_thread_that_is_left_behind_serves_nobody_else(monkeypatch: Any) -> None:
    """After Ctrl-C its solver may work on; when it is done, the thread is there again."""
    free, told = threading.Event(), []

    def long() -> None:
        told.append(threading.current_thread())
        free.wait(60)

    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        interruptible(long)
    # Other tests have threads of their own.
    monkeypatch.setattr(threading, "enumerate", lambda: [threading.current_thread(), *told])
    assert others_at_work()
    assert interruptible(threading.current_thread) not in told
    free.set()
    deadline = time.monotonic() + 60
    while others_at_work() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not others_at_work()


SCIP_OFTEN = """
import os, sys
import cvxpy as cp
import numpy as np
from optimodels.model import Formulation
from optimodels.solvers import Request
from optimodels.study.judgement import solve_and_judge

def stated(_):
    x = cp.Variable(3, name="x")
    return cp.Problem(cp.Minimize(cp.sum_squares(x - np.arange(3.0))), [cp.sum(x) == 1])

QP = Formulation("qp", problem_class="QP", source="test", cvxpy=stated)
for _ in range(70):
    assert solve_and_judge(QP, None, Request("scip", "cvxpy"), "full").objective is not None
forked = os.fork()
found = solve_and_judge(QP, None, Request("clarabel", "cvxpy"), "full")
if forked == 0:
    os._exit(7 if found.verdict.status == "verified" else 1)
assert os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]) == 7
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_process_that_solves_often_and_one_that_it_forks() -> None:
    """SCIP sees one thread; a forked process has none of those that waited, and makes its own."""
    done = subprocess.run(
        [sys.executable, "-c", SCIP_OFTEN], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_errors_of_the_data_cross_over_as_they_are() -> None:
    """They are pickled on their way; a second opinion that is refused is no end of the study."""
    case = CASE.with_name("aggregator-mapping-33bus.yaml")
    by_load = load_case(case, ["parameters.cap=load", "solver={name: highs, time_limit: 60}"])
    assert solve(by_load, isolate=True).verdict.text == "verified by second solver: global optimum"
    with pytest.raises(CaseError, match=r"exact solves the mapping with parameters\.cap: count"):
        solve(load_case(case, ["parameters.cap=load", "solver=exact"]), isolate=True)
    for error in (DataError("key", "message"), UnavailableError("a", "b"), CaseError([])):
        back = pickle.loads(pickle.dumps(error))
        assert (type(back), str(back)) == (type(error), str(error))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_process_ends_with_its_parent(number: int, tmp_path: Path) -> None:
    """A parent that is killed leaves no solver working and no folder behind."""
    script = tmp_path / "script.py"
    script.write_text(
        "from tests.unit.test_isolation import by, leaves_a_program_behind, KNAPSACK\n"
        "from optimodels.solvers import Request\n"
        "from optimodels.solvers.attempt import attempt\n"
        "if __name__ == '__main__':\n"
        "    attempt(KNAPSACK.formulation, None, by(leaves_a_program_behind),\n"
        "            Request('odd', isolate=True))\n"
    )
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "TMPDIR": str(tmp_path)}
    working = subprocess.Popen([sys.executable, str(script)], env=environment)
    sleeping: list[psutil.Process] = []
    deadline = time.monotonic() + 60
    while not sleeping and time.monotonic() < deadline:
        time.sleep(0.05)
        with suppress(psutil.Error):
            family = psutil.Process(working.pid).children(recursive=True)
            sleeping = [p for p in family if p.name() == "sleep"]
    working.send_signal(number)
    working.wait(30)
    deadline = time.monotonic() + 10
    while sleeping[0].is_running() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not sleeping[0].is_running()
    time.sleep(0.2)
    assert not list(tmp_path.glob("optimodels-*"))


def test_interrupt_while_processes_are_made_ready_is_heard(monkeypatch: Any) -> None:
    """The server's birth is deaf to Ctrl-C; who starts it hears it afterwards."""
    birth = forkserver.ensure_running

    def interrupted() -> None:
        birth()
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(forkserver, "ensure_running", interrupted)
    with pytest.raises(KeyboardInterrupt):
        processes.process_context(())


@pytest.mark.parametrize(
    "solver",
    [s for s in all_solvers() if s.installed and not s.program and not s.aborts],
    ids=lambda s: f"{s.via}:{s.name}:{'+'.join(sorted(s.classes))}",
)
def test_interrupt_is_heard_after_every_solver(solver: Solver) -> None:
    """CBC leaves a handler of its own behind, which would swallow Ctrl-C from then on."""
    problem = next(p for p in PROBLEMS if p.problem_class in solver.classes)
    attempt_here(problem.formulation, None, solver, Request(solver.name, solver.via))
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
