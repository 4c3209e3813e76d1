"""Mutated cases: no traceback, every mistake with file, line and column, each soon told.

What is accepted goes on: its data are read, as ``solve`` would, and small cases are solved.
"""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from optimodels.case import parse_case
from optimodels.errors import CaseError, OptimodelsError
from optimodels.families import find_model, model_names
from optimodels.study import Ledger, case_request, open_study, solve
from tests.campaigns.ledger import Tally

CASES = Path(__file__).parents[2] / "cases"

#: Values that have broken something somewhere.
KILLERS = (
    "", "~", "null", "true", "no", "0", "-0", "-1", "1", "2", "3", "0.5", "1e-9", "1e-300", "1e9",
    "1e300", "1e400", "-1e400", ".inf", "-.inf", ".nan", "9" * 40, "[]", "{}", "[[]]", "[1]",
    "[0, 0]",
    "[-1, 2]", "[.nan]", "[1, a]", "{a: 1}", "[{}]", "''", "a", "'1'", "é", "日本", "\U0001f600",
    "x" * 3000, "../..", "/etc/passwd", "{csv: x.csv}", "{file: .}", "!!python/object:os.system x",
    "&a [*a]", "*b", "<<", "|", ">", "%", "@", "`", "'", '"', "# x", "- 1", "a: b", "? x", "1:30",
    "2026-01-01", "0x10", "0o7", "1_000", "+1", "-", ".", "...", "---", "\t", "\\", "\x07",
    "\ufeff",
)  # fmt: skip

#: CPU seconds within which a case is judged.
SOON = 1.0
#: Seconds after which a solve is left alone: a large number is no mistake.
PATIENCE = 10


@cache
def texts() -> tuple[tuple[str, str, Path], ...]:
    """Every shipped case and the template of every model: name, text, folder."""
    from optimodels.case.template import new_case

    shipped = [(str(f.relative_to(CASES)), f.read_text(), f.parent) for f in CASES.rglob("*.yaml")]
    made = [(f"new {name}", new_case(find_model(name)), CASES) for name in model_names()]
    return tuple(sorted(shipped) + made)


