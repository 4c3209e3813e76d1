"""What a comparison is: a titled table, and what the user chose to see in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from optimodels.result import Row

if TYPE_CHECKING:
    import pandas

#: What a cell of several runs says of them.
STATISTICS = ("mean", "median", "spread", "interval", "count")


@dataclass(frozen=True)
class Table:
    """A titled table; ``note`` says what its cells hold.

    ``numbers`` are the rows for who computes with them, where ``rows`` put several into one cell:
    each number, verdict and reason in a column of its own. ``meanings`` says of columns
    what they are, in which unit.
    """

    title: str
    rows: list[Row]
    note: str = ""
    numbers: list[Row] | None = None
    meanings: Mapping[str, str] = field(default_factory=dict)

    @property
    def computable(self) -> list[Row]:
        """The rows for who computes with them: ``numbers`` where there are any."""
        return self.rows if self.numbers is None else self.numbers

    @property
    def frame(self) -> pandas.DataFrame:
        """The rows as a DataFrame, numbers as numbers."""
        import pandas

        return pandas.DataFrame(self.computable)


@dataclass(frozen=True)
class Choice:
    """What a table shows: keys for its rows and columns, the value, the statistic over the rest.

    Keys are named without "parameters."; None takes the sweep's last key that is not in the rows
    for the columns, and all others but the seed for the rows. Without a value it is the objective,
    or the first number of models that have none.
    """

    rows: Sequence[str] | None = None
    columns: Sequence[str] | None = None
    value: str = ""
    statistic: str = "interval"
    times: bool = False
