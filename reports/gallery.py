"""Every shipped case on one page: what it asks, its headline figures, its verdict, its picture."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from printed import table_rows

#: Values shown of a case that has no objective.
MOST_VALUES = 4
_PICTURE = re.compile(r"!\[(?P<says>.*)\]\((?P<file>[^()]+\.svg)\)")


@dataclass(frozen=True)
class Shown:
    """A case as its report has it; ``picture`` is the Markdown of its first one, or empty."""

    family: str
    name: str
    asks: str
    headline: str
    verdict: str
    values: str
    picture: str
    report: str


def shown_cases(cases: Path, reports: Path) -> list[Shown]:
    """Return every case file with what its family's report, or its own, says of it."""
    return [_shown(path, reports) for path in sorted(cases.glob("*/*.yaml"))]


def _shown(path: Path, reports: Path) -> Shown:
    text = path.read_text()
    named = re.search(r"(?m)^name: *(\S+)", text)
    name = named[1] if named else path.stem
    family = path.parent.name
    # A long sweep has a page of its own.
    own = f"{family}/{name}/README.md"
    report = own if (reports / own).is_file() else f"{family}/README.md"
    lines = _section((reports / report).read_text().splitlines(), name)
    headline = next((one.strip("*") for one in lines if one.startswith("*")), "not reported")
    verdict = next((one[4:].strip("*") for one in lines if one.startswith("- **")), "")
    values = ""
    if "no objective" in headline and "**Values**" in lines:
        rows = table_rows(lines, lines.index("**Values**") + 2)[:MOST_VALUES]
        values = "; ".join(f"{row['name']} {row['value']}" for row in rows)
    found = next(filter(None, map(_PICTURE.fullmatch, lines)), None)
    folder = report.rpartition("/")[0]
    picture = f"![{found['says']}]({folder}/{found['file']})" if found else ""
    link = report if report == own else f"{report}#{name}"
    return Shown(family, name, _question(text), headline, verdict, values, picture, link)


def _section(lines: list[str], name: str) -> list[str]:
    """Return the lines of a case's section of a report."""
    if f"## {name}" not in lines:
        return []
    rest = lines[lines.index(f"## {name}") + 1 :]
    # The case's own text, which a report quotes, has no heading of this depth.
    ends = (at for at, line in enumerate(rest) if line.startswith("## "))
    return rest[: next(ends, len(rest))]


def _question(text: str) -> str:
    """Return the first sentence of the comment that a case file begins with."""
    comment = re.match(r"(?:#.*\n)*", text)
    words = " ".join(line.lstrip("# ") for line in comment[0].splitlines()) if comment else ""
    sentence = re.match(r".+?[.?](?= |$)", words)
    return sentence[0] if sentence else words


def gallery_page(cases: list[Shown]) -> str:
    """Return the page: a table of contents by family, then a short section for every case."""
    lines = [
        "# Gallery",
        "",
        "Every shipped case: what it asks, its headline figures with their verdict, its first",
        "picture. Made by `python reports/make.py` from the cases' reports, which say the rest;",
        "`optimodels solve` (or `sweep`) of the file under `cases/` gives it anew.",
    ]
    for family in dict.fromkeys(case.family for case in cases):
        own = [case for case in cases if case.family == family]
        lines += ["", f"## {family.capitalize()}"]
        for case in own:
            lines += ["", f"### [{case.name}]({case.report})", "", case.asks, ""]
            told = filter(None, (case.headline, case.values, f"**{case.verdict}**"))
            lines += [f"*{next(told)}*" + "".join(f"; {one}" for one in told)]
            lines += ["", case.picture or "(no picture)"]
    return "\n".join(lines) + "\n"