def _line(rng: Any, lines: list[str]) -> int:
    """A line with something on it."""
    full = [i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")]
    return int(rng.choice(full)) if full else 0


def _killer(rng: Any) -> str:
    return KILLERS[rng.integers(len(KILLERS))]


def _other_value(rng: Any, lines: list[str]) -> None:
    i = _line(rng, lines)
    key, colon, _ = lines[i].partition(":")
    lines[i] = f"{key}{colon} {_killer(rng)}"


def _other_entry(rng: Any, lines: list[str]) -> None:
    """A number of the line becomes something else."""
    import re

    i = _line(rng, lines)
    found = list(re.finditer(r"-?\d+(\.\d+)?", lines[i]))
    if found:
        one = found[rng.integers(len(found))]
        lines[i] = lines[i][: one.start()] + _killer(rng) + lines[i][one.end() :]


def _misspelt(rng: Any, lines: list[str]) -> None:
    i = _line(rng, lines)
    key, colon, rest = lines[i].partition(":")
    at = int(rng.integers(len(key) + 1))
    lines[i] = (
        key[:at] + str(rng.choice(["", "x", "_", " ", "-", ":"])) + key[at + 1 :] + colon + rest
    )


def _gone(rng: Any, lines: list[str]) -> None:
    del lines[_line(rng, lines)]


def _twice(rng: Any, lines: list[str]) -> None:
    i = _line(rng, lines)
    lines.insert(int(rng.integers(len(lines) + 1)), lines[i])


def _swapped(rng: Any, lines: list[str]) -> None:
    i, j = _line(rng, lines), _line(rng, lines)
    lines[i], lines[j] = lines[j], lines[i]


def _indented(rng: Any, lines: list[str]) -> None:
    i = _line(rng, lines)
    lines[i] = rng.choice(["  ", " ", "\t", "    "]) + lines[i]


def _outdented(rng: Any, lines: list[str]) -> None:
    i = _line(rng, lines)
    lines[i] = lines[i].lstrip()


def _new_key(rng: Any, lines: list[str]) -> None:
    i = _line(rng, lines)
    pad = lines[i][: len(lines[i]) - len(lines[i].lstrip())]
    lines.insert(i, f"{pad}{_killer(rng)}: {_killer(rng)}")


def _garbled(rng: Any, lines: list[str]) -> None:
    i = _line(rng, lines)
    at = int(rng.integers(len(lines[i]) + 1))
    lines[i] = lines[i][:at] + _killer(rng) + lines[i][at + int(rng.integers(3)) :]


def _cut(rng: Any, lines: list[str]) -> None:
    i = _line(rng, lines)
    lines[i] = lines[i][: rng.integers(len(lines[i]) + 1)]
    del lines[i + 1 :]


Change = Callable[[Any, list[str]], None]

CHANGES: tuple[Change, ...] = (
    _other_value, _other_value, _other_value, _other_entry, _other_entry, _other_entry, _misspelt,
    _gone, _twice, _swapped, _indented, _outdented, _new_key, _garbled, _cut,
)  # fmt: skip


#: Those that change a value and leave the rest as it is.
VALUES = (_other_value, _other_entry)


def mutated(
    seed: int, chosen: tuple[tuple[str, str, Path], ...], changes: tuple[Change, ...], most: int
) -> tuple[str, str, Path]:
    """A case with one to so many changes."""
    rng = np.random.default_rng([seed, 5])
    name, text, folder = chosen[rng.integers(len(chosen))]
    lines = text.split("\n")
    for _ in range(int(rng.integers(1, most + 1))):
        changes[rng.integers(len(changes))](rng, lines)
        if not any(line.strip() for line in lines):
            break
    return name, "\n".join(lines), folder


def reading(seed: int, tally: Tally) -> None:
    """A mutated case is read, and where it is accepted its data too."""
    name, text, folder = mutated(seed, texts(), CHANGES, 3)
    family = name.removeprefix("new ").partition("/")[0]
    started = process_time()
    try:
        case = parse_case(text, "case.yaml", folder)
    except CaseError as error:
        tally.count(family, "refused")
        _placed(error, f"{name}, seed {seed}", tally)
    except Exception as error:  # what must not come out
        _traceback(error, f"{name}, seed {seed}", tally)
    else:
        _opened(case, f"{name}, seed {seed}", family, tally)
        return
    taken = process_time() - started
    tally.largest("CPU seconds until a case was refused", taken)
    if taken > SOON:
        tally.broken.append(f"{taken:.1f} s: {name}, seed {seed}")


def _opened(case: Any, place: str, family: str, tally: Tally) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            open_study(case, case_request(case), Ledger())
    except OptimodelsError:
        tally.count(family, "data refused")
    except MemoryError:
        tally.count(family, "too large")
    except Exception as error:  # what must not come out
        _traceback(error, place, tally)
    else:
        tally.count(family, "accepted")


def _placed(error: CaseError, place: str, tally: Tally) -> None:
    """Every mistake is one line with file, line and column."""
    for finding in error.findings:
        placed = finding.file == "case.yaml" and min(finding.line, finding.column) >= 1
        if not placed and not finding.message.startswith("is empty"):
            tally.broken.append(f"no place: {place}: {finding}")
        if "\n" in str(finding):
            tally.broken.append(f"more than a line: {place}: {finding!s:.200}")


def _traceback(error: Exception, place: str, tally: Tally) -> None:
    tally.count("any", "traceback")
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    at = f"{Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else "?"
    tally.broken.append(f"{type(error).__name__} at {at}: {place}: {str(error)[:120]}")


#: Cases that are solved in a second or two, by family.
QUICK = (
    "flexibility/shiftable-33bus.yaml",
    "flexibility/self-sustainability-33bus-max.yaml",
    "flexibility/aggregator-mapping-33bus.yaml",
    "supply/bidding-uniform.yaml",
    "supply/curve-fit-merit-order.yaml",
    "coalition/eight-agents-cooperative.yaml",
    "coalition/payments-without-core.yaml",
    "regulation/clearing-bids.yaml",
    "regulation/clearing-curves.yaml",
    "regulation/participation-cap.yaml",
    "regulation/area-open-loop.yaml",
    "thermodynamics/degeneracy-8.yaml",
    "thermodynamics/equilibrium-quadratic.yaml",
)


def solving(seed: int, tally: Tally) -> None:
    """A mutated small case is solved: an answer with a verdict, or one line that says why not."""
    name, text, folder = mutated(seed, _quick(), VALUES, 1)
    family = name.partition("/")[0]
    try:
        case = parse_case(text, "case.yaml", folder)
    except CaseError:
        tally.count(family, "refused")
        return
    except Exception as error:  # counted by ``reading``
        _traceback(error, f"{name}, seed {seed}", tally)
        return

    def too_long(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(PATIENCE)
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", RuntimeWarning)
            result = solve(case)
        for one in {str(w.message) for w in said if issubclass(w.category, RuntimeWarning)}:
            tally.broken.append(f"warning: {name}, seed {seed}: {one}")
    except TimeoutError:
        tally.count(family, "left alone")
    except OptimodelsError as error:
        tally.count(family, "told")
        if "\n" in str(error).strip() and not isinstance(error, CaseError):
            tally.broken.append(f"more than a line: {name}, seed {seed}: {error!s:.200}")
    except MemoryError:
        tally.count(family, "too large")
    except Exception as error:  # what must not come out
        _traceback(error, f"{name}, seed {seed}", tally)
    else:
        status = result.verdict.status
        tally.count(family, status)
        if status == "refuted":
            tally.note(f"refuted: {name}: {result.verdict.reason}", seed)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@cache
def _quick() -> tuple[tuple[str, str, Path], ...]:
    quick = tuple(one for one in texts() if one[0] in QUICK)
    for _, text, folder in quick:
        # Once as they are: an alarm amid an import would leave half a module behind.
        solve(parse_case(text, "case.yaml", folder))
    return quick
