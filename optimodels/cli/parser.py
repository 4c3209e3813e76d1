"""The commands, their arguments and help; nothing heavy is loaded here."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from optimodels.cli import commands, listings

_EPILOG = """exit codes: 0 done; 1 refuted (--strict: or unverified); 2 the case or the call is
wrong; 3 infeasible or unbounded; 4 a limit was reached; 5 it could not be run; 130 interrupted"""


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="optimodels",
        description="Optimisation models for local electricity markets; no number without a "
        "verdict.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        text = run.__doc__ or ""
        sub = subparsers.add_parser(name, help=text.rstrip("."), description=text, epilog=_EPILOG)
        sub.set_defaults(command=run)
        return sub

    def takes_cases(
        sub: argparse.ArgumentParser,
        number: int | str = "+",
        what: str = "a case file (YAML)",
        solver: str = "highs, scip, clarabel, scipy, exact, ...",
    ) -> None:
        sub.add_argument("case", nargs=number, metavar="CASE", help=what)
        sub.add_argument(
            "--set", action="append", default=[], metavar="KEY=VALUE",
            help="change a key of the case, as in parameters.slack=0.25; VALUE is YAML",
        )  # fmt: skip
        sub.add_argument(
            "--allow-outside", action="store_true",
            help="allow paths that lead out of the case's folder",
        )  # fmt: skip
        if solver:
            sub.add_argument("--solver", metavar="NAME", help=solver)

    sub = add("solve", commands.solve)
    takes_cases(sub)
    sub.add_argument("--out", metavar="DIR", help="write JSON, CSV tables and pictures there")
    sub.add_argument("--json", action="store_true", help="print JSON instead of tables")
    sub.add_argument("--live", action="store_true", help="show the solver's own log")
    sub.add_argument(
        "--isolate", action="store_true",
        help="run solvers in processes of their own, ended at their limits",
    )  # fmt: skip
    sub.add_argument("--strict", action="store_true", help="exit 1 on unverified results too")
    sub = add("sweep", commands.sweep)
    takes_cases(sub, 1)
    sub.add_argument(
        "--out", default="results", metavar="DIR",
        help="folder of the runs, their table and pictures; default: results",
    )  # fmt: skip
    sub.add_argument(
        "--workers", type=_whole(1, 1024), default=1, metavar="N", help="processes on this machine"
    )
    sub.add_argument("--cluster", metavar="ADDRESS", help="workers of a dask cluster instead")
    sub.add_argument(
        "--again", nargs="?", const="all", choices=("all", "failed"),
        help="repeat runs that are there: all of them, or those that failed",
    )  # fmt: skip
    sub.add_argument("--large", action="store_true", help="allow more than a million runs")
    sub = add("compare", commands.compare)
    sub.add_argument("folder", nargs="*", default=["results"], metavar="DIR",
                     help="folders of sweeps; default: results")  # fmt: skip
    sub.add_argument("--rows", metavar="KEYS", help="keys of the rows, separated by commas")
    sub.add_argument("--columns", metavar="KEYS", help="keys of the columns; '' for none")
    sub.add_argument(
        "--value", default="", metavar="NAME",
        help="objective, bound, gap, stopped, seconds, or a value of the model's; default: the "
        "objective, or the first value of models that only compute",
    )  # fmt: skip
    sub.add_argument(
        "--statistic", default="interval", choices=STATISTICS,
        help="over the runs of one cell, such as seeds; default: confidence interval",
    )  # fmt: skip
    sub.add_argument("--format", default="text", choices=FORMATS)
    sub.add_argument("--times", action="store_true", help="show seconds, which differ every time")
    sub = add("bench", commands.bench)
    takes_cases(sub, solver="")  # it has --solvers
    sub.add_argument(
        "--solvers", metavar="A,B,C",
        help="words as in a case: highs, pyomo:highs, exact; default: every way that can solve it",
    )  # fmt: skip
    sub.add_argument(
        "--repeat", type=_whole(5, 10_000), default=5, metavar="N",
        help="counted repetitions after one that warms up; default: 5",
    )  # fmt: skip
    sub.add_argument("--out", metavar="DIR", help="write all of it as JSON, CSV and pictures there")
    sub.add_argument("--against", metavar="DIR", help="compare with an earlier benchmark's --out")
    sub.add_argument(
        "--time-limit", type=_positive, default=60.0, metavar="S",
        help="seconds that a solver may take for one problem; default: 60",
    )  # fmt: skip
    sub.add_argument("--memory-limit", type=_positive, metavar="GIB", help="default: none")
    sub.add_argument("--threads", type=_whole(1, 1024), default=1, metavar="N", help="default: 1")
    sub.add_argument(
        "--seed", type=int, default=1, metavar="N", help="draws the order of the rounds; default: 1"
    )
    sub.add_argument(
        "--shift", type=_positive, default=0.1, metavar="S",
        help="of the shifted geometric mean, in seconds; default: 0.1",
    )  # fmt: skip
    sub.add_argument(
        "--sweep", action="store_true", help="every run of a case's sweep is an instance"
    )
    sub = add("report", commands.report)
    sub.add_argument("folder", nargs="?", default="results", metavar="DIR",
                     help="folder of results and sweeps; default: results")  # fmt: skip
    sub = add("pack", commands.pack)
    takes_cases(sub, 1)
    sub.add_argument("--out", metavar="FILE", help="default: the case's name with .zip, here")
    sub = add("repeat", commands.repeat)
    sub.add_argument("study", metavar="FILE", help="a file of 'optimodels pack'")
    takes_cases(add("validate", commands.validate))
    sub = add("export", commands.export)
    takes_cases(sub, solver="for the stages before the one that is written")
    sub.add_argument("--format", required=True, choices=("mps", "lp", "nl"))
    sub.add_argument("--out", default=".", metavar="DIR", help="folder for the files; default: .")
    sub.add_argument(
        "--stage", metavar="NAME", help="another stage than the model's main one; see: explain"
    )
    sub = add("explain", commands.explain)
    takes_cases(
        sub, what="a case file (YAML), or a model's name", solver="whose answer is explained"
    )
    sub.add_argument("--json", action="store_true", help="print JSON instead of text")
    add("new", listings.new).add_argument("model", metavar="MODEL", help="see: optimodels models")
    add("models", listings.models)
    sub = add("cases", listings.cases)
    sub.add_argument("folder", nargs="?", default="cases", metavar="DIR", help="default: cases")
    sub = add("solvers", listings.solvers)
    add("schema", listings.schema)
    return parser


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text) if text.isdecimal() and len(text) < 9 else -1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most}")
        return number

    return read


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number < float("inf"):
        raise argparse.ArgumentTypeError("must be a number greater than 0")
    return number


# Named here as well as where they are made: help loads nothing.
STATISTICS = ("mean", "median", "spread", "interval", "count")
FORMATS = ("text", "markdown", "csv", "latex", "html")


class _Version(argparse.Action):
    """Look the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        from optimodels import __version__

        print(f"optimodels {__version__}")
        parser.exit()
