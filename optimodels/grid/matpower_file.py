"""The arrays of MATPOWER files: tables of plain numbers, or a line saying why not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from optimodels.arrays import Floats
from optimodels.errors import DataError

#: The least columns of each table, and those that a power flow reads.
_LEAST = {"bus": 13, "gen": 10, "branch": 11}
_READ = {
    "bus": [0, 1, 2, 3, 4, 5, 7, 8, 9],
    "gen": [0, 1, 2, 5, 7],
    "branch": [0, 1, 2, 3, 4, 5, 8, 9, 10],
}
#: Where a statement starts.
_START = r"(?:^|[;\n])[ \t]*"


def read_case(path: Path) -> dict[str, Any]:
    """Return baseMVA, bus, gen, branch, bus_name and, where there is one, dcline."""
    case = _from_text(path) if path.suffix.lower() == ".m" else _from_mat(path)
    if not 0 < case["baseMVA"] < np.inf:
        raise refusal(f"mpc.baseMVA is {case['baseMVA']:g}")
    for name in _LEAST:
        _check_table(name, case[name])
    return case


def refusal(text: str) -> DataError:
    """Return what is raised on a case that cannot be read or kept."""
    return DataError("network.file", text)


def _check_table(name: str, table: Floats) -> None:
    if table.shape[1] < _LEAST[name]:
        least = _LEAST[name]
        raise refusal(f"mpc.{name} has {table.shape[1]} columns, a case has at least {least}")
    bad = np.flatnonzero(~np.isfinite(table[:, _READ[name]]).all(axis=1))
    if len(bad):
        raise refusal(f"mpc.{name} row {bad[0] + 1} holds a value that is not finite")


def _from_text(path: Path) -> dict[str, Any]:
    """Read the tables of plain numbers; refuse a case that is computed by statements."""
    text = path.read_text(encoding="utf-8", errors="replace")
    # A block of comments begins and ends with a line of its own.
    text = re.sub(r"(?ms)^[ \t]*%\{[ \t]*\r?$.*?^[ \t]*%\}[ \t]*\r?$", "", text)
    text = re.sub(r"%.*", "", text)
    text = re.sub(r"\.\.\.[^\n]*\n", " ", text)
    _check_statements(path.name, text)
    base = re.search(_START + r"mpc\.baseMVA\s*=([^;\n]*)", text)
    if base is None:
        raise refusal(f"{path.name!r} holds no network that can be read: no mpc.baseMVA")
    case: dict[str, Any] = {"baseMVA": _number(base[1].strip(), "mpc.baseMVA")}
    for name in (*_LEAST, "dcline"):
        table = re.search(_START + rf"mpc\.{name}\s*=\s*\[([^\]]*)\]([^;\n]*)", text)
        if table and table[2].strip():
            raise _computed(path.name, f"mpc.{name} = [...]{table[2]}")
        lines = re.split(r"[;\n]", table[1]) if table else []
        rows = [words for line in lines if (words := line.replace(",", " ").split())]
        if rows:
            case[name] = _numbers(rows, name)
        elif name in _LEAST:
            raise refusal(f"{path.name!r} holds no network that can be read: no mpc.{name}")
    names = re.search(_START + r"mpc\.bus_name\s*=\s*\{([^}]*)\}", text)
    case["bus_name"] = re.findall(r"'([^'\n]*)'", names[1]) if names else []
    return case


def _check_statements(file: str, text: str) -> None:
    """Refuse what assigns to the case anything but a whole field, once."""
    fields = set()
    for statement in re.split(r"[;\n]", text):
        left, equals, right = statement.partition("=")
        left = left.strip()
        if not re.search(r"\bmpc\b", statement) or left.startswith("function"):
            continue
        # Others may read the case; a loop or a second statement of a line may change it.
        field, reads = (re.fullmatch(kind, left) for kind in (r"mpc(\.\w+)+", r"(?!mpc$)\w+"))
        changes = left in fields or re.search(r"\bmpc\b[^=]*=(?!=)", right)
        if not equals or changes or not (field or reads):
            raise _computed(file, statement)
        if field:
            fields.add(left)


def _computed(file: str, statement: str) -> DataError:
    short = " ".join(statement.split())[:60]
    return refusal(
        f"{file!r} computes its case ({short!r}), and only tables of plain numbers are read; "
        "MATPOWER's savecase writes them"
    )


def _from_mat(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    mpc = loadmat(path, squeeze_me=True, struct_as_record=False)["mpc"]
    case: dict[str, Any] = {"baseMVA": float(mpc.baseMVA)}
    for name in (*_LEAST, "dcline"):
        if name in _LEAST or np.size(getattr(mpc, name, ())):
            case[name] = np.atleast_2d(np.asarray(getattr(mpc, name), dtype=float))
    case["bus_name"] = np.atleast_1d(getattr(mpc, "bus_name", ())).tolist()
    return case


def _numbers(rows: list[list[str]], name: str) -> Floats:
    for i, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise refusal(f"mpc.{name} row {i} has {len(row)} values, the first {len(rows[0])}")
    values = [[_number(v, f"mpc.{name} row {i}") for v in row] for i, row in enumerate(rows, 1)]
    return np.array(values, dtype=np.float64).reshape(len(rows), -1)


def _number(word: str, where: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise refusal(f"{where}: {word[:40]!r} is no number") from None
