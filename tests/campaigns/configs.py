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
from typing import Any, NamedTuple

import numpy as np

from optimodels.case import Case, parse_case
from optimodels.errors import CaseError, DataError, OptimodelsError
from optimodels.families import find_model, model_names
from optimodels.study import Ledger, case_request, open_study, solve
from tests.campaigns.tally import Tally, kind

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

#: CPU seconds within which a case is judged, and within which its data are read, with what a family
#: imports for it.
SOON, DATA_SOON = 1.0, 10.0
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


class Mutated(NamedTuple):
    """A shipped case with changes; ``line`` is the only one that differs, 0 where several do."""

    name: str
    text: str
    folder: Path
    line: int
    shipped: str

    def told_near(self, line: int) -> bool:
        """Whether a mistake told at a line is where the only change was made, as far as a reader
        can know: in the block that the line begins, where the text goes on behind it or, after a
        quotation mark, anywhere below; at the line before, or at a key that holds it. Another model
        may have other keys anywhere."""
        before, now = self.shipped.split("\n"), self.text.split("\n")
        at = self.line - 1
        if not self.line or before[at].startswith("model:"):
            return True
        depth = {_depth(before[at]), _depth(now[at]) or len(now[at])}
        if line >= self.line:
            below = (k for k in range(at + 1, len(now)) if _written(now[k]))
            ends = next((k for k in below if _depth(now[k]) <= min(depth)), len(now))
            return line <= ends + 1 or bool({"'", '"'} & {*now[at]})
        most = max(depth) + before[at].lstrip().startswith(("]", "}"))
        above = [k for k in reversed(range(at)) if _written(before[k])]
        holds = above[:1]
        for k in above:
            if _depth(before[k]) < most:
                most = _depth(before[k])
                holds.append(k)
        return line - 1 in holds


def _written(line: str) -> bool:
    """Whether something begins in a line: no blank one, no remark, no bracket that closes."""
    return not line.lstrip().startswith(("#", "]", "}")) and bool(line.strip())


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def mutated(
    seed: int, chosen: tuple[tuple[str, str, Path], ...], changes: tuple[Change, ...], most: int
) -> Mutated:
    """A case with one to so many changes, drawn again until it is another text."""
    rng = np.random.default_rng([seed, 5])
    name, text, folder = chosen[rng.integers(len(chosen))]
    before = text.split("\n")
    lines = list(before)
    while lines == before:
        for _ in range(int(rng.integers(1, most + 1))):
            changes[rng.integers(len(changes))](rng, lines)
            if not any(line.strip() for line in lines):
                break
    other = [k for k, line in enumerate(lines) if line != before[min(k, len(before) - 1)]]
    line = other[0] + 1 if len(lines) == len(before) and len(other) == 1 else 0
    return Mutated(name, "\n".join(lines), folder, line, text)


def read_text(seed: int) -> str:
    """The text that ``reading`` reads at a seed."""
    return mutated(seed, texts(), CHANGES, 3).text


def solved_text(seed: int) -> str:
    """The text that ``solving`` solves at a seed."""
    return mutated(seed, quick(), VALUES, 1).text


def reading(seed: int, tally: Tally) -> None:
    """A mutated case is read, and where it is accepted its data too.

    Refused in place: one line was changed, and a mistake is told where it was. What stands
    elsewhere must lead back to the line; of two values that are not for each other, which only the
    data show, either may be the mistake.
    """
    case = mutated(seed, texts(), CHANGES, 3)
    family = case.name.removeprefix("new ").partition("/")[0]
    place = f"{case.name}, seed {seed}"
    started = process_time()
    try:
        accepted = parse_case(case.text, "case.yaml", case.folder)
    except CaseError as error:
        _soon("a case was judged", started, SOON, place, tally)
        tally.count(family, _placed(error, case, seed, tally))
    except Exception as error:  # what must not come out
        _traceback(error, family, place, tally)
    else:
        _soon("a case was judged", started, SOON, place, tally)
        _opened(accepted, case, family, seed, tally)


