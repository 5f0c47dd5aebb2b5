"""Session of `ganbench leaderboard --check`: train a seed of each method again, and print how its numbers agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from ganbench.cli.console.reproduce import train_and_show
from ganbench.cli.console.terminal import Terminal
from ganbench.core.errors import GanbenchError
from ganbench.core.registry import near_miss
from ganbench.results.leaderboard import Board
from ganbench.results.report.escaping import for_terminal
from ganbench.results.run_record import run_record
from ganbench.runs.reproduce_row import reproduce_row, spec_of_row
from ganbench.tracking import RunRecord


def check_session(table: pd.DataFrame, boards: Sequence[Board], *, method: str | None, device: str) -> int:
    """Check the first seed of each method, or of one.

    Returns:
        the exit status: 1 if numbers differ, else 2 if a method can't be checked, else 0.

    Raises:
        GanbenchError: there is no such method.
    """
    console = Terminal()
    rows = [(str(board.setting), entry) for board in boards for entry in board.entries]
    if method is not None:
        named = [row for row in rows if row[1].method == method]
        if not named:
            raise GanbenchError(f"there is no method '{method}': {near_miss(method, {row[1].method for row in rows})}")
        rows = named
    agreements: Counter[str] = Counter()
    checkable: list[tuple[str, RunRecord]] = []
    for setting, entry in rows:  # refusals first, before any training
        title, record = for_terminal(f"{setting}: {entry.method}"), run_record(table, entry.run)
        try:
            spec_of_row(record)
        except GanbenchError as error:
            agreements["refused"] += 1
            console.print(f"{title}: can't be checked: {for_terminal(str(error))}", soft_wrap=True)
        else:
            checkable.append((title, record))
    for title, record in checkable:
        console.print(f"\n{title}", soft_wrap=True)
        origin = f"run {record.id}"
        agreement = train_and_show(record, *spec_of_row(record), reproduce_row, origin, device, console)
        if isinstance(agreement, int):
            return agreement
        agreements[agreement] += 1
    counts = (
        f"{agreements['same']} the same bit for bit",
        f"{agreements['close']} close",
        f"{agreements['different']} different",
        f"{agreements['refused']} can't be checked",
    )
    console.print(f"\n{len(rows)} methods, a seed of each: {', '.join(counts)}", soft_wrap=True)
    return 1 if agreements["different"] else 2 if agreements["refused"] else 0
