"""What each command does that works on cases and results: one thin function."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimodels.cli.progress import Parts, Progress, say_round, width
from optimodels.errors import OptimodelsError

if TYPE_CHECKING:
    from optimodels.case import Case
    from optimodels.packing import Run
    from optimodels.result import Result


def solve(options: argparse.Namespace) -> int:
    """Solve and verify cases; print their tables or JSON."""
    from optimodels.files import output_folder

    folder = output_folder(Path(options.out)) if options.out else None
    results = []
    named: dict[str, str] = {}

    def one(path: str) -> int:
        results.append(result := _solve_one(path, options, folder, named))
        return _strict_code(result) if options.strict else result.exit_code

    code = _each_case(options, one)
    if options.json:
        _print_json([result.as_json() for result in results], options)
    elif len(results) > 1:
        _print_together(results)
    return code


def sweep(options: argparse.Namespace) -> int:
    """Solve every run of a case's sweep that is not there yet, and print one table."""
    from optimodels.files import file_stem, output_folder, spare_inputs
    from optimodels.reporting.folder import of_another_file, save_sweep
    from optimodels.reporting.text import MOST_ROWS, table_lines
    from optimodels.result import worst
    from optimodels.runs import Store
    from optimodels.runs import sweep as run_sweep

    case = _swept_case(options)
    folder = output_folder(Path(options.out))
    spare_inputs(folder, file_stem(case.name), case.files)
    if other := of_another_file(case, folder):
        print(
            f"replaces the table and pictures of {other} in {folder}, whose case is named "
            f"{case.name!r} too; its runs are kept. To keep both: --set name=ANOTHER",
            file=sys.stderr,
        )
    try:
        done = run_sweep(
            case,
            folder,
            workers=options.workers,
            cluster=options.cluster,
            again=options.again or "",
            confirmed=options.large,
            progress=Progress() if sys.stderr.isatty() else None,
        )
    except KeyboardInterrupt:
        print(_after_progress(f"runs that were done are in {folder}; the same command goes on"),
              file=sys.stderr)  # fmt: skip
        raise
    # Files first: who reads what is printed may leave early.
    written = save_sweep(done, case.model, Store(folder), folder)
    rows = done.rows
    short = [column.removeprefix("parameters.") for column in done.index.columns]
    shown = [*short, done.headline, "stopped", "verdict"]
    table = [{key: row.get(key) for key in shown} for row in rows[:MOST_ROWS]]
    print("\n".join(table_lines(table, width())))
    if len(rows) > MOST_ROWS:
        print(f"  ... {len(rows) - MOST_ROWS} more rows in the files below")
    for line in (*done.damaged, *done.errors):
        print(line, file=sys.stderr)
    print()
    for file in written:
        print(f"  wrote {file}")
    print(
        f"{case.name}: {len(rows)} runs, {done.known} of them there before, "
        f"{done.failed} failed, {done.refuted} refuted"
    )
    return worst(done.exit_codes)


def compare(options: argparse.Namespace) -> int:
    """Print the tables of stored sweeps: side by side, and beside the paper."""
    from optimodels.comparison import Choice
    from optimodels.comparison import compare as compare_runs
    from optimodels.reporting.formats import WRITERS, as_text, csv_of

    choice = Choice(
        rows=key_names(options.rows),
        columns=key_names(options.columns),
        value=options.value,
        statistic=options.statistic,
        times=options.times,
    )
    tables = compare_runs(options.folder, choice)
    if options.format == "csv":
        # One table, whatever there is: two of them below each other nobody reads.
        print(csv_of(tables), end="")
        return 0
    written = [
        as_text(table, width()) if options.format == "text" else WRITERS[options.format](table)
        for table in tables
    ]
    print("\n".join(written), end="")
    return 0


def bench(options: argparse.Namespace) -> int:
    """Race solvers on cases: times by station, verdicts, profiles; exit code 1 on a refuted one."""
    from optimodels.benchmarking import Settings
    from optimodels.benchmarking import bench as race
    from optimodels.benchmarking.entry import read_benchmark
    from optimodels.benchmarking.tables import tables
    from optimodels.errors import CallError
    from optimodels.files import output_folder
    from optimodels.reporting.folder import save_benchmark
    from optimodels.reporting.formats import as_text

    folder = output_folder(Path(options.out)) if options.out else None
    before = read_benchmark(Path(options.against)) if options.against else None
    cases = [_case(path, options) for path in options.case]
    settings = Settings(
        options.repeat, options.threads, options.time_limit, options.memory_limit, options.seed,
        options.shift,
    )  # fmt: skip
    solvers = words(options.solvers)
    if solvers == []:
        raise CallError("--solvers names nobody")
    done = race(
        cases,
        solvers,
        settings,
        sweeps=options.sweep,
        progress=say_round if sys.stderr.isatty() else None,
    )
    if done.interrupted:
        print(_after_progress(f"interrupted: {done.interrupted}"), file=sys.stderr)
    # Files first: who reads what is printed may leave early.
    written = save_benchmark(done, folder) if folder is not None else []
    print("\n".join(as_text(table, width()) for table in tables(done, before)))
    for file in written:
        print(f"  wrote {file}")
    return done.exit_code


