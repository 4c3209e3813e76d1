"""Make what stands in reports/ and solvers.md from the shipped cases, by one command.

    python reports/make.py             the cases' reports and solvers.md
    python reports/make.py --long      and those of sweeps of more than a hundred runs
    python reports/make.py --measure   and the benchmark of solvers anew, on a quiet machine

A test makes the cases' reports again and compares; a long sweep has a folder of its own, with
the day on which it was run.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from gallery import gallery_page, shown_cases
from printed import printed_figures, printed_page

from optimodels.benchmarking import Settings, bench
from optimodels.benchmarking.entry import read_benchmark
from optimodels.case import Case, load_case
from optimodels.case.expansion import size
from optimodels.files import write_whole
from optimodels.reporting.folder import save, save_benchmark, save_sweep
from optimodels.reporting.markdown import markdown_page
from optimodels.reporting.page import gather
from optimodels.reporting.sections import Section
from optimodels.reporting.solvers import solvers_page
from optimodels.runs import Store, sweep
from optimodels.study import solve

ROOT = Path(__file__).resolve().parents[1]
REPORTS = ROOT / "reports"
#: Runs of a sweep that a test can wait for.
LONGEST = 100
#: They differ from machine to machine and from one time to the next.
_LEFT_OUT = ("How it was checked", "Environment and times", "How to run it again")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--measure", action="store_true", help="the benchmark of solvers as well")
    options.add_argument("--long", action="store_true", help="the sweeps of many runs as well")
    chosen = options.parse_args()
    for family in families():
        print(family, file=sys.stderr)
        report_family(family, REPORTS / family)
    for case in filter(is_long, shipped()) if chosen.long else ():
        print(case.name, file=sys.stderr)
        report_long(case, REPORTS / case.model.name.partition("/")[0] / case.name)
    if chosen.measure:
        cases = [case for case in shipped() if has_solver(case)]
        folder = REPORTS / "benchmark"
        folder.mkdir(exist_ok=True)
        save_benchmark(bench(cases, settings=Settings(time_limit=20.0), progress=say), folder)
    write_whole(REPORTS / "paper.md", printed_page(printed_figures(REPORTS)))
    write_whole(REPORTS / "gallery.md", gallery_page(shown_cases(ROOT / "cases", REPORTS)))
    measured = read_benchmark(REPORTS / "benchmark")
    write_whole(ROOT / "solvers.md", solvers_page(measured))


def families() -> list[str]:
    """Return the families that have cases."""
    return sorted(path.name for path in (ROOT / "cases").iterdir() if path.is_dir())


def shipped() -> list[Case]:
    return [load_case(path) for path in sorted((ROOT / "cases").rglob("*.yaml"))]


def is_long(case: Case) -> bool:
    """Whether a case has more runs than a test should wait for."""
    return case.file.sweep is not None and size(case) > LONGEST


def has_solver(case: Case) -> bool:
    """Whether swapping its solver means anything."""
    from optimodels.benchmarking import able_words

    return bool(able_words(case))


def report_family(family: str, folder: Path) -> None:
    """Solve a family's cases, run their sweeps, and write README.md and the pictures."""
    with tempfile.TemporaryDirectory() as made:
        at = Path(made) / family
        at.mkdir()
        long = []
        for path in sorted((ROOT / "cases" / family).glob("*.yaml")):
            case = load_case(path)
            if case.file.sweep is None:
                save(solve(case), case.model, at)
            elif is_long(case):
                long.append(case.name)
            else:
                save_sweep(sweep(case, at), case.model, Store(at), at)
        linked = ", ".join(f"[{name}]({name}/README.md)" for name in long)
        write_page(at, folder, f"Cases: {family}", f"Long sweeps: {linked}." if long else "")


def report_long(case: Case, folder: Path) -> None:
    """Run a long sweep and report it; the store is kept between attempts, so that it goes on.

    Runs of other code have other keys; pictures have none, and are drawn anew.
    """
    at = Path(tempfile.gettempdir()) / "optimodels-long" / case.name
    for drawn in at.glob("*.svg"):
        drawn.unlink()
    done = sweep(case, at, workers=os.cpu_count() or 1)
    save_sweep(done, case.model, Store(at), at)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    write_page(at, folder, case.name, f"Run on {time.strftime('%Y-%m-%d')}, {machine}.")


def write_page(at: Path, folder: Path, title: str, words: str) -> None:
    """Write README.md and the pictures of what a folder of results holds."""
    page = gather(at)
    sections = [_steady(section) for section in page.sections]
    text = markdown_page(replace(page, title=title, sections=sections))
    if words:
        head, _, rest = text.partition("\n")
        text = f"{head}\n\n{words}\n{rest}"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for picture in at.glob("*.svg"):
        shutil.copy(picture, folder)
    write_whole(folder / "README.md", text)


def _steady(section: Section) -> Section:
    kept = [part for part in section.parts if not part.title.startswith(_LEFT_OUT)]
    return replace(section, parts=kept)


def say(instance: str, solver: str, number: int, of: int) -> None:
    print(f"{instance}: {solver} {number}/{of}", file=sys.stderr)


if __name__ == "__main__":
    main()
