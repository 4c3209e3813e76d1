"""Every printed figure of the five papers, collected from the cases' reports, and its word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAPERS = {
    "000": "statistical mechanics of markets",
    "001": "customers' flexibility",
    "002": "supply curves from bidding",
    "003": "demand response and regulation",
    "004": "coalitions of microgrids",
}
#: How the word of a figure may begin, and in which column it is counted.
WORDS = {
    "reproduced": "reproduced",
    "within noise": "within its noise",
    "within": "within 5 %",
    "better than printed": "better than printed",
    "among the draws": "among the draws",
    "not": "not reproduced",
    "lost in print": "lost in print",
}
_HEADING = re.compile(r"\*\*(?:(?P<case>[\w-]+): )?[Bb]eside the paper(?:, row by row)?\*\*")


@dataclass(frozen=True)
class Printed:
    """One printed figure: the paper (its number), the case, what was printed, ours, the word."""

    paper: str
    case: str
    figure: str
    says: str
    ours: str
    word: str
    report: str

    @property
    def counted(self) -> str:
        """The column in which it is counted."""
        return next(column for start, column in WORDS.items() if self.word.startswith(start))


def printed_figures(reports: Path) -> list[Printed]:
    """Read the tables "beside the paper" of every report; a figure of a sweep counts once a run."""
    pages = sorted([*reports.glob("*/README.md"), *reports.glob("*/*/README.md")])
    return [figure for page in pages for figure in _of_page(page, reports)]


def _of_page(page: Path, reports: Path) -> Iterator[Printed]:
    lines = page.read_text().splitlines()
    report = page.relative_to(reports).as_posix()
    case = ""
    for number, line in enumerate(lines):
        if line.startswith("## "):
            case = line[3:].strip()
        heading = _HEADING.fullmatch(line)
        if heading is None:
            continue
        rows = table_rows(lines, number + 2)
        end = number + 2 + len(rows) + 2
        source = next((one for one in lines[end : end + 8] if one.startswith("*source: ")), "")
        paper = source.removeprefix("*source: ")[:3]
        for row in rows:
            for figure, says, ours, word in _figures(row):
                name = heading["case"] or case
                yield Printed(paper, name, figure, says, ours, word, report)


def table_rows(lines: list[str], at: int) -> list[dict[str, str]]:
    """Return the rows of the Markdown table that begins at a line."""

    def cells(line: str) -> list[str]:
        return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]

    names, rows = cells(lines[at]), []
    for line in lines[at + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(dict(zip(names, cells(line), strict=True)))
    return rows


def _figures(row: dict[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """Return figure, printed, ours and word of a line, which may hold several figures."""
    if "word" in row:
        yield row["figure"], row["paper"], row["ours"], row["word"]
        return
    columns = list(row)
    first = next(at for at, column in enumerate(columns) if column.endswith(" printed"))
    keys = [row[column] for column in columns[:first]]
    for column in columns:
        name = column.removesuffix(" printed")
        if name != column and row[name]:
            yield f"{name} ({', '.join(keys)})", row[column], row[f"{name} ours"], row[name]


def count_in_words(figures: list[Printed]) -> str:
    """The count as the README says it."""
    counts = Counter(figure.counted for figure in figures)
    told = ", ".join(f"{counts[column]} {column}" for column in WORDS.values() if counts[column])
    return f"Of {len(figures)} figures set beside the papers': {told}."


def printed_page(figures: list[Printed]) -> str:
    """The page: counts by paper, and every figure that is not reproduced, with its reason."""
    columns = [c for c in WORDS.values() if any(figure.counted == c for figure in figures)]
    lines = [
        "# The papers' figures beside ours",
        "",
        "Made by `python reports/make.py` from the cases' reports, where each stands with its",
        "verdict and its reason. A printed figure that cases read in several ways counts in each.",
        "",
        count_in_words(figures),
        "",
        "| paper | figures | " + " | ".join(columns) + " |",
        "|---|---:|" + "---:|" * len(columns),
    ]
    for paper, title in PAPERS.items():
        own = [figure for figure in figures if figure.paper == paper]
        counts = Counter(figure.counted for figure in own)
        shown = " | ".join(str(counts[column] or "") for column in columns)
        lines.append(f"| {paper}, {title} | {len(own)} | {shown} |")
    for column in ("not reproduced", "lost in print"):
        lines += ["", f"## {column.capitalize()}", ""]
        lines += ["| paper | case | figure | printed | ours | why |", "|---|---|---|---|---|---|"]
        for f in figures:
            if f.counted == column:
                told = (f"[{f.case}]({f.report})", f.figure, f.says, f.ours)
                lines.append(f"| {f.paper} | {' | '.join(told)} | {f.word.partition(': ')[2]} |")
    return "\n".join(lines) + "\n"