def _soon(what: str, started: float, most: float, place: str, tally: Tally) -> None:
    taken = process_time() - started
    tally.largest(f"CPU seconds until {what}", taken)
    if taken > most:
        tally.broken.append(f"{taken:.1f} s until {what}: {place}")


def _opened(accepted: Case, case: Mutated, family: str, seed: int, tally: Tally) -> None:
    started, place = process_time(), f"{case.name}, seed {seed}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            open_study(accepted, case_request(accepted), Ledger())
    except DataError as error:
        said = _placed(accepted.located(error), case, seed, tally, two_values=True)
        tally.count(family, f"data {said}")
    except OptimodelsError:
        tally.count(family, "data not read")
    except MemoryError:
        tally.count(family, "too large")
    except Exception as error:  # what must not come out
        _traceback(error, family, place, tally)
    else:
        tally.count(family, "accepted")
    _soon("its data were read", started, DATA_SOON, place, tally)


def _placed(
    error: CaseError, case: Mutated, seed: int, tally: Tally, two_values: bool = False
) -> str:
    """The column of a refused case: every mistake is one line with file, line and column, and one
    of them is told where a line changed or leads there."""
    place = f"{case.name}, seed {seed}"
    for finding in error.findings:
        placed = finding.file == "case.yaml" and min(finding.line, finding.column) >= 1
        if not placed and not finding.message.startswith("is empty"):
            tally.broken.append(f"no place: {place}: {finding}")
        if "\n" in str(finding):
            tally.broken.append(f"more than a line: {place}: {finding!s:.200}")
    if not any(case.told_near(finding.line) for finding in error.findings):
        back = f"line {case.line},", "the lines above"
        if not two_values and not any(words in str(error) for words in back):
            tally.broken.append(f"line {case.line} was changed: {place}: {error!s:.200}")
        if two_values:
            tally.note(f"told at another value: {kind(error.findings[0].message)}", seed)
        return "refused elsewhere"
    return "refused in place" if case.line else "refused"


def _traceback(error: Exception, family: str, place: str, tally: Tally) -> None:
    tally.count(family, "traceback")
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
    "ising/phase-transition-4x4.yaml",
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
    _warm()
    case = mutated(seed, quick(), VALUES, 1)
    family, place = case.name.partition("/")[0], f"{case.name}, seed {seed}"
    try:
        accepted = parse_case(case.text, "case.yaml", case.folder)
    except CaseError as error:
        tally.count(family, _placed(error, case, seed, tally))
        return
    except Exception as error:  # what must not come out
        _traceback(error, family, place, tally)
        return

    def too_long(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(PATIENCE)
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", RuntimeWarning)
            result = solve(accepted)
        for one in {str(w.message) for w in said if issubclass(w.category, RuntimeWarning)}:
            tally.broken.append(f"warning: {place}: {one}")
    except TimeoutError:
        tally.count(family, "left alone")
    except CaseError as error:
        tally.count(family, "data " + _placed(error, case, seed, tally, two_values=True))
    except OptimodelsError as error:
        tally.count(family, "told")
        if "\n" in str(error).strip():
            tally.broken.append(f"more than a line: {place}: {error!s:.200}")
    except MemoryError:
        tally.count(family, "too large")
    except Exception as error:  # what must not come out
        _traceback(error, family, place, tally)
    else:
        status = result.verdict.status
        tally.count(family, status)
        if status == "refuted":
            tally.broken.append(f"refuted: {place}: {result.verdict.reason}")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@cache
def quick() -> tuple[tuple[str, str, Path], ...]:
    """Those of ``texts`` that ``solving`` mutates."""
    found = tuple(one for one in texts() if one[0] in QUICK)
    assert len(found) == len(QUICK), {*QUICK} - {name for name, _, _ in found}
    return found


@cache
def _warm() -> None:
    """Solve the quick cases as they are: an alarm amid an import would leave half a module."""
    for _, text, folder in quick():
        solve(parse_case(text, "case.yaml", folder))