def report(options: argparse.Namespace) -> int:
    """Write a folder's results and sweeps as one HTML page, and as Markdown."""
    from optimodels.reporting.page import report as write_report

    files, page = write_report(options.folder)
    for line in page.left_out:
        print(f"left out: {line}", file=sys.stderr)
    for file in files:
        print(f"wrote {file}")
    return 0


def pack(options: argparse.Namespace) -> int:
    """Solve a case, or its sweep, and pack it with its files and figures into one file."""
    from optimodels import packing
    from optimodels.errors import CallError
    from optimodels.files import file_stem, output_folder, write_whole

    case = _swept_case(options)
    file = Path(options.out or f"{file_stem(case.name)}.zip")
    # Before the work: a place that cannot be written.
    if file.is_dir():
        raise CallError(f"--out: {str(file)!r} is a folder; name a file")
    if file.resolve() in [path.resolve() for path in case.files]:
        raise CallError(f"--out: {str(file)!r} is read by the case; name another file")
    output_folder(file.parent)
    study = packing.solved(case, Progress() if sys.stderr.isatty() else None)
    write_whole(file, packing.pack(study))
    _print_errors(study.runs)
    print(f"{study.name}: {_told_of(study.runs)}; with its files in {file}")
    return study.exit_code


def repeat(options: argparse.Namespace) -> int:
    """Solve a packed study again and compare; exit code 1 where a figure does not agree."""
    from optimodels import packing
    from optimodels.reporting.text import table_lines

    packed = packing.read_study(Path(options.study))
    done = packing.repeat(packed, Progress() if sys.stderr.isatty() else None)
    figures = done.figures
    differ = [{**row, "agrees": "no"} for row in figures if not row["agrees"]]
    _print_errors(done.again.runs)
    print(f"{packed.name}: {_told_of(done.again.runs)}")
    here = done.again.environment
    for name, version in packed.environment.items():
        if here.get(name) != version:
            print(f"  {name}: {here.get(name, 'none')} here, {version} where it was packed")
    if differ:
        print("\n".join(table_lines(differ, width())))
    print(
        f"  {len(figures) - len(differ)} of {len(figures)} figures agree "
        f"(within {packing.RELATIVE:g}, relative)"
    )
    return done.exit_code


def validate(options: argparse.Namespace) -> int:
    """Check cases without solving them."""

    def one(path: str) -> int:
        print(f"{path}: valid, {_case(path, options).model.name}")
        return 0

    return _each_case(options, one)


def explain(options: argparse.Namespace) -> int:
    """Explain cases, or models by what 'new' writes: mathematics, sizes, conflicts, prices."""
    from optimodels.explanation import explain as explain_case
    from optimodels.reporting.explanation import explanation_text

    objects = []

    def one(path: str) -> int:
        explanation = explain_case(_case(path, options, example=True))
        if options.json:
            objects.append(explanation.as_json())
        else:
            print(explanation_text(explanation, width()) + "\n", flush=True)
        return 0

    code = _each_case(options, one)
    if options.json:
        _print_json(objects, options)
    return code


def export(options: argparse.Namespace) -> int:
    """Write a case's problems for other tools, as MPS, LP or NL."""
    from optimodels.exchange import export as export_case
    from optimodels.files import output_folder

    folder = output_folder(Path(options.out))

    def one(path: str) -> int:
        for file in export_case(_case(path, options), options.format, folder, options.stage):
            print(file)
        return 0

    return _each_case(options, one)


def _each_case(options: argparse.Namespace, work: Callable[[str], int]) -> int:
    """Do the work on each case and return the worst exit code; one that is wrong is named, and
    the others are still done."""
    from optimodels.result import worst

    codes = []
    for path in options.case:
        try:
            codes.append(work(path))
        except OptimodelsError as error:
            print(error, file=sys.stderr)
            codes.append(error.exit_code)
    return worst(codes)


def _case(path: str, options: argparse.Namespace, *, example: bool = False) -> Case:
    """Read a case as the command line sets it; ``example``: or a model's own, by its name."""
    from optimodels.case import load_case, parse_case
    from optimodels.errors import CallError, suggestion
    from optimodels.families import family, family_names, model_names

    folder = path.partition("/")[0]
    if folder not in family_names() or path not in family(folder) or Path(path).exists():
        hint = suggestion(path, model_names()) if example and not Path(path).exists() else ""
        if hint:
            raise CallError(f"no file and no model {path!r}{hint}")
        return load_case(path, _settings(options), outside=options.allow_outside)
    if not example:
        raise CallError(
            f"{path} is a model, not a case file; for a case of it: optimodels new {path} > my.yaml"
        )
    from optimodels.case.template import new_case

    return parse_case(new_case(family(folder)[path]), path).changed(_settings(options))


