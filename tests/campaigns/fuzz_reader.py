"""Coverage-guided fuzzing of the reader of cases, by atheris (pip install '.[fuzz]').

    python -m tests.campaigns.fuzz_reader --seconds 600 > reports/proof/reader.md

Begins with the shipped cases and keeps what reaches new lines of the reader and of the families'
parameters. Whatever is raised
that is no CaseError, and whatever takes ten seconds, ends it, with the text that caused it.
"""

from __future__ import annotations

import argparse
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CASES = Path(__file__).parents[2] / "cases"
#: Bytes of the longest text, and seconds that one may take.
LONGEST, PATIENCE = 4_000, 10


def fuzz(folder: Path, seconds: int) -> None:
    """Fuzz with the texts of a folder to begin with; never returns."""
    import atheris

    read_by = ["optimodels.case", "optimodels.parameters", "optimodels.families"]
    with atheris.instrument_imports(include=read_by):
        from optimodels.case import parse_case
        from optimodels.errors import CaseError
        from optimodels.families import find_model, model_names

        # A model's parameters are imported where it is first named: here, to be watched as well.
        for name in model_names():
            find_model(name).parameters_class()

    def read(data: bytes) -> None:
        try:
            parse_case(data.decode("utf-8", errors="replace"), "case.yaml", folder)
        except CaseError as error:
            for finding in error.findings:
                assert "\n" not in str(finding), finding

    told = [f"-max_len={LONGEST}", f"-timeout={PATIENCE}", f"-max_total_time={seconds}"]
    atheris.Setup([sys.argv[0], *told, str(folder)], read)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside is not None:
        fuzz(asked.inside, asked.seconds)
    with tempfile.TemporaryDirectory() as folder:
        for number, path in enumerate(sorted(CASES.rglob("*.yaml"))):
            (Path(folder) / f"case-{number}").write_bytes(path.read_bytes())
        inside = ["--inside", folder, "--seconds", str(asked.seconds)]
        ran = subprocess.run(
            [sys.executable, "-m", "tests.campaigns.fuzz_reader", *inside],
            stderr=subprocess.PIPE, text=True, errors="replace", check=False,
        )  # fmt: skip
    done = re.search(r"Done (\d+) runs", ran.stderr)
    covered = re.findall(r"cov: (\d+)", ran.stderr)
    if done is None or ran.returncode:
        print(ran.stderr[-3000:], file=sys.stderr)
        return 1
    print("# Coverage-guided fuzzing of the reader of cases: no traceback, one line a mistake\n")
    print(f"Made by `python -m tests.campaigns.fuzz_reader --seconds {asked.seconds}`.\n")
    print(
        f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, Python {platform.python_version()}: "
        f"{int(done[1]):,} texts of up to {LONGEST} bytes in {asked.seconds} s, "
        f"from {covered[0]} points of the code to {covered[-1]}.\n"
    )
    print("**0 broken promises.**")
    return 0


if __name__ == "__main__":
    sys.exit(main())
