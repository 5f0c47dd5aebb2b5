"""A comparison fitted to the width of the terminal: what is the same for all rows, what is shown, and what is left out.

Constant columns move into a line above. If the rest is too wide, ranges go below their medians, and then columns are
left out: the minutes, the budget, metrics from the last one on, and the number of samples. Names of
methods wrap at words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

VERDICT = "verdict"
"""Heading of the counts of words."""
BELOW = "\x1e"
"""Begins a line within a cell. Not a newline: names and facts from strangers may hold one."""
GAP = 2
"""Spaces between two columns."""
LONG = 12
"""Longer headings are broken at an underscore."""
MIN_NAME = 16
"""Width below which names of methods aren't wrapped."""


@dataclass(frozen=True)
class Fitted:
    """A table of text.

    Attributes:
        constants: the columns that were moved above, with their values.
        omitted: the columns that were left out for lack of space.
    """

    head: list[str]
    rows: list[list[str]]
    floors: list[list[str]]
    constants: tuple[tuple[str, str], ...] = ()
    omitted: tuple[str, ...] = ()

    def width(self) -> int:
        """The width of the table, with a gap after each column."""
        return sum(_width([self.head[n], *(row[n] for row in (*self.rows, *self.floors))]) + GAP for n in self._columns)

    def without(self, column: int) -> Fitted:
        """The table without a column."""
        head, *others = ([*line[:column], *line[column + 1 :]] for line in (self.head, *self.rows, *self.floors))
        return replace(self, head=head, rows=others[: len(self.rows)], floors=others[len(self.rows) :])

    def constant(self, column: int) -> str | None:
        """The value that all rows have in a column; None if they differ."""
        values = {row[column] for row in self.rows} | {row[column] for row in self.floors if row[column]}
        return values.pop() if len(values) == 1 else None

    @property
    def _columns(self) -> range:
        return range(len(self.head))


def fit(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    floors: Sequence[Sequence[str]],
    *,
    facts: Sequence[str],
    optional: Sequence[str],
    width: int,
) -> Fitted:
    """Fit a table to a width.

    Args:
        facts: the columns that move above if they are constant.
        optional: the columns that may be left out, the first to go first.
    """
    cleaned = ([[cell.replace(BELOW, "") for cell in row] for row in lines] for lines in (rows, floors))
    table = Fitted(list(head), next(cleaned), next(cleaned))
    for fact in facts:
        if fact in table.head[1:] or (fact in table.head and len(table.rows) > 1):
            column = table.head.index(fact)
            value = table.constant(column)
            if value is not None and column > 0:
                table = replace(table.without(column), constants=(*table.constants, (fact, value)))
    if table.width() > width:
        stacked = [[row[0], *map(_stacked, table.head[1:], row[1:])] for row in table.rows]
        table = replace(table, rows=stacked)
        narrow = replace(table, head=list(map(_broken, table.head)))
        for name in optional:
            if _least_width(narrow) <= width:
                break
            if _broken(name) in narrow.head:
                narrow = narrow.without(narrow.head.index(_broken(name)))
                narrow = replace(narrow, omitted=(*narrow.omitted, name))
        table = narrow
    return table


def _stacked(heading: str, cell: str) -> str:
    """Write a range below its median, and each of several counts of words on a line of its own."""
    return cell.replace(", ", f",{BELOW}") if heading == VERDICT else cell.replace(" [", f"{BELOW}[")


def _least_width(table: Fitted) -> int:
    """The width of a table whose names wrap at words."""
    names = _width([row[0] for row in (*table.rows, *table.floors)])
    return table.width() - max(0, names - MIN_NAME)


def _broken(heading: str) -> str:
    """Break a long heading after the underscore that is nearest to its middle."""
    places = [place + 1 for place, letter in enumerate(heading) if letter == "_"]
    if len(heading) <= LONG or not places:
        return heading
    place = min(places, key=lambda place: abs(2 * place - len(heading)))
    return f"{heading[:place]}{BELOW}{heading[place:]}"


def _width(cells: Sequence[str]) -> int:
    from rich.cells import cell_len

    return max(cell_len(line) for cell in cells for line in cell.split(BELOW))
