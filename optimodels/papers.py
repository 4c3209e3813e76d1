"""The papers that sources name by number: "002, section 3"."""

from __future__ import annotations

import re

#: The README's table of references says the same.
PAPERS = {
    "000": 'D. P. Chassin, "Statistical Mechanics: A Possible Model for Market-based Electric '
    'Power Control", Proceedings of the 37th Hawaii International Conference on System Sciences, '
    "2004",
    "001": "Customers' demand flexibility in local power trading by an Ising spin-based model: "
    "Complexity, volume 2018, article 5905932, doi 10.1155/2018/5905932",
    "002": 'C. Cadavid, M. E. Puerta, J. D. Vélez, J. F. García, "q-exponential behavior of '
    'expected aggregated supply curves in deregulated electricity markets", arXiv 1601.07515, 2016',
    "003": 'D. P. Chassin, S. Behboodi, C. Crawford, N. Djilali, "Agent-Based Simulation for '
    'Interconnection-Scale Renewable Integration and Demand Response Studies", Engineering 1(4), '
    "422-435, 2015, doi 10.15302/J-ENG-2015109",
    "004": "A poster on coalitions of microgrids with private lines, in four models of behaviour; "
    "its authors and year are not told in the text that we had",
}

# Neither a part of a number (0.001, 2,000, 45 000, 1e-003) nor of a name (case_001).
_NAMED = re.compile(rf"(?<![\w.,+-])(?<!\d )({'|'.join(PAPERS)})(?!\w|\.\d)")


def papers_in(text: str) -> list[str]:
    """Return the list of references of a text: of each paper that it names, "number: paper"."""
    named = set(_NAMED.findall(text))
    return [f"{number}: {paper}" for number, paper in PAPERS.items() if number in named]
