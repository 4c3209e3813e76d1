"""Every printed figure of the five papers, collected from the cases' reports, and its word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

SUBJECTS = {
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
    "within wide noise": "within a wide band of noise",
    "within": "within 5 %",
    "better than printed": "better than printed",
    "among the draws": "among the draws",
    "not": "not reproduced",
    "lost in print": "lost in print",
}
#: Where a case was fitted to the paper: instead of each of the words that agree.
FITTED = "met on fitted data"
_AGREE = ("reproduced", "within 5 %", "among the draws")
COLUMNS = (*WORDS.values(), FITTED)
#: What noise is, as the page and the README say it.
NOISE = (
    "Noise is that of a Monte Carlo curve of 10,000 auctions (assumed: the paper's number is lost "
    "in print): a fit to it lies below the band once in 20,000 times, and above it as often. A "
    "band is wide where its ends are more than a factor of 2 apart: to lie in it says little."
)
_HEADING = re.compile(r"\*\*(?:(?P<case>[\w-]+): )?[Bb]eside the paper(?:, row by row)?\*\*")


@dataclass(frozen=True)
class Printed:
    """One printed figure: the paper (its number), the case, what was printed, ours, the word, why
    it is not ours, and whether the case was fitted to the paper."""

    paper: str
    case: str
    figure: str
    says: str
    ours: str
    word: str
    why: str
    report: str
    fitted: bool = False

    @property
    def counted(self) -> str:
        """The column in which it is counted."""
        column = next(told for start, told in WORDS.items() if self.word.startswith(start))
        return FITTED if self.fitted and column in _AGREE else column

    @property
    def statement(self) -> bool:
        """Whether words were printed, no number: then what they are held against is ours."""
        try:
            float(self.says)
        except ValueError:
            return True
        return False


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
            for figure, says, ours, word, why in _figures(row, source.strip("*")):
                name = heading["case"] or case
                fitted = "; fitted: " in source
                yield Printed(paper, name, figure, says, ours, word, why, report, fitted)


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


def _figures(row: dict[str, str], below: str) -> Iterator[tuple[str, str, str, str, str]]:
    """Return figure, printed, ours, word and reason of a line, which may hold several figures;
    ``below`` is what stands below the table."""
    if "word" in row:
        word, _, why = row["word"].partition(": ")
        yield row["figure"], row["paper"], row["ours"], word, why or row["note"]
        return
    columns = list(row)
    first = next(at for at, column in enumerate(columns) if column.endswith(" printed"))
    keys = [row[column] for column in columns[:first]]
    names = [column.removesuffix(" printed") for column in columns if column.endswith(" printed")]
    for name in names:
        if row[name]:
            why = _note(below, name, names)
            if row[name] == "lost in print":
                why = "its row is printed without it"
            elif row[name].startswith("not"):
                why = f"{row[name]}; {why}" if why else row[name]
            told = row[f"{name} printed"], row[f"{name} ours"], row[name]
            yield f"{name} ({', '.join(keys)})", *told, why


def _note(below: str, name: str, names: list[str]) -> str:
    """Return a column's note: below a table stand its source, then for each column how many of
    each word, then the notes of those that have one."""
    parts = below.split(f"; {name}: ")
    note = parts[2] if len(parts) == 3 else ""
    for other in names:
        note = note.partition(f"; {other}: ")[0]
    return note


def count_in_words(figures: list[Printed]) -> str:
    """The count as the README says it."""
    counts = Counter(figure.counted for figure in figures)
    told = ", ".join(f"{counts[column]} {column}" for column in COLUMNS if counts[column])
    words = [figure for figure in figures if figure.statement and figure.says != "-"]
    held = sum(figure.counted in (*_AGREE, FITTED) for figure in words)
    return (
        f"Of {len(figures)} figures set beside the papers': {told}. Of all these, {len(words)} are "
        f"statements in words, held against limits of ours; {held} of them hold. A printed figure "
        "that cases read in several ways counts in each. Fitted data were chosen so that figures "
        "like these come out."
    )


def _wide(figures: list[Printed]) -> Iterator[str]:
    """Say by column of the papers' tables how far off figures in a wide band are."""
    factors: dict[str, list[float]] = {}
    for one in figures:
        if one.counted == "within a wide band of noise":
            factor = float(one.says) / float(one.ours)
            factors.setdefault(one.figure.partition(" ")[0], []).append(max(factor, 1 / factor))
    told = [
        f"{len(own)} of {name} (printed and ours are a factor of {median(own):.3g} apart in the "
        f"median, of {max(own):.4g} at most)"
        for name, own in factors.items()
    ]
    if told:
        yield from (f"In a wide band lie {', '.join(told)}.", "")


def printed_page(figures: list[Printed]) -> str:
    """The page: counts by paper, and every figure that is not reproduced, with its reason."""
    columns = [c for c in COLUMNS if any(figure.counted == c for figure in figures)]
    lines = [
        "# The papers' figures beside ours",
        "",
        "Made by `python reports/make.py` from the cases' reports, where each stands with its",
        "verdict and its reason.",
        "Which papers these are: the README's [references](../README.md#references).",
        "",
        f"{count_in_words(figures)} {NOISE}",
        "",
        *_wide(figures),
        "| paper | figures | " + " | ".join(columns) + " |",
        "|---|---:|" + "---:|" * len(columns),
    ]
    for paper, title in SUBJECTS.items():
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
                lines.append(f"| {f.paper} | {' | '.join(told)} | {f.why} |")
    return "\n".join(lines) + "\n"
