"""One table from those of several machines, each of which made some of the runs of a study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ganbench.core.errors import GanbenchError
from ganbench.results.table import FEW, OF_A_RUN, typed
from ganbench.results.views import runs
from ganbench.tracking import DONE
from ganbench.tracking.metric_names import BESIDE

NUMBER = ["run", "kind", "metric", "step"]
"""Columns that identify a number."""
MUST_AGREE = ("value", *BESIDE)
"""Columns that must be equal wherever a number is; time, device and code may differ from machine to machine."""


def combine(tables: Sequence[pd.DataFrame], sources: Sequence[Path]) -> pd.DataFrame:
    """Combine tidy tables.

    A run in several of them counts once: the first one that has it says what run it is, and the others add the numbers
    that are missing there, since reports leave out some. Where one table has it as ended, those in which it was
    interrupted don't count.

    Args:
        sources: where each table comes from, for messages.

    Raises:
        GanbenchError: a run has another status, or another value of the same number, in another table.
    """
    ended = set[str]().union(*(table.loc[table["status"].isin(DONE), "run"].astype(str) for table in tables))
    tables = [table[table["status"].isin(DONE) | ~table["run"].isin(ended)] for table in tables]
    whole = tables[0]
    for number, table in enumerate(tables[1:], 1):
        _refuse_difference(whole, table, sources[:number], sources[number])
        whole = _add(whole, table)
    return whole


def _add(whole: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    before, after = (part.astype(dict.fromkeys(FEW, object)) for part in (whole, table))
    known, numbers = (pd.MultiIndex.from_frame(part[NUMBER]) for part in (before, after))
    new = after[~numbers.isin(known)].astype(dict.fromkeys(OF_A_RUN, object))
    heads = runs(whole).set_index("run")[list(OF_A_RUN)].astype(object)
    again = new["run"].isin(heads.index)
    for column in OF_A_RUN:
        new.loc[again, column] = new.loc[again, "run"].map(heads[column])
    return typed(pd.concat([before, new], ignore_index=True))


def _refuse_difference(whole: pd.DataFrame, table: pd.DataFrame, before: Sequence[Path], source: Path) -> None:
    columns = [*NUMBER, "status", *MUST_AGREE]
    shared = [
        part.loc[part["run"].isin(other["run"]), columns].astype({"kind": str, "metric": str, "status": str})
        for part, other in ((whole, table), (table, whole))
    ]
    one, another = (part.drop_duplicates(NUMBER) for part in shared)
    both = one.merge(another, on=NUMBER, suffixes=("", " again"))
    one_status, other_status = (dict(zip(part["run"], part["status"], strict=True)) for part in shared)
    for run, status in one_status.items():
        if other_status[run] != status:
            raise GanbenchError(
                f"the run '{run}' is {status} in {_listed(before)} and {other_status[run]} in '{source}': leave out "
                f"the older file"
            )
    for column in MUST_AGREE:
        first, second = both[column], both[f"{column} again"]
        different = both[(first != second) & ~(first.isna() & second.isna())]
        if not different.empty:
            row = different.iloc[0]
            what = row["metric"] if column == "value" else f"the {column} of {row['metric']}"
            raise GanbenchError(
                f"the run '{row['run']}' is in {_listed(before)} and in '{source}' with different numbers: {what} at "
                f"step {row['step']} is {row[column]:g} and {row[f'{column} again']:g}; leave one of them out"
            )


def _listed(sources: Sequence[Path]) -> str:
    return " or ".join(f"'{source}'" for source in sources)