def _swept_case(options: argparse.Namespace) -> Case:
    """Read the one case that is run with its sweep, which may not take back a --solver."""
    from optimodels.errors import CallError

    case = _case(options.case[0], options)
    keys = case.file.sweep.keys if case.file.sweep else []
    if options.solver is not None and {"solver", "solver.name"} & {*keys}:
        raise CallError(
            f"--solver: the sweep of {case.source.file} sets the solver of each run; leave "
            "--solver out, or take the key out of the sweep"
        )
    for setting in options.set:
        key = setting.partition("=")[0].strip()
        if any(f"{key}.".startswith(f"{own}.") for own in keys):
            raise CallError(
                f"--set {key}: the sweep of {case.source.file} sets it in each run; leave it out, "
                "or take the key out of the sweep"
            )
    return case


def _print_errors(runs: list[Run]) -> None:
    """Say why runs have no answer, each reason once."""
    for reason in dict.fromkeys(run.error for run in runs if run.error):
        print(reason, file=sys.stderr)


def _told_of(runs: list[Run]) -> str:
    from optimodels.reporting.text import number

    if len(runs) > 1 or runs[0].keys:
        verified = sum(run.verdict.startswith("verified") for run in runs)
        return f"{verified} of {len(runs)} runs verified"
    run = runs[0]
    value = "no objective" if run.objective is None else f"objective {number(run.objective)}"
    return f"{value}, {run.stopped}, {run.verdict}"


def _solve_one(
    path: str, options: argparse.Namespace, folder: Path | None, named: dict[str, str]
) -> Result:
    """Solve a case; ``named`` holds the paths of those that were solved before it by name."""
    from optimodels.errors import CallError
    from optimodels.files import file_stem, spare_inputs
    from optimodels.reporting.folder import save
    from optimodels.reporting.text import result_text
    from optimodels.study import solve as solve_case

    case = _case(path, options)
    other = named.setdefault(case.name, path)
    if folder is not None and not Path(path).samefile(other):
        raise CallError(
            f"{path}: {other} is named {case.name!r} too, and its files would be replaced; "
            "give one of them another `name:`"
        )
    if folder is not None:
        spare_inputs(folder, file_stem(case.name), case.files)
        _say_replaced(case, folder / f"{file_stem(case.name)}.json")
    told = Parts() if sys.stderr.isatty() and not options.live else None
    try:
        result = solve_case(case, live=options.live, isolate=options.isolate or None, progress=told)
    finally:
        # A reason why there is no result begins a line, too.
        if told is not None:
            told.clear()
    if not options.json:
        print(result_text(result, width(), case.model.meaning, colour=_colour()), flush=True)
        if case.file.sweep is not None:
            print(
                "  its sweep is not part of this answer; to run it:\n"
                f"    optimodels sweep {shlex.quote(path)}"
            )
        print()
    if folder is not None:
        for file in save(result, case.model, folder):
            if not options.json:
                print(f"  wrote {file}")
    return result


def _print_together(results: list[Result]) -> None:
    """Print a line per case: after many tables, what came out is not to be looked for."""
    from optimodels.reporting.text import table_lines

    rows = [
        {
            "case": result.case,
            "objective": result.objective,
            "stopped": result.stopped,
            "verdict": f"{result.verdict.mark} {result.verdict.status}",
        }
        for result in results
    ]
    print("\n".join(table_lines(rows, width())))


def _say_replaced(case: Case, path: Path) -> None:
    """Say so where a stored result of the same name was asked otherwise."""
    from optimodels.reporting.folder import asked_of

    before = asked_of(path)
    if before is not None and before != case.asked()["keys"]:
        print(
            f"replaces {path}, which was asked otherwise; to keep both: --set name=ANOTHER or "
            "another --out",
            file=sys.stderr,
        )


def _print_json(objects: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """Print the object of one case that was asked for, of several a list of those without error."""
    import json

    several = len(options.case) > 1
    if several or objects:
        whole = objects if several else objects[0]
        print(json.dumps(whole, indent=1, allow_nan=False, ensure_ascii=False))


def _after_progress(text: str) -> str:
    """Begin a new line where the progress of a terminal stands on the last one."""
    return f"\n{text}" if sys.stderr.isatty() else text


def _strict_code(result: Result) -> int:
    return result.exit_code or (0 if result.verdict.status == "verified" else 1)


def _settings(options: argparse.Namespace) -> list[str]:
    solver = getattr(options, "solver", None)
    # No name is a mistake: without quotes it would be YAML's null, the model's own solver.
    chosen = ["solver=" + (solver or '""')] if solver is not None else []
    return [*chosen, *options.set]


def _colour() -> bool:
    # None, where it was closed before the command began.
    return sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def words(text: str | None) -> list[str] | None:
    """Split what is separated by commas; None stays None."""
    return None if text is None else [word.strip() for word in text.split(",") if word.strip()]


def key_names(text: str | None) -> list[str] | None:
    """Split keys that are separated by commas, each without "parameters."; None stays None."""
    named = words(text)
    return None if named is None else [name.removeprefix("parameters.") for name in named]
